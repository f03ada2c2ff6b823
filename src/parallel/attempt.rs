//! One call that missed, and one attempt to compute it.

use std::thread::ThreadId;

use crate::call::Call;
use crate::events;
use crate::key::Key;
use crate::lease::{Meanwhile, Shared};
use crate::memory::{Computation, Computed, Memory, Miss, MissReason, NotLed, Outbox, Outcome, Source};
use crate::panics::{self, Payload};
use crate::task_error::{TaskError, TaskErrorKind, TaskSubject};

/// A call to be run.
#[derive(Debug)]
pub(super) struct Item<C> {
    pub(super) index: usize,
    pub(super) call: C,
    pub(super) miss: Miss,
    /// How often it has failed.
    pub(super) failures: u32,
    /// It is to be computed though somebody else does: to wait for them would be for ever.
    pub(super) alone: bool,
}

/// How an attempt is made.
#[derive(Clone, Copy)]
pub(super) struct AttemptOptions<'w> {
    /// What is done while somebody else computes the key.
    pub(super) meanwhile: Meanwhile<'w>,
    /// A call that fails is tried again if it has not failed so often before.
    pub(super) retries: u32,
}

/// The result of an attempt.
#[derive(Debug)]
pub(super) enum Ran<C: Call> {
    /// The item is done.
    Done {
        index: usize,
        result: Result<Outcome<C::Output>, TaskError>,
        /// If it had a key.
        done: Option<Done>,
    },
    /// Another process computes its key, or this thread of this one. The watcher will be told.
    Busy(Key, Item<C>, Option<ThreadId>),
    /// It failed, and is to be tried again.
    Again(Item<C>),
}

/// A key that is done with, and what its duplicates get: the bytes of its value, if they can be shared.
pub(super) type Done = (Key, Result<Option<Shared>, TaskError>);

impl<C> Item<C> {
    pub(super) fn new(index: usize, call: C, miss: Miss) -> Self {
        Item { index, call, miss, failures: 0, alone: false }
    }

    pub(super) fn key(&self) -> Option<Key> {
        self.miss.key
    }
}

/// Stores what waits in an outbox. A store, or a logger, that panics costs the values it had: they are not kept.
pub(super) fn send(outbox: &mut Option<Outbox<'_>>) {
    if let Some(outbox) = outbox {
        let _ = panics::catch(|| outbox.send());
    }
}

impl<C: Call> Item<C> {
    /// Runs the call, or takes its value from whoever computes it.
    pub(super) fn run<'m>(
        self,
        memory: &'m Memory,
        options: AttemptOptions<'_>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        // What panics here is the user's: a decoder, or the `Serialize` of an argument.
        match panics::catch(|| self.begin(memory, options)) {
            Ok(Ok(computation)) => self.run_here(memory, Some(computation), options.retries, outbox),
            Ok(Err(NotLed::NoKey)) => self.run_here(memory, None, options.retries, outbox),
            Ok(Err(NotLed::Busy(key, by))) => Ran::Busy(key, self, by),
            Ok(Err(NotLed::Done(computed))) => self.end(Ok(computed)),
            Err(payload) => {
                let error = panicked(named_subject(self.index, &self.call), &payload);
                self.fail(error.kind(), options.retries, |_| error)
            }
        }
    }

    /// Asks for the right to compute the call.
    pub(super) fn begin<'m>(
        &self,
        memory: &'m Memory,
        options: AttemptOptions<'_>,
    ) -> Result<Computation<'m, C::Output>, NotLed<C::Output>> {
        let meanwhile = if self.alone { Meanwhile::Alone } else { options.meanwhile };
        memory.begin(&self.call, &self.miss, meanwhile)
    }

    /// Runs the function on this thread.
    fn run_here<'m>(
        self,
        memory: &'m Memory,
        computation: Option<Computation<'m, C::Output>>,
        retries: u32,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let Item { index, call, miss, failures, alone } = self;
        let may_fail = failures < retries;
        let spare = if may_fail { copy_of(&call) } else { None };
        // The arguments go with the call, so they are made readable before.
        let subject = match &computation {
            Some(computation) => {
                let (function, arguments) = (computation.function(), computation.arguments.clone());
                TaskSubject { index, function: Some(function), arguments }
            }
            None => subject_of(index, &call),
        };
        let run = || match computation {
            Some(computation) => computation.run(call, outbox.as_mut()),
            None => run_plain(memory, call, miss.reason.clone()),
        };
        let result = match panics::catch(run) {
            Ok(computed) => insist(memory, subject, computed),
            Err(payload) => Err(panicked(subject, &payload)),
        };
        match (result, spare) {
            (Err(_), Some(call)) => Ran::Again(Item { index, call, miss, failures: failures + 1, alone }),
            (result, spare) => {
                if let Err(error) = &result
                    && may_fail
                {
                    events::warn!(error = &error, "not tried again, as its arguments cannot be copied");
                }
                Ran::done(TaskSubject::unknown(index), miss.key, spare, result)
            }
        }
    }

    /// Ends the item, whose call is dropped now.
    pub(super) fn end(self, result: Result<Computed<C::Output>, TaskError>) -> Ran<C> {
        let subject = named_subject(self.index, &self.call);
        Ran::done(subject, self.miss.key, Some(self.call), result)
    }

    /// Ends an item that failed before its call was run, unless it is to be tried again.
    pub(super) fn fail(
        mut self,
        kind: TaskErrorKind,
        retries: u32,
        error: impl FnOnce(&Self) -> TaskError,
    ) -> Ran<C> {
        if kind.is_retryable() && self.failures < retries {
            self.failures += 1;
            return Ran::Again(self);
        }
        let error = error(&self);
        self.end(Err(error))
    }

    /// What the item gets of a call of equal key that is done; the item itself if it is to be run all the same, since the value
    /// cannot be shared (it is an `Err` that is not kept, say).
    pub(super) fn share(
        self,
        memory: &Memory,
        done: Result<Option<Shared>, TaskError>,
    ) -> Result<Result<C::Output, TaskError>, Self> {
        let shared = match done {
            Ok(shared) => shared,
            Err(error) => {
                let error = error.at(self.index);
                return Ok(end_of(self.index, self.call, Err(error)));
            }
        };
        match panics::catch(|| shared.and_then(|shared| memory.join(&self.call, &shared))) {
            Ok(Some(value)) => Ok(end_of(self.index, self.call, Ok(value))),
            Ok(None) => Err(self),
            Err(payload) => {
                let error = panicked(subject_of(self.index, &self.call), &payload);
                Ok(end_of(self.index, self.call, Err(error)))
            }
        }
    }
}

