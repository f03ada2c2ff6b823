//! Storing: reserve, write, publish, look whether the record was passed over.
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
use std::ops::Range;
use std::sync::Arc;

use super::address::{Address, SEGMENT};
use super::control::{CONTROL, Weight};
use super::index::{Hash, INDEX, Note, Published};
use super::open::View;
use super::record::{self, BlobFile, Head, Record, Unsealed, length_of};
use super::segments::LOG;
use super::{Found, LogStore, Now};
use crate::error::{Error, Result};
use crate::events;
use crate::key::Key;
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

/// Publishing again is needed when others were faster, or cleared; so often in a row it would be a fault.
const TRIES: usize = 100;

/// Records on their way, one behind the other.
struct Group {
    bytes: Vec<u8>,
    staged: Vec<Staged>,
}

/// A record on its way.
struct Staged {
    key: Key,
    /// Where its bytes are among those of its group.
    bytes: Range<usize>,
    weight: Weight,
    /// The number of its file, if it has one.
    blob: Option<u64>,
    /// Whether it is a removal, not an entry.
    removes: bool,
}

/// What others had done when records were written.
#[derive(Clone, Copy)]
struct Seen {
    /// Where the first of them is.
    address: Address,
    /// How often entries had been cleared.
    clears: u64,
}

impl LogStore {
    /// Stores an entry.
    pub(super) fn store_one(&self, draft: &Draft<'_>) -> Result<()> {
        let stored = if draft.payload.len() >= LARGE {
            self.store_large(draft)
        } else {
            let mut bytes = Vec::new();
            let staged = self.stage(draft, &mut bytes);
            self.publish_all(&[staged], &mut bytes)
        };
        self.keep_budget();
        stored
    }

