//! Draws the input, looks it up, and keeps the queue of misses filled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rayon::Scope;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::batch::{Batch, Item, LOW_WATER, Settled, Work};
use super::pool::Pool;
use crate::call::Call;
use crate::memory::{Memory, Probe};
use crate::task_error::TaskError;

/// Most calls that are drawn ahead of what is done.
pub(super) const WINDOW: usize = 1024;

/// An input that is slow to draw is handed on after this time, so that the threads do not wait for a full window.
const DRAW: Duration = Duration::from_millis(2);

/// Fewer look-ups than this are not worth waking threads for.
const FEW: usize = 32;

/// Runs a batch to its end.
pub(super) fn run<C, T>(
    calls: impl Iterator<Item = C>,
    jobs: usize,
    memory: Memory,
    fail_fast: bool,
) -> Vec<Settled<T>>
where
    C: Call<Output = T> + Send,
    T: Send,
{
    let here = Pool::here();
    let nested = here.is_some();
    let pool = here.or_else(|| {
        Pool::of(jobs)
            .inspect_err(|error| {
                log::warn!(target: "rememo", "{jobs} threads cannot be started, so one computes: {error}");
            })
            .ok()
    });
    // Inside a task, the caller is one of the threads that work.
    let helpers = pool
        .as_deref()
        .map_or(0, |pool| if nested { jobs.min(pool.threads.current_num_threads()) - 1 } else { jobs });
    let batch = Batch::new(memory, helpers, fail_fast);
    let calls = calls.enumerate();
    match &pool {
        Some(pool) => pool.threads.in_place_scope(|scope| {
            Feeder { batch: &batch, crew: Some(Crew { pool, scope }), works: nested }.feed(calls);
        }),
        None => Feeder { batch: &batch, crew: None, works: true }.feed(calls),
    }
    batch.into_results()
}

/// The thread that called `run`.
struct Feeder<'f, 'scope, C: Call> {
    batch: &'scope Batch<C>,
    crew: Option<Crew<'f, 'scope>>,
    /// Whether this thread runs items too, instead of waiting while others do.
    works: bool,
}

/// Where helpers are started.
struct Crew<'f, 'scope> {
    pool: &'scope Arc<Pool>,
    scope: &'f Scope<'scope>,
}

impl<'scope, C> Feeder<'_, 'scope, C>
where
    C: Call + Send + 'scope,
    C::Output: Send + 'scope,
{
    fn feed(&self, mut calls: impl Iterator<Item = (usize, C)>) {
        // If drawing the input panics, what has not started is dropped.
        let mut on_panic = StopOnDrop(Some(self.batch));
        while !self.batch.is_stopped() {
            let drawn = draw(&mut calls);
            if drawn.is_empty() {
                break;
            }
            self.sort(drawn);
            self.wait_until(|| self.batch.waiting() <= LOW_WATER);
        }
        self.wait_until(|| self.batch.is_idle());
        on_panic.0 = None;
    }

    /// Sees that the queue is worked at until `done`.
    fn wait_until(&self, done: impl Fn() -> bool) {
        loop {
            if let Some(Crew { pool, scope }) = self.crew {
                let batch = self.batch;
                for _ in 0..batch.hire() {
                    pool.queued.fetch_add(1, Ordering::Relaxed);
                    scope.spawn(move |_| batch.help(pool));
                }
            }
            if self.works {
                // What other threads still work at is waited for at the end of the scope.
                return self.batch.work_here();
            }
            if done() {
                return;
            }
            self.batch.bell.hear();
        }
    }

    /// Looks the calls up; hits are done with, misses join the queue.
    fn sort(&self, drawn: Vec<(usize, C)>) {
        let probe = |(index, call): (usize, C)| {
            let probed = catch_unwind(AssertUnwindSafe(|| self.batch.memory().probe(&call)));
            (index, call, probed)
        };
        let probed: Vec<_> = match self.crew {
            Some(Crew { pool, .. })
                if drawn.len() >= FEW && drawn.iter().any(|(_, call)| call.memo().is_some()) =>
            {
                let probe = || drawn.into_par_iter().with_min_len(8).map(probe).collect();
                pool.threads.install(probe)
            }
            _ => drawn.into_iter().map(probe).collect(),
        };
        let (mut hits, mut misses) = (Vec::new(), Vec::new());
        for (index, call, probed) in probed {
            match probed {
                Ok(Probe::Hit(value)) => hits.push((index, Ok(value))),
                Ok(Probe::Miss(key, reason)) => {
                    misses.push(Item { index, call, work: Work::Keyed(key, reason) });
                }
                Ok(Probe::Plain(reason)) => misses.push(Item { index, call, work: Work::Plain(reason) }),
                Err(payload) => {
                    let function = call.memo().map(|memo| memo.function.name());
                    hits.push((index, Err(TaskError::panicked(index, function, &*payload))));
                }
            }
        }
        self.batch.settle(hits);
        self.batch.push(misses);
    }
}

/// Draws the next calls: at most half a window, so that the other half is worked at meanwhile.
fn draw<T>(calls: &mut impl Iterator<Item = T>) -> Vec<T> {
    let started = Instant::now();
    let mut drawn = Vec::new();
    while drawn.len() < WINDOW - LOW_WATER && (drawn.is_empty() || started.elapsed() < DRAW) {
        match calls.next() {
            Some(call) => drawn.push(call),
            None => break,
        }
    }
    drawn
}

struct StopOnDrop<'b, C: Call>(Option<&'b Batch<C>>)
where
    C: Send,
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
