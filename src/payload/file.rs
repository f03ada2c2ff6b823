//! A file that holds one large value behind a header, open and not yet read.
//!
//! # When a file is believed
//! Whoever reads the value checks the checksum over all that he read. Whoever maps it wants to read nothing, so a file is
//! *trusted* if the caller that opened it knows that this very file was written or verified since the machine was
//! started, and nobody has touched it since ([`Marker`](crate::store) tells). Of a file that is not trusted all is
//! read and checked before it is mapped ([`PayloadFile::check`]).

use std::fs::File;
use std::io;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::ReadError;
use super::stored::{BLOCK, Stored};
use super::{ByteSource, Unfit};
use crate::sys::map::Mapped;
use crate::sys::{self, Stamp};

/// A change of a file that is followed by another within this time may leave it with the same stamp. (The kernel's clock for such
/// stamps advances every 1 to 10 ms; file systems that round their times are not mapped from.)
const GRANULARITY: Duration = Duration::from_millis(50);

/// What is known of a file from its header.
#[derive(Debug)]
pub(crate) struct HeadOfFile {
    /// The checksum of what follows.
    pub(crate) checksum: [u8; 16],
    /// The bytes of the header that the checksum covers.
    pub(crate) covered: Vec<u8>,
    /// Where the payload begins.
    pub(crate) start: u64,
    /// How many bytes it has: all to the end of the file.
    pub(crate) length: u64,
    /// The first bytes of the payload, read with the header.
    pub(crate) ahead: Vec<u8>,
}

/// An open file with one value.
#[derive(Debug)]
pub(crate) struct PayloadFile {
    file: File,
    pub(super) head: HeadOfFile,
    /// The stamp of the file when it was opened.
    stamp: Option<Stamp>,
    trusted: bool,
    mappable: bool,
    /// What all of it was verified under.
    verified: OnceLock<Option<Stamp>>,
}

impl PayloadFile {
    /// A file that was found to have the length that its header says.
    pub(crate) fn new(
        file: File,
        head: HeadOfFile,
        stamp: Option<Stamp>,
        trusted: bool,
        mappable: bool,
    ) -> Self {
        PayloadFile { file, head, stamp, trusted, mappable, verified: OnceLock::new() }
    }

    /// The length of the payload.
    pub(crate) fn length(&self) -> u64 {
        self.head.length
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether values may be taken from a mapping of the file.
    pub(crate) fn is_mappable(&self) -> bool {
        self.mappable
    }

    /// Whether the bytes need no check.
    pub(crate) fn is_trusted(&self) -> bool {
        self.trusted || self.verified.get().is_some()
    }

    /// Reads all of it, unless that is known to be needless; fails if it is not what was stored.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        if self.is_trusted() {
            return Ok(());
        }
        let begin = SystemTime::now();
        let mut reader = Stored::new(ByteSource::File(self), false);
        let mut block = Vec::new();
        while reader.remaining() > 0 {
            block.clear();
            let some = usize::try_from(reader.remaining()).unwrap_or(usize::MAX).min(BLOCK);
            reader.append(&mut block, some)?;
        }
        reader.finish()?;
        let _ = self.verified.set(self.settled_stamp(begin)?);
        Ok(())
    }

    /// The stamp of the file, if no change since `begin` can have left it as it was when the file was opened.
    fn settled_stamp(&self, begin: SystemTime) -> io::Result<Option<Stamp>> {
        let now = sys::stat(&self.file)?.stamp;
        let is_settled = |stamp: &Stamp| {
            let latest = stamp.modified.max(stamp.changed);
            let begin = begin.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            i128::try_from(begin).is_ok_and(|begin| begin - latest > GRANULARITY.as_nanos().cast_signed())
        };
        Ok(now.filter(|stamp| Some(*stamp) == self.stamp && is_settled(stamp)))
    }

    /// The stamp under which all of the file was read and found sound, if a later reader may rely on it.
    pub(crate) fn verified(&self) -> Option<Stamp> {
        self.verified.get().copied().flatten()
    }

    /// Maps the whole file; the payload begins at [`start`](Self::start).
    pub(crate) fn map(&self) -> Result<Mapped, ReadError> {
        let bytes = self.head.start + self.head.length;
        // Asked again: pages behind the end must not be touched.
        if self.file.metadata()?.len() < bytes {
            return Err(ReadError::Damaged("it was cut off".into()));
        }
        let bytes = usize::try_from(bytes).map_err(|_| Unfit::Memory)?;
        Ok(Mapped::map(&self.file, bytes)?)
    }

    /// All bytes of a trusted file.
    pub(crate) fn read_whole(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut reader = Stored::new(ByteSource::File(self), true);
        let length = usize::try_from(self.length()).map_err(io::Error::other)?;
        reader.append(&mut bytes, length).map_err(io::Error::other)?;
        Ok(bytes)
    }

    /// Where the payload begins.
    pub(crate) fn start(&self) -> u64 {
        self.head.start
    }
}
