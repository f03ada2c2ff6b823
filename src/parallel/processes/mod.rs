//! Worker processes: this program, started again.
//!
//! A thread of the batch has a worker to itself while it waits for it: it writes a message of jobs and reads the replies. So
//! there are as many workers as threads of the batch, nothing polls, and no other thread is in between.
//!
//! # Invariants
//! 1. What ends a worker is the failure of one job: of the one that it was at, as its [`journal`] tells. Those behind it are sent to
//!    another worker; nothing that was finished, and nothing that had not begun, is run twice.
//! 2. Workers end with their parent, however that ends: see [`worker`].
//!
//! Jobs that are short travel together, as many as the batch takes at a time. A time-out is that of
//! the socket. A worker has a process group: what its tasks have started is killed with it. A
//! worker that cannot be started is no failure of jobs: their thread waits for another worker, and
//! tries again for some seconds if there is none.

mod child;
mod ending;
pub(super) mod entry;
mod frame;
mod journal;
mod output;
mod process;
mod protocol;
mod settings;
mod worker;
mod worker_set;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

pub use entry::init;
pub(crate) use entry::is_worker;

use self::child::Ended;
use self::settings::Settings;
use self::worker_set::WorkerSet;
use super::pool;
use crate::remote::{Execute, Failure, Job, Reply, run_through};

/// How worker processes are asked for.
#[derive(Clone, Debug)]
pub(super) struct Processes {
    pub(super) memory_limit: Option<u64>,
    pub(super) max_tasks: Option<usize>,
    pub(super) pass_output: bool,
    pub(super) idle_timeout: Duration,
    pub(super) program: Option<PathBuf>,
}

impl Default for Processes {
    fn default() -> Self {
        let idle_timeout = Duration::from_mins(1);
        Processes { memory_limit: None, max_tasks: None, pass_output: true, idle_timeout, program: None }
    }
}

impl Processes {
    /// The executor of a batch that runs `jobs` at a time.
    pub(super) fn for_batch(&self, jobs: usize) -> Workers {
        let Processes { memory_limit, max_tasks, pass_output, idle_timeout, ref program } = *self;
        Workers(Settings {
            memory_limit,
            max_tasks,
            pass_output,
            idle_timeout,
            program: program.clone(),
            threads: (pool::cores() / jobs.max(1)).max(1),
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        })
    }
}

/// Worker processes for a batch.
#[derive(Debug)]
pub(super) struct Workers(Settings);

impl Execute for Workers {
    fn run(
        &self,
        jobs: &[Job],
        timeout: Option<Duration>,
        done: &mut dyn FnMut(usize, Result<Reply, Failure>),
    ) {
        run_through(self, jobs, timeout, done);
    }

    fn run_in_steps(
        &self,
        jobs: &[Job],
        timeout: Option<Duration>,
        event: &mut dyn FnMut(Option<(usize, Result<Reply, Failure>)>) -> ControlFlow<()>,
    ) {
        // What has begun in a batch that is stopped meanwhile comes to its end.
        let mut event = |news| {
            let _ = event(news);
        };
        let workers = WorkerSet::of(&self.0);
        let mut waiting: Vec<usize> = (0..jobs.len()).collect();
        let mut together = usize::MAX;
        while !waiting.is_empty() {
            let mut leased = match workers.lease() {
                Ok(leased) => leased,
                Err(failure) => {
                    for index in waiting {
                        event(Some((index, Err(failure.clone()))));
                    }
                    return;
                }
            };
            let worker = leased.worker();
            let most = together.min(workers.jobs_left(worker)).min(worker.most_together());
            let batch: Vec<usize> = waiting.iter().copied().take(most).collect();
            let mut is_done = vec![false; jobs.len()];
            let sent = batch.iter().map(|&index| &jobs[index]);
            let ended = worker.exchange(sent, timeout, &mut |news| {
                event(news.map(|(place, result)| {
                    is_done[batch[place]] = true;
                    (batch[place], result)
                }));
            });
            match ended {
                Ok(()) => workers.give_back(leased),
                Err(Ended { failure, at }) => {
                    drop(leased);
                    // Those behind it have not begun. If it is not known which it was, each goes alone.
                    match at.or((batch.len() == 1).then_some(0)) {
                        Some(at) => {
                            is_done[batch[at]] = true;
                            event(Some((batch[at], Err(failure))));
                        }
                        None => together = 1,
                    }
                }
            }
            waiting.retain(|&index| !is_done[index]);
        }
    }
}
