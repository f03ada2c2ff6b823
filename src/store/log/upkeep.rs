//! The work that one process does for all: copying the index to a larger one, rebuilding it from the log, clearing, sweeping.
//!
//! # Invariants
//! 1. All of it happens under the lock on `log/upkeep`, which the kernel drops with its holder: who waits for a copy that never
//!    comes gets the lock instead, and makes the copy himself.
//! 2. An index is sealed before it is copied, and says that it is retired once the copy has its name.
//! 3. Readers are never kept waiting.
//! 4. Nothing is opened under the lock: opening may need it. And nobody waits for it while holding the mutex of the view.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::LogStore;
use super::address::Address;
use super::append::weight_of;
use super::control::Control;
use super::index::{Hash, Index, Note, Published, Table};
use super::open::View;
use super::record::{HEAD, Head, Kind, Unsealed};
use super::segments::{self, Log};
use crate::error::{Error, Result};
use crate::key::FunctionId;
use crate::store::{Lookup, Store, Swept};
use crate::sys;

/// The lock under which upkeep is done; held until it is dropped.
#[derive(Debug)]
pub(super) struct Upkeep {
    _file: File,
}

impl Upkeep {
    /// Takes the lock, waiting for whoever holds it.
    pub(super) fn lock(log: &Path) -> Result<Self> {
        let path = log.join("upkeep");
        let lock = || {
            let file = Upkeep::open(&path)?;
            file.lock()?;
            Ok(Upkeep { _file: file })
        };
        lock().map_err(|error| Error::io("lock", &path, error))
    }

    /// Takes the lock if nobody holds it.
    pub(super) fn try_lock(log: &Path) -> Option<Self> {
        let file = Upkeep::open(&log.join("upkeep")).ok()?;
        file.try_lock().ok()?;
        Some(Upkeep { _file: file })
    }

    fn open(path: &Path) -> std::io::Result<File> {
        File::options().read(true).write(true).create(true).truncate(false).open(path)
    }
}

impl LogStore {
    /// Sees that there is another index than that of `old`, which is crowded.
    pub(super) fn grow(&self, old: &Arc<View>) -> Result<()> {
        old.check_writable()?;
        let upkeep = Upkeep::lock(self.log.dir())?;
        if self.is_current(old) {
            return self.replace_index(&upkeep, old, |_| true);
        }
        drop(upkeep);
        self.leave_behind(old);
        Ok(())
    }

    /// Waits until the copy that is being made of the index of `old` is in place.
    pub(super) fn await_index(&self, old: &Arc<View>) -> Result<()> {
        old.check_writable()?;
        let upkeep = Upkeep::lock(self.log.dir())?;
        if self.is_current(old) {
            // Whoever made the copy was killed, or had no room for it: the old one serves on.
            old.index.table().set_sealed(false);
            return Ok(());
        }
        drop(upkeep);
        self.leave_behind(old);
        Ok(())
    }

    /// Takes the lock, and the view with the index that is in place while it is held.
    pub(super) fn lock_for_upkeep(&self) -> Result<(Upkeep, Arc<View>)> {
        for _ in 0..100 {
            let view = Arc::clone(&self.view(self.now()));
            view.check_writable()?;
            let upkeep = Upkeep::lock(self.log.dir())?;
            if self.is_current(&view) {
                return Ok((upkeep, view));
            }
            drop(upkeep);
            self.leave_behind(&view);
        }
        let fault = std::io::Error::other("the index never held still");
        Err(Error::io("look after", Index::path(&self.root), fault))
    }

    /// Whether the view is in use and its index in place.
    pub(super) fn is_current(&self, view: &Arc<View>) -> bool {
        Arc::ptr_eq(view, &self.view.load())
            && !view.index.table().is_retired()
            && view.index.words().is_whole()
    }

    /// Takes the index that is in place of that of `old`. Not under the lock: it may be needed for that.
    fn leave_behind(&self, old: &Arc<View>) {
        if !old.index.words().is_whole() {
            old.index.table().retire();
        }
        self.reload_index(old);
    }

