//! Worker processes: this program, started again.
//!
//! A thread of the batch has a worker to itself while it waits for it: it writes a message of jobs and reads the replies. So
//! there are as many workers as threads of the batch, nothing polls, and no other thread is in between.
//!
//! # Invariants
//! 1. What ends a worker is the failure of one job. When several were on their way to it, those without a reply are sent again one by
//!    one, so that it is seen which.
//! 2. Workers end with their parent, however that ends: see [`worker`].

mod child;
mod crew;
mod ending;
mod entry;
mod frame;
mod output;
mod protocol;
mod settings;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

pub use entry::init;
pub(crate) use entry::is_worker;

use self::crew::Crew;
use self::settings::Settings;
use super::pool;
use crate::remote::{Execute, Failure, Job, Reply};

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
        Processes { memory_limit: None, max_tasks: None, pass_output: false, idle_timeout, program: None }
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
        let crew = Crew::of(&self.0);
        let mut waiting: Vec<usize> = (0..jobs.len()).collect();
        let mut together = usize::MAX;
        while !waiting.is_empty() {
            let mut worker = match crew.lease() {
                Ok(worker) => worker,
                Err(failure) => {
                    return waiting.into_iter().for_each(|index| done(index, Err(failure.clone())));
                }
            };
            let count = waiting.len().min(together).min(crew.jobs_left(&worker));
            let mut answered = vec![false; count];
            let sent = waiting[..count].iter().map(|&index| &jobs[index]);
            let ended = worker.exchange(sent, timeout, |place, result| {
                if let Some(answered @ false) = answered.get_mut(place) {
                    *answered = true;
                    done(waiting[place], result.map_err(Failure::from));
                }
            });
            match ended {
                Ok(()) => crew.give_back(worker),
                Err(failure) if count == 1 => done(waiting[0], Err(failure)),
                // Whichever it was: one of these.
                Err(_) => together = 1,
            }
            let is_done = |place: usize| place < count && (count == 1 || answered[place]);
            let mut place = 0;
            waiting.retain(|_| {
                place += 1;
                !is_done(place - 1)
            });
        }
    }
}
