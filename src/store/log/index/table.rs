//! The index's logic: an open-addressing hash table in shared 64-bit words, apart from mapping and files.
//!
//! A slot is two words. The first is zero when the slot is free; else it holds a 16-bit tag of the key and the 48-bit address
//! of its latest record, in units of eight bytes. The second holds what is noted of the entry's use ([`Note`](super::Note)).
//!
//! # Invariants
//! 1. The table is a hint: whatever its words are, nothing here panics, loops for ever or reads outside of them.
//!    Who looks a key up compares the record at the address.
//! 2. A slot belongs to one key for the life of the table. It never becomes free again, so that two threads that publish one
//!    key meet at the same slot: a key has one slot at most.
//! 3. Of the records of a key, its slot tells the one of the highest address. So a rebuild from the log, which goes by
//!    addresses, comes to the same.
//! 4. A table is copied to a larger one while others publish. Then it is sealed for as long as it takes to copy what changed
//!    meanwhile. Who publishes looks for the seal *afterwards*: either the seal was not there, and the copy has the record; or
//!    it was, and the record is published again, in the copy.
//!
//! Words are a trait, so that shuttle explores the interleavings of the very code that runs on mapped memory.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::key::Key;
use crate::store::log::address::Address;
use crate::store::log::record::ALIGN;

/// A shared word. All operations are sequentially consistent: invariant 4 orders a slot and the seal, two words.
pub(in crate::store) trait Word {
    fn load(&self) -> u64;
    fn store(&self, value: u64);
    fn add(&self, value: u64);
    /// Puts `new` in place of `current`; fails with what is there if that is something else.
    fn replace(&self, current: u64, new: u64) -> Result<(), u64>;
}

impl Word for AtomicU64 {
    fn load(&self) -> u64 {
        AtomicU64::load(self, SeqCst)
    }

    fn store(&self, value: u64) {
        AtomicU64::store(self, value, SeqCst);
    }

    fn add(&self, value: u64) {
        self.fetch_add(value, SeqCst);
    }

    fn replace(&self, current: u64, new: u64) -> Result<(), u64> {
        self.compare_exchange(current, new, SeqCst, SeqCst).map(drop)
    }
}

/// Words before the slots.
pub(super) const HEADER: usize = 512;

/// Where the changing words of the header are, each kind in a cache line of its own.
mod at {
    pub(super) const SEALED: usize = 8;
    pub(super) const RETIRED: usize = 9;
    pub(super) const USED: usize = 16;
}

/// A slot is looked for in this many places. At a load of three quarters, the longest run of a million keys has some 200.
const LONGEST_PROBE: usize = 1024;

/// The address field of a slot whose entry was evicted.
const GONE: u64 = ADDRESS_MASK;
const ADDRESS_MASK: u64 = (1 << 48) - 1;

/// What the table knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::log) struct Hash {
    home: u64,
    tag: u16,
}

impl Hash {
    /// Keys are digests already.
    pub(in crate::store::log) fn of(key: &Key) -> Self {
        let bytes = key.as_bytes();
        Hash {
            home: u64::from_le_bytes(std::array::from_fn(|i| bytes[i])),
            tag: u16::from_le_bytes([bytes[8], bytes[9]]),
        }
    }

    fn slot_word(self, address: Address) -> u64 {
        (u64::from(self.tag) << 48) | (address.0 / ALIGN as u64)
    }
}

/// What came of publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::log) enum Published {
    /// The key had no slot.
    Inserted,
    /// The slot told this address before.
    Replaced(Address),
    /// The slot tells this very address.
    Already,
    /// The slot tells a record of a higher address; nothing was changed.
    Newer,
    /// There is no slot to be had.
    Full,
}

/// A hash table in shared words.
#[derive(Debug)]
pub(in crate::store) struct Table<'w, W> {
    header: &'w [W],
    slots: &'w [W],
}

impl<'w, W: Word> Table<'w, W> {
    /// The words that a table of so many slots takes.
    pub(in crate::store) const fn words(capacity: usize) -> usize {
        HEADER + 2 * capacity
    }

    /// A table over `words`, all zero when it is new.
    ///
    /// # Panics
    ///
    /// Panics if they are too few for a header and a slot.
    pub(in crate::store) fn new(words: &'w [W]) -> Self {
        assert!(words.len() >= Self::words(1), "too few words for a table");
        let (header, slots) = words.split_at(HEADER);
        Table { header, slots }
    }

    pub(in crate::store::log) fn capacity(&self) -> usize {
        self.slots.len() / 2
    }

    /// How many slots are not free.
    pub(in crate::store::log) fn used(&self) -> u64 {
        self.header[at::USED].load()
    }

    /// Whether so many slots are taken that the table should grow.
    pub(in crate::store::log) fn is_crowded(&self) -> bool {
        self.used() >= self.capacity() as u64 / 4 * 3
    }

    /// Whether a copy of this table is being made.
    pub(in crate::store::log) fn is_sealed(&self) -> bool {
        self.header[at::SEALED].load() != 0
    }

    /// Says that a copy is going to be made, or is not after all.
    pub(in crate::store::log) fn set_sealed(&self, sealed: bool) {
        self.header[at::SEALED].store(u64::from(sealed));
    }

    /// Whether the copy is in place of this table.
    pub(in crate::store::log) fn is_retired(&self) -> bool {
        self.header[at::RETIRED].load() != 0
    }

    /// Says that the copy is in place.
    pub(in crate::store::log) fn retire(&self) {
        self.header[at::RETIRED].store(1);
    }

    /// Brings the first place of a key into the cache of the processor.
    pub(in crate::store::log) fn read_ahead(&self, hash: Hash) {
        std::hint::black_box(self.slots[2 * self.home(hash)].load());
    }

