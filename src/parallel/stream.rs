//! Results of a batch as they come, to a consumer that takes its time.
//!
//! # Invariants
//! 1. At most a window of calls is drawn and not delivered: neither inputs nor results pile up before a slow consumer.
//! 2. Input is drawn on the consumer's thread, inside `next`: what goes wrong there reaches the consumer.
//! 3. Once a stream is dropped nothing of it starts, and nothing of it runs.

use std::collections::BTreeMap;
use std::iter::Fuse;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::batch::{Batch, BatchTerms};
use super::elsewhere::Elsewhere;
use super::feed::{FORSAKEN, draw};
use super::policy::Policy;
use super::pool::Pool;
use super::progress::Shown;
use crate::call::Call;
use crate::lock::lock;
use crate::memory::Memory;
use crate::panics::{self, Payload, Quiet};
use crate::task_error::TaskError;

/// Most calls that are drawn at a time.
const DRAWN: usize = 512;

/// How a stream runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamTerms {
    pub(super) jobs: usize,
    /// Most calls that are drawn and not delivered.
    pub(super) window: usize,
    /// Whether results are delivered in the order of the input.
    pub(super) ordered: bool,
}

/// A batch under way. An iterator over results with their places in the input.
#[derive(Debug)]
pub(super) struct Stream<I, C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// `None` once it has come to its end, or has panicked.
    input: Option<Fuse<I>>,
    batch: Arc<Batch<C>>,
    pool: Option<Arc<Pool>>,
    /// Whether this thread is one of the pool, so that it works too.
    works: bool,
    policy: Policy<C::Output>,
    terms: StreamTerms,
    /// Whether it has ended with a failure.
    failed: bool,
    drawn: usize,
    delivered: usize,
    /// Results that are not delivered, by place.
    ready: BTreeMap<usize, Result<C::Output, TaskError>>,
    /// What a helper panicked with.
    panic: Arc<Mutex<Option<Payload>>>,
}

impl<I, C> Stream<I, C>
where
    I: Iterator<Item = C>,
    C: Call + Send + 'static,
    C::Output: Send,
{
    pub(super) fn new(
        input: I,
        memory: Memory,
        elsewhere: Option<Elsewhere>,
        policy: Policy<C::Output>,
        terms: StreamTerms,
        shown: &Shown,
    ) -> Self {
        let jobs = terms.jobs;
        let (pool, nested) = Pool::for_batch(jobs);
        let threads = pool.as_deref().map_or(0, |pool| pool.threads.current_num_threads());
        let works = nested || pool.is_none();
        let most_helpers = if nested { jobs.min(threads) - 1 } else { jobs.min(threads) };
        let batch = BatchTerms { most_helpers, feeder_waits: !works, streams: true };
        Stream {
            // One that goes on behind its end is not asked to.
            input: Some(input.fuse()),
            batch: Arc::new(Batch::new(memory, elsewhere, policy, batch, shown)),
            pool,
            works,
            policy,
            terms,
            failed: false,
            drawn: 0,
            delivered: 0,
            ready: BTreeMap::new(),
            panic: Arc::default(),
        }
    }

    /// Draws calls, unless enough wait already or there is no room. Whether more should be drawn then.
    fn draw(&mut self) -> bool {
        let room = self.terms.window - (self.drawn - self.delivered);
        if room > 0
            && self.batch.waiting() <= self.terms.window / 2
            && let Some(mut input) = self.input.take()
        {
            let first = self.drawn;
            let drawn = draw(&mut input.by_ref().map(Quiet::new), room.min(DRAWN));
            if !drawn.is_empty() {
                self.input = Some(input);
                self.drawn += drawn.len();
                self.batch.push((first..).zip(drawn).collect());
            } else if let Some(watch) = &self.batch.watch {
                watch.drew_all();
            }
        }
        let is_full = self.drawn - self.delivered == self.terms.window;
        let rests = is_full || self.input.is_none();
        self.batch.set_exhausted(rests);
        !rests && self.batch.waiting() <= self.terms.window / 2
    }

    /// Starts helpers for what waits.
    fn hire(&self) {
        let Some(pool) = &self.pool else { return };
        for _ in 0..self.batch.hire(pool) {
            let (batch, panic) = (Arc::clone(&self.batch), Arc::clone(&self.panic));
            let helper = Arc::clone(pool);
            pool.threads.spawn(move || {
                if let Err(payload) = panics::catch(|| batch.help(&helper)) {
                    *lock(&panic) = Some(payload);
                    batch.bell.ring();
                }
            });
        }
    }

    /// The result that is to be delivered next, if it is there.
    fn take(&mut self) -> Option<(usize, Result<C::Output, TaskError>)> {
        let mut fresh = Vec::new();
        self.batch.take_results(&mut fresh);
        self.ready.extend(fresh);
        let next = self.ready.first_entry()?;
        (!self.terms.ordered || *next.key() == self.delivered).then(|| next.remove_entry())
    }

    /// Waits until there may be something to take, or works for it.
    fn wait(&self) {
        if self.works && self.batch.work_for_one() {
            return;
        }
        if !self.batch.is_forsaken() {
            self.batch.hear();
        } else if !self.batch.bell.hear(FORSAKEN) && self.batch.is_forsaken() {
            self.batch.work_for_one();
        }
    }

    /// The first of the failures behind a gap that nothing will fill, since they stopped the batch.
    fn first_failure(&mut self) -> Option<(usize, Result<C::Output, TaskError>)> {
        let index = self.ready.iter().find_map(|(&index, result)| result.is_err().then_some(index))?;
        self.ready.remove_entry(&index)
    }
}

impl<I, C> Iterator for Stream<I, C>
where
    I: Iterator<Item = C>,
    C: Call + Send + 'static,
    C::Output: Send,
{
    type Item = (usize, Result<C::Output, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        if let (Some(watch), Some(input)) = (&self.batch.watch, &self.input) {
            watch.begin(|| input.size_hint());
        }
        while !self.failed {
            // Asked before the results are looked at: what was done by then is among them.
            let is_over = self.batch.is_stopped() && self.batch.is_deserted();
            let hungry = !self.batch.is_stopped() && self.draw();
            self.hire();
            if let Some(payload) = lock(&self.panic).take() {
                panics::resume(payload);
            }
            if let Some(result) = self.take() {
                self.delivered += 1;
                self.failed = self.policy.stops(&result.1);
                return Some(result);
            }
            if is_over {
                self.failed = true;
                self.batch.watch.as_ref().inspect(|watch| watch.finish());
                return self.first_failure();
            }
            if self.input.is_none() && self.delivered == self.drawn {
                self.batch.watch.as_ref().inspect(|watch| watch.finish());
                return None;
            }
            if !hungry {
                self.wait();
            }
        }
        None
    }
}

impl<I, C> Drop for Stream<I, C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn drop(&mut self) {
        self.batch.stop();
        while !self.batch.is_deserted() {
            self.batch.bell.hear(Duration::MAX);
        }
        self.batch.drop_all();
        panics::drop_each_quietly(mem::take(&mut self.ready).into_values());
        self.batch.watch.as_ref().inspect(|watch| watch.finish());
    }
}
