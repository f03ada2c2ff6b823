//! Executors that get all misses of a batch together, and leave leases and values to who runs them.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rememo::execute::{Execute, Failure, Job, Reply};
use rememo::{Executor, Memory, Parallel, TaskErrorKind, memo};

use crate::support::TestCache;

/// Runs jobs on threads of its own, as they come out of a message; something is done before.
struct Elsewhere<F> {
    /// How many jobs came together.
    batches: Arc<Mutex<Vec<usize>>>,
    before: F,
}

impl<F> std::fmt::Debug for Elsewhere<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Elsewhere(..)")
    }
}

impl<F: Fn() + Send + Sync> Execute for Elsewhere<F> {
    fn run(&self, jobs: &[Job], _: Option<Duration>, done: &mut dyn FnMut(usize, Result<Reply, Failure>)) {
        self.batches.lock().unwrap().push(jobs.len());
        (self.before)();
        let (tell, replies) = mpsc::channel();
        thread::scope(|scope| {
            for half in 0..2 {
                let tell = tell.clone();
                scope.spawn(move || {
                    for (index, job) in jobs.iter().enumerate().filter(|(index, _)| index % 2 == half) {
                        let job = Job::from_bytes(&job.to_bytes());
                        tell.send((index, job.and_then(|job| job.run()))).unwrap();
                    }
                });
            }
            drop(tell);
            for (index, reply) in replies {
                done(index, reply);
            }
        });
    }

    fn gathers(&self) -> bool {
        true
    }
}

type Batches = Arc<Mutex<Vec<usize>>>;

/// A `Parallel` that gathers, and how many jobs came together so far.
fn gathering(memory: &Memory, before: impl Fn() + Send + Sync + 'static) -> (Parallel, Batches) {
    let batches = Batches::default();
    let elsewhere = Elsewhere { batches: Arc::clone(&batches), before };
    (Parallel::new().memory(memory).executor(Executor::custom(elsewhere)), batches)
}

fn sizes(batches: &Batches) -> Vec<usize> {
    batches.lock().unwrap().clone()
}

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[test]
fn all_misses_of_a_batch_come_together_hits_and_duplicates_do_not() {
    let cache = TestCache::new();
    for x in 0..100 {
        cache.memory.call(square::delayed(x));
    }
    let (parallel, batches) = gathering(&cache.memory, || ());
    // More than are drawn ahead for threads.
    let values = parallel.run((0..6000).map(|x| square::delayed(x % 3000))).unwrap();
    assert!(values.iter().zip(0..).all(|(value, x)| *value == (x % 3000) * (x % 3000)));
    assert_eq!(sizes(&batches), [2900]);
    let stats = cache.memory.stats();
    assert_eq!((stats.misses, stats.entries), (3000, 3000));
    assert_eq!(stats.all_runs.misses, 3000, "they are counted once, by who sent them");
    cache.expect_tidy();
}

#[test]
fn results_of_a_stream_come_and_the_next_window_goes_together() {
    let cache = TestCache::new();
    let (parallel, batches) = gathering(&cache.memory, || ());
    let expected: Vec<u64> = (0..2000).map(|x| x * x).collect();
    let values: Result<Vec<_>, _> = parallel.stream((0..2000).map(square::delayed)).collect();
    assert_eq!(values.unwrap(), expected);
    assert_eq!(sizes(&batches), [2000]);

    let cache = TestCache::new();
    let (parallel, batches) = gathering(&cache.memory, || ());
    let values: Result<Vec<_>, _> = parallel.window(50).stream((0..2000).map(square::delayed)).collect();
    assert_eq!(values.unwrap(), expected);
    let sizes = sizes(&batches);
    assert!(sizes.iter().all(|&size| size <= 50) && sizes.iter().sum::<usize>() == 2000, "{sizes:?}");
    assert_eq!(sizes[0], 50);
}

static RUNS: AtomicUsize = AtomicUsize::new(0);

#[memo]
fn noted(x: u64) -> u64 {
    RUNS.fetch_add(1, SeqCst);
    // Long enough for a lease.
    thread::sleep(Duration::from_millis(2));
    x + 1
}

