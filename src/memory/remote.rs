//! The side of a memory that calls meet which run in other processes: what leaves here is kept here, what arrives there is run
//! there.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::begin::{Begun, Ticket};
use super::inner::{self, Computed, Inner};
use super::keep;
use super::outbox::Outbox;
use super::{Memory, MissReason, Source};
use crate::call::{Call, Memo, Subject};
use crate::codec::Encoded;
use crate::error::Result;
use crate::events;
use crate::key::Key;
use crate::lease::Meanwhile;
use crate::lock::lock;
use crate::payload::{Bytes, Content, LARGE, Source as Bytesource};
use crate::remote::{Failure, Job, MemorySettings, Reply, ReplyValue, Route, SHELF, Sink, Unsent};
use crate::store::Lookup;

/// A miss that another process computes.
#[derive(Debug)]
pub(crate) struct RemoteMiss<'m> {
    pub(crate) key: Key,
    pub(crate) reason: MissReason,
    pub(crate) ticket: Ticket<'m>,
}

/// Makes jobs of the calls of one memory.
#[derive(Debug)]
pub(crate) struct Sender {
    memory: Memory,
    route: Route,
}

impl Sender {
    pub(crate) fn new(memory: &Memory, route: Route) -> Self {
        lock(&SHELF).enter();
        Sender { memory: memory.clone(), route }
    }

    /// The call of `memo` as a job. All of it is in the job if it is to be `inline`.
    pub(crate) fn job<T>(&self, memo: &Memo<'_, T>, key: Option<Key>, inline: bool) -> Result<Job, Unsent> {
        lock(&SHELF).next_call();
        let mut sink = Sink::new(if inline { Route::Inline } else { self.route });
        memo.send(&mut sink)?;
        let Sink { bytes, lent, .. } = sink;
        let inner = self.memory.inner.as_deref();
        let stated = inner.filter(|_| key.is_some()).and_then(|inner| memo.stated(&inner.states).ok());
        let state = stated.map_or([0; 32], |stated| stated.state);
        let memory = inner.map(|inner| Arc::clone(&inner.settings));
        Ok(Job { function: memo.function.id(), key, state, memory, arguments: bytes.0, lent })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        lock(&SHELF).leave();
    }
}

impl Memory {
    /// The memory of another process, opened here.
    pub(crate) fn with_settings(settings: Arc<MemorySettings>) -> Result<Memory> {
        Ok(Memory { inner: Some(Arc::new(Inner::open(settings)?)) })
    }

    /// Runs a call with this memory as the current one; the value, and how long it took.
    pub(crate) fn timed<C: Call>(&self, call: C) -> (C::Output, Duration) {
        inner::timed(self, call)
    }

