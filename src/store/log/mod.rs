//! The log layout: small entries in an append-only log, found through a hash table that all processes map.
//!
//! ```text
//! log/0000 0001 …   segments: records, one behind the other; written with pwrite, never through a mapping
//!     control       the tail of the log, totals, what reductions need
//!     users         a shared lock of everyone who has the directory open
//!     upkeep        the lock of whoever grows or rebuilds the index, reduces or clears
//! index             the hash table: tag and address of each key's latest record; a hint
//! blobs/ab/cdef…    values from 64 KiB up, in the format of the files layout
//! ```
//!
//! # Invariants
//! 1. A record is believed only if its key and its checksum match. Whatever index and control hold, it costs misses at most.
//! 2. To store is: reserve room at the tail ([`Control::reserve`]), write, publish in the index ([`append`]). No lock is
//!    taken; who is killed on the way leaves a hole.
//! 3. The log tells the same as the index: of the records of a key the one of the highest address counts. Who finds a higher
//!    one published than his own writes his own again.
//! 4. Whoever moves or removes records of others ([`upkeep`], [`reduce`]) says so first (the floor, the number of
//!    clears, the seal of the index), and who stores looks afterwards whether his record was passed over.
//! 5. A blob is complete before its record is published.
//!
//! Tried and dropped: a record for each evicted entry (the log would grow while it is reduced), and slots that
//! become free again (then one key can get two slots, and a removal finds one of them).

mod address;
mod append;
mod control;
mod index;
mod open;
mod record;
mod reduce;
mod segments;
mod upkeep;
mod vouch;

use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use self::address::Address;
use self::append::Unsynced;
use self::index::{Hash, Note};
use self::open::View;
use self::record::{Kind, Record};
use self::segments::Log;
use super::{
    Draft, Durability, EntryInfo, Extent, FilesStore, Limits, Lookup, Options, Reduced, Store, Swept,
};
use crate::error::Result;
use crate::key::{FunctionId, Key};
use crate::sys::{self, Stamp};

/// Entries in a log below one directory.
#[derive(Debug)]
pub(crate) struct LogStore {
    root: PathBuf,
    log: Log,
    blobs: FilesStore,
    /// What is mapped now; exchanged when the index grows, or the files turn out to be others.
    view: ArcSwap<View>,
    /// Held while the view is exchanged.
    changing: Mutex<()>,
    /// When the mapped files were looked after last, in ticks.
    ticked: AtomicU64,
    /// Tells the milliseconds since 1970; tests have clocks of their own.
    clock: fn() -> u64,
    budget: Option<u64>,
    /// How many steps of a reduction in a row gained next to nothing.
    poor_steps: AtomicU64,
    /// The tail of the log up to which reductions rest, since all of it was gone through and gained next to nothing.
    rested: AtomicU64,
    durability: Durability,
    unsynced: Mutex<Unsynced>,
}

/// Mapped files are looked after this often, in milliseconds: that they are there, whole, and the current ones.
const TICK: u64 = 16;

/// A moment, as the store needs it.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// Counts spells of some milliseconds.
    tick: u64,
    /// Since 1970.
    seconds: u32,
}

impl LogStore {
    /// Opens the log in `root`, which is a cache directory.
    ///
    /// Where nothing can be written, or there is no room for the index, what is there can still be read; stores fail with the
    /// reason.
    pub(super) fn open(root: &Path, options: &Options) -> Self {
        let log = Log::new(root.join("log"));
        let view = View::open(root, &log, options.durability);
        LogStore {
            root: root.to_owned(),
            log,
            blobs: FilesStore::open(root),
            view: ArcSwap::from_pointee(view),
            changing: Mutex::default(),
            ticked: AtomicU64::new(0),
            clock: sys::coarse_millis,
            budget: options.budget,
            poor_steps: AtomicU64::new(0),
            rested: AtomicU64::new(0),
            durability: options.durability,
            unsynced: Mutex::default(),
        }
    }

