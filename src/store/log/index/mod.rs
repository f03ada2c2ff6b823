//! `index`: the hash table in a mapped file. Specified in `docs/format.md`.
//!
//! # Invariants
//! 1. The file appears whole, at its final size, with its space allocated, and is replaced by renaming.
//! 2. It belongs to one log, whose number it repeats: an index from another directory is none.

mod note;
mod slot;
mod table;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

pub(super) use note::Note;
use slot::LINE;
pub(super) use slot::{Hash, Told};
pub(super) use table::{Published, Table};

use super::address::Address;
use crate::checksum;
use crate::error::Result;
use crate::sys::map::Words;
use crate::sys::{self, Access, Dir, Stat, Temporary};

/// Where the file is.
pub(super) const INDEX: &str = "index";

/// As a number in the byte order of the machine, so that a machine of the other order takes the file for none.
const MAGIC: u64 = 0x0300_7865_646e_6972;

/// Slots of the smallest table: with its header four pages.
const SMALLEST: usize = 768;

/// Tables up to so many slots, a megabyte, grow to twice their size.
const SMALL: u64 = 65_536;

/// Slots come in pages.
const PAGE: u64 = 256;

/// Where the constant words of the header are.
mod at {
    pub(super) const MAGIC: usize = 0;
    pub(super) const CAPACITY: usize = 1;
    pub(super) const LOG_ID: usize = 2;
    pub(super) const CHECKSUM: usize = 3;
}

/// The mapped file.
#[derive(Debug)]
pub(super) struct Index {
    words: Words,
    /// Which file it is; `None` for one that nobody else has.
    stat: Option<Stat>,
}

/// An index that is being filled.
#[derive(Debug)]
pub(super) struct IndexDraft<'d> {
    temporary: Temporary<'d>,
    index: Index,
}

impl IndexDraft<'_> {
    pub(super) fn table(&self) -> Table<'_, AtomicU64> {
        self.index.table()
    }

    /// Takes over what the slots of another index noted of the use of the entries in both, when the snapshot of it was taken, as far
    /// as that is more than is noted here.
    pub(super) fn copy_notes(&self, snapshot: &[[u64; 2]]) {
        let told = snapshot.iter().map(|&words| Told(words));
        let notes: HashMap<_, _> = told.filter_map(|told| Some((told.address()?, told.note()))).collect();
        let new = self.table();
        for (slot, address) in new.entries() {
            if let Some(&note) = notes.get(&address)
                && Note::of_word(note).tells_more_than(Note::of_word(new.note(slot)))
            {
                new.set_note(slot, note);
            }
        }
    }

    /// Puts the index in the place of the one that is there.
    pub(super) fn place(mut self) -> Result<Index> {
        let stat = self.temporary.write(sys::stat)?;
        self.temporary.place(INDEX)?;
        self.index.stat = Some(stat);
        Ok(self.index)
    }
}

