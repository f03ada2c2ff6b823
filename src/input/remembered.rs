//! Digests of files, remembered by their stamps.
//!
//! # Invariant
//! A digest is remembered only for a file that had not been changed for [`GRANULARITY`] when reading it began (the rule of git for
//! entries of its index that are as young as the index). So whatever changes it after that begins gets another
//! stamp, and the digest under the old one is that of all that the old stamp ever stood for, as far as it can be met again.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::Unreadable;
use super::kept::Kept;
use crate::key::hashing;
use crate::sys::{self, Stamp};

/// How far apart two changes must be to have different times, by the coarsest clock of a file system: FAT has two seconds.
const GRANULARITY: Duration = Duration::from_secs(2);
/// How often a file is read that changes meanwhile.
const ATTEMPTS: usize = 3;

/// What this process knows.
pub(super) static DIGESTS: LazyLock<Digests> = LazyLock::new(|| Digests::new(Kept::in_cache_directory()));

/// Digests of the contents of files.
#[derive(Debug)]
pub(super) struct Digests {
    /// By device and inode.
    known: Mutex<HashMap<(u64, u64), Latest>>,
    /// What other processes know; `None` if there is no place for it.
    kept: Option<Kept>,
}

/// The latest known state of a file.
#[derive(Debug)]
struct Latest {
    stamp: Stamp,
    digest: [u8; 32],
}

impl Digests {
    pub(super) fn new(kept: Option<Kept>) -> Self {
        Digests { known: Mutex::default(), kept }
    }

    /// The blake3 digest of the content of the file at `path`.
    pub(super) fn digest(&self, path: &Path) -> Result<[u8; 32], Unreadable> {
        self.digest_at(path, SystemTime::now).map_err(|cause| Unreadable::new(path, cause))
    }

    fn digest_at(&self, path: &Path, now: impl Fn() -> SystemTime) -> io::Result<[u8; 32]> {
        // Not opened yet: that may wait for ever (a pipe), and is not needed as a rule.
        let metadata = fs::metadata(path)?;
        check_kind(&metadata)?;
        if let Some(digest) = sys::stamp(&metadata).and_then(|stamp| self.recall(&stamp)) {
            return Ok(digest);
        }
        for _ in 0..ATTEMPTS {
            if let Some(digest) = self.read(&File::open(path)?, &now)? {
                return Ok(digest);
            }
        }
        Err(io::Error::other("it changes while it is read"))
    }

    /// Reads a file, and remembers its digest if it may; `None` if it was changed meanwhile.
    fn read(&self, file: &File, now: impl Fn() -> SystemTime) -> io::Result<Option<[u8; 32]>> {
        let before = file.metadata()?;
        check_kind(&before)?;
        let begin = now();
        let digest = hashing::digest_of_stream(file, before.len())?;
        let after = file.metadata()?;
        match (sys::stamp(&before), sys::stamp(&after)) {
            (None, _) | (_, None) => Ok((before.len() == after.len()).then_some(digest)),
            (Some(before), Some(after)) if before == after => {
                if is_settled(&after, begin) {
                    self.remember(after, digest);
                }
                Ok(Some(digest))
            }
            _ => Ok(None),
        }
    }

    fn recall(&self, stamp: &Stamp) -> Option<[u8; 32]> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&(stamp.device, stamp.inode)) {
            Some(latest) if latest.stamp == *stamp => return Some(latest.digest),
            _ => drop(known),
        }
        let digest = self.kept.as_ref()?.read(stamp)?;
        self.note(*stamp, digest);
        Some(digest)
    }

    fn remember(&self, stamp: Stamp, digest: [u8; 32]) {
        self.note(stamp, digest);
        if let Some(kept) = &self.kept {
            kept.write(&stamp, &digest);
        }
    }

    fn note(&self, stamp: Stamp, digest: [u8; 32]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((stamp.device, stamp.inode), Latest { stamp, digest });
    }
}

/// Only a regular file has a content that is there twice.
fn check_kind(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory, for which there is `InputDir`",
        ));
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(())
}

/// Whether a change at the time `begin` or later gives the file another stamp.
fn is_settled(stamp: &Stamp, begin: SystemTime) -> bool {
    let Ok(begin) = begin.duration_since(SystemTime::UNIX_EPOCH) else { return false };
    let latest = stamp.modified.max(stamp.changed);
    let (Ok(begin), Ok(granularity)) =
        (i128::try_from(begin.as_nanos()), i128::try_from(GRANULARITY.as_nanos()))
    else {
        return false;
    };
    begin - latest > granularity
}

#[cfg(test)]
mod tests;
