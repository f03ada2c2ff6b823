//! The work that one process does for all: copying the index to a larger one, rebuilding it from the log, clearing, sweeping.
//!
//! # Invariants
//! 1. All of it happens under a lock that the kernel drops with its holder: who waits for a copy that never comes gets the lock
//!    instead, and makes the copy. Who holds the lock may also be stopped (Ctrl-Z), so nobody waits for it for ever.
//! 2. An index is filled while others publish in the old one. It is sealed only for as long as it takes to copy what changed
//!    meanwhile, and says that it is retired once the new one has its name.
//! 3. Readers are never kept waiting.
//! 4. An index is put in place only if everything that belongs in it could be read.
//! 5. Nothing is opened under the lock: opening may need it. And nobody waits for it while holding the mutex of the view.
//!
//! The seal in (2) lasts some milliseconds for a million entries: the new table is filled from a
//! snapshot, then what changed since is copied, again and again while it is much; under the seal, the old table is compared
//! with the last snapshot.

mod copy;
mod lock;
mod rebuild;

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

#[cfg(test)]
pub(super) use self::copy::exchange;
pub(super) use self::lock::{Upkeep, patiently};
pub(super) use self::rebuild::{rebuild, rebuild_privately};
use super::LogStore;
use super::address::Address;
use super::append::weight_of;
use super::control::Totals;
use super::index::INDEX;
use super::open::View;
use super::record::{BlobFile, Kind, Record, Unsealed};
use super::segments;
use crate::error::{Error, Result};
use crate::events;
use crate::key::FunctionId;
use crate::lock::lock;
use crate::store::{Lookup, Swept};
use crate::sys;

impl LogStore {
    /// Sees that there is another index than that of `old`, which is crowded.
    pub(super) fn grow(&self, old: &Arc<View>) -> Result<()> {
        old.check_writable()?;
        let upkeep = self.lock_or_block(old)?;
        if let Some(upkeep) = &upkeep
            && self.is_current(old)?
        {
            return self.replace_index(upkeep, old, |_| true);
        }
        drop(upkeep);
        self.leave_behind(old)
    }

    /// Waits until the copy that is being made of the index of `old` is in place.
    pub(super) fn await_index(&self, old: &Arc<View>) -> Result<()> {
        old.check_writable()?;
        let upkeep = self.lock_or_block(old)?;
        if upkeep.is_some() && self.is_current(old)? {
            // Whoever made the copy was killed, or had no room for it: the old one serves on.
            old.index.table().set_sealed(false);
            return Ok(());
        }
        drop(upkeep);
        self.leave_behind(old)
    }

    /// Takes the lock. If it is not to be had, nothing is stored for a while: each store would wait as long.
    fn lock_or_block(&self, view: &Arc<View>) -> Result<Option<Upkeep>> {
        Upkeep::lock(&self.dir).inspect_err(|error| {
            let _changing = lock(&self.changing);
            if view.is_same(&self.view.load()) {
                self.view.store(Arc::new(view.blocked_by(error.clone())));
            }
        })
    }

    /// Takes the lock, and the view with the index that is in place while it is held.
    pub(super) fn lock_for_upkeep(&self) -> Result<(Upkeep, Arc<View>)> {
        for _ in 0..100 {
            let view = Arc::clone(&self.view(self.now()));
            view.check_writable()?;
            if let Some(upkeep) = Upkeep::lock(&self.dir)?
                && self.is_current(&view)?
            {
                return Ok((upkeep, view));
            }
            self.leave_behind(&view)?;
        }
        Err(self.dir.error("look after", INDEX, io::Error::other("the index never held still")))
    }

    /// Whether the view is in use, and what it has mapped is in place.
    pub(super) fn is_current(&self, view: &Arc<View>) -> Result<bool> {
        Ok(view.is_same(&self.view.load())
            && !view.index.table().is_retired()
            && view.is_current(&self.dir)?)
    }

    /// Takes what is in place of `old`. Not under the lock: it may be needed for that.
    fn leave_behind(&self, old: &Arc<View>) -> Result<()> {
        if old.index.table().is_retired() || old.is_left_behind(&self.dir)? {
            self.reload_index(old)
        } else {
            self.reopen(old);
            Ok(())
        }
    }

    /// Removes every entry.
    pub(super) fn clear_all(&self) -> Result<()> {
        let (upkeep, view) = self.lock_for_upkeep()?;
        let control = &view.control;
        // Killed on the way, this leaves blobs that no record tells of: the next who is alone here sees that.
        control.unsettle();
        // Whatever is reserved from here on is in a segment of its own, and stays.
        let segment = control.begin_segment().ok_or_else(|| self.out_of_bounds())?;
        control.set_floor(segment);
        control.count_clear();
        for (number, _) in self.log.list()? {
            if number < segment {
                control.subtract_log(self.log.remove(number)?);
            }
        }
        control.set_first(segment);
        self.forget_before(segment);
        control.recount(&Totals::default());
        self.replace_index(&upkeep, &view, |address| address.segment() >= segment)?;
        drop(upkeep);
        self.remove_orphans()?;
        control.settle();
        sys::sweep(&self.dir)
    }

