//! What a value means: all that its `Serialize` implementation tells serde.
//!
//! The bytes of a value do not say what it was. serde's derive counts skipped variants when it
//! writes the index of a variant, and not when it reads one: of
//!
//! ```ignore
//! enum State { #[serde(skip)] Unknown, Cold, Warm, Hot }
//! ```
//!
//! `Cold` is read back as `Warm`, from bytes of the right length and without any error. A field
//! that only the writer or only the reader knows shifts all fields behind it, and the reader may
//! take the bytes of one for another's. So a value that was read back is asked again what it is,
//! and must tell the same: names and indices of variants, names of structs and fields, fields that
//! are skipped, kinds and bits of numbers, texts, and where everything begins and ends.
//!
//! # Invariants
//! 1. Two values with equal meanings told serde the same. A short meaning is compared as it is,
//!    a long one by its XXH3-128 digest.
//! 2. What has no order ([`has_no_order`](crate::key::has_no_order)) is told as a sum of digests of its items: a hash map
//!    is in another order when it was read back. All else is told in the order that it shows.
//! 3. A meaning takes a few KiB, however large the value.
//!
//! What serde is not told (`#[serde(skip)]`, a lossy `into`) has no part in it.
//!
//! This is not the encoding of keys, which looks into files, and which sorts hash maps because its
//! digest must withstand those who look for collisions.

mod serializer;

use std::fmt;
use std::mem;

use serde::Serialize;

use crate::checksum::{self, Running};
use crate::key::{EncodeError, Numbers, PrimitiveKind};

/// Bytes that are gathered before they are digested; a meaning of fewer is never digested.
const PIECE: usize = 16 * 1024;

/// Room for the meaning of a small struct, in bytes, so that the buffer is allocated once.
const FIRST: usize = 256;

/// First byte of everything that is told, but for numbers.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Tag {
    /// The end of a sequence, tuple, struct, variant or map.
    End,
    Unit,
    None,
    Some,
    Text,
    Bytes,
    Sequence,
    Tuple,
    Map,
    /// Items without an order: their number and the sum of their digests.
    Bag,
    UnitStruct,
    NewtypeStruct,
    TupleStruct,
    Struct,
    Field,
    SkippedField,
    UnitVariant,
    NewtypeVariant,
    TupleVariant,
    StructVariant,
    /// Numbers that lie in memory one behind the other: how many, their kind, their bytes.
    Numbers,
    /// Added to the kind of a number.
    Scalar,
}

/// What was told of a value.
pub(crate) struct Meaning {
    /// What was told and is not digested.
    told: Vec<u8>,
    /// Digests what was told before that, if it was long.
    digested: Option<Box<Running>>,
    /// The first field that was skipped.
    skipped: Option<&'static str>,
    /// How many things what is told next is in, and how many that was at most.
    depth: usize,
    deepest: usize,
}

