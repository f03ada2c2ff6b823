//! zstd: one block at a time. No other module knows it.

use std::io;
use std::ops::RangeInclusive;

use zstd::bulk::{Compressor, Decompressor};

use crate::payload::ReadError;
use crate::sys::raw::Unfilled;

/// Whether compressed values can be read.
pub(crate) const IS_BUILT: bool = true;

/// The levels that there are. (zstd has negative ones, too: for them the time that a disk takes would have to matter.)
const LEVELS: RangeInclusive<i32> = 1..=22;

/// How strongly values are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level(i32);

/// What can be a level: a number. Without the feature `zstd` nothing is.
pub trait Compresses: Copy {}

impl Compresses for i32 {}

impl Level {
    /// The level of a memoized function, whose range the macro has checked.
    pub const fn of_function(level: i32) -> Self {
        Level(level)
    }

    /// `None` if there is no such level.
    pub(crate) fn new(level: i32) -> Option<Self> {
        LEVELS.contains(&level).then_some(Level(level))
    }

    pub(crate) fn number(self) -> u8 {
        u8::try_from(self.0).unwrap_or(u8::MAX)
    }
}

/// Compresses blocks. Its tables are as large as the longest of them needs, and no larger.
pub(super) struct Encoder {
    compressor: Compressor<'static>,
    frame: Vec<u8>,
}

impl Encoder {
    pub(super) fn new(level: Level) -> io::Result<Self> {
        Ok(Encoder { compressor: Compressor::new(level.0)?, frame: Vec::new() })
    }

    /// The frame of zstd for `block`.
    pub(super) fn encode(&mut self, block: &[u8]) -> io::Result<&[u8]> {
        self.frame.clear();
        self.frame.reserve(zstd::zstd_safe::compress_bound(block.len()));
        self.compressor.compress_to_buffer(block, &mut self.frame)?;
        Ok(&self.frame)
    }
}

/// Decompresses blocks.
pub(super) struct Decoder(Decompressor<'static>);

impl Decoder {
    pub(super) fn new() -> Result<Self, ReadError> {
        Ok(Decoder(Decompressor::new()?))
    }

    /// Appends what `frame` holds to `target`, which must have room for it; how many bytes that were.
    pub(super) fn decode(&mut self, frame: &[u8], target: &mut Unfilled<'_>) -> Result<usize, ReadError> {
        target
            .put_by(|front| self.0.decompress_to_buffer(frame, front))
            .map_err(|error| ReadError::Unreadable(format!("its value cannot be decompressed: {error}")))
    }
}
