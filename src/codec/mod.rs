//! Values to bytes and back.
//!
//! Whatever serde can write and read goes through it ([`values`]), in one of two encodings:
//! [`positional`], or where that does not bring a value back, [`named`]. Values that are nothing but
//! arrays of numbers, or a text, are kept as they lie in memory ([`raw`]): a large one is neither copied
//! when it is stored nor taken apart when it is read, and an [`Array`](crate::Array) is not even read.
//! [`select`] picks by type, when the program is compiled; of serde's two, what a type does decides.
//!
//! # Invariants
//! 1. A value is made of bytes whose checksum holds, or of a file that is trusted (see [`payload`](crate::payload)); and of all of
//!    them.
//! 2. A value that would not come back equal is refused when it is encoded. Equal is what means the
//!    same ([`meaning`]). Either the value was read back and compared, or its type is one whose reader
//!    and writer are known to agree ([`symmetric`], [`raw`]).
//! 3. The number of the encoding stands in every entry. A decoder takes entries of its own encoding; others are misses. Whether the
//!    bytes are compressed does not matter to it.
//! 4. No bytes make a program panic, abort or go on for ever when they are read, not even those of a
//!    value that was misread ([`positional`], [`named`]).
//!
//! No error of this library goes behind `dyn` in code that counts: what writes and reads values is
//! in the machine fingerprint of a function. A boxed error brought the number of its type
//! (`TypeId`) along, and with it the versions of all that this library needs. Then `cargo install`,
//! which looks for newer versions, found nothing of what `cargo run` had stored. So errors pass on
//! as words.

mod any;
mod differ;
mod meaning;
mod misfit;
mod named;
mod positional;
pub mod raw;
pub mod select;
mod source;
mod symmetric;
mod values;

use std::fmt;

use serde::de::DeserializeOwned;

pub(crate) use any::decode_any;
pub(crate) use differ::Difference;
pub(crate) use meaning::Meaning;
pub(crate) use symmetric::Symmetric;
pub use values::Value;
pub(crate) use values::{
    Habit, REMEDY, decode_borrowed, decode_owned, encode, other, write_value, write_value_as,
};

use crate::payload::{Bytes, COMPRESSED, Content, Level, ReadError, compress};

/// The number of the encoding by position, in every entry of it. Until values were compared by what
/// they mean, it was 1; an entry of then may be of another value than its function returned.
pub(crate) const POSITIONAL: u8 = 3;

/// The number of the encoding with names.
pub(crate) const NAMED: u8 = 4;

/// The number of the encoding as raw bytes.
pub(crate) const RAW: u8 = 2;

/// The number of the encoding of a text: its bytes.
pub(crate) const TEXT: u8 = 5;

/// What people call an encoding.
pub(crate) fn name(number: u8) -> &'static str {
    match number {
        RAW => "raw bytes",
        TEXT => "text",
        POSITIONAL => "serde, by position",
        NAMED => "serde, with names",
        _ => "an encoding of another version",
    }
}

/// How values of one type become bytes and come back.
pub struct Codec<T> {
    encode: for<'v> fn(&'v T, &Habit) -> Result<Option<Encoded<'v>>, CodecError>,
    decode: fn(&Content<'_>) -> Result<T, DecodeError>,
    differ: fn(&T, &T) -> Option<Difference>,
}

impl<T> Codec<T> {
    /// Where the machine code begins that writes and reads values. (What compares them makes no value.)
    pub(crate) fn roots(&self) -> [usize; 2] {
        [self.encode as usize, self.decode as usize]
    }
}

/// An encoded value.
#[derive(Clone, Debug)]
pub(crate) struct Encoded<'v> {
    /// The number of the encoding, with the bit of compressed bytes.
    pub(crate) codec: u8,
    pub(crate) bytes: Bytes<'v>,
}

impl Encoded<'_> {
    /// This, compressed if that is worth it.
    pub(crate) fn compress(self, level: Level) -> Result<Self, CodecError> {
        let Encoded { codec, bytes } = self;
        Ok(match compress(bytes, level)? {
            Ok(bytes) => Encoded { codec: codec | COMPRESSED, bytes },
            Err(bytes) => Encoded { codec, bytes },
        })
    }
}

/// Why a value did not become bytes, or bytes did not become a value.
pub(crate) type CodecError = Box<dyn std::error::Error + Send + Sync>;

/// Why an entry did not become a value.
#[derive(Debug)]
pub enum DecodeError {
    /// Its bytes are not what was stored, or could not be read.
    Read(ReadError),
    /// Its bytes are what was stored, and no value of the type.
    Unreadable(CodecError),
}

impl<T> Codec<T> {
    /// The bytes of `value`; `None` if it is an `Err`, which this function does not want kept.
    /// `habit` is that of the function.
    pub(crate) fn encode<'v>(&self, value: &'v T, habit: &Habit) -> Result<Option<Encoded<'v>>, CodecError> {
        (self.encode)(value, habit)
    }

    pub(crate) fn decode(&self, content: &Content<'_>) -> Result<T, DecodeError> {
        (self.decode)(content)
    }

    /// How a value differs from one of `before`; `None` if both mean the same.
    pub(crate) fn difference(&self, before: &T, now: &T) -> Option<Difference> {
        (self.differ)(before, now)
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

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Read(error) => error.fmt(f),
            DecodeError::Unreadable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DecodeError {
    /// `Display` has what is inside.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DecodeError::Read(error) => error.source(),
            DecodeError::Unreadable(error) => error.source(),
        }
    }
}

impl<E: Into<ReadError>> From<E> for DecodeError {
    fn from(error: E) -> Self {
        DecodeError::Read(error.into())
    }
}

/// Whether `T` is a `Result`, for code in which its type is not known.
fn is_result<T>() -> bool {
    std::any::type_name::<T>().starts_with("core::result::Result<")
}

/// Fails unless `content` is in an encoding of one of these numbers. They are passed by value: a slice would be a constant in the
/// program, and what the linker puts beside it would count as its code.
#[inline]
fn expect_codec<const N: usize>(content: &Content<'_>, expected: [u8; N]) -> Result<(), DecodeError> {
    if expected.contains(&content.encoding()) {
        return Ok(());
    }
    // The number itself may be damaged.
    content.check()?;
    let how = format!("its value is in encoding {}, not {}", content.encoding(), expected[0]);
    Err(DecodeError::Unreadable(how.into()))
}

/// A value in either encoding through serde.
pub(crate) fn of_serde<T: DeserializeOwned>(content: &Content<'_>) -> Result<T, DecodeError> {
    expect_codec(content, [POSITIONAL, NAMED])?;
    decode_borrowed(content.encoding(), &content.whole()?).map_err(DecodeError::Unreadable)
}
