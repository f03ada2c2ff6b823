//! Reduction: what is worth least goes, what survives of the oldest segment is copied to the tail, the segment is unlinked.
//!
//! Who goes first is told by GreedyDual-Size-Frequency (L. Cherkasova, "Improving WWW Proxies Performance with
//! Greedy-Dual-Size-Frequency Caching Policy", HP Laboratories, HPL-98-69R1, 1998): the worth of an entry is
//! `clock + frequency × cost / size`, where the clock is the worth of what was evicted last, as it stood at the entry's last
//! use. Cost is the seconds that the function took, size the bytes of record and blob, frequency the number of spells in
//! which it was used, plus one.
//!
//! # Invariants
//! 1. Segments go oldest first: then a removal can go with its segment, since nothing older is left that it removes.
//! 2. A survivor is copied before its slot tells the copy, and the slot changes only if it still told the original.
//! 3. What was used (not only stored) in the last minute stays. A use at the very moment at which the entry goes comes too late.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::address::{Address, SEGMENT};
use super::append::weight_of;
use super::index::{Hash, Note};
use super::open::View;
use super::record::{Kind, Record, Unsealed};
use super::upkeep::Upkeep;
use super::{LogStore, Now, segments};
use crate::error::Result;
use crate::store::{Limits, Reduced, Store};

/// What was used in so many seconds stays.
const IN_USE: u32 = 60;

/// Entries that are looked at to find out what is worth least.
const SAMPLE: usize = 1024;

/// A store that finds the budget exceeded goes on reducing for so long.
const TURN: Duration = Duration::from_millis(1);

/// Dead records are cleared away, budget or none, when they take so many bytes and more than the live ones.
const GARBAGE: u64 = 16 << 20;

/// An entry of the segment that is being reduced.
pub(super) struct Resident {
    slot: usize,
    address: Address,
    record: Record,
    worth: f64,
}

/// What a step evicted and freed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    entries: u64,
    /// The bytes of the evicted entries.
    evicted: u64,
    /// The bytes given back, less those of the copies.
    freed: u64,
}

impl LogStore {
    /// Does a turn of reduction if the budget is exceeded and nobody else is at it.
    pub(super) fn keep_budget(&self) {
        let view = self.view.load_full();
        let control = &view.control;
        let used = || control.log() + control.blobs() + view.index.bytes();
        let garbage = control.log().saturating_sub(control.live());
        let over = self.budget.is_some_and(|budget| used() > budget);
        let littered = garbage > GARBAGE.max(control.live());
        if !over && !littered || control.tail().0 < self.rested.load(Relaxed) {
            return;
        }
        let Some(_upkeep) = Upkeep::try_lock(self.log.dir()) else { return };
        if !self.is_current(&view) {
            // The index was exchanged before the lock was free: the slots of the old one tell nobody anything.
            return;
        }
        let now = self.now();
        let started = Instant::now();
        let low = self.budget.map_or(u64::MAX, |budget| budget / 16 * 15);
        while started.elapsed() < TURN {
            let excess = used().saturating_sub(low);
            if excess == 0 && !littered {
                return;
            }
            let threshold = if excess > 0 { self.threshold(&view, excess, used(), now) } else { 0.0 };
            let step = self
                .reduce_oldest(&view, now, |resident, freed| freed < excess && resident.worth <= threshold);
            let poor = match step {
                Ok(step) if step.freed >= SEGMENT / 16 => 0,
                // What is worth most lies together: it may be better further on.
                Ok(_) => self.poor_steps.load(Relaxed) + 1,
                Err(_) => u64::MAX,
            };
            self.poor_steps.store(poor, Relaxed);
            if poor > control.tail().segment().saturating_sub(control.first()) {
                // All that is there is in use, or the disk is full: it is not worth trying again soon.
                self.poor_steps.store(0, Relaxed);
                let pause = self.budget.map_or(SEGMENT, |budget| (budget / 64).min(SEGMENT));
                self.rested.store(control.tail().after(usize::try_from(pause).unwrap_or(0)).0, Relaxed);
                return;
            }
            if littered {
                return;
            }
        }
    }

