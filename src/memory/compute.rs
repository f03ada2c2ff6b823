//! The way of a call, from top to bottom: key, look-up, flight, lease, second look-up, run, keep,
//! land.
//!
//! A single call goes it at once: [`Memory::look_up`], then [`Memory::compute`]. A batch looks up
//! many calls together ([`Keyed::read`]), and for each miss goes on at [`Memory::begin`]. A miss
//! that another process runs leaves the way there, and comes back to [`Turn::keep`] with its
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
//! Here is what depends on the type of the value; the other steps are in [`turn`](super::turn).

use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::inner::Inner;
use super::outbox::Outbox;
use super::outcome::{Computed, Miss};
use super::trouble::Trouble;
use super::turn::{Asked, Busy, Found, KeyedCall, Part, Turn};
use super::{Memory, MissReason, Outcome, Source, checkpoints};
use crate::call::{Call, Memo, MemoizedCall};
use crate::codec::{Codec, CodecError, Encoded};
use crate::error::{Error, Result, chain};
use crate::function::Function;
use crate::key::{ArgumentError, Key};
use crate::lease::{Meanwhile, Shared};
use crate::panics;
use crate::payload::Content;
use crate::report::Why;
use crate::store::{Entry, Lent, Lookup, Payload};
use crate::usage::nanos;

/// A memoized call under its key, and how its value is written and read.
#[derive(Debug)]
pub(crate) struct Keyed<'m, T> {
    pub(crate) call: KeyedCall<'m>,
    pub(super) codec: Codec<T>,
}

/// What comes of looking a call up.
#[derive(Debug)]
enum Looked<'m> {
    /// The value of its entry was read where it lies, and counts as a hit.
    Hit,
    /// The store has this for the key, of which nothing was read or counted yet.
    Found(KeyedCall<'m>, Result<Lookup>),
    /// The call has no key.
    Unkeyed(MissReason),
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

/// How a function ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) took: Duration,
    /// When it was done.
    pub(crate) ended: Instant,
    /// Whether there may be a [checkpoint](super::checkpoints) of the call.
    pub(crate) left_checkpoint: bool,
}

/// The turn to compute a call, and how its value is written and read.
#[derive(Debug)]
pub(crate) struct Computation<'m, T> {
    pub(crate) turn: Turn<'m>,
    pub(super) codec: Codec<T>,
}

