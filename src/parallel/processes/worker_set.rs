//! The workers of equal settings in this process: started when they are needed, kept while they are idle.

use std::collections::HashMap;
use std::mem;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::child::{NoWorker, Worker};
use super::settings::Settings;
use crate::events;
use crate::lock::lock;
use crate::parallel::pool;
use crate::remote::Failure;

/// How long it is tried to start the first worker, where the system has no room for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time between two such trials.
const PAUSE: Duration = Duration::from_millis(100);

/// The workers of equal settings.
#[derive(Debug)]
pub(super) struct WorkerSet {
    settings: Settings,
    workers: Mutex<Members>,
    /// Notified when a worker gets idle, or ends.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Members {
    /// Who has nothing to do, and since when; the last to come is the first to go.
    idle: Vec<(Instant, Worker)>,
    /// How many are at work.
    leased: usize,
    /// Whether a thread sees to those that are idle for too long.
    is_watched: bool,
}

/// The worker sets of this process, and of those that it was forked from.
static SETS: Mutex<Option<WorkerSets>> = Mutex::new(None);

type WorkerSets = HashMap<(u32, Settings), Arc<WorkerSet>>;

/// How many idle workers of all worker sets are kept.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// A worker that is at work; to be given back, or to be dropped if it has ended.
#[derive(Debug)]
pub(super) struct Leased {
    set: Arc<WorkerSet>,
    /// There until it is given back or dropped.
    worker: Option<Worker>,
}

impl Leased {
    pub(super) fn worker(&mut self) -> &mut Worker {
        self.worker.as_mut().expect("it is there until this is consumed or dropped")
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        drop(self.worker.take());
        lock(&self.set.workers).leased -= 1;
        self.set.changed.notify_all();
    }
}

impl WorkerSet {
    /// The worker set of these settings. A forked process has none of its parent's workers.
    pub(super) fn of(settings: &Settings) -> Arc<Self> {
        let mut sets = lock(&SETS);
        let sets = sets.get_or_insert_default();
        let key = (process::id(), settings.clone());
        let new = || {
            Arc::new(WorkerSet {
                settings: settings.clone(),
                workers: Mutex::default(),
                changed: Condvar::new(),
            })
        };
        Arc::clone(sets.entry(key).or_insert_with(new))
    }

    /// An idle worker, or a new one. Where the system has no room for another, one that gets idle.
    ///
    /// # Errors
    ///
    /// Fails if there can be no worker at all.
    pub(super) fn lease(self: &Arc<Self>) -> Result<Leased, Failure> {
        let mut first_trial = None;
        loop {
            let mut workers = lock(&self.workers);
            // Taken out first: to start one takes its time.
            workers.leased += 1;
            let idle = workers.idle.pop();
            drop(workers);
            let mut leased = Leased { set: Arc::clone(self), worker: None };
            if let Some((_, worker)) = idle {
                KEPT.fetch_sub(1, SeqCst);
                if worker.is_alive() {
                    leased.worker = Some(worker);
                    return Ok(leased);
                }
                continue;
            }
            match Worker::start(&self.settings) {
                Ok(worker) => {
                    leased.worker = Some(worker);
                    return Ok(leased);
                }
                Err(NoWorker::Never(failure)) => return Err(failure),
                Err(NoWorker::NotNow(failure)) => {
                    drop(leased);
                    if first_trial.is_none() {
                        events::warn!("fewer worker processes than asked for: {}", failure.message());
                    }
                    let first_trial: &mut Instant = first_trial.get_or_insert_with(Instant::now);
                    self.wait_for_one(first_trial, failure)?;
                }
            }
        }
    }

    /// Waits until a worker gets idle or ends. Where there is none at all, for a moment.
    ///
    /// # Errors
    ///
    /// Fails with `failure` if there has been none for too long.
    fn wait_for_one(&self, none_since: &mut Instant, failure: Failure) -> Result<(), Failure> {
        let workers = lock(&self.workers);
        if workers.leased > 0 {
            let wait = |workers: &mut Members| workers.idle.is_empty() && workers.leased > 0;
            drop(self.changed.wait_timeout_while(workers, PATIENCE, wait));
            *none_since = Instant::now();
            return Ok(());
        }
        drop(workers);
        if none_since.elapsed() > PATIENCE {
            return Err(failure);
        }
        thread::sleep(PAUSE);
        Ok(())
    }

    /// Takes a worker back that has answered all its jobs.
    pub(super) fn give_back(self: &Arc<Self>, mut leased: Leased) {
        if self.settings.max_tasks.is_some_and(|most| leased.worker().done >= most) {
            return;
        }
        let worker = leased.worker.take();
        let mut workers = lock(&self.workers);
        workers.idle.extend(worker.map(|worker| (Instant::now(), worker)));
        let is_watched = mem::replace(&mut workers.is_watched, true);
        drop(workers);
        // It counts as leased until here, and wakes who waits for one.
        drop(leased);
        if KEPT.fetch_add(1, SeqCst) >= most_kept() {
            end_the_longest_idle();
        }
        if !is_watched {
            let set = Arc::clone(self);
            let watch = move || set.watch();
            // Without the thread they stay until this process ends.
            let _ = thread::Builder::new().name("rememo-idle".into()).spawn(watch);
        }
    }

    /// How many jobs a worker may have done before it is replaced.
    pub(super) fn jobs_left(&self, worker: &Worker) -> usize {
        self.settings.max_tasks.map_or(usize::MAX, |most| most.saturating_sub(worker.done).max(1))
    }

    /// Ends workers that are idle for too long, until there are none.
    fn watch(&self) {
        let mut workers = lock(&self.workers);
        while let Some(since) = workers.idle.first().map(|(since, _)| *since) {
            // Longer than a clock can tell is for ever.
            let left = since.checked_add(self.settings.idle_timeout);
            let left = left.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                let (_, worker) = workers.idle.remove(0);
                drop(workers);
                KEPT.fetch_sub(1, SeqCst);
                drop(worker);
                workers = lock(&self.workers);
            } else {
                let waited = self.changed.wait_timeout(workers, left);
                (workers, _) = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        workers.is_watched = false;
    }
}

/// Ends the worker of this process that has been idle for the longest time.
fn end_the_longest_idle() {
    let sets: Vec<Arc<WorkerSet>> = {
        let sets = lock(&SETS);
        let of_this_process = sets.iter().flatten().filter(|((process, _), _)| *process == process::id());
        of_this_process.map(|(_, set)| Arc::clone(set)).collect()
    };
    let since = |set: &Arc<WorkerSet>| lock(&set.workers).idle.first().map(|(since, _)| *since);
    let longest = sets.iter().filter_map(|set| Some((since(set)?, set))).min_by_key(|(since, _)| *since);
    if let Some((_, set)) = longest {
        let ended = {
            let mut workers = lock(&set.workers);
            (!workers.idle.is_empty()).then(|| workers.idle.remove(0))
        };
        KEPT.fetch_sub(usize::from(ended.is_some()), SeqCst);
    }
}

/// Idle workers of all settings that are kept: so many batches with settings of their own may come.
fn most_kept() -> usize {
    (2 * pool::cores()).max(8)
}
