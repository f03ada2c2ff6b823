//! Reduction: what is worth least goes, for the budget or as it was asked for; the space comes back segment by segment ([`oldest`]).
//!
//! Who goes first is told by GreedyDual-Size-Frequency (L. Cherkasova, "Improving WWW Proxies Performance with
//! Greedy-Dual-Size-Frequency Caching Policy", HP Laboratories, HPL-98-69R1, 1998): the worth of an entry is
//! `clock + frequency × cost / size`, where the clock is the worth of what was evicted last, as it stood at the entry's last
//! use. Cost is the seconds that the function took, size the bytes of record and blob, frequency the number of spells in
//! which it was used, plus one.
//!
//! # Invariants
//! 1. What was used (not only stored) in the last minute stays in a reduction that was asked for, and goes last for the budget:
//!    only if all else is not enough. A use at the very moment at which the entry goes comes too late.
//! 2. A directory with a budget takes no more than that and a sixteenth of it, whoever stores how fast: who finds that exceeded
//!    reduces until it is not.
//!
//! Why (1) has an end: a program that uses everything would have no budget otherwise.
//!
//! [`oldest`]: super::oldest

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::address::{Address, SEGMENT};
use super::index::Note;
use super::oldest::{Resident, Step};
use super::open::View;
use super::record::Record;
use super::upkeep::Upkeep;
use super::{LogStore, Now, control};
use crate::error::Result;
use crate::events;
use crate::key::Key;
use crate::store::selection::{Candidate, Chosen, Facts, Selected, Selection};

/// What was used in so many seconds is in use.
pub(super) const IN_USE: u32 = 60;

/// Entries that are looked at to find out what is worth least.
const SAMPLE: usize = 1024;

/// A store that finds the budget exceeded goes on reducing for so long.
const TURN: Duration = Duration::from_millis(1);

/// Dead records are cleared away, budget or none, when they take so many bytes and more than the live ones.
const GARBAGE: u64 = 16 << 20;

/// After a reduction that was asked for, dead records take no more than this and a quarter of the live ones.
const LEFT: u64 = 4 << 20;

/// What reductions for the budget have found.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many steps in a row gained next to nothing.
    poor_steps: AtomicU64,
    /// Up to so many bytes of the directory, or so far a tail of the log, nothing is worth trying.
    rested_bytes: AtomicU64,
    rested_tail: AtomicU64,
    /// Whether this process has looked for what killed processes left.
    swept: AtomicBool,
}

impl Pace {
    fn rests(&self, bytes: u64, tail: Address) -> bool {
        bytes < self.rested_bytes.load(Relaxed) && tail.0 < self.rested_tail.load(Relaxed)
    }

    /// Rests until the directory or the log has grown by so much.
    fn rest(&self, bytes: u64, tail: Address, growth: u64) {
        self.poor_steps.store(0, Relaxed);
        self.rested_bytes.store(bytes + growth, Relaxed);
        self.rested_tail.store(tail.0 + growth, Relaxed);
    }
}

/// What is to go for the budget.
#[derive(Clone, Copy)]
struct Aim {
    /// So many bytes are to be freed.
    excess: u64,
    /// What is worth more stays.
    threshold: f64,
    /// What is in use stays.
    spares: bool,
}

impl LogStore {
    /// Does a turn of reduction if the budget is exceeded, or much of the log is dead.
    pub(super) fn keep_budget(&self) {
        let view = self.view.load();
        let control = &view.control;
        let garbage = control.log().saturating_sub(control.live());
        let is_over = self.budget.is_some_and(|budget| used(&view) > budget);
        let is_littered = garbage > GARBAGE.max(control.live());
        if !is_over && !is_littered || view.unwritable.is_some() {
            return;
        }
        let Some(tail) = control.tail() else { return };
        if self.pace.rests(used(&view), tail) {
            return;
        }
        // Without segments: those that are removed meanwhile would take their room as long as a view has them.
        let lean = Arc::new(view.with_segments(Arc::default()));
        drop(view);
        let view = lean;
        if let Err(error) = self.take_turn(&view, is_over) {
            // The disk is full, perhaps: not worth trying again at once.
            self.pace.rest(used(&view), tail, SEGMENT);
            events::debug!(error = &error, "the cache is not reduced");
        }
    }

