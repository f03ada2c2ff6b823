//! Storing: reserve, write, publish, look whether the record was passed over.
//!
//! # Invariants
//! 1. What is acknowledged is found by everyone from then on, and by a rebuild. A record is written again, at a higher address,
//!    if meanwhile its segment began to be reduced (the floor), entries were cleared (the number of clears), or a record
//!    of its key at a higher address was published.
//! 2. A record is published only once it is written whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;

use super::address::{Address, SEGMENT};
use super::control::Weight;
use super::index::{Hash, Note, Published};
use super::open::View;
use super::record::{Head, Kind, Record, Unsealed};
use super::{LogStore, Now};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::payload::LARGE;
use crate::store::files::Blob;
use crate::store::{Draft, Durability, Store};

/// What this process has written and not brought to the disk.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    segments: BTreeSet<u64>,
    blobs: BTreeSet<Key>,
}

/// Records of a batch go out together up to so many bytes.
const TOGETHER: u64 = SEGMENT / 4;

/// Publishing again is needed when others were faster; so often in a row it would be a fault.
const TRIES: usize = 1000;

/// A record on its way.
struct Staged {
    key: Key,
    record: Unsealed,
    weight: Weight,
    /// Whether it is a removal, not an entry.
    removes: bool,
}

impl LogStore {
    /// Stores entries, together as far as they fit.
    pub(super) fn store(&self, drafts: &[&Draft<'_>]) -> Vec<Result<()>> {
        let mut results: Vec<Result<()>> = Vec::with_capacity(drafts.len());
        let mut group: Vec<Staged> = Vec::new();
        let mut bytes = 0;
        let flush = |group: &mut Vec<Staged>, results: &mut Vec<Result<()>>| {
            // One error for all of a group: it was one write.
            let mut failed = self.publish_all(group).err();
            for _ in group.drain(..) {
                results.push(match &failed {
                    None => Ok(()),
                    Some(error) => Err(error.again()),
                });
            }
            failed.take();
        };
        for draft in drafts {
            match self.stage(draft) {
                Ok(staged) => {
                    let length = staged.record.length() as u64;
                    if bytes + length > TOGETHER {
                        flush(&mut group, &mut results);
                        bytes = 0;
                    }
                    bytes += length;
                    group.push(staged);
                }
                Err(error) => {
                    flush(&mut group, &mut results);
                    bytes = 0;
                    results.push(Err(error));
                }
            }
        }
        flush(&mut group, &mut results);
        self.keep_budget();
        results
    }

    /// The record of an entry; a large value is written to its blob first.
    fn stage(&self, draft: &Draft<'_>) -> Result<Staged> {
        let (record, blob) = if draft.payload.len() < LARGE {
            (Unsealed::entry(draft), 0)
        } else {
            self.view(self.now()).check_writable()?;
            let Blob { length, marker } = self.blobs.put_blob(draft)?;
            if self.durability == Durability::OnClose {
                self.unsynced.lock().unwrap_or_else(PoisonError::into_inner).blobs.insert(draft.key);
            }
            (Unsealed::blob(draft, length, marker), length)
        };
        let weight = Weight { function: draft.function, record: record.length() as u64, blob };
        Ok(Staged { key: draft.key, record, weight, removes: false })
    }

    /// Takes the entry of `key` out: publishes its removal, then removes its blob.
    pub(super) fn remove_entry(&self, slot: usize, address: Address, record: &Record) -> Result<()> {
        let Head { key, function, .. } = record.head();
        let removal = Unsealed::removal(&key, function);
        let weight = Weight { function, record: removal.length() as u64, blob: 0 };
        let staged = Staged { key, record: removal, weight, removes: true };
        if let Err(error) = self.publish_all(&mut [staged]) {
            // No room for the removal: turn the record itself into one, which takes none.
            let now = self.now();
            let view = self.view(now);
            view.check_writable()?;
            self.log.write(address, &record.removal_in_place(address)).map_err(|_| error)?;
            if view.index.table().change(slot, address, None) {
                view.control.uncount(weight_of(record));
            }
        }
        if record.kind() == Kind::Blob {
            self.blobs.remove(&key)?;
        }
        Ok(())
    }

    /// Writes records one behind the other and publishes each.
    fn publish_all(&self, group: &mut [Staged]) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let (first, floor_seen) = self.append(group, now)?;
        let mut address = first;
        for staged in group.iter_mut() {
            let next = address.after(staged.record.length());
            self.publish(staged, address, floor_seen, now)?;
            address = next;
        }
        Ok(())
    }

