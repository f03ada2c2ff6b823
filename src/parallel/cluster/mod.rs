//! Misses of a batch on other machines: this program, started many times by Slurm or any launcher.
//!
//! The misses that go together are written to a [folder] beside a copy of the program, and one array job is submitted.
//! Each of its array tasks ([tasks](task), in here) is the program again: it claims chunks of the jobs one after the other, runs
//! them in worker processes, as many as it has cores, and writes replies. The caller [watches](watch) them.
//!
//! # Invariants
//! 1. What a reply says is done. The state of a Slurm job never says so: tasks vanish, ids are used again, a task that was requeued
//!    runs beside its old copy. It is asked only whether anybody is left who could reply.
//! 2. The lease of a key is taken where it is computed, and its value stored there, so that the caller may die at any time.
//! 3. A call that is in the folder of a job that lives is not submitted again, by whichever process.
//! 4. The last who uses a folder removes it: the caller, or a task if that has gone. What ended badly is kept, and named in the
//!    errors.

mod engine;
mod folder;
mod replies;
mod script;
pub(super) mod task;
mod watch;

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use self::watch::Watch;
use crate::remote::{Execute, Failure, Job, Reply, run_through};

/// What starts the copies.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    Slurm(Slurm),
    /// The command, which starts several copies of what its last argument names.
    Launcher(Vec<OsString>),
}

/// What Slurm is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Slurm {
    pub(super) partition: Option<String>,
    pub(super) account: Option<String>,
    pub(super) time: Option<Duration>,
    /// Bytes of each task.
    pub(super) memory: Option<u64>,
    /// Further options of `sbatch`.
    pub(super) options: Vec<String>,
}

/// How a cluster is used.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) engine: Engine,
    /// Most tasks of an array job.
    pub(super) tasks: usize,
    /// Calls that a task runs at a time.
    pub(super) cores: usize,
    /// Lines of shell that run first in each task.
    pub(super) setup: Vec<String>,
    /// Where job folders are, if not in the directory of the memory.
    pub(super) folder: Option<PathBuf>,
    /// Whether calls that run are killed when the batch is stopped.
    pub(super) cancels: bool,
}

impl Cluster {
    pub(super) fn new(engine: Engine) -> Self {
        Cluster { engine, tasks: 8, cores: 1, setup: Vec::new(), folder: None, cancels: false }
    }

    /// How many calls run at a time, at most.
    fn slots(&self) -> usize {
        self.tasks.max(1).saturating_mul(self.cores.max(1))
    }
}

impl Execute for Cluster {
    fn run(
        &self,
        jobs: &[Job],
        timeout: Option<Duration>,
        done: &mut dyn FnMut(usize, Result<Reply, Failure>),
    ) {
        run_through(self, jobs, timeout, done);
    }

    fn gathers(&self) -> bool {
        true
    }

    fn run_in_steps(
        &self,
        jobs: &[Job],
        timeout: Option<Duration>,
        event: &mut dyn FnMut(Option<(usize, Result<Reply, Failure>)>) -> ControlFlow<()>,
    ) {
        Watch::new(self, jobs, timeout).run(event);
    }
}
