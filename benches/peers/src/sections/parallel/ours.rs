//! Ways in Rust to run the tasks: rememo, through its public doors, and bare rayon.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use rayon::prelude::*;
use rememo::{Executor, Memory, Parallel, delayed, memo};
use rustix::time::{ClockId, clock_gettime};

use super::{TASK, WORKERS};
use crate::cache::THREADS;

/// How long a task of the batches of two sleeps.
const NAP: Duration = Duration::from_millis(1);
/// Workers that were started for a measurement are kept for so long without work, and somewhat longer so that no two settings are equal.
const KEPT: Duration = Duration::from_millis(1);
/// After this they are gone.
const GONE: Duration = Duration::from_millis(30);

#[memo]
fn succ(number: u64) -> u64 {
    number + 1
}

#[memo]
fn burn(number: u64, time: Duration) -> u64 {
    let end = thread_time() + time;
    while thread_time() < end {}
    number
}

#[memo]
fn nap(number: u64) -> u64 {
    thread::sleep(NAP);
    number
}

/// As [`nap`], and says in which process.
#[memo]
fn nap_in(number: u64) -> (u64, u32) {
    thread::sleep(NAP);
    (number, std::process::id())
}

/// How long this thread has had a core.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("it does not run backwards")
}

/// What the ways share.
pub(super) struct Ours {
    threads: Parallel,
    processes: Parallel,
    /// One at a time, which the calling thread sees to.
    one_process: Parallel,
    /// As `processes`, with a memory.
    remembering: Parallel,
    one_remembering: Parallel,
    memory: Memory,
    rayon: ThreadPool,
    /// The first number that the memory was not asked for.
    fresh: u64,
    /// Crews of workers that were started.
    starts: u32,
}

impl Ours {
    /// Everything is started and warm.
    pub(super) fn new(memory: Memory) -> Self {
        let disabled = Parallel::new().jobs(THREADS).memory(&Memory::disabled());
        let processes = disabled.clone().executor(Executor::processes());
        let rayon = rayon::ThreadPoolBuilder::new().num_threads(THREADS);
        let mut ours = Ours {
            threads: disabled,
            one_process: processes.clone().jobs(1),
            remembering: processes.clone().memory(&memory),
            one_remembering: processes.clone().memory(&memory).jobs(1),
            processes,
            memory,
            rayon: rayon.build().expect("two threads"),
            fresh: 0,
            starts: 0,
        };
        for parallel in [&ours.threads, &ours.processes, &ours.one_process] {
            parallel.run((0..20).map(nap::delayed)).expect("nothing panics");
        }
        ours.trips_remembering(1);
        ours.one_trips_remembering(1);
        ours
    }

    pub(super) fn dispatch(&mut self, count: u64) -> Duration {
        let tasks = (0..count).map(|number| delayed(move || black_box(number) + 1));
        timed(count, || self.threads.run(tasks).expect("nothing panics"))
    }

    pub(super) fn dispatch_rayon(&mut self, count: u64) -> Duration {
        let tasks = || (0..items(count)).into_par_iter().with_max_len(1);
        timed(count, || self.rayon.install(|| tasks().map(|item| black_box(item as u64) + 1).collect()))
    }

    pub(super) fn cpu_serial(_: &mut Self, count: u64) -> Duration {
        timed_same(count, || (0..count).map(|number| burn::uncached(number, TASK)).collect())
    }

    pub(super) fn cpu_threads(&mut self, count: u64) -> Duration {
        let tasks = (0..count).map(|number| burn::delayed(number, TASK));
        timed_same(count, || self.threads.run(tasks).expect("nothing panics"))
    }

    pub(super) fn cpu_processes(&mut self, count: u64) -> Duration {
        let tasks = (0..count).map(|number| burn::delayed(number, TASK));
        timed_same(count, || self.processes.run(tasks).expect("nothing panics"))
    }

    pub(super) fn cpu_rayon(&mut self, count: u64) -> Duration {
        let tasks = || (0..items(count)).into_par_iter().with_max_len(1);
        timed_same(count, || {
            self.rayon.install(|| tasks().map(|item| burn::uncached(item as u64, TASK)).collect())
        })
    }

    pub(super) fn trips(&mut self, count: u64) -> Duration {
        one_by_one(&self.processes, 0, count)
    }

