//! An encoded value that is to be read back once, to see that it can be.

use super::{CodecError, decode, values};
use crate::payload::Pieces;

/// Its bytes.
pub(crate) enum Written<'b> {
    Whole(&'b [u8]),
    /// For a large value, whose bytes are not kept beside the second value.
    Pieces(Pieces),
}

impl Written<'_> {
    pub(crate) fn read<T: serde::de::DeserializeOwned>(self) -> Result<T, CodecError> {
        match self {
            Written::Whole(bytes) => decode(bytes),
            Written::Pieces(pieces) => values::decode_from(pieces),
        }
    }
}
