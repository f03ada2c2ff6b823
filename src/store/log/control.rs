//! `log/control`: the words that all processes share beside the index, and the locks that they meet at. Specified in
//! `docs/format.md`.
//!
//! # Invariants
//! 1. The tail only grows while anybody appends; only who has the directory alone ([`recover`](super::open)) sets it back. It
//!    carries a check, since a wrong one would have records written over others.
//! 2. Everything else is a hint, except the floor and the number of clears, which tell a writer that its record may have been
//!    passed over; see [`append`](super::append).
//! 3. Totals are added to after the fact: a process that is killed in between leaves them wrong by one entry, until the next
//!    rebuild counts anew.
//! 4. The file has its name as long as anybody uses it. Who finds that it lost its name opens the log anew.
//!
//! Why locks on bytes of this file: empty lock files of their own were removed by cleaners of old
//! files, and each later process took itself to be alone.

mod totals;

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use self::totals::{FUNCTIONS, ROW};
pub(super) use self::totals::{Totals, Weight};
use super::address::{Address, SEGMENT};
use super::record::ALIGN;
use crate::checksum;
use crate::error::Result;
use crate::sys::locks::{self, Lock, Owner};
use crate::sys::map::Words;
use crate::sys::{self, Access, Dir, Stat, Temporary};

/// Where the file is.
pub(super) const CONTROL: &str = "log/control";

/// Words before the rows of the functions.
const HEADER: usize = 512;

/// The size of the file in bytes.
pub(super) const BYTES: usize = (HEADER + FUNCTIONS * ROW) * size_of::<u64>();

/// "rememo", a zero byte and the version. As a number in the byte order of the machine, so that a machine of the
/// other order takes the file for none.
const MAGIC: u64 = 0x0400_6f6d_656d_6572;

/// The byte of the file that everyone who has the log open has a shared lock on.
const USERS: u32 = 0;

/// The byte that whoever does upkeep has an exclusive lock on.
pub(super) const UPKEEP: u32 = 1;

/// The word that counts how often that lock was taken; written by who has it, in its place in the file.
pub(super) const TURNS: u64 = (at::TURNS * size_of::<u64>()) as u64;

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
    pub(super) const SESSION: usize = 20;
    pub(super) const DURABLE: usize = 21;
    pub(super) const ENTRIES: usize = 24;
    pub(super) const LIVE: usize = 25;
    pub(super) const BLOBS: usize = 26;
    pub(super) const LOG: usize = 27;
    pub(super) const COPIES: usize = 22;
    pub(super) const TURNS: usize = 23;
    pub(super) const UNDER_WAY: usize = 32;
}

/// The mapped file.
#[derive(Debug)]
pub(super) struct Control {
    words: Words,
    /// With its locks; `None` for one that nobody else has.
    file: Option<(File, Stat)>,
}

impl Control {
    /// Opens the file and maps it, sound or not; `None` if it is missing. One that is only read is a copy, which sees the changes
    /// of others and keeps its own to itself.
    pub(super) fn open(dir: &Dir, access: Access) -> Result<Option<Self>> {
        let Some((file, stat)) = dir.find(CONTROL, access)? else { return Ok(None) };
        let map = || match access {
            Access::Read | Access::Look => Words::copied(&file, BYTES),
            Access::Write => {
                if stat.size < BYTES as u64 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                // A copy of the file may be sparse, or share its blocks: a write would need room that there may not be.
                sys::allocate(&file, BYTES as u64)?;
                sys::unshare(&file, BYTES as u64)?;
                Words::shared(&file, BYTES)
            }
        };
        let words = match map() {
            // Not the file that was written: garbage, as one whose words are others.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Words::nothing(),
            words => words.map_err(|error| dir.error("map", CONTROL, error))?,
        };
        Ok(Some(Control { words, file: Some((file, stat)) }))
    }

    /// Makes the file, unless there is one, for a log with a new number whose tail is at `tail`.
    pub(super) fn create(dir: &Dir, tail: Address) -> Result<()> {
        Control::draft(dir, tail)?.place_new(CONTROL).map(drop)
    }

    /// Makes the file in place of one that is none.
    pub(super) fn replace(dir: &Dir, tail: Address) -> Result<()> {
        Control::draft(dir, tail)?.place(CONTROL).map(drop)
    }