impl Memory {
    /// The call under its key, or the reason why it has none.
    pub(crate) fn keyed<C: Call>(&self, call: &C) -> Result<Keyed<'_, C::Output>, MissReason> {
        let Memo { call, codec } = call.memo().ok_or(MissReason::NotMemoized)?;
        Ok(Keyed { call: self.keyed_call(&call)?, codec })
    }

    fn keyed_call(&self, call: &MemoizedCall<'_>) -> Result<KeyedCall<'_>, MissReason> {
        let inner = self.inner.as_deref().ok_or(MissReason::Disabled)?;
        let key = call.key(&inner.states).map_err(|error| inner.unkeyed(call, &error))?;
        Ok(KeyedCall { memory: self, inner, key, function: call.function })
    }

    /// The value from the entry of `call`, which counts as a hit.
    pub(crate) fn look_up<C: Call>(&self, call: &C) -> Result<C::Output, Miss> {
        let Memo { call, codec } = call.memo().ok_or(MissReason::NotMemoized)?;
        let mut value = None;
        let looked = self.lend(&call, &mut |content| {
            value = codec.decode(content).ok();
            value.is_some()
        });
        match looked {
            Looked::Hit => Ok(value.expect("it was read")),
            Looked::Found(call, found) => Keyed { call, codec }.read(found),
            Looked::Unkeyed(reason) => Err(reason.into()),
        }
    }

    /// Has the value of the entry of `call` read where it lies.
    fn lend(&self, call: &MemoizedCall<'_>, read: &mut dyn FnMut(&Content<'_>) -> bool) -> Looked<'_> {
        // Step by step, since results of this size are copied from one `?` to the next.
        let Some(inner) = self.inner.as_deref() else { return Looked::Unkeyed(MissReason::Disabled) };
        let key = match call.key(&inner.states) {
            Ok(key) => key,
            Err(error) => return Looked::Unkeyed(inner.unkeyed(call, &error)),
        };
        let keyed = KeyedCall { memory: self, inner, key, function: call.function };
        match keyed.lend(read) {
            Lent::Read { .. } => Looked::Hit,
            Lent::Absent => Looked::Found(keyed, Ok(Lookup::Absent)),
            Lent::No => Looked::Found(keyed, keyed.get()),
        }
    }

    /// Takes note that the calls of these keys are looked up next.
    pub(crate) fn read_ahead(&self, keys: &[Key]) {
        if let Some(inner) = &self.inner {
            inner.store.read_ahead(keys);
        }
    }

    /// The entries of several keys, read in one go.
    pub(crate) fn entries_of(&self, keys: &[Key]) -> Vec<Result<Lookup>> {
        self.inner.as_ref().map_or_else(Vec::new, |inner| inner.store.get_all(keys))
    }

    /// Computes a call that missed, or waits for the thread or process that computes it.
    pub(crate) fn compute<C: Call>(&self, call: C, miss: Miss, part: Part) -> Outcome<C::Output> {
        match self.begin(&call, &miss, Meanwhile::Wait, part) {
            Ok(mut computation) => computation.run(call, None, |_| true).outcome,
            // Nobody waits for what is not begun.
            Err(NotLed::Frozen(why)) => panic!("{}", frozen(call.memo().map(|memo| memo.call), &why)),
            Err(NotLed::Done(computed)) => {
                panics::drop_quietly(call);
                computed.outcome
            }
            Err(NotLed::NoKey | NotLed::Busy(..)) => self.run_plain(call, miss.reason),
        }
    }

    /// Asks for the turn to compute a call that missed: flight, lease, second look-up. `meanwhile`
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
        let asked = keyed.call.ask(&memo.call, &miss.reason, meanwhile, part);
        let Asked { turn, found } = asked.map_err(|Busy(by)| NotLed::Busy(key, by))?;
        match found {
            None => {}
            Some(Found::Landed(shared)) => {
                if let Some(value) = inner.join(memo.call.function, &memo.codec, &shared) {
                    return Err(NotLed::Done(Computed::new(value, Source::Joined, Some(shared))));
                }
            }
            Some(Found::Stored(entry, waited)) => {
                if let Ok(value) = keyed.decode(&entry) {
                    let (source, shared) = turn.found(*entry, waited);
                    return Err(NotLed::Done(Computed::new(value, source, Some(shared))));
                }
            }
        }
        Ok(Computation { turn, codec: memo.codec })
    }
}

impl Inner {
    /// Why a call has no key, which is noted.
    #[cold]
    fn unkeyed(&self, call: &MemoizedCall<'_>, error: &ArgumentError) -> MissReason {
        self.troubles.note(Trouble::Key, call.function.name(), &chain(error));
        MissReason::Unkeyed(chain(error).to_string())
    }
}

/// That a call is not computed, as the memory is frozen.
pub(super) fn frozen(call: Option<MemoizedCall<'_>>, why: &Why) -> Error {
    let (function, arguments) =
        call.map_or_else(Default::default, |call| (call.function.name(), call.preview()));
    Error::frozen(function, &arguments, why)
}

impl<'m, T> Keyed<'m, T> {
    pub(super) fn new(memory: &'m Memory, inner: &'m Inner, memo: &Memo<'_, T>, key: Key) -> Self {
        let call = KeyedCall { memory, inner, key, function: memo.call.function };
        Keyed { call, codec: memo.codec }
    }

    /// The value from the entry of the call, which counts as a hit; and how long the function took, if there is a sound entry.
    pub(crate) fn look_up(&self) -> (Option<Duration>, Result<T, Miss>) {
        let mut value = None;
        let lent = self.call.lend(&mut |content| {
            value = self.codec.decode(content).ok();
            value.is_some()
        });
        match (lent, value) {
            (Lent::Read { compute_nanos }, Some(value)) => {
                (Some(Duration::from_nanos(compute_nanos)), Ok(value))
            }
            (Lent::Absent, _) => (None, self.read(Ok(Lookup::Absent))),
            _ => {
                let entry = self.call.get();
                (entry.as_ref().ok().and_then(Lookup::compute_time), self.read(entry))
            }
        }
    }

