//! Values whose bytes say what they are: kinds, names of fields and of variants. Specified in
//! `docs/format.md`, "Codec 4".
//!
//! For values that the [`positional`](super::positional) encoding cannot bring back: of enums that
//! are `untagged` or have a `tag`, with `flatten`, with fields that are skipped, with skipped
//! variants; `serde_json::Value` and all else that asks for `deserialize_any`. serde sees what JSON
//! would show it: a struct is a map, a variant is its name, or a map from its name to its content.
//! So what was written for JSON works here. Unlike JSON, numbers keep their type and all their
//! bits, keys may be anything, bytes are bytes, and `Some(None)` is not `None`.
//!
//! # Invariants
//! 1. As for positional bytes: lengths are compared with what is left, depth is bounded, and all
//!    elements are read.
//! 2. `Some` is written where its content could be taken for `None`, and only there. Elsewhere a
//!    reader that knows of no `Option` may read the content, as from JSON.
//!
//! # Why not a library
//! Eight were tried with 390 values: of 44 types, by themselves, in fields that are skipped, in
//! flattened structs and maps, and in enums of each kind. They lost: `rmp-serde` 29, `ciborium` 38,
//! `serde-content` 40, `pot` 45, `cbor4ii` 50, `minicbor-serde` and `serde_cbor_2` 60, `flexbuffers` 90.
//! All but `serde-content` write `Some(None)` as `None`, and nearly all `Some(())`. In enums without a
//! tag `rmp-serde` loses unit structs and IP addresses, `serde-content` all other enums. What is lost
//! here, serde itself cannot buffer: numbers of 128 bits under `flatten`, `tag` and `untagged`.
//!
//! Besides, what writes and reads values is in the machine fingerprint of a function. All its values
//! would be lost with each version of the library that compiles to other code.

mod reader;
mod writer;

use serde::{Deserialize, Serialize};

use self::reader::Reader;
use self::writer::Writer;
use super::misfit::Misfit;
use super::source::Input;

/// First byte of everything that is written, but for numbers, `bool` and `char`, which begin with
/// their [`PrimitiveKind`](crate::key::PrimitiveKind).
mod kind {
    pub(super) const UNIT: u8 = 14;
    pub(super) const NONE: u8 = 15;
    /// What follows would be taken for `None` without it.
    pub(super) const SOME: u8 = 16;
    pub(super) const TEXT: u8 = 17;
    pub(super) const BYTES: u8 = 18;
    /// The name of a field or variant that is met for the first time.
    pub(super) const NEW_NAME: u8 = 19;
    /// One that was met before: its number.
    pub(super) const NAME: u8 = 20;
    /// Values up to the end.
    pub(super) const SEQUENCE: u8 = 21;
    /// Keys and values up to the end.
    pub(super) const MAP: u8 = 22;
    /// A sequence of numbers of one kind, as they lie in memory.
    pub(super) const NUMBERS: u8 = 23;
    pub(super) const END: u8 = 24;
}

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

/// Whether `bytes` are those of a variant of this name with content.
pub(super) fn is_variant(bytes: &[u8], name: &str) -> bool {
    let Ok(length) = u8::try_from(name.len()) else { return false };
    bytes
        .strip_prefix(&[kind::MAP, kind::NEW_NAME, length])
        .is_some_and(|rest| rest.starts_with(name.as_bytes()))
}

#[cfg(test)]
mod tests;