impl Index {
    /// Opens the index of the log `log_id`; `None` if it is missing, is none, or has been replaced. One that is only read is a copy,
    /// which sees the changes of others and keeps its own to itself.
    pub(super) fn open(dir: &Dir, log_id: u64, access: Access) -> Result<Option<Self>> {
        let Some((file, stat)) = dir.find(INDEX, access)? else { return Ok(None) };
        let Some(bytes) = usize::try_from(stat.size).ok().filter(|&bytes| bytes >= bytes_of(LINE)) else {
            return Ok(None);
        };
        let map = || match access {
            Access::Read | Access::Look => Words::copied(&file, bytes),
            Access::Write => {
                // A copy of the file may be sparse, or share its blocks: a write would need room that there may not be.
                sys::allocate(&file, stat.size)?;
                sys::unshare(&file, stat.size)?;
                Words::shared(&file, bytes)
            }
        };
        let index = match map() {
            // It was cut off a moment ago.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            words => {
                Index { words: words.map_err(|error| dir.error("map", INDEX, error))?, stat: Some(stat) }
            }
        };
        Ok(Some(index).filter(|index| index.is_sound(log_id) && !index.table().is_retired()))
    }

    /// Makes an index, to be filled and then put in place.
    pub(super) fn draft(dir: &Dir, log_id: u64, entries: u64) -> Result<IndexDraft<'_>> {
        let bytes = bytes_of(capacity_for(entries));
        let temporary = Temporary::create(dir)?;
        let words = temporary.write(|file| {
            sys::allocate(file, bytes as u64)?;
            Words::shared(file, bytes)
        })?;
        let index = Index { words, stat: None };
        index.begin(log_id);
        Ok(IndexDraft { temporary, index })
    }

    /// An index that is none: nothing is found in it.
    pub(super) fn nothing() -> Self {
        Index { words: Words::nothing(), stat: None }
    }

    /// Makes an index that only this process has.
    pub(super) fn private(log_id: u64, entries: u64) -> io::Result<Self> {
        let index = Index { words: Words::private(bytes_of(capacity_for(entries)))?, stat: None };
        index.begin(log_id);
        Ok(index)
    }

    /// Takes over a note of the entry at `address`, if that is more than is noted here.
    pub(super) fn note_at(&self, hash: Hash, address: Address, note: u64) {
        let table = self.table();
        let slot = |slot, found| Ok::<_, Infallible>((found == address).then_some(slot));
        let Ok(slot) = table.find(hash, slot);
        if let Some(slot) = slot
            && Note::of_word(note).tells_more_than(Note::of_word(table.note(slot)))
        {
            table.set_note(slot, note);
        }
    }

    fn begin(&self, log_id: u64) {
        let words = self.words.words();
        words[at::MAGIC].store(MAGIC, SeqCst);
        words[at::CAPACITY].store(self.table().capacity() as u64, SeqCst);
        words[at::LOG_ID].store(log_id, SeqCst);
        words[at::CHECKSUM].store(self.checksum(), SeqCst);
    }

    fn checksum(&self) -> u64 {
        let words =
            [at::MAGIC, at::CAPACITY, at::LOG_ID].map(|at| self.words.words()[at].load(SeqCst).to_le_bytes());
        checksum::word(&words.concat())
    }

    /// Whether the constant words are what they should be, and nothing was lost.
    pub(super) fn is_sound(&self, log_id: u64) -> bool {
        let words = self.words.words();
        !self.is_lost()
            && words[at::MAGIC].load(SeqCst) == MAGIC
            && words[at::CAPACITY].load(SeqCst) == self.table().capacity() as u64
            && words[at::LOG_ID].load(SeqCst) == log_id
            && words[at::CHECKSUM].load(SeqCst) == self.checksum()
    }

    /// Whether it is the file that `stat` is of.
    pub(super) fn is_file(&self, stat: &Stat) -> bool {
        self.stat.as_ref().is_none_or(|own| own.is_same_file(stat))
    }

    /// Whether a part of it was lost.
    pub(super) fn is_lost(&self) -> bool {
        self.words.is_lost()
    }

    pub(super) fn table(&self) -> Table<'_, AtomicU64> {
        Table::new(self.words.words())
    }

    /// Whether so many entries would do with a quarter of it.
    pub(super) fn is_much_too_large_for(&self, entries: u64) -> bool {
        self.table().capacity() / 4 >= capacity_for(entries)
    }

    /// The bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        bytes_of(self.table().capacity()) as u64
    }
}

fn bytes_of(capacity: usize) -> usize {
    Table::<AtomicU64>::words(capacity) * size_of::<u64>()
}

/// The slots of a table for so many entries. A small one is twice as large as one that would be crowded with them, a larger one a
/// quarter larger: then they fill 18 of 25 slots. Sparser tables grow less often, but take more of the disk, and of the caches of the
/// processor.
fn capacity_for(entries: u64) -> usize {
    let (twice, a_quarter_more) =
        (entries.saturating_mul(20).div_ceil(9), entries.saturating_mul(25).div_ceil(18));
    let capacity = twice.min(SMALL).max(a_quarter_more).next_multiple_of(PAGE);
    usize::try_from(capacity).unwrap_or(usize::MAX).max(SMALLEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_quarter_more_slots_than_it_would_be_crowded_with_and_a_small_one_twice_as_many() {
        for (entries, capacity) in [
            (0, 768),
            (345, 768),
            (346, 1024),
            (20_000, 44_544),
            (29_491, 65_536),
            (47_185, 65_536),
            (100_000, 139_008),
            (900_000, 1_250_048),
        ] {
            assert_eq!(capacity_for(entries), capacity, "{entries}");
        }
    }

    #[test]
    fn an_index_is_of_one_log_and_nothing_else_is_an_index() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::create(temporary.path()).unwrap();
        let open = |log_id, access| Index::open(&dir, log_id, access).unwrap();
        assert!(open(7, Access::Write).is_none());
        let index = Index::draft(&dir, 7, 0).unwrap().place().unwrap();
        assert!(open(7, Access::Read).is_some() && open(7, Access::Write).is_some());
        assert!(open(8, Access::Read).is_none());
        let path = dir.at(INDEX);
        let sound = std::fs::read(&path).unwrap();
        assert_eq!(sound.len() as u64, index.bytes());
        for length in (0..sound.len()).step_by(512) {
            std::fs::write(&path, &sound[..length]).unwrap();
            assert!(open(7, Access::Write).is_none(), "{length} bytes");
        }
        for byte in 0..32 {
            let mut broken = sound.clone();
            broken[byte] ^= 1;
            std::fs::write(&path, broken).unwrap();
            assert!(open(7, Access::Write).is_none(), "byte {byte}");
        }
        std::fs::write(&path, sound).unwrap();
        open(7, Access::Write).unwrap().table().retire();
        assert!(open(7, Access::Write).is_none(), "one that was replaced");
    }
}
