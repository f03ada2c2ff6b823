//! Making the index anew from the log.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Upkeep;
use super::copy::{Stopped, exchange};
use crate::error::{Error, Result};
use crate::events;
use crate::key::FunctionId;
use crate::store::log::LogStore;
use crate::store::log::address::Address;
use crate::store::log::append::weight_of;
use crate::store::log::control::{Control, Totals};
use crate::store::log::index::{Hash, INDEX, Index, Note, Published, Table};
use crate::store::log::record::{Kind, Record};
use crate::store::log::segments::{self, Log};
use crate::sys::Dir;

impl LogStore {
    /// Makes the index anew from the log, while others go on.
    pub(super) fn rebuild_index(&self) -> Result<()> {
        let (_upkeep, view) = self.lock_for_upkeep()?;
        let table = view.index.table();
        let snapshot = table.snapshot();
        // Room for what others store meanwhile.
        let records = count(&self.log)?.max(table.used());
        let draft = Index::draft(&self.dir, view.control.log_id(), records)?;
        let totals = RefCell::new(fill(&draft.table(), &self.log, view.control.clock())?);
        let noted = table.snapshot();
        draft.copy_notes(&noted);
        let weight = |address| Ok::<_, Stopped>(self.log.entry(address)?.as_ref().map(weight_of));
        let copy = |slot, address, new: &Table<'_, AtomicU64>| {
            let copied = self.copy_slot(&table, slot, address, new)?;
            let mut totals = totals.borrow_mut();
            if let Some(Published::Replaced(before)) = copied {
                weight(before)?.into_iter().for_each(|weight| totals.take(weight));
            }
            if let Some(Published::Inserted | Published::Replaced(_)) = copied {
                weight(address)?.into_iter().for_each(|weight| totals.add(weight));
            }
            Ok(())
        };
        let index = exchange(&view, draft, snapshot, copy, || view.control.recount(&totals.borrow()))
            .map_err(|stopped| stopped.into_error(self))?;
        self.copy_changed_notes(&table, &noted, &index)?;
        self.use_index(&view, index);
        Ok(())
    }
}

/// Makes the index anew from the log, and counts the entries.
pub(in crate::store::log) fn rebuild(
    _upkeep: &Upkeep,
    dir: &Dir,
    log: &Log,
    control: &Control,
) -> Result<Index> {
    let draft = Index::draft(dir, control.log_id(), count(log)?)?;
    let totals = fill(&draft.table(), log, control.clock())?;
    let index = draft.place()?;
    control.recount(&totals);
    Ok(index)
}

/// As [`rebuild`], where nothing can be written, of what can be read. Where there is no memory for it, nothing is found.
pub(in crate::store::log) fn rebuild_privately(log: &Log, control: &Control) -> Index {
    let made = || {
        let index = Index::private(control.log_id(), count(log)?)
            .map_err(|error| Error::io("make room for", log.dir().at(INDEX), error))?;
        fill(&index.table(), log, control.clock())?;
        Ok(index)
    };
    made().unwrap_or_else(|error: Error| {
        events::warn!(error = &error, "nothing is found in the log");
        Index::nothing()
    })
}

/// How many records the log has.
fn count(log: &Log) -> Result<u64> {
    let mut records = 0;
    for (number, _) in log.list()? {
        records += segments::sound_records(number, &log.bytes(number)?).count() as u64;
    }
    Ok(records)
}

/// Publishes every sound record of the log in `table`; what the entries come to.
fn fill(table: &Table<'_, AtomicU64>, log: &Log, clock: f64) -> Result<Totals> {
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
    let mut totals = Totals::default();
    for (slot, address) in table.entries() {
        let Some(record) = log.entry(address)? else { continue };
        if clears.get(&record.head().function).is_some_and(|&watermark| address < watermark) {
            table.change(slot, address, None);
        } else {
            totals.add(weight_of(&record));
        }
    }
    Ok(totals)
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
