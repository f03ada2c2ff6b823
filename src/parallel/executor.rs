//! [`Executor`]: where the misses of a batch run.
//!
//! `Executor` is a type, so that `Executor::processes()` can be written. The seam is the trait
//! [`Execute`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Parallel;
use super::dispatch::Dispatch;
#[cfg(target_os = "linux")]
use super::processes::{Processes, is_worker};
use crate::memory::Memory;
use crate::remote::{Execute, Route};

/// Where the misses of a [`Parallel`] run: on threads, in worker processes, or wherever an [`Execute`] takes
/// them.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use rememo::{Executor, Memory, Parallel, TaskErrorKind, memo};
///
/// #[memo]
/// fn parse(document: &str) -> String {
///     document.to_uppercase() // by a library that crashes on some inputs, say
/// }
///
/// #[rememo::main]
/// fn main() -> rememo::Result<()> {
///     let memory = Memory::open("cache")?;
///     let results = Parallel::new()
///         .memory(&memory)
///         .executor(Executor::processes().memory_limit(1 << 30))
///         .timeout(Duration::from_secs(60))
///         .run_all(["one", "two"].map(parse::delayed));
///     for error in results.iter().filter_map(|result| result.as_ref().err()) {
///         match error.kind() {
///             TaskErrorKind::TimedOut => println!("too slow: {error}"),
///             _ => println!("{error}"),
///         }
///     }
///     Ok(())
/// }
/// ```
#[must_use = "an executor runs nothing until a `Parallel` has it"]
#[derive(Clone, Debug, Default)]
pub struct Executor(pub(super) Kind);

#[derive(Clone, Debug, Default)]
pub(super) enum Kind {
    #[default]
    Threads,
    #[cfg(target_os = "linux")]
    Processes(Processes),
    Custom(Arc<dyn Execute>),
    /// Nothing can run, for this reason.
    Refused(String),
}

impl Executor {
    /// Threads of this process: the default.
    pub fn threads() -> Self {
        Executor(Kind::Threads)
    }

    /// Worker processes, as many as the batch has jobs: this executable, started again. Linux only; elsewhere every task fails
    /// and says so.
    ///
    /// A task that panics, aborts, is killed, takes more memory than its [limit](Self::memory_limit) or more time than
    /// [`Parallel::timeout`](crate::Parallel::timeout) fails alone, with how it ended; its worker is replaced, and what the task has
    /// started is killed with it. Where the system has no room for as many workers, fewer do the work. Only misses go to
    /// workers, and no worker is started before there is one. Idle workers are kept and serve later batches; they end with this
    /// process, however it ends.
    ///
    /// The program calls [`init`](crate::init) first in `main`. Calls must be of memoized free functions without type parameters, whose
    /// parameters are `Serialize` and `Deserialize` (what a reference refers to, in a `Box`); other calls fail with
    /// [`TaskErrorKind::NotSent`](crate::TaskErrorKind::NotSent), saying what is missing.
    ///
    /// A task sees the environment of this process as it was when its worker was started, and the directory as it was when the batch
    /// began, but no other state of it: no static that was set, no open file. What calls inside of it find and store is
    /// not in the counts of this process. A `Parallel` inside of it runs on threads of the worker. What it prints is [passed
    /// through](Self::pass_output), each line marked. Cores that are left to each worker are shown to numeric libraries and rayon by
    /// the usual variables (`OMP_NUM_THREADS`, `RAYON_NUM_THREADS` and the like), where they are not set.
    ///
    /// A task on its way costs some tens of microseconds, of several short ones together a few.
    pub fn processes() -> Self {
        #[cfg(target_os = "linux")]
        return Executor(Kind::Processes(Processes::default()));
        #[cfg(not(target_os = "linux"))]
        Executor(Kind::Refused("worker processes are for Linux: use `Executor::threads()`".into()))
    }

