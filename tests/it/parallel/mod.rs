//! Batches.

mod depth;
mod duplicates;
mod failures;
mod nested;
pub mod panics;
mod threads;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, delayed, memo};

use crate::support::TestCache;

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[test]
fn results_keep_input_order_for_any_number_of_threads() {
    let expected: Vec<u64> = (0..3000).map(|x| x * x).collect();
    for jobs in [0, 1, 2, 3, 8] {
        let cache = TestCache::new();
        let parallel = Parallel::new().jobs(jobs).memory(&cache.memory);
        assert_eq!(parallel.run((0..3000).map(square::delayed)).unwrap(), expected);
        assert_eq!(parallel.run((0..3000).map(square::delayed)).unwrap(), expected);
        let stats = cache.memory.stats();
        assert_eq!((stats.misses, stats.hits), (3000, 3000), "{jobs} jobs");
    }
}

#[test]
fn only_misses_are_computed() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    parallel.run((0..100).map(square::delayed)).unwrap();
    parallel.run((50..150).map(square::delayed)).unwrap();
    assert_eq!(cache.memory.stats().misses, 150);
    assert_eq!(cache.memory.stats().hits, 50);
}

#[test]
fn an_empty_batch_is_done_at_once() {
    let none: Vec<u64> =
        Parallel::new().memory(&Memory::disabled()).run((0..0).map(square::delayed)).unwrap();
    assert!(none.is_empty());
}

#[test]
fn arguments_may_be_borrowed() {
    #[memo]
    fn sum(numbers: &[u64], scale: &u64) -> u64 {
        numbers.iter().sum::<u64>() * scale
    }
    let cache = TestCache::new();
    let rows: Vec<Vec<u64>> = (0..50).map(|i| vec![i; 10]).collect();
    let scale = 3;
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let sums = parallel.run(rows.iter().map(|row| sum::delayed(row, &scale))).unwrap();
    assert_eq!(sums, (0..50).map(|i| i * 30).collect::<Vec<_>>());
}

#[test]
fn inputs_are_drawn_lazily() {
    let (drawn, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ahead = AtomicUsize::new(0);
    let calls = (0..20_000usize).map(|i| {
        ahead.fetch_max(drawn.fetch_add(1, SeqCst) - done.load(SeqCst), SeqCst);
        let done = &done;
        delayed(move || {
            done.fetch_add(1, SeqCst);
            i
        })
    });
    let values = Parallel::new().jobs(2).run(calls).unwrap();
    assert_eq!(values.len(), 20_000);
    let ahead = ahead.load(SeqCst);
    assert!(ahead <= 1024 + 2 * 256, "{ahead} calls drawn ahead");
}

#[test]
fn a_slow_input_does_not_keep_threads_waiting() {
    let started = AtomicUsize::new(0);
    let calls = (0..20usize).map(|i| {
        thread::sleep(Duration::from_millis(10));
        if i == 19 {
            assert!(started.load(SeqCst) > 5, "nothing ran while the input was drawn");
        }
        let started = &started;
        delayed(move || started.fetch_add(1, SeqCst))
    });
    // A size that no other test uses: the pool is shared.
    Parallel::new().jobs(9).run(calls).unwrap();
}

#[test]
fn never_more_threads_than_jobs_compute() {
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let names = Mutex::new(BTreeSet::new());
    let call = |_| {
        delayed(|| {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            names.lock().unwrap().insert(thread::current().name().unwrap().to_owned());
            thread::sleep(Duration::from_millis(2));
            now.fetch_sub(1, SeqCst);
        })
    };
    // A size that no other test uses: the pool is shared.
    Parallel::new().jobs(5).run((0..100).map(call)).unwrap();
    assert_eq!(most.load(SeqCst), 5);
    assert_eq!(names.into_inner().unwrap().len(), 5);
}

#[test]
fn plain_calls_inside_tasks_use_the_memory_of_the_batch() {
    let (cache, elsewhere) = (TestCache::new(), TestCache::new());
    let _entered = elsewhere.memory.enter();
    let calls = (0..10).map(|x| delayed(move || square(x)));
    Parallel::new().jobs(2).memory(&cache.memory).run(calls).unwrap();
    assert_eq!((cache.memory.stats().entries, elsewhere.memory.stats().entries), (10, 0));
    Parallel::new().jobs(2).run((0..10).map(|x| delayed(move || square(x)))).unwrap();
    assert_eq!(elsewhere.memory.stats().entries, 10, "the current memory is the default");
}

/// Two threads of a pool are taken by a long batch; a short one gets its turn all the same.
#[test]
fn a_short_batch_does_not_wait_for_the_end_of_a_long_one() {
    let (done, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let calls = (0..2000).map(|_| {
                delayed(|| {
                    thread::sleep(Duration::from_millis(1));
                    done.fetch_add(1, SeqCst)
                })
            });
            Parallel::new().jobs(2).run(calls).unwrap();
            finished.store(1, SeqCst);
        });
        while done.load(SeqCst) < 10 {
            thread::yield_now();
        }
        Parallel::new().jobs(2).run((0..10).map(|i| delayed(move || i))).unwrap();
        assert_eq!(finished.load(SeqCst), 0);
    });
    assert_eq!(done.into_inner(), 2000);
}

#[test]
fn remembered_calls_do_not_wait_for_the_end_of_a_long_batch() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(7).memory(&cache.memory);
    parallel.run((0..40).map(square::delayed)).unwrap();
    let (done, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let calls = (0..3000).map(|_| {
                delayed(|| {
                    thread::sleep(Duration::from_millis(1));
                    done.fetch_add(1, SeqCst)
                })
            });
            Parallel::new().jobs(7).run(calls).unwrap();
            finished.store(1, SeqCst);
        });
        while done.load(SeqCst) < 10 {
            thread::yield_now();
        }
        parallel.run((0..40).map(square::delayed)).unwrap();
        assert_eq!(finished.load(SeqCst), 0);
    });
}
