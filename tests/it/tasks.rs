//! Submitted calls.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, Task, TaskErrorKind, as_completed, delayed, memo};

use crate::support::{TestCache, hit, within_a_minute};

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

/// A closure that waits until it is let go, and says that it has started.
struct Gate {
    started: Arc<Barrier>,
    open: Arc<Barrier>,
}

impl Gate {
    fn new() -> Self {
        Gate { started: Arc::new(Barrier::new(2)), open: Arc::new(Barrier::new(2)) }
    }

    /// Submits a task that holds a thread until `open` is called; it has started.
    fn close(&self, parallel: &Parallel) -> Task<()> {
        let (started, open) = (Arc::clone(&self.started), Arc::clone(&self.open));
        let task = parallel.submit(delayed(move || {
            started.wait();
            open.wait();
        }));
        self.started.wait();
        task
    }

    fn open(&self) {
        self.open.wait();
    }
}

fn uncached(jobs: usize) -> Parallel {
    Parallel::new().jobs(jobs).memory(&Memory::disabled())
}

#[test]
fn tasks_are_computed_remembered_and_done_at_once_the_second_time() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let tasks: Vec<_> = (0..200).map(|x| parallel.submit(square::delayed(x))).collect();
    let values: Vec<u64> = tasks.into_iter().map(|task| task.wait().unwrap()).collect();
    assert_eq!(values, (0..200).map(|x| x * x).collect::<Vec<_>>());
    assert_eq!((cache.memory.stats().misses, cache.memory.stats().entries), (200, 200));

    let gate = Gate::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory);
    let held = gate.close(&parallel);
    // No thread is free, and none is needed.
    let mut remembered = parallel.submit(square::delayed(7));
    assert!(remembered.is_done() && !remembered.cancel());
    assert_eq!(remembered.try_get().unwrap().unwrap(), 49);
    let mut fresh = parallel.submit(square::delayed(1000));
    assert!(!fresh.is_done() && fresh.try_get().is_none());
    gate.open();
    held.wait().unwrap();
    assert_eq!(fresh.wait().unwrap(), 1_000_000);
    let stats = cache.memory.stats();
    assert_eq!((stats.misses, stats.hits, stats.joined), (201, 1, 0));
}

#[test]
fn a_wait_that_times_out_leaves_the_task_running() {
    let parallel = uncached(2);
    let gate = Gate::new();
    let mut task = gate.close(&parallel);
    assert!(task.wait_timeout(Duration::ZERO).is_none());
    assert!(task.wait_timeout(Duration::from_millis(20)).is_none());
    assert!(!task.is_done() && !task.cancel());
    gate.open();
    assert!(task.wait_timeout(Duration::MAX).unwrap().is_ok());
    assert!(task.is_done());
    let again = catch_unwind(AssertUnwindSafe(|| task.try_get())).unwrap_err();
    assert_eq!(again.downcast_ref::<&str>(), Some(&"the result of this task was taken before"));
}

#[test]
fn what_is_cancelled_before_it_starts_never_runs() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn counted(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory);
    let gate = Gate::new();
    let held = gate.close(&parallel);
    let tasks: Vec<_> = (0..10).map(|x| parallel.submit(counted::delayed(x))).collect();
    // Those of equal key wait for the first of them, which is among the cancelled.
    let twins: Vec<_> = (0..3).map(|_| parallel.submit(counted::delayed(4))).collect();
    assert!(tasks.iter().step_by(2).all(Task::cancel));
    assert!(!tasks[0].cancel(), "once is enough");
    assert!(tasks[0].is_done());
    assert!(!held.cancel());
    gate.open();
    held.wait().unwrap();
    for (x, task) in tasks.into_iter().enumerate() {
        match task.wait() {
            Ok(value) => assert_eq!((value, x % 2), (x as u64, 1)),
            Err(error) => {
                assert_eq!((error.kind(), x % 2), (TaskErrorKind::Cancelled, 0));
                let function = error.function().unwrap();
                assert_eq!(error.to_string(), format!("task 0 (`{function}({x})`) was cancelled"));
            }
        }
    }
    for twin in twins {
        assert_eq!(twin.wait().unwrap(), 4);
    }
    assert_eq!(RUNS.load(SeqCst), 6, "five that were not cancelled, and the twins once");
    assert_eq!(cache.memory.stats().misses, 6);
}

#[test]
fn failures_carry_what_failed_and_stop_nothing_else() {
    #[memo]
    fn picky(x: u64) -> u64 {
        assert!(x != 3, "not three");
        x
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let tasks: Vec<_> = (0..8).map(|x| parallel.submit(picky::delayed(x))).collect();
    let results: Vec<_> = tasks.into_iter().map(Task::wait).collect();
    for (x, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(*value, x as u64),
            Err(error) => {
                assert_eq!((x, error.index(), error.arguments()), (3, 0, "3"));
                assert_eq!((error.kind(), error.message()), (TaskErrorKind::Panicked, "not three"));
                assert!(error.place().unwrap().starts_with(file!()));
            }
        }
    }
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 7);
}

