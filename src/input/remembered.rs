//! Digests of files, remembered by their stamps.
//!
//! # Invariant
//! A digest is remembered only for a file that had not been changed for [`GRANULARITY`] when reading it began (the rule of git for
//! entries of its index that are as young as the index). So whatever changes it after that begins gets another
//! stamp, and the digest under the old one is that of all that the old stamp ever stood for, as far as it can be met again.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::Unreadable;
use super::kept::Kept;
use crate::key::hashing;
use crate::sys::{self, Stamp, Stat};

/// How far apart two changes must be to have different times, by the coarsest clock of a file system: FAT has two seconds.
const GRANULARITY: Duration = Duration::from_secs(2);
/// What was written to a file that has not been changed for so long is on the disk: the kernel writes back after half a minute.
const WRITTEN_BACK: Duration = Duration::from_mins(1);
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

    /// What tells one state of the file from another: its stamp, or where the system tells none, its content.
    pub(super) fn state(&self, path: &Path) -> Result<[u8; 32], Unreadable> {
        let stat = sys::stat_path(path).map_err(|cause| Unreadable::new(path, cause))?;
        let Some(Stamp { device, inode, size, modified, changed, .. }) = stat.stamp else {
            return self.digest(path);
        };
        let mut hasher = blake3::Hasher::new();
        for number in [device, inode, size] {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(&modified.to_le_bytes()).update(&changed.to_le_bytes());
        Ok(hasher.finalize().into())
    }

    fn digest_at(&self, path: &Path, now: impl Fn() -> SystemTime) -> io::Result<[u8; 32]> {
        // Not opened yet: that may wait for ever (a pipe), and is not needed as a rule.
        let stat = sys::stat_path(path)?;
        check_kind(&stat)?;
        if let Some(digest) = stat.stamp.and_then(|stamp| self.recall(&stamp)) {
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
        let before = sys::stat(file)?;
        check_kind(&before)?;
        let begin = now();
        let digest = hashing::digest_of_stream(file, before.size)?;
        let after = sys::stat(file)?;
        match (before.stamp, after.stamp) {
            (None, _) | (_, None) => Ok((before.size == after.size).then_some(digest)),
            (Some(before), Some(after)) if before == after => {
                let age = age_of(&after, begin);
                if age > GRANULARITY {
                    self.note(after, digest);
                    if let Some(kept) = &self.kept {
                        kept.write(&after, age > WRITTEN_BACK, &digest);
                    }
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

    fn note(&self, stamp: Stamp, digest: [u8; 32]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((stamp.device, stamp.inode), Latest { stamp, digest });
    }
}

/// Only a regular file has a content that is there twice.
fn check_kind(stat: &Stat) -> io::Result<()> {
    if stat.is_dir {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory, for which there is `InputDir`",
        ));
    }
    if !stat.is_file {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(())
}

/// How long the file with this stamp had not been changed at the time `begin`; none, if that cannot be told.
fn age_of(stamp: &Stamp, begin: SystemTime) -> Duration {
    let latest = u64::try_from(stamp.modified.max(stamp.changed)).map_or(Duration::MAX, Duration::from_nanos);
    let begin = begin.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    begin.saturating_sub(latest)
}

#[cfg(test)]
mod tests;
