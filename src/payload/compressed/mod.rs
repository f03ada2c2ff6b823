//! Values that are stored compressed. The format is specified in `docs/format.md`.
//!
//! The bytes of a value are cut into blocks, each compressed for itself, so that neither side ever needs more memory than a few blocks
//! take, at whatever level: with one stream for all, the compressor's tables would take a hundred MiB and more at the highest levels.
//! A block is decompressed to where the value has it.
//!
//! # Invariants
//! 1. What is compressed is a matter of how bytes are stored, not of which encoding they are in: a bit in the number of the encoding
//!    says so. The checksum covers what is on the disk.
//! 2. The decompressor, and whoever makes room for what it writes, sees only bytes that were checked, or are in a trusted file.
//! 3. A value that does not shrink is kept as it is; for a long one a sample decides.
//!
//! Why blocks of 1 MiB: in one stream, level 19 takes 90 MiB for its tables and level 22 over 700.
//! For a block it is 17 MiB, and 1 at level 3. A `Vec<u64>` of 96 MiB is read with 1 MiB beside the
//! value. Matches over more than 1 MiB are lost. Compressed bytes are collected in memory, so that
//! a value that shrinks to little goes into the log as any small one does.

#[cfg(feature = "zstd")]
mod compress;
mod decompress;
#[cfg_attr(not(feature = "zstd"), path = "no_engine.rs")]
mod engine;

#[cfg(feature = "zstd")]
pub(crate) use compress::compress;
pub(crate) use decompress::Decompressing;
pub(crate) use engine::IS_BUILT;
#[cfg(not(feature = "zstd"))]
pub(crate) use engine::compress;
pub use engine::{Compresses, Level};

use super::Bytes;

/// The bit in the number of an encoding which says that the bytes are compressed.
pub(crate) const COMPRESSED: u8 = 0x80;

/// So much is compressed at once. Tables for it take 17 MiB at the highest level.
const BLOCK: usize = 1024 * 1024;

/// The compressed bytes, or the bytes as they came if they would not shrink or are too few.
pub(crate) type Attempt<'v> = Result<Bytes<'static>, Bytes<'v>>;

#[cfg(test)]
#[cfg(feature = "zstd")]
mod tests;
