//! Where submitted calls wait for a thread: one desk for each pool and memory that a [`Parallel`](super::Parallel) submits to.
//!
//! A batch has a caller who waits for it, and sees that it has helpers. A desk has none, so it is told by the pool itself when
//! a thread is free.
//!
//! # Invariants
//! 1. While something waits at a desk, a helper is at work or on its way, or the pool knows that it wants one.
//! 2. An item may be run by whoever waits for it instead: then it is still in the queue, and nothing comes of it there.
//! 3. Nothing of the user's runs or is dropped under the lock.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::batch::SLICE;
use super::item::{Done, Item, Work};
use super::pool::{self, Busy, Pool, Starved};
use super::queue::{State, Taken};
use crate::lease::Shared;
use crate::lock::lock;
use crate::memory::{Memory, Outbox};
use crate::panics::{self, Quiet};
use crate::task_error::TaskError;

/// A submitted call, of whichever type.
pub(super) trait Job: Send + Sync {
    /// Makes an attempt, unless somebody else does or has done so; waits for whoever computes the key only if `patient`.
    fn run<'m>(&self, memory: &'m Memory, patient: bool, outbox: &mut Option<Outbox<'m>>) -> JobRan;

    /// Takes what came of a call of equal key; whether that was enough.
    fn share(&self, memory: &Memory, done: Result<Option<Shared>, TaskError>) -> bool;

    /// Gives it up if it has not started; whether it had not.
    fn cancel(&self) -> bool;

    /// Whether nobody works at it and it is not done.
    fn is_waiting(&self) -> bool;

    /// Makes whoever waits for it look whether to work at it.
    fn wake(&self);
}

/// What came of an attempt at a job.
#[derive(Debug)]
pub(super) enum JobRan {
    /// It is done; if it had a key, what others get of it.
    Done(Option<Done>),
    /// Somebody else computes its key.
    Busy,
    /// It failed, and is to be tried again.
    Again,
    /// It was cancelled before.
    Cancelled,
    /// Somebody else works at it, or it was done already.
    Taken,
}

pub(super) struct Desk {
    pool: Arc<Pool>,
    memory: Memory,
    /// Most helpers at a time.
    most: usize,
    state: Mutex<State<Arc<dyn Job>>>,
}

/// The desks of a `Parallel` and its clones.
#[derive(Debug, Default)]
pub(super) struct Desks(Mutex<Vec<Arc<Desk>>>);

impl Desks {
    /// The desk of `pool` and `memory`, where `most` helpers at a time may work.
    pub(super) fn of(&self, pool: &Arc<Pool>, memory: &Memory, most: usize) -> Arc<Desk> {
        let mut desks = lock(&self.0);
        let known = desks.iter().find(|desk| Arc::ptr_eq(&desk.pool, pool) && desk.memory.is(memory));
        if let Some(desk) = known {
            return Arc::clone(desk);
        }
        // A program that makes memories again and again is not to keep them all open.
        let (kept, idle): (Vec<_>, _) = mem::take(&mut *desks).into_iter().partition(|desk| !desk.is_idle());
        *desks = kept;
        let mut state = State::default();
        // There is no input that more could come from, so nothing is put off for its sake.
        state.exhausted = true;
        let (pool, memory) = (Arc::clone(pool), memory.clone());
        let desk = Arc::new(Desk { pool, memory, most, state: Mutex::new(state) });
        desks.push(Arc::clone(&desk));
        drop(desks);
        drop(idle);
        desk
    }
}

impl Desk {
    /// Takes a job in, and sees that somebody works at it.
    pub(super) fn put(self: &Arc<Self>, job: Arc<dyn Job>, work: Work) {
        lock(&self.state).queue(Item::new(0, Quiet::new(job), work), None);
        self.hire();
    }

    /// Whether there is work, and no thread has come to a helper.
    pub(super) fn is_forsaken(&self) -> bool {
        lock(&self.state).is_forsaken()
    }

    fn is_idle(&self) -> bool {
        lock(&self.state).is_idle()
    }

    /// Works at one job on the calling thread, which waits for it; whether there was anything to do.
    pub(super) fn work_at(&self, job: &dyn Job) -> bool {
        let _busy = Busy::begin();
        let _entered = self.memory.enter();
        let mut outbox = self.memory.outbox();
        loop {
            match job.run(&self.memory, true, &mut outbox) {
                JobRan::Done(done) => {
                    self.finish(done);
                    return true;
                }
                JobRan::Busy | JobRan::Again => {}
                JobRan::Cancelled | JobRan::Taken => return false,
            }
        }
    }

