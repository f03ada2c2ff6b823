//! A batch of calls on its way, and the helpers that work at it. What is left to do is in [`queue`](super::queue).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::panics;
use super::pool::{self, Busy, Pool};
use super::queue::{Item, LOW_WATER, State, Taken, Work};
use crate::call::Call;
use crate::key::Key;
use crate::lease::Shared;
use crate::memory::{Attempt, Computed, Memory, MissReason, Outbox, Panic, Probe, Terms};
use crate::task_error::{TaskError, TaskSubject};

/// What came of a call, by its place in the input.
pub(super) type Settled<T> = (usize, Result<T, TaskError>);

/// A key that is done with, and what came of it: the bytes of its value, where they can be shared.
type Done = (Key, Result<Option<Shared>, TaskError>);

/// A helper takes several cheap items at a time, so that they take about this long together.
const TAKE: Duration = Duration::from_micros(200);
const TAKE_ITEMS: usize = 256;
/// A helper gives its thread to another batch that waits for one after this time; its own batch queues up again.
const SLICE: Duration = Duration::from_millis(10);

/// Calls that are not done.
#[derive(Debug)]
pub(super) struct Batch<C: Call> {
    memory: Memory,
    fail_fast: bool,
    /// Most helpers at a time.
    most_helpers: usize,
    /// Whether the feeder waits for the bell; else it works itself.
    feeder_waits: bool,
    /// Whether results are wanted as they come, not at the end.
    streams: bool,
    /// Nothing more is to be started.
    stopped: AtomicBool,
    state: Mutex<State<C>>,
    results: Mutex<Vec<Settled<C::Output>>>,
    /// Rung when the feeder may have something to do.
    pub(super) bell: Arc<Bell>,
}

/// How a batch is worked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchTerms {
    /// Most helpers at a time.
    pub(super) most_helpers: usize,
    /// Whether the feeder waits for the bell; else it works itself.
    pub(super) feeder_waits: bool,
    /// Whether nothing more is started after a failure.
    pub(super) fail_fast: bool,
    /// Whether results are wanted as they come, not at the end.
    pub(super) streams: bool,
}

/// Who works.
#[derive(Clone, Copy, Debug)]
enum Worker<'p> {
    /// A task of the pool.
    Helper(&'p Pool),
    /// The thread that called `run`.
    Caller,
    /// The consumer of a stream, which works until there is a result.
    Consumer,
}

