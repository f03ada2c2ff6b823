//! Results of a batch as they come, to a consumer that takes its time.
//!
//! # Invariants
//! 1. At most a window of calls is drawn and not delivered: neither inputs nor results pile up before a slow consumer.
//! 2. Input is drawn on the consumer's thread, inside `next`: what goes wrong there reaches the consumer.
//! 3. A result that can be delivered is, before the input is asked again; and each call can be started as soon as it is drawn.
//! 4. Once a stream is dropped nothing of it starts, and nothing of it runs.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::{Batch, BatchOptions, Role, has_work, is_over};
use crate::call::Call;
use crate::key::Key;
use crate::memory::Memory;
use crate::panics;
use crate::parallel::crew::{Load, Wish};
use crate::parallel::dispatch::Dispatch;
use crate::parallel::policy::Policy;
use crate::parallel::pool::{Need, Pool, PoolSize, Standing, Work};
use crate::parallel::progress::Audience;
use crate::parallel::queue::Queue;
use crate::task_error::TaskError;

/// Most calls that are drawn between two looks at the results.
const DRAWN: usize = 64;

/// An input that takes longer for a call is slow: what it is asked for holds back what is ready meanwhile.
const SLOW: Duration = Duration::from_millis(2);

/// How a stream runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::parallel) struct StreamOptions {
    pub(in crate::parallel) size: PoolSize,
    /// Most calls that are drawn and not delivered.
    pub(in crate::parallel) window: usize,
    /// Whether results are delivered in the order of the input.
    pub(in crate::parallel) ordered: bool,
}

/// A batch under way. An iterator over results with their places in the input.
#[derive(Debug)]
pub(in crate::parallel) struct Stream<I, C>
where
    C: Call + Send,
    C::Output: Send,
{
    /// `None` once it has come to its end, or has panicked.
    input: Option<I>,
    batch: Arc<Batch<C>>,
    pool: Option<Arc<Pool>>,
    options: StreamOptions,
    /// Whether it has ended.
    has_ended: bool,
    drawn: usize,
    delivered: usize,
    /// Results that are not delivered, by place.
    ready: BTreeMap<usize, Result<C::Output, TaskError>>,
    pace: Pace,
}

/// Whether a slow input is asked, or results are waited for first.
#[derive(Debug, Default)]
struct Pace {
    /// How long the input took for its last call, if it was slow.
    slow: Duration,
    /// How many waits in a row were in vain, and how many are left out for that.
    in_vain: u32,
    left_out: u32,
}

impl Pace {
    /// How long to wait for a result before the input is asked: as long as it took, unless that was in vain.
    fn patience(&mut self) -> Option<Duration> {
        if self.slow.is_zero() {
            return None;
        }
        if self.left_out > 0 {
            self.left_out -= 1;
            return None;
        }
        Some(self.slow)
    }

    fn waited(&mut self, in_vain: bool) {
        self.in_vain = if in_vain { (self.in_vain + 1).min(6) } else { 0 };
        self.left_out = (1 << self.in_vain) - 1;
    }
}

