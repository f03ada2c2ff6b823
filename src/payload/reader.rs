//! Reads the bytes of a value from front to end, whether they are stored as they are or compressed.

use super::compressed::Decompressing;
use super::stored::Stored;
use super::{ByteSource, Content, PayloadFile, ReadError};
use crate::sys::raw::{self, Primitive, Unfilled};

/// Reads the bytes of one value. Positions and lengths are those of its bytes before they were compressed.
#[expect(clippy::large_enum_variant, reason = "nearly all are plain, and on the stack")]
pub(crate) enum Reader<'e> {
    Plain(Stored<'e>),
    Compressed(Box<Decompressing<'e>>),
}

impl<'e> Reader<'e> {
    /// A reader of the bytes of a value. It checks nothing if it may rely on trust, the bytes are not compressed and their file is
    /// trusted.
    pub(crate) fn new(content: &Content<'e>, may_trust: bool) -> Result<Self, ReadError> {
        if content.is_compressed() {
            return Ok(Reader::Compressed(Box::new(Decompressing::new(content.source)?)));
        }
        Ok(Reader::Plain(Stored::new(content.source, may_trust)))
    }

    /// A reader of bytes that are in memory.
    pub(crate) fn of_bytes(bytes: &'e [u8]) -> Self {
        Reader::Plain(Stored::new(ByteSource::Memory(bytes), false))
    }

    /// How many bytes were read.
    pub(crate) fn position(&self) -> u64 {
        match self {
            Reader::Plain(stored) => stored.position(),
            Reader::Compressed(decompressing) => decompressing.position(),
        }
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> u64 {
        match self {
            Reader::Plain(stored) => stored.remaining(),
            Reader::Compressed(decompressing) => decompressing.remaining(),
        }
    }

    /// The file, if the bytes lie in one as they are and need no check.
    pub(crate) fn trusted_file(&self) -> Option<&'e PayloadFile> {
        match self {
            Reader::Plain(stored) => stored.trusted_file(),
            Reader::Compressed(_) => None,
        }
    }

    /// Passes over bytes of the [trusted file](Self::trusted_file), which need no check.
    pub(crate) fn skip(&mut self, count: u64) {
        match self {
            Reader::Plain(stored) => stored.skip(count),
            Reader::Compressed(_) => unreachable!("compressed bytes are in no trusted file"),
        }
    }

    /// Fills `target`.
    pub(crate) fn fill(&mut self, target: &mut Unfilled<'_>) -> Result<(), ReadError> {
        match self {
            Reader::Plain(stored) => stored.fill(target),
            Reader::Compressed(decompressing) => decompressing.fill(target),
        }
    }

    /// Reads `count` bytes.
    pub(crate) fn vec(&mut self, count: usize) -> Result<Vec<u8>, ReadError> {
        if count as u64 > self.remaining() {
            return Err(ReadError::too_short());
        }
        raw::vec::<Primitive, _, _>(count, |target| self.fill(target))
    }

    /// Sees that all was read, and is what was stored.
    pub(crate) fn finish(self) -> Result<(), ReadError> {
        match self {
            Reader::Plain(stored) => stored.finish(),
            Reader::Compressed(decompressing) => decompressing.finish(),
        }
    }
}
