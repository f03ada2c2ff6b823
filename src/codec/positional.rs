//! Values as serde sees them, as bytes: fixed-width little-endian numbers, lengths, and no names.
//! Specified in `docs/format.md`, "Codec 3".
//!
//! What is read may be of another type than what was written: a field that only the writer or only
//! the reader knows shifts all that follow. The value is refused then, and reading it must end well.
//!
//! # Invariants
//! 1. A length that the bytes announce is compared with how many bytes are left before room is made
//!    for it, or a loop goes by it.
//! 2. Nothing is read deeper than the reader was told. What is read back may be little deeper than
//!    what was written: the stack is finite.
//! 3. All elements of a sequence, tuple or map are read, or it is an error.
//!
//! bincode 2, which did this before, makes room for whatever length is announced: a shifted field
//! ended the program for want of 200 petabytes.

mod reader;
mod writer;

use serde::{Deserialize, Serialize};

use self::reader::Reader;
use self::writer::Writer;
use super::misfit::Misfit;
use super::source::Input;

/// The bytes of `value`, into room for `expected` of them.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, expected: usize) -> Result<Vec<u8>, Misfit> {
    let mut writer = Writer::new(expected);
    value.serialize(&mut writer)?;
    Ok(writer.into_bytes())
}

/// Reads the value of which `source` gives all the bytes. It may have things in one another down to
/// `depth`.
pub(super) fn read<'de, T: Deserialize<'de>>(source: Input<'de, '_>, depth: usize) -> Result<T, Misfit> {
    let mut reader = Reader::new(source, depth);
    let value = T::deserialize(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