#[test]
fn a_failed_task_is_tried_again_and_its_twins_share_the_last_failure() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fails(x: u64) -> u64 {
        panic!("{x} failed for the {}. time", RUNS.fetch_add(1, SeqCst) + 1)
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory).retries(2);
    let gate = Gate::new();
    let held = gate.close(&parallel);
    let tasks: Vec<_> = (0..4).map(|_| parallel.submit(fails::delayed(1))).collect();
    gate.open();
    held.wait().unwrap();
    for (index, result) in as_completed(tasks) {
        let error = result.unwrap_err();
        assert_eq!((error.index(), error.message()), (index, "1 failed for the 3. time"));
    }
    assert_eq!(RUNS.load(SeqCst), 3);
}

#[test]
fn tasks_of_equal_keys_share_one_computation_and_hold_no_thread() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static HELD: Barrier = Barrier::new(2);
    #[memo]
    fn slow(x: u64) -> String {
        RUNS.fetch_add(1, SeqCst);
        HELD.wait();
        HELD.wait();
        x.to_string()
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let twins: Vec<_> = (0..50).map(|_| parallel.submit(slow::delayed(5))).collect();
    HELD.wait();
    // One thread computes; the other one is free, though 49 tasks wait for the first.
    assert_eq!(parallel.submit(square::delayed(9)).wait().unwrap(), 81);
    HELD.wait();
    assert!(twins.into_iter().all(|twin| twin.wait().unwrap() == "5"));
    assert_eq!(RUNS.load(SeqCst), 1);
    let stats = cache.memory.stats();
    assert_eq!((stats.misses, stats.joined + stats.hits), (2, 49));
}

#[test]
fn never_more_tasks_than_jobs_run_however_many_threads_submit_and_wait() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let call = |x: u64| {
        delayed(move || {
            MOST.fetch_max(NOW.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::sleep(Duration::from_millis(2));
            NOW.fetch_sub(1, SeqCst);
            x
        })
    };
    // A size that no other test uses: the pool is shared.
    let parallel = uncached(11);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let tasks: Vec<_> = (0..50).map(|x| parallel.submit(call(x))).collect();
                for (x, task) in (0..).zip(tasks) {
                    assert_eq!(task.wait().unwrap(), x);
                }
            });
        }
    });
    assert!((2..=11).contains(&MOST.load(SeqCst)), "{MOST:?}");
}

#[test]
fn as_completed_yields_each_task_once_as_it_is_done() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    cache.memory.call(square::delayed(3));
    let gate = Gate::new();
    let held = gate.close(&parallel);
    let submit = |x| parallel.submit(delayed(move || assert_eq!(square(x), x * x)));
    let tasks = vec![held, submit(1), submit(2)];
    let mut completed = as_completed(tasks);
    let first: BTreeSet<usize> = completed.by_ref().take(2).map(|(index, _)| index).collect();
    assert_eq!(first, BTreeSet::from([1, 2]), "the one that is held comes last");
    gate.open();
    assert_eq!(completed.next().unwrap().0, 0);
    assert!(completed.next().is_none() && completed.next().is_none());

    assert!(as_completed(Vec::<Task<u8>>::new()).next().is_none());
    let tasks = (0..300).map(|x| parallel.submit(square::delayed(x % 100)));
    let mut seen = BTreeSet::new();
    for (index, result) in as_completed(tasks) {
        assert_eq!(result.unwrap(), (index as u64 % 100).pow(2));
        assert!(seen.insert(index));
    }
    assert_eq!(seen.len(), 300);
}

#[test]
fn a_task_that_is_dropped_runs_on_and_its_value_is_kept() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    (0..20).for_each(|x| drop(parallel.submit(square::delayed(x))));
    drop(as_completed((20..30).map(|x| parallel.submit(square::delayed(x)))));
    drop(parallel);
    // What is submitted last is begun last, by one of two threads.
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    within_a_minute(move || {
        let again: Vec<_> = (0..30).map(|x| parallel.submit(square::delayed(x))).collect();
        assert_eq!(
            again.into_iter().map(|task| task.wait().unwrap()).sum::<u64>(),
            (0..30).map(|x| x * x).sum::<u64>()
        );
    });
    assert_eq!(cache.memory.stats().misses, 30);
    assert_eq!(hit(&cache.memory, square::delayed(29)), 841);
}

