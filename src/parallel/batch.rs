//! A batch of calls on its way: the queue of misses, and the helpers that empty it.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::pool::{self, Busy, Pool};
use crate::call::Call;
use crate::key::Key;
use crate::lease::Shared;
use crate::memory::{Attempt, Computed, Memory, MissReason};
use crate::task_error::TaskError;

/// What came of a call, by its place in the input.
pub(super) type Settled<T> = (usize, Result<T, TaskError>);

/// A helper takes several cheap items at a time, so that they take about this long together.
const TAKE: Duration = Duration::from_micros(50);
const TAKE_ITEMS: usize = 256;
/// A helper gives its thread to another batch that waits for one after this time; its own batch queues up again.
const SLICE: Duration = Duration::from_millis(10);

/// Calls that are neither hits nor done.
#[derive(Debug)]
pub(super) struct Batch<C: Call> {
    memory: Memory,
    fail_fast: bool,
    /// Most helpers at a time.
    most_helpers: usize,
    /// Nothing more is to be started.
    stopped: AtomicBool,
    state: Mutex<State<C>>,
    results: Mutex<Vec<Settled<C::Output>>>,
    /// Rung when the feeder may have something to do.
    pub(super) bell: Arc<Bell>,
}

#[derive(Debug)]
struct State<C> {
    queue: VecDeque<Item<C>>,
    /// Items whose key somebody outside this batch computes: waited for when there is nothing else to do.
    deferred: VecDeque<Item<C>>,
    /// The keys that are queued, deferred or running, with the items of equal key that came later.
    duplicates: HashMap<Key, Vec<Item<C>>>,
    /// Helpers that run or are about to.
    helpers: usize,
}

/// A call to be run.
#[derive(Debug)]
pub(super) struct Item<C> {
    pub(super) index: usize,
    pub(super) call: C,
    pub(super) work: Work,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Without a key, for this reason.
    Plain(MissReason),
    /// Under this key, whose look-up missed for this reason.
    Keyed(Key, MissReason),
}

/// Who takes items.
#[derive(Clone, Copy, Debug)]
enum Worker<'p> {
    /// A task of the pool.
    Helper(&'p Pool),
    /// The thread that called `run`, itself a thread of the pool.
    Caller,
}

impl<C> Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    pub(super) fn new(memory: Memory, most_helpers: usize, fail_fast: bool) -> Self {
        let state = State {
            queue: VecDeque::new(),
            deferred: VecDeque::new(),
            duplicates: HashMap::new(),
            helpers: 0,
        };
        Batch {
            memory,
            fail_fast,
            most_helpers,
            stopped: AtomicBool::new(false),
            state: Mutex::new(state),
            results: Mutex::default(),
            bell: Arc::default(),
        }
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Starts nothing more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Takes in the results of hits.
    pub(super) fn settle(&self, settled: Vec<Settled<C::Output>>) {
        if self.fail_fast && settled.iter().any(|(_, result)| result.is_err()) {
            self.stop();
        }
        lock(&self.results).extend(settled);
    }

    /// Takes in misses: distinct ones to the queue, duplicates to the one that they equal.
    pub(super) fn push(&self, items: Vec<Item<C>>) {
        let mut state = lock(&self.state);
        for item in items {
            if let Work::Keyed(key, _) = item.work {
                if let Some(duplicates) = state.duplicates.get_mut(&key) {
                    duplicates.push(item);
                    continue;
                }
                state.duplicates.insert(key, Vec::new());
            }
            state.queue.push_back(item);
        }
    }

    /// How many calls wait to be run.
    pub(super) fn waiting(&self) -> usize {
        let state = lock(&self.state);
        state.queue.len() + state.deferred.len()
    }

    /// How many helpers there should be more than there are; they count as started.
    pub(super) fn hire(&self) -> usize {
        let mut state = lock(&self.state);
        let wanted = self.most_helpers.min(state.queue.len() + state.deferred.len());
        let hired = wanted.saturating_sub(state.helpers);
        state.helpers += hired;
        hired
    }

