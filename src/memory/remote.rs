//! Calls of a memory on their way to another process, and their values when they come back.

use std::error::Error;
use std::sync::Arc;

use super::compute::Computation;
use super::outbox::Outbox;
use super::outcome::Computed;
use super::{Memory, MissReason, Source};
use crate::call::{Call, Memo};
use crate::codec::{self, Encoded, NAMED};
use crate::error::chain;
use crate::events;
use crate::key::Key;
use crate::lease::Shared;
use crate::lock::lock;
use crate::payload::{ByteSource, Bytes, Content};
use crate::remote::{Again, ArgumentWriter, Failure, Job, Lead, Reply, ReplyValue, Route, SHELF};
use crate::store::Lookup;

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
        let memo = memo_of(call)?;
        let inline = again == Some(Again::Inside);
        let encoding = match (again, self.route) {
            (Some(Again::NotIn(encoding)), _) => codec::other(encoding),
            (_, Route::Inline) => NAMED,
            (_, Route::Lent) => memo.function.arguments().encoding(),
        };
        let mut sink = ArgumentWriter::new(if inline { Route::Inline } else { self.route }, encoding);
        memo.send(&mut sink).map_err(|unsent| Failure::not_sent(unsent.0))?;
        let ArgumentWriter { bytes, lent, .. } = sink;
        let inner = self.memory.inner.as_deref();
        let stated = inner.filter(|_| key.is_some()).and_then(|inner| memo.stated(&inner.states).ok());
        let state = stated.map_or([0; 32], |stated| stated.state);
        let memory = inner.map(|inner| Arc::clone(&inner.settings));
        let newer = matches!(reason, MissReason::Recomputed | MissReason::Verified);
        let lead = if self.leads { Lead::Sender } else { Lead::Runner { newer, whole: inline } };
        Ok(Job { function: memo.function.id(), key, state, lead, memory, arguments: bytes.0, lent })
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
        let memo = memo_of(call)?;
        if let Some(computation) = computation {
            return computation.accept(&memo, reply, outbox, is_final);
        }
        memo.function.took(reply.took);
        if let Some(inner) = &self.inner {
            memo.function.count(&inner.session, |counters| counters.miss(reply.took));
        }
        let value = match reply.value {
            ReplyValue::Encoded { codec, bytes } | ReplyValue::Kept { codec, bytes } => {
                decode(&memo, codec, &bytes)?
            }
            ReplyValue::Whole { codec, bytes } => decode_whole(&memo, codec, &bytes)?,
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
    fn accept(
        mut self,
        memo: &Memo<'_, T>,
        reply: Reply,
        outbox: Option<&mut Outbox<'m>>,
        is_final: impl FnOnce(&T) -> bool,
    ) -> Result<Computed<T>, Failure> {
        let (keyed, Reply { value, took }) = (self.keyed, reply);
        events::debug!("miss, run by another process: `{}`: {}", keyed.function.name(), self.reason);
        let (value, shared) = match value {
            ReplyValue::Stored => {
                let vanished = || Failure::missing("its value vanished from the store");
                // It was computed a moment ago, so its age and its worth do not matter.
                let Ok(Lookup::Found(entry)) = keyed.inner.store.get(&keyed.key) else {
                    return Err(vanished());
                };
                let value = keyed.decode(&entry).map_err(|_| vanished())?;
                keyed.ran(took);
                let is_final = is_final(&value);
                let shared = self.accept_stored(&value, Arc::new(entry), is_final);
                (value, shared)
            }
            ReplyValue::Kept { codec, bytes } => {
                keyed.ran(took);
                let value = decode(memo, codec, &bytes)?;
                let draft = self.draft(Encoded { codec, bytes: Bytes::Owned(bytes) }, took);
                let is_final = is_final(&value);
                // The directory of the machine that stored it may be another one, under the same path.
                let shared = if is_final && keyed.entry().is_err() {
                    self.confirmed(&value).or_else(|| self.keep(draft, outbox))
                } else {
                    self.accept_stored(&value, Arc::new(draft.to_owned()), is_final)
                };
                (value, shared)
            }
            ReplyValue::Whole { codec, bytes } => {
                keyed.ran(took);
                let value = decode_whole(memo, codec, &bytes)?;
                let shared = if is_final(&value) { self.confirmed(&value) } else { None };
                (value, shared)
            }
            ReplyValue::Encoded { codec, bytes } => {
                keyed.ran(took);
                let value = decode(memo, codec, &bytes)?;
                if !is_final(&value) {
                    return Ok(Computed::new(value, Source::Miss(self.reason), None));
                }
                let shared = self.confirmed(&value).or_else(|| {
                    let draft = self.draft(Encoded { codec, bytes: Bytes::Owned(bytes) }, took);
                    self.keep(draft, outbox)
                });
                (value, shared)
            }
        };
        Ok(Computed::new(value, Source::Miss(self.reason), shared))
    }

    /// Gives a value to those who wait for it, which was stored where it was computed.
    fn accept_stored(&mut self, value: &T, shared: Shared, is_final: bool) -> Option<Shared> {
        let keyed = self.keyed;
        if is_final {
            // The worker has put it in place of what it is compared with.
            let _ = self.confirmed(value);
            keyed.inner.stored(keyed.function, &keyed.key);
            self.land(&shared);
            Some(shared)
        } else {
            // The worker did not know. If it cannot be removed, the next attempt is a hit.
            let _ = keyed.inner.store.remove(&keyed.key);
            None
        }
    }
}

/// The memoized side of a call that is sent.
fn memo_of<C: Call>(call: &C) -> Result<Memo<'_, C::Output>, Failure> {
    call.memo().ok_or_else(|| {
        Failure::not_sent("a closure cannot be sent to another process: call a function under `#[memo]`")
    })
}

fn decode<T>(memo: &Memo<'_, T>, codec: u8, bytes: &[u8]) -> Result<T, Failure> {
    let content = Content { codec, source: ByteSource::Memory(bytes) };
    memo.codec.decode(&content).map_err(|error| unreadable(&error))
}

/// A value that its function does not keep.
fn decode_whole<T>(memo: &Memo<'_, T>, codec: u8, bytes: &[u8]) -> Result<T, Failure> {
    let whole = memo.whole().ok_or_else(|| Failure::not_sent("its value cannot be read"))?;
    let content = Content { codec, source: ByteSource::Memory(bytes) };
    (whole.decode)(&content).map_err(|error| unreadable(&error))
}

fn unreadable(error: &dyn Error) -> Failure {
    Failure::not_sent(format!("its value cannot be read: {}", chain(error)))
}