    /// Calls `visit` with slots that may be the key's and the addresses they tell, until it returns something or fails.
    pub(in crate::store::log) fn find<R, E>(
        &self,
        hash: Hash,
        mut visit: impl FnMut(usize, Address) -> Result<Option<R>, E>,
    ) -> Result<Option<R>, E> {
        for slot in self.probe(hash) {
            let mut word = self.slots[2 * slot].load();
            if word == 0 {
                return Ok(None);
            }
            while word >> 48 == u64::from(hash.tag)
                && let Some(address) = address_of(word)
            {
                if let Some(found) = visit(slot, address)? {
                    return Ok(Some(found));
                }
                // The record may have been moved meanwhile, and its old place be gone.
                let now = self.slots[2 * slot].load();
                if now == word {
                    break;
                }
                word = now;
            }
        }
        Ok(None)
    }

    /// Makes the key's slot tell `address`, with a `note`, unless it tells a higher one. `is_same` tells whether the record at
    /// an address is of the same key; where it fails, nothing is published, since the key might get a second slot.
    ///
    /// Who publishes asks [`is_sealed`](Self::is_sealed) afterwards.
    pub(in crate::store::log) fn publish<E>(
        &self,
        hash: Hash,
        address: Address,
        note: u64,
        mut is_same: impl FnMut(Address) -> Result<bool, E>,
    ) -> Result<Published, E> {
        let new = hash.slot_word(address);
        for slot in self.probe(hash) {
            let mut word = self.slots[2 * slot].load();
            loop {
                if word == 0 {
                    match self.slots[2 * slot].replace(0, new) {
                        Ok(()) => {
                            self.header[at::USED].add(1);
                            self.set_note(slot, note);
                            return Ok(Published::Inserted);
                        }
                        Err(other) => word = other,
                    }
                    continue;
                }
                if word == new {
                    if self.note(slot) == 0 {
                        // It came here by a copy that was made before it had its note.
                        self.set_note(slot, note);
                    }
                    return Ok(Published::Already);
                }
                let Some(old) = address_of(word) else { break };
                if word >> 48 != u64::from(hash.tag) {
                    break;
                }
                if !is_same(old)? {
                    // The record may have been moved meanwhile, and its old place be gone.
                    let now = self.slots[2 * slot].load();
                    if now == word {
                        break;
                    }
                    word = now;
                    continue;
                }
                if old > address {
                    return Ok(Published::Newer);
                }
                match self.slots[2 * slot].replace(word, new) {
                    Ok(()) => {
                        self.set_note(slot, note);
                        return Ok(Published::Replaced(old));
                    }
                    Err(other) => word = other,
                }
            }
        }
        Ok(Published::Full)
    }

    /// Makes a slot that tells `from` tell `to`, or nothing any more; whether it told `from`.
    pub(in crate::store::log) fn change(&self, slot: usize, from: Address, to: Option<Address>) -> bool {
        let word = &self.slots[2 * slot];
        let current = word.load();
        if address_of(current) != Some(from) {
            return false;
        }
        let field = to.map_or(GONE, |to| to.0 / ALIGN as u64);
        word.replace(current, current & !ADDRESS_MASK | field).is_ok()
    }

    /// What is noted of the use of a slot's entry.
    pub(in crate::store::log) fn note(&self, slot: usize) -> u64 {
        self.slots[2 * slot + 1].load()
    }

    /// Notes the use of a slot's entry. Two notes at once may overwrite each other: it is a hint.
    pub(in crate::store::log) fn set_note(&self, slot: usize, note: u64) {
        self.slots[2 * slot + 1].store(note);
    }

    /// The slots that tell an address, with it.
    pub(in crate::store::log) fn entries(&self) -> impl Iterator<Item = (usize, Address)> {
        (0..self.capacity())
            .filter_map(|slot| address_of(self.slots[2 * slot].load()).map(|address| (slot, address)))
    }

    /// The first words of all slots, as they are now.
    pub(in crate::store::log) fn snapshot(&self) -> Vec<u64> {
        (0..self.capacity()).map(|slot| self.slots[2 * slot].load()).collect()
    }

    /// The slots that tell an address, with it, and did not when the snapshot was taken.
    pub(in crate::store::log) fn changed_since(
        &self,
        snapshot: &[u64],
    ) -> impl Iterator<Item = (usize, Address)> {
        let now = |slot: usize| self.slots[2 * slot].load();
        let changed = snapshot.iter().enumerate().filter(move |&(slot, &word)| now(slot) != word);
        changed.filter_map(move |(slot, _)| address_of(now(slot)).map(|address| (slot, address)))
    }

    /// The address that a slot tells.
    pub(in crate::store::log) fn address(&self, slot: usize) -> Option<Address> {
        address_of(self.slots[2 * slot].load())
    }

    /// The first place where a key may be.
    fn home(&self, hash: Hash) -> usize {
        // The high word of the product: all of the hash counts, for any capacity.
        usize::try_from((u128::from(hash.home) * self.capacity() as u128) >> 64).unwrap_or(0)
    }

    /// The places where a key may be, in the order in which they are taken.
    fn probe(&self, hash: Hash) -> impl Iterator<Item = usize> + use<W> {
        let (capacity, home) = (self.capacity(), self.home(hash));
        let places = LONGEST_PROBE.min(capacity);
        (home..home + places).map(move |slot| if slot < capacity { slot } else { slot - capacity })
    }
}

/// The address that a slot's word tells; `None` if it is free or its entry is gone.
fn address_of(word: u64) -> Option<Address> {
    match word & ADDRESS_MASK {
        0 | GONE => None,
        field => Some(Address(field * ALIGN as u64)),
    }
}

#[cfg(test)]
mod tests;