    /// The value of the entry that the store has for the key, which counts as a hit; unless this hit is
    /// to be computed again.
    pub(super) fn read(&self, entry: Result<Lookup>) -> Result<T, Miss> {
        let value = match &entry {
            // An entry is large: it stays where it is. Of most misses there is none.
            Ok(Lookup::Absent) => Err(MissReason::Absent),
            Ok(Lookup::Found(entry)) => self.call.expect_readable(entry).and_then(|()| self.hit(entry)),
            _ => self.call.usable(entry).and_then(|entry| self.hit(&entry)),
        };
        value.map_err(|reason| Miss { key: Some(self.call.key), reason })
    }

    /// The value of an entry, which counts as a hit.
    pub(super) fn hit(&self, entry: &Entry) -> Result<T, MissReason> {
        let value = self.decode(entry)?;
        self.call.count_hit(nanos(entry.compute_time()));
        Ok(value)
    }
}

impl<'m, T> Computation<'m, T> {
    /// Runs the function and keeps its value. The flight and the lease end when this is dropped. A value
    /// of a batch has an `outbox`, and is shared with duplicates. One that is not `is_final` is not
    /// kept: the call is tried again.
    pub(crate) fn run<C: Call<Output = T>>(
        &mut self,
        call: C,
        mut outbox: Option<&mut Outbox<'m>>,
        is_final: impl FnOnce(&T) -> bool,
    ) -> Computed<T> {
        self.turn.told_to_run();
        let KeyedCall { memory, key, .. } = self.turn.call;
        let (value, ran) = memory.timed(call, Some(key));
        self.turn.has_run(ran.took);
        if let Some(outbox) = &mut outbox {
            outbox.computed(ran.took, ran.ended);
        }
        let is_final = is_final(&value);
        if is_final && let Some(shared) = self.confirmed(&value) {
            return self.turn.computed(value, Some(shared));
        }
        let is_wanted = is_final && self.turn.is_wanted(ran.took, outbox.is_some());
        let encoded = if is_wanted { self.encode(&value, ran.took) } else { Ok(None) };
        let kept = self.turn.keep_encoded(encoded, ran, std::any::type_name::<T>(), outbox);
        let (shared, not_kept) = kept.map_or_else(|reason| (None, Some(reason)), |shared| (shared, None));
        let mut computed = self.turn.computed(value, shared);
        computed.outcome.not_kept = not_kept;
        computed
    }

    /// The value as an entry has it; `None` if its function does not keep it. Only what goes to the
    /// store is worth compressing.
    fn encode<'v>(&self, value: &'v T, took: Duration) -> Result<Option<Encoded<'v>>, CodecError> {
        let KeyedCall { inner, function, .. } = self.turn.call;
        let level = if self.turn.is_worth_storing(took) { inner.level(function) } else { None };
        super::inner::encode(&self.codec, value, function, level)
    }
}

impl Memory {
    /// Runs a call without an entry, whose value is not stored.
    pub(crate) fn run_plain<C: Call>(&self, call: C, reason: MissReason) -> Outcome<C::Output> {
        let memo = call.memo().map(|memo| memo.call);
        let key = memo.as_ref().and_then(MemoizedCall::key_asked_for);
        // A plain closure counts for no function.
        let function = memo.map(|call| call.function);
        let (value, Ran { took, .. }) = self.timed(call, key);
        if let Some(function) = function {
            self.count_miss(function, took);
        }
        Outcome::new(value, Source::Miss(reason))
    }

    /// Counts a miss of a call without an entry.
    pub(super) fn count_miss(&self, function: &'static Function, took: Duration) {
        if let Some(inner) = &self.inner {
            function.count(&inner.session, |counters| counters.miss(took));
        }
    }

    /// Runs the function of a call with this memory as the current one, and with its key, if it has
    /// one.
    pub(crate) fn timed<C: Call>(&self, call: C, key: Option<Key>) -> (C::Output, Ran) {
        let _entered = self.enter_body(key);
        let started = Instant::now();
        let value = call.run();
        let ended = Instant::now();
        let took = ended.saturating_duration_since(started);
        (value, Ran { took, ended, left_checkpoint: checkpoints::is_left() })
    }

    /// The value of a call whose bytes another thread shared; `None` if they cannot be read.
    pub(crate) fn join<C: Call>(&self, call: &C, shared: &Shared) -> Option<C::Output> {
        let (inner, memo) = (self.inner.as_deref()?, call.memo()?);
        inner.join(memo.call.function, &memo.codec, shared)
    }
}

#[cfg(test)]
mod tests;
