//! The canonical encoding of arguments, streamed into blake3. Specified in `docs/format.md`, "Canonical bytes".
//!
//! # Invariants
//! 1. Injective over what serde is told: two values that serialize with different structure, types or contents have
//!    different bytes. (A tuple struct that skips fields does not tell which.) Every item starts with a tag and says itself where it ends, so a `Serialize` implementation that
//!    announces a wrong length can cause a miss but never make two values look equal.
//! 2. A `HashMap` is sorted by its encoded keys, a `HashSet` by its encoded elements: the order in which they were filled does not
//!    matter. Whatever else is a map or a sequence to serde may have an order that matters, and counts in the order that it
//!    shows ([`unordered`]).
//! 3. Elements of equal primitive type that follow one another in a sequence form runs. Long sequences are hashed apart, the
//!    bytes of such elements in a stream of their own ([`apart`]), and join by their digest.
//! 4. What is known beforehand ([`known`](super::known)) has the bytes that it would have if it were encoded anew.
//!
//! Names of structs, fields and variants are hashed: `skip_serializing_if` and `untagged` can make
//! different values serialize alike but for them. Variants have their index, too, since serde's
//! derive lets two variants have one name.

mod apart;
mod buffer;
mod compound;
mod numbers;
mod rows;
mod serializer;
mod unordered;

use std::fmt;

use serde::{Serialize, ser};

use self::apart::Data;
use self::buffer::Buffer;
pub(crate) use self::numbers::Numbers;
pub(crate) use self::unordered::has_no_order;
use super::Identity;
use super::hashing;

/// Most elements of one run of a sequence that is not hashed apart.
const RUN_ELEMENTS: usize = 8192;
/// A sequence of this many elements, a map of this many entries, or a text or byte string of this many bytes is hashed apart.
const APART: usize = 4096;
/// Bytes gathered before they go to the hasher: blake3 is fastest in pieces of 16 KiB and more.
const SPILL: usize = 64 * 1024;

/// First byte of every item. The values are part of the format; 0x08, 0x10 to 0x13 and 0x88 had other meanings in earlier versions.
mod tag {
    pub(super) const END: u8 = 0x00;
    pub(super) const UNIT: u8 = 0x01;
    pub(super) const NONE: u8 = 0x02;
    pub(super) const SOME: u8 = 0x03;
    pub(super) const TEXT: u8 = 0x04;
    pub(super) const BYTES: u8 = 0x05;
    pub(super) const SEQUENCE: u8 = 0x06;
    pub(super) const TUPLE: u8 = 0x07;
    pub(super) const UNIT_STRUCT: u8 = 0x09;
    pub(super) const NEWTYPE_STRUCT: u8 = 0x0a;
    pub(super) const TUPLE_STRUCT: u8 = 0x0b;
    pub(super) const STRUCT: u8 = 0x0c;
    pub(super) const FIELD: u8 = 0x0d;
    pub(super) const SKIPPED_FIELD: u8 = 0x0e;
    pub(super) const ENTRY: u8 = 0x14;
    pub(super) const INPUT_FILE: u8 = 0x15;
    pub(super) const INPUT_DIR: u8 = 0x16;
    pub(super) const MAP: u8 = 0x17;
    pub(super) const HASH_MAP: u8 = 0x18;
    pub(super) const HASH_SET: u8 = 0x19;
    pub(super) const UNIT_VARIANT: u8 = 0x1a;
    pub(super) const NEWTYPE_VARIANT: u8 = 0x1b;
    pub(super) const TUPLE_VARIANT: u8 = 0x1c;
    pub(super) const STRUCT_VARIANT: u8 = 0x1d;
    /// Added to the kind of a primitive that stands alone.
    pub(super) const SCALAR: u8 = 0x20;
    /// Added to the kind of the primitives of a run.
    pub(super) const RUN: u8 = 0x40;
    /// Added to the tag of a text, byte string, sequence, tuple, map or set that is hashed apart.
    pub(super) const APART: u8 = 0x80;
}

