//! Calls of a memory on their way to another process, and their values when they come back.

use std::error::Error;
use std::sync::Arc;

use super::compute::{Computation, Keyed};
use super::outbox::Outbox;
use super::outcome::Computed;
use super::turn::{KeyedCall, Turn};
use super::{Memory, MissReason, Source};
use crate::call::{Call, Memo, MemoizedCall};
use crate::codec::{self, Codec, Encoded, NAMED};
use crate::error::chain;
use crate::events;
use crate::key::Key;
use crate::lease::Shared;
use crate::lock::lock;
use crate::payload::{ByteSource, Bytes, Content};
use crate::remote::{Again, ArgumentWriter, Failure, Job, Lead, Reply, ReplyValue, Route, SHELF};
use crate::store::{Entry, Lookup};

/// Makes jobs of the calls of one memory.
#[derive(Debug)]
pub(crate) struct Sender {
    memory: Memory,
    route: Route,
    /// Whether the leases are taken here.
    leads: bool,
}

impl Sender {
    pub(crate) fn new(memory: &Memory, route: Route, leads: bool) -> Self {
        lock(&SHELF).enter();
        Sender { memory: memory.clone(), route, leads }
    }

    /// The call as a job; its value is stored under `key`, if there is one. `again` tells why it was
    /// sent in vain before.
    ///
    /// To another machine arguments go with names from the start: of the failures there an executor
    /// of the program's own may bring back no more than the text.
    pub(crate) fn job<C: Call>(
        &self,
        call: &C,
        key: Option<Key>,
        reason: &MissReason,
        again: Option<Again>,
    ) -> Result<Job, Failure> {
        self.job_of(&memo_of(call)?.call, key, reason, again)
    }

    fn job_of(
        &self,
        call: &MemoizedCall<'_>,
        key: Option<Key>,
        reason: &MissReason,
        again: Option<Again>,
    ) -> Result<Job, Failure> {
        let inline = again == Some(Again::Inside);
        let encoding = match (again, self.route) {
            (Some(Again::NotIn(encoding)), _) => codec::other(encoding),
            (_, Route::Inline) => NAMED,
            (_, Route::Lent) => call.function.arguments().encoding(),
        };
        let mut sink = ArgumentWriter::new(if inline { Route::Inline } else { self.route }, encoding);
        call.send(&mut sink).map_err(|unsent| Failure::not_sent(unsent.0))?;
        let ArgumentWriter { bytes, lent, .. } = sink;
        let inner = self.memory.inner.as_deref();
        let stated = inner.filter(|_| key.is_some()).and_then(|inner| call.stated(&inner.states).ok());
        let state = stated.map_or([0; 32], |stated| stated.state);
        let memory = inner.map(|inner| Arc::clone(&inner.settings));
        let newer = matches!(reason, MissReason::Recomputed | MissReason::Verified);
        let lead = if self.leads { Lead::Sender } else { Lead::Runner { newer, whole: inline } };
        Ok(Job { function: call.function.id(), key, state, lead, memory, arguments: bytes.0, lent })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        lock(&SHELF).leave();
    }
}

impl Memory {
    /// The value in the reply to a call. If the call has a `computation`, the value is kept, and
    /// given to those who wait for it, unless it is not `is_final`: then the call is tried again.
    ///
    /// # Errors
    ///
    /// Fails if there is no value that can be read, and says whether that is because its entry has
    /// vanished.
    pub(crate) fn accept<'m, C: Call>(
        &'m self,
        call: &C,
        reason: &MissReason,
        computation: Option<Computation<'m, C::Output>>,
        reply: Reply,
        outbox: Option<&mut Outbox<'m>>,
        is_final: impl FnOnce(&C::Output) -> bool,
    ) -> Result<Computed<C::Output>, Failure> {
        let Memo { call: MemoizedCall { function, .. }, codec: values } = memo_of(call)?;
        if let Some(computation) = computation {
            return computation.accept(call, reply, outbox, is_final);
        }
        function.took(reply.took);
        self.count_miss(function, reply.took);
        let value = match reply.value {
            ReplyValue::Encoded { codec, bytes } | ReplyValue::Kept { codec, bytes } => {
                decode(&values, codec, &bytes)?
            }
            ReplyValue::Whole { codec, bytes } => decode_whole(call, codec, &bytes)?,
            ReplyValue::Stored => {
                return Err(Failure::not_sent("nothing was to be stored, and nothing came back"));
            }
        };
        is_final(&value);
        Ok(Computed::new(value, Source::Miss(reason.clone()), None))
    }
}

