//! The log layout: small entries in an append-only log, found through a hash table that all processes map.
//!
//! ```text
//! log/0000 0001 …   segments: records, one behind the other; written with pwrite, never through a mapping
//!     control       the tail of the log, totals, what reductions need; locks of everyone who has the log open, and of
//!                   whoever grows or rebuilds the index, reduces or clears
//!     writers       the names of the programs that have stored entries; for people
//! index             the hash table: tag and address of each key's latest record; a hint
//! blobs/ab/cdef…-n  values from 64 KiB up, in the format of the files layout; each file belongs to one record
//! ```
//!
//! # Invariants
//! 1. A record is believed only if its key and its checksum match. Whatever index and control hold, it costs misses at most.
//! 2. To store is: reserve room at the tail ([`reserve`](control::Control::reserve)), write, publish in the index ([`append`]). No lock is
//!    taken; who is killed on the way leaves a hole.
//! 3. The log tells the same as the index: of the records of a key the one of the highest address counts. Who finds a higher
//!    one published than his own writes his own again.
//! 4. Whoever moves or removes records of others ([`upkeep`], [`reduce`]) says so first (the floor, the number of
//!    clears, the seal of the index), and who stores looks afterwards whether his record was passed over.
//! 5. A blob is complete before its record is published, and removed after its record is gone. While one of the two is under way,
//!    the control words say so.
//! 6. What cannot be read is an error, not absence: no slot is given up, no index put in place and no segment removed for it.
//!
//! Tried and dropped: a record for each evicted entry (the log would grow while it is reduced), and slots that
//! become free again (then one key can get two slots, and a removal finds one of them).

mod address;
mod append;
mod control;
mod index;
mod lend;
mod listing;
mod look_up;
mod oldest;
mod open;
mod publish;
mod record;
mod reduce;
mod renew;
mod segments;
mod upkeep;
mod view;
mod writers;

use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;

use self::address::Address;
use self::append::Unsynced;
use self::index::Hash;
use self::open::View;
use self::record::Record;
use self::segments::Log;
use self::writers::Writers;
use super::blobs::Blobs;
use super::selection::{Selected, Selection};
use super::{
    Draft, Durability, Entry, EntryInfo, Extent, Layout, Lent, LentEntry, Lookup, Options, Store, Swept,
};
use crate::error::Result;
use crate::events;
use crate::key::{FunctionId, Key};
use crate::sys::{self, Dir, Stamp};

/// Entries in a log below one directory.
#[derive(Debug)]
pub(crate) struct LogStore {
    dir: Arc<Dir>,
    log: Log,
    blobs: Blobs,
    writers: Writers,
    /// What is mapped now; exchanged when the index grows, or the files turn out to be others.
    view: ArcSwap<View>,
    /// Held while the view is exchanged.
    changing: Mutex<()>,
    /// When the mapped files were looked after last, in milliseconds since 1970.
    looked_after: AtomicU64,
    /// Tells the milliseconds since 1970; tests have clocks of their own.
    clock: fn() -> u64,
    budget: Option<u64>,
    /// What reductions for the budget have found.
    pace: reduce::Pace,
    durability: Durability,
    unsynced: Mutex<Unsynced>,
}

/// A moment, as the store needs it.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// Since 1970.
    millis: u64,
    /// Likewise.
    seconds: u32,
}

impl LogStore {
    /// Opens the log in a cache directory.
    ///
    /// Where nothing can be written, or there is no room for the index, what is there can still be read; stores fail with the
    /// reason.
    pub(super) fn open(dir: &Arc<Dir>, options: &Options) -> Self {
        let log = Log::new(dir);
        let view = View::open(dir, &log, options.durability, None);
        let store = LogStore {
            dir: Arc::clone(dir),
            log,
            blobs: Blobs::new(dir),
            writers: Writers::new(dir),
            view: ArcSwap::from_pointee(view),
            changing: Mutex::default(),
            looked_after: AtomicU64::new(0),
            clock: sys::coarse_millis,
            budget: options.budget,
            pace: reduce::Pace::default(),
            durability: options.durability,
            unsynced: Mutex::default(),
        };
        // What is left there harms nobody, so that failing to remove it is no trouble.
        if let Err(error) = sys::sweep(dir).and_then(|()| store.settle_orphans()) {
            events::debug!(error = &error, "what killed processes left stays");
        }
        store
    }

    /// Removes blobs that killed processes left without a record, if there may be any.
    fn settle_orphans(&self) -> Result<()> {
        let view = self.view.load();
        let before = view.control.unsettled();
        if view.unwritable.is_some() || before == 0 {
            return Ok(());
        }
        self.remove_orphans()?;
        view.control.settle_from(before);
        Ok(())
    }

