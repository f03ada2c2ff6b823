//! The way of a call, from top to bottom: key, look-up, flight, lease, second look-up, run, keep,
//! land.
//!
//! A single call goes it at once: [`Memory::look_up`], then [`Memory::compute`]. A batch looks up
//! many calls together ([`Keyed::read`]), and for each miss goes on at [`Memory::begin`]. A miss
//! that another process runs leaves the way there, and comes back to [`Computation::keep`] with its
//! reply (see [`remote`](super::remote)).
//!
//! # Invariants
//! 1. Trouble with the cache never reaches the caller. It is noted as [`Trouble`], and the function
//!    runs.
//! 2. A function runs at most once for a call, and never under a lock of this module.
//! 3. A value is stored before its flight and its lease end, so that later callers find it. Earlier
//!    ones get it from the flight, which lands first.
//! 4. A large value is stored from where it is, and waiting threads read its entry. Its bytes are
//!    copied for them only if it could not be stored.
//!
//! # Where a call waits
//! For a flight in [`Flights::join`](crate::lease::Flights::join), and for a lease in
//! [`Keyed::lease`]; nowhere else. [`Meanwhile`] tells both whether the thread blocks, or leaves and
//! is woken.

use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::inner::Inner;
use super::lazy_entry::LazyEntry;
use super::outbox::{Outbox, Parcel};
use super::outcome::{Computed, Miss};
use super::trouble::Trouble;
use super::{Memory, MissReason, Outcome, Source, checkpoints};
use crate::call::{Call, Memo};
use crate::codec::{Codec, CodecError, Encoded};
use crate::error::{Error, Result, chain};
use crate::events;
use crate::function::Function;
use crate::key::Key;
use crate::lease::{Joined, Leader, Lease, Meanwhile, Shared, Watcher};
use crate::panics;
use crate::report::Why;
use crate::store::{Draft, Entry, Lookup, OwnedDraft, Payload};

/// Functions that take less than this on average run without a lease. A lease itself costs two
/// microseconds. What is computed under one is also stored at once, since other processes wait for
/// it on the disk, and goes to worker processes alone. Without leases, many values are stored by
/// one write, and many calls go in one message.
const WORTH_A_LEASE: Duration = Duration::from_micros(200);

/// A memoized call under its key: what it takes to find its entry, and to write and read its value.
#[derive(Debug)]
pub(crate) struct Keyed<'m, T> {
    pub(super) memory: &'m Memory,
    pub(super) inner: &'m Inner,
    pub(crate) key: Key,
    pub(super) function: &'static Function,
    pub(super) codec: Codec<T>,
}

/// Why this thread does not compute a call under its key.
#[derive(Debug)]
pub(crate) enum NotLed<T> {
    /// It has no key: it just runs.
    NoKey,
    /// It is not to be computed: the memory is frozen. It would be for this reason.
    Frozen(Why),
    /// Another thread or process has computed it meanwhile.
    Done(Computed<T>),
    /// This thread computes it, or another process. The watcher will be told.
    Busy(Key, Option<ThreadId>),
}

/// What this process does for a call that missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    All,
    /// It sends the call to a process that takes the lease.
    Sends,
    /// It was sent the call: it takes the lease, and the sender counts.
    Serves,
}

/// How a function ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) took: Duration,
    /// Whether there may be a [checkpoint](super::checkpoints) of the call.
    pub(crate) left_checkpoint: bool,
}

/// The right and the duty to compute a call. Dropped without a value, it frees whoever waits.
#[derive(Debug)]
pub(crate) struct Computation<'m, T> {
    pub(super) keyed: Keyed<'m, T>,
    pub(super) reason: MissReason,
    /// The arguments in short, for people.
    pub(crate) arguments: Arc<str>,
    /// `None` if waiting for the thread that leads the flight would never end.
    leader: Option<Leader<'m>>,
    /// Behind the leader: it ends after the flight.
    lease: Option<Lease>,
    part: Part,
    /// What the value is compared with, if the call was a hit.
    pub(super) before: Option<Entry>,
}