impl<C> Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    pub(super) fn new(memory: Memory, terms: BatchTerms) -> Self {
        panics::install();
        let BatchTerms { most_helpers, feeder_waits, fail_fast, streams } = terms;
        Batch {
            memory,
            fail_fast,
            most_helpers,
            feeder_waits,
            streams,
            stopped: AtomicBool::new(false),
            state: Mutex::default(),
            results: Mutex::default(),
            bell: Arc::default(),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Starts nothing more.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Takes calls in. Those that have no key are queued at once.
    pub(super) fn push(&self, calls: Vec<(usize, C)>) {
        let mut state = lock(&self.state);
        for (index, call) in calls {
            if call.memo().is_some() {
                state.drawn.push_back((index, call));
            } else {
                state.queue(Item { index, call, work: Work::Plain(MissReason::NotMemoized) });
            }
        }
    }

    /// Says whether no more calls will come, or none before something is done.
    pub(super) fn set_exhausted(&self, exhausted: bool) {
        lock(&self.state).exhausted = exhausted;
    }

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.state).waiting()
    }

    /// Takes on as many helpers as there is work and `pool` has free threads for; they count as started.
    pub(super) fn hire(&self, pool: &Pool) -> usize {
        let mut state = lock(&self.state);
        let on_their_way = state.helpers - state.at_work;
        let wanted = state.startable().saturating_sub(on_their_way).min(self.most_helpers - state.helpers);
        let hired = pool.reserve(wanted);
        state.helpers += hired;
        if wanted > hired && self.feeder_waits {
            pool.ring_when_free(&self.bell);
        }
        hired
    }

    /// Whether nothing waits and nobody works.
    pub(super) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        state.helpers == 0 && state.startable() == 0
    }

    /// Whether there is work, and no thread has come to a helper.
    pub(super) fn is_forsaken(&self) -> bool {
        let state = lock(&self.state);
        state.at_work == 0 && state.startable() > 0
    }

    /// Whether nobody works, and what is left of the batch will not start.
    pub(super) fn is_deserted(&self) -> bool {
        lock(&self.state).at_work == 0
    }

    /// Moves the results that there are to the end of `results`.
    pub(super) fn take_results(&self, results: &mut Vec<Settled<C::Output>>) {
        results.append(&mut lock(&self.results));
    }

    pub(super) fn into_results(self) -> Vec<Settled<C::Output>> {
        self.results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// A helper's whole life, as a task of the pool.
    pub(super) fn help(&self, pool: &Pool) {
        if pool::is_busy() {
            // This thread waits inside an item. It will leave that item, and ring then.
            pool.release();
            lock(&self.state).helpers -= 1;
            if self.feeder_waits {
                pool.ring_when_free(&self.bell);
                if self.is_idle() {
                    self.bell.ring();
                }
            }
            return;
        }
        lock(&self.state).at_work += 1;
        let worked = catch_unwind(AssertUnwindSafe(|| self.work(Worker::Helper(pool))));
        if worked.is_err() {
            // A `Drop` of an argument panicked, outside of its task. The feeder must not wait for ever.
            self.stop();
            lock(&self.state).leave();
        }
        // The very last thing: a feeder that were told sooner would only wait for the end of this task.
        pool.release();
        lock(&self.state).helpers -= 1;
        self.bell.ring();
        worked.unwrap_or_else(|payload| resume_unwind(payload));
    }

    /// Works on the calling thread until nothing is left to start.
    pub(super) fn work_here(&self) {
        self.work(Worker::Caller);
    }

    /// Works on the calling thread until there is a result; whether there was anything to start.
    pub(super) fn work_for_one(&self) -> bool {
        self.work(Worker::Consumer)
    }

    /// Works until nothing is left to start, or this worker is to leave; whether there was anything to start.
    fn work(&self, worker: Worker<'_>) -> bool {
        let _busy = Busy::begin();
        let _entered = self.memory.enter();
        let came = Instant::now();
        let mut settled = Vec::new();
        let mut outbox = self.memory.outbox();
        let (mut most, mut any) = (1, false);
        while let Some(taken) = self.take(most, worker) {
            any = true;
            match taken {
                Taken::LookUps(calls) => self.look_up(calls, &mut settled),
                Taken::Deferred(item) => self.run_all(vec![item], true, &mut outbox, &mut settled),
                Taken::Items(items) => {
                    let started = Instant::now();
                    self.run_all(items, false, &mut outbox, &mut settled);
                    // Cheap items are taken by the dozen, others one by one, so that the last ones spread over all threads.
                    most = if started.elapsed() < TAKE { (2 * most).min(TAKE_ITEMS) } else { 1 };
                }
            }
            if self.streams && !settled.is_empty() {
                lock(&self.results).append(&mut settled);
                self.bell.ring();
                if let Worker::Consumer = worker {
                    break;
                }
            }
            if let Worker::Helper(pool) = worker
                && came.elapsed() > SLICE
                && pool.is_wanted()
            {
                lock(&self.state).leave();
                break;
            }
        }
        lock(&self.results).append(&mut settled);
        any
    }

    /// Takes calls to look up, else items from the queue, else one that was deferred. A helper that gets nothing has left.
    fn take(&self, most: usize, worker: Worker<'_>) -> Option<Taken<C>> {
        if self.is_stopped() {
            self.drop_all();
        }
        let mut state = lock(&self.state);
        let taken = state.take(most, self.most_helpers + 1);
        if taken.is_none()
            && let Worker::Helper(_) = worker
        {
            state.leave();
        }
        let waiting = state.waiting();
        drop(state);
        if waiting <= LOW_WATER {
            self.bell.ring();
        }
        taken
    }

    /// Drops all that has not started.
    pub(super) fn drop_all(&self) {
        let mut state = lock(&self.state);
        let dropped = state.take_all();
        // Not under the lock: a `Drop` of the user's may take its time, or panic.
        drop(state);
        drop(dropped);
    }

    /// Looks calls up in one go; hits are done with, distinct misses join the queue, duplicates the one that they equal.
    fn look_up(&self, calls: Vec<(usize, C)>, settled: &mut Vec<Settled<C::Output>>) {
        let mut missed = Vec::new();
        let (mut keys, mut keyed) = (Vec::with_capacity(calls.len()), Vec::with_capacity(calls.len()));
        for (index, call) in calls {
            match self.guarded(index, &call, |call| self.memory.key_of(call), settled) {
                Some(Ok(key)) => {
                    keys.push(key);
                    keyed.push((index, call));
                }
                Some(Err(reason)) => missed.push(Item { index, call, work: Work::Plain(reason) }),
                None => {}
            }
        }
        for (((index, call), key), found) in keyed.into_iter().zip(&keys).zip(self.memory.find_all(&keys)) {
            match self.guarded(index, &call, |call| self.memory.take(call, *key, found), settled) {
                Some(Probe::Hit(value)) => settled.push((index, Ok(value))),
                Some(Probe::Miss(key, reason)) => {
                    missed.push(Item { index, call, work: Work::Keyed(key, reason) });
                }
                Some(Probe::Plain(reason)) => missed.push(Item { index, call, work: Work::Plain(reason) }),
                None => {}
            }
        }
        if missed.is_empty() {
            return;
        }
        let mut state = lock(&self.state);
        for item in missed {
            state.queue(item);
        }
        drop(state);
        // There may be work for more helpers now.
        self.bell.ring();
    }

    /// Does something for a call that may run code of the user's; `None` if that panicked, which is what came of the call.
    fn guarded<R>(
        &self,
        index: usize,
        call: &C,
        act: impl FnOnce(&C) -> R,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Option<R> {
        let acted = catch_unwind(AssertUnwindSafe(|| act(call)));
        acted
            .map_err(|payload| {
                let error = panicked(subject_of(index, call), &*payload);
                self.finish(index, Err(error), settled);
            })
            .ok()
    }

    /// Runs items, stores their values together, and gives them to their duplicates.
    fn run_all<'m>(
        &'m self,
        items: Vec<Item<C>>,
        patient: bool,
        outbox: &mut Option<Outbox<'m>>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        let mut done = Vec::with_capacity(items.len());
        let mut sent = Instant::now();
        for item in items {
            if self.is_stopped() {
                break;
            }
            done.extend(self.run(item, patient, outbox, settled));
            // What waits has cost little: a killed process loses no more than that.
            if let Some(outbox) = outbox
                && sent.elapsed() > TAKE
            {
                outbox.send();
                sent = Instant::now();
            }
        }
        if let Some(outbox) = outbox {
            outbox.send();
        }
        self.finish_duplicates(done, settled);
    }

    /// Runs one item; defers it if somebody else computes it and this thread is not `patient`. Returns its key and what came of
    /// it, if it had one and is done.
    fn run<'m>(
        &'m self,
        item: Item<C>,
        patient: bool,
        outbox: &mut Option<Outbox<'m>>,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Option<Done> {
        let Item { index, call, work } = item;
        let (key, reason) = match work {
            Work::Plain(reason) => {
                let result = self.run_plain(index, call, reason);
                self.finish(index, result, settled);
                return None;
            }
            Work::Keyed(key, reason) => (key, reason),
        };
        let function = function_of(&call);
        let terms = match outbox {
            Some(outbox) => Terms::Batch { wait: patient, outbox },
            None => Terms::Single,
        };
        let compute = AssertUnwindSafe(|| self.memory.attempt(key, reason.clone(), call, terms));
        // What panics outside of `attempt`'s own care is something of the library's, or a decoder of the user's.
        let attempt = catch_unwind(compute)
            .unwrap_or_else(|payload| Attempt::Panicked(Panic { payload, arguments: String::new() }));
        let (result, shared) = match attempt {
            Attempt::Busy(call) => {
                lock(&self.state).deferred.push_back(Item { index, call, work: Work::Keyed(key, reason) });
                return None;
            }
            Attempt::Done(Computed { value, shared, .. }) => (Ok(value), Ok(shared)),
            Attempt::Panicked(Panic { payload, arguments }) => {
                let error = panicked(TaskSubject { index, function, arguments }, &*payload);
                (Err(error.clone()), Err(error))
            }
        };
        self.finish(index, result, settled);
        Some((key, shared))
    }

    /// Runs a call that has no key.
    fn run_plain(&self, index: usize, call: C, reason: MissReason) -> Result<C::Output, TaskError> {
        // Beside a function worth remembering its preview costs nothing; closures have none.
        let subject = subject_of(index, &call);
        let run = || match reason {
            MissReason::NotMemoized => call.run(),
            reason => self.memory.run_plain(call, reason).value,
        };
        catch_unwind(AssertUnwindSafe(run)).map_err(|payload| panicked(subject, &*payload))
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

    /// Gives the duplicates of keys what came of them. Where a value cannot be shared (it is an `Err` that is not kept,
    /// say), they are run in their turn.
    fn finish_duplicates(&self, done: Vec<Done>, settled: &mut Vec<Settled<C::Output>>) {
        if done.is_empty() {
            return;
        }
        let mut state = lock(&self.state);
        let duplicates: Vec<_> = done
            .into_iter()
            .flat_map(|(key, result)| {
                state.duplicates_of(&key).into_iter().map(move |item| (item, result.clone()))
            })
            .collect();
        drop(state);
        for (item, result) in duplicates {
            let shared = match result {
                Ok(shared) => shared,
                Err(error) => {
                    self.finish(item.index, Err(error.at(item.index)), settled);
                    continue;
                }
            };
            let take = || shared.and_then(|shared| self.memory.take_shared(&item.call, shared));
            match catch_unwind(AssertUnwindSafe(take)) {
                Ok(Some(value)) => self.finish(item.index, Ok(value), settled),
                Ok(None) => {
                    lock(&self.state).run_next(item);
                    self.bell.ring();
                }
                Err(payload) => {
                    let error = panicked(subject_of(item.index, &item.call), &*payload);
                    self.finish(item.index, Err(error), settled);
                }
            }
        }
    }
}

fn function_of<C: Call>(call: &C) -> Option<&'static str> {
    call.memo().map(|memo| memo.function.name())
}

/// What a failure of the call is told of.
fn subject_of<C: Call>(index: usize, call: &C) -> TaskSubject {
    // The `Serialize` of an argument may panic.
    let preview = || call.memo().map(|memo| (memo.function.name(), memo.preview()));
    match catch_unwind(AssertUnwindSafe(preview)) {
        Ok(Some((function, arguments))) => TaskSubject { index, function: Some(function), arguments },
        Ok(None) => TaskSubject { index, function: None, arguments: String::new() },
        Err(_) => TaskSubject { index, function: function_of(call), arguments: String::new() },
    }
}

/// The error of a task whose panic was just caught on this thread.
fn panicked(subject: TaskSubject, payload: &(dyn Any + Send)) -> TaskError {
    TaskError::panicked(subject, payload, panics::take_place(payload))
}

/// Locks, whether or not another thread panicked meanwhile: user code runs under none of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
