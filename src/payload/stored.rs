//! Reads bytes as they are stored, from front to end, straight to where they are wanted, and checks them on the way.

use super::{ByteSource, PayloadFile, ReadError};
use crate::checksum::Running;
use crate::sys::raw::{self, Primitive, Unfilled};

/// So much is read, then checked while it is in the caches: 100 MB took 1.05 × the time of reading alone that way, and 1.3 × with
/// smaller blocks, which cost system calls.
pub(super) const BLOCK: usize = 1024 * 1024;

/// Reads the stored bytes of one value.
pub(crate) struct Stored<'e> {
    source: ByteSource<'e>,
    /// How many bytes were read.
    position: u64,
    length: u64,
    /// `None` if nothing has to be checked. Boxed, so that a reader of bytes in memory is small: it is moved about on each hit.
    checksum: Option<Box<Running>>,
}

impl<'e> Stored<'e> {
    /// A reader of `source`. It checks nothing if it may rely on trust and the file is trusted.
    pub(crate) fn new(source: ByteSource<'e>, may_trust: bool) -> Self {
        let (length, checksum) = match source {
            ByteSource::Memory(bytes) => (bytes.len() as u64, None),
            ByteSource::File(file) if may_trust && file.is_trusted() => (file.length(), None),
            ByteSource::File(file) => {
                let mut checksum = Box::new(Running::new());
                checksum.update(&file.head.covered);
                (file.length(), Some(checksum))
            }
        };
        Stored { source, position: 0, length, checksum }
    }

    /// How many bytes were read.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> u64 {
        self.length - self.position
    }

    /// The file, if the bytes are in one and need no check.
    pub(crate) fn trusted_file(&self) -> Option<&'e PayloadFile> {
        match self.source {
            ByteSource::File(file) if self.checksum.is_none() => Some(file),
            _ => None,
        }
    }

    /// Passes over bytes that need no check.
    pub(crate) fn skip(&mut self, count: u64) {
        debug_assert!(self.checksum.is_none(), "bytes that are skipped cannot be checked");
        self.position += count;
    }

    /// Fills `target`.
    pub(crate) fn fill(&mut self, target: &mut Unfilled<'_>) -> Result<(), ReadError> {
        if target.remaining() as u64 > self.remaining() {
            return Err(ReadError::too_short());
        }
        while target.remaining() > 0 {
            self.fill_some(target)?;
        }
        Ok(())
    }

    /// Reads `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        raw::array::<Primitive, _, _, N>(|target| self.fill(target))
    }

    /// Reads `count` bytes.
    pub(crate) fn vec(&mut self, count: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, count)?;
        Ok(bytes)
    }

    /// Reads `count` bytes to the end of `bytes`.
    pub(crate) fn append(&mut self, bytes: &mut Vec<u8>, count: usize) -> Result<(), ReadError> {
        if count as u64 > self.remaining() {
            return Err(ReadError::too_short());
        }
        raw::extend::<Primitive, _, _>(bytes, count, |target| self.fill(target))
    }

    /// Sees that all was read, and is what was stored.
    pub(crate) fn finish(self) -> Result<(), ReadError> {
        if self.remaining() > 0 {
            return Err(ReadError::left_over(self.remaining()));
        }
        match (self.source, self.checksum) {
            (ByteSource::File(file), Some(checksum)) if checksum.finish() != file.head.checksum => {
                Err(ReadError::Damaged("its checksum does not match".into()))
            }
            _ => Ok(()),
        }
    }

    /// Reads a block, or what was read ahead.
    fn fill_some(&mut self, target: &mut Unfilled<'_>) -> Result<(), ReadError> {
        let file = match self.source {
            ByteSource::Memory(bytes) => {
                let from = usize::try_from(self.position).unwrap_or(usize::MAX);
                let count = target.remaining();
                target.put(&bytes[from..from + count]);
                self.position += count as u64;
                return Ok(());
            }
            ByteSource::File(file) => file,
        };
        let read = match usize::try_from(self.position).ok().and_then(|from| file.head.ahead.get(from..)) {
            Some(ahead) if !ahead.is_empty() => {
                let some = &ahead[..ahead.len().min(target.remaining())];
                target.put(some);
                some
            }
            _ => target.read_at(file.file(), file.start() + self.position, BLOCK)?,
        };
        if read.is_empty() {
            return Err(ReadError::Damaged("it was cut off".into()));
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(read);
        }
        self.position += read.len() as u64;
        Ok(())
    }
}