    fn now(&self) -> Now {
        let millis = (self.clock)();
        // Looking after thousands of segments costs time of its own.
        let spell = TICK * (1 + self.log.open_segments() as u64 / 256);
        Now { tick: millis / spell, seconds: u32::try_from(millis / 1000).unwrap_or(u32::MAX) }
    }

    /// What is mapped, looked after.
    fn view(&self, now: Now) -> Guard<Arc<View>> {
        let view = self.view.load();
        if !view.index.table().is_retired() && self.ticked.load(Relaxed) == now.tick {
            return view;
        }
        self.look_after(&view, now);
        self.view.load()
    }

    fn look_after(&self, view: &Arc<View>, now: Now) {
        self.ticked.store(now.tick, Relaxed);
        if !view.is_current() || view.unwritable.is_some() {
            self.reopen(view);
        } else {
            if view.index.table().is_retired() {
                self.reload_index(view);
            }
            self.log.forget_before(view.control.first());
        }
    }

    /// Opens everything again, unless another thread has done so since `old` was seen.
    fn reopen(&self, old: &Arc<View>) {
        let is_late = || !Arc::ptr_eq(old, &self.view.load());
        if is_late() || old.unwritable.is_some() && !old.may_try_again() {
            return;
        }
        self.log.forget_all();
        // Not under the mutex: opening may have to wait for whoever does upkeep, and he may wait for the mutex.
        let view = View::open(&self.root, &self.log, self.durability);
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_late() {
            self.view.store(Arc::new(view));
        }
    }

    /// Takes the index that is in place now, unless another thread has done so since `old` was seen.
    fn reload_index(&self, old: &Arc<View>) {
        {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            if !Arc::ptr_eq(old, &self.view.load()) {
                return;
            }
            if let Some(view) = old.with_current_index(&self.root) {
                self.view.store(Arc::new(view));
                return;
            }
        }
        self.reopen(old);
    }

    /// The slot, the address and the record of `key`, if there is one and it is that of an entry.
    fn find(&self, view: &View, key: &Key, now: Now) -> Option<(usize, Address, Record)> {
        let found = view.index.table().find(Hash::of(key), |slot, address| {
            let record = self.log.record(address, now.tick).filter(|record| record.is_of(key))?;
            Some((slot, address, record))
        });
        found.filter(|(_, _, record)| record.is_entry())
    }

    /// As [`find`](Self::find), in the index that is in place.
    fn find_in_place(&self, key: &Key, now: Now) -> Option<(usize, Address, Record)> {
        let view = self.view(now);
        self.find(&view, key, now).or_else(|| {
            self.newer_view(&view)?;
            self.find_in_place(key, now)
        })
    }

    /// Notes that the entry of `key`, in that slot, is used.
    fn touch(&self, view: &View, slot: usize, key: &Key, now: Now) {
        let table = view.index.table();
        if let Some(note) = Note::of_word(table.note(slot)).used(now.seconds, view.control.clock())
            && view.index.words().is_writable()
        {
            table.set_note(slot, note.to_word());
            // The copy may have been made before that.
            if table.is_retired()
                && let Some(view) = self.newer_view(view)
                && let Some((slot, ..)) = self.find(&view, key, now)
            {
                self.touch(&view, slot, key, now);
            }
        }
    }

    fn look_up(&self, view: &View, key: &Key, now: Now) -> Result<Lookup> {
        let Some((slot, address, record)) = self.find(view, key, now) else {
            return match self.newer_view(view) {
                Some(view) => self.look_up(&view, key, now),
                None => Ok(Lookup::Absent),
            };
        };
        if !record.is_sound(address) {
            let how = format!("the checksum of its record at {} does not match", address.0);
            return Ok(Lookup::Damaged(how));
        }
        self.touch(view, slot, key, now);
        match record.kind() {
            Kind::Blob => self.blobs.open_blob(key, record.marker()),
            _ => Ok(Lookup::Found(record.into_entry())),
        }
    }

