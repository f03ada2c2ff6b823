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
mod open;
mod publish;
mod record;
mod reduce;
mod renew;
mod segments;
mod upkeep;
mod writers;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use self::address::Address;
use self::append::Unsynced;
use self::index::{Hash, Note};
use self::open::View;
use self::record::Record;
use self::segments::Log;
use self::writers::Writers;
use super::blobs::Blobs;
use super::root;
use super::selection::{Selected, Selection};
use super::{
    Draft, Durability, Entry, EntryInfo, Extent, Layout, Lent, LentEntry, Lookup, Options, Store, Swept,
};
use crate::error::{Error, Result};
use crate::events;
use crate::key::{FunctionId, Key};
use crate::lock::lock;
use crate::sys::{self, Dir, Stamp};

/// What is read of a large one to open it: nearly every header, and the shape of an array behind it.
const FIRST_READ_OF_LARGE: usize = 4096;

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

/// Mapped files are looked after this often, in milliseconds: that they are there, whole, and the current ones.
const TICK: u64 = 16;

/// A key may be moved while it is looked for; so often in a row it would be a fault.
const TRIES: usize = 100;

/// A moment, as the store needs it.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// Since 1970.
    millis: u64,
    /// Likewise.
    seconds: u32,
}

/// A record of an entry that was found; not checked.
#[derive(Debug)]
struct Found {
    slot: usize,
    address: Address,
    record: Record,
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

    /// Whether the mapped files were looked after a moment ago. (Not if the clock of the machine was set back since.)
    #[inline]
    fn is_looked_after(&self, now: Now) -> bool {
        // Looking after thousands of segments costs time of its own.
        let spell = TICK * (1 + self.log.open_segments() as u64 / 256);
        now.millis.wrapping_sub(self.looked_after.load(Relaxed)) < spell
    }

    /// What is mapped, looked after.
    #[inline]
    fn view(&self, now: Now) -> Guard<Arc<View>> {
        let view = self.view.load();
        if !view.index.table().is_retired() && self.is_looked_after(now) {
            return view;
        }
        self.look_after(&view, now);
        self.view.load()
    }

    #[cold]
    fn look_after(&self, view: &Arc<View>, now: Now) {
        self.looked_after.store(now.millis, Relaxed);
        let is_retired = view.index.table().is_retired();
        // What cannot be looked at is opened anew, which tells why.
        let looked = view.is_current(&self.dir);
        match looked {
            Ok(true) if view.unwritable.is_none() && !is_retired => {}
            Ok(true) if is_retired => self.reload_or_reopen(view),
            _ => self.reopen(view),
        }
        self.forget_before(view.control.first());
    }

    /// Closes the segments before `first`: their room on the disk is free once nobody has them mapped.
    fn forget_before(&self, first: u64) {
        self.log.forget_before(first);
        self.take_segments(&self.view.load());
    }

    /// Takes the segments that are open now in place of those of `old`, unless another view is in use by now.
    fn take_segments(&self, old: &View) {
        let _changing = lock(&self.changing);
        let (view, opened) = (self.view.load(), self.log.opened());
        if view.is_same(old) && !Arc::ptr_eq(&view.segments, &opened) {
            self.view.store(Arc::new(view.with_segments(opened)));
        }
    }

    /// Opens everything again, unless another thread has done so since `old` was seen.
    fn reopen(&self, old: &Arc<View>) {
        let is_late = || !old.is_same(&self.view.load());
        if is_late() || old.unwritable.is_some() && !old.may_try_again() {
            return;
        }
        self.log.forget_all();
        self.writers.forget();
        // Not under the mutex: opening may have to wait for whoever does upkeep, and he may wait for the mutex.
        let view = View::open(&self.dir, &self.log, self.durability, Some(old));
        if self.dir.was_made_again()
            && let Err(error) = root::restore(&self.dir, root::Kind::Log)
        {
            events::warn!(error = &error, "the cache directory is not what it was");
        }
        let _changing = lock(&self.changing);
        if !is_late() {
            self.view.store(Arc::new(view));
        }
    }

    /// Takes the index that is in place now, unless another thread has done so since `old` was seen.
    fn reload_index(&self, old: &Arc<View>) -> Result<()> {
        {
            let _changing = lock(&self.changing);
            if !old.is_same(&self.view.load()) {
                return Ok(());
            }
            if let Some(view) = old.with_current_index(&self.dir)? {
                self.view.store(Arc::new(view));
                return Ok(());
            }
        }
        self.reopen(old);
        Ok(())
    }