    pub(super) fn one_trips(&mut self, count: u64) -> Duration {
        one_by_one(&self.one_process, 0, count)
    }

    pub(super) fn trips_remembering(&mut self, count: u64) -> Duration {
        self.missing(count, |ours, first| one_by_one(&ours.remembering, first, count))
    }

    pub(super) fn one_trips_remembering(&mut self, count: u64) -> Duration {
        self.missing(count, |ours, first| one_by_one(&ours.one_remembering, first, count))
    }

    pub(super) fn stream(&mut self, count: u64) -> Duration {
        timed(count, || self.processes.run((0..count).map(succ::delayed)).expect("nothing panics"))
    }

    pub(super) fn stream_remembering(&mut self, count: u64) -> Duration {
        self.missing(count, |ours, first| {
            let tasks = (first..first + count).map(succ::delayed);
            let started = Instant::now();
            let values = ours.remembering.run(tasks).expect("nothing panics");
            let time = started.elapsed();
            assert!(values.iter().copied().eq(first + 1..=first + count));
            time
        })
    }

    /// Only such starts count of which both tasks had a worker of their own: where a thread comes late, one does both.
    pub(super) fn starts(&mut self, count: u64) -> Duration {
        let (mut time, mut started_both) = (Duration::ZERO, 0);
        let last = self.starts + u32::try_from(100 * count).expect("few");
        while started_both < count {
            self.starts += 1;
            assert!(self.starts < last, "two workers are started for two tasks");
            let workers = Executor::processes().idle_timeout(KEPT + Duration::from_nanos(1) * self.starts);
            let parallel = self.processes.clone().executor(workers);
            let started = Instant::now();
            let values = parallel.run((0..WORKERS).map(nap_in::delayed)).expect("nothing panics");
            let took = started.elapsed();
            assert_eq!(values.len(), items(WORKERS));
            if values[0].1 != values[1].1 {
                time += took;
                started_both += 1;
            }
            thread::sleep(GONE);
        }
        time
    }

    pub(super) fn pairs(&mut self, count: u64) -> Duration {
        pairs(&self.threads, count)
    }

    pub(super) fn pairs_in_processes(&mut self, count: u64) -> Duration {
        pairs(&self.processes, count)
    }

    pub(super) fn pairs_rayon(&mut self, count: u64) -> Duration {
        let tasks = || (0..items(WORKERS)).into_par_iter().with_max_len(1);
        let run = || self.rayon.install(|| tasks().map(|item| nap::uncached(item as u64)).collect());
        (0..count).map(|_| timed_same(WORKERS, run)).sum()
    }

    /// Measures with numbers that are new to the memory, from the given one on; each must be a miss.
    fn missing(&mut self, count: u64, measure: impl FnOnce(&Self, u64) -> Duration) -> Duration {
        let (first, before) = (self.fresh, self.memory.stats());
        let time = measure(self, first);
        self.fresh += count;
        let after = self.memory.stats();
        assert_eq!((after.misses - before.misses, after.hits), (count, 0), "all are misses");
        time
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        assert_eq!(self.memory.stats().troubles, 0, "the cache was out of order");
    }
}

fn one_by_one(parallel: &Parallel, first: u64, count: u64) -> Duration {
    let mut time = Duration::ZERO;
    for number in first..first + count {
        let started = Instant::now();
        let values = parallel.run([succ::delayed(number)]).expect("nothing panics");
        time += started.elapsed();
        assert_eq!(values, [number + 1]);
    }
    time
}

fn pairs(parallel: &Parallel, count: u64) -> Duration {
    let run = || parallel.run((0..WORKERS).map(nap::delayed)).expect("nothing panics");
    (0..count).map(|_| timed_same(WORKERS, run)).sum()
}

/// How long that takes; the values must be the successors of `0..count`, in this order.
fn timed(count: u64, run: impl FnOnce() -> Vec<u64>) -> Duration {
    let started = Instant::now();
    let values = run();
    let time = started.elapsed();
    assert!(values.into_iter().eq(1..=count), "wrong values");
    time
}

/// The same where the values must be `0..count`.
fn timed_same(count: u64, run: impl FnOnce() -> Vec<u64>) -> Duration {
    timed(count, || run().into_iter().map(|number| number + 1).collect())
}

fn items(count: u64) -> usize {
    usize::try_from(count).expect("it fits")
}
