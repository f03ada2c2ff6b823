//! [`Parallel`]: many calls at once, of which only the misses are computed.
//!
//! The input is drawn on the caller's thread, since iterators need not be `Send`. Threads of a pool look the calls up first: hits are done with, distinct misses join a queue,
//! which they empty next ([`batch`]); of those that are known to take long, the longest go first ([`queue`]). Who wants to know is
//! told how far it is ([`progress`]). Calls that are submitted one by one ([`task`]) wait in a queue of the same kind.
//!
//! How threads and work meet, whoever waits for it, is said in [`crew`], on which all of them stand; [`pool`] has the threads,
//! [`watch`] starts another where all of them wait.
//!
//! # Invariants
//! 1. Never more threads of a pool compute than it has. A `Parallel` inside a task uses the threads of the pool that the task
//!    runs on, its caller's first, so it finishes even on a pool of one thread. (One more works, for a while, where no thread has
//!    come for a second: [`watch`].)
//! 2. A thread that waits inside a task never starts a task of another batch: stacks stay as deep as the nesting, and no
//!    task waits for one that lies beneath it on its own stack.
//! 3. What was computed is stored, whatever happens to the rest of the batch.
//! 4. Code of the user's runs guarded, wherever it is called: what panics is what came of one call.
//!
//! Tried and dropped: rayon's parallel iterators over the calls. They split well, but a task that waits then runs other
//! tasks of the batch on its stack, one inside the other. And helpers as tasks in a rayon scope: a batch had to wait for those
//! that had not begun, and one that was turned away was not called again.

mod attempt;
mod batch;
mod bell;
#[cfg(target_os = "linux")]
mod cluster;
mod crew;
mod dispatch;
mod executor;
mod plan;
mod policy;
mod pool;
#[cfg(target_os = "linux")]
mod processes;
mod progress;
mod queue;
mod retry;
mod settings;
mod task;
mod timer;
mod try_run;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use self::batch::draw::Finished;
use self::batch::stream::{Stream, StreamOptions};
use self::dispatch::Dispatch;
pub use self::executor::Executor;
use self::policy::Policy;
use self::pool::PoolSize;
#[cfg(target_os = "linux")]
pub use self::processes::init;
#[cfg(target_os = "linux")]
use self::processes::is_worker;
use self::progress::Audience;
pub use self::progress::{Progress, Totals};
pub use self::retry::{Backoff, RetryIf, RetryRule};
use self::task::Submissions;
pub use self::task::{AsCompleted, Task, as_completed};
pub use self::try_run::{AsError, TryRunError, error_kind};
use crate::call::Call;
use crate::error::Result;
use crate::memory::Memory;
use crate::panics;
use crate::task_error::{TaskError, TaskSubject};

/// Runs a batch of independent calls on a pool of threads, and computes only what its memory does not hold.
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
/// assert_eq!(parallel.run((0..4).map(square::delayed))?, [0, 1, 4, 9]);
/// assert_eq!(parallel.run((0..6).map(square::delayed))?, [0, 1, 4, 9, 16, 25]);
/// assert_eq!(memory.stats().misses, 6); // of the second batch, two
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `R` says which of the values that calls return are [tried again](Self::retries): none, unless
/// [`retry_if`](Self::retry_if) has said so.
#[must_use = "a `Parallel` does nothing until `run`"]
#[derive(Clone, Debug, Default)]
pub struct Parallel<R = ()> {
    jobs: usize,
    memory: Option<Memory>,
    /// 0: the default.
    window: usize,
    keep_going: bool,
    executor: Executor,
    timeout: Option<Duration>,
    audience: Audience,
    retries: u32,
    backoff: Option<Backoff>,
    retry_rule: R,
    /// Bytes of the stack of each thread; `None`: the default.
    stack: Option<usize>,
    /// Where submitted calls wait.
    submissions: Arc<Submissions>,
}

impl Parallel {
    /// One thread for each core that this process may use, and the current memory.
    pub fn new() -> Self {
        Parallel::default()
    }
}

