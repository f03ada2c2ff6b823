//! Visiting all entries, in the order of the log.
//!
//! The index is in the order of a hash: by it each entry's page would come into memory, and soon the whole log. By the log, one
//! segment is in memory at a time, and a bit for each slot of the index.
//!
//! # The order
//! 1. Each segment that is there is read whole. A record is an entry if a slot tells its address; the slot is noted.
//! 2. Slots that are not noted then tell of entries that were moved or stored since the segments were listed. They are visited where
//!    they are now. So an entry that is there all the time is visited once.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, UNIX_EPOCH};

use super::LogStore;
use super::address::Address;
use super::index::{Hash, Note, Table};
use super::record::Record;
use super::segments;
use crate::error::Result;
use crate::store::EntryInfo;

/// The slots whose entries were visited.
struct Visited(Vec<u64>);

impl Visited {
    fn of(capacity: usize) -> Self {
        Visited(vec![0; capacity.div_ceil(64)])
    }

    /// Notes a slot; whether it was not noted before.
    fn insert(&mut self, slot: usize) -> bool {
        let (word, bit) = (&mut self.0[slot / 64], 1 << (slot % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

impl LogStore {
    /// Calls `visit` with what is known of every sound entry, until it wants no more. Fails, after visiting all others, if some could
    /// not be read.
    pub(super) fn list_entries(&self, visit: &mut dyn FnMut(EntryInfo) -> ControlFlow<()>) -> Result<()> {
        // Not a guard: what is listed may take its time.
        let view = Arc::clone(&self.view(self.now()));
        let table = view.index.table();
        let mut visited = Visited::of(table.capacity());
        let mut failed = Ok(());
        for (number, _) in self.log.list()? {
            let bytes = match self.log.bytes(number) {
                Ok(bytes) => bytes,
                Err(error) => {
                    failed = failed.and(Err(error));
                    continue;
                }
            };
            let mut done = ControlFlow::Continue(());
            segments::scan(number, &bytes, |address, record| {
                if done.is_continue()
                    && let Some(slot) = slot_of(&table, &record, address)
                    && visited.insert(slot)
                {
                    done = visit(self.info_of(&table, slot, &record));
                }
            });
            if done.is_break() {
                return Ok(());
            }
        }
        for (slot, address) in table.entries() {
            if !visited.insert(slot) {
                continue;
            }
            match self.log.entry(address) {
                Ok(Some(record)) if record.is_sound(address) => {
                    if visit(self.info_of(&table, slot, &record)).is_break() {
                        return Ok(());
                    }
                }
                Ok(_) => {}
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed
    }

    fn info_of(&self, table: &Table<'_, AtomicU64>, slot: usize, record: &Record) -> EntryInfo {
        let head = record.head();
        let last_use = Note::of_word(table.note(slot)).last_use;
        EntryInfo {
            key: head.key,
            function_id: head.function,
            function: String::new(),
            arguments: record.preview(),
            created: head.created(),
            last_use: Some(UNIX_EPOCH + Duration::from_secs(last_use.into())),
            compute_time: head.compute_time(),
            bytes: record.extent(),
            writer: self.writers.name(head.writer),
        }
    }
}

/// The slot that tells the address of a record, if it is that of an entry.
fn slot_of(table: &Table<'_, AtomicU64>, record: &Record, address: Address) -> Option<usize> {
    if !record.is_entry() {
        return None;
    }
    let is_here = |slot, other| Ok::<_, std::convert::Infallible>((other == address).then_some(slot));
    table.find(Hash::of(&record.head().key), is_here).ok().flatten()
}
