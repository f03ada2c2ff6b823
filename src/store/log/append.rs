//! Storing: reserve, write, publish, look whether the record was passed over. The latter two are in [`publish`](super::publish).
//!
//! # Invariants
//! 1. What is acknowledged is found by everyone from then on, and by a rebuild. A record is written again, at a higher address,
//!    if meanwhile its segment began to be reduced (the floor), records were copied to a higher address (the end of the copies),
//!    entries were cleared (the number of clears), or a record of its key at a higher address was published. If the control file is not the one that others open any more, everything is
//!    opened anew and the record written again.
//! 2. A record is published only once it is written whole, and a blob is complete, and durable if that was promised, before
//!    its record is written.
//! 3. The file of a record that was replaced is removed by who replaced it.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;

use super::LogStore;
use super::address::SEGMENT;
use super::control::Weight;
use super::look_up::Found;
use super::open::View;
use super::publish::Staged;
use super::record::{self, BlobFile, Head, Record, Unsealed, length_of};
use super::segments::LOG;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::payload::LARGE;
use crate::store::{Draft, Durability};

/// What this process has written and not brought to the disk.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    segments: BTreeSet<u64>,
    /// The names of files.
    blobs: BTreeSet<String>,
}

/// Records of a batch go out together up to so many bytes.
#[expect(clippy::cast_possible_truncation, reason = "a segment has a megabyte")]
const TOGETHER: usize = SEGMENT as usize / 4;

/// Records on their way, one behind the other.
struct Group {
    bytes: Vec<u8>,
    staged: Vec<Staged>,
}

impl LogStore {
    /// Stores an entry.
    pub(super) fn store_one(&self, draft: &Draft<'_>) -> Result<()> {
        let stored = if draft.payload.len() >= LARGE {
            self.store_large(draft)
        } else {
            let mut bytes = Vec::new();
            let staged = self.stage(draft, &mut bytes);
            self.publish_all(&mut [staged], &mut bytes)
        };
        self.keep_budget();
        stored
    }

