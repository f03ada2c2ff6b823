//! Whose turn it is to compute a call, and what becomes of the value: the steps of the [way of a call](super::compute) in which it
//! does not matter of what type the value is. They are compiled once, with the library, not for each function of a program.
//!
//! # Where a call waits
//! For a flight in [`Flights::join`](crate::lease::Flights::join), and for a lease in
//! [`KeyedCall::lease`]; nowhere else. [`Meanwhile`] tells both whether the thread blocks, or leaves and
//! is woken.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::compute::Ran;
use super::inner::Inner;
use super::lazy_entry::LazyEntry;
use super::outbox::Outbox;
use super::outcome::Computed;
use super::trouble::Trouble;
use super::usable::expect_young;
use super::{Memory, MissReason, Source};
use crate::call::MemoizedCall;
use crate::codec::{CodecError, Encoded};
use crate::error::{self, Error, chain};
use crate::events;
use crate::function::Function;
use crate::input::Inputs;
use crate::key::Key;
use crate::lease::{Joined, Leader, Lease, Meanwhile, Shared, Watcher};
use crate::payload::{Content, LARGE};
use crate::store::{Draft, Entry, Lent, Lookup, OwnedDraft, Payload};

/// Functions that take less than this on average run without a lease. A lease itself costs two
/// microseconds. What is computed under one is also stored at once, since other processes wait for
/// it on the disk, and goes to worker processes alone. Without leases, many values are stored by
/// one write, and many calls go in one message.
const WORTH_A_LEASE: Duration = Duration::from_micros(200);

/// A memoized call under its key, whatever its value is: what it takes to find its entry, and to store another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyedCall<'m> {
    pub(super) memory: &'m Memory,
    pub(super) inner: &'m Inner,
    pub(crate) key: Key,
    pub(super) function: &'static Function,
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

/// The right and the duty to compute a call, whatever its value is. Dropped without a value, it frees whoever waits.
#[derive(Debug)]
pub(crate) struct Turn<'m> {
    pub(super) call: KeyedCall<'m>,
    pub(super) reason: MissReason,
    /// The arguments in short, for people.
    pub(crate) arguments: Arc<str>,
    /// `None` if waiting for the thread that leads the flight would never end.
    leader: Option<Leader<'m>>,
    /// Behind the leader: it ends after the flight.
    lease: Option<Lease>,
    part: Part,
    /// The files and directories among the arguments, if the function reads any.
    inputs: Option<Box<Inputs>>,
    /// What the value is compared with, if the call was a hit.
    pub(super) before: Option<Box<Entry>>,
}

/// The turn to compute a call, and the value if another has made one meanwhile. If that cannot be read, it is computed.
#[derive(Debug)]
pub(super) struct Asked<'m> {
    pub(super) turn: Turn<'m>,
    pub(super) found: Option<Found>,
}

/// A value that was made since the first look-up.
#[derive(Debug)]
pub(super) enum Found {
    /// Another thread has computed it.
    Landed(Shared),
    /// It has been stored; whether this thread waited for that.
    Stored(Box<Entry>, bool),
}

/// A call is computed elsewhere: by this thread, or by another process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy(pub(super) Option<ThreadId>);

impl<'m> KeyedCall<'m> {
    /// What the store has for the key.
    pub(super) fn get(&self) -> error::Result<Lookup> {
        self.inner.store.get(&self.key)
    }

