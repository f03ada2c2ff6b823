//! Draws the input, and sees that there are helpers for it.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rayon::Scope;

use super::batch::{Batch, BatchTerms, Settled};
use super::elsewhere::Elsewhere;
use super::policy::Policy;
use super::pool::{Busy, Pool};
use super::progress::Shown;
use super::queue::{LOW_WATER, WINDOW};
use crate::call::Call;
use crate::memory::Memory;
use crate::panics::Quiet;

/// An input that is slow to draw is handed on after this time, so that the threads do not wait for a full window.
const DRAW: Duration = Duration::from_millis(2);

/// If no thread of the pool has come to a batch for so long, its caller works itself. All of them may be waiting for the
/// caller, as when a task starts a thread that runs a batch.
pub(super) const FORSAKEN: Duration = Duration::from_millis(200);

/// Runs a batch to its end.
pub(super) fn run<C, T>(
    calls: impl Iterator<Item = C>,
    jobs: usize,
    memory: Memory,
    elsewhere: Option<Elsewhere>,
    policy: Policy<T>,
    shown: &Shown,
) -> Vec<Settled<T>>
where
    C: Call<Output = T> + Send,
    T: Send,
{
    let (pool, nested) = Pool::for_batch(jobs);
    // Inside a task, the caller is one of the threads that work; and it starts no task of another batch while it waits.
    let _busy = nested.then(Busy::begin);
    let helpers = pool
        .as_deref()
        .map_or(0, |pool| if nested { jobs.min(pool.threads.current_num_threads()) - 1 } else { jobs });
    let works = nested || pool.is_none();
    let terms = BatchTerms { most_helpers: helpers, feeder_waits: !works, streams: false };
    let batch = Batch::new(memory, elsewhere, policy, terms, shown);
    if let Some(watch) = &batch.watch {
        watch.begin(|| calls.size_hint());
    }
    // One that goes on behind its end is not asked to.
    let calls = calls.fuse().map(Quiet::new).enumerate();
    let feed = |crew: Option<Crew<'_>>| Feeder { batch: &batch, crew, works }.feed(calls);
    match &pool {
        Some(pool) if !nested && rayon::current_thread_index().is_some() => {
            with_host(&batch, pool, |start| feed(Some(Crew { pool, start })));
        }
        Some(pool) => pool.threads.in_place_scope(|scope| {
            feed(Some(Crew { pool, start: &|helpers| start(scope, helpers, &batch, pool) }));
        }),
        None => feed(None),
    }
    batch.watch.as_ref().inspect(|watch| watch.finish());
    batch.results()
}

/// Starts helpers as tasks of the pool.
fn start<'scope, C>(scope: &Scope<'scope>, helpers: usize, batch: &'scope Batch<C>, pool: &'scope Pool)
where
    C: Call + Send + 'scope,
    C::Output: Send + 'scope,
{
    for _ in 0..helpers {
        scope.spawn(move |_| batch.help(pool));
    }
}

/// Runs `feed` with helpers started by a thread that is made for it.
///
/// A thread of the user's own rayon pool that waited for the scope of the helpers would wait inside of rayon, which makes it start
/// other tasks of that pool meanwhile, one on top of the other, until its stack is full.
fn with_host<C>(batch: &Batch<C>, pool: &Pool, feed: impl FnOnce(&dyn Fn(usize)))
where
    C: Call + Send,
    C::Output: Send,
{
    thread::scope(|threads| {
        let (asks, asked) = mpsc::channel();
        threads.spawn(move || {
            pool.threads.in_place_scope(|scope| {
                for helpers in asked {
                    start(scope, helpers, batch, pool);
                }
            });
        });
        // Moved in: the host's scope ends when `feed` has ended, even by a panic.
        feed(&move |helpers| {
            asks.send(helpers).expect("the host waits for asks until there is nobody to ask");
        });
    });
}

/// The thread that called `run`.
struct Feeder<'b, C: Call> {
    batch: &'b Batch<C>,
    crew: Option<Crew<'b>>,
    /// Whether this thread works too, instead of waiting while others do.
    works: bool,
}

/// Where helpers are started.
struct Crew<'b> {
    pool: &'b Pool,
    /// Starts so many.
    start: &'b dyn Fn(usize),
}

impl<C> Feeder<'_, C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn feed(&self, mut calls: impl Iterator<Item = (usize, Quiet<C>)>) {
        // If drawing the input panics, what has not started is dropped.
        let mut on_panic = StopOnDrop(Some(self.batch));
        while !self.batch.is_stopped() {
            // Half a window, so that the other half is worked at meanwhile.
            let drawn = draw(&mut calls, WINDOW - LOW_WATER);
            if drawn.is_empty() {
                self.batch.watch.as_ref().inspect(|watch| watch.drew_all());
                break;
            }
            self.batch.push(drawn);
            self.wait_until(|| self.batch.waiting() <= LOW_WATER);
        }
        self.batch.set_exhausted(true);
        self.wait_until(|| self.batch.is_idle());
        on_panic.0 = None;
    }

    /// Sees that the calls are worked at until `done`.
    fn wait_until(&self, done: impl Fn() -> bool) {
        loop {
            if let Some(Crew { pool, start }) = self.crew {
                match self.batch.hire(pool) {
                    0 => {}
                    helpers => start(helpers),
                }
            }
            if self.works {
                // What other threads still work at is waited for at the end of the scope.
                return self.batch.work_here();
            }
            if done() {
                return;
            }
            if !self.batch.is_forsaken() {
                self.batch.hear();
            } else if !self.batch.bell.hear(FORSAKEN) && self.batch.is_forsaken() {
                self.batch.work_here();
            }
        }
    }
}

/// Draws the next calls, at most so many; fewer, if that takes long, so that the threads do not wait for a full window.
pub(super) fn draw<T>(calls: &mut impl Iterator<Item = T>, most: usize) -> Vec<T> {
    let started = Instant::now();
    let mut drawn = Vec::new();
    // The clock costs as much as many a call: an input that was quick so far is looked at every eighth time.
    let is_late = |drawn: usize| (drawn < 8 || drawn.is_multiple_of(8)) && started.elapsed() >= DRAW;
    while drawn.len() < most && (drawn.is_empty() || !is_late(drawn.len())) {
        match calls.next() {
            Some(call) => drawn.push(call),
            None => break,
        }
    }
    drawn
}

/// Stops the batch, unless it came to its end.
struct StopOnDrop<'b, C>(Option<&'b Batch<C>>)
where
    C: Call + Send,
    C::Output: Send;

impl<C> Drop for StopOnDrop<'_, C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn drop(&mut self) {
        if let Some(batch) = self.0 {
            batch.stop();
        }
    }
}