    /// Stores entries, together as far as they fit.
    pub(super) fn store(&self, drafts: &[&Draft<'_>]) -> Vec<Result<()>> {
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
        Staged { key: draft.key, bytes: range, weight, blob: None, removes: false }
    }

    /// The number of whoever stores an entry.
    fn writer_of(&self, draft: &Draft<'_>) -> u16 {
        let seconds = || self.now().seconds;
        self.writers.number(&draft.author, seconds, self.durability != Durability::None)
    }

    /// Stores a group of records; one result for all of them, since it is one write.
    fn flush(&self, group: &mut Group, results: &mut Vec<Result<()>>) {
        let published = self.publish_all(&group.staged, &mut group.bytes);
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
            let staged =
                Staged { key: draft.key, bytes: 0..bytes.len(), weight, blob: Some(number), removes: false };
            let published = self.publish_all(&[staged], &mut bytes);
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
        let staged = Staged { key, bytes: 0..bytes.len(), weight, blob: None, removes: true };
        if let Err(error) = self.publish_all(&[staged], &mut bytes) {
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
    fn remove_unsettled(&self, view: &View, blob: &str) -> Result<()> {
        if self.blobs.remove_orphan(blob, || Ok(false))? {
            view.control.settle();
        }
        Ok(())
    }

    /// Writes records one behind the other, all of which are in `bytes`, and publishes each.
    fn publish_all(&self, group: &[Staged], bytes: &mut [u8]) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let view = self.view(now);
        let mut replaced = Vec::new();
        self.publish_group(&view, group, bytes, now, &mut replaced)?;
        // Others may have put another control file in place meanwhile, and gone through the log before these were in it.
        if !self.is_in_place(&view)? {
            self.reopen(&view);
            self.publish_group(&self.view(now), group, bytes, now, &mut replaced)?;
        }
        // Not before: killed on the way, this process would leave a record in an index, and not its file.
        for name in replaced {
            self.remove_unsettled(&self.view.load(), &name)?;
        }
        Ok(())
    }

    /// As [`publish_all`](Self::publish_all), beginning in this view; `replaced` gets the files of records that were replaced.
    fn publish_group(
        &self,
        view: &Arc<View>,
        group: &[Staged],
        bytes: &mut [u8],
        now: Now,
        replaced: &mut Vec<String>,
    ) -> Result<()> {
        let seen = self.append(view, group, bytes)?;
        for staged in group {
            let address = seen.address.after(staged.bytes.start);
            let bytes = &mut bytes[staged.bytes.clone()];
            self.publish(view, staged, bytes, Seen { address, ..seen }, now, replaced)?;
        }
        Ok(())
    }

    /// Writes records one behind the other; returns the address of the first, and what others had done before.
    fn append(&self, view: &View, group: &[Staged], bytes: &mut [u8]) -> Result<Seen> {
        view.check_writable()?;
        let control = &view.control;
        let clears = control.clears();
        let length = bytes.len() as u64;
        let address = control.reserve(length).ok_or_else(|| self.out_of_bounds())?;
        for staged in group {
            record::seal(&mut bytes[staged.bytes.clone()], address.after(staged.bytes.start));
        }
        self.log.write(address, bytes).inspect_err(|_| control.give_back(address, length))?;
        control.add_log(length);
        self.bring_to_disk(address.segment())?;
        Ok(Seen { address, clears })
    }

    /// Publishes a record that was written, writing it again as long as it may have been passed over. `bytes` are its own.
    fn publish(
        &self,
        view: &Arc<View>,
        staged: &Staged,
        bytes: &mut [u8],
        mut seen: Seen,
        now: Now,
        replaced: &mut Vec<String>,
    ) -> Result<()> {
        for attempt in 0..TRIES {
            let newer;
            let view = if attempt == 0 {
                view
            } else {
                newer = self.view(now);
                let alone = Staged { bytes: 0..bytes.len(), ..*staged };
                seen = self.append(&newer, &[alone], bytes)?;
                &newer
            };
            let published = self.publish_once(view, staged, seen.address, now, replaced)?;
            let passed_over = published == Published::Newer
                || view.control.floor() > seen.address.segment()
                || view.control.copies() > seen.address
                || view.control.clears() != seen.clears;
            if !passed_over {
                return Ok(());
            }
        }
        Err(self.dir.error("publish an entry in", INDEX, io::Error::other("others were always faster")))
    }

    /// Publishes a record in the index that is in place, beginning with that of `view`, and counts it.
    fn publish_once(
        &self,
        view: &Arc<View>,
        staged: &Staged,
        address: Address,
        now: Now,
        replaced: &mut Vec<String>,
    ) -> Result<Published> {
        let hash = Hash::of(&staged.key);
        let mut outcome = None;
        for attempt in 0..TRIES {
            let newer;
            let view = if attempt == 0 {
                view
            } else {
                newer = self.view(now);
                newer.check_writable()?;
                &newer
            };
            let table = view.index.table();
            let note = Note::stored(now.seconds, view.control.clock()).to_word();
            let is_same = |other| self.log.is_of(other, &staged.key);
            let published = table.publish(hash, address, note, is_same)?;
            if outcome.is_none() && published != Published::Full {
                replaced.extend(self.settle(view, staged, published)?);
                outcome = Some(published);
            }
            if table.is_sealed() {
                // A copy is being made, which may lack the record.
                self.await_index(view)?;
                continue;
            }
            if view.index.is_lost() {
                // What was published may be lost with a page of the index.
                self.reopen(view);
                continue;
            }
            if published == Published::Full {
                self.grow(view)?;
                continue;
            }
            if published == Published::Inserted && table.is_crowded() {
                // Not needed yet: on a full disk the old table serves on.
                if let Err(error) = self.grow(view) {
                    events::debug!(error = &error, "the index does not grow");
                }
            }
            // Whatever it was before a copy was made, a newer one is there.
            return Ok(if published == Published::Newer { published } else { outcome.unwrap_or(published) });
        }
        Err(self.dir.error("publish an entry in", INDEX, io::Error::other("the index never held still")))
    }

    /// Brings the totals in line with what was published; the file of a record that was replaced, which is under way from here on.
    fn settle(&self, view: &View, staged: &Staged, published: Published) -> Result<Option<String>> {
        if matches!(published, Published::Inserted | Published::Replaced(_)) && !staged.removes {
            view.control.count(staged.weight);
        }
        if let Published::Replaced(old) = published
            && let Some(old) = self.log.entry(old)?
        {
            view.control.uncount(weight_of(&old));
            // A record that was written again has the file of the one before.
            if let Some(blob) = old.blob().filter(|blob| Some(blob.number) != staged.blob) {
                view.control.unsettle();
                return Ok(Some(blob.name(&staged.key)));
            }
        }
        Ok(None)
    }

    /// Whether others open the control file that is mapped here.
    fn is_in_place(&self, view: &View) -> Result<bool> {
        view.control.is_in_place().map_err(|error| self.dir.error("look at", CONTROL, error))
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
