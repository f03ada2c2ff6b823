//! The codec of all types that serde knows: bincode 2 with fixed-width little-endian integers.

use std::mem;

use bincode::serde::OwnedSerdeDecoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::CodecError;
use super::faithful::{self, Faithful};
use super::written::Written;

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

/// Values of more bytes than this are tried only if they hold structs or variants, where fields may be left out.
const TRIED: usize = 64 * 1024;

/// Of more bytes than this none are kept beside the value that is read back from them.
const TRIED_WHOLE: usize = 8 * 1024 * 1024;

/// The bytes of `value`, once it is seen that they can be read back.
///
/// `read_back` reads the value again and measures it with [`measure`]. A field that only the reader or only the writer knows
/// shifts all that follow; then the bytes cannot be read, are not used up, or the value that was read has another length. What
/// order a hash map has does not matter to a length. A large value is encoded a second time after that: the bytes went as
/// they were read, so that the value is never in memory three times.
pub(crate) fn encode<T: Serialize>(
    value: &T,
    read_back: impl FnOnce(Written<'_>) -> Result<usize, CodecError>,
) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::new();
    let has_fields = write(value, &mut bytes)?;
    let length = bytes.len();
    if !has_fields && length > TRIED {
        return Ok(bytes);
    }
    let again = length > TRIED_WHOLE;
    let read = if again {
        read_back(Written::Pieces(mem::take(&mut bytes).into()))
    } else {
        read_back(Written::Whole(&bytes))
    };
    if read.map_err(|error| format!("it could not be read back: {error}"))? != length {
        return Err("it would be read back as another value: serde writes other fields than it reads \
                    (`skip_serializing`, `skip_serializing_if`)"
            .into());
    }
    if again {
        bytes.reserve_exact(length);
        write(value, &mut bytes)?;
    }
    Ok(bytes)
}

/// Appends the bytes of `value`; whether it has structs or variants with fields.
fn write<T: Serialize>(value: &T, bytes: &mut Vec<u8>) -> Result<bool, CodecError> {
    Ok(faithful::watch(|| bincode::serde::encode_into_std_write(Faithful(value), bytes, CONFIG))?)
}

/// How many bytes `value` takes.
pub(crate) fn measure<T: Serialize>(value: &T) -> Result<usize, CodecError> {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    bincode::serde::encode_into_std_write(Faithful(value), &mut count, CONFIG)?;
    Ok(count.0)
}

/// Reads the value of which `source` gives all the bytes.
pub(super) fn decode_from<T: DeserializeOwned>(mut source: impl std::io::Read) -> Result<T, CodecError> {
    let value = bincode::serde::decode_from_std_read(&mut source, CONFIG)?;
    if source.read(&mut [0])? > 0 {
        return Err("bytes are left over".into());
    }
    Ok(value)
}

/// The bytes of a value whose reader will see by itself whether they are read as they were written.
pub(crate) fn write_value<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    Ok(bincode::serde::encode_to_vec(value, CONFIG)?)
}

/// Reads the value of which `bytes` are all the bytes, and which may borrow from them.
pub(crate) fn decode_borrowed<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::serde::borrow_decode_from_slice(bytes, CONFIG)?;
    if used != bytes.len() {
        return Err(format!("{} of {} bytes are left over", bytes.len() - used, bytes.len()).into());
    }
    Ok(value)
}

/// Reads the value of which `bytes` are all the bytes, and which borrows nothing from them; a type that would have to is an error.
pub(crate) fn decode_owned<T: Deserialize<'static>>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut rest = Rest(bytes);
    let value = T::deserialize(OwnedSerdeDecoder::from_reader(&mut rest, CONFIG).as_deserializer())?;
    if !rest.0.is_empty() {
        return Err(format!("{} of {} bytes are left over", rest.0.len(), bytes.len()).into());
    }
    Ok(value)
}

/// Bytes that are copied out, never lent.
struct Rest<'b>(&'b [u8]);

impl bincode::de::read::Reader for Rest<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), bincode::error::DecodeError> {
        let missing = bytes.len().saturating_sub(self.0.len());
        let Some((read, rest)) = self.0.split_at_checked(bytes.len()) else {
            return Err(bincode::error::DecodeError::UnexpectedEnd { additional: missing });
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