impl<R> Parallel<R> {
    /// Runs the calls and returns their values in the order of the input.
    ///
    /// The input is drawn lazily on this thread, about a thousand calls ahead of what is done at most. Calls with equal keys
    /// are computed once (each for itself, where the value is an `Err` that is not kept). Arguments may be borrowed: all tasks
    /// have ended when this returns.
    ///
    /// Calls start in the order of the input, among those that are drawn. But of misses whose compute time is known (their entry has
    /// expired or was turned down, or they were computed under the code before the last change) and is a millisecond or more, the
    /// longest start first, after those of which nothing is known: that way no long one is left for the end, when all other
    /// threads are idle.
    ///
    /// An input may take its time, or wait for what an earlier call of it does: each call is started as soon as it is drawn.
    ///
    /// # Errors
    ///
    /// Fails if a task panics, with its [`TaskError`]. Tasks that run already finish and are stored; those that wait are
    /// dropped. If several panic, the first in the order of the input is reported.
    ///
    /// # Panics
    ///
    /// Panics if drawing the input does; tasks that run already finish and are stored. Dropping an
    /// argument that was not used, or a value that is not returned, does not: such a panic is
    /// logged, once in a process.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, Parallel, memo};
    ///
    /// #[memo]
    /// fn lines(text: &str) -> usize {
    ///     text.lines().count()
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// let texts = ["one\ntwo".to_string(), "three".to_string(), "three".to_string()];
    /// let calls = texts.iter().map(|text| lines::delayed(text)); // arguments are borrowed
    /// assert_eq!(Parallel::new().jobs(2).memory(&memory).run(calls)?, [2, 1, 1]);
    /// assert_eq!(memory.stats().misses, 2); // equal calls are computed once
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run<C, T>(&self, calls: impl IntoIterator<Item = C>) -> Result<Vec<T>>
    where
        C: Call<Output = T> + Send,
        T: Send,
        R: RetryRule<T>,
    {
        let results = self.results(calls, self.policy()).0;
        // The first error in the order of the input; results after a dropped task do not count.
        if let Some((_, Err(error))) = results.iter().find(|(_, result)| result.is_err()) {
            let error = error.clone().into();
            panics::drop_each_quietly(results);
            return Err(error);
        }
        Ok(results.into_iter().filter_map(|(_, result)| result.ok()).collect())
    }

