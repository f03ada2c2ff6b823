//! A batch of calls on its way, and the helpers that work at it. What is left to do is in [`queue`](super::queue).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::elsewhere::Elsewhere;
use super::item::{Done, Item, Ran, Work, panicked, subject_of};
use super::policy::Policy;
use super::pool::{self, Busy, Pool, Starved};
use super::progress::{Came, PATIENCE, Run, Shown, Watch};
use super::queue::{LOW_WATER, State, Taken};
use crate::call::Call;
use crate::memory::{Memory, MissReason, Outbox, Probe};
use crate::panics;
use crate::store::Lookup;
use crate::task_error::TaskError;

/// What came of a call, by its place in the input.
pub(super) type Settled<T> = (usize, Result<T, TaskError>);

/// A helper takes several cheap items at a time, so that they take about this long together.
const TAKE: Duration = Duration::from_micros(200);
const TAKE_ITEMS: usize = 256;
/// A helper gives its thread to another batch that waits for one after this time; its own batch queues up again.
pub(super) const SLICE: Duration = Duration::from_millis(10);

/// Calls that are not done.
#[derive(Debug)]
pub(super) struct Batch<C: Call> {
    memory: Memory,
    /// Where misses are run, if not on the threads of the pool.
    elsewhere: Option<Elsewhere>,
    policy: Policy<C::Output>,
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
    /// Who is told how far it is.
    pub(super) watch: Option<Watch>,
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
    pub(super) fn new(
        memory: Memory,
        elsewhere: Option<Elsewhere>,
        policy: Policy<C::Output>,
        terms: BatchTerms,
        shown: &Shown,
    ) -> Self {
        panics::install();
        let BatchTerms { most_helpers, feeder_waits, streams } = terms;
        let threads = most_helpers + usize::from(!feeder_waits);
        let watch = shown.begin(pool::is_busy());
        Batch {
            watch: watch.map(|progress| Watch::new(progress, memory.clone(), threads)),
            memory,
            elsewhere,
            policy,
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
        let (drawn, mut plain) = (calls.len(), 0);
        let mut state = lock(&self.state);
        for (index, call) in calls {
            if call.memo().is_some() {
                state.drawn.push_back((index, call));
            } else {
                state.queue(Item::new(index, call, Work::Plain(MissReason::NotMemoized)), None);
                plain += 1;
            }
        }
        if let Some(watch) = &self.watch {
            watch.looked_up(plain);
            watch.missed(plain, None);
            drop(state);
            watch.drew(drawn);
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
            pool.ring_when_free(self.starving());
        }
        hired
    }

    /// Waits until the bell rings, or there is something to be told meanwhile.
    pub(super) fn hear(&self) {
        match &self.watch {
            None => {
                self.bell.hear(Duration::MAX);
            }
            Some(watch) => {
                if !self.bell.hear(PATIENCE) {
                    watch.changed();
                }
            }
        }
    }

    /// Who is to be told when a thread is free.
    fn starving(&self) -> Arc<dyn Starved> {
        Arc::clone(&self.bell) as Arc<dyn Starved>
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
                pool.ring_when_free(self.starving());
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
        // Where nothing is to be drawn, whoever draws has nothing to do: to wake it up costs more than many a call.
        let draws = !state.exhausted && state.waiting() <= LOW_WATER;
        drop(state);
        if draws {
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
        let (mut missed, looked_up) = (Vec::new(), calls.len());
        let (mut keys, mut keyed) = (Vec::with_capacity(calls.len()), Vec::with_capacity(calls.len()));
        for (index, call) in calls {
            match self.guarded(index, &call, |call| self.memory.key_of(call), settled) {
                Some(Ok(key)) => {
                    keys.push(key);
                    keyed.push((index, call));
                }
                Some(Err(reason)) => missed.push((Item::new(index, call, Work::Plain(reason)), None)),
                None => {}
            }
        }
        for (((index, call), key), found) in keyed.into_iter().zip(&keys).zip(self.memory.find_all(&keys)) {
            let took = found.as_ref().ok().and_then(Lookup::compute_time);
            match self.guarded(index, &call, |call| self.memory.take(call, *key, found), settled) {
                Some(Probe::Hit(value)) => {
                    let took = took.unwrap_or_default();
                    self.finish(index, Came::Remembered(took), Ok(value), settled);
                }
                Some(Probe::Miss(key, reason)) => {
                    missed.push((Item::new(index, call, Work::Keyed(key, reason)), took));
                }
                Some(Probe::Plain(reason)) => {
                    missed.push((Item::new(index, call, Work::Plain(reason)), None));
                }
                None => {}
            }
        }
        if let Some(watch) = &self.watch {
            watch.looked_up(looked_up);
            watch.changed();
        }
        if !missed.is_empty() {
            self.queue(missed);
        }
    }

    /// Queues calls that missed, each with the time that it took before, if its entry tells.
    fn queue(&self, mut missed: Vec<(Item<C>, Option<Duration>)>) {
        // Who takes results as they come wants the first ones first.
        if self.streams {
            for (_, time) in &mut missed {
                *time = None;
            }
        } else {
            let earlier = || self.memory.earlier_times(missed.iter().map(|(item, _)| &item.call));
            // If the `Serialize` of an argument panics, it has done so before, and will be told of then.
            let earlier = catch_unwind(AssertUnwindSafe(earlier)).unwrap_or_default();
            for ((_, time), earlier) in missed.iter_mut().zip(earlier) {
                *time = time.or(earlier);
            }
        }
        let function = missed.first().and_then(|(item, _)| item.call.memo()).map(|memo| memo.function);
        let mut state = lock(&self.state);
        let queued =
            missed.into_iter().map(|(item, time)| state.queue(item, time)).filter(|&new| new).count();
        if let Some(watch) = &self.watch {
            watch.missed(queued, function);
        }
        // What this thread takes next needs no further helper.
        let for_others = state.startable() > 1;
        drop(state);
        if for_others {
            self.bell.ring();
        }
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
                self.finish(index, Came::Failed, Err(error), settled);
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
        if let Some(elsewhere) = &self.elsewhere {
            let items = items.into_iter().take_while(|_| !self.is_stopped());
            let items = items.map(|item| (self.watch.as_ref().map(Watch::run), item));
            let terms = (patient, self.policy.retries);
            elsewhere.run(&self.memory, items, terms, outbox, &mut |run, ran| {
                done.extend(self.settle(run, ran, settled));
            });
            outbox.iter_mut().for_each(Outbox::send);
            return self.finish_duplicates(done, settled);
        }
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
        let run = self.watch.as_ref().map(Watch::run);
        let ran = item.run(&self.memory, patient, self.policy.retries, outbox);
        self.settle(run, ran, settled)
    }

    /// Takes note of what came of an attempt; the key and what came of it, if it had one and is done.
    fn settle(
        &self,
        run: Option<Run<'_>>,
        ran: Ran<C>,
        settled: &mut Vec<Settled<C::Output>>,
    ) -> Option<Done> {
        match ran {
            Ran::Done { index, result, origin, done } => {
                let came = run.as_ref().map_or(Came::Failed, |run| run.came_from(origin));
                self.finish(index, came, result, settled);
                done
            }
            Ran::Busy(item) => {
                run.into_iter().for_each(Run::leave);
                lock(&self.state).deferred.push_back(item);
                None
            }
            Ran::Again(item) => {
                run.into_iter().for_each(Run::leave);
                lock(&self.state).run_last(item);
                self.bell.ring();
                None
            }
        }
    }

    /// Takes note of what came of a call, and how.
    fn finish(
        &self,
        index: usize,
        came: Came,
        result: Result<C::Output, TaskError>,
        settled: &mut Vec<Settled<C::Output>>,
    ) {
        if let Some(watch) = &self.watch {
            watch.count(if self.policy.fails(&result) { Came::Failed } else { came });
        }
        if self.policy.stops(&result) {
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
            let index = item.index;
            match item.share(&self.memory, result) {
                Ok(result) => self.finish(index, Came::Merged, result, settled),
                Err(item) => {
                    if let Some(watch) = &self.watch {
                        watch.missed(1, None);
                    }
                    lock(&self.state).run_next(item);
                    self.bell.ring();
                }
            }
        }
    }
}

/// Locks, whether or not another thread panicked meanwhile: user code runs under none of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