    fn draft(dir: &Dir, tail: Address) -> Result<Temporary<'_>> {
        let temporary = Temporary::create(dir)?;
        temporary.write(|file| {
            sys::allocate(file, BYTES as u64)?;
            let control = Control { words: Words::shared(file, BYTES)?, file: None };
            control.begin(tail);
            Ok(())
        })?;
        Ok(temporary)
    }

    /// A file that is none: nothing is there, and nothing can be stored.
    pub(super) fn nothing() -> Self {
        Control { words: Words::nothing(), file: None }
    }

    fn begin(&self, tail: Address) {
        use std::hash::{BuildHasher, RandomState};
        let id = RandomState::new().hash_one(std::process::id());
        self.word(at::MAGIC).store(MAGIC, SeqCst);
        self.word(at::SEGMENT).store(SEGMENT, SeqCst);
        self.word(at::LOG_ID).store(id, SeqCst);
        self.word(at::CHECKSUM).store(self.checksum(), SeqCst);
        self.set_tail(tail);
        self.set_first(tail.segment());
        self.set_floor(tail.segment());
    }

    fn checksum(&self) -> u64 {
        let words = [at::MAGIC, at::SEGMENT, at::LOG_ID].map(|at| self.get(at).to_le_bytes());
        checksum::word(&words.concat())
    }

    /// Whether the words are what they should be, as far as that can be seen.
    pub(super) fn is_sound(&self) -> bool {
        let (first, floor) = (self.first(), self.floor());
        self.get(at::MAGIC) == MAGIC
            && self.get(at::SEGMENT) == SEGMENT
            && self.get(at::CHECKSUM) == self.checksum()
            && first <= floor
            // Read last: it only grows.
            && self.tail().is_some_and(|tail| floor <= tail.segment())
            && !self.words.is_lost()
    }

    /// Whether the file still has its name, so that others see what is written here.
    pub(super) fn is_in_place(&self) -> std::io::Result<bool> {
        let Some((file, _)) = &self.file else { return Ok(true) };
        Ok(sys::is_named(file)? && !self.words.is_lost())
    }

    /// Whether it is the file that `stat` is of.
    pub(super) fn is_file(&self, stat: &Stat) -> bool {
        self.file.as_ref().is_none_or(|(_, own)| own.is_same_file(stat))
    }

    /// Takes the exclusive lock of users if nobody else has the log open, else a shared one, if that can be had; which, if any.
    pub(super) fn enter(&self) -> std::io::Result<Option<Lock>> {
        let Some((file, _)) = &self.file else { return Ok(None) };
        for lock in [Lock::Exclusive, Lock::Shared] {
            if locks::try_lock(file, USERS, lock, Owner::OpenFile)? {
                return Ok(Some(lock));
            }
        }
        Ok(None)
    }

    /// Lets others in.
    pub(super) fn share(&self) -> std::io::Result<()> {
        match &self.file {
            Some((file, _)) => locks::try_lock(file, USERS, Lock::Shared, Owner::OpenFile).map(drop),
            None => Ok(()),
        }
    }

    /// What holds as long as the machine runs and the file system stays mounted; zero if that is not known.
    pub(super) fn session(&self) -> u64 {
        let mount = self.file.as_ref().and_then(|(_, stat)| stat.stamp).map_or(0, |stamp| stamp.mount);
        sys::session(mount).unwrap_or(0)
    }

    /// The number of this log, which its index repeats.
    pub(super) fn log_id(&self) -> u64 {
        self.get(at::LOG_ID)
    }

    /// The end of what is reserved; `None` if it is garbage.
    pub(super) fn tail(&self) -> Option<Address> {
        unpack(self.get(at::TAIL))
    }

    /// Reserves room for `bytes` in one segment; `None` if the address space is used up, or the tail is garbage.
    pub(super) fn reserve(&self, bytes: u64) -> Option<Address> {
        let mut found = None;
        let reserved = self.word(at::TAIL).fetch_update(SeqCst, SeqCst, |word| {
            let tail = unpack(word)?;
            let start =
                if tail.offset() + bytes <= SEGMENT { tail } else { Address::of_segment(tail.segment() + 1) };
            found = Some(start);
            pack(Address(start.0.checked_add(bytes)?.checked_next_multiple_of(ALIGN as u64)?))
        });
        reserved.ok().and(found)
    }

    /// Gives room back that nothing was written to; does nothing if more was reserved meanwhile.
    pub(super) fn give_back(&self, address: Address, bytes: u64) {
        let end = Address((address.0 + bytes).next_multiple_of(ALIGN as u64));
        if let (Some(end), Some(start)) = (pack(end), pack(address)) {
            let _ = self.word(at::TAIL).compare_exchange(end, start, SeqCst, SeqCst);
        }
    }

    /// Moves the tail to the beginning of a segment that nobody has written to, and returns that; `None` if the tail is garbage.
    pub(super) fn begin_segment(&self) -> Option<u64> {
        let next = |tail: Address| Address::of_segment(tail.segment() + 1);
        let moved = self.word(at::TAIL).fetch_update(SeqCst, SeqCst, |word| pack(next(unpack(word)?)));
        Some(next(unpack(moved.ok()?)?).segment())
    }

    /// Sets the tail; only for who has the directory alone.
    pub(super) fn set_tail(&self, tail: Address) {
        self.word(at::TAIL).store(pack(tail).unwrap_or(0), SeqCst);
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

    /// Says that copies of records are about to be written, which end at this address.
    pub(super) fn announce_copies(&self, end: Address) {
        self.word(at::COPIES).fetch_max(end.0, SeqCst);
    }

    /// Where the latest copies of records end: of a key with a copy, the record that is published before it may be passed over.
    pub(super) fn copies(&self) -> Address {
        let end = Address(self.get(at::COPIES));
        // Garbage, if the log does not reach that far.
        if self.tail().is_some_and(|tail| end <= tail) { end } else { Address(0) }
    }

    /// Forgets where copies are; only for who has the directory alone.
    pub(super) fn reset_copies(&self) {
        self.word(at::COPIES).store(0, SeqCst);
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

    /// Notes the session that the words belong to; whether they may belong to another.
    pub(super) fn enter_session(&self) -> bool {
        let session = self.session();
        self.word(at::SESSION).swap(session, SeqCst) != session || session == 0
    }

    /// Whether somebody was promised that entries outlive a power cut.
    pub(super) fn is_durable(&self) -> bool {
        self.get(at::DURABLE) != 0
    }

    pub(super) fn set_durable(&self) {
        self.word(at::DURABLE).store(1, SeqCst);
    }

    /// Says that a blob is about to be there without a record, or a record without its blob, until [`settle`](Self::settle).
    pub(super) fn unsettle(&self) {
        self.word(at::UNDER_WAY).fetch_add(1, SeqCst);
    }

    /// Says that it is over.
    pub(super) fn settle(&self) {
        let less = |count: u64| count.checked_sub(1);
        // Nobody may have counted it: the words may have been garbage.
        let _ = self.word(at::UNDER_WAY).fetch_update(SeqCst, SeqCst, less);
    }

    /// How many blobs may be there that no record tells of.
    pub(super) fn unsettled(&self) -> u64 {
        self.get(at::UNDER_WAY)
    }

    /// Says that all blobs were looked at since there were so many.
    pub(super) fn settle_from(&self, unsettled: u64) {
        let less = |count: u64| Some(count.saturating_sub(unsettled));
        let _ = self.word(at::UNDER_WAY).fetch_update(SeqCst, SeqCst, less);
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.words.words()[at]
    }

    fn get(&self, at: usize) -> u64 {
        self.word(at).load(SeqCst)
    }
}

/// The word of a tail: its address in units of 8 bytes, under 16 bits that check it. `None` if it is out of bounds.
fn pack(tail: Address) -> Option<u64> {
    let units = tail.0 / ALIGN as u64;
    (Address::FIRST..Address::LIMIT).contains(&tail).then(|| units | check(units) << 48)
}

/// The tail of a word; `None` if it is none.
fn unpack(word: u64) -> Option<Address> {
    let units = word & ((1 << 48) - 1);
    let tail = Address(units * ALIGN as u64);
    (pack(tail) == Some(word)).then_some(tail)
}

/// 16 bits that change with every bit of a number (Fibonacci hashing).
fn check(units: u64) -> u64 {
    units.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flipped_bit_of_a_tail_is_another_tail() {
        for address in [8, 4096, SEGMENT, (1 << 40) + 8, Address::LIMIT.0 - 8] {
            let word = pack(Address(address)).unwrap();
            assert_eq!(unpack(word), Some(Address(address)));
            for bit in 0..64 {
                assert_eq!(unpack(word ^ 1 << bit), None, "{address}, bit {bit}");
            }
        }
        assert_eq!((unpack(0), unpack(u64::MAX)), (None, None));
        assert_eq!((pack(Address(0)), pack(Address::LIMIT)), (None, None));
    }
}