    /// Puts a copy of the index in its place, with the slots whose address is to be kept, large enough for them.
    fn replace_index(&self, _upkeep: &Upkeep, old: &Arc<View>, keep: impl Fn(Address) -> bool) -> Result<()> {
        let now = self.now();
        let table = old.index.table();
        table.set_sealed(true);
        let mut copied = Vec::new();
        let kept = || table.entries().filter(|&(_, address)| keep(address));
        let fill = |new: &Table<'_, AtomicU64>| {
            for (slot, address) in kept() {
                // What is no record (any more) is left behind.
                let Some(head) = self.log.head(address, now.tick) else { continue };
                let same = |other| self.log.head(other, now.tick).is_some_and(|other| other.key == head.key);
                let note = table.note(slot);
                new.publish(Hash::of(&head.key), address, note, same);
                copied.push((slot, note));
            }
        };
        let index = Index::create(&self.root, old.control.log_id(), kept().count() as u64, fill)
            .inspect_err(|_| table.set_sealed(false))?;
        table.retire();
        // Uses that were noted meanwhile. Who notes one from here on sees that the table is retired, and notes it again.
        for (slot, note) in copied {
            if table.note(slot) != note
                && let Some(address) = table.address(slot)
                && let Some(head) = self.log.head(address, now.tick)
            {
                index.note_at(Hash::of(&head.key), address, table.note(slot));
            }
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(old, &self.view.load()) {
            self.view.store(Arc::new(old.with_index(index)));
        }
        Ok(())
    }

    /// Removes every entry.
    pub(super) fn clear_all(&self) -> Result<()> {
        let started = SystemTime::now();
        let (upkeep, view) = self.lock_for_upkeep()?;
        let control = &view.control;
        // Whatever is reserved from here on is in a segment of its own, and stays.
        let segment = control.begin_segment();
        control.set_floor(segment);
        control.count_clear();
        for (number, _) in segments::list(self.log.dir())? {
            if number < segment {
                control.subtract_log(self.log.remove(number)?);
            }
        }
        control.set_first(segment);
        self.log.forget_before(segment);
        control.reset_totals();
        self.replace_index(&upkeep, &view, |address| address.segment() >= segment)?;
        // Not those that others are storing now.
        self.blobs.clear_until(started)
    }

    /// Removes every entry of a function.
    pub(super) fn clear_one(&self, function: FunctionId) -> Result<()> {
        let now = self.now();
        let (_upkeep, view) = self.lock_for_upkeep()?;
        let watermark = self.append_clear(&view, function)?;
        view.control.count_clear();
        let mut blobs = Vec::new();
        self.visit_entries(&view, now, |slot, address, record| {
            if record.head().function == function
                && address < watermark
                && view.index.table().change(slot, address, None)
            {
                view.control.uncount(weight_of(&record));
                if record.kind() == Kind::Blob {
                    blobs.push(record.head().key);
                }
            }
        });
        blobs.iter().try_for_each(|key| self.blobs.remove(key).map(drop))
    }

    /// Writes the record that all entries of `function` before it are removed; returns its address.
    fn append_clear(&self, view: &View, function: FunctionId) -> Result<Address> {
        let mut record = Unsealed::clear(function);
        let length = record.length() as u64;
        let address = view.control.reserve(length).ok_or_else(|| self.out_of_bounds())?;
        self.log.write(address, record.seal(address))?;
        view.control.add_log(length);
        Ok(address)
    }