    /// Somewhere else.
    pub fn custom(execute: impl Execute + 'static) -> Self {
        Executor(Kind::Custom(Arc::new(execute)))
    }

    /// Sets how many bytes of data each worker may have at most: all of its heap and of its threads' stacks. Default: no limit.
    ///
    /// A task that needs more fails with [`TaskErrorKind::OutOfMemory`](crate::TaskErrorKind::OutOfMemory) where Rust's
    /// allocator says so, as another crash where another library does. A limit (`RLIMIT_DATA`) that is too small to start in is
    /// an error of every task.
    pub fn memory_limit(self, bytes: u64) -> Self {
        self.of_workers("memory_limit", |workers| workers.memory_limit = Some(bytes))
    }

    /// Sets after how many tasks a worker is replaced by a new one, for libraries that leak; at least 1. Default: never.
    pub fn max_tasks(self, tasks: usize) -> Self {
        self.of_workers("max_tasks", |workers| workers.max_tasks = Some(tasks.max(1)))
    }

    /// Sets whether what workers write to their standard output and error is passed through to this process's, line by line, behind
    /// `[worker <process id>]`. Default: yes. The last of the standard error is part of the message when a worker crashes, too.
    pub fn pass_output(self, pass: bool) -> Self {
        self.of_workers("pass_output", |workers| workers.pass_output = pass)
    }

    /// Sets how long a worker without work is kept. Default: a minute. Of all kinds of workers together, eight are kept, or two for
    /// each core if that is more.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.of_workers("idle_timeout", |workers| workers.idle_timeout = timeout)
    }

    /// Sets the executable of workers, which must be a copy of this program. Default: the file of this program, even if
    /// another has taken its name since it was started.
    pub fn program(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.of_workers("program", |workers| workers.program = Some(path))
    }

    #[cfg(target_os = "linux")]
    fn of_workers(mut self, setting: &str, set: impl FnOnce(&mut Processes)) -> Self {
        match &mut self.0 {
            Kind::Processes(workers) => set(workers),
            kind => refuse(kind, setting),
        }
        self
    }

    #[cfg(not(target_os = "linux"))]
    fn of_workers(mut self, setting: &str, _: impl FnOnce(&mut Processes)) -> Self {
        refuse(&mut self.0, setting);
        self
    }
}

impl<R> Parallel<R> {
    /// Where misses run, if not on threads.
    pub(super) fn dispatch(&self, memory: &Memory) -> Option<Dispatch> {
        let (execute, route): (Result<Arc<dyn Execute>, String>, Route) = match &self.executor.0 {
            Kind::Threads if self.timeout.is_some() => {
                let reason = "a thread cannot be stopped, so that a `timeout` needs worker processes: \
                              `Executor::processes()`";
                (Err(reason.into()), Route::Inline)
            }
            Kind::Threads => return None,
            // On the threads that a worker has.
            #[cfg(target_os = "linux")]
            Kind::Processes(_) if is_worker() => return None,
            #[cfg(target_os = "linux")]
            Kind::Processes(processes) => (Ok(Arc::new(processes.for_batch(self.cores()))), Route::Lent),
            Kind::Custom(execute) => (Ok(Arc::clone(execute)), Route::Inline),
            Kind::Refused(reason) => (Err(reason.clone()), Route::Inline),
        };
        Some(Dispatch::new(execute, memory, route, self.timeout))
    }
}

/// Settings of workers that there are none of.
#[cfg(not(target_os = "linux"))]
struct Processes {
    memory_limit: Option<u64>,
    max_tasks: Option<usize>,
    pass_output: bool,
    idle_timeout: Duration,
    program: Option<PathBuf>,
}

/// A setting that would do nothing is a mistake, which every task tells.
fn refuse(kind: &mut Kind, setting: &str) {
    if !matches!(kind, Kind::Refused(_)) {
        *kind = Kind::Refused(format!(
            "`{setting}` is for worker processes: use it behind `Executor::processes()`"
        ));
    }
}
