//! Whether an entry can be used: it is sound, its function still wants it, and its bytes are a value.

use std::time::{Duration, SystemTime};

use super::MissReason;
use super::compute::Keyed;
use super::inner::Inner;
use super::trouble::Trouble;
use super::turn::KeyedCall;
use crate::codec::DecodeError;
use crate::error::{Result, chain};
use crate::function::Function;
use crate::store::{Entry, Lookup, Payload};

impl KeyedCall<'_> {
    /// Whether the entry is there, sound and valid; reads all of it, and counts nothing.
    pub(super) fn contains(&self) -> bool {
        let Ok(entry) = self.entry() else { return false };
        let value = entry.value();
        let checked = value.check().inspect_err(|error| self.note(Trouble::Damaged, error));
        checked.is_ok() && value.is_readable()
    }

    /// How long the value of the entry took to compute, if there is one that can be used.
    pub(crate) fn compute_time(&self) -> Option<Duration> {
        self.entry().ok().map(|entry| entry.compute_time())
    }

    /// The entry of the key, if there is one that can be used as far as that shows before its value is read; trouble is noted.
    pub(crate) fn entry(&self) -> Result<Entry, MissReason> {
        self.usable(self.get())
    }

    /// The entry that the store has, if it can be used as far as that shows before its value is
    /// read; trouble is noted.
    pub(super) fn usable(&self, entry: Result<Lookup>) -> Result<Entry, MissReason> {
        self.inner.usable(entry, self.function).inspect_err(|reason| match reason {
            MissReason::Damaged(how) => self.note(Trouble::Damaged, how),
            MissReason::Unavailable(how) => self.note(Trouble::Read, how),
            _ => {}
        })
    }

    /// How long the value took to compute that the store has, if it can be used as far as that shows before it is read;
    /// counts and notes nothing.
    pub(crate) fn peek(&self, entry: Result<Lookup>) -> Result<Duration, MissReason> {
        self.inner.usable(entry, self.function).map(|entry| entry.compute_time())
    }

    /// Notes that the value of an entry could not be read; why.
    fn unreadable(&self, error: &DecodeError) -> MissReason {
        let reason = MissReason::of_decoding(error);
        let trouble = match reason {
            MissReason::Damaged(_) => Trouble::Damaged,
            MissReason::Unavailable(_) => Trouble::Read,
            _ => Trouble::Decode,
        };
        self.note(trouble, &chain(error));
        reason
    }
}

impl<T> Keyed<'_, T> {
    /// The value of an entry; trouble is noted.
    pub(super) fn decode(&self, entry: &Entry) -> Result<T, MissReason> {
        let value = self.codec.decode(&entry.value()).map_err(|error| self.call.unreadable(&error))?;
        if let Some(stamp) = entry.verified() {
            self.call.inner.store.mark_verified(&entry.key(), &stamp);
        }
        Ok(value)
    }
}

impl Inner {
    /// The entry that the store has, if it is sound and its function still wants it.
    pub(super) fn usable(&self, entry: Result<Lookup>, function: &Function) -> Result<Entry, MissReason> {
        let entry = match entry {
            Ok(Lookup::Found(entry)) => entry,
            Ok(Lookup::Absent) => return Err(MissReason::Absent),
            Ok(Lookup::Damaged(how)) => return Err(MissReason::Damaged(how)),
            Err(error) => return Err(MissReason::Unavailable(chain(&error).to_string())),
        };
        self.expect_wanted(&entry, function)?;
        Ok(entry)
    }

    /// Fails if its function does not want a sound entry any more.
    pub(super) fn expect_wanted(&self, entry: &Entry, function: &Function) -> Result<(), MissReason> {
        expect_young(|| entry.created(), function)?;
        if function.definition().valid.is_some_and(|valid| !valid(&self.store.info(entry, function.name()))) {
            return Err(MissReason::Rejected);
        }
        Ok(())
    }
}

/// Fails if an entry that was created then is older than its function wants it.
#[inline]
pub(super) fn expect_young(
    created: impl FnOnce() -> SystemTime,
    function: &Function,
) -> Result<(), MissReason> {
    let Some(ttl) = function.definition().ttl else { return Ok(()) };
    // The age of an entry from the future, by this machine's clock, is not known.
    match SystemTime::now().duration_since(created()) {
        Ok(age) if age <= ttl => Ok(()),
        age => Err(MissReason::Expired { age: age.unwrap_or_default() }),
    }
}
