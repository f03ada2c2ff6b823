//! [`Task`]: a call that was submitted, and [`as_completed`] for many of them.
//!
//! A task is what the submitter holds; what the threads work at is its [`slot`].

mod completed;
mod slot;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::completed::{AsCompleted, as_completed};
use self::slot::Slot;
use super::Parallel;
use super::desk::{Desk, Job, JobRan};
use super::feed::FORSAKEN;
use super::item::{Item, Work, panicked, subject_of};
use super::outcome::Outcome;
use super::pool::{self, Busy, Pool};
use crate::call::Call;
use crate::memory::Probe;
use crate::panics::{self, Quiet};
use crate::task_error::TaskError;

/// A call on its way, made by [`Parallel::submit`].
///
/// Dropping it lets go of it, as of a thread of the standard library: the call is run all the same, and its value is kept; only the end of the
/// program ends it. To have it not run, [cancel](Self::cancel) it.
pub struct Task<T> {
    outcome: Arc<Outcome<T>>,
    /// `None` if it was done when it was made.
    job: Option<(Arc<dyn Job>, Arc<Desk>)>,
}

impl Parallel {
    /// Submits a call to be run by one of the threads, and returns at once.
    ///
    /// The call is looked up here, on this thread: a task of a remembered call is [done](Task::is_done) when it is returned, and nothing
    /// is started for it. All others run in the order of their submission, not more than [`jobs`](Self::jobs) at a time over all that was submitted
    /// through this `Parallel` and its clones. Submitted calls with equal keys share one computation, and one failure after
    /// its [retries](Self::retries). Any number of threads may submit at the same time.
    ///
    /// A failure stops nothing but its own task, whatever [`keep_going`](Self::keep_going) says. Tasks and batches on one pool take turns.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, Parallel, memo};
    ///
    /// #[memo]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// let parallel = Parallel::new().memory(&memory);
    /// let task = parallel.submit(square::delayed(7));
    /// // … something else meanwhile …
    /// assert_eq!(task.wait()?, 49);
    /// assert!(parallel.submit(square::delayed(7)).is_done()); // remembered
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit<C, T>(&self, call: C) -> Task<T>
    where
        C: Call<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        panics::install();
        let memory = self.current_memory();
        let probe = {
            // So that the place of a panic is noted.
            let _busy = Busy::begin();
            panics::catch(|| memory.probe(&call)).map_err(|payload| panicked(subject_of(0, &call), &payload))
        };
        let work = match probe {
            Ok(Probe::Hit(value)) => {
                panics::drop_quietly(call);
                return Task::done(Ok(value));
            }
            Ok(Probe::Miss(key, reason)) => Work::Keyed(key, reason),
            Ok(Probe::Plain(reason)) => Work::Plain(reason),
            Err(error) => {
                panics::drop_quietly(call);
                return Task::done(Err(error));
            }
        };
        let outcome = Outcome::awaited();
        let item = Item::new(0, Quiet::new(call), work.clone());
        let slot = Slot::new(item, self.retries, self.elsewhere(&memory), Arc::clone(&outcome));
        let (pool, _) = Pool::for_batch(self.cores());
        let Some(pool) = pool else {
            let mut outbox = memory.outbox();
            while let JobRan::Again | JobRan::Busy = slot.run(&memory, true, &mut outbox) {}
            return Task { outcome, job: None };
        };
        let most = self.cores().min(pool.threads.current_num_threads());
        let desk = self.desks.of(&pool, &memory, most);
        let job: Arc<dyn Job> = Arc::new(slot);
        desk.put(Arc::clone(&job), work);
        Task { outcome, job: Some((job, desk)) }
    }
}

impl<T> Task<T> {
    fn done(result: Result<T, TaskError>) -> Self {
        Task { outcome: Outcome::here(result), job: None }
    }

    /// Waits for the value.
    ///
    /// Inside a task of a `Parallel` this thread runs the call itself, if it has not started yet: so tasks may submit others and wait for
    /// them, also on a pool of one thread. A thread *that a task has started itself* is not known to belong to it: all threads of the pool
    /// may wait for it while it waits for one of them. If no thread of the pool has come to any submitted call for 0.2 s, since all are taken by
    /// long items of batches, the call runs on the waiting thread.
    ///
    /// # Errors
    ///
    /// Fails if the call panicked, or was [cancelled](Self::cancel). The error's [`index`](TaskError::index) is 0.
    ///
    /// # Panics
    ///
    /// Panics if [`try_get`](Self::try_get) or [`wait_timeout`](Self::wait_timeout) has returned the result before.
    pub fn wait(self) -> Result<T, TaskError> {
        loop {
            let wakes = self.outcome.wakes();
            if let Some(result) = self.outcome.take() {
                return result;
            }
            if pool::is_busy() && self.work() {
                continue;
            }
            if self.is_forsaken() {
                let timed_out = self.outcome.wait(wakes, Some(Instant::now() + FORSAKEN));
                if timed_out && self.is_forsaken() {
                    self.work();
                }
            } else {
                self.outcome.wait(wakes, None);
            }
        }
    }

    /// Waits for the result, but no longer than `patience`; `None` if it has not come by then. The call goes on, and can be
    /// waited for again.
    ///
    /// Unlike [`wait`](Self::wait) this only waits, inside a task too.
    ///
    /// # Panics
    ///
    /// Panics if the result was returned before.
    pub fn wait_timeout(&mut self, patience: Duration) -> Option<Result<T, TaskError>> {
        // Longer than a clock can tell is for ever.
        let deadline = Instant::now().checked_add(patience);
        loop {
            let wakes = self.outcome.wakes();
            if let Some(result) = self.outcome.take() {
                return Some(result);
            }
            if self.outcome.wait(wakes, deadline) {
                return None;
            }
        }
    }

    /// The result, if it is there; never waits.
    ///
    /// # Panics
    ///
    /// Panics if the result was returned before.
    pub fn try_get(&mut self) -> Option<Result<T, TaskError>> {
        self.outcome.take()
    }

    /// Whether [`wait`](Self::wait) would return at once.
    pub fn is_done(&self) -> bool {
        self.outcome.is_here()
    }

    /// Cancels the call if it has not started, so that it never will; whether it had not. Its result is an error of the kind
    /// [`Cancelled`](crate::TaskErrorKind::Cancelled) then. A call that runs, or is done, or has failed and is to be tried again, stays as it is.
    pub fn cancel(&self) -> bool {
        self.job.as_ref().is_some_and(|(job, _)| job.cancel())
    }

    /// Works at the call, if nobody does; whether it did.
    fn work(&self) -> bool {
        self.job.as_ref().is_some_and(|(job, desk)| desk.work_at(&**job))
    }

    /// Whether it waits, and no thread is known to come for it.
    fn is_forsaken(&self) -> bool {
        self.job.as_ref().is_some_and(|(job, desk)| job.is_waiting() && desk.is_forsaken())
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("is_done", &self.is_done()).finish_non_exhaustive()
    }
}
