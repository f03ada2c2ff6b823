//! The codec of all types that serde knows: bincode 2 with fixed-width little-endian integers.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CodecError;
use super::faithful::Faithful;

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

/// Appends the bytes of `value`.
pub(crate) fn encode<T: Serialize>(value: &T, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    bincode::serde::encode_into_std_write(Faithful(value), bytes, CONFIG)?;
    Ok(())
}

/// Reads the value of which `bytes` are all the bytes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::serde::decode_from_slice(bytes, CONFIG)?;
    if used != bytes.len() {
        return Err(format!("{} of {} bytes are left over", bytes.len() - used, bytes.len()).into());
    }
    Ok(value)
}