    /// Reduces for a while, or until the directory is within its bounds.
    fn take_turn(&self, view: &Arc<View>, is_over: bool) -> Result<()> {
        let budget = self.budget.unwrap_or(u64::MAX);
        let (low, most) = (budget / 16 * 15, budget.saturating_add(budget / 16));
        // Somebody else is at it: then only who must has to wait.
        let upkeep = match Upkeep::try_lock(&self.dir)? {
            Some(upkeep) => Some(upkeep),
            None if is_over && used(view) > most => Upkeep::lock(&self.dir)?,
            None => None,
        };
        let Some(upkeep) = upkeep else { return Ok(()) };
        if !self.is_current(view)? {
            // The index was exchanged before the lock was free: the slots of the old one tell nobody anything.
            return Ok(());
        }
        let (now, started) = (self.now(), Instant::now());
        if is_over && !self.pace.swept.swap(true, Relaxed) {
            self.remove_orphans()?;
            view.control.set_log(self.log.list()?.iter().map(|(_, length)| length).sum());
        }
        while started.elapsed() < TURN || is_over && used(view) > most {
            let excess = used(view).saturating_sub(low);
            if is_over && excess == 0 || self.step(view, now, is_over.then_some(excess))? {
                break;
            }
        }
        self.shrink_index(&upkeep, view)
    }

    /// Reduces the oldest segment, for an excess of bytes or only for the dead records in it; whether that is enough for now.
    fn step(&self, view: &View, now: Now, excess: Option<u64>) -> Result<bool> {
        let aim = match excess {
            Some(excess) => self.aim(view, excess, now)?,
            None => Aim { excess: 0, threshold: 0.0, spares: true },
        };
        let goes = |resident: &Resident, freed: u64| {
            freed < aim.excess && resident.worth <= aim.threshold && !(aim.spares && resident.in_use)
        };
        let step = self.reduce_oldest(view, now, goes)?;
        let is_poor = step.freed < SEGMENT / 16;
        // What is worth most lies together: it may be better further on.
        let poor = if is_poor { self.pace.poor_steps.load(Relaxed) + 1 } else { 0 };
        self.pace.poor_steps.store(poor, Relaxed);
        let Some(tail) = view.control.tail() else { return Ok(true) };
        if poor > tail.segment().saturating_sub(view.control.first()) {
            // All that is there was gone through.
            self.pace.rest(
                used(view),
                tail,
                self.budget.map_or(SEGMENT, |budget| (budget / 64).min(SEGMENT)),
            );
            return Ok(true);
        }
        Ok(excess.is_none())
    }

    /// The worth below which so much of the entries lies that it makes up for `excess` bytes, and an eighth of all at least:
    /// the less goes of each segment, the more of it has to be copied. What is in use is spared if the rest is enough.
    fn aim(&self, view: &View, excess: u64, now: Now) -> Result<Aim> {
        let table = view.index.table();
        let stride = (table.capacity() / SAMPLE).max(1);
        let start = usize::try_from(view.control.log()).unwrap_or(0) % stride;
        let mut sample: Vec<(f64, u64, bool)> = Vec::new();
        for slot in (start..table.capacity()).step_by(stride) {
            let Some(address) = table.address(slot) else { continue };
            if let Some(record) = self.log.entry(address)? {
                let note = Note::of_word(table.note(slot));
                sample.push((
                    worth(&record, note),
                    record.extent(),
                    note.was_used_within(IN_USE, now.seconds),
                ));
            }
        }
        let bytes = |spares: bool| {
            sample.iter().filter(|(.., in_use)| !(spares && *in_use)).map(|(_, bytes, _)| bytes).sum::<u64>()
        };
        let all = bytes(false);
        let share = u128::from(all) * u128::from(excess) / u128::from(used(view).max(1));
        let mut wanted = (all / 8).max(u64::try_from(share).unwrap_or(all));
        let spares = bytes(true) >= wanted;
        sample.retain(|(.., in_use)| !(spares && *in_use));
        sample.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut threshold = f64::INFINITY;
        for (worth, bytes, _) in sample {
            if bytes >= wanted {
                threshold = worth;
                break;
            }
            wanted -= bytes;
        }
        Ok(Aim { excess, threshold, spares })
    }

    /// Puts a smaller index in place of one that is much too large for the entries that are left.
    fn shrink_index(&self, upkeep: &Upkeep, view: &Arc<View>) -> Result<()> {
        let entries = view.control.extent().entries;
        if view.index.is_much_too_large_for(entries) && self.is_current(view)? {
            self.replace_index(upkeep, view, |_| true)?;
        }
        Ok(())
    }

