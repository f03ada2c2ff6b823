//! Copying the index to another one, while others publish.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Upkeep;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::store::log::LogStore;
use crate::store::log::address::Address;
use crate::store::log::index::{Hash, INDEX, Index, IndexDraft, Published, Table};
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
        let kept = table.entries().filter(|&(_, address)| keep(address));
        let draft = Index::draft(&self.dir, old.control.log_id(), room)?;
        let mut noted = Vec::new();
        let mut copy = |slot, address, new: &Table<'_, AtomicU64>| {
            if keep(address) {
                noted.push((slot, table.note(slot)));
                self.copy_slot(&table, slot, address, new)?;
            }
            Ok(())
        };
        for (slot, address) in kept {
            copy(slot, address, &draft.table())?;
        }
        let index = exchange(old, draft, snapshot, copy, || ())?;
        self.copy_changed_notes(&table, noted, &index)?;
        self.use_index(old, index);
        Ok(())
    }

    /// Copies the notes of slots that are others than they were. Who notes a use from here on sees that the table is retired, and
    /// notes it again.
    pub(super) fn copy_changed_notes(
        &self,
        table: &Table<'_, AtomicU64>,
        noted: Vec<(usize, u64)>,
        index: &Index,
    ) -> Result<()> {
        for (slot, note) in noted {
            if table.note(slot) != note
                && let Some(address) = table.address(slot)
                && let Some(hash) = self.hash_of(table, slot, address)?
            {
                index.note_at(hash, address, table.note(slot));
            }
        }
        Ok(())
    }

    /// The hash of the key of a slot that tells this address; `None` if it tells of no record any more.
    fn hash_of(&self, table: &Table<'_, AtomicU64>, slot: usize, address: Address) -> Result<Option<Hash>> {
        match table.hash(slot) {
            Some(hash) => Ok(Some(hash)),
            None => Ok(self.log.key(address)?.as_ref().map(Hash::of)),
        }
    }

    /// Publishes what a slot tells in another table; `None` if it tells of no record any more. As a rule that takes no look at the
    /// log: what the slot has of its key is enough to place it.
    pub(in crate::store::log) fn copy_slot(
        &self,
        table: &Table<'_, AtomicU64>,
        slot: usize,
        address: Address,
        to: &Table<'_, AtomicU64>,
    ) -> Result<Option<Published>, Stopped> {
        let Some(hash) = self.hash_of(table, slot, address)? else { return Ok(None) };
        let same = |other| {
            let Some(key) = self.log.key(address)? else { return Ok(false) };
            self.log.is_of(other, &key)
        };
        match to.publish(hash, address, table.note(slot), same)? {
            Published::Full => Err(Stopped::Full),
            published => Ok(Some(published)),
        }
    }

    /// Takes an index in place of that of `old` into use, unless another thread has opened everything anew.
    pub(in crate::store::log) fn use_index(&self, old: &Arc<View>, index: Index) {
        let _changing = lock(&self.changing);
        if Arc::ptr_eq(old, &self.view.load()) {
            self.view.store(Arc::new(old.with_index(index)));
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
    mut snapshot: Vec<u64>,
    mut copy: impl FnMut(usize, Address, &Table<'_, AtomicU64>) -> Result<(), Stopped>,
    settle: impl FnOnce(),
) -> Result<Index, Stopped> {
    let table = old.index.table();
    let mut round = |snapshot: &[u64]| {
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
