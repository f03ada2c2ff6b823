//! The call path: key, look-up, flight, lease, look-up again, compute, store, land.
//!
//! # Invariants
//! 1. Nothing that goes wrong with the cache reaches the caller: it is noted as [`Trouble`], and the function runs.
//! 2. A function runs at most once for a call, and never under a lock of this module.
//! 3. A value is stored before its flight and its lease end: who comes then finds it. Who comes before gets it from the flight.
//! 4. The bytes of a large value that are borrowed from it are not copied to be shared: they are stored first, at once, and read from
//!    there by whoever waits.

use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, Instant, SystemTime};

use super::begin::{Begun, Ticket};
use super::earlier::EarlierStates;
use super::outbox::{Outbox, Parcel};
use super::trouble::{Trouble, Troubles, chain};
use super::{Memory, MissReason, Outcome, Source};
use crate::call::{Call, Memo, Subject};
use crate::error::Result;
use crate::events;
use crate::function::{Definition, Function};
use crate::key::Key;
use crate::lease::{Flights, Leader, LeaseFiles, Meanwhile, Shared};
use crate::panics::{self, Payload as PanicPayload};
use crate::remote::MemorySettings;
use crate::report::{Counters, Records};
use crate::states::States;
use crate::store::{self, Draft, Entry, Lookup, Payload, Store};

/// A store with what its users in this process share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(super) settings: Arc<MemorySettings>,
    pub(super) store: Arc<dyn Store>,
    pub(super) records: Records,
    pub(super) states: States,
    pub(super) earlier: EarlierStates,
    pub(super) leases: LeaseFiles,
    pub(super) counters: Counters,
    pub(super) troubles: Troubles,
    pub(super) flights: Arc<Flights>,
}

/// A miss that this thread computes.
#[derive(Debug)]
struct Miss {
    key: Key,
    reason: MissReason,
    /// The bytes of the value are wanted, even if they are not worth storing.
    share: bool,
}

/// How a miss is to be computed.
pub(crate) enum Terms<'o, 'm> {
    /// For itself: whoever computes it already is waited for.
    Single,
    /// As one of a batch, where its value goes to duplicates, too.
    Batch {
        /// What is done while somebody else computes it.
        meanwhile: Meanwhile<'o>,
        /// Where the value goes on its way to the store.
        outbox: &'o mut Outbox<'m>,
    },
}

/// A value that was computed or joined, with its bytes where they are worth sharing.
#[derive(Debug)]
pub(crate) struct Computed<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
    pub(crate) shared: Option<Shared>,
}

/// A panic of a call that was being computed.
#[derive(Debug)]
pub(crate) struct Panic {
    pub(crate) payload: PanicPayload,
    /// The arguments of the call in short.
    pub(crate) arguments: String,
}

/// What came of an attempt to compute.
#[derive(Debug)]
pub(crate) enum Attempt<C: Call> {
    Done(Computed<C::Output>),
    /// The function panicked, or what writes or reads its value.
    Panicked(Panic),
    /// Somebody else computes the key, a thread of this process or another one, and the watcher will be told.
    Busy(C, Option<ThreadId>),
}

impl Inner {
    pub(super) fn open(settings: Arc<MemorySettings>) -> Result<Self> {
        let (dir, store) = store::open(&settings.root, &settings.options)?;
        Ok(Inner {
            settings,
            store,
            records: Records::new(&dir),
            states: States::new(&dir),
            earlier: EarlierStates::default(),
            leases: LeaseFiles::open(&dir),
            counters: Counters::default(),
            troubles: Troubles::default(),
            flights: Flights::of(&dir)?,
        })
    }

    /// The key of a call; `None`, with the trouble noted, if there can be none.
    pub(super) fn key<T>(&self, memo: &Memo<'_, T>) -> Option<Key> {
        memo.key(&self.states)
            .inspect_err(|error| self.troubles.note(Trouble::Key, memo.function.name(), error))
            .ok()
    }

    /// The value of what the store found under `key`, or why it cannot be used. Counts a hit.
    pub(super) fn take<T>(
        &self,
        found: Result<Lookup>,
        key: &Key,
        memo: &Memo<'_, T>,
    ) -> Result<T, MissReason> {
        let function = memo.function.name();
        let entry = self.check(found, memo.function.definition(), function)?;
        let value = self.decode(&entry, memo)?;
        self.counters.hit(entry.compute_time());
        events::trace!("hit: `{function}` {key}");
        Ok(value)
    }

