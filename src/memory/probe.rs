//! The first step of a call: its key, and what the store has under it.

use super::{Memory, MissReason};
use crate::call::Call;
use crate::error::Result;
use crate::key::Key;
use crate::store::Lookup;

/// Where a call stands after the look-up.
#[derive(Debug)]
pub(crate) enum Probe<T> {
    Hit(T),
    Miss(Key, MissReason),
    /// It has no key, so there is no entry and there will be none.
    Plain(MissReason),
}

impl Memory {
    /// Looks for the entry of a call.
    pub(crate) fn probe<C: Call>(&self, call: &C) -> Probe<C::Output> {
        match (self.key_of(call), &self.inner) {
            (Ok(key), Some(inner)) => self.take(call, key, inner.store.get(&key)),
            (Ok(_), None) => Probe::Plain(MissReason::Disabled),
            (Err(reason), _) => Probe::Plain(reason),
        }
    }

    /// Reads the entries of several keys in one go.
    pub(crate) fn find_all(&self, keys: &[Key]) -> Vec<Result<Lookup>> {
        self.inner.as_ref().map_or_else(Vec::new, |inner| inner.store.get_all(keys))
    }

    /// What the entry that was found under the key of a call makes of the call.
    pub(crate) fn take<C: Call>(&self, call: &C, key: Key, found: Result<Lookup>) -> Probe<C::Output> {
        let (Some(inner), Some(memo)) = (&self.inner, call.memo()) else {
            return Probe::Plain(MissReason::Disabled);
        };
        match inner.take(found, &key, &memo) {
            Ok(value) => Probe::Hit(value),
            Err(reason) => Probe::Miss(key, reason),
        }
    }

    /// The key of a call, or why it has none.
    pub(crate) fn key_of<C: Call>(&self, call: &C) -> Result<Key, MissReason> {
        let memo = call.memo().ok_or(MissReason::NotMemoized)?;
        let inner = self.inner.as_ref().ok_or(MissReason::Disabled)?;
        inner.key(&memo).ok_or(MissReason::Unkeyed)
    }
}
