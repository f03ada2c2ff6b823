//! The index's logic: an open-addressing hash table in shared 64-bit words, apart from mapping and files.
//!
//! A slot is two words. The first is zero when the slot is free; else it holds a tag of the key, 20 bits of its hash, and the
//! 44-bit address of its latest record, in units of eight bytes. The second holds the other 8 bits of the hash, and what is noted of
//! the entry's use ([`Note`](super::Note)). So a slot tells where its key belongs in any other table, without a look at the log.
//!
//! Four slots are a line of the processor's cache. A key is looked for in its line, then in the next one, then 2, 3, 4 … lines
//! further on each time, so that full lines do not come to stand in long runs. In a table that has just grown a hit reads 1.2
//! lines; in one that is about to, with nine slots of ten taken, 1.6.
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

use super::slot::{Hash, LINE, LINE_WORDS, Told, Word, address_of, slot_in, tag_of, with_address};
use crate::store::log::address::Address;

/// Words before the slots.
pub(super) const HEADER: usize = 512;

/// Where the changing words of the header are, each kind in a cache line of its own.
mod at {
    pub(super) const SEALED: usize = 8;
    pub(super) const RETIRED: usize = 9;
    pub(super) const USED: usize = 16;
}

/// A slot is looked for in so many lines: in a table that is nine tenths full, no key of a million is further than 40 from its own.
const LONGEST_PROBE: usize = 256;

/// A place where a key may be: in a line of those that are gone through, a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    step: usize,
    slot: usize,
}

impl Place {
    const FIRST: Place = Place { step: 0, slot: 0 };

    fn next(self) -> Self {
        Place { slot: self.slot + 1, ..self }
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
    lines: &'w [[W; LINE_WORDS]],
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
    /// Panics if they are too few for a header and a line.
    pub(in crate::store) fn new(words: &'w [W]) -> Self {
        assert!(words.len() >= Self::words(LINE), "too few words for a table");
        let (header, slots) = words.split_at(HEADER);
        let (lines, _) = slots.as_chunks();
        Table { header, lines }
    }

    #[inline]
    pub(in crate::store::log) fn capacity(&self) -> usize {
        self.lines.len() * LINE
    }

    /// The first word of a slot.
    #[inline]
    fn word(&self, slot: usize) -> &'w W {
        &self.lines[slot / LINE][slot % LINE * 2]
    }

    /// How many slots are not free.
    pub(in crate::store::log) fn used(&self) -> u64 {
        self.header[at::USED].load()
    }

    /// Whether with so many keys `more` nine slots of ten would be taken, so that the table should grow. Not if there are so many
    /// that it would be too small for them then, too.
    pub(in crate::store::log) fn should_grow_for(&self, more: u64) -> bool {
        let used = self.used();
        used + more > self.capacity() as u64 / 10 * 9 && (1..=used).contains(&more)
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
        std::hint::black_box(self.lines[self.home(hash)][0].load());
    }

    /// Whether no slot can be the key's: none has its tag.
    pub(in crate::store::log) fn lacks(&self, hash: Hash) -> bool {
        matches!(self.next(hash, Place::FIRST), Some((_, _, 0)))
    }

    /// Calls `visit` with slots that may be the key's and the addresses they tell, until it returns something or fails.
    pub(in crate::store::log) fn find<R, E>(
        &self,
        hash: Hash,
        mut visit: impl FnMut(usize, Address) -> Result<Option<R>, E>,
    ) -> Result<Option<R>, E> {
        let mut from = Place::FIRST;
        while let Some((place, slot, word)) = self.next(hash, from) {
            if word == 0 {
                break;
            }
            if let Some(found) = self.find_in(slot, word, &mut visit)? {
                return Ok(Some(found));
            }
            from = place.next();
        }
        Ok(None)
    }

