//! A batch of calls on its way, and what a thread does that works at it. What is left to do is in [`queue`](super::queue);
//! which threads come, and who is told of what, is the business of its [`Crew`]. What a thread does with what it takes: it
//! looks calls up ([`look_up`]), or runs what missed ([`run`]). Two callers: [`draw`] for a batch that returns all results
//! at its end, [`stream`] for one that gives them as they come.
//!
//! No thread of a batch waits for a key that somebody else computes. The batch puts the item away,
//! and the flight tells it when it has landed. For a lease that another process holds, a thread of
//! its own waits for the lock, and tells the batch likewise.

pub(super) mod draw;
mod look_up;
mod run;
pub(super) mod stream;

use std::collections::HashSet;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::attempt::panicked;
use super::crew::{Crew, Load, Queue as _, Real, Wish};
use super::dispatch::Dispatch;
use super::policy::Policy;
use super::pool::{self, Busy, Need, Pool, SLICE, Standing};
use super::progress::{Audience, Counted, PATIENCE, Tally};
use super::queue::{Queue, Taken};
use crate::call::Call;
use crate::key::Key;
use crate::lease::{Awaited, Doubt, Suspicion, Waiting, wait_for_work};
use crate::memory::{Memory, Outbox};
use crate::panics;
use crate::task_error::{TaskError, TaskSubject};

/// The result of a call, with its place in the input.
pub(super) type Indexed<T> = (usize, Result<T, TaskError>);

type BatchQueue<C> = Queue<C, Indexed<<C as Call>::Output>>;

/// A thread takes several cheap items at a time, so that they take about this long together.
const TAKE: Duration = Duration::from_micros(200);
const TAKE_ITEMS: usize = 256;

/// Calls that are not done.
pub(super) struct Batch<C: Call + Send>
where
    C::Output: Send,
{
    memory: Memory,
    /// Where misses are run, if not on the threads of the pool.
    dispatch: Option<Dispatch>,
    policy: Policy<C::Output>,
    /// Most threads at a time.
    most: usize,
    /// Whether results are wanted as they come, not at the end.
    streams: bool,
    crew: Crew<Real, BatchQueue<C>>,
    /// Whether the queue is stopped, to be seen without its lock. It is set first.
    is_stopped: AtomicBool,
    /// The batch, as the line of its pool has it.
    standing: OnceLock<Arc<Standing>>,
    /// Who is told how far it is.
    tally: Option<Tally>,
    /// Whether somebody is told of each hit.
    names_hits: bool,
    /// What was called where a value is a failure.
    failures: Mutex<Vec<TaskSubject>>,
}

/// How a batch is worked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchOptions {
    /// Most threads at a time.
    pub(super) most: usize,
    /// Whether results are wanted as they come, not at the end.
    pub(super) streams: bool,
}

