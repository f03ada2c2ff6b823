//! A single value in a file: [`dump`] and [`load`]. The file is specified in `docs/format.md`, "A value in a file".
//!
//! # Invariants
//! 1. A file is read as the type that it was written as, or not at all, and only if its checksum holds.
//! 2. A file appears whole, in place of the one before.

mod bytes;

use std::any::type_name;
use std::path::Path;
use std::time::{Duration, SystemTime};

pub(crate) use self::bytes::{decode_value, encode_value};
use crate::codec::{Encoded, Value};
use crate::error::{Error, Result, chain};
use crate::key::{FunctionId, Key};
use crate::store::{Author, Draft, single};

/// Domain of blake3's key derivation; the number is the version of what is derived.
const DUMP_CONTEXT: &str = "rememo dump 1: a value of a type";

/// Writes a value to a file, in place of any there; [`load`] reads it.
///
/// For a value that is to stay: a trained model, a table for a colleague. The file has the name of the type and a
/// checksum. It appears whole or, if the disk is full, not at all. What serde writes is written with the names of fields, so
/// that the type may gain a field with `#[serde(default)]`. The numbers of an [`Array`](crate::Array) or `Vec` are written as they lie
/// in memory.
///
/// # Errors
///
/// Fails if the value would not come back as it is, or the file cannot be written. The directory must be there.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("weights");
/// use rememo::Array;
///
/// rememo::dump(&path, &Array::from(vec![0.5; 1000]))?;
/// let weights: Array<f64> = rememo::load(&path)?; // mapped: nothing is read but for the checksum
/// assert_eq!(weights.len(), 1000);
/// assert!(rememo::load::<Vec<f32>>(&path).is_err()); // it is of another type
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn dump<T: Value + 'static>(path: impl AsRef<Path>, value: &T) -> Result<()> {
    write(path.as_ref(), encoded(value)?, type_name::<T>())
}

/// As [`dump`], compressed with zstd at `level` (1 to 22; 3 is a good one), unless that does not make it smaller. A compressed
/// [`Array`](crate::Array) is read and not mapped.
///
/// # Errors
///
/// As [`dump`]; also if there is no such level.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("table");
/// let table: Vec<u64> = (0..100_000).collect();
/// rememo::dump_compressed(&path, &table, 3)?;
/// assert!(std::fs::metadata(&path)?.len() < 400_000);
/// assert_eq!(rememo::load::<Vec<u64>>(&path)?, table);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "zstd")]
pub fn dump_compressed<T: Value + 'static>(path: impl AsRef<Path>, value: &T, level: i32) -> Result<()> {
    let path = path.as_ref();
    let level = crate::payload::Level::new(level)
        .ok_or_else(|| Error::file(path, format!("`{level}` is no level of zstd: 1 to 22 are")))?;
    let encoded = encoded(value)?.compress(level);
    write(path, encoded.map_err(|error| Error::value("compress", type_name::<T>(), error))?, type_name::<T>())
}

/// Reads the value that [`dump`] has written to a file.
///
/// An [`Array`](crate::Array) of 64 KiB or more is mapped where the file is on a local file system: it is read once for
/// the checksum, and takes no memory of its own. Do not write into a file that is mapped; [`dump`] puts another in
/// its place.
///
/// # Errors
///
/// Fails if there is no such file, it is damaged, it holds a value of a type of another name, or what is there is no value of the type
/// any more.
pub fn load<T: Value + 'static>(path: impl AsRef<Path>) -> Result<T> {
    let path = path.as_ref();
    let entry = single::read(path, &key_of(type_name::<T>()))?;
    decode_value(&entry.value()).map_err(|error| Error::file(path, chain(&error).to_string()))
}

fn encoded<T: Value + 'static>(value: &T) -> Result<Encoded<'_>> {
    encode_value(value).map_err(|error| Error::value("dump", type_name::<T>(), error))
}

fn write(path: &Path, encoded: Encoded<'_>, of_type: &'static str) -> Result<()> {
    let Encoded { codec, bytes } = encoded;
    single::write(
        path,
        &Draft {
            key: key_of(of_type),
            function: FunctionId([0; 8]),
            function_name: of_type,
            arguments: "".into(),
            created: SystemTime::now(),
            compute_time: Duration::ZERO,
            author: Author::Other(None),
            codec,
            payload: bytes,
        },
    )
}

/// What tells that a file holds a value of this type.
fn key_of(of_type: &str) -> Key {
    Key::from_bytes(blake3::derive_key(DUMP_CONTEXT, of_type.as_bytes()))
}
