//! The workers of equal settings in this process: started when they are needed, kept while they are idle.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::child::Worker;
use super::settings::Settings;
use crate::remote::Failure;

/// Workers of equal settings.
#[derive(Debug)]
pub(super) struct Crew {
    settings: Settings,
    idle: Mutex<Idle>,
    /// Rung when the first worker gets idle.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Idle {
    /// Who has nothing to do, and since when; the last to come is the first to go.
    workers: Vec<(Instant, Worker)>,
    /// Whether a thread sees to those that are idle for too long.
    is_watched: bool,
}

impl Crew {
    /// The crew of these settings.
    pub(super) fn of(settings: &Settings) -> Arc<Self> {
        static CREWS: Mutex<Option<HashMap<Settings, Arc<Crew>>>> = Mutex::new(None);
        let mut crews = CREWS.lock().unwrap_or_else(PoisonError::into_inner);
        let crews = crews.get_or_insert_default();
        if let Some(crew) = crews.get(settings) {
            return Arc::clone(crew);
        }
        let crew =
            Arc::new(Crew { settings: settings.clone(), idle: Mutex::default(), changed: Condvar::new() });
        crews.insert(settings.clone(), Arc::clone(&crew));
        crew
    }

    /// An idle worker, or a new one.
    pub(super) fn lease(&self) -> Result<Worker, Failure> {
        loop {
            // Taken out first: to start one takes its time.
            let idle = self.lock().workers.pop();
            let Some((_, mut worker)) = idle else { return Worker::start(&self.settings) };
            if worker.is_alive() {
                return Ok(worker);
            }
        }
    }

    /// Takes a worker back that has answered all its jobs.
    pub(super) fn give_back(self: &Arc<Self>, worker: Worker) {
        if self.settings.max_tasks.is_some_and(|most| worker.done >= most) {
            return;
        }
        let mut idle = self.lock();
        idle.workers.push((Instant::now(), worker));
        if !mem::replace(&mut idle.is_watched, true) {
            drop(idle);
            let crew = Arc::clone(self);
            let watch = move || crew.watch();
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
        let mut idle = self.lock();
        while let Some(since) = idle.workers.first().map(|(since, _)| *since) {
            // Longer than a clock can tell is for ever.
            let end = since.checked_add(self.settings.idle_timeout);
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                let (_, worker) = idle.workers.remove(0);
                drop(idle);
                drop(worker);
                idle = self.lock();
            } else {
                let waited = self.changed.wait_timeout(idle, left);
                (idle, _) = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        idle.is_watched = false;
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