    /// The value of an entry; trouble is noted.
    pub(super) fn decode<T>(&self, entry: &Entry, memo: &Memo<'_, T>) -> Result<T, MissReason> {
        let value = memo.codec.decode(&entry.value()).map_err(|error| {
            let reason = MissReason::of_decoding(&error);
            let trouble = match reason {
                MissReason::Damaged(_) => Trouble::Damaged,
                MissReason::Unavailable(_) => Trouble::Read,
                _ => Trouble::Decode,
            };
            self.troubles.note(trouble, memo.function.name(), &error);
            reason
        })?;
        if let Some(stamp) = entry.verified() {
            self.store.vouch(&entry.key(), &stamp);
        }
        Ok(value)
    }

    /// The entry under `key`, if it is still valid and sound, as far as that shows before its value is read; trouble is noted.
    pub(super) fn find(
        &self,
        key: &Key,
        definition: &Definition,
        function: &str,
    ) -> Result<Entry, MissReason> {
        self.check(self.store.get(key), definition, function)
    }

    fn check(
        &self,
        found: Result<Lookup>,
        definition: &Definition,
        function: &str,
    ) -> Result<Entry, MissReason> {
        valid(found, definition, function).inspect_err(|reason| match reason {
            MissReason::Damaged(how) => self.troubles.note(Trouble::Damaged, function, how),
            MissReason::Unavailable(how) => self.troubles.note(Trouble::Read, function, how),
            _ => {}
        })
    }

    /// Whether there is a sound and valid entry under `key`; reads all of it.
    pub(super) fn holds(&self, key: &Key, definition: &Definition, function: &str) -> bool {
        let Ok(entry) = self.find(key, definition, function) else { return false };
        let value = entry.value();
        let checked = value.check();
        checked.inspect_err(|error| self.troubles.note(Trouble::Damaged, function, error)).is_ok()
            && value.is_readable()
    }

    /// The entry under `key`, if it is still valid and sound, as far as that shows before its value is read; notes nothing.
    pub(super) fn see(
        &self,
        key: &Key,
        definition: &Definition,
        function: &str,
    ) -> Result<Entry, MissReason> {
        valid(self.store.get(key), definition, function)
    }

