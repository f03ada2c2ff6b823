//! The settings of a [`Parallel`].

use std::sync::Arc;
use std::time::Duration;

use super::Parallel;
use super::executor::Executor;
use super::progress::{Progress, Watcher};
use super::retry::{Backoff, RetryIf};
use crate::memory::Memory;

impl<R> Parallel<R> {
    /// Sets how many threads compute at once; 0, the default, is one for each core that this process may use (its affinity
    /// mask and the CPU quota of its control group count).
    ///
    /// Pools are shared, one for each size, and end when they were not used for a second or two. Inside a task the pool of the task is used, and
    /// `jobs` can only lower the number of its threads that take part. Batches and submitted calls that run at the same time
    /// on one pool take turns. If all threads of a pool wait for a batch that none of them has come to (a task has started a
    /// thread that runs it, say), another one is started after a second.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self.submissions = Arc::default();
        self
    }

    /// Sets how many bytes of stack each thread has. Default: 8 MiB, as the main thread of a program usually has. Pages that are
    /// not touched take no memory, only addresses.
    ///
    /// Nested batches need most: each level of them takes some kilobytes. Inside a task the threads are those of the pool of the
    /// task, and this is not looked at.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack = Some(bytes);
        self.submissions = Arc::default();
        self
    }

    /// Sets the memory. Default: the [current](Memory::current) one of the thread that calls [`run`](Self::run). Plain
    /// calls of memoized functions inside the tasks use it too, but not those in threads that a task starts, nor in pieces
    /// of its rayon iterators that run on other threads: there, pass the memory on (`memory.call(…)`, `memory.enter()`).
    pub fn memory(mut self, memory: &Memory) -> Self {
        self.memory = Some(memory.clone());
        self
    }

    /// Sets how many calls of a [stream](Self::stream) are drawn and not delivered at most: how far it runs ahead of its
    /// consumer. Default: 1,024, and 65,536 where an executor [gathers](crate::execute::Execute::gathers); at least 1.
    ///
    /// The input is asked on the consumer's thread, when no result can be delivered. One that gives its next call only after the consumer
    /// has done something with a result is never asked too early with a window of as many calls as it gives before it waits.
    pub fn window(mut self, calls: usize) -> Self {
        self.window = calls.max(1);
        self
    }

    /// Sets whether the others are computed when one fails. Default: `false`, and what has not started by then is dropped; what
    /// runs by then finishes, and is stored.
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }

    /// Sets where misses run. Default: [`Executor::threads`].
    pub fn executor(mut self, executor: Executor) -> Self {
        self.executor = executor;
        self
    }

    /// Sets how long a task may take, on a worker process: one that takes longer is killed, and fails with
    /// [`TaskErrorKind::TimedOut`](crate::TaskErrorKind::TimedOut). Default: as long as it likes.
    ///
    /// Threads cannot be stopped: with [`Executor::threads`] every task fails and says so.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how often a call that fails is tried again. Default: 0. What counts is whether it
    /// panics, and on worker processes whether it crashes or takes too much time or memory; an
    /// `Err` that it returns is a value, unless [`retry_if`](Self::retry_if) says otherwise.
    ///
    /// It queues up behind what waits by then, and waits for as long as [`backoff`](Self::backoff)
    /// says, so that whatever made it fail may pass meanwhile. The error of its last attempt is
    /// reported, and stops the batch if that is to stop at all; calls of equal key get it, too.
    ///
    /// Each attempt but the last works on a copy of the arguments, made before it runs: borrowed ones cost nothing, owned
    /// ones their `clone`. A call of a memoized function is tried once only if an owned argument is not `Clone`, as far as the
    /// function says (`T: Clone`, where the type is a parameter), or if there are more than twelve arguments; one of a plain closure, unless it is
    /// [`repeatable`](crate::execute::Delayed::repeatable). That it would have been tried again is logged.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    ///
    /// use rememo::{Memory, Parallel, delayed};
    ///
    /// let attempts = AtomicU32::new(0);
    /// let fetch = || {
    ///     assert!(attempts.fetch_add(1, Relaxed) >= 2, "the server is busy");
    ///     "page"
    /// };
    /// let parallel = Parallel::new().memory(&Memory::disabled()).retries(3);
    /// assert_eq!(parallel.run([delayed(fetch).repeatable()])?, ["page"]); // at the third attempt
    /// # Ok::<(), rememo::Error>(())
    /// ```
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Has an `Err` tried again, too, if `rule` says so; as often as [`retries`](Self::retries)
    /// says, whose default is 0.
    ///
    /// From here on the `Parallel` runs calls that return a `Result` with this error type alone;
    /// others do not compile. Panics are tried again as before. The `Err` of the last attempt is
    /// what the call has returned: a value for [`run`](Self::run), a failure for
    /// [`try_run`](Self::try_run).
    ///
    /// An `Err` that is tried again is not kept, also under `cache_err`; one that was kept before
    /// is a hit, and is not tried again. From a worker process an `Err` that serde cannot send
    /// comes back as text. The rule cannot be asked then, and it is tried again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// use std::time::Duration;
    ///
    /// use rememo::{Backoff, Memory, Parallel, delayed};
    ///
    /// #[derive(Debug, PartialEq)]
    /// enum FetchError {
    ///     Busy,
    ///     NotFound,
    /// }
    ///
    /// let attempts = AtomicU32::new(0);
    /// let fetch = || match attempts.fetch_add(1, Relaxed) {
    ///     0 | 1 => Err(FetchError::Busy),
    ///     _ => Ok("page"),
    /// };
    /// let parallel = Parallel::new()
    ///     .memory(&Memory::disabled())
    ///     .retries(3)
    ///     .retry_if(|error: &FetchError| *error == FetchError::Busy)
    ///     .backoff(Backoff::exponential(Duration::from_millis(1)).jitter());
    /// assert_eq!(parallel.run([delayed(fetch).repeatable()])?, [Ok("page")]); // at the third attempt
    ///
    /// let missing = || Err::<(), _>(FetchError::NotFound);
    /// assert_eq!(parallel.run([delayed(missing).repeatable()])?, [Err(FetchError::NotFound)]); // at once
    /// # Ok::<(), rememo::Error>(())
    /// ```
    pub fn retry_if<E>(self, rule: impl Fn(&E) -> bool + Send + Sync + 'static) -> Parallel<RetryIf<E>> {
        let Parallel { jobs, memory, window, keep_going, executor, timeout, audience, retries, .. } = self;
        let Parallel { backoff, stack, submissions, .. } = self;
        let retry_rule = RetryIf::new(rule);
        Parallel {
            jobs,
            memory,
            window,
            keep_going,
            executor,
            timeout,
            audience,
            retries,
            backoff,
            retry_rule,
            stack,
            submissions,
        }
    }

    /// Sets how long a call that has failed waits for its next attempt: a [`Duration`], or a
    /// [`Backoff`] that grows. Default: it does not wait.
    ///
    /// No thread waits with it: others are computed meanwhile. What is [stopped](Self::keep_going)
    /// or [cancelled](crate::Task::cancel) by then is not tried again. The wait is no part of the
    /// [`timeout`](Self::timeout), which each attempt has to itself.
    pub fn backoff(mut self, backoff: impl Into<Backoff>) -> Self {
        self.backoff = Some(backoff.into());
        self
    }

    /// Sets whether each batch or stream shows how far it is, on the standard error: `9900 of 10000 remembered, 100 to compute,
    /// 1m20s left`. Default: `false`, and nothing is ever printed.
    ///
    /// With the feature `progress`, this is one line with a bar on a terminal. Without, and where the standard error is no
    /// terminal, it is a plain line after a second, then every five, and the last. How the time that is left is estimated:
    /// [`Totals::remaining`](crate::execute::Totals::remaining). What runs inside a task of another batch shows nothing, nor does a call that is
    /// [submitted](Self::submit) by itself.
    pub fn progress(mut self, progress: bool) -> Self {
        self.audience.progress = if progress { Watcher::Reader } else { Watcher::Nobody };
        self
    }

    /// Sets how much is said of single calls, in lines on the standard error. Default: 0, nothing.
    ///
    /// | level | has a line |
    /// | --- | --- |
    /// | 1 to 9 | computed calls now and then; each call that fails or is tried again; all counts at the end |
    /// | 10 to 19 | each computed call, too |
    /// | 20 and more | hits and duplicates, too |
    /// | 51 and more | the same, on the standard output |
    ///
    /// Below 10 the more calls have a line the higher the level is: at 1 the first, the 50th, the
    /// 200th, the 450th, and so on.
    ///
    /// A line says how many calls are done, since when, and what was called, how it ended, and how
    /// long it took: ``8 of 100 done, 12s: task 7 (`fit(7, "ridge")`) computed in 1.2 s``. A call
    /// in a worker process has one, too; its time is that until its reply. It goes together with
    /// [`progress`](Self::progress). As there, nothing is said inside a task of another batch, nor
    /// of [submitted](Self::submit) calls.
    ///
    /// The levels are those of joblib, but that each task is told of from 10 on, not from 11 on,
    /// and that it names what was called.
    pub fn verbose(mut self, level: u32) -> Self {
        self.audience.verbose = level;
        self
    }

    /// Has `progress` told how far each batch or stream is, in place of [`progress(true)`](Self::progress); inside a task of another
    /// batch, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Mutex;
    ///
    /// use rememo::execute::Totals;
    /// use rememo::{Parallel, delayed};
    ///
    /// static LAST: Mutex<String> = Mutex::new(String::new());
    /// let parallel = Parallel::new().on_progress(|totals: &Totals| {
    ///     *LAST.lock().unwrap() = totals.to_string();
    /// });
    /// parallel.run((0..3).map(|i| delayed(move || i * i)))?;
    /// assert_eq!(*LAST.lock().unwrap(), "0 of 3 remembered, 3 computed, took 0.0s");
    /// # Ok::<(), rememo::Error>(())
    /// ```
    pub fn on_progress(mut self, progress: impl Progress + 'static) -> Self {
        self.audience.progress = Watcher::Given(Arc::new(progress));
        self
    }
}
