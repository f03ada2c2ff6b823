//! Where submitted calls wait for a thread: one place for each pool and memory that a [`Parallel`](crate::Parallel) submits
//! to. Calls of all types wait there together, behind a trait object that knows the type.
//!
//! # Invariants
//! 1. An item may be run by whoever waits for it instead: then it is still in the queue, and nothing comes of it there.
//! 2. Nothing of the user's runs or is dropped under the lock.
//!
//! A task is no batch of one call, since nobody may ever wait for it. A `Parallel` and its clones
//! share a queue that no other has, so that their `jobs` hold inside other tasks, too. A thread that
//! waits inside a task works at the call itself if nobody does, and is woken if the call is put back.
//! So each thread's stack is a chain of calls that wait for one another, as with nested batches.

use std::collections::HashSet;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, Weak};
use std::thread::ThreadId;
use std::time::Instant;

use crate::key::Key;
use crate::lease::{Awaited, Leave, Meanwhile, Shared, Watcher};
use crate::lock::lock;
use crate::memory::{Memory, Miss, Outbox};
use crate::parallel::attempt::{Done, Item};
use crate::parallel::crew::{Crew, Queue as _, Real};
use crate::parallel::pool::{Busy, Need, Pool, SLICE, Standing, Work};
use crate::parallel::queue::{Queue, Taken};
use crate::parallel::timer;
use crate::task_error::TaskError;

/// A submitted call, of whichever type.
pub(super) trait AnyTask: Awaited {
    /// Makes an attempt, unless somebody else does or has done so; `meanwhile` says what is done
    /// while somebody else computes the key.
    fn run<'m>(
        &self,
        memory: &'m Memory,
        meanwhile: Meanwhile<'_>,
        outbox: &mut Option<Outbox<'m>>,
    ) -> TaskRan;

    /// Takes what came of a call of equal key; whether that was enough.
    fn share(&self, memory: &Memory, done: Result<Option<Shared>, TaskError>) -> bool;

    /// Gives it up if nobody works at it; whether nobody did.
    fn cancel(&self) -> bool;

    fn key(&self) -> Option<Key>;

    /// From when on it may be worked at; `None` if somebody works at it, or it is done.
    fn ready_at(&self) -> Option<Instant>;

    /// Waits until it may be worked at again, or is done.
    fn wait_until(&self, due: Instant);
}

/// What came of an attempt at a task.
#[derive(Debug)]
pub(super) enum TaskRan {
    /// It is done; if it had a key, what others get of it.
    Done(Option<Done>),
    /// Somebody else computes its key, this thread or another process, and the watcher will be told.
    Busy(Key, Option<ThreadId>),
    /// It failed, and is to be tried again; not before it is due, if it waits.
    Again(Option<Instant>),
    /// It was cancelled before.
    Cancelled,
    /// Somebody else works at it, or it was done already.
    Taken,
}

/// The calls that were submitted to a pool and a memory.
pub(super) struct Submitted {
    pool: Arc<Pool>,
    memory: Memory,
    /// Most threads at a time.
    most: usize,
    crew: Crew<Real, Queue<Arc<dyn AnyTask>, ()>>,
    me: Weak<Submitted>,
    /// These calls, as the line of the pool has them. It keeps them: they are to be run though nobody holds their tasks. When
    /// none are left it goes, and the memory with it.
    standing: Mutex<Weak<Standing>>,
}

/// The submitted calls of a `Parallel` and its clones.
#[derive(Debug, Default)]
pub(in crate::parallel) struct Submissions(Mutex<Vec<Arc<Submitted>>>);

impl Submissions {
    /// Those of `pool` and `memory`, at which `most` threads may work at a time.
    pub(super) fn of(&self, pool: &Arc<Pool>, memory: &Memory, most: usize) -> Arc<Submitted> {
        let mut all = lock(&self.0);
        let known = all.iter().find(|other| Arc::ptr_eq(&other.pool, pool) && other.memory.is(memory));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        // A program that makes memories again and again is not to keep them all open.
        let (kept, idle): (Vec<_>, _) = mem::take(&mut *all).into_iter().partition(|other| !other.is_idle());
        *all = kept;
        let submitted = Submitted::new(pool, memory, most);
        all.push(Arc::clone(&submitted));
        drop(all);
        drop(idle);
        submitted
    }
}

impl Submitted {
    fn new(pool: &Arc<Pool>, memory: &Memory, most: usize) -> Arc<Self> {
        let submitted = Arc::new_cyclic(|me| Submitted {
            pool: Arc::clone(pool),
            memory: memory.clone(),
            most,
            crew: Crew::new(Queue::default(), most),
            me: Weak::clone(me),
            standing: Mutex::default(),
        });
        let me = Arc::downgrade(&submitted);
        submitted.crew.called_by(move |wanted| {
            if let Some(submitted) = me.upgrade() {
                submitted.pool.call(&submitted.standing(), wanted);
            }
        });
        submitted
    }

    fn standing(&self) -> Arc<Standing> {
        let mut standing = lock(&self.standing);
        standing.upgrade().unwrap_or_else(|| {
            let me = self.me.upgrade().expect("whoever asks holds it");
            let made = Standing::new(InLine(me));
            *standing = Arc::downgrade(&made);
            made
        })
    }

