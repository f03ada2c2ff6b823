//! The call of a task, as the threads see it that may work at it.
//!
//! # Invariants
//! 1. Whoever takes the item out makes an attempt at it, and ends it or puts it back: nobody else does meanwhile.
//! 2. What ends a call, or puts it back, wakes whoever waits for it.

use std::mem;
use std::sync::{Arc, Mutex};

use crate::call::Call;
use crate::lease::Shared;
use crate::lock::lock;
use crate::memory::{Memory, Outbox};
use crate::parallel::desk::{Job, JobRan};
use crate::parallel::elsewhere::Elsewhere;
use crate::parallel::item::{AttemptTerms, Item, Ran, subject_of};
use crate::parallel::outcome::Outcome;
use crate::task_error::{TaskError, TaskErrorKind};

/// A submitted call, and where its result goes.
pub(super) struct Slot<C: Call> {
    retries: u32,
    /// Where it runs, if not on a thread of the pool.
    elsewhere: Option<Elsewhere>,
    stage: Mutex<Stage<C>>,
    outcome: Arc<Outcome<C::Output>>,
}

enum Stage<C> {
    Waiting(Item<C>),
    Running,
    Done,
    Cancelled,
}

impl<C> Slot<C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// That of a call that waits. One that fails is tried again if it has not failed `retries` times before.
    pub(super) fn new(
        item: Item<C>,
        retries: u32,
        elsewhere: Option<Elsewhere>,
        outcome: Arc<Outcome<C::Output>>,
    ) -> Self {
        Slot { retries, elsewhere, stage: Mutex::new(Stage::Waiting(item)), outcome }
    }

    /// Takes the item out, if nobody else has; or what it is instead.
    fn start(&self) -> Result<Item<C>, JobRan> {
        let mut stage = lock(&self.stage);
        match mem::replace(&mut *stage, Stage::Running) {
            Stage::Waiting(item) => Ok(item),
            Stage::Cancelled => {
                *stage = Stage::Cancelled;
                Err(JobRan::Cancelled)
            }
            other @ (Stage::Running | Stage::Done) => {
                *stage = other;
                Err(JobRan::Taken)
            }
        }
    }

    fn finish(&self, result: Result<C::Output, TaskError>) {
        *lock(&self.stage) = Stage::Done;
        self.outcome.set(result);
    }

    /// Puts the item back: anybody may work at it.
    fn put_back(&self, item: Item<C>) {
        *lock(&self.stage) = Stage::Waiting(item);
        self.outcome.wake();
    }
}

impl<C> Job for Slot<C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn run<'m>(&self, memory: &'m Memory, patient: bool, outbox: &mut Option<Outbox<'m>>) -> JobRan {
        let item = match self.start() {
            Ok(item) => item,
            Err(ran) => return ran,
        };
        let terms = AttemptTerms { patient, retries: self.retries };
        let ran = match &self.elsewhere {
            None => item.run(memory, terms, outbox),
            Some(elsewhere) => elsewhere.run_one(memory, item, terms, outbox),
        };
        // What is done is stored.
        if let Some(outbox) = outbox {
            outbox.send();
        }
        match ran {
            Ran::Done { result, done, .. } => {
                self.finish(result);
                JobRan::Done(done)
            }
            Ran::Busy(item) => {
                self.put_back(item);
                JobRan::Busy
            }
            Ran::Again(item) => {
                self.put_back(item);
                JobRan::Again
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
                self.put_back(item);
                false
            }
        }
    }

    fn cancel(&self) -> bool {
        let mut stage = lock(&self.stage);
        match mem::replace(&mut *stage, Stage::Cancelled) {
            Stage::Waiting(item) if item.failures == 0 => {
                drop(stage);
                let subject = subject_of(item.index, &*item.call);
                self.outcome.set(Err(TaskError::new(subject, TaskErrorKind::Cancelled, "", None)));
                true
            }
            other => {
                *stage = other;
                false
            }
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(*lock(&self.stage), Stage::Waiting(_))
    }

    fn wake(&self) {
        self.outcome.wake();
    }
}