    /// Writes records one behind the other; returns the address of the first, and the number of clears before.
    fn append(&self, group: &mut [Staged], now: Now) -> Result<(Address, u64)> {
        let view = self.view(now);
        view.check_writable()?;
        let control = &view.control;
        let clears = control.clears();
        let length: usize = group.iter().map(|staged| staged.record.length()).sum();
        let start = control.reserve(length as u64).ok_or_else(|| self.out_of_bounds())?;
        let written = if let [single] = group {
            self.log.write(start, single.record.seal(start))
        } else {
            let mut bytes = Vec::with_capacity(length);
            for staged in group {
                let address = start.after(bytes.len());
                bytes.extend_from_slice(staged.record.seal(address));
            }
            self.log.write(start, &bytes)
        };
        written.inspect_err(|_| control.give_back(start, length as u64))?;
        control.add_log(length as u64);
        self.bring_to_disk(start.segment())?;
        Ok((start, clears))
    }

    /// Publishes the record at `address`, writing it again as long as it may have been passed over.
    fn publish(&self, staged: &mut Staged, address: Address, clears: u64, now: Now) -> Result<()> {
        let (mut address, mut clears) = (address, clears);
        for _ in 0..TRIES {
            let published = self.publish_once(staged, address, now)?;
            let view = self.view.load();
            let passed_over = published == Published::Newer
                || view.control.floor() > address.segment()
                || view.control.clears() != clears;
            if !passed_over {
                return Ok(());
            }
            (address, clears) = self.append(std::slice::from_mut(staged), now)?;
        }
        let fault = std::io::Error::other("others were always faster");
        Err(Error::io("publish an entry in", &self.root, fault))
    }

    /// Publishes a record in the index that is in place, and counts it.
    fn publish_once(&self, staged: &Staged, address: Address, now: Now) -> Result<Published> {
        let hash = Hash::of(&staged.key);
        let mut outcome = None;
        for _ in 0..TRIES {
            let view = self.view(now);
            let table = view.index.table();
            let note = Note::stored(now.seconds, view.control.clock()).to_word();
            let published = table.publish(hash, address, note, |other| {
                self.log.head(other, now.tick).is_some_and(|head| head.key == staged.key)
            });
            if outcome.is_none() && published != Published::Full {
                self.count(&view, staged, published, now);
                outcome = Some(published);
            }
            if table.is_sealed() {
                // A copy is being made, which may lack the record.
                self.await_index(&view)?;
                continue;
            }
            if published == Published::Full {
                self.grow(&view)?;
                continue;
            }
            if published == Published::Inserted && table.is_crowded() {
                // Not needed yet: on a full disk the old table serves on.
                let _ = self.grow(&view);
            }
            // Whatever it was before a copy was made, a newer one is there.
            return Ok(if published == Published::Newer { published } else { outcome.unwrap_or(published) });
        }
        let fault = std::io::Error::other("the index never held still");
        Err(Error::io("publish an entry in", &self.root, fault))
    }

    /// Brings the totals in line with what was published.
    fn count(&self, view: &View, staged: &Staged, published: Published, now: Now) {
        if let Published::Replaced(old) = published
            && let Some(old) = self.log.entry(old, now.tick)
        {
            view.control.uncount(weight_of(&old));
        }
        let is_new = matches!(published, Published::Inserted | Published::Replaced(_));
        if is_new && !staged.removes {
            view.control.count(staged.weight);
        }
    }

    pub(super) fn out_of_bounds(&self) -> Error {
        let fault = std::io::Error::other("its tail is out of bounds; it is mended when all have closed it");
        Error::io("append to", self.log.dir(), fault)
    }

    pub(super) fn bring_to_disk(&self, segment: u64) -> Result<()> {
        match self.durability {
            Durability::None => Ok(()),
            Durability::OnClose => {
                self.unsynced.lock().unwrap_or_else(PoisonError::into_inner).segments.insert(segment);
                Ok(())
            }
            Durability::Each => sync(&super::segments::path(self.log.dir(), segment))
                .and_then(|()| sync(self.log.dir()))
                .map_err(|error| Error::io("sync", self.log.dir(), error)),
        }
    }

    /// Brings all that this process has written to the disk. What fails is lost in a power cut, at worst.
    pub(super) fn sync_all(&self) {
        let unsynced = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner));
        for segment in unsynced.segments {
            let _ = sync(&super::segments::path(self.log.dir(), segment));
        }
        for key in unsynced.blobs {
            let path = self.blobs.path(&key);
            let _ = sync(&path).and_then(|()| path.parent().map_or(Ok(()), sync));
        }
        let _ = sync(self.log.dir()).and_then(|()| sync(&self.root));
        let _ = self.view.load().index.words().sync();
    }
}

/// What an entry adds to the totals.
pub(super) fn weight_of(record: &Record) -> Weight {
    Weight {
        function: record.head().function,
        record: record.bytes().len() as u64,
        blob: record.blob_length(),
    }
}

fn sync(path: &Path) -> std::io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        // Reduced away meanwhile.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