/// The kinds of primitives. The values are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PrimitiveKind {
    Bool = 0,
    I8 = 1,
    I16 = 2,
    I32 = 3,
    I64 = 4,
    I128 = 5,
    U8 = 6,
    U16 = 7,
    U32 = 8,
    U64 = 9,
    U128 = 10,
    F32 = 11,
    F64 = 12,
    Char = 13,
}

/// A value that its `Serialize` implementation refused to serialize, in its own words.
///
/// Boxed twice to be one word wide: the result of every element passes through a register.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "one word, see above")]
pub(crate) struct EncodeError(Box<String>);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EncodeError {}

impl ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        EncodeError(Box::new(message.to_string()))
    }
}

/// What a digest stands for that is no digest of canonical bytes.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum StandIn {
    /// A value in the cache: the digest is the key of its entry.
    Entry = tag::ENTRY,
    /// A file: the digest is that of its content.
    InputFile = tag::INPUT_FILE,
    /// A directory: the digest is that of the tree below it.
    InputDir = tag::INPUT_DIR,
}

/// A serde serializer whose output is canonical bytes, kept or hashed.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// Bytes not hashed yet; all of them while `destination` is [`Destination::Buffer`].
    buffer: Buffer,
    destination: Destination,
    run: Option<Run>,
    /// The next item is an element of a sequence, so that a primitive joins or starts a run.
    in_sequence: bool,
    /// The next item that serde tells was written already.
    written: bool,
    /// Takes the bytes of runs, if this is the encoder of a sequence that is hashed apart.
    data: Option<Data>,
}

/// Where full buffers go.
#[derive(Debug)]
enum Destination {
    /// Nowhere: the bytes are wanted themselves.
    Buffer,
    /// To a hasher, made when the first buffer is full: most calls need none.
    Hash { identity: Option<Identity>, hasher: Option<Box<blake3::Hasher>> },
}

/// A run at the end of the buffer, whose count is not written yet.
#[derive(Debug)]
struct Run {
    kind: PrimitiveKind,
    count: usize,
    /// The count at which the run ends, or its bytes are looked after.
    limit: usize,
    /// Where in the buffer the count goes.
    count_at: usize,
}

/// The canonical bytes of a value on their own.
pub(crate) fn canonical_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::buffered();
    value.serialize(&mut encoder)?;
    Ok(encoder.into_bytes())
}

impl Encoder {
    /// An encoder for the arguments of a function: its digest is a key.
    #[inline]
    pub(crate) fn keyed(identity: &Identity) -> Self {
        Self::to(Destination::Hash { identity: Some(*identity), hasher: None })
    }

    /// An encoder for something that is hashed apart, whichever function it is an argument of.
    fn hashing() -> Self {
        Self::to(Destination::Hash { identity: None, hasher: None })
    }

    /// An encoder whose bytes are wanted themselves.
    fn buffered() -> Self {
        Self::to(Destination::Buffer)
    }

    #[inline]
    fn to(destination: Destination) -> Self {
        Encoder {
            buffer: Buffer::new(),
            destination,
            run: None,
            in_sequence: false,
            written: false,
            data: None,
        }
    }

    /// The digest of all that was encoded. (By reference, as it is too large to be moved about.)
    #[inline]
    pub(crate) fn finish(&mut self) -> [u8; 32] {
        self.end_run();
        match &mut self.destination {
            Destination::Buffer => hashing::finish(None, None, &self.buffer),
            // Nearly always.
            Destination::Hash { identity: Some(identity), hasher: None } => {
                hashing::keyed(identity, &self.buffer)
            }
            Destination::Hash { identity, hasher } => {
                hashing::finish(hasher.take(), identity.as_ref(), &self.buffer)
            }
        }
    }

    /// The canonical bytes of all that was encoded.
    fn into_bytes(mut self) -> Vec<u8> {
        self.end_run();
        self.buffer.into_vec()
    }

    /// Starts an item that is no primitive.
    #[inline]
    fn open(&mut self, tag: u8) {
        self.end_run();
        self.in_sequence = false;
        self.buffer.put([tag]);
    }

    /// Ends an item of items.
    fn close(&mut self) {
        self.end_run();
        self.buffer.put([tag::END]);
        self.spill();
    }

