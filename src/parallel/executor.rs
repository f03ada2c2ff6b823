//! [`Executor`]: where the misses of a batch run.
//!
//! `Executor` is a type, so that `Executor::processes()` can be written. The seam is the trait
//! [`Execute`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Parallel;
#[cfg(target_os = "linux")]
use super::cluster::{Cluster, Engine, Slurm};
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
    #[cfg(target_os = "linux")]
    Cluster(Cluster),
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

    /// Tasks of Slurm: one array job for the misses of a batch. Linux only.
    ///
    /// It calls `sbatch`, `squeue` and `scancel`. The misses go to a folder in the directory of the memory, which the nodes must share,
    /// beside a copy of this program. Each task is the program again, as it is for [`processes`](Self::processes), with the same
    /// demands on programs and calls. It takes calls as it gets through them, runs them in worker processes, as many as it has
    /// [cores](Self::cpus_per_task), and stores their values.
    ///
    /// What is stored is done. Calls whose task is cancelled, loses its node or runs out of time are submitted again, twice; then they fail as
    /// [`TaskErrorKind::Crashed`](crate::TaskErrorKind::Crashed), with the end of their job's log. [`stopping`](crate::stopping) and
    /// [`save`](crate::save) keep what they had done. When this program dies its jobs go on; started again, it finds what is
    /// stored, and joins what still runs. A batch that is stopped begins nothing more.
    ///
    /// The input is drawn before the first call runs, at most 65,536 misses at a time; the next come when all of those are done. The
    /// [window](crate::Parallel::window) of a stream is as large unless it is set. An array job takes a second or two to begin.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use rememo::{Executor, Memory, Parallel, memo};
    ///
    /// #[memo]
    /// fn simulate(seed: u64) -> f64 {
    ///     (seed as f64).sqrt() // minutes, in earnest
    /// }
    ///
    /// #[rememo::main]
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let memory = Memory::open("/shared/cache")?;
    ///     let slurm = Executor::slurm().partition("short").time(Duration::from_secs(3600)).cpus_per_task(4).tasks(32);
    ///     let values = Parallel::new().memory(&memory).executor(slurm).run((0..1000).map(simulate::delayed))?;
    ///     println!("{}", values.iter().sum::<f64>());
    ///     Ok(())
    /// }
    /// ```
    pub fn slurm() -> Self {
        #[cfg(target_os = "linux")]
        return Executor(Kind::Cluster(Cluster::new(Engine::Slurm(Slurm::default()))));
        #[cfg(not(target_os = "linux"))]
        Executor(Kind::Refused("Slurm tasks are for Linux: use `Executor::threads()`".into()))
    }

    /// Copies of this program, started by a command: `mpirun -n 4`, say, or a script around the client of another engine. Linux only.
    ///
    /// The command gets one more argument, the path of a script; it starts the script as many times as it likes, on any machines that
    /// share its folder, and ends when all copies have ended. Otherwise as [`slurm`](Self::slurm).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use rememo::{Executor, Memory, Parallel, memo};
    /// # #[memo]
    /// # fn simulate(seed: u64) -> f64 {
    /// #     (seed as f64).sqrt()
    /// # }
    /// # let memory = Memory::disabled();
    /// let executor = Executor::launcher(["mpirun", "-n", "4"]);
    /// let values = Parallel::new().memory(&memory).executor(executor).run((0..1000).map(simulate::delayed))?;
    /// # Ok::<(), rememo::Error>(())
    /// ```
    pub fn launcher<W: Into<OsString>>(command: impl IntoIterator<Item = W>) -> Self {
        let command: Vec<OsString> = command.into_iter().map(Into::into).collect();
        #[cfg(target_os = "linux")]
        return Executor(Kind::Cluster(Cluster::new(Engine::Launcher(command))));
        #[cfg(not(target_os = "linux"))]
        {
            drop(command);
            Executor(Kind::Refused("launched copies are for Linux: use `Executor::threads()`".into()))
        }
    }

    /// Sets the Slurm partition. Default: that of the cluster.
    pub fn partition(self, partition: impl Into<String>) -> Self {
        let partition = partition.into();
        self.of_slurm("partition", |slurm| slurm.partition = Some(partition))
    }

    /// Sets the Slurm account. Default: that of the user.
    pub fn account(self, account: impl Into<String>) -> Self {
        let account = account.into();
        self.of_slurm("account", |slurm| slurm.account = Some(account))
    }

    /// Sets how long a Slurm task may run, in whole minutes, rounded up. Default: that of the partition.
    ///
    /// It is the limit of a task, which makes many calls; that of a call is [`Parallel::timeout`](crate::Parallel::timeout).
    pub fn time(self, time: Duration) -> Self {
        self.of_slurm("time", |slurm| slurm.time = Some(time))
    }

    /// Sets how many bytes of memory each Slurm task may have. Default: that of the partition.
    pub fn memory_per_task(self, bytes: u64) -> Self {
        self.of_slurm("memory_per_task", |slurm| slurm.memory = Some(bytes))
    }

    /// Adds an option for `sbatch`, such as `--constraint=avx512`. It comes behind the others, so that it takes the place of one that
    /// says otherwise.
    pub fn option(self, option: impl Into<String>) -> Self {
        let option = option.into();
        self.of_slurm("option", |slurm| slurm.options.push(option))
    }

    /// Sets how many calls each task runs at a time, on so many cores. Default: 1.
    pub fn cpus_per_task(self, cpus: usize) -> Self {
        self.of_cluster("cpus_per_task", |cluster| cluster.cores = cpus.max(1))
    }

    /// Sets how many tasks an array job has at most. Default: 8. A batch of fewer calls has fewer; a launcher starts as many as its
    /// command says.
    pub fn tasks(self, tasks: usize) -> Self {
        self.of_cluster("tasks", |cluster| cluster.tasks = tasks.max(1))
    }

    /// Adds a line of shell that each task runs first, such as `module load openblas`.
    pub fn setup(self, line: impl Into<String>) -> Self {
        let line = line.into();
        self.of_cluster("setup", |cluster| cluster.setup.push(line))
    }

    /// Sets where job folders are made, on a file system that all nodes share. Default: in the directory of the memory.
    pub fn folder(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.of_cluster("folder", |cluster| cluster.folder = Some(path))
    }

    /// Sets whether Slurm tasks are cancelled in the middle of a call when a batch is stopped, by a failure or since its stream was
    /// dropped. Default: no, what has begun comes to its end, and its value is stored.
    pub fn cancel_on_drop(self, cancel: bool) -> Self {
        self.of_cluster("cancel_on_drop", |cluster| cluster.cancels = cancel)
    }

    #[cfg(target_os = "linux")]
    fn of_cluster(mut self, setting: &str, set: impl FnOnce(&mut Cluster)) -> Self {
        match &mut self.0 {
            Kind::Cluster(cluster) => set(cluster),
            kind => refuse(kind, setting, "`Executor::slurm()` or `Executor::launcher(…)`"),
        }
        self
    }

    #[cfg(target_os = "linux")]
    fn of_slurm(mut self, setting: &str, set: impl FnOnce(&mut Slurm)) -> Self {
        match &mut self.0 {
            Kind::Cluster(Cluster { engine: Engine::Slurm(slurm), .. }) => set(slurm),
            kind => refuse(kind, setting, "`Executor::slurm()`"),
        }
        self
    }

    #[cfg(not(target_os = "linux"))]
    fn of_cluster(mut self, setting: &str, _: impl FnOnce(&mut Cluster)) -> Self {
        refuse(&mut self.0, setting, "`Executor::slurm()` or `Executor::launcher(…)`");
        self
    }

    #[cfg(not(target_os = "linux"))]
    fn of_slurm(mut self, setting: &str, _: impl FnOnce(&mut Slurm)) -> Self {
        refuse(&mut self.0, setting, "`Executor::slurm()`");
        self
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
            kind => refuse(kind, setting, "`Executor::processes()`"),
        }
        self
    }

    #[cfg(not(target_os = "linux"))]
    fn of_workers(mut self, setting: &str, _: impl FnOnce(&mut Processes)) -> Self {
        refuse(&mut self.0, setting, "`Executor::processes()`");
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
            Kind::Processes(_) | Kind::Cluster(_) if is_worker() => return None,
            #[cfg(target_os = "linux")]
            Kind::Processes(processes) => (Ok(Arc::new(processes.for_batch(self.cores()))), Route::Lent),
            #[cfg(target_os = "linux")]
            Kind::Cluster(cluster) => (Ok(Arc::new(cluster.clone())), Route::Inline),
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

/// The same of clusters.
#[cfg(not(target_os = "linux"))]
struct Cluster {
    cores: usize,
    tasks: usize,
    setup: Vec<String>,
    folder: Option<PathBuf>,
    cancels: bool,
}

#[cfg(not(target_os = "linux"))]
struct Slurm {
    partition: Option<String>,
    account: Option<String>,
    time: Option<Duration>,
    memory: Option<u64>,
    options: Vec<String>,
}

/// A setting that would do nothing is a mistake, which every task tells.
fn refuse(kind: &mut Kind, setting: &str, behind: &str) {
    if !matches!(kind, Kind::Refused(_)) {
        *kind = Kind::Refused(format!("`{setting}` is of no use here: use it behind {behind}"));
    }
}