    /// The worth below which so much of the entries lies that it makes up for `excess` bytes, and an eighth of all at least:
    /// the less goes of each segment, the more of it has to be copied.
    fn threshold(&self, view: &View, excess: u64, used: u64, now: Now) -> f64 {
        let table = view.index.table();
        let stride = (table.capacity() / SAMPLE).max(1);
        let start = usize::try_from(view.control.tail().0).unwrap_or(0) % stride;
        let mut sample: Vec<(f64, u64)> = (start..table.capacity())
            .step_by(stride)
            .filter_map(|slot| {
                let record = self.log.entry(table.address(slot)?, now.tick)?;
                Some((worth(&record, Note::of_word(table.note(slot))), record.extent()))
            })
            .collect();
        sample.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all: u64 = sample.iter().map(|(_, bytes)| bytes).sum();
        let share = u128::from(all) * u128::from(excess) / u128::from(used.max(1));
        let mut wanted = (all / 8).max(u64::try_from(share).unwrap_or(all));
        for (worth, bytes) in sample {
            if bytes >= wanted {
                return worth;
            }
            wanted -= bytes;
        }
        f64::INFINITY
    }

    /// Removes entries until the limits hold, least worth first, and gives their space back.
    pub(super) fn reduce_to(&self, limits: &Limits) -> Result<Reduced> {
        let now = self.now();
        self.view(now).check_writable()?;
        let view = self.view.load_full();
        let chosen = self.choose(&view, limits, now);
        let mut reduced = Reduced::default();
        let last = view.control.tail().segment();
        drop(view);
        if !chosen.is_empty() {
            loop {
                // The lock is given up between the steps, so that nobody waits for long.
                let (_upkeep, view) = self.lock_for_upkeep()?;
                if view.control.first() > last {
                    break;
                }
                let step =
                    self.reduce_oldest(&view, now, |resident, _| chosen.contains(&resident.address))?;
                reduced.entries += step.entries;
                reduced.bytes += step.evicted;
            }
        }
        let extent = self.view.load().control.extent();
        (reduced.kept_entries, reduced.kept_bytes) = (extent.entries, extent.bytes);
        Ok(reduced)
    }

    /// The entries that have to go.
    fn choose(&self, view: &View, limits: &Limits, now: Now) -> HashSet<Address> {
        let mut entries = Vec::new();
        let (mut count, mut bytes) = (0, 0);
        self.visit_entries(view, now, |slot, address, record| {
            let note = Note::of_word(view.index.table().note(slot));
            count += 1;
            bytes += record.extent();
            if !note.was_used_within(IN_USE, now.seconds) {
                let age = u64::from(now.seconds.saturating_sub(note.last_use));
                entries.push((worth(&record, note), address, record.extent(), age));
            }
        });
        entries.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut chosen = HashSet::new();
        let old = |age: u64| limits.age.is_some_and(|limit| age >= limit.as_secs().max(1));
        for pass in [true, false] {
            // First what is too old, then what is worth least.
            for &(_, address, size, age) in &entries {
                let over = limits.bytes.is_some_and(|limit| bytes > limit)
                    || limits.items.is_some_and(|limit| count > limit);
                if (if pass { old(age) } else { over }) && chosen.insert(address) {
                    count -= 1;
                    bytes -= size;
                }
            }
        }
        chosen
    }

