//! Batches.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, delayed, memo};

use crate::support::{TestCache, hit, within_a_minute};

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
fn duplicates_are_computed_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn slow(x: u64) -> String {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(5));
        x.to_string()
    }
    let cache = TestCache::new();
    let values =
        Parallel::new().jobs(4).memory(&cache.memory).run((0..5000).map(|i| slow::delayed(i % 7))).unwrap();
    assert!(values.iter().enumerate().all(|(i, value)| *value == (i % 7).to_string()));
    assert_eq!(RUNS.load(SeqCst), 7);
    let stats = cache.memory.stats();
    assert_eq!((stats.misses, stats.hits + stats.joined), (7, 4993));
}

/// Values of cheap calls are stored together, a moment after they were computed: whoever asks in that moment must not compute again.
#[test]
fn what_an_item_of_the_batch_has_just_computed_is_a_hit_for_the_next_one() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fibonacci(x: u32) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        if x < 2 { u64::from(x) } else { fibonacci(x - 1) + fibonacci(x - 2) }
    }
    for jobs in [1, 2, 4] {
        RUNS.store(0, SeqCst);
        let cache = TestCache::new();
        let parallel = Parallel::new().jobs(jobs).memory(&cache.memory);
        let values = parallel.run((0..60).map(fibonacci::delayed)).unwrap();
        assert_eq!((values[10], values[59]), (55, 956_722_026_041));
        assert_eq!(RUNS.load(SeqCst), 60, "{jobs} jobs");
        assert_eq!(cache.memory.stats().entries, 60);
        assert_eq!(hit(&cache.memory, fibonacci::delayed(59)), values[59]);
    }
}

#[test]
fn duplicates_of_a_value_that_cannot_be_shared_are_run_themselves() {
    #[memo]
    fn refuses(x: u64) -> Result<u64, String> {
        Err(format!("not {x}"))
    }
    let cache = TestCache::new();
    let values =
        Parallel::new().jobs(2).memory(&cache.memory).run((0..20).map(|i| refuses::delayed(i % 2))).unwrap();
    assert!(values.iter().enumerate().all(|(i, value)| *value == Err(format!("not {}", i % 2))));
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
fn a_panicking_item_is_an_error_with_its_index_and_the_others_are_kept() {
    #[memo]
    fn picky(x: u64) -> u64 {
        assert!(x % 10 != 3, "{x} ends in three");
        x
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(3).memory(&cache.memory);
    let results = parallel.run_all((0..100).map(picky::delayed));
    for (i, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(*value, i as u64),
            Err(error) => {
                assert_eq!((i % 10, error.index()), (3, i));
                assert_eq!(error.message(), format!("{i} ends in three"));
                assert!(error.function().unwrap().ends_with("picky"));
            }
        }
    }
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 10);
    assert_eq!(cache.memory.stats().entries, 90);

    let before = cache.memory.stats().misses;
    parallel.run_all((0..100).map(picky::delayed));
    assert_eq!(cache.memory.stats().misses, before, "the failed ones count as nothing, the others are hits");
}

#[test]
fn duplicates_of_a_panicking_item_fail_with_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fails(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        panic!("no {x}")
    }
    let cache = TestCache::new();
    let results = Parallel::new().jobs(1).memory(&cache.memory).run_all((0..10).map(|_| fails::delayed(1)));
    let indices: Vec<_> = results.into_iter().map(|result| result.unwrap_err().index()).collect();
    assert_eq!(indices, (0..10).collect::<Vec<_>>());
    assert_eq!(RUNS.load(SeqCst), 1);
}

#[test]
fn run_stops_at_a_failure_and_keeps_what_was_computed() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fails_at_five(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        assert!(x != 5, "five");
        thread::sleep(Duration::from_millis(1));
        x
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let error = parallel.run((0..10_000).map(fails_at_five::delayed)).unwrap_err();
    let task = error.task().unwrap();
    assert_eq!((task.index(), task.message()), (5, "five"));
    let runs = RUNS.load(SeqCst);
    assert!(runs < 1000, "{runs} calls ran");
    assert_eq!(cache.memory.stats().entries, u64::from(runs) - 1);
    for x in 0..5 {
        hit(&cache.memory, fails_at_five::delayed(x));
    }
}

