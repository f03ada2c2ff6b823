//! Compresses the bytes of a value, if they shrink.
//!
//! That 1 GB of random numbers is better left as it is takes the compression of 128 KiB to see. A
//! value that repeats only over longer distances than the pieces of a sample is taken for
//! incompressible.

use std::io;

use super::engine::{Encoder, Level};
use super::{Attempt, BLOCK};
use crate::payload::{Bytes, LARGE, Pieces};

/// Fewer bytes are kept as they are: they take one block of a disk at most, and a hit on them is a copy.
const LEAST: usize = 4096;

/// A value of more bytes is judged by a sample, one of fewer by all of it.
const JUDGED_WHOLE: usize = 512 * 1024;

/// A sample is so many pieces, from the first bytes to the last,
const SAMPLES: usize = 8;
/// of so many bytes each: a quarter of the smallest value that is judged by it, and no time beside one of 100 MB.
const SAMPLE: usize = 16 * 1024;

/// Whether what became of `plain` bytes is short enough: they shrank by a tenth at least. For less, every hit would pay.
fn is_worth_it(plain: usize, compressed: usize) -> bool {
    compressed <= plain - plain / 10
}

/// The bytes, compressed if that makes them shorter by a tenth, as far as a sample tells. Of a large value that is not borrowed, the
/// bytes go as they are compressed.
pub(crate) fn compress(bytes: Bytes<'_>, level: Level) -> io::Result<Attempt<'_>> {
    let length = bytes.len();
    if length < LEAST {
        return Ok(Err(bytes));
    }
    let encoder = Encoder::new(level)?;
    if length <= JUDGED_WHOLE {
        let mut blocks = Blocks::new(encoder, length);
        bytes.parts().try_for_each(|part| blocks.add(part))?;
        let compressed = blocks.finish()?;
        let is_worth_it = is_worth_it(length, compressed.len());
        return Ok(if is_worth_it { Ok(compressed) } else { Err(bytes) });
    }
    // An encoder of its own: its tables are for a block of the size of the sample.
    let sample = sample(&bytes, length);
    let compressed = Encoder::new(level)?.encode(&sample)?.len();
    if !is_worth_it(sample.len(), compressed) {
        return Ok(Err(bytes));
    }
    let mut blocks = Blocks::new(encoder, length);
    match bytes {
        Bytes::Owned(bytes) => Pieces::from(bytes).try_for_each(|piece| blocks.add(&piece))?,
        bytes @ (Bytes::Slice(_) | Bytes::Parts(_)) => bytes.parts().try_for_each(|part| blocks.add(part))?,
    }
    blocks.finish().map(Ok)
}

/// Pieces of `bytes` that are spread over all of them.
fn sample(bytes: &Bytes<'_>, length: usize) -> Vec<u8> {
    let mut sample = Vec::with_capacity(SAMPLES * SAMPLE);
    for i in 0..SAMPLES {
        // Where the piece begins, counted from the part that is looked at.
        let mut from = (length - SAMPLE) / (SAMPLES - 1) * i;
        let mut missing = SAMPLE;
        for part in bytes.parts() {
            let some = part.get(from..).unwrap_or_default();
            let some = &some[..some.len().min(missing)];
            sample.extend_from_slice(some);
            missing -= some.len();
            from = from.saturating_sub(part.len());
        }
    }
    sample
}

/// Bytes that are being cut into blocks and compressed.
struct Blocks {
    encoder: Encoder,
    /// What is no whole block yet.
    begun: Vec<u8>,
    /// The length, and the blocks so far.
    compressed: Vec<Vec<u8>>,
}

impl Blocks {
    /// Of a value of `length` bytes.
    fn new(encoder: Encoder, length: usize) -> Self {
        Blocks { encoder, begun: Vec::new(), compressed: vec![(length as u64).to_le_bytes().to_vec()] }
    }

    fn add(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.begun.is_empty()
                && let Some((block, rest)) = bytes.split_at_checked(BLOCK)
            {
                self.compress(block)?;
                bytes = rest;
                continue;
            }
            let (some, rest) = bytes.split_at(bytes.len().min(BLOCK - self.begun.len()));
            self.begun.extend_from_slice(some);
            bytes = rest;
            if self.begun.len() == BLOCK {
                self.compress_begun()?;
            }
        }
        Ok(())
    }

    fn compress_begun(&mut self) -> io::Result<()> {
        let mut block = std::mem::take(&mut self.begun);
        self.compress(&block)?;
        block.clear();
        self.begun = block;
        Ok(())
    }

    fn compress(&mut self, block: &[u8]) -> io::Result<()> {
        let frame = self.encoder.encode(block)?;
        let length = u32::try_from(frame.len()).expect("a block that grew by a little at most");
        self.compressed.push([&length.to_le_bytes(), frame].concat());
        Ok(())
    }

    fn finish(mut self) -> io::Result<Bytes<'static>> {
        if !self.begun.is_empty() {
            self.compress_begun()?;
        }
        let bytes = Bytes::Parts(self.compressed.into_iter().map(Into::into).collect());
        Ok(if bytes.len() < LARGE { Bytes::Owned(bytes.to_vec()) } else { bytes })
    }
}