    /// Whether nothing waits and nobody works.
    pub(super) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        state.queue.is_empty() && state.deferred.is_empty() && state.helpers == 0
    }

    pub(super) fn into_results(self) -> Vec<Settled<C::Output>> {
        self.results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// A helper's whole life, as a task of the pool.
    pub(super) fn help(&self, pool: &Pool) {
        pool.queued.fetch_sub(1, Ordering::Relaxed);
        if pool::is_busy() {
            // This thread waits inside an item. It will leave that item, and ring then.
            lock(&self.state).helpers -= 1;
            pool.ring_when_free(Arc::clone(&self.bell));
            return;
        }
        let worked = catch_unwind(AssertUnwindSafe(|| self.work(Worker::Helper(pool))));
        if worked.is_err() {
            // A value's own `Drop` or `Deserialize` panicked, outside of its task. The feeder must not wait for ever.
            self.stop();
            lock(&self.state).helpers -= 1;
        }
        self.bell.ring();
        worked.unwrap_or_else(|payload| resume_unwind(payload));
    }

    /// Runs items on the calling thread until none waits.
    pub(super) fn work_here(&self) {
        self.work(Worker::Caller);
    }

    fn work(&self, worker: Worker<'_>) {
        let _busy = Busy::begin();
        let _entered = self.memory.enter();
        let came = Instant::now();
        let mut settled = Vec::new();
        let mut most = 1;
        while let Some(taken) = self.take(most, worker) {
            let started = Instant::now();
            for item in taken.items {
                if !self.is_stopped() {
                    self.run(item, taken.patient, &mut settled);
                }
            }
            // Cheap items are taken by the dozen, others one by one, so that the last ones spread over all threads.
            most = if started.elapsed() < TAKE { (2 * most).min(TAKE_ITEMS) } else { 1 };
            if let Worker::Helper(pool) = worker
                && pool.queued.load(Ordering::Relaxed) > 0
                && came.elapsed() > SLICE
            {
                lock(&self.state).helpers -= 1;
                break;
            }
        }
        lock(&self.results).append(&mut settled);
    }

    /// Takes items from the queue, else one that was deferred. A helper that gets none has gone.
    fn take(&self, most: usize, worker: Worker<'_>) -> Option<Taken<C>> {
        let mut state = lock(&self.state);
        if self.is_stopped() {
            let State { queue, deferred, duplicates, .. } = &mut *state;
            queue.clear();
            deferred.clear();
            duplicates.clear();
        }
        // A fair share at most, so that no thread sits on work while another is idle.
        let share = state.queue.len().div_ceil(2 * (self.most_helpers + 1));
        let items: Vec<_> = {
            let count = most.min(share);
            state.queue.drain(..count).collect()
        };
        if !items.is_empty() {
            if state.queue.len() <= LOW_WATER {
                self.bell.ring();
            }
            return Some(Taken { items, patient: false });
        }
        if let Some(item) = state.deferred.pop_front() {
            return Some(Taken { items: vec![item], patient: true });
        }
        if matches!(worker, Worker::Helper(_)) {
            state.helpers -= 1;
        }
        None
    }

    /// Runs one item; defers it if somebody else computes it and this thread is not `patient`.
    fn run(&self, item: Item<C>, patient: bool, settled: &mut Vec<Settled<C::Output>>) {
        let Item { index, call, work } = item;
        let function = call.memo().map(|memo| memo.function.name());
        let failed = |payload: Box<dyn Any + Send>| TaskError::panicked(index, function, &*payload);
        let (key, reason) = match work {
            Work::Plain(MissReason::NotMemoized) => {
                let result = catch_unwind(AssertUnwindSafe(|| call.run())).map_err(failed);
                return self.finish(index, result, settled);
            }
            Work::Plain(reason) => {
                let run = AssertUnwindSafe(|| self.memory.run_plain(call, reason).value);
                return self.finish(index, catch_unwind(run).map_err(failed), settled);
            }
            Work::Keyed(key, reason) => (key, reason),
        };
        let compute = AssertUnwindSafe(|| self.memory.attempt(key, reason.clone(), call, patient));
        match catch_unwind(compute).map_err(failed) {
            Ok(Attempt::Busy(call)) => {
                lock(&self.state).deferred.push_back(Item { index, call, work: Work::Keyed(key, reason) });
            }
            Ok(Attempt::Done(Computed { value, shared, .. })) => {
                self.finish_duplicates(&key, &Ok(shared), settled);
                self.finish(index, Ok(value), settled);
            }
            Err(error) => {
                self.finish_duplicates(&key, &Err(error.clone()), settled);
                self.finish(index, Err(error), settled);
            }
        }
    }

    fn finish(
        &self,
        index: usize,
        result: Result<C::Output, TaskError>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        if self.fail_fast && result.is_err() {
            self.stop();
        }
        settled.push((index, result));
    }

    /// Gives the duplicates of a key what came of it. Where its value cannot be shared (it is an `Err` that is not kept,
    /// say), they are run in their turn.
    fn finish_duplicates(
        &self,
        key: &Key,
        result: &Result<Option<Shared>, TaskError>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        let Some(duplicates) = lock(&self.state).duplicates.remove(key) else { return };
        for item in duplicates {
            match result {
                Err(error) => self.finish(item.index, Err(error.at(item.index)), settled),
                Ok(shared) => {
                    let shared = shared.clone();
                    match shared.and_then(|shared| self.memory.take_shared(&item.call, shared)) {
                        Some(value) => self.finish(item.index, Ok(value), settled),
                        None => lock(&self.state).queue.push_front(item),
                    }
                }
            }
        }
    }
}

/// Items that a worker took, and whether it may wait for somebody else who computes them.
#[derive(Debug)]
struct Taken<C> {
    items: Vec<Item<C>>,
    patient: bool,
}

/// The feeder is told when so few calls wait.
pub(super) const LOW_WATER: usize = super::feed::WINDOW / 2;

/// Locks, whether or not another thread panicked meanwhile: user code runs under none of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