    /// Evicts entries of the oldest segment, copies the others to the tail, and unlinks the segment; under the lock. `goes` is
    /// asked of each that is not in use, least worth first, with the bytes that are free by then.
    pub(super) fn reduce_oldest(
        &self,
        view: &View,
        now: Now,
        goes: impl Fn(&Resident, u64) -> bool,
    ) -> Result<Step> {
        let control = &view.control;
        let number = control.first();
        if number >= control.tail().segment() {
            control.begin_segment();
        }
        // From now on, who writes to it looks again.
        control.set_floor(number + 1);
        let bytes = segments::read(self.log.dir(), number)?;
        let mut residents = Self::residents(view, number, &bytes);
        residents.sort_by(|a, b| a.worth.total_cmp(&b.worth));
        let live: u64 = residents.iter().map(|resident| resident.record.bytes().len() as u64).sum();
        let mut step = Step { freed: (bytes.len() as u64).saturating_sub(live), ..Step::default() };
        let mut survivors = Vec::new();
        for resident in residents {
            // Asked now: it may have been used since it was chosen.
            let note = Note::of_word(view.index.table().note(resident.slot));
            if !note.was_used_within(IN_USE, now.seconds) && goes(&resident, step.freed) {
                self.evict(view, &resident, &mut step)?;
            } else {
                survivors.push(resident);
            }
        }
        self.copy_to_tail(view, survivors)?;
        control.subtract_log(self.log.remove(number)?);
        control.set_first(number + 1);
        self.log.forget_before(number + 1);
        Ok(step)
    }

    /// The entries whose slots tell an address in the segment.
    fn residents(view: &View, number: u64, bytes: &[u8]) -> Vec<Resident> {
        let table = view.index.table();
        let mut residents = Vec::new();
        segments::scan(number, bytes, |address, record| {
            let told =
                table.find(Hash::of(&record.head().key), |slot, found| (found == address).then_some(slot));
            let Some(slot) = told else { return };
            if !record.is_entry() {
                // A removal: nothing older is left.
                table.change(slot, address, None);
                return;
            }
            let note = Note::of_word(table.note(slot));
            residents.push(Resident { slot, address, worth: worth(&record, note), record });
        });
        residents
    }

    fn evict(&self, view: &View, resident: &Resident, step: &mut Step) -> Result<()> {
        let Resident { slot, address, record, worth, .. } = resident;
        if !view.index.table().change(*slot, *address, None) {
            return Ok(());
        }
        view.control.uncount(weight_of(record));
        view.control.advance_clock(*worth);
        step.entries += 1;
        step.evicted += record.extent();
        step.freed += record.extent();
        if record.kind() == Kind::Blob {
            self.blobs.remove(&record.head().key)?;
        }
        event!(Trace, "evicted: {}", record.head().key);
        Ok(())
    }

    fn copy_to_tail(&self, view: &View, survivors: Vec<Resident>) -> Result<()> {
        let length: usize = survivors.iter().map(|resident| resident.record.bytes().len()).sum();
        if length == 0 {
            return Ok(());
        }
        let control = &view.control;
        let start = control.reserve(length as u64).ok_or_else(|| self.out_of_bounds())?;
        let mut bytes = Vec::with_capacity(length);
        let mut moves = Vec::with_capacity(survivors.len());
        for Resident { slot, address, record, .. } in survivors {
            let to = start.after(bytes.len());
            bytes.extend_from_slice(Unsealed::again(record).seal(to));
            moves.push((slot, address, to));
        }
        self.log.write(start, &bytes).inspect_err(|_| control.give_back(start, length as u64))?;
        control.add_log(length as u64);
        self.bring_to_disk(start.segment())?;
        for (slot, from, to) in moves {
            if !view.index.table().change(slot, from, Some(to)) {
                // Replaced or removed meanwhile: a rebuild must not find the copy, which has the higher address.
                self.log.write(to, &[0; 24])?;
            }
        }
        Ok(())
    }
}

/// See the head of this module.
#[expect(clippy::cast_precision_loss, reason = "a ratio to compare with others")]
fn worth(record: &Record, note: Note) -> f64 {
    let frequency = f64::from(note.uses) + 1.0;
    note.clock + frequency * record.head().compute_time().as_secs_f64() / record.extent() as f64
}
