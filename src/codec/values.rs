//! The codec of all types that serde knows.
//!
//! It has two encodings. [`positional`] is small and fast, writes no names, and its bytes say nothing
//! of the type that they are of. [`named`] bytes say what they are. So [`encode`] reads every value
//! back before anyone else does, and compares what serde is told of both ([`Meaning`]). If a value
//! would come back as another, the other encoding is tried. What neither brings back is refused, with
//! the reason and what to do about it. Types that cannot lie are listed in
//! [`symmetric`](super::symmetric), and go through [`write_value`].
//!
//! Which encoding a type needs is seen by what it does, not by a list, and kept as the [`Habit`] of
//! the function: the next value is tried in that encoding first. Each entry says which it is in.
//!
//! To compare lengths, as earlier versions did, let `Cold` come back as `Warm` (see [`meaning`](super::meaning)).
//! To compare bytes would refuse hash maps, whose order changes, and would not see that an untagged
//! `1u8` has become `true`.
//!
//! A large value is read back in pieces: the encoded bytes go as they are read, and the value is
//! encoded again. That is the time of one encoding for the memory of one value. Both encodings must
//! have one checksum.

mod field;

use std::fmt::Display;
use std::io::Read;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::meaning::Meaning;
use super::misfit::Misfit;
use super::source::Input;
use super::{CodecError, Encoded, NAMED, POSITIONAL, named, positional};
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

/// Which encoding the values of a function, or its arguments, are tried in first: the last one in
/// which one of them came back where the other had failed.
#[derive(Debug, Default)]
pub(crate) struct Habit(AtomicBool);

impl Habit {
    /// That of a function of which nothing is known.
    pub(crate) const fn new() -> Self {
        Habit(AtomicBool::new(false))
    }

    /// The number of the encoding.
    pub(crate) fn encoding(&self) -> u8 {
        if self.0.load(Relaxed) { NAMED } else { POSITIONAL }
    }

    pub(crate) fn set(&self, encoding: u8) {
        self.0.store(encoding == NAMED, Relaxed);
    }
}

/// The encoding that is not this one.
pub(crate) fn other(encoding: u8) -> u8 {
    if encoding == NAMED { POSITIONAL } else { NAMED }
}

/// The bytes of `value`, once they were read back as an `R` with the same meaning.
///
/// `R` is the type of the value, or stands for it where it is written by reference. The bytes of a
/// large value are given back as they are read, and the value is encoded once more after that, so
/// that it is never in memory three times.
pub(crate) fn encode<R: Value>(
    value: &impl Serialize,
    habit: &Habit,
) -> Result<Encoded<'static>, CodecError> {
    // A `Serialize` or `Deserialize` that panics is trouble with the cache, not with the function.
    panics::catch(|| try_encode::<R>(value, habit))
        .unwrap_or_else(|_| Err("its `Serialize` or `Deserialize` implementation panicked".into()))
}

fn try_encode<R: Value>(value: &impl Serialize, habit: &Habit) -> Result<Encoded<'static>, CodecError> {
    let meaning = Meaning::of(value).map_err(in_words)?;
    let first = habit.encoding();
    let encoded = |codec, bytes: Vec<u8>| Encoded { codec, bytes: bytes.into() };
    let failed = match encode_as::<R>(first, value, &meaning) {
        Ok(bytes) => return Ok(encoded(first, bytes)),
        Err(failed) => failed,
    };
    let second = other(first);
    match encode_as::<R>(second, value, &meaning) {
        Ok(bytes) => {
            habit.set(second);
            Ok(encoded(second, bytes))
        }
        // Of the two failures the one where names were read tells more.
        Err(also_failed) => Err(if second == NAMED { also_failed } else { failed }),
    }
}

fn encode_as<R: Value>(
    encoding: u8,
    value: &impl Serialize,
    meaning: &Meaning,
) -> Result<Vec<u8>, CodecError> {
    let mut bytes = write(encoding, value, meaning.length_at_least()).map_err(in_words)?;
    let length = bytes.len();
    let depth = meaning.depth();
    if length <= KEPT_WHOLE {
        expect_equal(value, meaning, read::<R>(encoding, Input::Lent(&bytes), depth))?;
        return Ok(bytes);
    }
    let checksum = checksum::of(&bytes, 0);
    let mut pieces = Pieces::from(mem::take(&mut bytes));
    expect_equal(
        value,
        meaning,
        read::<R>(encoding, Input::Streamed(&mut |to| pieces.read_exact(to), length), depth),
    )?;
    let bytes = write(encoding, value, length).map_err(in_words)?;
    if checksum::of(&bytes, 0) != checksum {
        return Err("it was written as other bytes when it was written again".into());
    }
    Ok(bytes)
}