    /// Takes a task in.
    pub(super) fn put(&self, task: Arc<dyn AnyTask>, miss: Miss) {
        self.crew.change(|queue| queue.add(Item::new(0, task, miss), None));
    }

    /// Whether this thread is one of the pool.
    pub(super) fn is_here(&self) -> bool {
        self.pool.is_here()
    }

    fn is_idle(&self) -> bool {
        self.crew.look(|queue, load| load.at_work == 0 && queue.is_empty())
    }

    /// Works at one task on the calling thread, which waits for it; whether there was anything to do.
    pub(super) fn work_at(&self, task: &dyn AnyTask) -> bool {
        let _busy = Busy::begin();
        let _entered = self.memory.enter_for_task();
        let mut outbox = self.memory.outbox();
        loop {
            match task.run(&self.memory, Meanwhile::Wait, &mut outbox) {
                TaskRan::Done(done) => {
                    self.finish(done);
                    return true;
                }
                // This thread waits for the task anyway.
                TaskRan::Again(Some(due)) => task.wait_until(due),
                TaskRan::Busy(..) | TaskRan::Again(None) => {}
                TaskRan::Cancelled => {
                    self.pass_on(task.key());
                    return false;
                }
                TaskRan::Taken => return false,
            }
        }
    }

    /// Works until nothing is left to start, or `is_over`.
    fn work(&self, from_line: bool, is_over: impl Fn(Instant) -> bool) {
        let _busy = Busy::begin();
        let _entered = self.memory.enter_for_task();
        let take = |queue: &mut Queue<_, ()>| queue.take(1, self.most);
        let mut taken = self.crew.enter(from_line, take);
        let started = Instant::now();
        let mut outbox = self.memory.outbox();
        while let Some(Taken::Items(items)) = taken {
            for item in items {
                self.run(item, &mut outbox);
            }
            if is_over(started) {
                return self.crew.leave(|_| ());
            }
            taken = self.crew.step(take);
        }
    }

    fn run<'m>(&'m self, mut item: Item<Arc<dyn AnyTask>>, outbox: &mut Option<Outbox<'m>>) {
        let standing = self.standing();
        let work = Arc::clone(&standing) as Arc<dyn Awaited>;
        let watcher = |key: Key| -> Arc<dyn Watcher> { standing.watcher(key) };
        let leave = Meanwhile::Leave(Leave { work: &work, watcher: &watcher });
        let meanwhile = if mem::take(&mut item.alone) { Meanwhile::Alone } else { leave };
        match item.call.run(&self.memory, meanwhile, outbox) {
            TaskRan::Done(done) => self.finish(done),
            TaskRan::Busy(key, by) => self.crew.change(|queue| queue.put_away(key, item, by)),
            TaskRan::Again(None) => self.crew.change(|queue| queue.run_last(item)),
            TaskRan::Again(Some(due)) => {
                self.crew.change(|queue| queue.put_off(due, item));
                if !timer::tell_at(due, &standing) {
                    self.crew.change(|queue| queue.release(due));
                }
            }
            TaskRan::Cancelled => self.pass_on(item.key()),
            TaskRan::Taken => {}
        }
    }

    /// One of the duplicates of a cancelled call is run in its place.
    fn pass_on(&self, key: Option<Key>) {
        if let Some(key) = key {
            self.crew.change(|queue| queue.pass_on(&key));
        }
    }

    /// Gives the duplicates of a key what came of it; those that cannot be given it are run in their turn.
    fn finish(&self, done: Option<Done>) {
        let Some((key, result)) = done else { return };
        let duplicates = self.crew.change(|queue| queue.duplicates_of(&key));
        for item in duplicates {
            if !item.call.share(&self.memory, result.clone()) {
                self.crew.change(|queue| queue.run_next(item));
            }
        }
    }
}

impl fmt::Debug for Submitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submitted")
            .field("memory", &self.memory)
            .field("crew", &self.crew)
            .finish_non_exhaustive()
    }
}

/// Submitted calls, as the line of their pool has them.
#[derive(Debug)]
struct InLine(Arc<Submitted>);

impl Work for InLine {
    fn serve(&self, pool: &Arc<Pool>) {
        self.0.work(true, |started| started.elapsed() > SLICE && pool.is_wanted());
    }

    fn stand_in(&self) {
        self.0.work(false, |_| self.0.crew.look(|_, load| load.at_work > 1));
    }

    fn need(&self) -> Need {
        let anyone = self.0.crew.look(|queue, load| load.at_work == 0 && queue.startable() > 0);
        match (anyone, self.0.crew.is_in_line()) {
            (true, _) => Need::Anyone,
            (false, true) => Need::More,
            (false, false) => Need::Nothing,
        }
    }

    fn wake(&self, key: Key) {
        self.0.crew.change(|queue| queue.wake(key));
    }

    fn due(&self) {
        self.0.crew.change(|queue| queue.release(Instant::now()));
    }

    fn depends_on(&self) -> Vec<ThreadId> {
        let mut threads = self.0.crew.threads();
        threads.extend(self.0.crew.look(|queue, _| queue.awaited().collect::<Vec<_>>()));
        threads
    }

    fn free(&self, threads: &HashSet<ThreadId>) {
        self.0.crew.change(|queue| queue.wake_all_of(|thread| threads.contains(&thread)));
    }
}
