//! The seam between a batch and where its misses run.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use super::{Failure, Job, Reply};

/// The result of the job at this place among those that were sent.
type Arrival = (usize, Result<Reply, Failure>);

/// Where the misses of a batch run, if not on threads of this process: worker processes, a cluster.
///
/// A [`Parallel`](crate::Parallel) looks calls up, merges equal ones, and holds the leases of what it computes. Misses come here
/// as [`Job`]s: a function id, encoded arguments, and the key. For each an executor makes its entry present in the store, or
/// brings its value back, or says why not. The other side is the same program, started again in some way, that takes the bytes of the
/// job and calls [`Job::run`].
///
/// Several threads call [`run`](Self::run) at a time, as many as the batch has jobs (one, if the executor
/// [gathers](Self::gathers)). They block in it; what else the executor does,
/// such as starting processes, it does in there, or on threads of its own.
///
/// # Examples
///
/// An executor that runs jobs in this very process, but only as they would come out of a message:
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use std::time::Duration;
///
/// use rememo::execute::{Execute, Failure, Job, Reply};
/// use rememo::{Executor, Memory, Parallel, memo};
///
/// #[memo]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[derive(Debug)]
/// struct Loopback;
///
/// impl Execute for Loopback {
///     fn run(&self, jobs: &[Job], _: Option<Duration>, done: &mut dyn FnMut(usize, Result<Reply, Failure>)) {
///         for (index, job) in jobs.iter().enumerate() {
///             let message = job.to_bytes(); // to another host, say
///             done(index, Job::from_bytes(&message).and_then(|job| job.run()));
///         }
///     }
/// }
///
/// let memory = Memory::open(dir.path())?;
/// let parallel = Parallel::new().memory(&memory).executor(Executor::custom(Loopback));
/// assert_eq!(parallel.run((0..4).map(square::delayed))?, [0, 1, 4, 9]);
/// assert_eq!(memory.stats().entries, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Execute: fmt::Debug + Send + Sync {
    /// Runs jobs, and calls `done` with the index and the outcome of each as it is there, in any order. Returns when all are
    /// done; those that it leaves out have failed.
    ///
    /// Jobs that come together are short, or few are left: they should run one after the other in one process. A job that takes
    /// longer than `timeout` is to be stopped, if there is one, and to fail as
    /// [`TimedOut`](crate::TaskErrorKind::TimedOut).
    fn run(
        &self,
        jobs: &[Job],
        timeout: Option<Duration>,
        done: &mut dyn FnMut(usize, Result<Reply, Failure>),
    );

    /// Whether it gets the misses of a batch together, on one thread, and runs several at a time itself. Default: no.
    ///
    /// Then no leases are held for them: who runs a job takes its lease, as for a call of its own, finds what somebody has
    /// stored meanwhile, and stores the value itself. So nothing is lost, or computed twice, when the batch is killed
    /// while its jobs run. Of an input that takes its time, what has come within some hundredths of a second goes together.
    fn gathers(&self) -> bool {
        false
    }

    /// As [`run`](Self::run), with a `None` whenever it is about to wait for the next outcome; a `Break` says that the batch was
    /// stopped. No API.
    #[doc(hidden)]
    fn run_in_steps(
        &self,
        jobs: &[Job],
        timeout: Option<Duration>,
        event: &mut dyn FnMut(Option<Arrival>) -> ControlFlow<()>,
    ) {
        self.run(jobs, timeout, &mut |index, outcome| {
            let _ = event(Some((index, outcome)));
            let _ = event(None);
        });
    }
}

/// [`Execute::run`] of an executor that does all in [`run_in_steps`](Execute::run_in_steps).
#[cfg(target_os = "linux")]
pub(crate) fn run_through(
    execute: &impl Execute,
    jobs: &[Job],
    timeout: Option<Duration>,
    done: &mut dyn FnMut(usize, Result<Reply, Failure>),
) {
    execute.run_in_steps(jobs, timeout, &mut |event| {
        if let Some((index, result)) = event {
            done(index, result);
        }
        ControlFlow::Continue(())
    });
}