    /// Encodes a primitive: alone, or as an element of a run.
    #[inline]
    fn primitive<const N: usize>(&mut self, kind: PrimitiveKind, bytes: [u8; N]) {
        if self.in_sequence {
            match &mut self.run {
                Some(run) if run.kind == kind && run.count < run.limit => run.count += 1,
                _ => self.next_of_run(kind),
            }
            match &mut self.data {
                Some(data) => data.buffer.extend_from_slice(&bytes),
                None => self.buffer.put(bytes),
            }
        } else {
            self.end_run();
            self.buffer.put_tagged(tag::SCALAR + kind as u8, bytes);
        }
    }

    /// Counts an element that begins a run, or goes on with one that has reached its limit.
    fn next_of_run(&mut self, kind: PrimitiveKind) {
        if let Some(data) = &mut self.data {
            data.spill();
            if let Some(run) = self.run.as_mut().filter(|run| run.kind == kind) {
                run.count += 1;
                run.limit += RUN_ELEMENTS;
                return;
            }
        }
        self.start_run(kind);
    }

    fn start_run(&mut self, kind: PrimitiveKind) {
        self.end_run();
        self.spill();
        self.buffer.put([tag::RUN + kind as u8]);
        self.run = Some(Run { kind, count: 1, limit: RUN_ELEMENTS, count_at: self.buffer.len() });
        if self.data.is_none() {
            self.buffer.put([0; 2]);
        }
    }

    #[inline]
    fn end_run(&mut self) {
        if self.run.is_some() {
            self.close_run();
        }
    }

    fn close_run(&mut self) {
        let Some(run) = self.run.take() else { return };
        if self.data.is_some() {
            self.length(run.count);
        } else {
            let [low, high, ..] = run.count.to_le_bytes();
            self.buffer.set(run.count_at, [low, high]);
        }
    }

    /// Hands a full buffer to the hasher. Never called while a run is open, whose count is still to be written.
    #[inline]
    fn spill(&mut self) {
        debug_assert!(self.run.is_none());
        if self.buffer.length_apart() >= SPILL
            && let Destination::Hash { identity, hasher } = &mut self.destination
        {
            hashing::update(hasher, identity.as_ref(), &self.buffer);
            self.buffer.clear();
        }
    }

    /// A length, as LEB128: seven bits a byte, least significant first, in as few bytes as possible.
    #[inline]
    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.buffer.put([length.to_le_bytes()[0] | 0x80]);
            length >>= 7;
        }
        self.buffer.put([length.to_le_bytes()[0]]);
    }

    fn name(&mut self, name: &str) {
        self.length(name.len());
        self.buffer.append(name.as_bytes());
    }

    /// A text or byte string.
    #[inline]
    fn string(&mut self, tag: u8, bytes: &[u8]) {
        if bytes.len() < APART {
            self.end_run();
            self.in_sequence = false;
            if let Ok(length @ ..0x80) = u8::try_from(bytes.len()) {
                self.buffer.put_tagged(tag, [length]);
            } else {
                self.buffer.put([tag]);
                self.length(bytes.len());
            }
            self.buffer.append(bytes);
        } else {
            self.digest(tag, hashing::digest(bytes));
        }
        self.spill();
    }

    /// The digest of something that was hashed apart.
    fn digest(&mut self, tag: u8, digest: [u8; 32]) {
        self.open(tag + tag::APART);
        self.buffer.put(digest);
    }

    /// A digest of something else than canonical bytes.
    pub(super) fn stand_in(&mut self, item: StandIn, digest: [u8; 32]) {
        self.open(item as u8);
        self.buffer.put(digest);
        self.spill();
    }

    /// The canonical bytes of an item other than a primitive, known from before.
    pub(super) fn replay(&mut self, bytes: &[u8]) {
        self.end_run();
        self.in_sequence = false;
        self.buffer.append(bytes);
        self.spill();
    }

    /// The next item that serde tells was written already: `()` is to write nothing.
    pub(super) fn skip_next(&mut self) {
        self.written = true;
    }

    /// A variant. Two may have one name to serde, but never one index.
    fn variant(&mut self, tag: u8, name: &str, index: u32, variant: &str) {
        self.open(tag);
        self.name(name);
        self.length(index as usize);
        self.name(variant);
    }
}

#[cfg(test)]
mod tests;
