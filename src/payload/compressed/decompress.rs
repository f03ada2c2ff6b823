//! Reads compressed bytes, block after block.

use super::BLOCK;
use super::engine::Decoder;
use crate::payload::stored::Stored;
use crate::payload::{ByteSource, ReadError};
use crate::sys::raw::{self, Primitive, Unfilled};

/// Reads the bytes of a value that is stored compressed.
pub(crate) struct Decompressing<'e> {
    stored: Stored<'e>,
    decoder: Decoder,
    /// How many bytes the value has, and how many of them were read.
    length: u64,
    position: u64,
    /// A block that is read in pieces, and how much of it was read.
    block: Vec<u8>,
    read: usize,
}

impl<'e> Decompressing<'e> {
    /// Checks the bytes, unless they are trusted: what the decompressor is given, and how much room is made for what it
    /// writes, is what was stored.
    pub(crate) fn new(source: ByteSource<'e>) -> Result<Self, ReadError> {
        if let ByteSource::File(file) = source {
            file.check()?;
        }
        let decoder = Decoder::new()?;
        let mut stored = Stored::new(source, false);
        let length = u64::from_le_bytes(stored.array()?);
        Ok(Decompressing { stored, decoder, length, position: 0, block: Vec::new(), read: 0 })
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.length - self.position
    }

    pub(crate) fn fill(&mut self, target: &mut Unfilled<'_>) -> Result<(), ReadError> {
        if target.remaining() as u64 > self.remaining() {
            return Err(ReadError::too_short());
        }
        while target.remaining() > 0 {
            if self.read == self.block.len() {
                let whole = usize::try_from(self.remaining()).map_or(BLOCK, |remaining| remaining.min(BLOCK));
                if whole <= target.remaining() {
                    self.next_block(target, whole)?;
                    self.position += whole as u64;
                    continue;
                }
                self.block = raw::vec::<Primitive, _, _>(whole, |block| self.next_block(block, whole))?;
                self.read = 0;
            }
            let left = &self.block[self.read..];
            let some = &left[..left.len().min(target.remaining())];
            target.put(some);
            self.read += some.len();
            self.position += some.len() as u64;
        }
        Ok(())
    }

    /// Decompresses the next block, of `length` bytes.
    fn next_block(&mut self, target: &mut Unfilled<'_>, length: usize) -> Result<(), ReadError> {
        let compressed = u32::from_le_bytes(self.stored.array()?);
        let compressed = self.stored.vec(usize::try_from(compressed).unwrap_or(usize::MAX))?;
        let written = self.decoder.decode(&compressed, target)?;
        if written != length {
            let how = format!("its value cannot be decompressed: a block of {length} bytes has {written}");
            return Err(ReadError::Unreadable(how));
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), ReadError> {
        if self.remaining() > 0 {
            return Err(ReadError::left_over(self.remaining()));
        }
        self.stored.finish()
    }
}