impl<C: Call> Ran<C> {
    /// That an item is done. What is left of its call is dropped now: if that panics, the panic is
    /// the result. Duplicates get the value all the same.
    fn done(
        subject: TaskSubject,
        key: Option<Key>,
        rest: Option<C>,
        result: Result<Computed<C::Output>, TaskError>,
    ) -> Self {
        let (result, shared) = match result {
            Ok(Computed { outcome, shared }) => (Ok(outcome), Ok(shared)),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        let index = subject.index;
        let result = after_drop(subject, rest, result);
        Ran::Done { index, result, done: key.map(|key| (key, shared)) }
    }
}

/// What was computed, unless it was not kept and the memory takes that for an error.
fn insist<T>(memory: &Memory, subject: TaskSubject, computed: Computed<T>) -> Result<Computed<T>, TaskError> {
    match memory.objection(&computed.outcome) {
        None => Ok(computed),
        Some(reason) => {
            panics::drop_quietly(computed);
            Err(TaskError::new(subject, TaskErrorKind::NotKept, reason, None))
        }
    }
}

/// Runs a call that has no key.
fn run_plain<C: Call>(memory: &Memory, call: C, reason: MissReason) -> Computed<C::Output> {
    let outcome = match reason {
        MissReason::NotMemoized => Outcome::new(call.run(), Source::Miss(reason)),
        reason => memory.run_plain(call, reason),
    };
    Computed { outcome, shared: None }
}

/// The result of a call that was not run, which is dropped now: if that panics, the panic is the result.
pub(super) fn end_of<C: Call, T>(
    index: usize,
    call: C,
    result: Result<T, TaskError>,
) -> Result<T, TaskError> {
    after_drop(named_subject(index, &call), call, result)
}

/// The result of a task whose call is dropped now: if that panics, the panic is the result.
fn after_drop<C, T>(subject: TaskSubject, call: C, result: Result<T, TaskError>) -> Result<T, TaskError> {
    match (panics::catch(|| drop(call)), result) {
        (Err(payload), Ok(value)) => {
            panics::drop_quietly(value);
            Err(panicked(subject, &payload))
        }
        (_, result) => result,
    }
}

/// A copy of the call for another attempt, if it can be copied.
fn copy_of<C: Call>(call: &C) -> Option<C> {
    // The `Clone` of an argument may panic.
    panics::catch(|| call.again()).ok().flatten()
}

/// What a failure of the call is told of where its arguments are not to be looked at.
fn named_subject<C: Call>(index: usize, call: &C) -> TaskSubject {
    TaskSubject { function: call.memo().map(|memo| memo.function.name()), ..TaskSubject::unknown(index) }
}

/// What a failure of the call is told of.
pub(super) fn subject_of<C: Call>(index: usize, call: &C) -> TaskSubject {
    // The `Serialize` of an argument may panic.
    let preview = || call.memo().map(|memo| (memo.function.name(), memo.preview()));
    match panics::catch(preview) {
        Ok(Some((function, arguments))) => TaskSubject { index, function: Some(function), arguments },
        Ok(None) => TaskSubject::unknown(index),
        Err(_) => named_subject(index, call),
    }
}

/// The error of a task whose panic was just caught on this thread.
pub(super) fn panicked(subject: TaskSubject, payload: &Payload) -> TaskError {
    let payload = &***payload;
    TaskError::panicked(subject, payload, panics::take_place(payload))
}
