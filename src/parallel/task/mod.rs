//! [`Task`]: a call that was submitted, and [`as_completed`] for many of them.
//!
//! A task is what the submitter holds; what the threads work at is its [`slot`].
//!
//! - A dropped task runs on, as a dropped `JoinHandle` does: the cache wants its value even if
//!   nobody waits.
//! - `wait_timeout` takes the result out by reference, and panics when it is asked again after it
//!   gave one. To give the task back (`Result<Result<T, TaskError>, Task<T>>`) would need no panic,
//!   and would be written by nobody twice.
//! - A cancelled task has a result, an error of its own kind, so that `wait` and `as_completed`
//!   need no third case.

mod completed;
mod promise;
mod slot;
mod submitted;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::completed::{AsCompleted, as_completed};
use self::promise::Promise;
use self::slot::Slot;
use self::submitted::{AnyTask, Submitted, TaskRan};
use super::Parallel;
use super::attempt::{Item, end_of, panicked, subject_of};
use super::pool::{Busy, Pool};
use super::retry::RetryRule;
use crate::call::Call;
use crate::lease::{Awaited, Meanwhile, Waiting, leads_any, wait_for_work};
use crate::panics;
use crate::task_error::TaskError;

pub(super) use self::submitted::Submissions;

/// A call on its way, made by [`Parallel::submit`].
///
/// Dropping it lets go of it, as of a thread of the standard library: the call is run all the same, and its value is kept; only the end of the
/// program ends it. To have it not run, [cancel](Self::cancel) it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use rememo::{Memory, Parallel, Task, delayed};
///
/// let parallel = Parallel::new().memory(&Memory::disabled());
/// let mut sum: Task<u64> = parallel.submit(delayed(|| (1..=100).sum()));
/// let product: Task<u64> = parallel.submit(delayed(|| (1..=10).product()));
///
/// let summed = sum.wait_timeout(Duration::from_secs(60)).expect("it does not take a minute");
/// assert_eq!(summed, Ok(5050));
/// assert_eq!(product.wait()?, 3_628_800);
/// # Ok::<(), rememo::TaskError>(())
/// ```
pub struct Task<T> {
    promise: Arc<Promise<T>>,
    /// `None` if it was done when it was made.
    queued: Option<(Arc<dyn AnyTask>, Arc<Submitted>)>,
}

impl<R> Parallel<R> {
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
        R: RetryRule<T>,
    {
        panics::install();
        let memory = self.current_memory();
        let looked_up = {
            // So that the place of a panic is noted.
            let _busy = Busy::begin();
            panics::catch(|| memory.look_up(&call))
                .map_err(|payload| panicked(subject_of(0, &call), &payload))
        };
        let miss = match looked_up {
            Ok(Ok(value)) => return Task::done(end_of(0, call, Ok(value))),
            Ok(Err(miss)) => miss,
            Err(error) => return Task::done(end_of(0, call, Err(error))),
        };
        let promise = Promise::awaited();
        let item = Item::new(0, call, miss.clone());
        let slot = Arc::new(Slot::new(item, self.policy(), self.dispatch(&memory), Arc::clone(&promise)));
        let (pool, _) = Pool::for_work(self.size());
        let Some(pool) = pool else {
            let mut outbox = memory.outbox();
            loop {
                match slot.run(&memory, Meanwhile::Wait, &mut outbox) {
                    TaskRan::Again(Some(due)) => slot.wait_until(due),
                    TaskRan::Again(None) | TaskRan::Busy(..) => {}
                    _ => break,
                }
            }
            return Task { promise, queued: None };
        };
        let most = self.cores().min(pool.size());
        let submitted = self.submissions.of(&pool, &memory, most);
        let task: Arc<dyn AnyTask> = slot;
        submitted.put(Arc::clone(&task), miss);
        Task { promise, queued: Some((task, submitted)) }
    }
}

impl<T> Task<T> {
    fn done(result: Result<T, TaskError>) -> Self {
        Task { promise: Promise::here(result), queued: None }
    }

    /// Waits for the value.
    ///
    /// Inside a task of a `Parallel`, and inside a memoized call that others can wait for, this thread runs the call itself, if it
    /// has not started yet: so tasks may submit others and wait for them, also on a pool of one thread. A thread *that a task has
    /// started itself* is not known to belong to it: all threads of the pool may wait for it while it waits for one of them. If no thread of the pool has come to any submitted call for a second, and none has
    /// finished a call of any other batch, a thread is started that runs the call.
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
            let wakes = self.promise.wakes();
            if let Some(result) = self.promise.take() {
                return result;
            }
            if self.helps() && self.work() {
                continue;
            }
            let _waiting = self.note_wait();
            self.promise.wait(wakes, self.next_turn());
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
            let wakes = self.promise.wakes();
            if let Some(result) = self.promise.take() {
                return Some(result);
            }
            if self.promise.wait(wakes, deadline) {
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
        self.promise.take()
    }

    /// Whether [`wait`](Self::wait) would return at once.
    pub fn is_done(&self) -> bool {
        self.promise.is_here()
    }

    /// Cancels the call if it does not run, so that it never will, or not once more if it has
    /// failed and waits to be [tried again](Parallel::retries); whether it was cancelled. Its
    /// result is an error of the kind [`Cancelled`](crate::TaskErrorKind::Cancelled) then. A call
    /// that runs or is done stays as it is.
    pub fn cancel(&self) -> bool {
        self.queued.as_ref().is_some_and(|(task, _)| task.cancel())
    }

    /// Works at the call, if nobody does; whether it did.
    fn work(&self) -> bool {
        let is_ready = |task: &dyn AnyTask| task.ready_at().is_some_and(|ready| ready <= Instant::now());
        self.queued.as_ref().is_some_and(|(task, submitted)| is_ready(&**task) && submitted.work_at(&**task))
    }

    /// When this thread may work at the call, if it is to do so and nobody does.
    fn next_turn(&self) -> Option<Instant> {
        let (task, _) = self.queued.as_ref()?;
        if self.helps() { task.ready_at() } else { None }
    }

    /// Whether this thread works at the call while it waits for it: it is one of the pool that the call is to be run by, or all
    /// of those may wait for what it computes itself.
    fn helps(&self) -> bool {
        self.queued.as_ref().is_some_and(|(_, submitted)| submitted.is_here()) || leads_any()
    }

    /// Notes that this thread waits for the call.
    fn note_wait(&self) -> Option<Waiting> {
        let (task, _) = self.queued.as_ref()?;
        let work = Arc::clone(task) as Arc<dyn Awaited>;
        Some(wait_for_work(&work))
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("is_done", &self.is_done()).finish_non_exhaustive()
    }
}
