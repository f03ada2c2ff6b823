//! How many entries there are, and their bytes: of all, and of each function. Hints, as all of `control` but the tail is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::{Control, HEADER, at};
use crate::key::FunctionId;
use crate::store::Extent;

/// Functions whose entries are counted apart; those of further ones are counted in the totals only.
pub(super) const FUNCTIONS: usize = 1000;

/// Words of a row: the function's id, entries, bytes.
pub(super) const ROW: usize = 3;

/// What an entry adds to the totals, or takes from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::log) struct Weight {
    pub(in crate::store::log) function: FunctionId,
    /// The length of its record.
    pub(in crate::store::log) record: u64,
    /// The length of its blob.
    pub(in crate::store::log) blob: u64,
}

impl Weight {
    fn bytes(&self) -> u64 {
        self.record.saturating_add(self.blob)
    }
}

/// What entries come to that are counted before anybody sees the sum.
#[derive(Debug, Default)]
pub(in crate::store::log) struct Totals {
    entries: u64,
    /// The bytes of the records, and of the blobs.
    live: u64,
    blobs: u64,
    functions: HashMap<FunctionId, Extent>,
}

impl Totals {
    pub(in crate::store::log) fn add(&mut self, weight: Weight) {
        self.entries += 1;
        self.live += weight.record;
        self.blobs += weight.blob;
        let extent = self.functions.entry(weight.function).or_default();
        extent.entries += 1;
        extent.bytes += weight.bytes();
    }

    /// Takes an entry away that was added.
    pub(in crate::store::log) fn take(&mut self, weight: Weight) {
        let less = |value: &mut u64, by: u64| *value = value.saturating_sub(by);
        less(&mut self.entries, 1);
        less(&mut self.live, weight.record);
        less(&mut self.blobs, weight.blob);
        let extent = self.functions.entry(weight.function).or_default();
        less(&mut extent.entries, 1);
        less(&mut extent.bytes, weight.bytes());
    }
}

impl Control {
    /// Adds so many entries of a function to the totals, which weigh that much together.
    pub(in crate::store::log) fn count(&self, entries: u64, weight: Weight) {
        self.change_totals(entries, weight, |word, by| {
            word.fetch_add(by, SeqCst);
        });
    }

    /// Takes an entry from the totals.
    pub(in crate::store::log) fn uncount(&self, weight: Weight) {
        // Never below zero: the totals may be garbage.
        self.change_totals(1, weight, |word, by| {
            let _ = word.fetch_update(SeqCst, SeqCst, |value| Some(value.saturating_sub(by)));
        });
    }

    fn change_totals(&self, count: u64, weight: Weight, change: impl Fn(&AtomicU64, u64)) {
        change(self.word(at::ENTRIES), count);
        change(self.word(at::LIVE), weight.record);
        if weight.blob > 0 {
            change(self.word(at::BLOBS), weight.blob);
        }
        if let Some([_, entries, bytes]) = self.row(weight.function) {
            change(entries, count);
            change(bytes, weight.bytes());
        }
    }

    /// The row of a function, made if there is none; `None` if there is no room.
    fn row(&self, function: FunctionId) -> Option<&[AtomicU64; ROW]> {
        // Not zero, which stands for a free row.
        let id = u64::from_le_bytes(function.0).max(1);
        let start = usize::try_from(id % FUNCTIONS as u64).unwrap_or(0);
        for number in (start..FUNCTIONS).chain(0..start) {
            let row = self.row_at(number)?;
            // Looked at first: to exchange what stays as it is takes longer.
            let found = match row[0].load(SeqCst) {
                0 => row[0].compare_exchange(0, id, SeqCst, SeqCst).map_or_else(|other| other, |_| id),
                found => found,
            };
            if found == id {
                return Some(row);
            }
        }
        None
    }

    /// Row `number`; none, where there is nothing.
    fn row_at(&self, number: usize) -> Option<&[AtomicU64; ROW]> {
        self.words.words().get(HEADER + number * ROW..)?.first_chunk()
    }

    /// All entries: how many, and the bytes of their records and blobs.
    pub(in crate::store::log) fn extent(&self) -> Extent {
        Extent { entries: self.get(at::ENTRIES), bytes: self.live().saturating_add(self.blobs()) }
    }

    /// The bytes of the records of all entries.
    pub(in crate::store::log) fn live(&self) -> u64 {
        self.get(at::LIVE)
    }

    /// The bytes of all blobs.
    pub(in crate::store::log) fn blobs(&self) -> u64 {
        self.get(at::BLOBS)
    }

    /// The bytes of all segments.
    pub(in crate::store::log) fn log(&self) -> u64 {
        self.get(at::LOG)
    }

    /// Notes that segments have grown.
    pub(in crate::store::log) fn add_log(&self, bytes: u64) {
        self.word(at::LOG).fetch_add(bytes, SeqCst);
    }

    /// Notes that segments are gone.
    pub(in crate::store::log) fn subtract_log(&self, bytes: u64) {
        let _ = self.word(at::LOG).fetch_update(SeqCst, SeqCst, |log| Some(log.saturating_sub(bytes)));
    }

    /// Sets the bytes of all segments.
    pub(in crate::store::log) fn set_log(&self, bytes: u64) {
        self.word(at::LOG).store(bytes, SeqCst);
    }

    /// Sets the totals.
    pub(in crate::store::log) fn recount(&self, totals: &Totals) {
        let words = [(at::ENTRIES, totals.entries), (at::LIVE, totals.live), (at::BLOBS, totals.blobs)];
        for (at, value) in words {
            self.word(at).store(value, SeqCst);
        }
        for number in 0..FUNCTIONS {
            self.row_at(number).into_iter().flatten().for_each(|word| word.store(0, SeqCst));
        }
        for (function, extent) in &totals.functions {
            if let Some([_, entries, bytes]) = self.row(*function) {
                entries.store(extent.entries, SeqCst);
                bytes.store(extent.bytes, SeqCst);
            }
        }
    }

    /// The entries of each function that has some.
    pub(in crate::store::log) fn functions(&self) -> Vec<(FunctionId, Extent)> {
        (0..FUNCTIONS)
            .filter_map(|number| self.row_at(number))
            .map(|row| row.each_ref().map(|word| word.load(SeqCst)))
            .filter(|&[id, entries, _]| id != 0 && entries != 0)
            .map(|[id, entries, bytes]| (FunctionId(id.to_le_bytes()), Extent { entries, bytes }))
            .collect()
    }
}
