//! Reads the bytes of a value from front to end, whether they are stored as they are or compressed.

use super::compressed::Decompressing;
use super::stored::Stored;
use super::{ByteSource, Content, PayloadFile, ReadError};
use crate::sys::raw::{self, Primitive, Unfilled};

/// Reads the bytes of one value. Positions and lengths are those of its bytes before they were compressed.
pub(crate) enum Reader<'e> {
    /// In memory, where they were checked: as nearly all are. What is left, and how many there were.
    Memory(&'e [u8], usize),
    File(Stored<'e>),
    Compressed(Box<Decompressing<'e>>),
}

impl<'e> Reader<'e> {
    /// A reader of the bytes of a value. It checks nothing if it may rely on trust, the bytes are not compressed and their file is
    /// trusted.
    pub(crate) fn new(content: &Content<'e>, may_trust: bool) -> Result<Self, ReadError> {
        if content.is_compressed() {
            return Ok(Reader::Compressed(Box::new(Decompressing::new(content.source)?)));
        }
        Ok(match content.source {
            ByteSource::Memory(bytes) => Reader::of_bytes(bytes),
            ByteSource::File(_) => Reader::File(Stored::new(content.source, may_trust)),
        })
    }

    /// A reader of bytes that are in memory.
    #[inline]
    pub(crate) fn of_bytes(bytes: &'e [u8]) -> Self {
        Reader::Memory(bytes, bytes.len())
    }

    /// What is left, if it is in memory: who takes from it has read that.
    #[inline]
    pub(crate) fn in_memory(&mut self) -> Option<&mut &'e [u8]> {
        if let Reader::Memory(left, _) = self { Some(left) } else { None }
    }

    /// How many bytes were read.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        match self {
            Reader::Memory(left, length) => (length - left.len()) as u64,
            Reader::File(stored) => stored.position(),
            Reader::Compressed(decompressing) => decompressing.position(),
        }
    }

    /// How many bytes are left.
    #[inline]
    pub(crate) fn remaining(&self) -> u64 {
        match self {
            Reader::Memory(left, _) => left.len() as u64,
            Reader::File(stored) => stored.remaining(),
            Reader::Compressed(decompressing) => decompressing.remaining(),
        }
    }

    /// The file, if the bytes lie in one as they are and need no check.
    pub(crate) fn trusted_file(&self) -> Option<&'e PayloadFile> {
        match self {
            Reader::File(stored) => stored.trusted_file(),
            Reader::Memory(..) | Reader::Compressed(_) => None,
        }
    }

    /// Passes over bytes of the [trusted file](Self::trusted_file), which need no check.
    pub(crate) fn skip(&mut self, count: u64) {
        match self {
            Reader::File(stored) => stored.skip(count),
            Reader::Memory(..) | Reader::Compressed(_) => unreachable!("these bytes are in no trusted file"),
        }
    }

    /// Fills `target`.
    #[inline]
    pub(crate) fn fill(&mut self, target: &mut Unfilled<'_>) -> Result<(), ReadError> {
        match self {
            Reader::Memory(left, _) => {
                let (next, rest) =
                    left.split_at_checked(target.remaining()).ok_or_else(ReadError::too_short)?;
                *left = rest;
                target.put(next);
                Ok(())
            }
            Reader::File(stored) => stored.fill(target),
            Reader::Compressed(decompressing) => decompressing.fill(target),
        }
    }

    /// Reads `N` bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        if let Reader::Memory(left, _) = self {
            let (next, rest) = left.split_first_chunk().ok_or_else(ReadError::too_short)?;
            *left = rest;
            return Ok(*next);
        }
        raw::array::<Primitive, _, _, N>(|target| self.fill(target))
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
            Reader::Memory([], _) => Ok(()),
            Reader::Memory(left, _) => Err(ReadError::left_over(left.len() as u64)),
            Reader::File(stored) => stored.finish(),
            Reader::Compressed(decompressing) => decompressing.finish(),
        }
    }
}
