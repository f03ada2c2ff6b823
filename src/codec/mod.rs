//! Values to bytes and back.
//!
//! # Invariants
//! 1. Bytes reach a decoder only after their checksum held, and a decoder must use all of them.
//! 2. A value that would not come back equal is refused when it is encoded: see [`faithful`].
//! 3. Only [`values`] knows which serialization library is used; its number stands in every entry.

mod faithful;
pub mod select;
mod values;

use std::fmt;

pub use values::Value;
pub(crate) use values::{decode, encode, measure};

/// Written into every entry, so that another encoding of values is a miss and never misread.
pub(crate) const CODEC: u8 = 1;

/// How values of one type become bytes and come back.
pub struct Codec<T> {
    encode: fn(&T, &mut Vec<u8>) -> Result<Encoded, CodecError>,
    decode: fn(&[u8]) -> Result<T, CodecError>,
}

/// What [`Codec::encode`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoded {
    /// The bytes of the value were appended.
    Whole,
    /// The value is an `Err`, which this function does not want kept.
    Declined,
}

/// Why a value did not become bytes, or bytes did not become a value.
pub(crate) type CodecError = Box<dyn std::error::Error + Send + Sync>;

impl<T> Codec<T> {
    pub(crate) fn encode(&self, value: &T, bytes: &mut Vec<u8>) -> Result<Encoded, CodecError> {
        (self.encode)(value, bytes)
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        (self.decode)(bytes)
    }
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec<{}>", std::any::type_name::<T>())
    }
}
