//! One call that missed, and one attempt to compute it.

use std::mem;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::events;
use crate::key::Key;
use crate::lease::{Meanwhile, Shared};
use crate::memory::{Computation, Computed, Memory, Miss, MissReason, NotLed, Outbox, Outcome, Part, Source};
use crate::panics::{self, Payload};
use crate::parallel::policy::Policy;
use crate::parallel::progress::Attempt;
use crate::parallel::timer;
use crate::report::Why;
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
pub(super) struct AttemptOptions<'w, T> {
    /// What is done while somebody else computes the key.
    pub(super) meanwhile: Meanwhile<'w>,
    /// What is done about failures.
    pub(super) policy: &'w Policy<T>,
}

// Not derived: that would ask for as much of `T`.
impl<T> Clone for AttemptOptions<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AttemptOptions<'_, T> {}

/// The result of an attempt.
#[derive(Debug)]
pub(super) enum Ran<C: Call> {
    /// The item is done.
    Done {
        index: usize,
        result: Result<Outcome<C::Output>, TaskError>,
        /// If it had a key.
        done: Option<Done>,
        /// What was called, if that is to be told of what it returned.
        subject: Option<Box<TaskSubject>>,
    },
    /// Another process computes its key, or this thread of this one. The watcher will be told.
    Busy(Key, Item<C>, Option<ThreadId>),
    /// It failed, and is to be tried again.
    Again(Retry<C>),
}

/// An item that is to be tried again.
#[derive(Debug)]
pub(super) struct Retry<C> {
    pub(super) item: Item<C>,
    /// How long it waits; `None`: it does not.
    pub(super) wait: Option<Duration>,
    /// How it failed.
    pub(super) failure: TaskError,
}

impl<C> Retry<C> {
    /// When it is to be tried again, if it waits for that.
    pub(super) fn due(&self) -> Option<Instant> {
        self.wait.map(|wait| Instant::now() + wait.min(timer::LONGEST))
    }

    /// The attempt that has failed, of `retries` and the first one.
    pub(super) fn attempt(&self, retries: u32) -> Attempt {
        Attempt { number: self.item.failures, of: retries + 1, wait: self.wait }
    }
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
        options: AttemptOptions<'_, C::Output>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let policy = options.policy;
        // What panics here is the user's: a decoder, or the `Serialize` of an argument.
        match panics::catch(|| self.begin(memory, options, Part::All)) {
            Ok(Ok(computation)) => self.run_here(memory, Some(computation), policy, outbox),
            Ok(Err(NotLed::NoKey)) => self.run_here(memory, None, policy, outbox),
            Ok(Err(NotLed::Frozen(why))) => self.refuse(&why, policy),
            Ok(Err(NotLed::Busy(key, by))) => Ran::Busy(key, self, by),
            Ok(Err(NotLed::Done(computed))) => self.end(Ok(computed), policy),
            Err(payload) => {
                let error = panicked(named_subject(self.index, &self.call), &payload);
                self.fail(error, policy)
            }
        }
    }

    /// Asks for the right to compute the call.
    pub(super) fn begin<'m>(
        &self,
        memory: &'m Memory,
        options: AttemptOptions<'_, C::Output>,
        part: Part,
    ) -> Result<Computation<'m, C::Output>, NotLed<C::Output>> {
        let meanwhile = if self.alone { Meanwhile::Alone } else { options.meanwhile };
        memory.begin(&self.call, &self.miss, meanwhile, part)
    }

    /// Runs the function on this thread.
    fn run_here<'m>(
        self,
        memory: &'m Memory,
        mut computation: Option<Computation<'m, C::Output>>,
        policy: &Policy<C::Output>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let Item { index, call, miss, failures, alone } = self;
        let may_fail = failures < policy.retries;
        let spare = if may_fail { copy_of(&call) } else { None };
        // The arguments go with the call, so they are made readable before.
        let subject = match &computation {
            Some(computation) => TaskSubject {
                index,
                function: Some(computation.turn.function()),
                arguments: Arc::clone(&computation.turn.arguments),
            },
            None => subject_of(index, &call),
        };
        let (mut is_to_retry, has_spare) = (false, spare.is_some());
        let is_final = |value: &C::Output| {
            is_to_retry = policy.is_to_retry(value, failures);
            !is_to_retry || !has_spare
        };
        // What is large stays where it is.
        let mut call = Some(call);
        let run = || {
            let call = call.take().expect("it is run once");
            match &mut computation {
                Some(computation) => computation.run(call, outbox.as_mut(), is_final),
                None => run_plain(memory, call, miss.reason.clone(), is_final),
            }
        };
        let ran = panics::catch(run);
        // Whoever waits for it goes on.
        drop(computation);
        let result = match ran {
            Ok(computed) => insist(memory, &subject, computed),
            Err(payload) => Err(panicked(subject.clone(), &payload)),
        };
        let failure = match &result {
            Err(error) => Some(error.clone()).filter(|error| error.kind().is_retryable()),
            Ok(_) => is_to_retry.then(|| returned(subject.clone())),
        };
        match (failure, spare) {
            (Some(failure), Some(call)) => {
                panics::drop_quietly(result);
                Item { index, call, miss, failures, alone }.again(failure, policy)
            }
            (failure, spare) => {
                if let Some(failure) = failure.filter(|_| may_fail) {
                    events::warn!(error = &failure, "not tried again, as its arguments cannot be copied");
                }
                let is_named = result.as_ref().is_ok_and(|computed| policy.names(&computed.outcome.value));
                let named = is_named.then(|| Box::new(subject));
                Ran::done(TaskSubject::unknown(index), named, miss.key, spare, result)
            }
        }
    }

    /// The item once more, which failed, and is to be tried again.
    pub(super) fn again(mut self, failure: TaskError, policy: &Policy<C::Output>) -> Ran<C> {
        self.failures += 1;
        let wait = policy.wait_after(self.failures);
        Ran::Again(Retry { item: self, wait, failure })
    }

    /// Ends the item, whose call is dropped now.
    pub(super) fn end(
        self,
        result: Result<Computed<C::Output>, TaskError>,
        policy: &Policy<C::Output>,
    ) -> Ran<C> {
        let is_named = result.as_ref().is_ok_and(|computed| policy.names(&computed.outcome.value));
        let named = is_named.then(|| Box::new(subject_of(self.index, &self.call)));
        let subject = named_subject(self.index, &self.call);
        Ran::done(subject, named, self.miss.key, Some(self.call), result)
    }

    /// Ends an item of a frozen memory.
    pub(super) fn refuse(self, why: &Why, policy: &Policy<C::Output>) -> Ran<C> {
        let subject = subject_of(self.index, &self.call);
        let error = TaskError::new(subject, TaskErrorKind::Frozen, why.to_string(), None);
        self.end(Err(error), policy)
    }

    /// Ends an item that failed and whose call was not run here, unless it is to be tried again.
    pub(super) fn fail(self, error: TaskError, policy: &Policy<C::Output>) -> Ran<C> {
        // An `Err` that could not be sent back cannot be shown to the rule.
        let is_retryable = match error.kind() {
            TaskErrorKind::Returned => policy.is_to_retry.is_some(),
            kind => kind.is_retryable(),
        };
        if is_retryable && self.failures < policy.retries {
            return self.again(error, policy);
        }
        self.end(Err(error), policy)
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
        named: Option<Box<TaskSubject>>,
        key: Option<Key>,
        rest: Option<C>,
        result: Result<Computed<C::Output>, TaskError>,
    ) -> Self {
        let (result, shared) = match result {
            Ok(Computed { outcome, shared }) => (Ok(outcome), Ok(shared)),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        let index = subject.index;
        let result = after_drop(rest, result, || subject);
        Ran::Done { index, result, done: key.map(|key| (key, shared)), subject: named }
    }
}

