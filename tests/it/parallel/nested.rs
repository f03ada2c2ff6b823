//! Batches inside of tasks, and whatever else waits on a thread of a pool.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, LazyLock};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, delayed, memo};

use super::square;
use crate::support::{TestCache, within_a_minute};

#[test]
fn a_batch_inside_a_task_of_a_pool_of_one_thread_finishes() {
    let cache = TestCache::new();
    let outer = |x: u64| {
        delayed(move || {
            let inner = Parallel::new().jobs(4).run((0..10).map(move |y| square::delayed(10 * x + y)));
            inner.unwrap().iter().sum::<u64>()
        })
    };
    let sums = Parallel::new().jobs(1).memory(&cache.memory).run((0..20).map(outer)).unwrap();
    let expected: Vec<u64> = (0..20).map(|x| (0..10).map(|y| (10 * x + y) * (10 * x + y)).sum()).collect();
    assert_eq!(sums, expected);
    assert_eq!(cache.memory.stats().misses, 200, "tasks use the memory of their batch");
}

/// Batches three levels deep, each level memoized, so that waiting threads are offered all kinds of tasks.
#[test]
fn batches_inside_batches_share_the_threads_and_finish() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn leaf(x: u64) -> u64 {
        MOST.fetch_max(NOW.fetch_add(1, SeqCst) + 1, SeqCst);
        thread::sleep(Duration::from_micros(300));
        NOW.fetch_sub(1, SeqCst);
        x + 1
    }
    #[memo]
    fn branch(x: u64) -> u64 {
        Parallel::new().run((0..8).map(|y| leaf::delayed((x * 5 + y) % 97))).unwrap().iter().sum()
    }
    #[memo]
    fn tree(x: u64) -> u64 {
        Parallel::new().run((0..8).map(|y| branch::delayed((x * 3 + y) % 31))).unwrap().iter().sum()
    }
    let cache = TestCache::new();
    let run = || Parallel::new().jobs(3).memory(&cache.memory).run((0..40).map(tree::delayed)).unwrap();
    let values = run();
    let leaf = |x: u64| x + 1;
    let branch = |x: u64| (0..8).map(|y| leaf((x * 5 + y) % 97)).sum::<u64>();
    let tree = |x: u64| (0..8).map(|y| branch((x * 3 + y) % 31)).sum::<u64>();
    assert_eq!(values, (0..40).map(tree).collect::<Vec<_>>());
    assert!(MOST.load(SeqCst) <= 3);
    let misses = cache.memory.stats().misses;
    assert_eq!(run(), values);
    assert_eq!(cache.memory.stats().misses, misses);
    cache.expect_tidy();
}

#[test]
fn batches_of_several_threads_share_a_pool_and_finish() {
    let total = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let nested = |x: u64| {
                        delayed(move || {
                            let inner = Parallel::new().run((0..4).map(|y| delayed(move || x + y)));
                            inner.unwrap().iter().sum::<u64>()
                        })
                    };
                    let sums = Parallel::new().jobs(2).run((0..8).map(nested)).unwrap();
                    total.fetch_add(sums.iter().sum(), SeqCst);
                }
            });
        }
    });
    let once: u64 = (0..8).map(|x| (0..4).map(|y| x + y).sum::<u64>()).sum();
    assert_eq!(total.into_inner(), 4 * 50 * once);
}

/// Regression: a thread of the user's pool that waited for its batch started other items of the user's meanwhile, one on top
/// of the other, until its stack was full. (And the first use of a pool held a lock over a task of the pool.)
#[test]
fn batches_inside_the_users_own_rayon_tasks_finish_without_starting_others_on_top() {
    use rayon::prelude::*;
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    within_a_minute(|| {
        let own = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let deepest = AtomicUsize::new(0);
        let item = |x: u64| -> u64 {
            deepest.fetch_max(DEPTH.replace(DEPTH.get() + 1) + 1, SeqCst);
            let results = Parallel::new().jobs(6).run((0..4).map(|y| delayed(move || x + y)));
            DEPTH.set(DEPTH.get() - 1);
            results.unwrap().iter().sum()
        };
        let sums: Vec<u64> = own.install(|| (0..3000u64).into_par_iter().map(item).collect());
        assert_eq!(sums, (0..3000).map(|x| 4 * x + 6).collect::<Vec<u64>>());
        assert_eq!(deepest.into_inner(), 1, "items ran on top of one another");
    });
}