impl Memory {
    /// The call under its key, or the reason why it has none.
    pub(crate) fn keyed<C: Call>(&self, call: &C) -> Result<Keyed<'_, C::Output>, MissReason> {
        let memo = call.memo().ok_or(MissReason::NotMemoized)?;
        let inner = self.inner.as_deref().ok_or(MissReason::Disabled)?;
        let key = memo.key(&inner.states).map_err(|error| {
            inner.troubles.note(Trouble::Key, memo.function.name(), &chain(&error));
            MissReason::Unkeyed(chain(&error).to_string())
        })?;
        Ok(Keyed::new(self, inner, &memo, key))
    }

    /// The value from the entry of `call`, which counts as a hit.
    pub(crate) fn look_up<C: Call>(&self, call: &C) -> Result<C::Output, Miss> {
        let keyed = self.keyed(call)?;
        keyed.read(keyed.inner.store.get(&keyed.key))
    }

    /// The entries of several keys, read in one go.
    pub(crate) fn entries_of(&self, keys: &[Key]) -> Vec<Result<Lookup>> {
        self.inner.as_ref().map_or_else(Vec::new, |inner| inner.store.get_all(keys))
    }

    /// Computes a call that missed, or waits for the thread or process that computes it.
    pub(crate) fn compute<C: Call>(&self, call: C, miss: Miss, part: Part) -> Outcome<C::Output> {
        match self.begin(&call, &miss, Meanwhile::Wait, part) {
            Ok(computation) => computation.run(call, None, |_| true).outcome,
            // Nobody waits for what is not begun.
            Err(NotLed::Frozen(why)) => panic!("{}", frozen(&call, &why)),
            Err(NotLed::Done(computed)) => {
                panics::drop_quietly(call);
                computed.outcome
            }
            Err(NotLed::NoKey | NotLed::Busy(..)) => self.run_plain(call, miss.reason),
        }
    }

    /// Asks for the right to compute a call that missed: flight, lease, second look-up. `meanwhile`
    /// says what this thread does while another thread or process computes it.
    pub(crate) fn begin<C: Call>(
        &self,
        call: &C,
        miss: &Miss,
        meanwhile: Meanwhile<'_>,
        part: Part,
    ) -> Result<Computation<'_, C::Output>, NotLed<C::Output>> {
        let (Some(inner), Some(memo)) = (self.inner.as_deref(), call.memo()) else {
            return Err(NotLed::NoKey);
        };
        if inner.manners.is_frozen {
            return Err(NotLed::Frozen(self.why_missed(call, miss)));
        }
        let Some(key) = miss.key else { return Err(NotLed::NoKey) };
        let keyed = Keyed::new(self, inner, &memo, key);
        let lead = |leader, lease| {
            let (reason, arguments) = (miss.reason.clone(), memo.preview());
            let before = if reason == MissReason::Verified { keyed.entry().ok() } else { None };
            Ok(Computation { keyed, reason, arguments, leader, lease, part, before })
        };
        // A value that was computed before is not newer than the wish to compute it again.
        let newer = matches!(miss.reason, MissReason::Recomputed | MissReason::Verified);
        let leader = match part {
            // The sender leads the flight; it may be in this very process.
            Part::Serves => None,
            Part::All | Part::Sends => match keyed.flight(newer, meanwhile)? {
                Some(leader) => Some(leader),
                None => return lead(None, None),
            },
        };
        let lease = if part == Part::Sends { Some((None, false)) } else { keyed.lease(meanwhile) };
        let Some((lease, waited)) = lease else {
            leader.into_iter().for_each(Leader::give_up);
            return Err(NotLed::Busy(key, None));
        };
        // The last leader of the flight, or holder of the lease, may have stored the value since the
        // first look-up.
        if !newer && let Some(computed) = keyed.look_up_again(waited, part) {
            if let Some((leader, shared)) = leader.zip(computed.shared.as_ref()) {
                leader.land(Arc::clone(shared));
            }
            return Err(NotLed::Done(computed));
        }
        lead(leader, lease)
    }
}