    /// Computes the value under `key`, or takes it from whoever computes it now.
    pub(crate) fn compute<'m, C: Call>(
        &'m self,
        memory: &Memory,
        key: Key,
        reason: MissReason,
        call: C,
        terms: Terms<'_, 'm>,
    ) -> Attempt<C> {
        let Some(memo) = call.memo() else {
            let Outcome { value, source } = memory.run_plain(call, MissReason::NotMemoized);
            return Attempt::Done(Computed { value, source, shared: None });
        };
        let (meanwhile, share, outbox) = match terms {
            Terms::Single => (Meanwhile::Wait, false, None),
            Terms::Batch { meanwhile, outbox } => (meanwhile, true, Some(outbox)),
        };
        let Ticket { leader, lease } = match self.begin(memory, key, &reason, &memo, meanwhile) {
            Begun::Done(computed) => {
                // The value is there, also for calls of equal key, whatever the `Drop` of these arguments makes of it.
                panics::drop_quietly(call);
                return Attempt::Done(computed);
            }
            Begun::Busy(by) => return Attempt::Busy(call, by),
            Begun::Leads(ticket) => ticket,
        };
        let subject = memo.subject();
        // What others may wait for on the disk is stored at once.
        let outbox = outbox.filter(|_| lease.is_none());
        let miss = Miss { key, reason, share };
        let run = || self.run_and_keep(memory, miss, &subject, call, leader, outbox);
        let computed = panics::catch(run);
        drop(lease);
        // What was made of the arguments is worth telling: the call itself is gone.
        computed.map_or_else(
            |payload| Attempt::Panicked(Panic { payload, arguments: subject.arguments }),
            Attempt::Done,
        )
    }

    /// The value whose bytes another thread shared.
    pub(crate) fn take_shared<T>(&self, memo: &Memo<'_, T>, shared: Shared) -> Option<Computed<T>> {
        let value = memo
            .codec
            .decode(&shared.content()?)
            .inspect_err(|error| self.troubles.note(Trouble::Decode, memo.function.name(), error))
            .ok()?;
        self.counters.joined(shared.compute_time());
        Some(Computed { value, source: Source::Joined, shared: Some(shared) })
    }

    /// Runs the function, stores the value (or puts it into the outbox) and lands the flight.
    fn run_and_keep<'m, C: Call>(
        &'m self,
        memory: &Memory,
        miss: Miss,
        subject: &Subject<C::Output>,
        call: C,
        leader: Option<Leader<'m>>,
        outbox: Option<&mut Outbox<'m>>,
    ) -> Computed<C::Output> {
        let Miss { key, reason, share } = miss;
        let function = subject.function;
        events::debug!("miss: `{}`({}): {reason}", function.name(), subject.arguments);
        let (value, took) = timed(memory, call);
        function.took(took);
        self.counters.miss(took);
        let worth_storing = took >= function.definition().min_cost;
        let wanted = worth_storing || share || leader.as_ref().is_some_and(Leader::has_waiters);
        let draft = if wanted { self.draft(key, subject, &value, took, worth_storing) } else { None };
        let shared = match draft.map(Draft::try_owned) {
            None => None,
            Some(Ok(draft)) => {
                Some(self.keep(function, draft, leader, outbox.filter(|_| worth_storing), worth_storing))
            }
            Some(Err(draft)) => self.keep_borrowed(function, &draft, leader.as_ref(), share, worth_storing),
        };
        Computed { value, source: Source::Miss(reason), shared }
    }

    /// Stores values, and ends their flights; trouble is noted.
    pub(super) fn store(&self, parcels: Vec<Parcel<'_>>) {
        let drafts: Vec<&Draft<'_>> = parcels.iter().map(|parcel| parcel.draft.draft()).collect();
        let results = self.store.put_all(&drafts);
        for (parcel, result) in parcels.into_iter().zip(results) {
            match result {
                Ok(()) => self.stored(parcel.function, &parcel.draft.draft().key),
                Err(error) => self.troubles.note(Trouble::Store, parcel.function.name(), &chain(&error)),
            }
        }
    }

    /// Stores one value.
    pub(super) fn try_store(&self, function: &'static Function, draft: &Draft<'_>) -> Result<()> {
        self.store.put_all(&[draft]).into_iter().collect::<Result<()>>()?;
        self.stored(function, &draft.key);
        Ok(())
    }

    /// Counts a stored value, and sees that its function has a record.
    pub(super) fn stored(&self, function: &'static Function, key: &Key) {
        self.counters.stored();
        events::trace!("stored: `{}` {key}", function.name());
        if let Err(error) = self.records.write(function, self.store.generation()) {
            self.troubles.note(Trouble::Record, function.name(), &chain(&error));
        }
    }
}

/// Runs the function of a call with `memory` as the current one.
pub(super) fn timed<C: Call>(memory: &Memory, call: C) -> (C::Output, Duration) {
    let _entered = memory.enter();
    let started = Instant::now();
    let value = call.run();
    (value, started.elapsed())
}

/// What the store found, if it is sound and the function still wants it.
fn valid(found: Result<Lookup>, definition: &Definition, function: &str) -> Result<Entry, MissReason> {
    match found {
        Ok(Lookup::Found(entry)) => {
            check_validity(&entry, definition, function)?;
            Ok(entry)
        }
        Ok(Lookup::Absent) => Err(MissReason::Absent),
        Ok(Lookup::Damaged(how)) => Err(MissReason::Damaged(how)),
        Err(error) => Err(MissReason::Unavailable(chain(&error))),
    }
}

/// Whether the function still wants the entry.
fn check_validity(entry: &Entry, definition: &Definition, function: &str) -> Result<(), MissReason> {
    if let Some(ttl) = definition.ttl {
        // Of an entry from the future, by this machine's clock, it is not known how old it is.
        match SystemTime::now().duration_since(entry.created()) {
            Ok(age) if age <= ttl => {}
            age => return Err(MissReason::Expired { age: age.unwrap_or_default() }),
        }
    }
    if definition.valid.is_some_and(|valid| !valid(&entry.info(function))) {
        return Err(MissReason::Rejected);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