impl<I, C> Stream<I, C>
where
    I: Iterator<Item = C>,
    C: Call + Send + 'static,
    C::Output: Send,
{
    pub(in crate::parallel) fn new(
        input: I,
        memory: Memory,
        dispatch: Option<Dispatch>,
        policy: Policy<C::Output>,
        options: StreamOptions,
        audience: &Audience,
    ) -> Self {
        let (pool, _) = Pool::for_work(options.size);
        let most = pool.as_ref().map_or(1, |pool| options.size.jobs.min(pool.size()));
        let batch = Batch::new(memory, dispatch, policy, BatchOptions { most, streams: true }, audience);
        let batch = Arc::new(batch);
        batch.stand(pool.as_ref(), Standing::new(Streamed(Arc::downgrade(&batch))));
        Stream {
            input: Some(input),
            batch,
            pool,
            options,
            has_ended: false,
            drawn: 0,
            delivered: 0,
            ready: BTreeMap::new(),
            pace: Pace::default(),
        }
    }

    /// Whether the input is to be asked for more.
    fn is_to_draw(&self) -> bool {
        let has_room = self.drawn - self.delivered < self.options.window;
        let gathers = self.batch.dispatch.as_ref().is_some_and(Dispatch::gathers);
        // Others draw on before all that is drawn is started, so as not to have threads wait.
        let low = if gathers { self.options.window } else { self.options.window / 2 };
        has_room
            && self.input.is_some()
            && self.batch.crew.look(|queue, _| !queue.is_stopped() && queue.waiting() <= low)
    }

    /// Draws some calls: until there is no more room, or there may be results, or the input takes its time.
    fn draw(&mut self) {
        // Not there while it is asked: if it panics, it is not asked again.
        let Some(mut input) = self.input.take() else { return };
        self.batch.crew.change(|_| ());
        let room = self.options.window - (self.drawn - self.delivered);
        for _ in 0..room.min(DRAWN) {
            let started = Instant::now();
            let Some(call) = input.next() else {
                self.batch.crew.change(Queue::complete);
                self.batch.tally.as_ref().inspect(|tally| tally.drew_all());
                return;
            };
            let took = started.elapsed();
            let has_results = self.batch.push(self.drawn, call, |queue| !queue.results.is_empty());
            self.drawn += 1;
            self.pace.slow = if took >= SLOW { took } else { Duration::ZERO };
            if has_results || took >= SLOW {
                break;
            }
        }
        self.input = Some(input);
    }

    /// The result that is to be delivered next, if it is there.
    fn take(&mut self) -> Option<(usize, Result<C::Output, TaskError>)> {
        let fresh = self.batch.crew.change(|queue| mem::take(&mut queue.results));
        self.ready.extend(fresh);
        let next = self.ready.first_entry()?;
        (!self.options.ordered || *next.key() == self.delivered).then(|| next.remove_entry())
    }

    /// The first of the failures behind a gap that nothing will fill, since they stopped the batch.
    fn first_failure(&mut self) -> Option<(usize, Result<C::Output, TaskError>)> {
        let index = self.ready.iter().find_map(|(&index, result)| result.is_err().then_some(index))?;
        self.ready.remove_entry(&index)
    }

    /// Does what there is to do when no result can be delivered: works, if this is a thread of the pool; draws; or waits.
    fn go_on(&mut self) {
        let works = self.pool.as_ref().is_none_or(|pool| pool.is_here());
        let is_to_draw = self.is_to_draw();
        // Others first: what is drawn can be started by them, while this thread works.
        let is_fed = !is_to_draw || self.batch.crew.look(|queue, _| queue.waiting() > 0);
        if works && is_fed && self.batch.work(Role::Consumer) {
            return;
        }
        if is_to_draw {
            let outstanding = self.drawn - self.delivered - self.ready.len();
            if outstanding > 0
                && !works
                && let Some(patience) = self.pace.patience()
            {
                let is_met = self.batch.wait(Wish { is_met: has_news, works: false }, Some(patience));
                self.pace.waited(!is_met);
                if is_met {
                    return;
                }
            }
            return self.draw();
        }
        let is_met = if works { has_news_or_work } else { has_news };
        // If the wait is over for something to be told, another look does no harm.
        self.batch.wait(Wish { is_met, works }, None);
    }

    fn end(&mut self) {
        self.has_ended = true;
        self.batch.tally.as_ref().inspect(|tally| tally.finish());
    }
}

/// Whether there is a result, or there will be none.
fn has_news<C, R>(queue: &Queue<C, R>, load: Load) -> bool {
    !queue.results.is_empty() || is_over(queue, load)
}

fn has_news_or_work<C: Send, R: Send>(queue: &Queue<C, R>, load: Load) -> bool {
    has_news(queue, load) || has_work(queue, load)
}

impl<I, C> Iterator for Stream<I, C>
where
    I: Iterator<Item = C>,
    C: Call + Send + 'static,
    C::Output: Send,
{
    type Item = (usize, Result<C::Output, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        if let (Some(tally), Some(input)) = (&self.batch.tally, &self.input) {
            tally.begin(|| input.size_hint());
        }
        while !self.has_ended {
            // Asked before the results are looked at: what was done by then is among them.
            let is_stopped = self.batch.crew.look(|queue, load| queue.is_stopped() && load.at_work == 0);
            if let Some(result) = self.take() {
                self.delivered += 1;
                self.has_ended = self.batch.policy.stops(&result.1);
                return Some(result);
            }
            if is_stopped {
                self.end();
                return self.first_failure();
            }
            if self.input.is_none() && self.delivered == self.drawn {
                self.end();
                return None;
            }
            self.go_on();
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
        self.batch.wait(Wish { is_met: is_over, works: false }, None);
        self.batch.drop_rest();
        panics::drop_each_quietly(mem::take(&mut self.ready).into_values());
        self.batch.tally.as_ref().inspect(|tally| tally.finish());
    }
}

/// The batch of a stream, as the line of its pool has it.
struct Streamed<C: Call + Send>(Weak<Batch<C>>)
where
    C::Output: Send;

impl<C> Work for Streamed<C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn serve(&self, pool: &Arc<Pool>) {
        if let Some(batch) = self.0.upgrade() {
            batch.work(Role::Server(pool));
        }
    }

    fn stand_in(&self) {
        if let Some(batch) = self.0.upgrade() {
            batch.work(Role::StandIn);
        }
    }

    fn need(&self) -> Need {
        self.0.upgrade().map_or(Need::Nothing, |batch| batch.need())
    }

    fn wake(&self, key: Key) {
        if let Some(batch) = self.0.upgrade() {
            batch.crew.change(|queue| queue.wake(key));
        }
    }

    fn due(&self) {
        if let Some(batch) = self.0.upgrade() {
            batch.release();
        }
    }

    fn depends_on(&self) -> Vec<ThreadId> {
        self.0.upgrade().map_or_else(Vec::new, |batch| batch.depends_on())
    }

    fn free(&self, threads: &HashSet<ThreadId>) {
        if let Some(batch) = self.0.upgrade() {
            batch.free(threads);
        }
    }
}

impl<C: Call + Send> fmt::Debug for Streamed<C>
where
    C::Output: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streamed(..)")
    }
}