/// That a call is not computed, as the memory is frozen.
pub(super) fn frozen<C: Call>(call: &C, why: &Why) -> Error {
    let (function, arguments) =
        call.memo().map_or_else(Default::default, |memo| (memo.function.name(), memo.preview()));
    Error::frozen(function, &arguments, why)
}

impl<'m, T> Keyed<'m, T> {
    pub(super) fn new(memory: &'m Memory, inner: &'m Inner, memo: &Memo<'_, T>, key: Key) -> Self {
        Keyed { memory, inner, key, function: memo.function, codec: memo.codec }
    }

    /// The value of the entry that the store has for the key, which counts as a hit; unless this hit is
    /// to be computed again.
    pub(crate) fn read(&self, entry: Result<Lookup>) -> Result<T, Miss> {
        let value = match self.usable(entry) {
            Ok(_) if self.inner.verification.is_due() => Err(MissReason::Verified),
            Ok(entry) => self.hit(&entry),
            Err(reason) => Err(reason),
        };
        value.map_err(|reason| Miss { key: Some(self.key), reason })
    }

    /// The value of an entry, which counts as a hit.
    pub(super) fn hit(&self, entry: &Entry) -> Result<T, MissReason> {
        let value = self.decode(entry)?;
        let time = entry.compute_time();
        self.function.count(&self.inner.session, |counters| counters.hit(time));
        events::trace!("hit: `{}` {}", self.function.name(), self.key);
        Ok(value)
    }

    /// The flight of the key, if this thread leads it now; `None` if it computes without one, as it
    /// would wait for ever. A value that is to be `newer` is not taken from a flight of now.
    fn flight(&self, newer: bool, meanwhile: Meanwhile<'_>) -> Result<Option<Leader<'m>>, NotLed<T>> {
        let (name, mean_time) = (self.function.name(), self.function.mean_time());
        loop {
            let shared = match self.inner.flights.join(self.key, meanwhile, newer, name, mean_time) {
                Joined::Leader(leader) => return Ok(Some(leader)),
                Joined::Alone => return Ok(None),
                Joined::Busy(leader) => return Err(NotLed::Busy(self.key, Some(leader))),
                Joined::Landed(shared) if !newer => shared,
                Joined::Landed(_) | Joined::Again => continue,
            };
            let Some(value) = self.inner.join(self.function, &self.codec, &shared) else { return Ok(None) };
            return Err(NotLed::Done(Computed::new(value, Source::Joined, Some(shared))));
        }
    }

    /// The lease of the key, unless the function is cheaper than that is worth; and whether another
    /// process held it first. `None` if another process holds it now, and the watcher will be told.
    fn lease(&self, meanwhile: Meanwhile<'_>) -> Option<(Option<Lease>, bool)> {
        let is_cheap = self.function.mean_time().is_some_and(|time| time < WORTH_A_LEASE);
        if is_cheap || self.inner.is_read_only() {
            return Some((None, false));
        }
        let leases = &self.inner.leases;
        let acquire = || {
            if let Some(lease) = leases.try_acquire(&self.key)? {
                return Ok(Some((Some(lease), false)));
            }
            if let Meanwhile::Leave(leave) = meanwhile
                && self.watch_lease((leave.watcher)(self.key))
            {
                return Ok(None);
            }
            Ok(Some((Some(leases.acquire(&self.key, self.function.name())?), true)))
        };
        acquire().unwrap_or_else(|error: Error| {
            self.note(Trouble::Lease, &chain(&error));
            Some((None, false))
        })
    }

    /// Starts a thread that waits until no other process holds the lease, and tells the watcher;
    /// whether it could be started. It waits in the kernel, and ends with the lease.
    fn watch_lease(&self, watcher: Arc<dyn Watcher>) -> bool {
        let (memory, key, function) = (self.memory.clone(), self.key, self.function);
        let watch = move || {
            if let Some(inner) = &memory.inner {
                // Trouble with the lease is met again, and noted, when the key is asked for again.
                let _ = inner.leases.wait(&key, function.name());
            }
            watcher.wake();
        };
        thread::Builder::new().name("rememo-lease".into()).stack_size(256 * 1024).spawn(watch).is_ok()
    }

    /// The value that another thread or process has stored since the first look-up. One that this
    /// thread `waited` for counts as joined.
    fn look_up_again(&self, waited: bool, part: Part) -> Option<Computed<T>> {
        let entry = self.entry().ok()?;
        let value = self.decode(&entry).ok()?;
        let (session, time) = (&self.inner.session, entry.compute_time());
        let source = if part == Part::Serves {
            Source::Hit
        } else if waited {
            self.function.count(session, |counters| counters.joined(time));
            Source::Joined
        } else {
            self.function.count(session, |counters| counters.hit(time));
            Source::Hit
        };
        Some(Computed::new(value, source, Some(Arc::new(entry))))
    }

    /// Counts a miss whose function ran for so long.
    pub(super) fn ran(&self, took: Duration) {
        self.function.took(took);
        self.function.count(&self.inner.session, |counters| counters.miss(took));
    }

    pub(super) fn note(&self, trouble: Trouble, error: &dyn std::fmt::Display) {
        self.inner.troubles.note(trouble, self.function.name(), error);
    }
}

impl<'m, T> Computation<'m, T> {
    /// The name of the function.
    pub(crate) fn function(&self) -> &'static str {
        self.keyed.function.name()
    }