    /// Has the value of the entry read where it lies, if it can be used; it counts as a hit if `read` says that it could be read.
    #[inline]
    pub(super) fn lend(&self, read: &mut dyn FnMut(&Content<'_>) -> bool) -> Lent {
        // Whoever asks more than how old an entry is, is told all of it.
        if self.function.definition().valid.is_some() || self.inner.verification.is_on() {
            return Lent::No;
        }
        self.inner.store.lend(&self.key, &mut |entry| {
            let is_hit = expect_young(|| entry.created(), self.function).is_ok() && read(&entry.value);
            if is_hit {
                self.count_hit(entry.compute_nanos);
            }
            is_hit
        })
    }

    /// Fails if the function does not want the entry any more, or if this hit is to be computed again.
    pub(super) fn expect_readable(&self, entry: &Entry) -> Result<(), MissReason> {
        self.inner.expect_wanted(entry, self.function)?;
        if self.inner.verification.is_due() { Err(MissReason::Verified) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn count_hit(&self, nanos: u64) {
        self.function.count(&self.inner.session, |counters| counters.hit_saving(nanos));
        events::trace!("hit: `{}` {}", self.function.name(), self.key);
    }

    /// Asks for the turn to compute the call, which missed for a `reason`.
    ///
    /// # Errors
    ///
    /// Fails if this thread is not to wait for whoever computes it.
    pub(super) fn ask(
        self,
        call: &MemoizedCall<'_>,
        reason: &MissReason,
        meanwhile: Meanwhile<'_>,
        part: Part,
    ) -> Result<Asked<'m>, Busy> {
        let asked = |leader, lease, found| {
            let (reason, arguments) = (reason.clone(), call.preview());
            let before = if reason == MissReason::Verified { self.entry().ok().map(Box::new) } else { None };
            let inputs = self.inputs(call, part);
            Ok(Asked {
                turn: Turn { call: self, reason, arguments, leader, lease, part, inputs, before },
                found,
            })
        };
        // A value that was computed before is not newer than the wish to compute it again.
        let newer = matches!(reason, MissReason::Recomputed | MissReason::Verified);
        let leader = match part {
            // The sender leads the flight; it may be in this very process.
            Part::Serves => None,
            Part::All | Part::Sends => loop {
                let (name, mean_time) = (self.function.name(), self.function.mean_time());
                match self.inner.flights.join(self.key, meanwhile, newer, name, mean_time) {
                    Joined::Leader(leader) => break Some(leader),
                    Joined::Busy(leader) => return Err(Busy(Some(leader))),
                    Joined::Landed(shared) if !newer => {
                        return asked(None, None, Some(Found::Landed(shared)));
                    }
                    Joined::Alone => return asked(None, None, None),
                    Joined::Landed(_) | Joined::Again => {}
                }
            },
        };
        let lease = if part == Part::Sends { Some((None, false)) } else { self.lease(meanwhile) };
        let Some((lease, waited)) = lease else {
            leader.into_iter().for_each(Leader::give_up);
            return Err(Busy(None));
        };
        // The last leader of the flight, or holder of the lease, may have stored the value since the
        // first look-up.
        let is_absent = newer || self.inner.store.lacks(&self.key);
        let stored = if is_absent { None } else { self.entry().ok() };
        asked(leader, lease, stored.map(|entry| Found::Stored(Box::new(entry), waited)))
    }

    /// The inputs of the call, as they are now. They may be others already: the keys of a batch are made when its calls are drawn.
    fn inputs(&self, call: &MemoizedCall<'_>, part: Part) -> Option<Box<Inputs>> {
        let (inputs, key) = call.inputs(|| call.key(&self.inner.states))?;
        // Whoever was sent the call has compared the key, which is of the sender's code.
        if part != Part::Serves && key.ok() != Some(self.key) {
            inputs.have_changed();
        }
        Some(Box::new(inputs))
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

    /// Counts a miss whose function ran for so long.
    pub(super) fn ran(&self, took: Duration) {
        self.function.took(took);
        self.function.count(&self.inner.session, |counters| counters.miss(took));
    }

    pub(super) fn note(&self, trouble: Trouble, error: &dyn std::fmt::Display) {
        self.inner.troubles.note(trouble, self.function.name(), error);
    }
}

impl<'m> Turn<'m> {
    /// The name of the function.
    pub(crate) fn function(&self) -> &'static str {
        self.call.function.name()
    }

    /// Whether other processes may be waiting for the lease.
    pub(crate) fn has_lease(&self) -> bool {
        self.lease.is_some()
    }

    /// Where a value is from that was stored before it was this turn, and its bytes; it counts. One that this thread `waited`
    /// for counts as joined.
    pub(super) fn found(&self, entry: Entry, waited: bool) -> (Source, Shared) {
        let KeyedCall { inner, function, .. } = self.call;
        let time = entry.compute_time();
        let source = if self.part == Part::Serves {
            Source::Hit
        } else if waited {
            function.count(&inner.session, |counters| counters.joined(time));
            Source::Joined
        } else {
            function.count(&inner.session, |counters| counters.hit(time));
            Source::Hit
        };
        let shared = Shared::new(entry);
        self.land(&shared);
        (source, shared)
    }

    pub(super) fn told_to_run(&self) {
        events::debug!("miss: `{}`({}): {}", self.function(), self.arguments, self.reason);
    }

    /// The function ran for so long.
    pub(super) fn has_run(&self, took: Duration) {
        match self.part {
            Part::Serves => self.call.function.took(took),
            Part::All | Part::Sends => self.call.ran(took),
        }
        if let Some(input) = self.changed_input() {
            let what = format!("the input `{}` changed after the key of its call was made", input.display());
            self.call.note(Trouble::Input, &what);
        }
    }

    /// What came of it.
    pub(super) fn computed<T>(&self, value: T, shared: Option<Shared>) -> Computed<T> {
        Computed::new(value, Source::Miss(self.reason.clone()), shared)
    }

    pub(super) fn is_worth_storing(&self, took: Duration) -> bool {
        took >= self.call.function.definition().min_cost
            && !self.call.inner.is_read_only()
            && self.changed_input().is_none()
    }

    /// The input that is not what the key was made of.
    fn changed_input(&self) -> Option<&Path> {
        self.inputs.as_ref().and_then(|inputs| inputs.changed())
    }

    fn has_waiters(&self) -> bool {
        self.leader.as_ref().is_some_and(Leader::has_waiters)
    }

    /// Whether anybody wants the bytes of a value.
    pub(super) fn is_wanted(&self, took: Duration, share: bool) -> bool {
        share || self.is_worth_storing(took) || self.has_waiters()
    }

    /// Keeps a value, if it could be encoded and is to be kept, and removes its checkpoint; its bytes, if others can have
    /// them.
    ///
    /// # Errors
    ///
    /// Why the value cannot be kept.
    pub(super) fn keep_encoded(
        &mut self,
        encoded: Result<Option<Encoded<'_>>, CodecError>,
        ran: Ran,
        value_type: &str,
        outbox: Option<&mut Outbox<'m>>,
    ) -> Result<Option<Shared>, String> {
        let encoded = encoded.map_err(|error| self.call.not_kept(value_type, &error));
        let kept = encoded.map(|encoded| {
            let arguments = Arc::clone(&self.arguments);
            self.keep(self.call.draft(encoded?, &arguments, ran.took), outbox)
        });
        if ran.left_checkpoint {
            self.call.drop_checkpoint();
        }
        kept
    }

    /// Gives a value to those who wait, and stores it, at once or through the outbox; its bytes, if
    /// others can have them. Values that were computed here and in other processes meet here.
    pub(super) fn keep(&mut self, draft: Draft<'_>, outbox: Option<&mut Outbox<'m>>) -> Option<Shared> {
        let is_worth_storing = self.is_worth_storing(draft.compute_time);
        let (is_small, share) = (draft.payload.len() < LARGE, outbox.is_some());
        if is_small && is_worth_storing {
            match outbox {
                // What other processes wait for on the disk does not wait in the outbox.
                Some(outbox) if self.lease.is_none() => {
                    return Some(outbox.put(self.call.function, &draft, self.leader.take()));
                }
                None if !self.has_waiters() => return self.keep_unshared(&draft),
                _ => {}
            }
        }
        match draft.try_owned() {
            Ok(draft) => Some(self.keep_owned(draft, is_worth_storing)),
            Err(draft) if is_small => Some(self.keep_owned(draft.as_ref().to_owned(), is_worth_storing)),
            Err(draft) => self.keep_borrowed(&draft, is_worth_storing, share),
        }
    }

    fn keep_owned(&self, draft: OwnedDraft, is_worth_storing: bool) -> Shared {
        let draft = Arc::new(draft);
        let shared = Shared::One(Arc::clone(&draft) as _);
        self.land(&shared);
        if is_worth_storing {
            self.call.inner.store(self.call.function, draft.draft());
        }
        shared
    }

    /// Stores a small value that nobody waits for. Whoever comes meanwhile finds it in the store, or gets a copy if it could not be
    /// stored.
    fn keep_unshared(&mut self, draft: &Draft<'_>) -> Option<Shared> {
        if self.call.inner.store(self.call.function, draft) {
            self.leader.take().into_iter().for_each(Leader::give_up);
            return None;
        }
        let shared = Shared::new(draft.to_owned());
        self.land(&shared);
        Some(shared)
    }

    /// Stores a large value from where it is, then lands the flight with the entry. Only if it is
    /// not stored are its bytes copied, for those who wait or may come to wait.
    fn keep_borrowed(&self, draft: &Draft<'_>, is_worth_storing: bool, share: bool) -> Option<Shared> {
        let KeyedCall { inner, key, function, .. } = self.call;
        let shared = if is_worth_storing && inner.store(function, draft) {
            Shared::new(LazyEntry::new(&inner.store, key, draft.compute_time))
        } else if share || self.has_waiters() {
            Shared::new(draft.to_owned())
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
            leader.land(shared.clone());
        }
    }
}