    /// The first slot that has the tag of the key, and the address it tells; `None` if a free one comes before, so that the key
    /// has no slot. A slot with the tag of another key is taken for the key's, if it has the same.
    #[inline]
    pub(in crate::store::log) fn first(&self, hash: Hash) -> Option<(usize, Option<Address>)> {
        let (_, slot, word) = self.next(hash, Place::FIRST)?;
        if word == 0 { None } else { Some((slot, address_of(word))) }
    }

    /// The next slot, from a place on, that is free or has the tag of the key; with its place and its first word.
    #[inline]
    fn next(&self, hash: Hash, from: Place) -> Option<(Place, usize, u64)> {
        if from != Place::FIRST {
            return self.next_behind(hash, from);
        }
        // Nearly always it is in the first line.
        let line = self.home(hash);
        match slot_in(&self.lines[line], hash.tag(), 0) {
            Some((slot, word)) => Some((Place { step: 0, slot }, line * LINE + slot, word)),
            None => self.next_behind(hash, Place { step: 1, slot: 0 }),
        }
    }

    /// The same where it is not the first one of the first line.
    #[inline(never)]
    fn next_behind(&self, hash: Hash, from: Place) -> Option<(Place, usize, u64)> {
        let (tag, mut first) = (hash.tag(), from.slot);
        for (step, line) in self.probe(hash).enumerate().skip(from.step) {
            if let Some((slot, word)) = slot_in(&self.lines[line], tag, first) {
                return Some((Place { step, slot }, line * LINE + slot, word));
            }
            first = 0;
        }
        None
    }