    /// Takes on helpers for what waits, as far as the pool has free threads; else the pool will say when it has.
    fn hire(self: &Arc<Self>) {
        let mut hired = self.reserve(usize::MAX);
        if hired.wanted > hired.got {
            self.pool.ring_when_free(Arc::clone(self) as Arc<dyn Starved>);
            // One may have become free before the pool knew.
            hired.got += self.reserve(usize::MAX).got;
        }
        for _ in 0..hired.got {
            let desk = Arc::clone(self);
            self.pool.threads.spawn(move || desk.help());
        }
    }

    /// Takes threads of the pool for helpers, no more than `most`; they count as started.
    fn reserve(&self, most: usize) -> Hired {
        let mut state = lock(&self.state);
        let wanted = state.wanted_helpers(self.most).min(most);
        let got = self.pool.reserve(wanted);
        state.helpers += got;
        Hired { wanted, got }
    }

    /// A helper's whole life, as a task of the pool.
    fn help(self: &Arc<Self>) {
        if pool::is_busy() {
            // This thread waits inside an item. Another one must be without a helper, so all are asked, each once.
            self.pool.release();
            lock(&self.state).helpers -= 1;
            self.pool.ring_when_free(Arc::clone(self) as Arc<dyn Starved>);
            let desk = Arc::clone(self);
            self.pool.threads.spawn_broadcast(move |_| {
                if !pool::is_busy() && desk.reserve(1).got == 1 {
                    desk.help();
                }
            });
            return;
        }
        lock(&self.state).at_work += 1;
        // What is left to panic is a `Drop` of the user's, of a value that nobody waits for.
        // Nothing of the user's is left that panics. Whoever waits must not wait for ever, should
        // that be wrong.
        if panics::catch(|| self.work()).is_err() {
            event!(Warn, "a helper of submitted calls panicked");
        }
        let mut state = lock(&self.state);
        state.leave();
        // Whoever waits for one of these relied on a helper.
        let forsaken: Vec<_> = if state.at_work == 0 { state.jobs().cloned().collect() } else { Vec::new() };
        drop(state);
        self.pool.release();
        lock(&self.state).helpers -= 1;
        // Something may have come while this helper was leaving, and counted on it.
        self.hire();
        for job in forsaken {
            job.wake();
        }
    }

    /// Works until nothing is left to start, or another wants the thread.
    fn work(&self) {
        let _busy = Busy::begin();
        let _entered = self.memory.enter();
        let came = Instant::now();
        let mut outbox = self.memory.outbox();
        loop {
            let taken = lock(&self.state).take(1, self.most);
            match taken {
                Some(Taken::Items(items)) => {
                    for item in items {
                        self.run(item, false, &mut outbox);
                    }
                }
                Some(Taken::Deferred(item)) => self.run(item, true, &mut outbox),
                Some(Taken::LookUps(_)) | None => return,
            }
            if came.elapsed() > SLICE && self.pool.is_wanted() {
                return;
            }
        }
    }

    fn run<'m>(&'m self, item: Item<Arc<dyn Job>>, patient: bool, outbox: &mut Option<Outbox<'m>>) {
        match item.call.run(&self.memory, patient, outbox) {
            JobRan::Done(done) => self.finish(done),
            JobRan::Busy => lock(&self.state).deferred.push_back(item),
            JobRan::Again => lock(&self.state).run_last(item),
            JobRan::Cancelled => {
                if let Work::Keyed(key, _) = &item.work {
                    lock(&self.state).pass_on(key);
                }
            }
            JobRan::Taken => {}
        }
    }

    /// Gives the duplicates of a key what came of it; those that cannot be given it are run in their turn.
    fn finish(&self, done: Option<Done>) {
        let Some((key, result)) = done else { return };
        let duplicates = lock(&self.state).duplicates_of(&key);
        for item in duplicates {
            if !item.call.share(&self.memory, result.clone()) {
                lock(&self.state).run_next(item);
            }
        }
    }
}

/// How many helpers were wanted, and for how many there are threads.
#[derive(Clone, Copy, Debug)]
struct Hired {
    wanted: usize,
    got: usize,
}

impl Starved for Desk {
    fn thread_is_free(self: Arc<Self>) {
        self.hire();
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("memory", &self.memory).field("most", &self.most).finish_non_exhaustive()
    }
}
