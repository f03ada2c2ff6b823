//! Thread pools: one for each size and stack size asked for, kept for the life of the process.
//!
//! The threads are rayon's, so that a user's own rayon code inside a task is shared among the threads of the same pool. rayon
//! wakes a thread when the [line](super::crew::Line) calls one; what the thread does then, the line says.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::crew::{Arrival, Line, Real};
use super::watch;
use crate::events;
use crate::key::Key;
use crate::lease::{Awaited, Watcher};
use crate::lock::lock;
use crate::panics;

/// A thread gives way to other work in line after this time.
pub(super) const SLICE: Duration = Duration::from_millis(10);

/// The stack of a thread of a pool, unless it is set: what a main thread usually has. Pages that are not touched cost nothing.
const STACK: usize = 8 * 1024 * 1024;

/// Work that wants threads of a pool.
pub(super) trait Work: fmt::Debug + Send + Sync {
    /// Works at it on this thread, which serves the line of `pool`, for one turn.
    fn serve(&self, pool: &Arc<Pool>);

    /// Works at it on this thread, until nothing can be started or another thread works.
    fn stand_in(&self);

    /// What it wants.
    fn need(&self) -> Need;

    /// The key of a call may be asked for again that was left to somebody else.
    fn wake(&self, key: Key);

    /// As [`Awaited`] has it.
    fn depends_on(&self) -> Vec<ThreadId>;

    /// As [`Awaited`] has it.
    fn free(&self, threads: &HashSet<ThreadId>);
}

/// What work wants of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// It is in line for more threads.
    More,
    /// Something can be started, and nobody works.
    Anyone,
}

/// Work as the line of a pool has it.
#[derive(Debug)]
pub(super) struct Standing {
    work: Box<dyn Work>,
    /// Whether [`watch`] looks whether threads come to it.
    pub(super) is_watched: AtomicBool,
}

impl Standing {
    pub(super) fn new(work: impl Work + 'static) -> Arc<Self> {
        Arc::new(Standing { work: Box::new(work), is_watched: AtomicBool::new(false) })
    }

    pub(super) fn work(&self) -> &dyn Work {
        &*self.work
    }

    /// Who is told that the key of a call may be asked for again.
    pub(super) fn watcher(self: &Arc<Self>, key: Key) -> Arc<dyn Watcher> {
        Arc::new(KeyOf { work: Arc::clone(self), key })
    }
}

impl Awaited for Standing {
    fn depends_on(&self) -> Vec<ThreadId> {
        self.work.depends_on()
    }

    fn free(&self, threads: &HashSet<ThreadId>) {
        self.work.free(threads);
    }
}

/// A key of some work.
struct KeyOf {
    work: Arc<Standing>,
    key: Key,
}

impl Watcher for KeyOf {
    fn wake(&self) {
        self.work.work().wake(self.key);
    }
}

/// A pool of threads, and the work that waits for one of them.
#[derive(Debug)]
pub(super) struct Pool {
    threads: ThreadPool,
    line: Line<Real, Arc<Standing>>,
}

/// What tells one pool from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PoolSize {
    pub(super) jobs: usize,
    /// Bytes; `None`: the default.
    pub(super) stack: Option<usize>,
}

/// The pools of a process, by its id: in a forked one the threads of those from before are missing.
type Pools = HashMap<(u32, PoolSize), Arc<Pool>>;

thread_local! {
    /// The pool that this thread belongs to, or stands in for.
    static HOME: OnceCell<Arc<OnceLock<Weak<Pool>>>> = const { OnceCell::new() };
}

impl Pool {
    /// The pool that work from this thread is done by, if there can be one, and whether this is one of its threads.
    pub(super) fn for_work(size: PoolSize) -> (Option<Arc<Pool>>, bool) {
        if let Some(pool) = Pool::here() {
            return (Some(pool), true);
        }
        let warn = |error: &ThreadPoolBuildError| {
            let jobs = size.jobs;
            events::warn!("{jobs} threads cannot be started, so the one that asks computes: {error}");
        };
        (Pool::of(size).inspect_err(warn).ok(), false)
    }

    /// The pool that this thread belongs to, if to any.
    pub(super) fn here() -> Option<Arc<Pool>> {
        HOME.try_with(|home| home.get()?.get()?.upgrade()).ok()?
    }

    /// Whether this thread belongs to the pool.
    pub(super) fn is_here(&self) -> bool {
        Pool::here().is_some_and(|pool| std::ptr::eq(&raw const *pool, self))
    }

    /// The pool of a size.
    ///
    /// # Errors
    ///
    /// Fails if the system gives no more threads.
    fn of(size: PoolSize) -> Result<Arc<Pool>, ThreadPoolBuildError> {
        static POOLS: Mutex<Option<Pools>> = Mutex::new(None);
        let mut pools = lock(&POOLS);
        let pools = pools.get_or_insert_default();
        let key = (process::id(), size);
        if let Some(pool) = pools.get(&key) {
            return Ok(Arc::clone(pool));
        }
        // Every thread keeps a place for its pool, which is filled before anybody else can give the pool a task.
        let home = Arc::new(OnceLock::new());
        let place = Arc::clone(&home);
        let jobs = size.jobs;
        let threads = ThreadPoolBuilder::new()
            .num_threads(jobs)
            .stack_size(size.stack.unwrap_or(STACK))
            .thread_name(move |index| format!("rememo-{jobs}-{index}"))
            .start_handler(move |_| {
                HOME.with(|home| {
                    home.get_or_init(|| Arc::clone(&place));
                });
            })
            .build()?;
        let pool = Arc::new(Pool { threads, line: Line::new(jobs) });
        home.get_or_init(|| Arc::downgrade(&pool));
        pools.insert(key, Arc::clone(&pool));
        Ok(pool)
    }

    /// How many threads it has.
    pub(super) fn size(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Gets work in line that wants so many threads.
    pub(super) fn call(self: &Arc<Self>, work: &Arc<Standing>, wanted: usize) {
        for _ in 0..self.line.join(Arc::clone(work), wanted) {
            let pool = Arc::clone(self);
            self.threads.spawn(move || pool.arrive(true));
        }
        watch::watch(self, work);
    }

    /// A thread of the pool that was called, or asked with all others.
    fn arrive(self: &Arc<Self>, was_called: bool) {
        // Inside a task this thread waits, in the user's rayon code, for something that may need what lies beneath it.
        match self.line.arrive(was_called, !is_busy()) {
            Arrival::Go => {}
            Arrival::AskAll => {
                let pool = Arc::clone(self);
                self.threads.spawn_broadcast(move |_| pool.arrive(false));
            }
            Arrival::Serve => {
                while let Some(work) = self.line.next() {
                    // Nothing is left to panic; if it does, the other work must not be forsaken.
                    let served = catch_unwind(AssertUnwindSafe(|| work.work().serve(self)));
                    served.unwrap_or_else(panics::discard);
                }
            }
        }
    }

    /// Whether other work is in line.
    pub(super) fn is_wanted(&self) -> bool {
        self.line.is_wanted()
    }

    /// How often one of its threads has looked for other work.
    pub(super) fn turns(&self) -> u64 {
        self.line.turns()
    }

    /// Runs `work` on this thread as on one of the pool.
    pub(super) fn stand_in(self: &Arc<Self>, work: &dyn Work) {
        let home = Arc::new(OnceLock::new());
        let _ = home.set(Arc::downgrade(self));
        HOME.with(|here| {
            here.get_or_init(|| home);
        });
        work.stand_in();
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
    }
}
