//! `log/control`: the words that all processes share beside the index. Specified in `docs/format.md`.
//!
//! # Invariants
//! 1. The tail only grows while anybody appends; only who has the directory alone ([`recover`](super::recover)) sets it back.
//! 2. Everything else is a hint, except the floor and the number of clears, which tell a writer that its record may have been
//!    passed over; see [`append`](super::append).
//! 3. Totals are added to after the fact: a process that is killed in between leaves them wrong by one entry, until the next
//!    rebuild counts anew.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::address::{Address, SEGMENT};
use crate::checksum;
use crate::error::Result;
use crate::key::FunctionId;
use crate::store::Extent;
use crate::sys::map::Words;
use crate::sys::whole_file;

/// Functions whose entries are counted apart; those of further ones are counted in the totals only.
const FUNCTIONS: usize = 1000;

/// Words before the rows of the functions.
const HEADER: usize = 512;

/// Words of a row: two of the function's id, entries, bytes.
const ROW: usize = 4;

/// The size of the file in bytes.
const BYTES: usize = (HEADER + FUNCTIONS * ROW) * size_of::<u64>();

/// "rememo", a zero byte and the version. As a number in the byte order of the machine, so that a machine of the
/// other order takes the file for none.
const MAGIC: u64 = 0x0200_6f6d_656d_6572;

/// Where the words are; words that are written together share a cache line.
mod at {
    pub(super) const MAGIC: usize = 0;
    pub(super) const SEGMENT: usize = 1;
    pub(super) const LOG_ID: usize = 2;
    pub(super) const CHECKSUM: usize = 3;
    pub(super) const TAIL: usize = 8;
    pub(super) const FIRST: usize = 16;
    pub(super) const FLOOR: usize = 17;
    pub(super) const CLEARS: usize = 18;
    pub(super) const CLOCK: usize = 19;
    pub(super) const BOOT: usize = 20;
    pub(super) const DURABLE: usize = 21;
    pub(super) const ENTRIES: usize = 24;
    pub(super) const LIVE: usize = 25;
    pub(super) const BLOBS: usize = 26;
    pub(super) const LOG: usize = 27;
}

/// The mapped file.
#[derive(Debug)]
pub(super) struct Control {
    words: Words,
}

/// What an entry adds to the totals, or takes from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) function: FunctionId,
    /// The length of its record.
    pub(super) record: u64,
    /// The length of its blob.
    pub(super) blob: u64,
}

impl Control {
    pub(super) fn path(log: &Path) -> PathBuf {
        log.join("control")
    }

    /// Opens the file; `None` if it is missing or is none.
    pub(super) fn open(log: &Path, writable: bool) -> Option<Self> {
        let file = File::options().read(true).write(writable).open(Control::path(log)).ok()?;
        let control = Control { words: Words::map(file, BYTES, writable).ok()? };
        control.is_sound().then_some(control)
    }

    /// Makes the file anew, for a log with a new number whose tail is at `tail`.
    pub(super) fn create(log: &Path, tmp: &Path, tail: Address) -> Result<Self> {
        let path = Control::path(log);
        let control = whole_file::allocated(tmp, &path, BYTES as u64, |file| {
            let control = Control { words: Words::map(file, BYTES, true)? };
            control.begin(tail);
            Ok(control)
        })?;
        Ok(control)
    }

    /// A file that is none: nothing can be stored under it.
    pub(super) fn private() -> Self {
        let control = Control { words: Words::private(BYTES) };
        control.begin(Address::FIRST);
        control
    }

    fn begin(&self, tail: Address) {
        use std::hash::{BuildHasher, RandomState};
        let id = RandomState::new().hash_one(std::process::id());
        self.word(at::MAGIC).store(MAGIC, SeqCst);
        self.word(at::SEGMENT).store(SEGMENT, SeqCst);
        self.word(at::LOG_ID).store(id, SeqCst);
        self.word(at::CHECKSUM).store(self.checksum(), SeqCst);
        self.word(at::TAIL).store(tail.0, SeqCst);
    }

    fn checksum(&self) -> u64 {
        let words = [at::MAGIC, at::SEGMENT, at::LOG_ID].map(|at| self.get(at).to_le_bytes());
        checksum::word(&words.concat())
    }