    /// Whether other processes may be waiting for the lease.
    pub(crate) fn has_lease(&self) -> bool {
        self.lease.is_some()
    }

    /// Runs the function, keeps its value, and ends the flight and the lease. A value of a batch has
    /// an `outbox`, and is shared with duplicates. One that is not `is_final` is not kept: the call
    /// is tried again.
    pub(crate) fn run<C: Call<Output = T>>(
        mut self,
        call: C,
        outbox: Option<&mut Outbox<'m>>,
        is_final: impl FnOnce(&T) -> bool,
    ) -> Computed<T> {
        let keyed = self.keyed;
        events::debug!("miss: `{}`({}): {}", keyed.function.name(), self.arguments, self.reason);
        let (value, Ran { took, left_checkpoint }) = keyed.memory.timed(call, Some(keyed.key));
        match self.part {
            Part::Serves => keyed.function.took(took),
            Part::All | Part::Sends => keyed.ran(took),
        }
        let is_final = is_final(&value);
        if is_final && let Some(shared) = self.confirmed(&value) {
            return Computed::new(value, Source::Miss(self.reason), Some(shared));
        }
        let is_wanted = self.is_worth_storing(took) || outbox.is_some() || self.has_waiters();
        let encoded = if is_final && is_wanted { self.encode(&value, took) } else { Ok(None) };
        let (draft, not_kept) = match encoded {
            Ok(draft) => (draft, None),
            Err(error) => (None, Some(keyed.not_kept(&error))),
        };
        let shared = draft.and_then(|draft| self.keep(draft, outbox));
        if left_checkpoint {
            keyed.drop_checkpoint();
        }
        let mut computed = Computed::new(value, Source::Miss(self.reason), shared);
        computed.outcome.not_kept = not_kept;
        computed
    }

    fn is_worth_storing(&self, took: Duration) -> bool {
        took >= self.keyed.function.definition().min_cost && !self.keyed.inner.is_read_only()
    }

    fn has_waiters(&self) -> bool {
        self.leader.as_ref().is_some_and(Leader::has_waiters)
    }

