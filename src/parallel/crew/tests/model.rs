//! The model of rayon, and crews and lines on it.
//!
//! Threads take jobs from one list, in which a call for a thread is a job; a thread that waits inside a task, as in a user's own
//! rayon code, may take one, too. Items are numbers; what running one does is up to the scenario.

use std::collections::{HashMap, VecDeque};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;

use super::super::*;
use crate::memory::MissReason;
use crate::parallel::attempt::Item;
use crate::parallel::queue::{Queue as RealQueue, Taken};

#[derive(Debug)]
pub(super) struct Explored;

pub(super) struct ExploredMonitor<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T: Send> Monitor<T> for ExploredMonitor<T> {
    fn new(value: T) -> Self {
        ExploredMonitor { value: Mutex::new(value), changed: Condvar::new() }
    }

    fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut self.value.lock().unwrap())
    }

    fn wait<R>(&self, _: Option<Duration>, mut look: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        let mut value = self.value.lock().unwrap();
        loop {
            if let Some(seen) = look(&mut value) {
                return Some(seen);
            }
            value = self.changed.wait(value).unwrap();
        }
    }

    fn notify(&self) {
        self.changed.notify_one();
    }
}

impl LockFamily for Explored {
    type Monitor<T: Send> = ExploredMonitor<T>;
    type Thread = thread::ThreadId;

    fn thread() -> thread::ThreadId {
        thread::current().id()
    }
}

pub(super) type Items = RealQueue<u32, u32>;

/// What runs an item, on a thread that is at work at a piece of work.
pub(super) type Run = Box<dyn Fn(&Arc<Model>, u32) + Send + Sync>;

/// A piece of work.
pub(super) struct Model {
    pub(super) crew: Crew<Explored, Items>,
    run: Run,
    /// How often each item ran.
    pub(super) runs: Mutex<HashMap<u32, u32>>,
}

/// The model of a pool.
pub(super) struct Pool {
    line: Line<Explored, Arc<Model>>,
    jobs: Mutex<VecDeque<Errand>>,
    more: Condvar,
    size: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Errand {
    Called,
    Asked,
    End,
}

impl Pool {
    pub(super) fn new(size: usize) -> Arc<Self> {
        Arc::new(Pool { line: Line::new(size), jobs: Mutex::default(), more: Condvar::new(), size })
    }

    pub(super) fn put(&self, job: Errand, times: usize) {
        let mut jobs = self.jobs.lock().unwrap();
        jobs.extend(std::iter::repeat_n(job, times));
        drop(jobs);
        self.more.notify_all();
    }

    pub(super) fn call(&self, work: &Arc<Model>, wanted: usize) {
        let called = self.line.join(Arc::clone(work), wanted);
        self.put(Errand::Called, called);
    }

    pub(super) fn arrive(&self, job: Errand, can_serve: bool) {
        match self.line.arrive(job == Errand::Called, can_serve) {
            Arrival::Go => {}
            Arrival::AskAll => self.put(Errand::Asked, self.size),
            Arrival::Serve => {
                while let Some(work) = self.line.next() {
                    // A turn ends whenever it pleases.
                    work.work(true, || thread_rng().gen_bool(0.3) && self.line.is_wanted());
                }
            }
        }
    }

    /// Starts the threads, runs `act`, and ends the threads.
    pub(super) fn while_open(self: &Arc<Self>, act: impl FnOnce()) {
        let serve = |pool: Arc<Pool>| {
            loop {
                let mut jobs = pool.jobs.lock().unwrap();
                while jobs.is_empty() {
                    jobs = pool.more.wait(jobs).unwrap();
                }
                let job = jobs.pop_front().unwrap();
                drop(jobs);
                if job == Errand::End {
                    return;
                }
                pool.arrive(job, true);
            }
        };
        let threads: Vec<_> = (0..self.size)
            .map(|_| {
                let pool = Arc::clone(self);
                thread::spawn(move || serve(pool))
            })
            .collect();
        act();
        self.put(Errand::End, self.size);
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// What a thread does that waits inside a task in the user's own rayon code: it may take a job.
    pub(super) fn wait_in_rayon(&self) {
        let taken = {
            let mut jobs = self.jobs.lock().unwrap();
            if jobs.front().is_some_and(|job| *job != Errand::End) { jobs.pop_front() } else { None }
        };
        if let Some(job) = taken {
            self.arrive(job, false);
        }
    }
}

impl Model {
    pub(super) fn new(pool: &Arc<Pool>, most: usize, run: Run) -> Arc<Self> {
        let crew = Crew::new(Items::default(), most);
        let model = Arc::new(Model { crew, run, runs: Mutex::default() });
        let (pool, me) = (Arc::clone(pool), Arc::downgrade(&model));
        model.crew.called_by(move |wanted| {
            if let Some(model) = me.upgrade() {
                pool.call(&model, wanted);
            }
        });
        model
    }

    pub(super) fn push(&self, item: u32) {
        self.crew.change(|queue| queue.add(Item::new(0, item, MissReason::Absent.into()), None));
    }

    pub(super) fn work(self: &Arc<Self>, from_line: bool, mut is_over: impl FnMut() -> bool) -> bool {
        let take = |queue: &mut Items| queue.take(2, 2);
        let Some(mut taken) = self.crew.enter(from_line, take) else { return false };
        loop {
            let mut done = Vec::new();
            if let Taken::Items(items) = taken {
                for item in items {
                    *self.runs.lock().unwrap().entry(item.call).or_default() += 1;
                    (self.run)(self, item.call);
                    done.push(item.call);
                }
            }
            if is_over() {
                self.crew.leave(|queue| queue.results.append(&mut done));
                return true;
            }
            let next = self.crew.step(|queue| {
                queue.results.append(&mut done);
                take(queue)
            });
            match next {
                Some(next) => taken = next,
                None => return true,
            }
        }
    }

    /// Sees the work through, as the caller of a batch of `items`; `works`: as a thread of the pool.
    pub(super) fn run_all(self: &Arc<Self>, items: u32, works: bool) {
        for item in 0..items {
            self.push(item);
        }
        self.crew.change(Items::complete);
        let is_over: fn(&Items, Load) -> bool = |queue, load| load.at_work == 0 && queue.is_over();
        let or_work: fn(&Items, Load) -> bool =
            |queue, load| load.at_work == 0 && queue.is_over() || load.has_room() && queue.startable() > 0;
        while !self.crew.look(is_over) {
            if works && self.work(false, || false) {
                continue;
            }
            self.crew.wait(Wish { is_met: if works { or_work } else { is_over }, works }, None);
        }
        self.expect_once(items);
    }

    pub(super) fn expect_once(&self, items: u32) {
        let runs = self.runs.lock().unwrap();
        assert!((0..items).all(|item| runs.get(&item) == Some(&1)), "{runs:?}");
    }
}
