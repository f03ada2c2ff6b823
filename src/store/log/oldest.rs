//! The oldest segment of the log: what is to go is evicted, what survives is copied to the tail, the segment is unlinked.
//!
//! # Invariants
//! 1. Segments go oldest first: then a removal can go with its segment, since nothing older is left that it removes.
//! 2. A survivor is copied before its slot tells the copy, and the slot changes only if it still told the original. If somebody was
//!    promised that entries outlive a power cut, the copy is on the disk before its original goes.
//!
//! # Copies announce themselves
//! A reduction reserves room for its copies, announces where they end, and copies only what is
//! still in its place then. Whoever publishes a record before that end writes the record again. So
//! what came later has the higher address, wherever the reducer is killed. (Earlier, a copy behind
//! a newer record was spoiled afterwards. A kill in between brought the old record back.)
//!
//! Records have no word for an eviction: the slot is marked. After a rebuild an evicted entry may
//! be found again, until it is evicted once more.

use super::address::Address;
use super::append::weight_of;
use super::index::{Hash, Note};
use super::open::View;
use super::record::{Record, Unsealed};
use super::reduce::{IN_USE, worth};
use super::{LogStore, Now, segments};
use crate::error::Result;
use crate::events;

/// An entry of the segment that is being reduced.
pub(super) struct Resident {
    slot: usize,
    address: Address,
    record: Record,
    pub(super) worth: f64,
    /// Whether it was used in the last minute.
    pub(super) in_use: bool,
}

/// What a step evicted and freed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    pub(super) entries: u64,
    /// The bytes given back, less those of the copies.
    pub(super) freed: u64,
}

impl LogStore {
    /// Evicts entries of the oldest segment, copies the others to the tail, and unlinks the segment; under the lock. `goes` is
    /// asked of each, least worth first, with the bytes that are free by then.
    pub(super) fn reduce_oldest(
        &self,
        view: &View,
        now: Now,
        goes: impl Fn(&Resident, u64) -> bool,
    ) -> Result<Step> {
        let control = &view.control;
        let number = control.first();
        let tail = control.tail().ok_or_else(|| self.out_of_bounds())?;
        if number >= tail.segment() {
            control.begin_segment();
        }
        // From now on, who writes to it looks again.
        control.set_floor(number + 1);
        let bytes = self.log.bytes(number)?;
        let mut residents = Self::residents(view, number, &bytes, now);
        residents.sort_by(|a, b| a.worth.total_cmp(&b.worth));
        let live: u64 = residents.iter().map(|resident| resident.record.bytes().len() as u64).sum();
        let mut step = Step { freed: (bytes.len() as u64).saturating_sub(live), ..Step::default() };
        let mut survivors = Vec::new();
        for resident in residents {
            if goes(&resident, step.freed) {
                let Resident { slot, address, record, worth, .. } = &resident;
                self.evict(view, *slot, *address, record, *worth, &mut step)?;
            } else {
                survivors.push(resident);
            }
        }
        self.copy_to_tail(view, survivors)?;
        control.subtract_log(self.log.remove(number)?);
        control.set_first(number + 1);
        self.forget_before(number + 1);
        Ok(step)
    }

    /// The entries whose slots tell an address in the segment.
    fn residents(view: &View, number: u64, bytes: &[u8], now: Now) -> Vec<Resident> {
        let table = view.index.table();
        let mut residents = Vec::new();
        segments::scan(number, bytes, |address, record| {
            let told = |slot, found| Ok::<_, std::convert::Infallible>((found == address).then_some(slot));
            let Ok(told) = table.find(Hash::of(&record.head().key), told);
            let Some(slot) = told else { return };
            if !record.is_entry() {
                // A removal: nothing older is left.
                table.change(slot, address, None);
                return;
            }
            let note = Note::of_word(table.note(slot));
            let in_use = note.was_used_within(IN_USE, now.seconds);
            residents.push(Resident { slot, address, worth: worth(&record, note), record, in_use });
        });
        residents
    }

    /// Evicts an entry whose slot tells `address` still.
    pub(super) fn evict(
        &self,
        view: &View,
        slot: usize,
        address: Address,
        record: &Record,
        worth: f64,
        step: &mut Step,
    ) -> Result<()> {
        if !view.index.table().change(slot, address, None) {
            return Ok(());
        }
        view.control.uncount(weight_of(record));
        view.control.advance_clock(worth);
        step.entries += 1;
        step.freed += record.extent();
        let key = record.head().key;
        if let Some(blob) = record.blob() {
            self.discard(view, &blob.name(&key))?;
        }
        events::trace!("evicted: {key}");
        Ok(())
    }

    fn copy_to_tail(&self, view: &View, survivors: Vec<Resident>) -> Result<()> {
        let length: usize = survivors.iter().map(|resident| resident.record.bytes().len()).sum();
        if length == 0 {
            return Ok(());
        }
        let control = &view.control;
        let start = control.reserve(length as u64).ok_or_else(|| self.out_of_bounds())?;
        // From here on, who publishes a record before the copies writes it again, behind them. So of a key with a copy, whatever
        // comes later has a higher address, wherever this process is killed.
        control.announce_copies(start.after(length));
        let mut bytes = vec![0; length];
        let mut moves = Vec::with_capacity(survivors.len());
        let mut at = 0;
        for Resident { slot, address, record, .. } in survivors {
            let (to, length) = (start.after(at), record.bytes().len());
            // Replaced or removed meanwhile: a hole.
            if view.index.table().address(slot) == Some(address) {
                bytes[at..at + length].copy_from_slice(Unsealed::again(record).seal(to));
                moves.push((slot, address, to));
            }
            at += length;
        }
        self.log.write(start, &bytes).inspect_err(|_| control.give_back(start, length as u64))?;
        control.add_log(length as u64);
        if control.is_durable() {
            self.log.sync(start.segment())?;
        }
        for (slot, from, to) in moves {
            // Not if it was replaced or removed meanwhile.
            view.index.table().change(slot, from, Some(to));
        }
        Ok(())
    }
}
