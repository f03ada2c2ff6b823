//! Thread pools: one for each size asked for, kept for the life of the process.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::bell::Bell;
use crate::lock::lock;
use crate::panics;

/// A pool of threads, and the batches that wait for one of them.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) threads: ThreadPool,
    /// Threads without a helper. No more helpers are sent than there are threads: one that finds all threads taken by tasks that
    /// wait for its batch would never run, and its batch never end.
    free: AtomicUsize,
    /// Who waits to be told that a thread is free.
    starved: Mutex<Vec<Arc<dyn Starved>>>,
}

/// Who waits for a thread of a pool.
pub(super) trait Starved: fmt::Debug + Send + Sync {
    /// There may be one now.
    fn thread_is_free(self: Arc<Self>);
}

impl Starved for Bell {
    fn thread_is_free(self: Arc<Self>) {
        self.ring();
    }
}

thread_local! {
    /// The pool that this thread belongs to.
    static HOME: OnceCell<Arc<OnceLock<Weak<Pool>>>> = const { OnceCell::new() };
}

impl Pool {
    /// The pool that a batch from this thread is worked at by, if there can be one, and whether this is one of its threads.
    pub(super) fn for_batch(jobs: usize) -> (Option<Arc<Pool>>, bool) {
        if let Some(pool) = Pool::here() {
            return (Some(pool), true);
        }
        let warn = |error: &ThreadPoolBuildError| {
            event!(Warn, "{jobs} threads cannot be started, so one computes: {error}");
        };
        (Pool::of(jobs).inspect_err(warn).ok(), false)
    }

    /// The pool that this thread belongs to, if to any.
    pub(super) fn here() -> Option<Arc<Pool>> {
        HOME.try_with(|home| home.get()?.get()?.upgrade()).ok()?
    }

    /// The pool of `jobs` threads.
    ///
    /// # Errors
    ///
    /// Fails if the system gives no more threads.
    pub(super) fn of(jobs: usize) -> Result<Arc<Pool>, ThreadPoolBuildError> {
        static POOLS: Mutex<Option<HashMap<usize, Arc<Pool>>>> = Mutex::new(None);
        let mut pools = lock(&POOLS);
        let pools = pools.get_or_insert_default();
        if let Some(pool) = pools.get(&jobs) {
            return Ok(Arc::clone(pool));
        }
        // Every thread keeps a place for its pool, which is filled before anybody else can give the pool a task.
        let home = Arc::new(OnceLock::new());
        let place = Arc::clone(&home);
        let threads = ThreadPoolBuilder::new()
            .num_threads(jobs)
            .thread_name(move |index| format!("rememo-{jobs}-{index}"))
            .start_handler(move |_| {
                HOME.with(|home| {
                    home.get_or_init(|| Arc::clone(&place));
                });
            })
            .build()?;
        let pool = Arc::new(Pool { threads, free: AtomicUsize::new(jobs), starved: Mutex::default() });
        home.get_or_init(|| Arc::downgrade(&pool));
        pools.insert(jobs, Arc::clone(&pool));
        Ok(pool)
    }

    /// Takes up to `most` free threads for helpers; how many it got.
    pub(super) fn reserve(&self, most: usize) -> usize {
        let take = |free: usize| Some(free - free.min(most));
        let before = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        before.unwrap_or_default().min(most)
    }

    /// A helper is done with its thread.
    pub(super) fn release(&self) {
        self.free.fetch_add(1, Ordering::Relaxed);
        self.ring_starved();
    }

    /// Whether somebody waits for a thread.
    pub(super) fn is_wanted(&self) -> bool {
        !lock(&self.starved).is_empty()
    }

    /// Sees that `who` is told when a thread is free.
    pub(super) fn ring_when_free(&self, who: Arc<dyn Starved>) {
        let mut starved = lock(&self.starved);
        if !starved.iter().any(|known| ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(&who))) {
            starved.push(who);
        }
    }

    fn ring_starved(&self) {
        let starved = std::mem::take(&mut *lock(&self.starved));
        for who in starved {
            who.thread_is_free();
        }
    }
}

/// The cores that this process may use: its affinity mask and the CPU quota of its control group count. Read once.
pub(super) fn cores() -> usize {
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Says how many cores this process may use, because it is one of several workers; to be called before anybody asks.
pub(super) fn set_cores(cores: usize) {
    CORES.get_or_init(|| cores.max(1));
}

static CORES: OnceLock<usize> = OnceLock::new();

/// Whether this thread is inside an item of a batch.
pub(super) fn is_busy() -> bool {
    panics::is_inside_task()
}

/// Marks this thread as inside an item until it is dropped.
#[derive(Debug)]
pub(super) struct Busy {
    before: bool,
}

impl Busy {
    pub(super) fn begin() -> Self {
        Busy { before: panics::set_inside_task(true) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        panics::set_inside_task(self.before);
        // Left the outermost item: those that came while this thread was busy may come again.
        if !self.before
            && let Some(pool) = Pool::here()
        {
            pool.ring_starved();
        }
    }
}