    /// The bytes of a value as they are kept here; `None` if its function does not keep it, or they cannot be made.
    pub(crate) fn encode<'v, T>(&self, subject: &Subject<T>, value: &'v T) -> Option<Encoded<'v>> {
        let level = self.inner.as_ref().and_then(|inner| inner.level(subject.function));
        keep::encode(subject, value, level).ok().flatten()
    }

    /// Stores a value that was computed here for another process, if it is large or `all` are wanted; whether it is in the store
    /// now.
    pub(crate) fn put_value<T>(
        &self,
        key: Key,
        subject: &Subject<T>,
        encoded: &Encoded<'_>,
        took: Duration,
        all: bool,
    ) -> bool {
        let Some(inner) = &self.inner else { return false };
        if took < subject.function.definition().min_cost || !(all || encoded.bytes.len() >= LARGE) {
            return false;
        }
        // Trouble costs time, not the result: the value goes back with the reply.
        // Lent, not copied: if it cannot be stored, it goes back from where it is.
        let bytes = Bytes::Parts(encoded.bytes.parts().map(Cow::Borrowed).collect());
        let lent = Encoded { codec: encoded.codec, bytes };
        inner.try_store(subject.function, &keep::draft_of(key, subject, lent, took)).is_ok()
    }

    /// Asks for the right to have a call computed elsewhere; `meanwhile` is what is done while somebody else computes it.
    pub(crate) fn begin<'m, T>(
        &'m self,
        key: Key,
        reason: &MissReason,
        memo: &Memo<'_, T>,
        meanwhile: Meanwhile<'_>,
    ) -> Option<Begun<'m, T>> {
        self.inner.as_ref().map(|inner| inner.begin(self, key, reason, memo, meanwhile))
    }

    /// The value in a reply to a call that is not kept, for a reason.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub(crate) fn accept_plain<C: Call>(
        &self,
        call: &C,
        reason: MissReason,
        reply: &Reply,
    ) -> Result<Computed<C::Output>, Failure> {
        let Some(memo) = call.memo() else { return Err(vanished()) };
        memo.function.took(reply.took);
        if let Some(inner) = &self.inner {
            inner.counters.miss(reply.took);
        }
        Ok(Computed { value: read(&memo, &reply.value)?, source: Source::Miss(reason), shared: None })
    }

    /// The value in a reply; keeps it, unless that is done, and gives it to whoever waits.
    ///
    /// # Errors
    ///
    /// Fails if there is none that can be read, and says if that is since its entry has vanished.
    pub(crate) fn accept<'m, C: Call>(
        &'m self,
        miss: RemoteMiss<'m>,
        call: &C,
        reply: Reply,
        outbox: Option<&mut Outbox<'m>>,
    ) -> Result<Computed<C::Output>, Failure> {
        let (Some(memo), Some(inner)) = (call.memo(), &self.inner) else { return Err(vanished()) };
        let RemoteMiss { key, reason, ticket: Ticket { leader, lease } } = miss;
        let Reply { value: replied, took } = reply;
        let function = memo.function;
        events::debug!("miss, computed elsewhere: `{}`: {reason}", function.name());
        let source = Source::Miss(reason);
        let count = || {
            function.took(took);
            inner.counters.miss(took);
        };
        match replied {
            ReplyValue::Stored => {
                // Whether the function would still want it does not matter: it was computed a moment ago.
                let Ok(Lookup::Found(entry)) = inner.store.get(&key) else {
                    return Err(vanished());
                };
                let value = inner.decode(&entry, &memo).map_err(|_| vanished())?;
                count();
                inner.stored(function, &key);
                let shared = Arc::new(entry) as crate::lease::Shared;
                if let Some(leader) = leader {
                    leader.land(Arc::clone(&shared));
                }
                Ok(Computed { value, source, shared: Some(shared) })
            }
            ReplyValue::Whole(_) => {
                count();
                Ok(Computed { value: read(&memo, &replied)?, source, shared: None })
            }
            ReplyValue::Encoded { codec, .. } => {
                count();
                let value = read(&memo, &replied)?;
                let ReplyValue::Encoded { bytes, .. } = replied else { unreachable!("seen just now") };
                let encoded = Encoded { codec, bytes: Bytes::Owned(bytes) };
                let draft = keep::draft_of(key, &memo.subject(), encoded, took);
                let shared = draft.try_owned().ok().map(|draft| {
                    let worth_storing = took >= function.definition().min_cost;
                    // What others may wait for on the disk is stored at once.
                    let outbox = outbox.filter(|_| lease.is_none() && worth_storing);
                    inner.keep(function, draft, leader, outbox, worth_storing)
                });
                Ok(Computed { value, source, shared })
            }
        }
    }
}

/// The entry of a value was stored by the worker, and is gone.
fn vanished() -> Failure {
    Failure::missing("its value vanished from the store")
}

/// The value of a reply.
fn read<T>(memo: &Memo<'_, T>, value: &ReplyValue) -> Result<T, Failure> {
    let unread = |error: &dyn fmt::Display| Failure::not_sent(format!("its value cannot be read: {error}"));
    match value {
        ReplyValue::Encoded { codec, bytes } => {
            let content = Content { codec: *codec, source: Bytesource::Memory(bytes) };
            memo.codec.decode(&content).map_err(|error| unread(&error))
        }
        ReplyValue::Whole(bytes) => {
            let codec = memo.whole().ok_or_else(|| Failure::not_sent("its value cannot be read"))?;
            (codec.decode)(bytes).map_err(|error| unread(&error))
        }
        ReplyValue::Stored => Err(Failure::not_sent("nothing was to be stored, and nothing came back")),
    }
}
