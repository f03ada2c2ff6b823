//! The caller of a batch that returns all results at its end: draws the input, and waits.
//!
//! # Invariants
//! 1. Each call can be started as soon as it is drawn: an input may wait for what an earlier call of it does.
//! 2. A caller that is none of the pool's threads draws and waits, and does nothing else. One that is draws for some
//!    milliseconds, then works, and draws again between two calls when few are left.
//! 3. All that was lent to other threads is back when this returns, also by a panic of the input.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::{Batch, BatchOptions, Indexed, Role, has_work, is_over};
use crate::call::Call;
use crate::key::Key;
use crate::lock::lock;
use crate::memory::Memory;
use crate::parallel::crew::Wish;
use crate::parallel::dispatch::Dispatch;
use crate::parallel::policy::Policy;
use crate::parallel::pool::{Need, Pool, PoolSize, Standing, Work};
use crate::parallel::progress::Audience;
use crate::sys::lend::LentFunction;
use crate::task_error::TaskSubject;

/// A caller that works itself draws for so long at a time.
const DRAW: Duration = Duration::from_millis(2);

/// Runs a batch to its end.
pub(in crate::parallel) fn run<C, T>(
    calls: impl Iterator<Item = C>,
    size: PoolSize,
    memory: Memory,
    dispatch: Option<Dispatch>,
    policy: Policy<T>,
    audience: &Audience,
) -> Finished<T>
where
    C: Call<Output = T> + Send,
    T: Send,
{
    let (pool, is_nested) = Pool::for_work(size);
    let most = pool.as_ref().map_or(1, |pool| size.jobs.min(pool.size()));
    let works = is_nested || pool.is_none();
    let batch = Batch::new(memory, dispatch, policy, BatchOptions { most, streams: false }, audience);
    let answer = |ask: Ask| batch.answer(ask);
    LentFunction::while_lent(&answer, |lent| {
        batch.stand(pool.as_ref(), Standing::new(OnLoan(Arc::clone(lent))));
        let _stop = StopOnDrop(&batch);
        batch.feed(calls, works);
    });
    let results = batch.crew.change(|queue| mem::take(&mut queue.results));
    batch.drop_rest();
    batch.tally.as_ref().inspect(|tally| tally.finish());
    Finished { results, failures: mem::take(&mut lock(&batch.failures)) }
}

/// What has come of a batch.
pub(in crate::parallel) struct Finished<T> {
    /// In no particular order; none of what was dropped.
    pub(in crate::parallel) results: Vec<Indexed<T>>,
    /// What was called where a value is a failure.
    pub(in crate::parallel) failures: Vec<TaskSubject>,
}

/// A batch that its caller has lent out.
#[derive(Debug)]
struct OnLoan(Arc<LentFunction<Ask, Answer>>);

/// What is asked of a batch.
enum Ask {
    Serve(Arc<Pool>),
    StandIn,
    Need,
    Wake(Key),
    Due,
    DependsOn,
    Free(HashSet<ThreadId>),
}

enum Answer {
    Done,
    Need(Need),
    Threads(Vec<ThreadId>),
}

impl Work for OnLoan {
    fn serve(&self, pool: &Arc<Pool>) {
        self.0.call(Ask::Serve(Arc::clone(pool)));
    }

    fn stand_in(&self) {
        self.0.call(Ask::StandIn);
    }

    fn need(&self) -> Need {
        match self.0.call(Ask::Need) {
            Some(Answer::Need(need)) => need,
            _ => Need::Nothing,
        }
    }

    fn wake(&self, key: Key) {
        self.0.call(Ask::Wake(key));
    }

    fn due(&self) {
        self.0.call(Ask::Due);
    }

    fn depends_on(&self) -> Vec<ThreadId> {
        match self.0.call(Ask::DependsOn) {
            Some(Answer::Threads(threads)) => threads,
            _ => Vec::new(),
        }
    }

    fn free(&self, threads: &HashSet<ThreadId>) {
        self.0.call(Ask::Free(threads.clone()));
    }
}

impl<C> Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn answer(&self, ask: Ask) -> Answer {
        match ask {
            Ask::Serve(pool) => {
                self.work(Role::Server(&pool));
            }
            Ask::StandIn => {
                self.work(Role::StandIn);
            }
            Ask::Need => return Answer::Need(self.need()),
            Ask::Wake(key) => self.crew.change(|queue| queue.wake(key)),
            Ask::Due => self.release(),
            Ask::Free(threads) => self.free(&threads),
            Ask::DependsOn => return Answer::Threads(self.depends_on()),
        }
        Answer::Done
    }

    /// Draws the calls and sees the batch through; `works`: on this thread, too.
    fn feed(&self, calls: impl Iterator<Item = C>, works: bool) {
        if let Some(tally) = &self.tally {
            tally.begin(|| calls.size_hint());
        }
        let mut calls = calls.enumerate();
        let mut draws = true;
        loop {
            if draws && self.crew.look(|queue, _| queue.has_room() && !queue.is_stopped()) {
                draws = self.draw(&mut calls, works);
            }
            if works && self.work(Role::Caller { draws }) {
                continue;
            }
            let wish = match (draws, works) {
                (true, true) => |queue: &_, load| {
                    super::Queue::has_room(queue) || has_work(queue, load) || is_over(queue, load)
                },
                (true, false) => |queue: &_, load| super::Queue::has_room(queue) || is_over(queue, load),
                (false, true) => |queue: &_, load| has_work(queue, load) || is_over(queue, load),
                (false, false) => is_over,
            };
            self.wait(Wish { is_met: wish, works }, None);
            if self.crew.look(|queue, load| is_over(queue, load)) {
                return;
            }
        }
    }

    /// Draws calls until there are enough; one that `works` stops sooner. Whether there are more.
    fn draw(&self, calls: &mut impl Iterator<Item = (usize, C)>, works: bool) -> bool {
        let started = Instant::now();
        // The clock costs as much as many a call: an input that was quick so far is looked at every eighth time.
        let is_late = |drawn: usize| (drawn < 8 || drawn.is_multiple_of(8)) && started.elapsed() >= DRAW;
        if works {
            // This thread may be away for a while: what can be started is for others.
            self.crew.change(|_| ());
        }
        let mut drawn = 0;
        for (index, call) in calls.by_ref() {
            drawn += 1;
            let is_enough = self.push(index, call, |queue| queue.is_full() || queue.is_stopped());
            if is_enough || works && is_late(drawn) {
                return true;
            }
        }
        self.crew.change(super::Queue::complete);
        self.tally.as_ref().inspect(|tally| tally.drew_all());
        false
    }
}

/// Stops the batch when it is dropped: it is over then, or drawing its input has panicked. In the latter case it waits for what
/// runs.
struct StopOnDrop<'b, C>(&'b Batch<C>)
where
    C: Call + Send,
    C::Output: Send;

impl<C> Drop for StopOnDrop<'_, C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn drop(&mut self) {
        self.0.stop();
        self.0.wait(Wish { is_met: is_over, works: false }, None);
    }
}
