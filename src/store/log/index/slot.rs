//! A slot of the index: what its two words hold, and the line in which it stands. The layout of the words is told in `docs/format.md`.
//!
//! Nothing here knows of tables: where a key is looked for, and who may change a slot, is told in [`super::table`].

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::Note;
use crate::key::Key;
use crate::store::log::address::Address;
use crate::store::log::record::ALIGN;

/// A shared word. All operations are sequentially consistent: invariant 4 of the table orders a slot and the seal, two words.
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

/// The slots of a line.
pub(super) const LINE: usize = 4;

/// The words of a line.
pub(super) const LINE_WORDS: usize = 2 * LINE;

/// The address field of a slot whose entry was evicted.
const GONE: u64 = ADDRESS_MASK;
const ADDRESS_BITS: u32 = 44;
const ADDRESS_MASK: u64 = (1 << ADDRESS_BITS) - 1;

/// The bits of a hash, and those of them that are the tag.
const HASH_BITS: u32 = TAG_BITS + Note::HASH_BITS;
const TAG_BITS: u32 = u64::BITS - ADDRESS_BITS;

/// What the table knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::log) struct Hash(pub(super) u32);

impl Hash {
    /// Keys are digests already.
    #[inline]
    pub(in crate::store::log) fn of(key: &Key) -> Self {
        let bytes = key.as_bytes();
        Hash(u32::from_le_bytes(std::array::from_fn(|i| bytes[i])) >> (u32::BITS - HASH_BITS))
    }

    pub(super) fn tag(self) -> u64 {
        u64::from(self.0 & ((1 << TAG_BITS) - 1))
    }

    pub(super) fn slot_word(self, address: Address) -> u64 {
        (self.tag() << ADDRESS_BITS) | (address.0 / ALIGN as u64)
    }

    /// The line of the key, of so many. It goes up with the hash, so that a copy of a table is written from its front to its end.
    #[inline]
    pub(super) fn home_among(self, lines: usize) -> usize {
        usize::try_from((u64::from(self.0) * lines as u64) >> HASH_BITS).unwrap_or(0)
    }

    /// A note with the bits that the tag lacks.
    pub(super) fn complete(self, note: u64) -> u64 {
        Note::with_hash(note, self.0 >> TAG_BITS)
    }

    /// The hash of the key of a slot with these words; `None` if the second is not written yet.
    #[inline]
    fn of_words([word, note]: [u64; 2]) -> Option<Self> {
        let tag = u32::try_from(tag_of(word)).ok()?;
        (note != 0).then(|| Hash((Note::hash(note) << TAG_BITS) | tag))
    }
}

/// What a slot tells, by its words.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::log) struct Told(pub(in crate::store::log) [u64; 2]);

impl Told {
    #[inline]
    pub(in crate::store::log) fn address(self) -> Option<Address> {
        address_of(self.0[0])
    }

    /// The hash of the key that the slot belongs to; `None` if not all of it is told yet.
    #[inline]
    pub(in crate::store::log) fn hash(self) -> Option<Hash> {
        Hash::of_words(self.0)
    }

    /// What is noted of the use of its entry.
    pub(in crate::store::log) fn note(self) -> u64 {
        self.0[1]
    }
}

/// The tag in a slot's word.
#[inline]
pub(super) fn tag_of(word: u64) -> u64 {
    word >> ADDRESS_BITS
}

/// A slot's word that tells another address, or that its entry is gone.
pub(super) fn with_address(word: u64, address: Option<Address>) -> u64 {
    let field = address.map_or(GONE, |address| address.0 / ALIGN as u64);
    word & !ADDRESS_MASK | field
}

/// The address that a slot's word tells; `None` if it is free or its entry is gone.
pub(super) fn address_of(word: u64) -> Option<Address> {
    match word & ADDRESS_MASK {
        0 | GONE => None,
        field => Some(Address(field * ALIGN as u64)),
    }
}

/// The first slot of a line, from one on, that is free or has this tag; with its first word.
#[inline]
pub(super) fn slot_in<W: Word>(line: &[W; LINE_WORDS], tag: u64, from: usize) -> Option<(usize, u64)> {
    let is_it = |word: u64| word == 0 || tag_of(word) == tag;
    if from > 0 {
        return (from..LINE).map(|slot| (slot, line[2 * slot].load())).find(|&(_, word)| is_it(word));
    }
    // One after the other: a look-up that fails goes through a dozen slots.
    let [first, _, second, _, third, _, fourth, _] = line;
    let word = first.load();
    if is_it(word) {
        return Some((0, word));
    }
    let word = second.load();
    if is_it(word) {
        return Some((1, word));
    }
    let word = third.load();
    if is_it(word) {
        return Some((2, word));
    }
    let word = fourth.load();
    is_it(word).then_some((3, word))
}
