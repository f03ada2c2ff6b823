//! One call that missed, and one attempt to compute it.

use std::thread::ThreadId;

use crate::call::Call;
use crate::events;
use crate::key::Key;
use crate::lease::{Meanwhile, Shared};
use crate::memory::{Attempt, Computed, Memory, MissReason, Outbox, Panic, Source, Terms};
use crate::panics::{self, Payload};
use crate::task_error::{TaskError, TaskSubject};

/// A call to be run.
#[derive(Debug)]
pub(super) struct Item<C> {
    pub(super) index: usize,
    pub(super) call: C,
    pub(super) work: Work,
    /// How often it has failed.
    pub(super) failures: u32,
    /// It is to be computed though somebody else does: to wait for them would be for ever.
    pub(super) alone: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Without a key, for this reason.
    Plain(MissReason),
    /// Under this key, whose look-up missed for this reason.
    Keyed(Key, MissReason),
}

/// How an attempt is made.
#[derive(Clone, Copy)]
pub(super) struct AttemptTerms<'w> {
    /// What is done while somebody else computes the key.
    pub(super) meanwhile: Meanwhile<'w>,
    /// A call that fails is tried again if it has not failed so often before.
    pub(super) retries: u32,
}

/// A key that is done with, and what came of it: the bytes of its value, where they can be shared.
pub(super) type Done = (Key, Result<Option<Shared>, TaskError>);

/// What came of an attempt.
#[derive(Debug)]
pub(super) enum Ran<C: Call> {
    /// The item is done.
    Done {
        index: usize,
        result: Result<C::Output, TaskError>,
        /// Where the value is from, if there is one.
        origin: Origin,
        /// If it had a key.
        done: Option<Done>,
    },
    /// Somebody else computes its key, this thread or another process, and the watcher will be told.
    Busy(Key, Item<C>, Option<ThreadId>),
    /// It failed, and is to be tried again.
    Again(Item<C>),
}

/// Where a value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Somebody has stored it since it was looked up.
    Found,
    Joined,
    Computed,
}

impl Origin {
    pub(super) fn of(source: &Source) -> Self {
        match source {
            Source::Hit => Origin::Found,
            Source::Joined => Origin::Joined,
            Source::Miss(_) => Origin::Computed,
        }
    }
}

impl<C> Item<C> {
    pub(super) fn new(index: usize, call: C, work: Work) -> Self {
        Item { index, call, work, failures: 0, alone: false }
    }
}

impl AttemptTerms<'_> {
    /// What is done while somebody else computes the key of an item.
    pub(super) fn meanwhile<C>(&self, item: &Item<C>) -> Meanwhile<'_> {
        if item.alone { Meanwhile::Alone } else { self.meanwhile }
    }
}

impl<C> Item<C> {
    pub(super) fn key(&self) -> Option<Key> {
        match self.work {
            Work::Plain(_) => None,
            Work::Keyed(key, _) => Some(key),
        }
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
        terms: AttemptTerms<'_>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let may_fail = self.failures < terms.retries;
        let mut spare = if may_fail { copy_of(&self.call) } else { None };
        let ran = self.run_with(&mut spare, may_fail, memory, terms, outbox);
        match (ran, spare.map(|spare| panics::catch(|| drop(spare)))) {
            (Ran::Done { index, result: Ok(value), origin, done }, Some(Err(payload))) => {
                // The argument is the user's, and so is its `Drop`: its panic is what came of this call.
                panics::drop_quietly(value);
                let subject = TaskSubject { index, function: None, arguments: String::new() };
                Ran::Done { index, result: Err(panicked(subject, &payload)), origin, done }
            }
            (ran, _) => ran,
        }
    }

