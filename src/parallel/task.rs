//! [`Task`]: a call that was submitted, and [`as_completed`] for many of them.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Parallel;
use super::desk::{Desk, Job, JobRan};
use super::elsewhere::Elsewhere;
use super::feed::FORSAKEN;
use super::item::{Item, Ran, Work, panicked, subject_of};
use super::outcome::{Arrivals, Outcome};
use super::pool::{self, Busy, Pool};
use crate::call::Call;
use crate::lease::Shared;
use crate::memory::{Memory, Outbox, Probe};
use crate::panics;
use crate::task_error::{TaskError, TaskErrorKind};

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
        let memory = self.memory.clone().unwrap_or_else(Memory::current);
        let probe = {
            // So that the place of a panic is noted.
            let _busy = Busy::begin();
            catch_unwind(AssertUnwindSafe(|| memory.probe(&call)))
                .map_err(|payload| panicked(subject_of(0, &call), &*payload))
        };
        let work = match probe {
            Ok(Probe::Hit(value)) => return Task::done(Ok(value)),
            Ok(Probe::Miss(key, reason)) => Work::Keyed(key, reason),
            Ok(Probe::Plain(reason)) => Work::Plain(reason),
            Err(error) => return Task::done(Err(error)),
        };
        let outcome = Outcome::awaited();
        let slot = Slot {
            retries: self.retries,
            elsewhere: self.elsewhere(&memory),
            stage: Mutex::new(Stage::Waiting(Item::new(0, call, work.clone()))),
            outcome: Arc::clone(&outcome),
        };
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
    /// [`Cancelled`](TaskErrorKind::Cancelled) then. A call that runs, or is done, or has failed and is to be tried again, stays as it is.
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

/// A submitted call, and where its result goes.
struct Slot<C: Call> {
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
        let ran = match &self.elsewhere {
            None => item.run(memory, patient, self.retries, outbox),
            Some(elsewhere) => elsewhere.run_one(memory, item, (patient, self.retries), outbox),
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
                let subject = subject_of(item.index, &item.call);
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

/// Yields what comes of tasks, each with its place among them, in the order in which they are done.
///
/// Nothing is polled: the iterator sleeps until a task is done. Inside a task it works at those that have not started, as [`Task::wait`]
/// does. The index of an error is that place, too. Tasks that are left when the iterator is dropped run on.
///
/// # Panics
///
/// The iterator panics at a task whose result was taken before.
///
/// # Examples
///
/// ```
/// use rememo::{Memory, Parallel, as_completed, delayed};
///
/// let parallel = Parallel::new().memory(&Memory::disabled());
/// let tasks: Vec<_> = (0..4_u64).map(|x| parallel.submit(delayed(move || x * x))).collect();
/// let mut squares: Vec<u64> = as_completed(tasks).map(|(_, result)| result).collect::<Result<_, _>>()?;
/// squares.sort();
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # Ok::<(), rememo::TaskError>(())
/// ```
pub fn as_completed<T>(tasks: impl IntoIterator<Item = Task<T>>) -> AsCompleted<T> {
    let arrivals = Arc::<Arrivals>::default();
    let watch = |(index, task): (usize, Task<T>)| {
        task.outcome.watch(&arrivals, index);
        Some(task)
    };
    let tasks = tasks.into_iter().enumerate().map(watch).collect();
    AsCompleted { tasks, first: 0, arrivals }
}

/// Tasks in the order in which they are done; [`as_completed`] makes it.
#[must_use = "iterators do nothing until they are asked"]
#[derive(Debug)]
pub struct AsCompleted<T> {
    /// By place; `None` once yielded.
    tasks: Vec<Option<Task<T>>>,
    /// Those before it are yielded.
    first: usize,
    arrivals: Arc<Arrivals>,
}

impl<T> AsCompleted<T> {
    /// Works at one of the tasks, if one waits; whether it did.
    fn work(&self) -> bool {
        self.tasks[self.first..].iter().flatten().any(Task::work)
    }

    /// Waits until a task may be done, or works for it.
    fn wait(&self, first: &Task<T>) {
        let bell = &self.arrivals.bell;
        if pool::is_busy() && self.work() {
            return;
        }
        if !first.is_forsaken() {
            bell.hear(Duration::MAX);
        } else if !bell.hear(FORSAKEN) && first.is_forsaken() {
            first.work();
        }
    }
}

impl<T> Iterator for AsCompleted<T> {
    type Item = (usize, Result<T, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(index) = self.arrivals.next() {
                let result = self.tasks[index].take()?.outcome.take()?;
                return Some((index, result.map_err(|error| error.at(index))));
            }
            while self.tasks.get(self.first)?.is_none() {
                self.first += 1;
            }
            self.wait(self.tasks[self.first].as_ref()?);
        }
    }
}

/// Locks, whether or not another thread panicked meanwhile: user code runs under none of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
