//! `index`: the hash table in a mapped file. Specified in `docs/format.md`.
//!
//! # Invariants
//! 1. The file appears whole, at its final size, with its space allocated, and is replaced by renaming.
//! 2. It belongs to one log, whose number it repeats: an index from another directory is none.

mod note;
mod table;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

pub(super) use note::Note;
pub(super) use table::{Hash, Published, Table};

use super::address::Address;
use crate::checksum;
use crate::error::Result;
use crate::sys::map::Words;
use crate::sys::whole_file;

/// As a number in the byte order of the machine, so that a machine of the other order takes the file for none.
const MAGIC: u64 = 0x0200_7865_646e_6972;

/// Slots of the smallest table: with its header four pages.
const SMALLEST: usize = 768;

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
}

impl Index {
    pub(super) fn path(root: &Path) -> PathBuf {
        root.join("index")
    }

    /// Opens the index of the log `log_id`; `None` if it is missing or is none.
    pub(super) fn open(root: &Path, log_id: u64, writable: bool) -> Option<Self> {
        let file = File::options().read(true).write(writable).open(Index::path(root)).ok()?;
        let bytes = usize::try_from(file.metadata().ok()?.len()).ok()?;
        if bytes < bytes_of(1) {
            return None;
        }
        let index = Index { words: Words::map(file, bytes, writable).ok()? };
        index.is_sound(log_id).then_some(index)
    }

    /// Makes an index that `fill` fills, in place of the one that is there.
    pub(super) fn create(
        root: &Path,
        log_id: u64,
        entries: u64,
        fill: impl FnOnce(&Table<'_, AtomicU64>),
    ) -> Result<Self> {
        let bytes = bytes_of(capacity_for(entries));
        whole_file::allocated(&root.join("tmp"), &Index::path(root), bytes as u64, |file| {
            let index = Index { words: Words::map(file, bytes, true)? };
            index.begin(log_id);
            fill(&index.table());
            Ok(index)
        })
    }

    /// Makes an index that only this process has.
    pub(super) fn private(log_id: u64, entries: u64, fill: impl FnOnce(&Table<'_, AtomicU64>)) -> Self {
        let index = Index { words: Words::private(bytes_of(capacity_for(entries))) };
        index.begin(log_id);
        fill(&index.table());
        index
    }

    /// Takes over what `old` notes of the use of the entries in both, as far as that is more than is noted here.
    pub(super) fn copy_notes(&self, old: &Index) {
        let (old, new) = (old.table(), self.table());
        let notes: std::collections::HashMap<_, _> =
            old.entries().map(|(slot, address)| (address, old.note(slot))).collect();
        for (slot, address) in new.entries() {
            if let Some(&note) = notes.get(&address)
                && Note::of_word(note).tells_more_than(Note::of_word(new.note(slot)))
            {
                new.set_note(slot, note);
            }
        }
    }

    /// Takes over a note of the entry at `address`, if that is more than is noted here.
    pub(super) fn note_at(&self, hash: Hash, address: Address, note: u64) {
        let table = self.table();
        table.find(hash, |slot, found| {
            let more = || Note::of_word(note).tells_more_than(Note::of_word(table.note(slot)));
            (found == address).then(|| {
                if more() {
                    table.set_note(slot, note);
                }
            })
        });
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

    /// Whether the constant words are what they should be.
    pub(super) fn is_sound(&self, log_id: u64) -> bool {
        let words = self.words.words();
        words[at::MAGIC].load(SeqCst) == MAGIC
            && words[at::CAPACITY].load(SeqCst) == self.table().capacity() as u64
            && words[at::LOG_ID].load(SeqCst) == log_id
            && words[at::CHECKSUM].load(SeqCst) == self.checksum()
    }

    /// The mapped words, for questions about their file.
    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    pub(super) fn table(&self) -> Table<'_, AtomicU64> {
        Table::new(self.words.words())
    }

    /// The bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        bytes_of(self.table().capacity()) as u64
    }
}

fn bytes_of(capacity: usize) -> usize {
    Table::<AtomicU64>::words(capacity) * size_of::<u64>()
}

/// The slots of a table for so many entries, which fill half of it at most. (A million fill two thirds of the one that they come
/// to.) Sparser tables grow less often, but a hit waits for memory: dense ones stay in the caches of the processor.
fn capacity_for(entries: u64) -> usize {
    let mut capacity = SMALLEST;
    while (capacity as u64) < entries.saturating_mul(2) {
        capacity *= 2;
    }
    capacity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_twice_the_slots_of_its_entries_and_not_many_more() {
        for (entries, capacity) in
            [(0, 768), (384, 768), (385, 1536), (36_864, 98_304), (600_000, 1_572_864), (786_432, 1_572_864)]
        {
            assert_eq!(capacity_for(entries), capacity, "{entries}");
        }
    }

    #[test]
    fn an_index_is_of_one_log_and_nothing_else_is_an_index() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("tmp")).unwrap();
        assert!(Index::open(dir.path(), 7, true).is_none());
        let index = Index::create(dir.path(), 7, 0, |_| {}).unwrap();
        assert!(Index::open(dir.path(), 7, false).is_some());
        assert!(Index::open(dir.path(), 8, false).is_none());
        let path = Index::path(dir.path());
        let sound = std::fs::read(&path).unwrap();
        assert_eq!(sound.len() as u64, index.bytes());
        for length in (0..sound.len()).step_by(512) {
            std::fs::write(&path, &sound[..length]).unwrap();
            assert!(Index::open(dir.path(), 7, true).is_none(), "{length} bytes");
        }
        for byte in 0..32 {
            let mut broken = sound.clone();
            broken[byte] ^= 1;
            std::fs::write(&path, broken).unwrap();
            assert!(Index::open(dir.path(), 7, true).is_none(), "byte {byte}");
        }
    }
}