    /// The view in place of `view`, if its index is not in place any more. What an index lacks may be in the one after it.
    fn newer_view(&self, view: &View) -> Option<Arc<View>> {
        if !view.is_left_behind() {
            return None;
        }
        let current = self.view.load_full();
        if ptr::eq(&raw const *current, view) {
            self.reload_index(&current);
        }
        Some(self.view.load_full()).filter(|newer| !ptr::eq(&raw const **newer, view))
    }

    /// Calls `visit` with the address and the record of every entry.
    fn visit_entries(&self, view: &View, now: Now, mut visit: impl FnMut(usize, Address, Record)) {
        for (slot, address) in view.index.table().entries() {
            if let Some(record) = self.log.entry(address, now.tick) {
                visit(slot, address, record);
            }
        }
    }
}

impl Store for LogStore {
    fn get(&self, key: &Key) -> Result<Lookup> {
        let now = self.now();
        self.look_up(&self.view(now), key, now)
    }

    fn get_all(&self, keys: &[Key]) -> Vec<Result<Lookup>> {
        let now = self.now();
        let view = self.view(now);
        // All slots are read ahead, so that the processor waits for several of them at a time, not for one after the other.
        let table = view.index.table();
        for key in keys {
            table.read_ahead(Hash::of(key));
        }
        keys.iter().map(|key| self.look_up(&view, key, now)).collect()
    }

    fn holds(&self, key: &Key) -> Result<bool> {
        let now = self.now();
        Ok(self.find_in_place(key, now).is_some())
    }

    fn put(&self, draft: &Draft<'_>) -> Result<()> {
        self.store(&[draft]).pop().expect("as many results as drafts")
    }

    fn put_all(&self, drafts: &[&Draft<'_>]) -> Vec<Result<()>> {
        self.store(drafts)
    }

    fn vouch(&self, key: &Key, stamp: &Stamp) {
        self.renew_marker(key, stamp);
    }

    fn generation(&self) -> Option<u64> {
        let view = self.view.load();
        Some(view.control.log_id().wrapping_add(view.control.clears()))
    }

    fn remove(&self, key: &Key) -> Result<bool> {
        let now = self.now();
        let mut removed = false;
        loop {
            let Some((slot, address, record)) = self.find_in_place(key, now) else {
                return Ok(removed);
            };
            self.remove_entry(slot, address, &record)?;
            removed = true;
        }
    }

    fn clear(&self) -> Result<()> {
        self.clear_all()
    }

    fn clear_functions(&self, functions: &[FunctionId]) -> Result<()> {
        functions.iter().try_for_each(|&function| self.clear_one(function))
    }

    fn list(&self, visit: &mut dyn FnMut(EntryInfo)) -> Result<()> {
        let now = self.now();
        let view = self.view(now);
        self.visit_entries(&view, now, |_, address, record| {
            if record.is_sound(address) {
                let head = record.head();
                visit(EntryInfo {
                    key: head.key,
                    function_id: head.function,
                    function: String::new(),
                    arguments: record.preview(),
                    created: head.created(),
                    compute_time: head.compute_time(),
                    bytes: record.extent(),
                });
            }
        });
        Ok(())
    }

    fn sample(&self, most: usize, visit: &mut dyn FnMut(FunctionId, Duration)) -> Result<()> {
        let now = self.now();
        // Slots are in the order of a hash.
        for (_, address) in self.view(now).index.table().entries().take(most) {
            if let Some(record) = self.log.entry(address, now.tick).filter(|record| record.is_sound(address))
            {
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
        let now = self.now();
        self.view(now).check_writable()?;
        sys::whole_file::check_writable(&self.root.join("tmp"))
    }

    fn sweep(&self) -> Result<Swept> {
        self.sweep_all()
    }

    fn reduce(&self, limits: &Limits) -> Result<Reduced> {
        self.reduce_to(limits)
    }
}

impl Drop for LogStore {
    fn drop(&mut self) {
        if self.durability == Durability::OnClose {
            self.sync_all();
        }
    }
}

#[cfg(test)]
mod tests;