/// Who works.
#[derive(Clone, Copy, Debug)]
enum Role<'p> {
    /// A thread that serves the line of its pool.
    Server(&'p Pool),
    /// A thread that stands in for one of the pool.
    StandIn,
    /// The thread that called `run`; whether it has input to draw yet.
    Caller { draws: bool },
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
        dispatch: Option<Dispatch>,
        mut policy: Policy<C::Output>,
        options: BatchOptions,
        audience: &Audience,
    ) -> Self {
        panics::install();
        let BatchOptions { mut most, streams } = options;
        if dispatch.as_ref().is_some_and(Dispatch::gathers) {
            most = 1;
        }
        let listeners = audience.begin(pool::is_busy());
        let tally = listeners.map(|listeners| Tally::new(listeners, memory.clone(), most));
        policy.names_calls = tally.as_ref().is_some_and(Tally::names_calls);
        Batch {
            names_hits: tally.as_ref().is_some_and(Tally::names_hits),
            failures: Mutex::default(),
            tally,
            memory,
            dispatch,
            policy,
            most,
            streams,
            crew: Crew::new(Queue::default(), most),
            is_stopped: AtomicBool::new(false),
            standing: OnceLock::new(),
        }
    }

    /// Has threads of `pool` called, if there is one; the line has the batch as `standing`.
    fn stand(&self, pool: Option<&Arc<Pool>>, standing: Arc<Standing>) {
        if let Some(pool) = pool {
            let (pool, standing) = (Arc::clone(pool), Arc::clone(&standing));
            self.crew.called_by(move |wanted| pool.call(&standing, wanted));
        }
        let _ = self.standing.set(standing);
    }

    /// Takes a call in; what it says of the queue then.
    fn push<R>(&self, index: usize, call: C, look: impl FnOnce(&BatchQueue<C>) -> R) -> R {
        let is_plain = call.memo().is_none();
        if let Some(tally) = &self.tally {
            if is_plain {
                tally.looked_up(1);
                tally.missed(1, None);
            }
            tally.drew(1);
        }
        self.crew.change(|queue| {
            if is_plain {
                queue.add_closure(index, call);
            } else {
                queue.push(index, call);
            }
            look(queue)
        })
    }

    /// Starts nothing more.
    fn stop(&self) {
        self.is_stopped.store(true, Relaxed);
        self.crew.change(Queue::stop);
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Relaxed)
    }

    /// Waits until the wish of the caller is met, or there is something to be told meanwhile.
    fn wait(&self, wish: Wish<BatchQueue<C>>, patience: Option<Duration>) -> bool {
        let Wish { is_met, works } = wish;
        let told = self.tally.as_ref().map(|_| PATIENCE);
        if self.crew.look(is_met) {
            return true;
        }
        let mut waiting = self.note_wait();
        let mut suspicion = Suspicion::of_this_thread(None);
        loop {
            let doubts = suspicion.as_ref().map(Suspicion::patience);
            let step = [patience, told, doubts].into_iter().flatten().min();
            if self.crew.wait(Wish { is_met, works }, step) {
                return true;
            }
            if let Some(tally) = &self.tally {
                tally.changed();
            }
            if patience.is_some() {
                return false;
            }
            // Somebody who computes a key of this batch may wait, inside rayon, for what lies beneath on this stack.
            let leaders: Vec<ThreadId> = self.crew.look(|queue, _| queue.awaited().collect());
            let Some(suspicion) = &mut suspicion else { continue };
            match suspicion.look(&leaders) {
                Doubt::None => {}
                Doubt::Quiet => {
                    drop(waiting.take());
                    suspicion.help();
                    waiting = self.note_wait();
                }
                Doubt::Circle => self.free(&leaders.into_iter().collect()),
            }
        }
    }

    /// Notes that this thread waits for the batch.
    fn note_wait(&self) -> Option<Waiting> {
        let work = Arc::clone(self.standing.get()?) as Arc<dyn Awaited>;
        Some(wait_for_work(&work))
    }

    /// Works until nothing can be started, or this thread is to leave; whether there was anything to do.
    fn work(&self, role: Role<'_>) -> bool {
        let _busy = Busy::begin();
        let _entered = self.memory.enter_for_task();
        let from_line = matches!(role, Role::Server(_));
        let Some(mut taken) = self.crew.enter(from_line, |queue| queue.take(1, self.most)) else {
            return false;
        };
        let started = Instant::now();
        let mut most = 1;
        let mut outbox = self.memory.outbox();
        let mut results = Vec::new();
        loop {
            let began = Instant::now();
            let is_run = matches!(taken, Taken::Items(_));
            self.process(taken, &mut outbox, &mut results);
            if is_run {
                // Cheap items are taken by the dozen, others one by one, so that the last ones spread over all threads.
                most = if began.elapsed() < TAKE { (2 * most).min(TAKE_ITEMS) } else { 1 };
            }
            if self.is_to_leave(role, started, &results) {
                self.crew.leave(|queue| queue.results.append(&mut results));
                return true;
            }
            let next = self.crew.step(|queue| {
                let next = queue.take(most, self.most);
                if self.streams || next.is_none() {
                    queue.results.append(&mut results);
                }
                next
            });
            match next {
                Some(next) => taken = next,
                None => return true,
            }
        }
    }

    /// Whether this thread has something else to do, between two takes.
    fn is_to_leave(&self, role: Role<'_>, started: Instant, results: &[Indexed<C::Output>]) -> bool {
        match role {
            Role::Server(pool) => started.elapsed() > SLICE && pool.is_wanted(),
            Role::StandIn => self.crew.look(|_, load| load.at_work > 1),
            Role::Caller { draws } => draws && self.crew.look(|queue, _| queue.has_room()),
            Role::Consumer => !results.is_empty(),
        }
    }

    /// Does what was taken. Whatever panics, something comes of each call.
    fn process<'m>(
        &'m self,
        taken: Taken<C>,
        outbox: &mut Option<Outbox<'m>>,
        results: &mut Vec<Indexed<C::Output>>,
    ) {
        let in_hand: Vec<(usize, Option<Key>)> = match &taken {
            Taken::LookUps(calls) => calls.iter().map(|(index, _)| (*index, None)).collect(),
            Taken::Items(items) => items.iter().map(|item| (item.index, item.key())).collect(),
        };
        let before = results.len();
        let done = panics::catch(|| match taken {
            Taken::LookUps(calls) => self.look_up(calls, results),
            Taken::Items(items) => self.run_all(items, outbox, results),
        });
        // All of the user's code is guarded where it runs; this is for mistakes of our own.
        if let Err(payload) = done {
            let error = panicked(TaskSubject::unknown(0), &payload);
            for (index, key) in in_hand {
                if results[before..].iter().all(|(other, _)| *other != index) {
                    self.finish(index, Counted::Failed, None, Err(error.at(index)), results);
                }
                key.inspect(|key| self.crew.change(|queue| queue.pass_on(key)));
            }
        }
    }

    /// Drops all that has not started, and the results that nobody has taken, on this thread. Nothing comes of them that a
    /// panic of theirs could be told in.
    fn drop_rest(&self) {
        let (calls, results) = self.crew.change(|queue| (queue.take_all(), mem::take(&mut queue.results)));
        panics::drop_each_quietly(calls);
        panics::drop_each_quietly(results);
    }

    fn need(&self) -> Need {
        let anyone = self.crew.look(|queue, load| load.at_work == 0 && queue.startable() > 0);
        match (anyone, self.crew.is_in_line()) {
            (true, _) => Need::Anyone,
            (false, true) => Need::More,
            (false, false) => Need::Nothing,
        }
    }

    /// Makes ready what was put off and is due.
    fn release(&self) {
        self.crew.change(|queue| queue.release(Instant::now()));
    }

    /// Makes ready what was left to one of `threads`.
    fn free(&self, threads: &HashSet<ThreadId>) {
        self.crew.change(|queue| queue.wake_all_of(|thread| threads.contains(&thread)));
    }

    fn depends_on(&self) -> Vec<ThreadId> {
        let mut threads = self.crew.threads();
        threads.extend(self.crew.look(|queue, _| queue.awaited().collect::<Vec<_>>()));
        threads
    }
}

impl<C> Drop for Batch<C>
where
    C: Call + Send,
    C::Output: Send,
{
    fn drop(&mut self) {
        self.drop_rest();
    }
}

/// Whether all is done.
fn is_over<C, R>(queue: &Queue<C, R>, load: Load) -> bool {
    load.at_work == 0 && queue.is_over()
}

/// Whether one more thread could start something.
fn has_work<C: Send, R: Send>(queue: &Queue<C, R>, load: Load) -> bool {
    load.has_room() && queue.startable() > 0
}

impl<C: Call + Send> fmt::Debug for Batch<C>
where
    C::Output: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("memory", &self.memory)
            .field("crew", &self.crew)
            .finish_non_exhaustive()
    }
}