    /// The same of one slot, whose first word was `word`.
    #[inline]
    fn find_in<R, E>(
        &self,
        slot: usize,
        mut word: u64,
        visit: &mut impl FnMut(usize, Address) -> Result<Option<R>, E>,
    ) -> Result<Option<R>, E> {
        let tag = tag_of(word);
        while tag_of(word) == tag
            && let Some(address) = address_of(word)
        {
            if let Some(found) = visit(slot, address)? {
                return Ok(Some(found));
            }
            // The record may have been moved meanwhile, and its old place be gone.
            let now = self.word(slot).load();
            if now == word {
                break;
            }
            word = now;
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
        let new = [hash.slot_word(address), hash.complete(note)];
        let mut from = Place::FIRST;
        while let Some((place, slot, word)) = self.next(hash, from) {
            if let Some(published) = self.publish_in(slot, word, new, &mut is_same)? {
                return Ok(published);
            }
            from = place.next();
        }
        Ok(Published::Full)
    }

    /// Gives a key a slot that tells `address`, with a `note`; whether there was room. Only for a table that nobody else has yet, and
    /// a key that has no slot in it.
    pub(in crate::store::log) fn add(&self, hash: Hash, address: Address, note: u64) -> bool {
        for line in self.probe(hash) {
            let free = |&slot: &usize| self.lines[line][2 * slot].load() == 0;
            if let Some(slot) = (0..LINE).find(free) {
                self.lines[line][2 * slot].store(hash.slot_word(address));
                self.set_note(line * LINE + slot, hash.complete(note));
                self.header[at::USED].store(self.used() + 1);
                return true;
            }
        }
        false
    }

    /// As [`publish`](Self::publish) in one slot, whose first word was `word`; `None` if it belongs to another key.
    #[inline]
    fn publish_in<E>(
        &self,
        slot: usize,
        mut word: u64,
        [new, note]: [u64; 2],
        is_same: &mut impl FnMut(Address) -> Result<bool, E>,
    ) -> Result<Option<Published>, E> {
        let slot_word = self.word(slot);
        loop {
            if word == 0 {
                match slot_word.replace(0, new) {
                    Ok(()) => {
                        self.header[at::USED].add(1);
                        self.set_note(slot, note);
                        return Ok(Some(Published::Inserted));
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
                return Ok(Some(Published::Already));
            }
            let (Some(old), Some(address)) = (address_of(word), address_of(new)) else { return Ok(None) };
            if tag_of(word) != tag_of(new) {
                return Ok(None);
            }
            if !is_same(old)? {
                // The record may have been moved meanwhile, and its old place be gone.
                let now = slot_word.load();
                if now == word {
                    return Ok(None);
                }
                word = now;
                continue;
            }
            if old > address {
                return Ok(Some(Published::Newer));
            }
            match slot_word.replace(word, new) {
                Ok(()) => {
                    self.set_note(slot, note);
                    return Ok(Some(Published::Replaced(old)));
                }
                Err(other) => word = other,
            }
        }
    }

    /// Makes a slot that tells `from` tell `to`, or nothing any more; whether it told `from`.
    pub(in crate::store::log) fn change(&self, slot: usize, from: Address, to: Option<Address>) -> bool {
        let word = self.word(slot);
        let current = word.load();
        if address_of(current) != Some(from) {
            return false;
        }
        word.replace(current, with_address(current, to)).is_ok()
    }

    /// What is noted of the use of a slot's entry.
    pub(in crate::store::log) fn note(&self, slot: usize) -> u64 {
        self.lines[slot / LINE][slot % LINE * 2 + 1].load()
    }

    /// Notes the use of a slot's entry. Two notes at once may overwrite each other: it is a hint.
    pub(in crate::store::log) fn set_note(&self, slot: usize, note: u64) {
        self.lines[slot / LINE][slot % LINE * 2 + 1].store(note);
    }

    /// The words of a slot, as they are now.
    pub(in crate::store::log) fn told(&self, slot: usize) -> Told {
        Told([self.word(slot).load(), self.note(slot)])
    }

    /// The slots that tell an address, with it.
    pub(in crate::store::log) fn entries(&self) -> impl Iterator<Item = (usize, Address)> {
        let words = self.slots().map(|[word, _]| word.load());
        words.enumerate().filter_map(|(slot, word)| address_of(word).map(|address| (slot, address)))
    }

    /// The words of all slots, as they are now.
    pub(in crate::store::log) fn snapshot(&self) -> Vec<[u64; 2]> {
        self.slots().map(|[word, note]| [word.load(), note.load()]).collect()
    }

    /// The slots that tell an address, with it, and did not when the snapshot was taken.
    pub(in crate::store::log) fn changed_since(
        &self,
        snapshot: &[[u64; 2]],
    ) -> impl Iterator<Item = (usize, Address)> {
        let words = self.slots().map(|[word, _]| word.load());
        let changed = words.zip(snapshot).enumerate().filter(|(_, (now, [then, _]))| now != then);
        changed.filter_map(|(slot, (now, _))| address_of(now).map(|address| (slot, address)))
    }

    /// The slots that tell an address, with it, and whose notes are others than when the snapshot was taken.
    pub(in crate::store::log) fn noted_since(
        &self,
        snapshot: &[[u64; 2]],
    ) -> impl Iterator<Item = (usize, Address)> {
        let notes = self.slots().map(|[word, note]| (word, note.load()));
        let changed = notes.zip(snapshot).enumerate().filter(|(_, ((_, now), [_, then]))| now != then);
        changed.filter_map(|(slot, ((word, _), _))| address_of(word.load()).map(|address| (slot, address)))
    }

    /// The words of each slot.
    fn slots(&self) -> impl Iterator<Item = &'w [W; 2]> + use<'w, W> {
        self.lines.as_flattened().as_chunks().0.iter()
    }

    /// The address that a slot tells.
    pub(in crate::store::log) fn address(&self, slot: usize) -> Option<Address> {
        address_of(self.word(slot).load())
    }

    /// The line of a key.
    #[inline]
    fn home(&self, hash: Hash) -> usize {
        hash.home_among(self.lines.len())
    }

    /// The lines where a key may be, in the order in which they are taken.
    #[inline]
    fn probe(&self, hash: Hash) -> impl Iterator<Item = usize> + use<W> {
        let (lines, mut line) = (self.lines.len(), self.home(hash));
        (0..LONGEST_PROBE.min(lines)).map(move |step| {
            line += step;
            if line >= lines {
                line -= lines;
            }
            line
        })
    }
}

#[cfg(test)]
mod tests;