#[test]
fn the_first_failure_in_input_order_is_reported() {
    let barrier = Barrier::new(2);
    let calls = (0..2).map(|i| {
        let barrier = &barrier;
        delayed(move || -> u64 {
            barrier.wait();
            thread::sleep(Duration::from_millis(if i == 0 { 50 } else { 0 }));
            panic!("item {i}")
        })
    });
    let error = Parallel::new().jobs(2).run(calls).unwrap_err();
    assert_eq!(error.task().unwrap().message(), "item 0");
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
fn a_panic_in_the_input_reaches_the_caller_and_keeps_what_was_computed() {
    let cache = TestCache::new();
    let calls = (0..5000u64).map(|x| {
        assert!(x < 3000, "the input breaks");
        square::delayed(x)
    });
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let payload = catch_unwind(AssertUnwindSafe(|| parallel.run(calls))).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the input breaks"));
    assert_eq!(cache.memory.verify().unwrap().damaged.len(), 0);
    assert!(cache.memory.stats().entries > 0);
    cache.expect_tidy();
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

/// A value whose `Drop` panics does so outside of any task.
#[test]
fn a_panic_outside_of_the_tasks_reaches_the_caller() {
    struct Explosive(bool);
    impl Drop for Explosive {
        fn drop(&mut self) {
            assert!(!self.0 || thread::panicking(), "dropped");
        }
    }
    let calls = (0..10_000).map(|i| {
        let explosive = Explosive(i > 50);
        delayed(move || {
            let _kept = std::mem::ManuallyDrop::new(explosive);
            thread::sleep(Duration::from_millis(1));
            assert!(i != 10, "stop here");
        })
    });
    // Those that are dropped before they run explode.
    let run = AssertUnwindSafe(|| Parallel::new().jobs(2).run(calls));
    let payload = catch_unwind(run).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"dropped"));
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
fn plain_calls_inside_tasks_use_the_memory_of_the_batch() {
    let (cache, elsewhere) = (TestCache::new(), TestCache::new());
    let _entered = elsewhere.memory.enter();
    let calls = (0..10).map(|x| delayed(move || square(x)));
    Parallel::new().jobs(2).memory(&cache.memory).run(calls).unwrap();
    assert_eq!((cache.memory.stats().entries, elsewhere.memory.stats().entries), (10, 0));
    Parallel::new().jobs(2).run((0..10).map(|x| delayed(move || square(x)))).unwrap();
    assert_eq!(elsewhere.memory.stats().entries, 10, "the current memory is the default");
}

#[test]
fn a_key_computed_by_another_thread_does_not_hold_up_the_batch() {
    static HELD: Barrier = Barrier::new(2);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn slow(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        if x == 0 {
            HELD.wait();
            HELD.wait();
        }
        x
    }
    let cache = TestCache::new();
    let done = AtomicUsize::new(0);
    let values = thread::scope(|scope| {
        scope.spawn(|| cache.memory.call(slow::delayed(0)));
        HELD.wait();
        scope.spawn(|| {
            // The batch of one thread has done all the others before the key that it waits for is free.
            while cache.memory.stats().stored < 29 {
                thread::sleep(Duration::from_millis(1));
            }
            done.store(1, SeqCst);
            HELD.wait();
        });
        // A slow input, so that the queue runs empty before the end.
        let calls = (0..30).map(|x| {
            thread::sleep(Duration::from_millis(3));
            slow::delayed(x)
        });
        Parallel::new().jobs(1).memory(&cache.memory).run(calls).unwrap()
    });
    assert_eq!(values, (0..30).collect::<Vec<_>>());
    assert_eq!((RUNS.load(SeqCst), done.load(SeqCst)), (30, 1));
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

#[test]
fn duplicates_that_wait_count_as_drawn_ahead() {
    static DRAWN: AtomicUsize = AtomicUsize::new(0);
    #[memo]
    fn slow(x: u64) -> usize {
        thread::sleep(Duration::from_millis(200));
        DRAWN.load(SeqCst) + x as usize
    }
    let cache = TestCache::new();
    let calls = (0..100_000).map(|_| {
        DRAWN.fetch_add(1, SeqCst);
        slow::delayed(0)
    });
    let values = Parallel::new().jobs(2).memory(&cache.memory).run(calls).unwrap();
    assert!(values[0] <= 1024 + 512, "{} calls were drawn while the first one ran", values[0]);
    assert_eq!(values.len(), 100_000);
}

#[test]
fn duplicates_of_a_value_that_is_not_worth_storing_are_computed_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(min_cost = "1h")]
    fn cheap(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(20));
        x
    }
    let cache = TestCache::new();
    let calls = (0..16).map(|_| cheap::delayed(1));
    assert_eq!(Parallel::new().jobs(4).memory(&cache.memory).run(calls).unwrap(), [1; 16]);
    assert_eq!((RUNS.load(SeqCst), cache.memory.stats().stored), (1, 0));
}