    /// Whether the constant words are what they should be, and the file is there.
    pub(super) fn is_sound(&self) -> bool {
        self.get(at::MAGIC) == MAGIC
            && self.get(at::SEGMENT) == SEGMENT
            && self.get(at::CHECKSUM) == self.checksum()
    }

    /// The mapped words, for questions about their file.
    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    /// The number of this log, which its index repeats.
    pub(super) fn log_id(&self) -> u64 {
        self.get(at::LOG_ID)
    }

    /// The end of what is reserved.
    pub(super) fn tail(&self) -> Address {
        Address(self.get(at::TAIL))
    }

    /// Reserves room for `bytes` in one segment; `None` if the address space is used up, or the tail is garbage.
    pub(super) fn reserve(&self, bytes: u64) -> Option<Address> {
        let mut found = None;
        let reserved = self.word(at::TAIL).fetch_update(SeqCst, SeqCst, |tail| {
            let tail = Address(tail.checked_next_multiple_of(8)?);
            let start =
                if tail.offset() + bytes <= SEGMENT { tail } else { Address::of_segment(tail.segment() + 1) };
            let end = Address(start.0.checked_add(bytes)?);
            found = Some(start);
            (end < Address::LIMIT).then_some(end.0)
        });
        reserved.ok().and(found)
    }

    /// Gives room back that nothing was written to; does nothing if more was reserved meanwhile.
    pub(super) fn give_back(&self, address: Address, bytes: u64) {
        let _ = self.word(at::TAIL).compare_exchange(address.0 + bytes, address.0, SeqCst, SeqCst);
    }

    /// Moves the tail to the beginning of a segment that nobody has written to, and returns that.
    pub(super) fn begin_segment(&self) -> u64 {
        let next = |tail: u64| Address::of_segment(Address(tail).segment() + 1).0;
        let before = self.word(at::TAIL).fetch_update(SeqCst, SeqCst, |tail| Some(next(tail)));
        Address(next(before.unwrap_or_else(|tail| tail))).segment()
    }

    /// Sets the tail; only for who has the directory alone.
    pub(super) fn set_tail(&self, tail: Address) {
        self.word(at::TAIL).store(tail.0, SeqCst);
    }

    /// The first segment that may be there: those before it are unlinked.
    pub(super) fn first(&self) -> u64 {
        self.get(at::FIRST)
    }

    pub(super) fn set_first(&self, segment: u64) {
        self.word(at::FIRST).store(segment, SeqCst);
    }

    /// Segments below this are gone, or are going: what is written there now may be passed over.
    pub(super) fn floor(&self) -> u64 {
        self.get(at::FLOOR)
    }

    pub(super) fn set_floor(&self, segment: u64) {
        self.word(at::FLOOR).store(segment, SeqCst);
    }

    /// How often all entries, or those of a function, were removed.
    pub(super) fn clears(&self) -> u64 {
        self.get(at::CLEARS)
    }

    pub(super) fn count_clear(&self) {
        self.word(at::CLEARS).fetch_add(1, SeqCst);
    }

    /// The worth of what was evicted last: the clock of GreedyDual-Size-Frequency; see [`reduce`](super::reduce).
    pub(super) fn clock(&self) -> f64 {
        let clock = f64::from_bits(self.get(at::CLOCK));
        if clock.is_finite() && clock > 0.0 { clock } else { 0.0 }
    }

    pub(super) fn advance_clock(&self, worth: f64) {
        if worth > self.clock() && worth.is_finite() {
            self.word(at::CLOCK).store(worth.to_bits(), SeqCst);
        }
    }

    /// Notes the start of the machine that the words belong to; whether they belonged to another.
    pub(super) fn enter_boot(&self, boot: u64) -> bool {
        self.word(at::BOOT).swap(boot, SeqCst) != boot
    }

    /// Whether somebody was promised that entries outlive a power cut.
    pub(super) fn is_durable(&self) -> bool {
        self.get(at::DURABLE) != 0
    }

    pub(super) fn set_durable(&self) {
        self.word(at::DURABLE).store(1, SeqCst);
    }

    /// Adds an entry to the totals.
    pub(super) fn count(&self, weight: Weight) {
        self.change_totals(weight, 1);
    }

    /// Takes an entry from the totals.
    pub(super) fn uncount(&self, weight: Weight) {
        self.change_totals(weight, -1);
    }