fn write<T: Serialize + ?Sized>(encoding: u8, value: &T, expected: usize) -> Result<Vec<u8>, Misfit> {
    match encoding {
        NAMED => named::write(value, expected),
        _ => positional::write(value, expected),
    }
}

fn read<'de, T: Deserialize<'de>>(encoding: u8, source: Input<'de, '_>, depth: usize) -> Result<T, Misfit> {
    match encoding {
        NAMED => named::read(source, depth),
        _ => positional::read(source, depth),
    }
}

/// Fails unless what was read means what `value` does.
fn expect_equal<R: Serialize>(
    value: &impl Serialize,
    meaning: &Meaning,
    read: Result<R, Misfit>,
) -> Result<(), CodecError> {
    let unlike = match (read, meaning.skipped_field()) {
        (Ok(read), _) if Meaning::of(&read).map_err(in_words)? == *meaning => return Ok(()),
        (Err(error), Some(field)) => return Err(skipped(field, &error)),
        (Err(error), None) => return Err(format!("it cannot be read back: {error}; {REMEDY}").into()),
        (Ok(read), _) => read,
    };
    let (written, read) = (preview_of(value), preview_of(&unlike));
    let field =
        field::differing(&written, &read).map_or(String::new(), |field| format!(" in the field `{field}`"));
    let example = if written == read { String::new() } else { format!(", `{written}` as `{read}`") };
    Err(format!("it would come back as another value{field}{example}; {REMEDY}").into())
}

/// An error without its type. The code here is part of each machine fingerprint, and the number of a type of this
/// library would be in it, which differs when a dependency has another version.
fn in_words(error: impl Display) -> CodecError {
    error.to_string().into()
}

fn skipped(field: &str, error: &Misfit) -> CodecError {
    format!(
        "serde skips the field `{field}`, and without it the value cannot be read back ({error}); \
         write `default` beside `skip_serializing_if`"
    )
    .into()
}

/// What can be done about a type whose reader and writer disagree.
pub(crate) const REMEDY: &str = "its `Serialize` and `Deserialize` do not agree: write `default` beside \
     `skip_serializing_if`, `skip` for `skip_serializing` or `skip_deserializing` alone, give `with` and `into` \
     their counterparts, and sort hash maps and sets of other crates; or return another type";

/// The bytes of a value that is not read back here: its type is symmetric, or its reader compares.
pub(crate) fn write_value<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    write_value_as(POSITIONAL, value)
}

/// The same in one of the two encodings.
pub(crate) fn write_value_as<T: Serialize + ?Sized>(encoding: u8, value: &T) -> Result<Vec<u8>, CodecError> {
    write(encoding, value, FIRST).map_err(in_words)
}

/// Reads the value of which `source` gives `length` bytes, which are all.
pub(super) fn decode_from<T: DeserializeOwned>(
    mut source: impl Read,
    length: usize,
) -> Result<T, CodecError> {
    read(POSITIONAL, Input::Streamed(&mut |to| source.read_exact(to), length), usize::MAX).map_err(in_words)
}

/// Reads the value of which `bytes` are all the bytes in an encoding, and which may borrow from them.
pub(crate) fn decode_borrowed<'b, T: Deserialize<'b>>(
    encoding: u8,
    bytes: &'b [u8],
) -> Result<T, CodecError> {
    read(encoding, Input::Lent(bytes), usize::MAX).map_err(in_words)
}

/// Reads the value of which `bytes` are all the bytes, and which borrows nothing from them; a type
/// that would have to is an error.
pub(crate) fn decode_owned<T: Deserialize<'static>>(encoding: u8, bytes: &[u8]) -> Result<T, CodecError> {
    read(encoding, Input::Copied(bytes), usize::MAX).map_err(in_words)
}

#[cfg(test)]
mod tests;