    /// Runs the calls, all of them, and returns a value or an error for each, in the order of the input.
    ///
    /// As [`run`](Self::run), but a task that panics leaves the others alone.
    ///
    /// # Panics
    ///
    /// Panics if drawing the input does; tasks that run already finish and are stored.
    ///
    /// # Examples
    ///
    /// ```
    /// use rememo::{Parallel, delayed};
    ///
    /// let results = Parallel::new().run_all((0..3).map(|i| delayed(move || 6 / i)));
    /// assert!(results[0].is_err()); // divided by zero
    /// assert_eq!(results[2], Ok(3));
    /// ```
    pub fn run_all<C, T>(&self, calls: impl IntoIterator<Item = C>) -> Vec<Result<T, TaskError>>
    where
        C: Call<Output = T> + Send,
        T: Send,
        R: RetryRule<T>,
    {
        let (results, _) = self.results(calls, Policy { fail_fast: false, ..self.policy() });
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Runs the calls and yields what comes of each, in the order of the input.
    ///
    /// Calls start when the iterator is first asked. The input is drawn inside of `next`, at most a [window](Self::window) ahead
    /// of what was yielded, and results wait for the consumer within that window: memory stays flat, whatever the number
    /// of calls. A panic of the input reaches whoever asked. After a failure the stream yields what lies before it, the failure,
    /// and ends, unless told to [keep going](Self::keep_going).
    ///
    /// Dropping the iterator drops what has not started, and waits for what has; its values are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use rememo::{Memory, Parallel, delayed};
    ///
    /// let squares = Parallel::new().memory(&Memory::disabled()).stream((0..).map(|x: u64| delayed(move || x * x)));
    /// let first: Vec<u64> = squares.take(4).collect::<Result<_, _>>()?;
    /// assert_eq!(first, [0, 1, 4, 9]);
    /// # Ok::<(), rememo::TaskError>(())
    /// ```
    #[must_use = "a stream does nothing until it is asked"]
    pub fn stream<I, C, T>(&self, calls: I) -> impl Iterator<Item = Result<T, TaskError>> + use<I, C, T, R>
    where
        I: IntoIterator<Item = C>,
        C: Call<Output = T> + Send + 'static,
        T: Send,
        R: RetryRule<T>,
    {
        self.open_stream(calls, true).map(|(_, result)| result)
    }

    /// Runs the calls and yields what comes of each with its place in the input, as soon as it is there; else as
    /// [`stream`](Self::stream) does.
    #[must_use = "a stream does nothing until it is asked"]
    pub fn stream_unordered<I, C, T>(
        &self,
        calls: I,
    ) -> impl Iterator<Item = (usize, Result<T, TaskError>)> + use<I, C, T, R>
    where
        I: IntoIterator<Item = C>,
        C: Call<Output = T> + Send + 'static,
        T: Send,
        R: RetryRule<T>,
    {
        self.open_stream(calls, false)
    }

    fn open_stream<I, C>(&self, calls: I, ordered: bool) -> Stream<I::IntoIter, C>
    where
        I: IntoIterator<Item = C>,
        C: Call + Send + 'static,
        C::Output: Send,
        R: RetryRule<C::Output>,
    {
        let memory = self.current_memory();
        let dispatch = self.dispatch(&memory);
        let window = match self.window {
            // What goes together is best all there is.
            0 if dispatch.as_ref().is_some_and(Dispatch::gathers) => queue::GATHERED,
            0 => queue::WINDOW,
            window => window,
        };
        let options = StreamOptions { size: self.size(), window, ordered };
        Stream::new(calls.into_iter(), memory, dispatch, self.policy(), options, &self.audience)
    }

    /// The memory of what begins now on this thread.
    fn current_memory(&self) -> Memory {
        self.memory.clone().unwrap_or_else(Memory::current)
    }

    fn policy<T>(&self) -> Policy<T>
    where
        R: RetryRule<T>,
    {
        Policy {
            fail_fast: !self.keep_going,
            retries: self.retries,
            backoff: self.backoff,
            is_to_retry: self.retry_rule.is_to_retry(),
            failure: None,
            names_calls: false,
        }
    }

    /// How many threads compute at once.
    fn cores(&self) -> usize {
        match self.jobs {
            0 => pool::cores(),
            // A worker process is one of several.
            jobs if is_worker() => jobs.min(pool::cores()),
            jobs => jobs,
        }
    }

    /// What tells the pool that computes from others.
    fn size(&self) -> PoolSize {
        PoolSize { jobs: self.cores(), stack: self.stack }
    }

    /// What came of every call that was not dropped, by its place in the input; and what was called
    /// where a value is a failure.
    #[expect(clippy::type_complexity, reason = "named here, and taken apart by who calls")]
    fn results<C, T>(
        &self,
        calls: impl IntoIterator<Item = C>,
        policy: Policy<T>,
    ) -> (Vec<(usize, Result<T, TaskError>)>, Vec<TaskSubject>)
    where
        C: Call<Output = T> + Send,
        T: Send,
    {
        let memory = self.current_memory();
        let dispatch = self.dispatch(&memory);
        let calls = calls.into_iter();
        let finished = batch::draw::run(calls, self.size(), memory, dispatch, policy, &self.audience);
        let Finished { mut results, failures } = finished;
        // Not `sort_unstable`: they come in runs, which this one makes use of.
        results.sort_by_key(|(index, _)| *index);
        (results, failures)
    }
}

/// Makes this program able to be its own worker process; here there are none, and nothing is done.
#[cfg(not(target_os = "linux"))]
pub fn init() {}

#[cfg(not(target_os = "linux"))]
fn is_worker() -> bool {
    false
}