impl Meaning {
    /// The meaning of `value`.
    ///
    /// # Errors
    ///
    /// Fails if its `Serialize` implementation does.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Meaning, EncodeError> {
        let mut meaning = Meaning::empty();
        value.serialize(&mut meaning)?;
        Ok(meaning)
    }

    fn empty() -> Self {
        Meaning { told: Vec::with_capacity(FIRST), digested: None, skipped: None, depth: 0, deepest: 0 }
    }

    /// 16 bytes that stand for it.
    pub(crate) fn digest(&self) -> [u8; 16] {
        match &self.digested {
            None => checksum::of(&self.told, 0),
            Some(digested) => {
                let mut digested = digested.clone();
                digested.update(&self.told);
                digested.finish()
            }
        }
    }

    /// How many bytes it took to tell, or fewer if they were many. The encoded value has hardly more.
    pub(crate) fn length_at_least(&self) -> usize {
        self.told.len()
    }

    /// How many things may be in one another in a value that is read back. A reader may see more of
    /// them than a writer, newtypes for instance, but not without end.
    pub(crate) fn depth(&self) -> usize {
        2 * self.deepest + 32
    }

    /// A field that `skip_serializing_if` left out of the value, if there is one.
    pub(crate) fn skipped_field(&self) -> Option<&'static str> {
        self.skipped
    }

    fn tag(&mut self, tag: Tag) {
        self.told.push(tag as u8);
    }

    /// What is told next is in something, until [`leave`](Self::leave).
    #[inline]
    fn enter(&mut self) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Tells a value that is in something.
    #[inline]
    fn inside<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.enter();
        value.serialize(&mut *self)?;
        self.leave();
        Ok(())
    }

    #[inline]
    fn scalar<const N: usize>(&mut self, kind: PrimitiveKind, bytes: [u8; N]) {
        self.told.push(Tag::Scalar as u8 + kind as u8);
        self.told.extend_from_slice(&bytes);
        self.spill();
    }

    /// A tag and a number.
    #[inline]
    fn counted(&mut self, tag: Tag, number: usize) {
        // In one piece, so that it is asked once whether there is room.
        let mut bytes = [tag as u8; 9];
        bytes[1..].copy_from_slice(&(number as u64).to_le_bytes());
        self.told.extend_from_slice(&bytes);
    }

    /// A text or byte string.
    fn string(&mut self, tag: Tag, bytes: &[u8]) {
        self.counted(tag, bytes.len());
        self.bytes(bytes);
    }

    /// A tag and a name.
    #[inline]
    fn named(&mut self, tag: Tag, name: &str) {
        self.counted(tag, name.len());
        self.told.extend_from_slice(name.as_bytes());
    }

    fn variant(&mut self, tag: Tag, name: &str, index: u32, variant: &str) {
        self.named(tag, name);
        self.counted(tag, index as usize);
        self.named(tag, variant);
    }

    fn numbers(&mut self, numbers: &Numbers<'_>) {
        self.counted(Tag::Numbers, numbers.count);
        self.told.push(numbers.kind as u8);
        self.bytes(numbers.bytes);
    }

    /// Bytes whose number was told. Many are digested from where they are.
    fn bytes(&mut self, bytes: &[u8]) {
        if bytes.len() < PIECE {
            self.told.extend_from_slice(bytes);
            self.spill();
        } else {
            self.digest_told().update(bytes);
        }
    }

    /// Digests what was told, if it is long.
    #[inline]
    fn spill(&mut self) {
        if self.told.len() >= PIECE {
            self.digest_told();
        }
    }

    #[cold]
    fn digest_told(&mut self) -> &mut Running {
        let digested = self.digested.get_or_insert_with(|| Box::new(Running::new()));
        digested.update(&self.told);
        self.told.clear();
        digested
    }

    /// Items that have no order; `tell` tells one.
    fn bag<I>(
        &mut self,
        items: impl Iterator<Item = I>,
        tell: impl Fn(I, &mut Meaning) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut one = Meaning::empty();
        one.depth = self.depth + 1;
        let (mut count, mut sum) = (0, 0u128);
        for item in items {
            tell(item, &mut one)?;
            count += 1;
            sum = sum.wrapping_add(u128::from_le_bytes(one.take_digest()));
        }
        self.skipped = self.skipped.or(one.skipped);
        self.deepest = self.deepest.max(one.deepest).max(one.depth);
        self.counted(Tag::Bag, count);
        self.told.extend_from_slice(&sum.to_le_bytes());
        self.spill();
        Ok(())
    }

    /// The digest, after which nothing is told.
    fn take_digest(&mut self) -> [u8; 16] {
        let digest = self.digest();
        self.told.clear();
        mem::take(&mut self.digested);
        digest
    }
}

impl PartialEq for Meaning {
    fn eq(&self, other: &Self) -> bool {
        match (&self.digested, &other.digested) {
            (None, None) => self.told == other.told,
            _ => self.digest() == other.digest(),
        }
    }
}

impl fmt::Debug for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meaning").field("digest", &self.digest()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