    /// Removes every entry of a function.
    pub(super) fn clear_one(&self, function: FunctionId) -> Result<()> {
        let (_upkeep, view) = self.lock_for_upkeep()?;
        let watermark = self.append_clear(&view, function)?;
        view.control.count_clear();
        view.control.unsettle();
        let mut blobs = Vec::new();
        self.visit_entries(&view, |slot, address, record| {
            if record.head().function == function
                && address < watermark
                && view.index.table().change(slot, address, None)
            {
                view.control.uncount(weight_of(&record));
                blobs.extend(record.blob().map(|blob| blob.name(&record.head().key)));
            }
            ControlFlow::Continue(())
        })?;
        blobs.iter().try_for_each(|blob| self.dir.remove(blob).map(drop))?;
        view.control.settle();
        Ok(())
    }

    /// Writes the record that all entries of `function` before it are removed; returns its address.
    fn append_clear(&self, view: &View, function: FunctionId) -> Result<Address> {
        let mut record = Unsealed::clear(function);
        let length = record.length() as u64;
        let address = view.control.reserve(length).ok_or_else(|| self.out_of_bounds())?;
        self.log.write(address, record.seal(address))?;
        view.control.add_log(length);
        self.bring_to_disk(address.segment())?;
        Ok(address)
    }

    /// Reads everything in full: removes what is damaged or belongs to nobody, and makes the index anew from the log. What could
    /// not be read stays, and is an error in the end.
    pub(super) fn sweep_all(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut failed = self.remove_damaged(&mut swept)?;
        if let Err(error) = self.rebuild_index() {
            failed.get_or_insert(error);
        }
        self.remove_orphans()?;
        sys::sweep(&self.dir)?;
        swept.sound = self.view.load().control.extent().entries;
        failed.map_or(Ok(swept), Err)
    }

    /// Removes the entries whose records or blobs are damaged; the first error, if some could not be read.
    fn remove_damaged(&self, swept: &mut Swept) -> Result<Option<Error>> {
        let view = Arc::clone(&self.view(self.now()));
        view.check_writable()?;
        let mut failed = None;
        for (slot, address) in view.index.table().entries() {
            match self.check_entry(address) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    if view.index.table().change(slot, address, None) {
                        view.control.uncount(weight_of(&record));
                        // Not zeros: a rebuild would find the record that it once replaced.
                        self.log.overwrite(address, &record.removal_in_place(address))?;
                        let name = file_of(&record, address);
                        if record.kind() == Kind::Blob {
                            self.dir.remove(&name)?;
                        }
                        swept.damaged.push(self.dir.at(&name));
                    }
                }
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        swept.damaged.sort_unstable();
        swept.damaged.dedup();
        Ok(failed)
    }

    /// Reads everything in full, and removes nothing.
    pub(super) fn check_all(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut failed = None;
        let view = Arc::clone(&self.view(self.now()));
        for (slot, address) in view.index.table().entries() {
            match self.file_of_damaged(address) {
                Ok(Some(Ok(()))) => swept.sound += 1,
                // Not if it was replaced or moved a moment ago.
                Ok(Some(Err(file))) if view.index.table().address(slot) == Some(address) => {
                    swept.damaged.push(self.dir.at(&file));
                }
                Ok(None | Some(Err(_))) => {}
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        swept.damaged.sort_unstable();
        failed.map_or(Ok(swept), Err)
    }

    /// Whether the entry at `address` is sound, or which file of it is not; `None` if it was removed.
    fn file_of_damaged(&self, address: Address) -> Result<Option<Result<(), String>>> {
        Ok(match self.log.record(address)? {
            Some(record) if record.is_entry() => {
                let damaged = self.check_entry(address)?;
                Some(damaged.map_or(Ok(()), |record| Err(file_of(&record, address))))
            }
            Some(removal) if removal.is_sound(address) => None,
            _ => Some(Err(segments::name(address.segment()))),
        })
    }

    /// The record at `address`, if it is that of an entry and it, or its blob, is damaged.
    fn check_entry(&self, address: Address) -> Result<Option<Record>> {
        let Some(record) = self.log.entry(address)? else { return Ok(None) };
        let key = record.head().key;
        let blob_is_sound = |blob: BlobFile| {
            Ok::<_, Error>(matches!(self.blobs.check(&blob.name(&key), &key)?, Lookup::Found(_)))
        };
        let is_sound = record.is_sound(address) && record.blob().map_or(Ok(true), blob_is_sound)?;
        Ok((!is_sound).then_some(record))
    }

    /// Removes the blobs that no record tells of, but for those whose writers are about to publish one.
    pub(super) fn remove_orphans(&self) -> Result<()> {
        for name in self.blobs.names()? {
            let is_wanted = || self.is_wanted(&name);
            if !is_wanted()? && self.blobs.remove_orphan(&name, is_wanted)? {
                events::debug!("removed `{name}`, which no record tells of");
            }
        }
        Ok(())
    }

    /// Whether the record of an entry tells of the file `name`.
    pub(super) fn is_wanted(&self, name: &str) -> Result<bool> {
        let Some((key, number)) = BlobFile::of_name(name) else { return Ok(false) };
        let found = self.find_in_place(&key)?;
        Ok(found.and_then(|found| found.record.blob()).is_some_and(|blob| blob.number == number))
    }
}

/// The file that has the value of an entry.
fn file_of(record: &Record, address: Address) -> String {
    match record.blob() {
        Some(blob) => blob.name(&record.head().key),
        None => segments::name(address.segment()),
    }
}
