//! The call of a task, as the threads see it that may work at it.
//!
//! # Invariants
//! 1. Whoever takes the item out makes an attempt at it, and ends it or puts it back: nobody else does meanwhile.
//! 2. What ends a call, or puts it back, wakes whoever waits for it; also if an attempt panics outside of all care.

use std::collections::HashSet;
use std::mem;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Instant;

use crate::call::Call;
use crate::events;
use crate::key::Key;
use crate::lease::{Awaited, Meanwhile, Shared};
use crate::lock::lock;
use crate::memory::{Memory, Outbox};
use crate::panics;
use crate::parallel::attempt::{AttemptOptions, Item, Ran, panicked, send, subject_of};
use crate::parallel::dispatch::Dispatch;
use crate::parallel::policy::Policy;
use crate::parallel::task::promise::Promise;
use crate::parallel::task::submitted::{AnyTask, TaskRan};
use crate::sys::Alarm;
use crate::task_error::{TaskError, TaskErrorKind, TaskSubject};

/// A submitted call, and where its result goes.
pub(super) struct Slot<C: Call> {
    key: Option<Key>,
    policy: Policy<C::Output>,
    /// Where it runs, if not on a thread of the pool.
    dispatch: Option<Dispatch>,
    stage: Mutex<Stage<C>>,
    promise: Arc<Promise<C::Output>>,
}

enum Stage<C> {
    /// Not to be run before it is due, if it has failed before.
    Waiting(Item<C>, Option<Instant>),
    Running(ThreadId),
    Done,
    Cancelled,
}

impl<C> Slot<C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// That of a call that waits.
    pub(super) fn new(
        item: Item<C>,
        policy: Policy<C::Output>,
        dispatch: Option<Dispatch>,
        promise: Arc<Promise<C::Output>>,
    ) -> Self {
        let key = item.key();
        Slot { key, policy, dispatch, stage: Mutex::new(Stage::Waiting(item, None)), promise }
    }

    /// Takes the item out, if nobody else has; or what it is instead.
    fn start(&self) -> Result<Item<C>, TaskRan> {
        let mut stage = lock(&self.stage);
        match mem::replace(&mut *stage, Stage::Running(thread::current().id())) {
            Stage::Waiting(item, Some(due)) if due > Instant::now() => {
                *stage = Stage::Waiting(item, Some(due));
                Err(TaskRan::Again(Some(due)))
            }
            Stage::Waiting(item, _) => Ok(item),
            Stage::Cancelled => {
                *stage = Stage::Cancelled;
                Err(TaskRan::Cancelled)
            }
            other @ (Stage::Running(_) | Stage::Done) => {
                *stage = other;
                Err(TaskRan::Taken)
            }
        }
    }

    fn finish(&self, result: Result<C::Output, TaskError>) {
        *lock(&self.stage) = Stage::Done;
        self.promise.set(result);
    }

    /// Puts the item back: anybody may work at it.
    fn put_back(&self, item: Item<C>, due: Option<Instant>) {
        *lock(&self.stage) = Stage::Waiting(item, due);
        self.promise.wake();
    }

    /// Makes an attempt.
    fn attempt<'m>(
        &self,
        item: Item<C>,
        memory: &'m Memory,
        options: AttemptOptions<'_, C::Output>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> Ran<C> {
        let key = item.key();
        let index = item.index;
        let attempt = || {
            let ran = match &self.dispatch {
                None => item.run(memory, options, outbox),
                Some(dispatch) => dispatch.run_one(memory, item, options, outbox),
            };
            // What is done is stored.
            send(outbox);
            ran
        };
        // All of the user's code is guarded where it runs; this is for mistakes of our own.
        panics::catch(attempt).unwrap_or_else(|payload| {
            let error = panicked(TaskSubject::unknown(index), &payload);
            let done = key.map(|key| (key, Err(error.clone())));
            Ran::Done { index, result: Err(error), done, subject: None }
        })
    }
}

impl<C> AnyTask for Slot<C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn run<'m>(
        &self,
        memory: &'m Memory,
        meanwhile: Meanwhile<'_>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> TaskRan {
        let item = match self.start() {
            Ok(item) => item,
            Err(ran) => return ran,
        };
        let options = AttemptOptions { meanwhile, policy: &self.policy };
        match self.attempt(item, memory, options, outbox) {
            Ran::Done { result, done, .. } => {
                self.finish(result.map(|outcome| outcome.value));
                TaskRan::Done(done)
            }
            Ran::Busy(key, item, by) => {
                self.put_back(item, None);
                TaskRan::Busy(key, by)
            }
            Ran::Again(retry) => {
                let (attempt, due) = (retry.attempt(self.policy.retries), retry.due());
                events::debug!("{}, {attempt}", retry.failure);
                self.put_back(retry.item, due);
                TaskRan::Again(due)
            }
        }
    }

    fn share(&self, memory: &Memory, done: Result<Option<Shared>, TaskError>) -> bool {
        // One that was cancelled, or is worked at by who waits for it, needs nothing.
        let Ok(item) = self.start() else { return true };
        match item.share(memory, done) {
            Ok(result) => {
                self.finish(result);
                true
            }
            Err(item) => {
                self.put_back(item, None);
                false
            }
        }
    }

    fn cancel(&self) -> bool {
        let mut stage = lock(&self.stage);
        match mem::replace(&mut *stage, Stage::Cancelled) {
            Stage::Waiting(item, _) => {
                drop(stage);
                let subject = subject_of(item.index, &item.call);
                self.promise.set(Err(TaskError::new(subject, TaskErrorKind::Cancelled, "", None)));
                // Nothing comes of it any more that a panic of its arguments could be told in.
                panics::drop_quietly(item);
                true
            }
            other => {
                *stage = other;
                false
            }
        }
    }

    fn key(&self) -> Option<Key> {
        self.key
    }

    fn ready_at(&self) -> Option<Instant> {
        match *lock(&self.stage) {
            Stage::Waiting(_, due) => Some(due.unwrap_or_else(Instant::now)),
            _ => None,
        }
    }

    fn wait_until(&self, due: Instant) {
        let _alarm = Alarm::set();
        loop {
            let wakes = self.promise.wakes();
            if self.ready_at().is_none_or(|ready| ready <= Instant::now())
                || self.promise.wait(wakes, Some(due))
            {
                return;
            }
        }
    }
}

impl<C> Awaited for Slot<C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn depends_on(&self) -> Vec<ThreadId> {
        match *lock(&self.stage) {
            Stage::Running(thread) => vec![thread],
            _ => Vec::new(),
        }
    }

    fn free(&self, _: &HashSet<ThreadId>) {}
}