/// What runs a job takes the lease, finds what was stored meanwhile, and computes again what is to be.
#[test]
fn who_runs_a_job_goes_the_way_of_a_call_of_its_own() {
    let cache = TestCache::new();
    let memory = cache.reopen();
    let (parallel, _) = gathering(&cache.memory, move || {
        // Another computes half of them before the jobs begin.
        for x in 0..5 {
            assert_eq!(memory.call(noted::delayed(x)), x + 1);
        }
    });
    let other = cache.memory.clone();
    let values = parallel.run((10..20).map(|x| noted::delayed(x - 10))).unwrap();
    assert_eq!(values, (1..11).collect::<Vec<u64>>());
    assert_eq!(RUNS.load(SeqCst), 10, "each was computed once");
    drop(other);

    let verifying = Memory::builder().dir(cache.root()).verify_hits(1.0).open().unwrap();
    let (parallel, batches) = gathering(&verifying, || ());
    assert_eq!(parallel.run((0..10).map(noted::delayed)).unwrap(), values);
    assert_eq!(sizes(&batches), [10]);
    assert_eq!(RUNS.load(SeqCst), 20, "a value that is there does not verify itself");
    let stats = verifying.stats();
    assert_eq!((stats.verified, stats.mismatches), (10, 0));
}

/// An input that waits for what an earlier call of it does is not waited for.
#[test]
fn a_slow_input_goes_in_several_batches() {
    let cache = TestCache::new();
    let (parallel, batches) = gathering(&cache.memory, || ());
    let memory = cache.memory.clone();
    let calls = (0..3_u64).map(|x| {
        while x > 0 && !memory.contains(&square::delayed(x - 1)) {
            thread::sleep(Duration::from_millis(1));
        }
        square::delayed(x)
    });
    assert_eq!(parallel.run(calls).unwrap(), [0, 1, 4]);
    assert_eq!(sizes(&batches), [1, 1, 1]);
}

#[memo]
fn picky(x: u64) -> Result<u64, String> {
    if x == 3 { Err("three".to_owned()) } else { Ok(x) }
}

#[memo]
fn fragile(x: u64) -> u64 {
    assert!(x != 3, "three");
    x
}

#[test]
fn errors_and_panics_come_back_and_nothing_else_is_lost() {
    let cache = TestCache::new();
    let (parallel, _) = gathering(&cache.memory, || ());
    let values = parallel.run((0..6).map(picky::delayed)).unwrap();
    assert_eq!(values[3], Err("three".to_owned()));
    assert_eq!(cache.memory.stats().entries, 5, "an `Err` is not kept");
    let results = parallel.run_all((0..6).map(fragile::delayed));
    assert_eq!(results[3].as_ref().unwrap_err().kind(), TaskErrorKind::Panicked);
    assert_eq!(results.iter().flatten().copied().collect::<Vec<_>>(), [0, 1, 2, 4, 5]);
    // Without a memory, values come back all the same.
    let (parallel, _) = gathering(&Memory::disabled(), || ());
    assert_eq!(parallel.run((0..4).map(square::delayed)).unwrap(), [0, 1, 4, 9]);
}

#[memo]
fn large(n: usize) -> Vec<u64> {
    (0..n as u64).collect()
}

/// Removes what jobs have stored before their replies are read.
#[derive(Debug)]
struct Forgetful(Memory, AtomicUsize);

impl Execute for Forgetful {
    fn run(&self, jobs: &[Job], _: Option<Duration>, done: &mut dyn FnMut(usize, Result<Reply, Failure>)) {
        let replies: Vec<_> = jobs.iter().map(Job::run).collect();
        if self.1.fetch_add(1, SeqCst) == 0 {
            self.0.clear().unwrap();
        }
        for (index, reply) in replies.into_iter().enumerate() {
            done(index, reply);
        }
    }

    fn gathers(&self) -> bool {
        true
    }
}

#[test]
fn a_large_value_that_cannot_be_found_comes_with_the_next_reply() {
    let cache = TestCache::new();
    let executor = Executor::custom(Forgetful(cache.reopen(), AtomicUsize::new(0)));
    let values =
        Parallel::new().memory(&cache.memory).executor(executor).run([1 << 18, 3].map(large::delayed));
    assert_eq!(values.unwrap().iter().map(Vec::len).collect::<Vec<_>>(), [1 << 18, 3]);
}