    /// The value as an entry; `None` if its function does not keep it. Only what goes to the store is
    /// worth compressing.
    fn encode<'v>(&self, value: &'v T, took: Duration) -> Result<Option<Draft<'v>>, CodecError> {
        let Keyed { inner, function, ref codec, .. } = self.keyed;
        let level = if self.is_worth_storing(took) { inner.level(function) } else { None };
        let encoded = super::inner::encode(codec, value, function, level)?;
        Ok(encoded.map(|encoded| self.draft(encoded, took)))
    }

    pub(super) fn draft<'v>(&self, encoded: Encoded<'v>, took: Duration) -> Draft<'v> {
        self.keyed.draft(encoded, Arc::clone(&self.arguments), took)
    }

    /// Gives a value to those who wait, and stores it, at once or through the outbox; its bytes, if
    /// others can have them. Values that were computed here and in other processes meet here.
    pub(super) fn keep(&mut self, draft: Draft<'_>, outbox: Option<&mut Outbox<'m>>) -> Option<Shared> {
        let is_worth_storing = self.is_worth_storing(draft.compute_time);
        match draft.try_owned() {
            Ok(draft) => Some(self.keep_owned(Arc::new(draft), is_worth_storing, outbox)),
            Err(draft) => self.keep_borrowed(&draft, is_worth_storing, outbox.is_some()),
        }
    }

    fn keep_owned(
        &mut self,
        draft: Arc<OwnedDraft>,
        is_worth_storing: bool,
        outbox: Option<&mut Outbox<'m>>,
    ) -> Shared {
        let Keyed { inner, function, .. } = self.keyed;
        let shared = Arc::clone(&draft) as Shared;
        self.land(&shared);
        if !is_worth_storing {
            return shared;
        }
        // What other processes wait for on the disk does not wait in the outbox.
        if let Some(outbox) = outbox.filter(|_| self.lease.is_none()) {
            outbox.put(Parcel { function, draft, leader: self.leader.take() });
        } else {
            inner.store(function, draft.draft());
        }
        shared
    }

    /// Stores a large value from where it is, then lands the flight with the entry. Only if it is
    /// not stored are its bytes copied, for those who wait or may come to wait.
    fn keep_borrowed(&self, draft: &Draft<'_>, is_worth_storing: bool, share: bool) -> Option<Shared> {
        let Keyed { inner, key, function, .. } = self.keyed;
        let shared: Shared = if is_worth_storing && inner.store(function, draft) {
            Arc::new(LazyEntry::new(&inner.store, key, draft.compute_time))
        } else if share || self.has_waiters() {
            Arc::new(draft.to_owned())
        } else {
            return None;
        };
        self.land(&shared);
        Some(shared)
    }

    /// Gives the bytes of the value to the threads that wait for the flight, or join it until it
    /// ends.
    pub(super) fn land(&self, shared: &Shared) {
        if let Some(leader) = &self.leader {
            leader.land(Arc::clone(shared));
        }
    }
}

impl Memory {
    /// Runs a call without an entry, whose value is not stored.
    pub(crate) fn run_plain<C: Call>(&self, call: C, reason: MissReason) -> Outcome<C::Output> {
        let memo = call.memo();
        let key = memo.as_ref().and_then(Memo::key_asked_for);
        // A plain closure counts for no function.
        let function = memo.map(|memo| memo.function);
        let (value, Ran { took, .. }) = self.timed(call, key);
        if let Some((inner, function)) = self.inner.as_ref().zip(function) {
            function.count(&inner.session, |counters| counters.miss(took));
        }
        Outcome::new(value, Source::Miss(reason))
    }

    /// Runs the function of a call with this memory as the current one, and with its key, if it has
    /// one.
    pub(crate) fn timed<C: Call>(&self, call: C, key: Option<Key>) -> (C::Output, Ran) {
        let _entered = self.enter_body(key);
        let started = Instant::now();
        let value = call.run();
        let took = started.elapsed();
        (value, Ran { took, left_checkpoint: checkpoints::is_left() })
    }

    /// The value of a call whose bytes another thread shared; `None` if they cannot be read.
    pub(crate) fn join<C: Call>(&self, call: &C, shared: &Shared) -> Option<C::Output> {
        let (inner, memo) = (self.inner.as_deref()?, call.memo()?);
        inner.join(memo.function, &memo.codec, shared)
    }
}

impl<T> Clone for Keyed<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Keyed<'_, T> {}

#[cfg(test)]
mod tests;