/// What was computed, unless it was not kept and the memory takes that for an error.
fn insist<T>(
    memory: &Memory,
    subject: &TaskSubject,
    computed: Computed<T>,
) -> Result<Computed<T>, TaskError> {
    match memory.objection(&computed.outcome) {
        None => Ok(computed),
        Some(reason) => {
            panics::drop_quietly(computed);
            Err(TaskError::new(subject.clone(), TaskErrorKind::NotKept, reason, None))
        }
    }
}

/// Runs a call that has no key.
fn run_plain<C: Call>(
    memory: &Memory,
    call: C,
    reason: MissReason,
    is_final: impl FnOnce(&C::Output) -> bool,
) -> Computed<C::Output> {
    let outcome = match reason {
        MissReason::NotMemoized => Outcome::new(call.run(), Source::Miss(reason)),
        reason => memory.run_plain(call, reason),
    };
    is_final(&outcome.value);
    Computed { outcome, shared: None }
}

/// The failure of a call whose value is to be tried again.
pub(super) fn returned(subject: TaskSubject) -> TaskError {
    TaskError::new(subject, TaskErrorKind::Returned, "", None)
}

/// The result of a call that was not run, which is dropped now: if that panics, the panic is the result.
pub(super) fn end_of<C: Call, T>(
    index: usize,
    call: C,
    result: Result<T, TaskError>,
) -> Result<T, TaskError> {
    let function = function_of(&call);
    after_drop(call, result, || TaskSubject { function, ..TaskSubject::unknown(index) })
}

/// The result of a task whose call is dropped now: if that panics, the panic is the result.
fn after_drop<C, T>(
    call: C,
    result: Result<T, TaskError>,
    subject: impl FnOnce() -> TaskSubject,
) -> Result<T, TaskError> {
    if !mem::needs_drop::<C>() {
        return result;
    }
    match (panics::catch(|| drop(call)), result) {
        (Err(payload), Ok(value)) => {
            panics::drop_quietly(value);
            Err(panicked(subject(), &payload))
        }
        (_, result) => result,
    }
}

/// A copy of the call for another attempt, if it can be copied.
fn copy_of<C: Call>(call: &C) -> Option<C> {
    // The `Clone` of an argument may panic.
    panics::catch(|| call.again()).ok().flatten()
}

/// The name of the function of a call.
fn function_of<C: Call>(call: &C) -> Option<&'static str> {
    call.memo().map(|memo| memo.call.function.name())
}

/// What a failure of the call is told of where its arguments are not to be looked at.
fn named_subject<C: Call>(index: usize, call: &C) -> TaskSubject {
    TaskSubject { function: function_of(call), ..TaskSubject::unknown(index) }
}

/// What a failure of the call is told of.
pub(super) fn subject_of<C: Call>(index: usize, call: &C) -> TaskSubject {
    // The `Serialize` of an argument may panic.
    let preview = || call.memo().map(|memo| (memo.call.function.name(), memo.call.preview()));
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
