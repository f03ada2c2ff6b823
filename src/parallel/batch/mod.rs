//! A batch of calls on its way, and the helpers that work at it. What is left to do is in [`queue`](super::queue); what a helper does
//! with what it takes from there, in [`look_up`] and [`run`].

mod look_up;
mod run;

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::elsewhere::Elsewhere;
use super::item::{Item, Work};
use super::policy::Policy;
use super::pool::{self, Busy, Pool, Starved};
use super::progress::{PATIENCE, Shown, Watch};
use super::queue::{LOW_WATER, State, Taken};
use crate::call::Call;
use crate::lock::lock;
use crate::memory::{Memory, MissReason};
use crate::panics::{self, Quiet};
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
    pub(super) fn push(&self, calls: Vec<(usize, Quiet<C>)>) {
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
        let wanted = state.wanted_helpers(self.most_helpers);
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
        lock(&self.state).is_idle()
    }

    /// Whether there is work, and no thread has come to a helper.
    pub(super) fn is_forsaken(&self) -> bool {
        lock(&self.state).is_forsaken()
    }

    /// Whether nobody works, and what is left of the batch will not start.
    pub(super) fn is_deserted(&self) -> bool {
        lock(&self.state).at_work == 0
    }

    /// Moves the results that there are to the end of `results`.
    pub(super) fn take_results(&self, results: &mut Vec<Settled<C::Output>>) {
        results.append(&mut lock(&self.results));
    }

    /// All results that there are.
    pub(super) fn results(&self) -> Vec<Settled<C::Output>> {
        mem::take(&mut lock(&self.results))
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
        let worked = panics::catch(|| self.work(Worker::Helper(pool)));
        if worked.is_err() {
            // Nothing of the user's is left that panics. The feeder must not wait for ever, should
            // that be wrong.
            self.stop();
            lock(&self.state).leave();
        }
        // The very last thing: a feeder that were told sooner would only wait for the end of this task.
        pool.release();
        lock(&self.state).helpers -= 1;
        self.bell.ring();
        worked.unwrap_or_else(|payload| panics::resume(payload));
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
        let mut settled = Settling { batch: self, settled: Vec::new() };
        let mut outbox = self.memory.outbox();
        let (mut most, mut any) = (1, false);
        while let Some(taken) = self.take(most, worker) {
            any = true;
            match taken {
                Taken::LookUps(calls) => self.look_up(calls, &mut settled.settled),
                Taken::Deferred(item) => self.run_all(vec![item], true, &mut outbox, &mut settled.settled),
                Taken::Items(items) => {
                    let started = Instant::now();
                    self.run_all(items, false, &mut outbox, &mut settled.settled);
                    // Cheap items are taken by the dozen, others one by one, so that the last ones spread over all threads.
                    most = if started.elapsed() < TAKE { (2 * most).min(TAKE_ITEMS) } else { 1 };
                }
            }
            if self.streams && !settled.settled.is_empty() {
                settled.hand_over();
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
        // Not under the lock: a `Drop` of the user's may take its time.
        drop(state);
        drop(dropped);
    }
}

/// Results of a worker, which are the batch's even if the worker panics.
struct Settling<'b, C: Call> {
    batch: &'b Batch<C>,
    settled: Vec<Settled<C::Output>>,
}

impl<C: Call> Settling<'_, C> {
    fn hand_over(&mut self) {
        lock(&self.batch.results).append(&mut self.settled);
    }
}

impl<C: Call> Drop for Settling<'_, C> {
    fn drop(&mut self) {
        self.hand_over();
    }
}

impl<C: Call> Drop for Batch<C> {
    fn drop(&mut self) {
        // Values that nobody has taken.
        panics::drop_each_quietly(mem::take(&mut *lock(&self.results)));
    }
}