    /// Makes an attempt; `spare` is taken for the next one, if there is to be one.
    fn run_with<'m>(
        self,
        spare: &mut Option<C>,
        may_fail: bool,
        memory: &'m Memory,
        terms: AttemptTerms<'_>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let meanwhile = terms.meanwhile(&self);
        let Item { index, call, work, failures, alone } = self;
        // What is to be run once more after `error`, if anything is.
        let mut again = |error: &TaskError, work: Work| {
            let wanted = may_fail && error.kind().is_retryable();
            if wanted && spare.is_none() {
                events::warn!("not tried again, as its arguments cannot be copied: {error}");
            }
            let call = spare.take_if(|_| wanted)?;
            Some(Ran::Again(Item { index, call, work, failures: failures + 1, alone }))
        };
        let (key, reason) = match work {
            Work::Plain(reason) => {
                let origin = Origin::Computed;
                let result = run_plain(memory, index, call, reason.clone());
                let retry = result.as_ref().err().and_then(|error| again(error, Work::Plain(reason)));
                return retry.unwrap_or(Ran::Done { index, result, origin, done: None });
            }
            Work::Keyed(key, reason) => (key, reason),
        };
        let function = function_of(&call);
        let terms = match outbox {
            Some(outbox) => Terms::Batch { meanwhile, outbox },
            None => Terms::Single,
        };
        // What panics outside of `attempt`'s own care is a decoder of the user's.
        let attempt = panics::catch(|| memory.attempt(key, reason.clone(), call, terms))
            .unwrap_or_else(|payload| Attempt::Panicked(Panic { payload, arguments: String::new() }));
        let (result, origin, shared) = match attempt {
            Attempt::Busy(call, by) => {
                let item = Item { index, call, work: Work::Keyed(key, reason), failures, alone };
                return Ran::Busy(key, item, by);
            }
            Attempt::Done(Computed { value, shared, source }) => (Ok(value), Origin::of(&source), Ok(shared)),
            Attempt::Panicked(Panic { payload, arguments }) => {
                let error = panicked(TaskSubject { index, function, arguments }, &payload);
                if let Some(retry) = again(&error, Work::Keyed(key, reason)) {
                    return retry;
                }
                (Err(error.clone()), Origin::Computed, Err(error))
            }
        };
        Ran::Done { index, result, origin, done: Some((key, shared)) }
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
        match panics::catch(|| shared.and_then(|shared| memory.take_shared(&self.call, shared))) {
            Ok(Some(value)) => Ok(end_of(self.index, self.call, Ok(value))),
            Ok(None) => Err(self),
            Err(payload) => {
                let error = panicked(subject_of(self.index, &self.call), &payload);
                Ok(end_of(self.index, self.call, Err(error)))
            }
        }
    }
}

/// Runs a call that has no key.
fn run_plain<C: Call>(
    memory: &Memory,
    index: usize,
    call: C,
    reason: MissReason,
) -> Result<C::Output, TaskError> {
    // Beside a function worth remembering its preview costs nothing; closures have none.
    let subject = subject_of(index, &call);
    let run = || match reason {
        MissReason::NotMemoized => call.run(),
        reason => memory.run_plain(call, reason).value,
    };
    panics::catch(run).map_err(|payload| panicked(subject, &payload))
}

/// What came of a call that was not run, which is dropped now: a panic of that is what came of it.
pub(super) fn end_of<C: Call>(
    index: usize,
    call: C,
    result: Result<C::Output, TaskError>,
) -> Result<C::Output, TaskError> {
    let function = function_of(&call);
    match (panics::catch(|| drop(call)), result) {
        (Err(payload), Ok(value)) => {
            panics::drop_quietly(value);
            Err(panicked(TaskSubject { index, function, arguments: String::new() }, &payload))
        }
        (_, result) => result,
    }
}

/// A copy of the call for another attempt, if it can be copied.
fn copy_of<C: Call>(call: &C) -> Option<C> {
    // The `Clone` of an argument may panic.
    panics::catch(|| call.again()).ok().flatten()
}

fn function_of<C: Call>(call: &C) -> Option<&'static str> {
    call.memo().map(|memo| memo.function.name())
}

/// What a failure of the call is told of.
pub(super) fn subject_of<C: Call>(index: usize, call: &C) -> TaskSubject {
    // The `Serialize` of an argument may panic.
    let preview = || call.memo().map(|memo| (memo.function.name(), memo.preview()));
    match panics::catch(preview) {
        Ok(Some((function, arguments))) => TaskSubject { index, function: Some(function), arguments },
        Ok(None) => TaskSubject { index, function: None, arguments: String::new() },
        Err(_) => TaskSubject { index, function: function_of(call), arguments: String::new() },
    }
}

/// The error of a task whose panic was just caught on this thread.
pub(super) fn panicked(subject: TaskSubject, payload: &Payload) -> TaskError {
    let payload = &***payload;
    TaskError::panicked(subject, payload, panics::take_place(payload))
}