#[test]
fn tasks_that_submit_and_wait_finish_on_a_pool_of_any_size() {
    #[memo]
    fn tree(depth: u64, seed: u64) -> u64 {
        if depth == 0 {
            return seed;
        }
        let parallel = Parallel::new();
        let tasks: Vec<_> =
            (0..3).map(|i| parallel.submit(tree::delayed(depth - 1, (seed * 3 + i) % 11))).collect();
        if seed.is_multiple_of(2) {
            tasks.into_iter().map(|task| task.wait().unwrap()).sum()
        } else {
            as_completed(tasks).map(|(_, result)| result.unwrap()).sum()
        }
    }
    fn oracle(depth: u64, seed: u64) -> u64 {
        if depth == 0 { seed } else { (0..3).map(|i| oracle(depth - 1, (seed * 3 + i) % 11)).sum() }
    }
    for jobs in [1, 2, 3] {
        within_a_minute(move || {
            let cache = TestCache::new();
            let parallel = Parallel::new().jobs(jobs).memory(&cache.memory);
            let tasks: Vec<_> = (0..11).map(|seed| parallel.submit(tree::delayed(4, seed))).collect();
            for (seed, task) in (0..).zip(tasks) {
                assert_eq!(task.wait().unwrap(), oracle(4, seed), "{jobs} jobs");
            }
            let batch = parallel.run((0..11).map(|seed| tree::delayed(5, seed))).unwrap();
            assert_eq!(batch, (0..11).map(|seed| oracle(5, seed)).collect::<Vec<_>>());
            // 11 seeds, 5 depths and the leaves: each computed once.
            assert_eq!(cache.memory.stats().misses, 66);
            cache.expect_tidy();
        });
    }
}

/// Batches inside tasks and tasks inside batches, on one pool: threads that wait inside one are offered the other.
#[test]
fn tasks_and_batches_mixed_on_one_pool_finish() {
    for jobs in [1, 2, 4] {
        within_a_minute(move || {
            let parallel = uncached(jobs);
            let inner = parallel.clone();
            let mixed = move |x: u64| {
                let inner = inner.clone();
                delayed(move || {
                    let task = inner.submit(delayed(move || {
                        Parallel::new()
                            .run((0..4).map(|y| delayed(move || x + y)))
                            .unwrap()
                            .iter()
                            .sum::<u64>()
                    }));
                    let sums = inner.run((0..4).map(|y| delayed(move || x * y))).unwrap();
                    sums.iter().sum::<u64>() + task.wait().unwrap()
                })
            };
            let tasks: Vec<_> = (0..100).map(|x| parallel.submit(mixed(x))).collect();
            let batch = parallel.run((0..100).map(&mixed)).unwrap();
            for ((x, task), value) in (0..).zip(tasks).zip(batch) {
                assert_eq!((task.wait().unwrap(), value), (10 * x + 6, 10 * x + 6));
            }
        });
    }
}

#[test]
fn a_task_does_not_wait_for_the_end_of_a_long_batch() {
    let (begun, over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let calls = (0..6000).map(|_| {
                delayed(|| {
                    begun.store(true, SeqCst);
                    thread::sleep(Duration::from_millis(2));
                })
            });
            // A size that no other test uses: the pool is shared.
            uncached(12).run(calls).unwrap();
            over.store(true, SeqCst);
        });
        while !begun.load(SeqCst) {
            thread::yield_now();
        }
        let task = uncached(12).submit(delayed(|| thread::current().name().map(str::to_owned)));
        let thread = task.wait().unwrap();
        assert!(!over.load(SeqCst));
        assert!(thread.is_some_and(|name| name.starts_with("rememo-12-")), "it ran elsewhere");
    });
}

/// What a call that is computed outside of the pool submits, while the only thread of the pool waits for that very call.
mod awaited_outside {
    use super::*;

    static SETTINGS: Mutex<Option<(Memory, Parallel)>> = Mutex::new(None);
    static IS_WAITED_FOR: AtomicBool = AtomicBool::new(false);
    static RUNS: AtomicU32 = AtomicU32::new(0);

    fn settings() -> (Memory, Parallel) {
        SETTINGS.lock().unwrap().clone().unwrap()
    }

    /// A task on the pool, which waits for a call that is computed outside of it.
    #[memo]
    fn waits(way: u64) -> u64 {
        IS_WAITED_FOR.store(true, SeqCst);
        settings().0.call(submits::delayed(way)) + 1
    }

    #[memo]
    fn submits(way: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        while !IS_WAITED_FOR.load(SeqCst) {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(20));
        let tasks = (0..3).map(|x| settings().1.submit(square::delayed(100 + x)));
        match way {
            0 => tasks.map(|task| task.wait().unwrap()).sum(),
            _ => as_completed(tasks).map(|(_, result)| result.unwrap()).sum(),
        }
    }

    /// Regression: it was computed a second time after some seconds, or hung.
    #[test]
    fn is_computed_though_the_pool_waits_for_who_submits_it() {
        for way in [0, 1] {
            within_a_minute(move || {
                let cache = TestCache::new();
                let parallel = Parallel::new().jobs(1).memory(&cache.memory);
                *SETTINGS.lock().unwrap() = Some((cache.memory.clone(), parallel.clone()));
                IS_WAITED_FOR.store(false, SeqCst);
                RUNS.store(0, SeqCst);
                let outside = thread::spawn(move || settings().0.call(submits::delayed(way)));
                while RUNS.load(SeqCst) == 0 {
                    thread::yield_now();
                }
                let inside = parallel.submit(waits::delayed(way));
                let sum = 100 * 100 + 101 * 101 + 102 * 102;
                assert_eq!((outside.join().unwrap(), inside.wait().unwrap()), (sum, sum + 1));
                assert_eq!(RUNS.load(SeqCst), 1, "nothing is computed twice");
            });
        }
    }
}