    #[inline]
    fn now(&self) -> Now {
        let millis = (self.clock)();
        Now { millis, seconds: u32::try_from(millis / 1000).unwrap_or(u32::MAX) }
    }

    /// Calls `visit` with the slot, the address and the record of every entry, until it wants no more; fails, after visiting all,
    /// if some could not be read.
    fn visit_entries(
        &self,
        view: &View,
        mut visit: impl FnMut(usize, Address, Record) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut failed = Ok(());
        for (slot, address) in view.index.table().entries() {
            match self.log.entry(address) {
                Ok(Some(record)) => {
                    if visit(slot, address, record).is_break() {
                        return Ok(());
                    }
                }
                Ok(None) => {}
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed
    }
}

impl Store for LogStore {
    fn get(&self, key: &Key) -> Result<Lookup> {
        let now = self.now();
        self.look_up(&self.view(now), key, now)
    }

    fn lend(&self, key: &Key, read: &mut dyn FnMut(&LentEntry<'_>) -> bool) -> Lent {
        self.lend_entry(key, read)
    }

    fn lacks(&self, key: &Key) -> bool {
        // Looked after by the look-up before.
        let view = self.view.load();
        view.index.table().lacks(Hash::of(key)) && matches!(view.is_left_behind(&self.dir), Ok(false))
    }

    fn read_ahead(&self, keys: &[Key]) {
        let view = self.view(self.now());
        let table = view.index.table();
        for key in keys {
            table.read_ahead(Hash::of(key));
        }
    }

    fn info(&self, entry: &Entry, function: &str) -> EntryInfo {
        let info = entry.info(function);
        match entry.writer_number() {
            Some(number) => EntryInfo { writer: self.writers.name(number), ..info },
            None => info,
        }
    }

    fn holds(&self, key: &Key) -> Result<bool> {
        Ok(self.find_in_place(key)?.is_some())
    }

    fn put_all(&self, drafts: &[Draft<'_>]) -> Vec<Result<()>> {
        self.store(drafts)
    }

    fn put(&self, draft: &Draft<'_>) -> Result<()> {
        self.store_one(draft)
    }

    fn mark_verified(&self, key: &Key, stamp: &Stamp) {
        self.blobs.mark_verified(key, stamp);
        // The old marker stays then: the next process verifies again.
        if let Err(error) = self.renew_marker(key, stamp) {
            events::debug!(error = &error, "a file that was found sound gets no marker");
        }
    }

    fn generation(&self) -> Option<u64> {
        let view = self.view.load();
        Some(view.control.log_id().wrapping_add(view.control.clears()))
    }

    fn remove(&self, key: &Key) -> Result<bool> {
        let mut removed = false;
        while let Some(found) = self.find_in_place(key)? {
            self.remove_entry(&found)?;
            removed = true;
        }
        Ok(removed)
    }

    fn clear(&self) -> Result<()> {
        self.clear_all()
    }

    fn clear_functions(&self, functions: &[FunctionId]) -> Result<()> {
        functions.iter().try_for_each(|&function| self.clear_one(function))
    }

    fn scan(&self, visit: &mut dyn FnMut(EntryInfo) -> ControlFlow<()>) -> Result<()> {
        self.list_entries(visit)
    }

    fn sample(&self, most: usize, visit: &mut dyn FnMut(FunctionId, Duration)) -> Result<()> {
        // Slots are in the order of a hash.
        for (_, address) in self.view(self.now()).index.table().entries().take(most) {
            if let Some(record) = self.log.entry(address)?.filter(|record| record.is_sound(address)) {
                let head = record.head();
                visit(head.function, head.compute_time());
            }
        }
        Ok(())
    }

    fn stat(&self) -> Result<Extent> {
        Ok(self.view(self.now()).control.extent())
    }

    fn functions(&self) -> Result<Vec<(FunctionId, Extent)>> {
        Ok(self.view(self.now()).control.functions())
    }

    fn check_writable(&self) -> Result<()> {
        self.view(self.now()).check_writable()?;
        sys::check_writable(&self.dir)
    }

    fn sweep(&self) -> Result<Swept> {
        self.sweep_all()
    }

    fn select(&self, selection: &Selection<'_>) -> Result<Selected> {
        self.select_entries(selection)
    }

    fn check_readable(&self) -> Result<()> {
        open::check_readable(&self.dir, &self.log)
    }

    fn check(&self) -> Result<Swept> {
        self.check_all()
    }

    fn layout(&self) -> Layout {
        Layout::Log
    }
}

impl Drop for LogStore {
    /// What cannot be brought to the disk may be lost in a power cut, at worst.
    fn drop(&mut self) {
        if self.durability == Durability::OnClose
            && let Err(error) = self.sync_all()
        {
            events::warn!(error = &error, "entries may not outlive a power cut");
        }
    }
}

#[cfg(test)]
mod tests;
