//! Thread pools: one for each size asked for, kept for the life of the process.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::bell::Bell;

/// A pool of threads, and the batches that wait for one of them.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) threads: ThreadPool,
    /// Helpers that no thread has come to yet.
    pub(super) queued: AtomicUsize,
    starved: Mutex<Vec<Arc<Bell>>>,
}

thread_local! {
    /// The pool that this thread belongs to.
    static HOME: OnceCell<Weak<Pool>> = const { OnceCell::new() };
    /// Whether this thread is inside an item of a batch.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

impl Pool {
    /// The pool that this thread belongs to, if to any.
    pub(super) fn here() -> Option<Arc<Pool>> {
        HOME.with(|home| home.get().and_then(Weak::upgrade))
    }

    /// The pool of `jobs` threads.
    ///
    /// # Errors
    ///
    /// Fails if the system gives no more threads.
    pub(super) fn of(jobs: usize) -> Result<Arc<Pool>, ThreadPoolBuildError> {
        static POOLS: Mutex<Option<HashMap<usize, Arc<Pool>>>> = Mutex::new(None);
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = pools.get_or_insert_default();
        if let Some(pool) = pools.get(&jobs) {
            return Ok(Arc::clone(pool));
        }
        let threads = ThreadPoolBuilder::new()
            .num_threads(jobs)
            .thread_name(move |index| format!("rememo-{jobs}-{index}"))
            .build()?;
        let pool = Arc::new(Pool { threads, queued: AtomicUsize::new(0), starved: Mutex::default() });
        // Every thread notes where it belongs before any task can run on it.
        let home = Arc::downgrade(&pool);
        pool.threads.broadcast(|_| HOME.with(|cell| cell.get_or_init(|| home.clone()).strong_count()));
        pools.insert(jobs, Arc::clone(&pool));
        Ok(pool)
    }

    /// Asks for `bell` to be rung when this thread, which is busy, no longer is.
    pub(super) fn ring_when_free(&self, bell: Arc<Bell>) {
        self.starved.lock().unwrap_or_else(PoisonError::into_inner).push(bell);
    }

    fn ring_starved(&self) {
        let starved = std::mem::take(&mut *self.starved.lock().unwrap_or_else(PoisonError::into_inner));
        for bell in starved {
            bell.ring();
        }
    }
}

/// The cores that this process may use: its affinity mask and the CPU quota of its control group count. Read once.
pub(super) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Whether this thread is inside an item of a batch.
pub(super) fn is_busy() -> bool {
    BUSY.get()
}

/// Marks this thread as inside an item until it is dropped.
#[derive(Debug)]
pub(super) struct Busy {
    before: bool,
}

impl Busy {
    pub(super) fn begin() -> Self {
        Busy { before: BUSY.replace(true) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.set(self.before);
        // Left the outermost item: those that came while this thread was busy may come again.
        if !self.before
            && let Some(pool) = Pool::here()
        {
            pool.ring_starved();
        }
    }
}