    /// Stores entries, together as far as they fit.
    pub(super) fn store(&self, drafts: &[Draft<'_>]) -> Vec<Result<()>> {
        let mut results: Vec<Result<()>> = Vec::with_capacity(drafts.len());
        let small = drafts.iter().filter(|draft| draft.payload.len() < LARGE).map(|draft| length_of(draft));
        let mut group = Group {
            bytes: Vec::with_capacity(small.sum::<usize>().min(TOGETHER)),
            staged: Vec::with_capacity(drafts.len()),
        };
        for draft in drafts {
            if draft.payload.len() >= LARGE {
                self.flush(&mut group, &mut results);
                results.push(self.store_large(draft));
                continue;
            }
            if group.bytes.len() + length_of(draft) > TOGETHER {
                self.flush(&mut group, &mut results);
            }
            let staged = self.stage(draft, &mut group.bytes);
            group.staged.push(staged);
        }
        self.flush(&mut group, &mut results);
        self.keep_budget();
        results
    }

    /// Appends the record of a small entry to the bytes of its group.
    fn stage(&self, draft: &Draft<'_>, bytes: &mut Vec<u8>) -> Staged {
        let start = bytes.len();
        record::append_entry(bytes, draft, self.writer_of(draft));
        let range = start..bytes.len();
        let weight = Weight { function: draft.function, record: range.len() as u64, blob: 0 };
        Staged { key: draft.key, bytes: range, weight, blob: None, removes: false, published: None }
    }

    /// The number of whoever stores an entry.
    fn writer_of(&self, draft: &Draft<'_>) -> u16 {
        let seconds = || self.now().seconds;
        self.writers.number(&draft.author, seconds, self.durability != Durability::None)
    }

    /// Stores a group of records; one result for all of them, since it is one write.
    fn flush(&self, group: &mut Group, results: &mut Vec<Result<()>>) {
        let published = self.publish_all(&mut group.staged, &mut group.bytes);
        results.extend(group.staged.drain(..).map(|_| published.clone()));
        group.bytes.clear();
    }

    /// Stores a large value: its file, then the record. A file that no record tells of, since this process was killed between the
    /// two, is found by whoever has the log alone next.
    fn store_large(&self, draft: &Draft<'_>) -> Result<()> {
        crate::store::fits_budget(self.dir.path(), draft, self.budget)?;
        let view = Arc::clone(&self.view(self.now()));
        view.check_writable()?;
        let number = RandomState::new().hash_one(draft.key.as_bytes());
        let name = BlobFile { length: 0, number }.name(&draft.key);
        view.control.unsettle();
        // The file is locked until the record is published: nobody takes it for one that no record tells of.
        let blob = self.blobs.put(&name, draft, self.durability == Durability::Each);
        let stored = blob.and_then(|blob| {
            let file = BlobFile { length: blob.length, number };
            let record = Unsealed::blob(draft, self.writer_of(draft), file, blob.marker);
            let weight =
                Weight { function: draft.function, record: record.length() as u64, blob: file.length };
            let mut bytes = record.into_bytes();
            let staged = Staged {
                key: draft.key,
                bytes: 0..bytes.len(),
                weight,
                blob: Some(number),
                removes: false,
                published: None,
            };
            let published = self.publish_all(&mut [staged], &mut bytes);
            // It may have come into an index all the same.
            if published.is_err() && !self.is_wanted(&name)? {
                self.dir.remove(&name)?;
            }
            published
        });
        view.control.settle();
        stored?;
        if self.durability == Durability::OnClose {
            lock(&self.unsynced).blobs.insert(name);
        }
        Ok(())
    }

    /// Takes an entry out: publishes its removal, then removes its blob.
    pub(super) fn remove_entry(&self, found: &Found) -> Result<()> {
        let Found { slot, address, record } = found;
        let Head { key, function, .. } = record.head();
        let removal = Unsealed::removal(&key, function);
        let weight = Weight { function, record: removal.length() as u64, blob: 0 };
        let mut bytes = removal.into_bytes();
        let staged =
            Staged { key, bytes: 0..bytes.len(), weight, blob: None, removes: true, published: None };
        if let Err(error) = self.publish_all(&mut [staged], &mut bytes) {
            // No room for the removal: turn the record itself into one, which takes none.
            let view = Arc::clone(&self.view(self.now()));
            view.check_writable()?;
            self.log.overwrite(*address, &record.removal_in_place(*address)).map_err(|_| error)?;
            if view.index.table().change(*slot, *address, None) {
                view.control.uncount(weight_of(record));
            }
            if let Some(blob) = record.blob() {
                self.discard(&view, &blob.name(&key))?;
            }
        }
        Ok(())
    }

    /// Removes the file of a record that is gone. If its writer is still about to publish it, it stays: it gets another record, or
    /// is found by whoever has the log alone next.
    pub(super) fn discard(&self, view: &View, blob: &str) -> Result<()> {
        view.control.unsettle();
        self.remove_unsettled(view, blob)
    }

    /// The same of a file that was said to be under way.
    pub(super) fn remove_unsettled(&self, view: &View, blob: &str) -> Result<()> {
        if self.blobs.remove_orphan(blob, || Ok(false))? {
            view.control.settle();
        }
        Ok(())
    }

    pub(super) fn out_of_bounds(&self) -> Error {
        let fault = io::Error::other("its tail is out of bounds");
        self.dir.error("append to", LOG, fault)
    }

    pub(super) fn bring_to_disk(&self, segment: u64) -> Result<()> {
        match self.durability {
            Durability::None => Ok(()),
            Durability::OnClose => {
                lock(&self.unsynced).segments.insert(segment);
                Ok(())
            }
            Durability::Each => self.log.sync(segment),
        }
    }

    /// Brings all that this process has written to the disk.
    pub(super) fn sync_all(&self) -> Result<()> {
        let unsynced = std::mem::take(&mut *lock(&self.unsynced));
        // Blobs first: a record without its blob is no entry.
        unsynced.blobs.iter().try_for_each(|name| self.blobs.sync(name))?;
        unsynced.segments.iter().try_for_each(|&segment| self.log.sync(segment))?;
        self.dir.sync("")
    }
}

/// What an entry adds to the totals.
pub(super) fn weight_of(record: &Record) -> Weight {
    Weight {
        function: record.head().function,
        record: record.bytes().len() as u64,
        blob: record.blob().map_or(0, |blob| blob.length),
    }
}
