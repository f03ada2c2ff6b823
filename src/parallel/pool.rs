//! Thread pools: one for each size and stack size asked for, as long as it is used.
//!
//! The threads are rayon's, so that a user's own rayon code inside a task is shared among the threads of the same pool. rayon
//! wakes a thread when the [line](super::crew::Line) calls one; what the thread does then, the line says.
//!
//! rayon runs a job on whichever thread looks for one, also on top of the stack of a thread that waits for a piece of the user's own
//! rayon code. Such a thread must serve nobody: what it took on might need what lies beneath it, and whoever waits for the piece
//! would wait for as long as the line is served. rayon does not tell, but the stack does: a job at the bottom of a thread
//! begins where that thread's first job began, which every thread notes when the pool is made; one on top of a wait begins
//! deeper.

use std::cell::{Cell, OnceCell};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Barrier, Mutex, OnceLock, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::crew::{Arrival, Line, Real};
use super::watch;
use crate::events;
use crate::idle;
use crate::key::Key;
use crate::lease::{Awaited, Watcher, note_own_thread};
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

    /// Calls that were put off may be due.
    fn due(&self);

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
    /// Where all threads and whoever makes the pool meet, when it is made.
    noted: Barrier,
}

/// How a thread was made to come and serve: rayon runs it from different places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Summons {
    Called,
    Asked,
}

/// Where the stack is, as seen from a place that is reached in the same way each time.
#[inline(never)]
fn depth() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

fn note_bottom(summons: Summons) {
    let mut bottoms = BOTTOM.get();
    bottoms[summons as usize] = depth();
    BOTTOM.set(bottoms);
}

/// Whether nothing lies beneath on the stack of this thread. (Stacks grow downwards wherever Rust runs; the noted place may be some
/// frames off, a wait inside rayon takes more.)
fn is_at_bottom(summons: Summons) -> bool {
    const SLACK: usize = 512;
    depth() + SLACK >= BOTTOM.get()[summons as usize]
}

/// What tells one pool from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PoolSize {
    pub(super) jobs: usize,
    /// Bytes; `None`: the default.
    pub(super) stack: Option<usize>,
}

/// The pools of a process, by its id: in a forked one the threads of those from before are missing. Who uses a pool holds it;
/// [`idle`] keeps it for a while.
type Pools = HashMap<(u32, PoolSize), Weak<Pool>>;

thread_local! {
    /// Where the stack of this thread is when it is called at the bottom of its stack, and when it is asked with all others.
    static BOTTOM: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
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
            events::warn!(error = &error, "{jobs} threads cannot be started, so the one that asks computes");
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
        if let Some(pool) = pools.get(&key).and_then(Weak::upgrade) {
            idle::keep(&pool);
            return Ok(pool);
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
                note_own_thread();
                HOME.with(|home| {
                    home.get_or_init(|| Arc::clone(&place));
                });
            })
            .build()?;
        let noted = Barrier::new(jobs + 1);
        let pool = Arc::new(Pool { threads, line: Line::new(jobs), noted });
        home.get_or_init(|| Arc::downgrade(&pool));
        pool.note_bottoms();
        pools.insert(key, Arc::downgrade(&pool));
        idle::keep(&pool);
        Ok(pool)
    }

    /// How many threads it has.
    pub(super) fn size(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Gets work in line that wants so many threads.
    pub(super) fn call(self: &Arc<Self>, work: &Arc<Standing>, wanted: usize) {
        for _ in 0..self.line.join(Arc::clone(work), wanted) {
            self.spawn(Pool::arrive);
        }
        watch::watch(self, work);
    }

    /// Has one thread come.
    fn spawn(self: &Arc<Self>, act: fn(&Arc<Pool>, Summons)) {
        let pool = Arc::clone(self);
        self.threads.spawn(move || act(&pool, Summons::Called));
    }

    /// Has all threads come, each once.
    fn spawn_all(self: &Arc<Self>, act: fn(&Arc<Pool>, Summons)) {
        let pool = Arc::clone(self);
        self.threads.spawn_broadcast(move |_| act(&pool, Summons::Asked));
    }

    /// Has every thread note where its stack is at the bottom. The pool is new, so that is where they are.
    fn note_bottoms(self: &Arc<Self>) {
        for _ in 0..self.size() {
            // Each waits for all others, so that no thread takes two.
            self.spawn(|pool, summons| {
                note_bottom(summons);
                pool.noted.wait();
            });
        }
        self.noted.wait();
        self.spawn_all(|pool, summons| {
            note_bottom(summons);
            pool.noted.wait();
        });
        self.noted.wait();
    }

    /// A thread of the pool that was called, or asked with all others.
    fn arrive(self: &Arc<Self>, summons: Summons) {
        match self.line.arrive(summons == Summons::Called, !is_busy() && is_at_bottom(summons)) {
            Arrival::Go => {}
            Arrival::AskAll => self.spawn_all(Pool::arrive),
            Arrival::Serve => {
                while let Some(work) = self.line.next() {
                    // Nothing is left to panic; if it does, the other work must not be forsaken.
                    let _ = panics::catch(|| work.work().serve(self));
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
        note_own_thread();
        // The user's own rayon code stays on this thread: the threads of rayon's global pool may all wait for this very work.
        let alone = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        work.stand_in();
        drop(alone);
    }
}

/// The cores that this process may use: its affinity mask and the CPU quota of its control group count. Read once.
pub(super) fn cores() -> usize {
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Says how many cores this process may use, because it is one of several workers; to be called before anybody asks.
#[cfg(target_os = "linux")]
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
