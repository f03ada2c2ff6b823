//! The codec of all types that serde knows.
//!
//! Their encoding ([`positional`]) writes no names, and bytes say nothing of the type that they are
//! of. So [`encode`] reads every value back before anyone else does, and compares what serde is told
//! of both ([`Meaning`]). A value that would come back as another is refused, with the reason and
//! what to do about it. Types that cannot lie are listed in [`symmetric`](super::symmetric), and go
//! through [`write_value`].
//!
//! To compare lengths, as earlier versions did, let `Cold` come back as `Warm` (see [`meaning`](super::meaning)).
//! To compare bytes would refuse hash maps, whose order changes, and would not see that an untagged
//! `1u8` has become `true`.
//!
//! A large value is read back in pieces: the encoded bytes go as they are read, and the value is
//! encoded again. That is the time of one encoding for the memory of one value. Both encodings must
//! have one checksum.

use std::fmt::Display;
use std::io::Read;
use std::mem;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::CodecError;
use super::meaning::Meaning;
use super::positional::{self, Misfit, Streamed};
use crate::checksum;
use crate::key::preview_of;
use crate::panics;
use crate::payload::Pieces;

/// A type whose values can be kept: what serde can write and read back without borrowing.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be kept",
    label = "`{Self}` must implement `Serialize` and `DeserializeOwned`",
    note = "if the type is yours, derive `serde::Serialize` and `serde::Deserialize` for it",
    note = "if it is of another crate, switch on that crate's feature for serde; if there is none, return a struct of yours \
            that derives both, with `#[serde(with = \"…\")]` at the field",
    note = "arrays of numbers can be returned as `rememo::Array`"
)]
pub trait Value: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Value for T {}

/// Room for small values, in bytes, so that it is allocated once.
const FIRST: usize = 64;

/// Of more bytes than this none are kept beside the value that is read back from them.
const KEPT_WHOLE: usize = 8 * 1024 * 1024;

/// The bytes of `value`, once they were read back as an `R` with the same meaning.
///
/// `R` is the type of the value, or stands for it where it is written by reference. The bytes of a
/// large value are given back as they are read, and the value is encoded once more after that, so
/// that it is never in memory three times.
pub(crate) fn encode<R: Value>(value: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    // A `Serialize` or `Deserialize` that panics is trouble with the cache, not with the function.
    panics::catch(|| try_encode::<R>(value))
        .unwrap_or_else(|_| Err("its `Serialize` or `Deserialize` implementation panicked".into()))
}

fn try_encode<R: Value>(value: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    let meaning = Meaning::of(value).map_err(in_words)?;
    let mut bytes = positional::write(value, meaning.length_at_least()).map_err(in_words)?;
    let length = bytes.len();
    let depth = meaning.depth();
    if length <= KEPT_WHOLE {
        expect_equal(value, &meaning, positional::read::<R>(&bytes, depth))?;
        return Ok(bytes);
    }
    let checksum = checksum::of(&bytes, 0);
    let pieces = Streamed::new(Pieces::from(mem::take(&mut bytes)), length);
    expect_equal(value, &meaning, positional::read_from::<R>(pieces, depth))?;
    let bytes = positional::write(value, length).map_err(in_words)?;
    if checksum::of(&bytes, 0) != checksum {
        return Err("it was written as other bytes when it was written again".into());
    }
    Ok(bytes)
}

/// Fails unless what was read means what `value` does.
fn expect_equal<R: Serialize>(
    value: &impl Serialize,
    meaning: &Meaning,
    read: Result<R, Misfit>,
) -> Result<(), CodecError> {
    let unlike = match (read, meaning.skipped_field()) {
        (Ok(read), _) if Meaning::of(&read).map_err(in_words)? == *meaning => return Ok(()),
        (_, Some(field)) => return Err(skipped(field)),
        (Err(error), None) => return Err(format!("it could not be read back: {error}").into()),
        (Ok(read), None) => read,
    };
    let (written, read) = (preview_of(value), preview_of(&unlike));
    let example = if written == read { String::new() } else { format!(", `{written}` as `{read}`") };
    Err(format!("it would come back as another value{example}: {REMEDY}").into())
}

/// An error without its type. The code here is part of each machine fingerprint, and the number of a type of this
/// library would be in it, which differs when a dependency has another version.
fn in_words(error: impl Display) -> CodecError {
    error.to_string().into()
}

fn skipped(field: &str) -> CodecError {
    format!(
        "serde skips the field `{field}`, and without it the value could not be read back; \
         remove `skip_serializing_if`"
    )
    .into()
}

/// What can be done about a type whose reader and writer disagree.
pub(crate) const REMEDY: &str = "its `Serialize` and `Deserialize` do not agree; put variants under `skip` behind all others, \
     write `skip` for `skip_serializing` or `skip_deserializing` alone, give `with` and `into` their \
     counterparts, and sort hash maps and sets of other crates";

/// The bytes of a value that is not read back here: its type is symmetric, or its reader compares.
pub(crate) fn write_value<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    positional::write(value, FIRST).map_err(in_words)
}

/// Reads the value of which `source` gives `length` bytes, which are all.
pub(super) fn decode_from<T: DeserializeOwned>(source: impl Read, length: usize) -> Result<T, CodecError> {
    positional::read_from(Streamed::new(source, length), usize::MAX).map_err(in_words)
}

/// Reads the value of which `bytes` are all the bytes, and which may borrow from them.
pub(crate) fn decode_borrowed<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    positional::read(bytes, usize::MAX).map_err(in_words)
}

/// Reads the value of which `bytes` are all the bytes, and which borrows nothing from them; a type
/// that would have to is an error.
pub(crate) fn decode_owned<T: Deserialize<'static>>(bytes: &[u8]) -> Result<T, CodecError> {
    positional::read_owned(bytes, usize::MAX).map_err(in_words)
}

/// Reads the value of which `bytes` are all the bytes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    decode_borrowed(bytes)
}

#[cfg(test)]
mod tests;
