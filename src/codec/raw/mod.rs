//! Values that are nothing but arrays of numbers, kept as they lie in memory. The format is specified in `docs/format.md`.
//!
//! A value is one array, or a tuple of a few: its *leaves*. First the shapes of all of them are written, then their data. A text that
//! is all of a value is written without a shape (`text`), and small arrays are read without looking for one ([`Raw::of_small`]).
//!
//! # Invariants
//! 1. The type of the elements, their size and the form of the array are written and compared: an entry of `Vec<f32>` is never
//!    read as one of `Vec<f64>`, nor one of `Array<f64>`.
//! 2. Data of large values is borrowed from the value when it is written, and read to its place in the value.
//! 3. Data of large values begins at multiples of 64 bytes, so that it can be mapped.
//!
//! The type of the output decides, when the program is compiled. To be shared with other threads, a
//! borrowed value would have to be copied, since it goes to the caller. So it is stored at once,
//! and waiters read it from there. It is read to uninitialized memory, for which huge pages are
//! asked; each block is checked right after it was read.
//!
//! Arrays inside structs are not mapped. serde has no place for buffers out of band: an agreed form
//! of bytes would pass through every serializer that a user's `Serialize` may put in between.
//! Tuples of arrays are mapped instead.
//!
//! `bytemuck::Pod` holds for `f64` and may one day hold for other types of ours. So the compiler
//! does not take one rule for all `Pod` types beside rules for primitives. [`Raw`] therefore has a
//! parameter that says how elements are known.

mod argument;
mod difference;
mod elements;
mod leaf;
mod text;
mod types;

use std::borrow::Cow;

pub use argument::RawArgument;
pub(crate) use argument::{decode_argument, encode_argument};
pub(crate) use difference::differ;
pub use elements::Elements;
pub(crate) use leaf::{Described, Form, elements, little_endian, unreadable};
pub use leaf::{Leaf, Leaves};

use super::{CodecError, DecodeError, Encoded, RAW, expect_codec};
use crate::payload::{ByteSource, Bytes, Content, LARGE, ReadError};
pub use crate::sys::raw::Bits;
#[cfg(all(feature = "bytemuck", target_endian = "little"))]
pub use crate::sys::raw::Pod;
pub use crate::sys::raw::Primitive;

/// Data begins at multiples of this: a cache line, and enough for any number.
pub(crate) const ALIGN: u64 = 64;

/// Shorter values are packed, without zeros between the leaves.
pub(crate) const PACKED: u64 = 32 * 1024;

/// A type whose values are one array of numbers, or some. `W` is how the numbers are known to be such; see [`Bits`].
pub trait Raw<W>: Sized {
    /// How many arrays a value is.
    const LEAVES: usize;

    /// Whether values may take their data from a mapped file.
    const MAPS: bool = false;

    /// How a value is made of a text, if that is all of it.
    const OF_TEXT: Option<fn(String) -> Self> = None;

    /// The text that is all of the value.
    fn as_text(&self) -> Option<&str> {
        None
    }

    /// The value that this payload is, if it is one small array of just this type. Says nothing of others: [`read`](Self::read)
    /// reads them, or tells what is wrong.
    fn of_small(payload: &[u8]) -> Option<Self> {
        let _ = payload;
        None
    }

    /// Calls `each` with the arrays of the value, in order.
    fn describe<'v>(&'v self, each: &mut dyn FnMut(Leaf<'v>));

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// Fails if what is there is no value of this type, or is damaged or cannot be read.
    fn read(leaves: &mut Leaves<'_>) -> Result<Self, DecodeError>;
}

/// The bytes of a value. Those of a large one are borrowed.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all encoders")]
pub(crate) fn encode<W, T: Raw<W>>(value: &T) -> Result<Encoded<'_>, CodecError> {
    if let Some(text) = value.as_text() {
        return Ok(text::encode(text));
    }
    Ok(join(&|each| value.describe(each)))
}

/// Calls a function with the arrays of a value.
type Describe<'d, 'v> = &'d dyn Fn(&mut dyn FnMut(Leaf<'v>));

/// The bytes of arrays: the shapes of all, then their data.
fn join<'v>(describe: Describe<'_, 'v>) -> Encoded<'v> {
    let (mut position, mut data) = (0, 0);
    describe(&mut |leaf| {
        position += leaf.head_length();
        data += leaf.data.len();
    });
    let is_packed = ((position + data) as u64) < PACKED;
    let mut head = Vec::with_capacity(if is_packed { position + data } else { position });
    describe(&mut |leaf| leaf.write(&mut head));
    if is_packed {
        describe(&mut |leaf| head.extend_from_slice(&leaf.data));
        return Encoded { codec: RAW, bytes: head.into() };
    }
    let mut parts = vec![Cow::Owned(head)];
    describe(&mut |leaf| {
        let padding = position.next_multiple_of(64) - position;
        if padding > 0 {
            parts.push(Cow::Borrowed(&[0; 64][..padding]));
        }
        position += padding + leaf.data.len();
        parts.push(leaf.data);
    });
    let bytes = Bytes::Parts(parts);
    let bytes = if position < LARGE { Bytes::Owned(bytes.to_vec()) } else { bytes };
    Encoded { codec: RAW, bytes }
}

/// Reads a value.
pub(crate) fn decode<W, T: Raw<W>>(content: &Content<'_>) -> Result<T, DecodeError> {
    if let Some(make) = T::OF_TEXT {
        return text::decode(content).map(make);
    }
    if let (RAW, ByteSource::Memory(payload)) = (content.codec, content.source)
        && let Some(value) = T::of_small(payload)
    {
        return Ok(value);
    }
    take_apart(content, T::LEAVES, T::MAPS, T::read)
}

/// Makes a value of arrays, which may `map` their data.
fn take_apart<T>(
    content: &Content<'_>,
    leaves: usize,
    map: bool,
    value: impl FnOnce(&mut Leaves<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    expect_codec(content, [RAW])?;
    let read = || {
        let mut reader = leaf::open(content, map)?;
        let heads = leaf::read_heads(&mut reader, leaves)?;
        let mut leaves = Leaves::new(reader, &heads);
        let value = value(&mut leaves)?;
        leaves.finish()?;
        Ok(value)
    };
    // What is no value may be one that was damaged, and what ends too early one of another type.
    read().map_err(|error| match (error, content.check()) {
        (_, Err(damage)) => DecodeError::Read(damage),
        (DecodeError::Read(ReadError::Damaged(how)), Ok(())) => DecodeError::Unreadable(how.into()),
        (error, Ok(())) => error,
    })
}

#[cfg(test)]
mod tests;