    fn reload_or_reopen(&self, old: &Arc<View>) {
        if self.reload_index(old).is_err() {
            // Opening anew tells why.
            self.reopen(old);
        }
    }

    /// The record of `key`, if there is one and it is that of an entry.
    #[inline]
    fn find(&self, view: &View, key: &Key) -> Result<Option<Found>> {
        let found = view.index.table().find(Hash::of(key), |slot, address| {
            let record = match self.log.record_among(&view.segments, address) {
                Some(record) => record?,
                None => self.record_in_new_segment(view, address)?,
            };
            let record = record.filter(|record| record.is_of(key));
            Ok::<_, Error>(record.map(|record| Found { slot, address, record }))
        })?;
        Ok(found.filter(|found| found.record.is_entry()))
    }

    /// The record at `address`, in a segment that was not open when the view was made.
    #[cold]
    fn record_in_new_segment(&self, view: &View, address: Address) -> Result<Option<Record>> {
        let record = self.log.record(address)?;
        if record.is_some() {
            self.take_segments(view);
        }
        Ok(record)
    }

    /// As [`find`](Self::find), in the index that is in place.
    fn find_in_place(&self, key: &Key) -> Result<Option<Found>> {
        let mut view = Arc::clone(&self.view(self.now()));
        for _ in 0..TRIES {
            if let Some(found) = self.find(&view, key)? {
                return Ok(Some(found));
            }
            match self.newer_view(&view)? {
                Some(newer) => view = newer,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Notes that the entry of `key`, in that slot, is used; most uses write nothing.
    #[inline]
    fn touch(&self, view: &View, slot: usize, key: &Key, now: Now) {
        if Note::is_due(view.index.table().note(slot), now.seconds) && view.unwritable.is_none() {
            self.note_use(view, slot, key, now);
        }
    }

    fn note_use(&self, view: &View, slot: usize, key: &Key, now: Now) {
        let note = |view: &View, slot: usize| {
            let table = view.index.table();
            let word = table.note(slot);
            let used = Note::of_word(word).used(now.seconds, view.control.clock());
            table.set_note(slot, used.in_place_of(word));
        };
        note(view, slot);
        // The copy may have been made before that. What fails costs a note.
        if view.index.table().is_retired()
            && let Ok(Some(view)) = self.newer_view(view)
            && let Ok(Some(found)) = self.find(&view, key)
        {
            note(&view, found.slot);
        }
    }

    fn look_up(&self, view: &View, key: &Key, now: Now) -> Result<Lookup> {
        // Handed on as it is: it is large.
        let found = self.look_up_in(view, key, now);
        if !matches!(found, Ok(Lookup::Absent)) {
            return found;
        }
        self.look_up_behind(view, key, now)
    }

    /// What is found of a key that `view` lacks: what an index lacks may be in the one after it.
    fn look_up_behind(&self, view: &View, key: &Key, now: Now) -> Result<Lookup> {
        let Some(mut view) = self.newer_view(view)? else { return Ok(Lookup::Absent) };
        for _ in 0..TRIES {
            match self.look_up_in(&view, key, now)? {
                Lookup::Absent => {}
                found => return Ok(found),
            }
            match self.newer_view(&view)? {
                Some(newer) => view = newer,
                None => break,
            }
        }
        Ok(Lookup::Absent)
    }

    #[inline]
    fn look_up_in(&self, view: &View, key: &Key, now: Now) -> Result<Lookup> {
        for _ in 0..TRIES {
            let Some(Found { slot, address, record }) = self.find(view, key)? else {
                return Ok(Lookup::Absent);
            };
            if !record.is_sound(address) {
                let how = format!("the checksum of its record at {} does not match", address.0);
                return Ok(Lookup::Damaged(how));
            }
            self.touch(view, slot, key, now);
            let Some(blob) = record.blob() else { return Ok(Lookup::Found(record.into_entry())) };
            match self.blobs.open(&blob.name(key), key, FIRST_READ_OF_LARGE, record.marker())? {
                // It was replaced or evicted a moment ago.
                Lookup::Absent if view.index.table().address(slot) != Some(address) => {}
                found => return Ok(found),
            }
        }
        Ok(Lookup::Absent)
    }

    /// The view in place of `view`, if its index is not in place any more.
    fn newer_view(&self, view: &View) -> Result<Option<Arc<View>>> {
        if !view.is_left_behind(&self.dir)? {
            return Ok(None);
        }
        let current = self.view.load_full();
        if current.is_same(view) {
            self.reload_index(&current)?;
        }
        Ok(Some(self.view.load_full()).filter(|newer| !newer.is_same(view)))
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
