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
//! snapshot, and the old one is compared with that snapshot.

mod lock;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use self::lock::{Upkeep, patiently};
use super::LogStore;
use super::address::Address;
use super::append::weight_of;
use super::control::{Control, Weight};
use super::index::{Hash, INDEX, Index, IndexDraft, Note, Published, Table};
use super::open::View;
use super::record::{ALIGN, BlobFile, HEAD, Head, Kind, Record, Unsealed};
use super::segments::{self, Log};
use crate::error::{Error, Result};
use crate::events;
use crate::key::FunctionId;
use crate::lock::lock;
use crate::store::{Lookup, Swept};
use crate::sys::{self, Dir};

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
            if Arc::ptr_eq(view, &self.view.load()) {
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
        Ok(Arc::ptr_eq(view, &self.view.load())
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

    /// Puts a copy of the index in its place, with the slots whose address is to be kept, large enough for them.
    pub(super) fn replace_index(
        &self,
        _upkeep: &Upkeep,
        old: &Arc<View>,
        keep: impl Fn(Address) -> bool,
    ) -> Result<()> {
        let table = old.index.table();
        let snapshot = table.snapshot();
        let kept = || table.entries().filter(|&(_, address)| keep(address));
        let draft = Index::draft(&self.dir, old.control.log_id(), kept().count() as u64)?;
        let mut copied = Vec::new();
        for (slot, address) in kept() {
            copied.extend(self.copy_slot(&table, slot, address, &draft.table())?);
        }
        let index = exchange(old, draft, |new| {
            for (slot, address) in table.changed_since(&snapshot).filter(|&(_, address)| keep(address)) {
                copied.extend(self.copy_slot(&table, slot, address, new)?);
            }
            Ok(())
        })?;
        // Uses that were noted meanwhile. Who notes one from here on sees that the table is retired, and notes it again.
        for (slot, note) in copied {
            if table.note(slot) != note
                && let Some(address) = table.address(slot)
                && let Some(head) = self.log.head(address)?
            {
                index.note_at(Hash::of(&head.key), address, table.note(slot));
            }
        }
        self.use_index(old, index);
        Ok(())
    }

    /// Publishes what a slot tells in another table; the slot and its note. `None` if it tells of no record any more.
    fn copy_slot(
        &self,
        table: &Table<'_, AtomicU64>,
        slot: usize,
        address: Address,
        to: &Table<'_, AtomicU64>,
    ) -> Result<Option<(usize, u64)>> {
        let Some(head) = self.log.head(address)? else { return Ok(None) };
        let note = table.note(slot);
        let same = |other| self.log.is_of(other, &head.key);
        match to.publish(Hash::of(&head.key), address, note, same)? {
            Published::Full => Err(self.dir.error("write", INDEX, io::Error::other("it has no room"))),
            _ => Ok(Some((slot, note))),
        }
    }

    /// Takes an index in place of that of `old` into use, unless another thread has opened everything anew.
    fn use_index(&self, old: &Arc<View>, index: Index) {
        let _changing = lock(&self.changing);
        if Arc::ptr_eq(old, &self.view.load()) {
            self.view.store(Arc::new(old.with_index(index)));
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
        self.log.forget_before(segment);
        control.recount([]);
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
                        let name = match record.blob() {
                            Some(blob) => blob.name(&record.head().key),
                            None => segments::name(address.segment()),
                        };
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

    /// Makes the index anew from the log, while others go on.
    fn rebuild_index(&self) -> Result<()> {
        let (_upkeep, view) = self.lock_for_upkeep()?;
        let table = view.index.table();
        let snapshot = table.snapshot();
        // Room for what others store meanwhile.
        let records = estimate(&self.log)?.max(table.used());
        let draft = Index::draft(&self.dir, view.control.log_id(), records)?;
        let mut weights = fill(&draft.table(), &self.log, view.control.clock())?;
        let index = exchange(&view, draft, |new| {
            for (slot, address) in table.changed_since(&snapshot) {
                self.copy_slot(&table, slot, address, new)?;
                weights.extend(self.log.entry(address)?.as_ref().map(weight_of));
            }
            view.control.recount(weights);
            Ok(())
        })?;
        // Who notes a use in the old one from here on sees that it is retired, and notes it again.
        index.copy_notes(&view.index);
        self.use_index(&view, index);
        Ok(())
    }

    /// Removes the blobs that no record tells of, but for those whose writers are about to publish one.
    pub(super) fn remove_orphans(&self) -> Result<()> {
        for name in self.blobs.names()? {
            let is_wanted = || {
                let Some((key, number)) = BlobFile::of_name(&name) else { return Ok(false) };
                let found = self.find_in_place(&key)?;
                Ok(found.and_then(|found| found.record.blob()).is_some_and(|blob| blob.number == number))
            };
            if !is_wanted()? && self.blobs.remove_orphan(&name, is_wanted)? {
                events::debug!("removed `{name}`, which no record tells of");
            }
        }
        Ok(())
    }
}

/// Seals the index of `old`, lets `catch_up` copy what changed lately, and puts the new one in its place.
fn exchange(
    old: &View,
    draft: IndexDraft<'_>,
    catch_up: impl FnOnce(&Table<'_, AtomicU64>) -> Result<()>,
) -> Result<Index> {
    let table = old.index.table();
    table.set_sealed(true);
    let placed = catch_up(&draft.table()).and_then(|()| draft.place());
    match &placed {
        Ok(_) => table.retire(),
        Err(_) => table.set_sealed(false),
    }
    placed
}

/// Makes the index anew from the log, and counts the entries.
pub(super) fn rebuild(_upkeep: &Upkeep, dir: &Dir, log: &Log, control: &Control) -> Result<Index> {
    let draft = Index::draft(dir, control.log_id(), estimate(log)?)?;
    let weights = fill(&draft.table(), log, control.clock())?;
    let index = draft.place()?;
    control.recount(weights);
    Ok(index)
}

/// As [`rebuild`], where nothing can be written, of what can be read. Where there is no memory for it, nothing is found.
pub(super) fn rebuild_privately(log: &Log, control: &Control) -> Index {
    let made = || {
        let index = Index::private(control.log_id(), estimate(log)?)
            .map_err(|error| Error::io("make room for", log.dir().at(INDEX), error))?;
        fill(&index.table(), log, control.clock())?;
        Ok(index)
    };
    made().unwrap_or_else(|error: Error| {
        events::warn!("nothing is found in the log: {error}");
        Index::nothing()
    })
}

/// How many records the log has at most; not checked.
fn estimate(log: &Log) -> Result<u64> {
    let mut records = 0;
    for (number, _) in log.list()? {
        let bytes = log.bytes(number)?;
        let mut at = 0;
        while at + HEAD <= bytes.len() {
            match Head::parse(&bytes[at..]) {
                Some(head) => {
                    records += 1;
                    at += head.length();
                }
                None => at += ALIGN,
            }
        }
    }
    Ok(records)
}

/// Publishes every sound record of the log in `table`; what each entry adds to the totals.
fn fill(table: &Table<'_, AtomicU64>, log: &Log, clock: f64) -> Result<Vec<Weight>> {
    let mut clears: HashMap<FunctionId, Address> = HashMap::new();
    for (number, _) in log.list()? {
        let mut failed = Ok(());
        segments::scan(number, &log.bytes(number)?, |address, record| {
            if failed.is_ok() {
                failed = fill_one(table, log, clock, address, &record, &mut clears);
            }
        });
        failed?;
    }
    let mut weights = Vec::new();
    for (slot, address) in table.entries() {
        let Some(record) = log.entry(address)? else { continue };
        if clears.get(&record.head().function).is_some_and(|&watermark| address < watermark) {
            table.change(slot, address, None);
        } else {
            weights.push(weight_of(&record));
        }
    }
    Ok(weights)
}

/// Whether the file of an entry is there, if it has one. It is not if the record was never published, since its writer was killed:
/// then the one before it counts.
fn has_its_blob(record: &Record, dir: &Dir) -> Result<bool> {
    match record.blob() {
        Some(blob) => Ok(dir.stat(&blob.name(&record.head().key))?.is_some()),
        None => Ok(true),
    }
}

fn fill_one(
    table: &Table<'_, AtomicU64>,
    log: &Log,
    clock: f64,
    address: Address,
    record: &Record,
    clears: &mut HashMap<FunctionId, Address>,
) -> Result<()> {
    let head = record.head();
    if record.kind() == Kind::Clear {
        clears.insert(head.function, address);
        return Ok(());
    }
    if !has_its_blob(record, log.dir())? {
        return Ok(());
    }
    let same = |other| log.is_of(other, &head.key);
    // When it was used last is not known any more.
    let note = Note::stored(seconds_since_1970(head.created()), clock).to_word();
    match table.publish(Hash::of(&head.key), address, note, same)? {
        Published::Full => Err(log.dir().error("write", INDEX, io::Error::other("it has no room"))),
        _ => Ok(()),
    }
}

fn seconds_since_1970(time: SystemTime) -> u32 {
    u32::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()).unwrap_or(u32::MAX)
}
