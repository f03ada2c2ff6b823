//! Values read through serde, in whichever encoding they were stored: for tokens that came through
//! serde, where nothing is known of the type but that serde reads it, and its name.
//!
//! Their number of arrays is tried, since it is not stored: every entry of a raw value would carry it
//! for these tokens alone. This code would be needed all the same, but for one loop.

use std::io::{self, Read};

use super::raw::{Described, Form, PACKED};
use super::{CodecError, DecodeError, RAW, TEXT, Value, is_result, of_serde, values};
use crate::payload::Content;

/// Kinds from here on are numbers as wide as addresses; serde writes eight bytes.
const SIZES: u8 = 14;
/// Kinds from here on are types of programs.
const FOREIGN: u8 = 32;

/// What serde's encoding of a `Result` begins with. Of a `Result` the raw encoding has the value in
/// `Ok`, and nothing else.
const OK: [u8; 4] = 0u32.to_le_bytes();

/// Reads a value of any encoding.
pub(crate) fn decode_any<T: Value>(content: &Content<'_>) -> Result<T, DecodeError> {
    match content.encoding() {
        RAW => of_raw(&content.whole()?),
        TEXT => of_text(&content.whole()?),
        _ => of_serde(content),
    }
}

/// A text, of which serde's encoding has the length before it.
fn of_text<T: Value>(payload: &[u8]) -> Result<T, DecodeError> {
    let length = (payload.len() as u64).to_le_bytes();
    let parts = vec![Part::Own(length.to_vec()), Part::Data(payload)];
    of_parts(parts).map_err(DecodeError::Unreadable)
}

/// Raw bytes differ from serde's only in what stands before the data. How many arrays there are serde alone knows, so all numbers
/// are tried that leave no byte over.
fn of_raw<T: Value>(payload: &[u8]) -> Result<T, DecodeError> {
    let mut failed = None;
    for leaves in 1..=MOST {
        let Some(parts) = parts(payload, leaves) else { continue };
        match of_parts(parts) {
            Ok(value) => return Ok(value),
            Err(error) => failed = Some(error),
        }
    }
    let none = || "its value is in an encoding that only its function can read".into();
    Err(DecodeError::Unreadable(failed.unwrap_or_else(none)))
}

/// The value of which serde would have written these parts, or of which it would in an `Ok`.
fn of_parts<T: Value>(mut parts: Vec<Part<'_>>) -> Result<T, CodecError> {
    if is_result::<T>() {
        parts.insert(0, Part::Own(OK.to_vec()));
    }
    let length = parts.iter().map(|part| part.bytes().len()).sum();
    values::decode_from(Chain { parts: &parts, read: 0 }, length)
}

/// More arrays than that have no value.
const MOST: usize = 64;

/// What serde would have written of a value of so many arrays; `None` if it is no such value.
fn parts(payload: &[u8], leaves: usize) -> Option<Vec<Part<'_>>> {
    let mut data = payload;
    let described = (0..leaves).map(|_| Described::take(&mut data)).collect::<Result<Vec<_>, _>>().ok()?;
    let mut at = payload.len() - data.len();
    let is_packed = (payload.len() as u64) < PACKED;
    let mut parts = Vec::new();
    for leaf in described {
        at = if is_packed { at } else { at.next_multiple_of(64) };
        let data = payload.get(at..at.checked_add(leaf.bytes)?)?;
        at += leaf.bytes;
        parts.push(Part::Own(before(&leaf)));
        match leaf.kind {
            FOREIGN.. => return None,
            // Of a machine with other addresses.
            SIZES.. if leaf.size != 8 => return None,
            _ => parts.push(Part::Data(data)),
        }
    }
    (at == payload.len()).then_some(parts)
}

/// What serde's encoding has before the elements.
fn before(leaf: &Described<'_>) -> Vec<u8> {
    let number = |number: usize| (number as u64).to_le_bytes();
    match leaf.form {
        Form::Fixed => Vec::new(),
        Form::Sequence | Form::Text => number(leaf.count).to_vec(),
        Form::Array => {
            let mut bytes = number(leaf.shape().len()).to_vec();
            leaf.shape().for_each(|dimension| bytes.extend_from_slice(&number(dimension)));
            bytes.extend_from_slice(&number(leaf.count));
            bytes
        }
    }
}

enum Part<'p> {
    Own(Vec<u8>),
    Data(&'p [u8]),
}

impl Part<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Part::Own(bytes) => bytes,
            Part::Data(bytes) => bytes,
        }
    }
}

/// Parts, read one behind the other.
struct Chain<'p> {
    parts: &'p [Part<'p>],
    /// How much of the first was read.
    read: usize,
}

impl Read for Chain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let [first, rest @ ..] = self.parts {
            let left = &first.bytes()[self.read..];
            if !left.is_empty() {
                let count = left.len().min(buffer.len());
                buffer[..count].copy_from_slice(&left[..count]);
                self.read += count;
                return Ok(count);
            }
            (self.parts, self.read) = (rest, 0);
        }
        Ok(0)
    }
}