impl<'m, T> Computation<'m, T> {
    /// Takes the value from a reply, keeps it, and ends the flight and the lease.
    fn accept<C: Call<Output = T>>(
        mut self,
        call: &C,
        reply: Reply,
        outbox: Option<&mut Outbox<'m>>,
        is_final: impl FnOnce(&T) -> bool,
    ) -> Result<Computed<T>, Failure> {
        let Reply { value, took } = reply;
        let (keyed, values, arguments) = (self.turn.call, self.codec, Arc::clone(&self.turn.arguments));
        self.turn.told_to_be_remote();
        let (value, shared) = match value {
            ReplyValue::Stored => {
                let entry = keyed.stored_by_worker()?;
                let value = Keyed { call: keyed, codec: values }.decode(&entry).map_err(|_| vanished())?;
                keyed.ran(took);
                let is_final = is_final(&value);
                let shared = self.accept_stored(&value, Shared::new(entry), is_final);
                (value, shared)
            }
            ReplyValue::Kept { codec, bytes } => {
                keyed.ran(took);
                let value = decode(&values, codec, &bytes)?;
                let draft = keyed.draft(Encoded { codec, bytes: Bytes::Owned(bytes) }, &arguments, took);
                let is_final = is_final(&value);
                // The directory of the machine that stored it may be another one, under the same path.
                let shared = if is_final && keyed.entry().is_err() {
                    self.confirmed(&value).or_else(|| self.turn.keep(draft, outbox))
                } else {
                    self.accept_stored(&value, Shared::new(draft.to_owned()), is_final)
                };
                (value, shared)
            }
            ReplyValue::Whole { codec, bytes } => {
                keyed.ran(took);
                let value = decode_whole(call, codec, &bytes)?;
                let shared = if is_final(&value) { self.confirmed(&value) } else { None };
                (value, shared)
            }
            ReplyValue::Encoded { codec, bytes } => {
                keyed.ran(took);
                let value = decode(&values, codec, &bytes)?;
                if !is_final(&value) {
                    return Ok(self.turn.computed(value, None));
                }
                let shared = self.confirmed(&value).or_else(|| {
                    let draft = keyed.draft(Encoded { codec, bytes: Bytes::Owned(bytes) }, &arguments, took);
                    self.turn.keep(draft, outbox)
                });
                (value, shared)
            }
        };
        Ok(self.turn.computed(value, shared))
    }

    /// Gives a value to those who wait for it, which was stored where it was computed.
    fn accept_stored(&mut self, value: &T, shared: Shared, is_final: bool) -> Option<Shared> {
        if is_final {
            // The worker has put it in place of what it is compared with.
            let _ = self.confirmed(value);
        }
        self.turn.land_stored(shared, is_final)
    }
}

impl Turn<'_> {
    fn told_to_be_remote(&self) {
        events::debug!("miss, run by another process: `{}`: {}", self.function(), self.reason);
    }

    fn land_stored(&self, shared: Shared, is_final: bool) -> Option<Shared> {
        let KeyedCall { inner, function, key, .. } = self.call;
        if is_final {
            inner.stored(function, &key);
            self.land(&shared);
            Some(shared)
        } else {
            // The worker did not know. If it cannot be removed, the next attempt is a hit.
            let _ = inner.store.remove(&key);
            None
        }
    }
}

impl KeyedCall<'_> {
    /// The entry that a worker has stored a moment ago: its age and its worth do not matter.
    fn stored_by_worker(&self) -> Result<Entry, Failure> {
        match self.get() {
            Ok(Lookup::Found(entry)) => Ok(entry),
            _ => Err(vanished()),
        }
    }
}

fn vanished() -> Failure {
    Failure::missing("its value vanished from the store")
}

/// The memoized side of a call that is sent.
fn memo_of<C: Call>(call: &C) -> Result<Memo<'_, C::Output>, Failure> {
    call.memo().ok_or_else(|| {
        Failure::not_sent("a closure cannot be sent to another process: call a function under `#[memo]`")
    })
}

fn decode<T>(values: &Codec<T>, codec: u8, bytes: &[u8]) -> Result<T, Failure> {
    let content = Content { codec, source: ByteSource::Memory(bytes) };
    values.decode(&content).map_err(|error| unreadable(&error))
}

/// A value that its function does not keep.
fn decode_whole<C: Call>(call: &C, codec: u8, bytes: &[u8]) -> Result<C::Output, Failure> {
    let whole = call.whole().ok_or_else(|| Failure::not_sent("its value cannot be read"))?;
    let content = Content { codec, source: ByteSource::Memory(bytes) };
    (whole.decode)(&content).map_err(|error| unreadable(&error))
}

fn unreadable(error: &dyn Error) -> Failure {
    Failure::not_sent(format!("its value cannot be read: {}", chain(error)))
}