/// The only thread of the pool waits for a thread that waits for the pool.
#[test]
fn a_batch_in_a_thread_that_a_task_started_finishes() {
    within_a_minute(|| {
        let task = |x: u64| {
            delayed(move || {
                let inner =
                    move || Parallel::new().jobs(1).run((0..3).map(|y| delayed(move || x + y))).unwrap();
                thread::scope(|scope| scope.spawn(inner).join().unwrap())
            })
        };
        let values = Parallel::new().jobs(1).run((0..3).map(task)).unwrap();
        assert_eq!(values, [[0, 1, 2], [1, 2, 3], [2, 3, 4]]);
    });
}

/// Memoized functions that use rayon inside and share what they call: pieces of one run on the stack of another that waits.
#[test]
fn memoized_functions_that_use_rayon_inside_finish() {
    use rayon::prelude::*;
    #[memo]
    fn leaf(round: u64, x: u64) -> u64 {
        (0..20u64).into_par_iter().map(|y| (x * y + round) % 7).sum()
    }
    #[memo]
    fn branch(round: u64, x: u64) -> u64 {
        (0..6u64).into_par_iter().map(|y| leaf(round, (x + y) % 5)).sum()
    }
    #[memo]
    fn tree(round: u64, x: u64) -> u64 {
        (0..6u64).into_par_iter().map(|y| branch(round, (x + y) % 5)).sum()
    }
    within_a_minute(|| {
        let cache = TestCache::new();
        // Pieces that another thread of the pool runs use the default memory, not that of the batch.
        cache.memory.make_default();
        for round in 0..20 {
            let leaf = |x: u64| (0..20).map(|y| (x * y + round) % 7).sum::<u64>();
            let branch = |x: u64| (0..6).map(|y| leaf((x + y) % 5)).sum::<u64>();
            let tree_value = |x: u64| (0..6).map(|y| branch((x + y) % 5)).sum::<u64>();
            let parallel = Parallel::new().jobs(4).memory(&cache.memory);
            let values = parallel.run((0..12).map(|x| tree::delayed(round, x))).unwrap();
            assert_eq!(values, (0..12).map(tree_value).collect::<Vec<_>>());
        }
        Memory::disabled().make_default();
    });
}

/// The only thread of the user's pool waits for a call that a thread outside of it computes, with a piece for that pool.
///
/// Regression: that was seen after ten seconds, and the call was computed twice.
#[test]
fn a_thread_of_a_users_pool_that_waits_runs_the_piece_that_is_waited_for() {
    static POOL: LazyLock<rayon::ThreadPool> =
        LazyLock::new(|| rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    static BEGUN: Barrier = Barrier::new(2);
    #[memo]
    fn through_the_pool(in_a_batch: bool) -> u64 {
        if RUNS.fetch_add(1, SeqCst) == 0 {
            BEGUN.wait();
            // Until the other one waits.
            thread::sleep(Duration::from_millis(100));
        }
        POOL.install(|| 7) + u64::from(in_a_batch)
    }
    within_a_minute(|| {
        for in_a_batch in [false, true] {
            let cache = TestCache::new();
            RUNS.store(0, SeqCst);
            let memory = cache.memory.clone();
            let outside = thread::spawn(move || memory.call(through_the_pool::delayed(in_a_batch)));
            BEGUN.wait();
            let inside = POOL.install(|| {
                if in_a_batch {
                    Parallel::new()
                        .jobs(1)
                        .memory(&cache.memory)
                        .run([through_the_pool::delayed(true)])
                        .unwrap()[0]
                } else {
                    cache.memory.call(through_the_pool::delayed(false))
                }
            });
            assert_eq!((inside, outside.join().unwrap()), (7 + u64::from(in_a_batch), inside));
            assert_eq!(RUNS.load(SeqCst), 1, "computed twice, in a batch: {in_a_batch}");
        }
    });
}