    /// Removes what is to go, and gives its space back.
    pub(super) fn select_entries(&self, selection: &Selection<'_>) -> Result<Selected> {
        let mut selected = Selected::default();
        let now = self.now();
        let view = Arc::clone(&self.view(now));
        if !selection.dry_run {
            view.check_writable()?;
        }
        let chosen = selection.choose(self.candidates(&view, now)?);
        if selection.dry_run {
            for chosen in &chosen {
                selected.add(chosen);
            }
            selected.left_of(view.control.extent());
            return Ok(selected);
        }
        drop(view);
        // The lock is given up between the steps, so that nobody waits for long.
        for some in chosen.chunks(1024) {
            let (_upkeep, view) = self.lock_for_upkeep()?;
            for chosen in some {
                self.evict_chosen(&view, chosen, &mut selected)?;
            }
        }
        if !chosen.is_empty() {
            self.compact(now)?;
        }
        let extent = self.view.load().control.extent();
        (selected.reduced.kept_entries, selected.reduced.kept_bytes) = (extent.entries, extent.bytes);
        Ok(selected)
    }

    /// Copies what is live of the oldest segments until the dead records that are left are few.
    fn compact(&self, now: Now) -> Result<()> {
        let Some(last) = self.view.load().control.tail().map(Address::segment) else { return Ok(()) };
        loop {
            let (upkeep, view) = self.lock_for_upkeep()?;
            let (log, live) = (view.control.log(), view.control.live());
            if log.saturating_sub(live) <= LEFT + live / 4 || view.control.first() > last {
                return self.shrink_index(&upkeep, &view);
            }
            self.reduce_oldest(&view, now, |_, _| false)?;
        }
    }

    /// All entries, the oldest first.
    fn candidates(&self, view: &View, now: Now) -> Result<Vec<Candidate<(Key, Address)>>> {
        let mut candidates = Vec::new();
        self.visit_entries(view, |slot, address, record| {
            let note = Note::of_word(view.index.table().note(slot));
            let head = record.head();
            let unused = Duration::from_secs(note.age(now.seconds).into());
            candidates.push(Candidate {
                facts: Facts {
                    function: head.function,
                    created: head.created(),
                    unused,
                    bytes: record.extent(),
                },
                worth: worth(&record, note),
                in_use: note.was_used_within(IN_USE, now.seconds),
                place: (head.key, address),
            });
            ControlFlow::Continue(())
        })?;
        candidates.sort_by_key(|candidate| candidate.place.1);
        Ok(candidates)
    }

    /// Evicts an entry, unless it was replaced since it was chosen. One that was moved goes: it is the same.
    fn evict_chosen(
        &self,
        view: &View,
        chosen: &Chosen<(Key, Address)>,
        selected: &mut Selected,
    ) -> Result<()> {
        let (key, address) = chosen.place;
        let Some(found) = self.find(view, &key)? else { return Ok(()) };
        let was_moved =
            found.address.segment() > address.segment() && view.control.floor() > address.segment();
        if found.address == address || was_moved {
            let worth = worth(&found.record, Note::of_word(view.index.table().note(found.slot)));
            let mut step = Step::default();
            if found.record.blob().is_some() {
                // Its file goes, and the record stays for a while: without it, a rebuild would find what it once replaced.
                self.log.overwrite(found.address, &found.record.removal_in_place(found.address))?;
            }
            self.evict(view, found.slot, found.address, &found.record, worth, &mut step)?;
            if step.entries > 0 {
                selected.add(chosen);
            }
        }
        Ok(())
    }
}

/// What the directory takes, but for what is being written.
fn used(view: &View) -> u64 {
    let control = &view.control;
    [control.blobs(), view.index.bytes(), control::BYTES as u64]
        .into_iter()
        .fold(control.log(), u64::saturating_add)
}

/// What an entry is worth: see the head of this module.
#[expect(clippy::cast_precision_loss, reason = "a ratio to compare with others")]
pub(super) fn worth(record: &Record, note: Note) -> f64 {
    let frequency = f64::from(note.uses) + 1.0;
    note.clock + frequency * record.head().compute_time().as_secs_f64() / record.extent() as f64
}