    fn change_totals(&self, weight: Weight, sign: i64) {
        if !self.words.is_writable() {
            return;
        }
        let change = |word: &AtomicU64, by: u64| {
            // Never below zero: the totals may be garbage.
            let changed =
                |value: u64| Some(value.saturating_add_signed(sign.saturating_mul(by.cast_signed())));
            let _ = word.fetch_update(SeqCst, SeqCst, changed);
        };
        change(self.word(at::ENTRIES), 1);
        change(self.word(at::LIVE), weight.record);
        if weight.blob > 0 {
            change(self.word(at::BLOBS), weight.blob);
        }
        if let Some(row) = self.row(weight.function) {
            change(&row[2], 1);
            change(&row[3], weight.record + weight.blob);
        }
    }

    /// The row of a function, made if there is none; `None` if there is no room.
    fn row(&self, function: FunctionId) -> Option<&[AtomicU64]> {
        let (low, high) = halves(function);
        let start = usize::try_from(low % FUNCTIONS as u64).unwrap_or(0);
        for number in (start..FUNCTIONS).chain(0..start) {
            let row = self.row_at(number);
            let found = row[0].compare_exchange(0, low, SeqCst, SeqCst);
            if found.is_ok() {
                row[1].store(high, SeqCst);
                return Some(row);
            }
            // Half of an id is enough to tell functions apart; the other may not be written yet.
            if found == Err(low) {
                return Some(row);
            }
        }
        None
    }

    fn row_at(&self, number: usize) -> &[AtomicU64] {
        &self.words.words()[HEADER + number * ROW..][..ROW]
    }

    /// All entries: how many, and the bytes of their records and blobs.
    pub(super) fn extent(&self) -> Extent {
        Extent { entries: self.get(at::ENTRIES), bytes: self.live() + self.get(at::BLOBS) }
    }

    /// The bytes of the records of all entries.
    pub(super) fn live(&self) -> u64 {
        self.get(at::LIVE)
    }

    /// The bytes of all blobs.
    pub(super) fn blobs(&self) -> u64 {
        self.get(at::BLOBS)
    }

    /// The bytes of all segments.
    pub(super) fn log(&self) -> u64 {
        self.get(at::LOG)
    }

    /// Notes that segments have grown.
    pub(super) fn add_log(&self, bytes: u64) {
        self.word(at::LOG).fetch_add(bytes, SeqCst);
    }

    /// Notes that segments are gone.
    pub(super) fn subtract_log(&self, bytes: u64) {
        let _ = self.word(at::LOG).fetch_update(SeqCst, SeqCst, |log| Some(log.saturating_sub(bytes)));
    }

    /// Sets the bytes of all segments.
    pub(super) fn set_log(&self, bytes: u64) {
        self.word(at::LOG).store(bytes, SeqCst);
    }

    /// Forgets how many entries there are, to count them anew.
    pub(super) fn reset_totals(&self) {
        if !self.words.is_writable() {
            return;
        }
        for at in [at::ENTRIES, at::LIVE, at::BLOBS] {
            self.word(at).store(0, SeqCst);
        }
        for number in 0..FUNCTIONS {
            self.row_at(number).iter().for_each(|word| word.store(0, SeqCst));
        }
    }

    /// The entries of each function that has some.
    pub(super) fn functions(&self) -> Vec<(FunctionId, Extent)> {
        (0..FUNCTIONS)
            .map(|number| self.row_at(number))
            .map(|row| [0, 1, 2, 3].map(|i| row[i].load(SeqCst)))
            .filter(|row| row[0] != 0 && row[2] != 0)
            .map(|[low, high, entries, bytes]| (function(low, high), Extent { entries, bytes }))
            .collect()
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.words.words()[at]
    }

    fn get(&self, at: usize) -> u64 {
        self.word(at).load(SeqCst)
    }
}

/// The halves of an id; the first is never zero, which stands for a free row.
fn halves(function: FunctionId) -> (u64, u64) {
    let half = |start: usize| u64::from_le_bytes(std::array::from_fn(|i| function.0[start + i]));
    (half(0).max(1), half(8))
}

fn function(low: u64, high: u64) -> FunctionId {
    let halves = [low.to_le_bytes(), high.to_le_bytes()];
    FunctionId(std::array::from_fn(|i| halves[i / 8][i % 8]))
}