    /// Reads everything in full: rebuilds the index from the log, and removes what is damaged or belongs to nobody.
    pub(super) fn sweep_all(&self) -> Result<Swept> {
        let now = self.now();
        let (upkeep, view) = self.lock_for_upkeep()?;
        let mut swept = Swept::default();
        let mut spoiled = Vec::new();
        self.visit_entries(&view, now, |slot, address, record| {
            let blob_is_sound = || {
                record.kind() != Kind::Blob
                    || matches!(
                        self.blobs.open_blob(&record.head().key, None).map(Lookup::check),
                        Ok(Lookup::Found(_))
                    )
            };
            if !record.is_sound(address) || !blob_is_sound() {
                spoiled.push((slot, address, record));
            }
        });
        for (slot, address, record) in spoiled {
            let path = if record.kind() == Kind::Blob {
                self.blobs.path(&record.head().key)
            } else {
                segments::path(self.log.dir(), address.segment())
            };
            // A blob that is damaged is removed below; this may be the moment at which it is stored again.
            if view.index.table().change(slot, address, None) {
                self.log.write(address, &[0; 24])?;
                swept.damaged.push(path);
            }
        }
        view.index.table().set_sealed(true);
        let rebuilt = rebuild(&upkeep, &self.root, &self.log, &view.control);
        let index = rebuilt.inspect_err(|_| view.index.table().set_sealed(false))?;
        view.index.table().retire();
        // Who notes a use in the old one from here on sees that it is retired, and notes it again.
        index.copy_notes(&view.index);
        self.view.store(Arc::new(view.with_index(index)));
        swept.sound = view.control.extent().entries;
        drop(upkeep);
        // Damaged and foreign files among the blobs, and what killed writers left.
        swept.damaged.extend(self.blobs.sweep()?.damaged);
        // A damaged blob was seen by both.
        swept.damaged.sort_unstable();
        swept.damaged.dedup();
        Ok(swept)
    }
}

/// Makes the index anew from the log, and counts the entries.
pub(super) fn rebuild(_upkeep: &Upkeep, root: &Path, log: &Log, control: &Control) -> Result<Index> {
    let records = estimate(log)?;
    let mut filled = Ok(());
    let index = Index::create(root, control.log_id(), records, |table| filled = fill(table, log, control))?;
    filled.map(|()| index)
}

/// As [`rebuild`], where nothing can be written; the log is as empty as it can be read.
pub(super) fn rebuild_privately(log: &Log, control: &Control) -> Index {
    let records = estimate(log).unwrap_or_default();
    Index::private(control.log_id(), records, |table| {
        if let Err(error) = fill(table, log, control) {
            event!(Debug, "the log cannot be read: {error}");
        }
    })
}

/// How many records the log has at most; not checked.
fn estimate(log: &Log) -> Result<u64> {
    let mut records = 0;
    for (number, _) in segments::list(log.dir())? {
        let bytes = segments::read(log.dir(), number)?;
        let mut at = 0;
        while at + HEAD <= bytes.len() {
            match Head::parse(&bytes[at..]) {
                Some(head) => {
                    records += 1;
                    at += head.length();
                }
                None => at += super::record::ALIGN,
            }
        }
    }
    Ok(records)
}

/// Publishes every sound record of the log in `table`, and counts the entries.
fn fill(table: &Table<'_, AtomicU64>, log: &Log, control: &Control) -> Result<()> {
    let tick = sys::coarse_millis();
    let mut clears: HashMap<FunctionId, Address> = HashMap::new();
    for (number, _) in segments::list(log.dir())? {
        let bytes = segments::read(log.dir(), number)?;
        segments::scan(number, &bytes, |address, record| {
            let key = record.head().key;
            if record.kind() == Kind::Clear {
                clears.insert(record.head().function, address);
                return;
            }
            let same = |other| log.head(other, tick).is_some_and(|head| head.key == key);
            // When it was used last is not known any more.
            let note = Note::stored(seconds_since_1970(record.head().created()), control.clock()).to_word();
            if table.publish(Hash::of(&key), address, note, same) == Published::Full {
                event!(Warn, "an index has no room for the record at {}", address.0);
            }
        });
    }
    control.reset_totals();
    for (slot, address) in table.entries() {
        let Some(record) = log.entry(address, tick) else { continue };
        if clears.get(&record.head().function).is_some_and(|&watermark| address < watermark) {
            table.change(slot, address, None);
        } else {
            control.count(weight_of(&record));
        }
    }
    Ok(())
}

fn seconds_since_1970(time: SystemTime) -> u32 {
    u32::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()).unwrap_or(u32::MAX)
}
