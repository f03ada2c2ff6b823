//! The codec of all types that serde knows: bincode 2 with fixed-width little-endian integers.
//!
//! bincode writes no names, and what it writes says nothing of its type. So [`encode`] reads every
//! value back before anyone else does, and compares what serde is told of both ([`Meaning`]). A
//! value that would come back as another is refused, with the reason and what to do about it. Types
//! that cannot lie are listed in [`symmetric`](super::symmetric), and go through [`write_value`].

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bincode::error::{DecodeError, EncodeError};
use bincode::serde::OwnedSerdeDecoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::CodecError;
use super::meaning::Meaning;
use crate::checksum;
use crate::key::preview_of;
use crate::payload::Pieces;

/// Fixed width: numbers are as fast as a copy, and the size of small results does not matter.
const CONFIG: bincode::config::Configuration<bincode::config::LittleEndian, bincode::config::Fixint> =
    bincode::config::standard().with_fixed_int_encoding();

/// A type whose values can be kept: what serde can write and read back without borrowing.
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be kept",
    label = "`{Self}` must implement `Serialize` and `DeserializeOwned`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or return another type"
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
    catch_unwind(AssertUnwindSafe(|| try_encode::<R>(value)))
        .unwrap_or_else(|_| Err("its `Serialize` or `Deserialize` implementation panicked".into()))
}

fn try_encode<R: Value>(value: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    let meaning = Meaning::of(value)?;
    let unread = |error: &dyn std::fmt::Display| match meaning.skipped_field() {
        Some(field) => skipped(field),
        None => format!("it could not be read back: {error}").into(),
    };
    let mut bytes = write(value, meaning.length_at_least())?;
    let length = bytes.len();
    let checksum = (length > KEPT_WHOLE).then(|| checksum::of(&bytes, 0));
    let read = match checksum {
        None => decode::<R>(&bytes),
        Some(_) => decode_from(Pieces::from(mem::take(&mut bytes))),
    };
    expect_equal(value, &meaning, &read.map_err(|error| unread(&error))?)?;
    if let Some(checksum) = checksum {
        bytes = write(value, length)?;
        if checksum::of(&bytes, 0) != checksum {
            return Err("it was written as other bytes when it was written again".into());
        }
    }
    Ok(bytes)
}

/// Fails unless `read` means what `value` does.
fn expect_equal(value: &impl Serialize, meaning: &Meaning, read: &impl Serialize) -> Result<(), CodecError> {
    if Meaning::of(read)? == *meaning {
        return Ok(());
    }
    if let Some(field) = meaning.skipped_field() {
        return Err(skipped(field));
    }
    let (written, read) = (preview_of(value), preview_of(read));
    let example = if written == read { String::new() } else { format!(", `{written}` as `{read}`") };
    Err(format!("it would come back as another value{example}: {REMEDY}").into())
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
    write(value, FIRST)
}

/// The bytes of a value, into room for `expected` of them.
fn write<T: Serialize + ?Sized>(value: &T, expected: usize) -> Result<Vec<u8>, CodecError> {
    let mut buffer = Buffer(Vec::with_capacity(expected));
    bincode::serde::encode_into_writer(value, &mut buffer, CONFIG).map_err(unwritable)?;
    Ok(buffer.0)
}

/// Takes what is encoded. (bincode's own begins without room and grows five times to 128 bytes.)
struct Buffer(Vec<u8>);

impl bincode::enc::write::Writer for &mut Buffer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// What bincode cannot write, in words for those who do not know it.
fn unwritable(error: EncodeError) -> CodecError {
    match error {
        EncodeError::Serde(bincode::serde::EncodeError::SequenceMustHaveLength) => {
            "it has a sequence or map that does not say its length, as a `flatten`ed field makes one".into()
        }
        error => error.into(),
    }
}

/// The same of what it cannot read.
fn unreadable(error: DecodeError) -> CodecError {
    use bincode::serde::DecodeError::{AnyNotSupported, IdentifierNotSupported, IgnoredAnyNotSupported};
    match error {
        DecodeError::Serde(AnyNotSupported | IdentifierNotSupported | IgnoredAnyNotSupported) => {
            "it would have to be told by its bytes what it is, as `untagged`, `tag`, `flatten` and \
             `serde_json::Value` ask for; the store keeps no names"
                .into()
        }
        error => error.into(),
    }
}

/// Reads the value of which `source` gives all the bytes.
pub(super) fn decode_from<T: DeserializeOwned>(mut source: impl std::io::Read) -> Result<T, CodecError> {
    let value = bincode::serde::decode_from_std_read(&mut source, CONFIG).map_err(unreadable)?;
    if source.read(&mut [0])? > 0 {
        return Err("bytes are left over".into());
    }
    Ok(value)
}

/// Reads the value of which `bytes` are all the bytes, and which may borrow from them.
pub(crate) fn decode_borrowed<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::serde::borrow_decode_from_slice(bytes, CONFIG).map_err(unreadable)?;
    if used != bytes.len() {
        return Err(format!("{} of {} bytes are left over", bytes.len() - used, bytes.len()).into());
    }
    Ok(value)
}

/// Reads the value of which `bytes` are all the bytes, and which borrows nothing from them; a type that would have to is an error.
pub(crate) fn decode_owned<T: Deserialize<'static>>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut rest = Rest(bytes);
    let value = T::deserialize(OwnedSerdeDecoder::from_reader(&mut rest, CONFIG).as_deserializer())
        .map_err(unreadable)?;
    if !rest.0.is_empty() {
        return Err(format!("{} of {} bytes are left over", rest.0.len(), bytes.len()).into());
    }
    Ok(value)
}

/// Bytes that are copied out, never lent.
struct Rest<'b>(&'b [u8]);

impl bincode::de::read::Reader for Rest<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        let missing = bytes.len().saturating_sub(self.0.len());
        let Some((read, rest)) = self.0.split_at_checked(bytes.len()) else {
            return Err(DecodeError::UnexpectedEnd { additional: missing });
        };
        bytes.copy_from_slice(read);
        self.0 = rest;
        Ok(())
    }
}

/// Reads the value of which `bytes` are all the bytes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    decode_borrowed(bytes)
}

#[cfg(test)]
mod tests;
