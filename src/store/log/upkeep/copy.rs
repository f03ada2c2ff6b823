//! Copying the index to another one, while others publish.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Upkeep;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::store::log::LogStore;
use crate::store::log::address::Address;
use crate::store::log::index::{Hash, INDEX, Index, IndexDraft, Published, Table, Told};
use crate::store::log::open::View;

impl LogStore {
    /// Puts a copy of the index in its place, with the slots whose address is to be kept, large enough for them.
    pub(in crate::store::log) fn replace_index(
        &self,
        _upkeep: &Upkeep,
        old: &Arc<View>,
        keep: impl Fn(Address) -> bool,
    ) -> Result<()> {
        let table = old.index.table();
        let kept = table.entries().filter(|&(_, address)| keep(address)).count();
        match self.copy_index(old, kept as u64, &keep) {
            // Until it is in place, others can store no more than the old one has room for.
            Err(Stopped::Full) => self.copy_index(old, table.capacity() as u64, &keep),
            copied => copied,
        }
        .map_err(|stopped| stopped.into_error(self))
    }

    /// The same with room for so many entries.
    fn copy_index(&self, old: &Arc<View>, room: u64, keep: impl Fn(Address) -> bool) -> Result<(), Stopped> {
        let table = old.index.table();
        let snapshot = table.snapshot();
        let draft = Index::draft(&self.dir, old.control.log_id(), room)?;
        let new = draft.table();
        for &words in &snapshot {
            let told = Told(words);
            if let Some(address) = told.address().filter(|&address| keep(address)) {
                // Each slot is another key's, and nobody else has the copy yet.
                if let Some(hash) = self.hash_of(told, address)?
                    && !new.add(hash, address, told.note())
                {
                    return Err(Stopped::Full);
                }
            }
        }
        let copy = |slot, address, new: &Table<'_, AtomicU64>| {
            if keep(address) {
                self.copy_slot(&table, slot, address, new)?;
            }
            Ok(())
        };
        let noted = snapshot.clone();
        let index = exchange(old, draft, snapshot, copy, || ())?;
        self.copy_changed_notes(&table, &noted, &index)?;
        self.use_index(old, index);
        Ok(())
    }

    /// Copies the notes of slots that are others than they were. Who notes a use from here on sees that the table is retired, and
    /// notes it again.
    pub(super) fn copy_changed_notes(
        &self,
        table: &Table<'_, AtomicU64>,
        noted: &[[u64; 2]],
        index: &Index,
    ) -> Result<()> {
        for (slot, address) in table.noted_since(noted) {
            let told = table.told(slot);
            if let Some(hash) = self.hash_of(told, address)? {
                index.note_at(hash, address, told.note());
            }
        }
        Ok(())
    }

    /// The hash of the key of a slot that told this address; `None` if there is no record. As a rule that takes no look at the log:
    /// what the slot has of its key is enough to place it.
    #[inline]
    fn hash_of(&self, told: Told, address: Address) -> Result<Option<Hash>> {
        match told.hash() {
            Some(hash) => Ok(Some(hash)),
            None => Ok(self.log.key(address)?.as_ref().map(Hash::of)),
        }
    }

    /// Publishes the address that a slot told in another table; `None` if it tells of no record any more.
    pub(in crate::store::log) fn copy_slot(
        &self,
        table: &Table<'_, AtomicU64>,
        slot: usize,
        address: Address,
        to: &Table<'_, AtomicU64>,
    ) -> Result<Option<Published>, Stopped> {
        // If it tells another one by now, that may never be acknowledged; and its key is the same.
        let told = table.told(slot);
        let Some(hash) = self.hash_of(told, address)? else { return Ok(None) };
        let same = |other| {
            let Some(key) = self.log.key(address)? else { return Ok(false) };
            self.log.is_of(other, &key)
        };
        match to.publish(hash, address, told.note(), same)? {
            Published::Full => Err(Stopped::Full),
            published => Ok(Some(published)),
        }
    }

    /// Takes an index in place of that of `old` into use, unless another thread has opened everything anew.
    pub(in crate::store::log) fn use_index(&self, old: &Arc<View>, index: Index) {
        let _changing = lock(&self.changing);
        let view = self.view.load();
        if view.is_same(old) {
            self.view.store(Arc::new(view.with_index(index)));
        }
    }
}

/// Why a copy of the index did not come to its end.
#[derive(Debug)]
pub(in crate::store::log) enum Stopped {
    /// It has no room for what others have stored meanwhile.
    Full,
    Failed(Error),
}

impl Stopped {
    pub(super) fn into_error(self, store: &LogStore) -> Error {
        match self {
            Stopped::Full => store.dir.error("write", INDEX, io::Error::other("it has no room")),
            Stopped::Failed(error) => error,
        }
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Failed(error)
    }
}

/// So many slots are copied under the seal, as a rule: a fraction of a millisecond.
const FEW: usize = 500;

/// How often the rest is copied without one. Others may store faster than it is copied.
const ROUNDS: usize = 10;

/// Has `copy` copy what changed in the index of `old` since the snapshot, and puts the new one in its place. Round after round
/// there is less to copy; the last is under the seal, when `settle` is called, too.
pub(in crate::store::log) fn exchange(
    old: &View,
    draft: IndexDraft<'_>,
    mut snapshot: Vec<[u64; 2]>,
    mut copy: impl FnMut(usize, Address, &Table<'_, AtomicU64>) -> Result<(), Stopped>,
    settle: impl FnOnce(),
) -> Result<Index, Stopped> {
    let table = old.index.table();
    let mut round = |snapshot: &[[u64; 2]]| {
        let mut copied = 0;
        for (slot, address) in table.changed_since(snapshot) {
            copy(slot, address, &draft.table())?;
            copied += 1;
        }
        Ok::<_, Stopped>(copied)
    };
    for _ in 0..ROUNDS {
        let before = table.snapshot();
        let copied = round(&snapshot)?;
        snapshot = before;
        if copied <= FEW {
            break;
        }
    }
    table.set_sealed(true);
    let placed = round(&snapshot).and_then(|_| {
        settle();
        Ok(draft.place()?)
    });
    match &placed {
        Ok(_) => table.retire(),
        Err(_) => table.set_sealed(false),
    }
    placed
}
