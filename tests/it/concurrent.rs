//! Many threads, one store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, Source, delayed, memo};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, hit, within_a_minute};

#[test]
fn threads_that_ask_together_share_one_computation() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn slow(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(100));
        x + 1
    }
    let cache = TestCache::new();
    let barrier = Barrier::new(8);
    let sources: Vec<Source> = thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            let outcome = cache.memory.call_info(slow::delayed(1));
            assert_eq!(outcome.value, 2);
            outcome.source
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(RUNS.load(SeqCst), 1);
    assert_eq!(sources.iter().filter(|source| matches!(source, Source::Miss(_))).count(), 1, "{sources:?}");
    assert_eq!(sources.iter().filter(|source| **source == Source::Joined).count(), 7, "{sources:?}");
    let stats = cache.memory.stats();
    assert_eq!((stats.misses, stats.joined, stats.stored), (1, 7, 1));
}

#[test]
fn two_handles_on_one_directory_share_one_computation() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn slow(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(100));
        x + 1
    }
    let cache = TestCache::new();
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let memory = cache.reopen();
                barrier.wait();
                assert_eq!(memory.call(slow::delayed(1)), 2);
            });
        }
    });
    assert_eq!(RUNS.load(SeqCst), 1);
    cache.expect_tidy();
}

#[test]
fn waiters_share_a_value_that_is_not_stored() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(min_cost = "1h")]
    fn slow(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(100));
        x + 1
    }
    let cache = TestCache::new();
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(cache.memory.call(slow::delayed(1)), 2);
            });
        }
    });
    assert_eq!(RUNS.load(SeqCst), 1);
    assert_eq!(cache.memory.stats().stored, 0);
}

#[test]
fn a_panic_reaches_its_own_caller_and_waiters_compute_for_themselves() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn fails_first(x: u64) -> u64 {
        let first = RUNS.fetch_add(1, SeqCst) == 0;
        thread::sleep(Duration::from_millis(100));
        assert!(!first, "the first run fails");
        x + 1
    }
    let cache = TestCache::new();
    let barrier = Barrier::new(4);
    let failed: u32 = thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            let call = || cache.memory.call(fails_first::delayed(1));
            match catch_unwind(AssertUnwindSafe(call)) {
                Ok(value) => {
                    assert_eq!(value, 2);
                    0
                }
                Err(payload) => {
                    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the first run fails"));
                    1
                }
            }
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(failed, 1);
    hit(&cache.memory, fails_first::delayed(1));
    cache.expect_tidy();
}

#[test]
fn a_panicking_call_stores_nothing_and_leaves_the_thread_as_it_was() {
    #[memo]
    fn fails(x: u64) -> u64 {
        panic!("no value for {x}")
    }
    let (cache, outside) = (TestCache::new(), TestCache::new());
    let _entered = outside.memory.enter();
    catch_unwind(AssertUnwindSafe(|| cache.memory.call(fails::delayed(1)))).unwrap_err();
    assert_eq!(cache.memory.stats().entries, 0);
    cache.expect_tidy();
    assert_eq!(Memory::current().root(), outside.memory.root());
}

/// Each of two threads leads one key and asks for the other's, as when a pool runs tasks on the stack of a thread that waits.
/// Without a look at who waits for whom both would wait for ever.
#[test]
fn threads_that_would_wait_for_each_other_compute_instead() {
    static MEET: Barrier = Barrier::new(2);
    static MET: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn leads(me: u32) -> u32 {
        if MET.fetch_add(1, SeqCst) < 2 {
            MEET.wait();
            leads(1 - me)
        } else {
            me
        }
    }
    // Through one handle, and through a handle for each thread, where the lease between processes cannot see the circle.
    for handles in [1, 2] {
        MET.store(0, SeqCst);
        let cache = TestCache::new();
        let (done, finished) = mpsc::channel();
        for me in 0..2 {
            let memory = if handles == 1 { cache.memory.clone() } else { cache.reopen() };
            let done = done.clone();
            // Not scoped: a scope would wait for ever for threads that hang.
            thread::spawn(move || {
                let _entered = memory.enter();
                done.send(leads(me)).unwrap();
            });
        }
        for _ in 0..2 {
            // Which of the two runs last is open; that both end is not.
            let value =
                finished.recv_timeout(Duration::from_secs(30)).expect("the threads wait for each other");
            assert!(value < 2);
        }
    }
}

/// Regression: without a second look-up by the leader, a call that missed just before another thread stored it ran again.
#[test]
fn threads_that_ask_for_a_cheap_function_together_share_it_too() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn cheap(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    let cache = TestCache::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|x| assert_eq!(cache.memory.call(cheap::delayed(x)), x)));
        }
    });
    assert_eq!(RUNS.load(SeqCst), 1000);
}

#[test]
fn recompute_runs_the_function_though_another_thread_is_computing_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn slow(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(100));
        x
    }
    let cache = TestCache::new();
    thread::scope(|scope| {
        scope.spawn(|| cache.memory.call(slow::delayed(1)));
        while RUNS.load(SeqCst) == 0 {
            thread::yield_now();
        }
        cache.memory.recompute(slow::delayed(1));
    });
    assert_eq!(RUNS.load(SeqCst), 2);
}

/// Regression: handles of one process wrote the same temporary file beside `format` and beside a function's record, so that
/// the second rename failed.
#[test]
fn a_directory_may_be_opened_for_the_first_time_by_many_threads_at_once() {
    #[memo]
    fn double(x: u64) -> u64 {
        2 * x
    }
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            for x in 0..4 {
                let (dir, barrier) = (&dir, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let memory = Memory::open(dir.path()).unwrap();
                    barrier.wait();
                    assert_eq!(memory.call(double::delayed(x)), 2 * x);
                    assert_eq!(memory.stats().troubles, 0);
                });
            }
        });
    }
}

/// Regression: threads of a pool lost patience with a call that took far longer than its function usually does, and computed it
/// a second time.
#[test]
fn a_call_that_takes_far_longer_than_usual_is_computed_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn load(name: &str) -> usize {
        let long = name.starts_with("big");
        if long {
            RUNS.fetch_add(1, SeqCst);
        }
        thread::sleep(Duration::from_millis(if long { 2_500 } else { 1 }));
        name.len()
    }
    let cache = TestCache::new();
    let _entered = cache.memory.enter();
    let parallel = Parallel::new().jobs(3);
    load("small");
    let task = |name: &'static str| delayed(move || load(name));
    // Two tasks that call it; pieces of rayon's inside of tasks; a thread of no pool; and pieces of a rayon pool of one's own.
    let memory = &cache.memory;
    let own = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _entered = memory.enter();
            let in_rayon = delayed(|| {
                let call = || {
                    let _entered = memory.enter();
                    load("big two")
                };
                rayon::join(call, call).0
            });
            assert_eq!(parallel.run([in_rayon]).unwrap(), [7]);
        });
        scope.spawn(|| {
            let call = || memory.call(load::delayed("big one"));
            own.install(|| rayon::join(call, call));
        });
        scope.spawn(|| memory.call(load::delayed("big two")));
        assert_eq!(parallel.run([task("big one"), task("big one")]).unwrap(), [7, 7]);
    });
    assert_eq!(RUNS.load(SeqCst), 2);
}

/// A circle of waits that rayon hides ends, and is told of: a piece of one call runs on the stack of another, which waits.
#[test]
fn a_circle_that_rayon_hides_ends() {
    static LEADS: Barrier = Barrier::new(2);
    #[memo]
    fn one(x: u64) -> u64 {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        if RUNS.fetch_add(1, SeqCst) > 0 {
            return x;
        }
        // Its second piece is taken by whoever waits in rayon: by the thread of the other call.
        let (a, b) = rayon::join(
            || {
                LEADS.wait();
                thread::sleep(Duration::from_millis(50));
                x
            },
            || other(x),
        );
        a.max(b)
    }
    #[memo]
    fn other(x: u64) -> u64 {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        if RUNS.fetch_add(1, SeqCst) > 0 {
            return x;
        }
        let (a, b) = rayon::join(
            || {
                LEADS.wait();
                thread::sleep(Duration::from_millis(50));
                x
            },
            || one(x),
        );
        a.max(b)
    }
    within_a_minute(|| {
        let cache = TestCache::new();
        cache.memory.make_default();
        let own = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let (a, b) = own.install(|| rayon::join(|| one(5), || other(5)));
        assert_eq!((a, b), (5, 5));
        Memory::disabled().make_default();
    });
}

/// A call that is computed outside of the pool waits for a piece of rayon's, on top of which another waits for that call.
#[cfg(target_os = "linux")]
mod circle_outside {
    use super::*;

    static POOL: LazyLock<rayon::ThreadPool> =
        LazyLock::new(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());

    #[memo]
    fn waits_beneath(i: u64) -> u64 {
        static BEGUN: AtomicU64 = AtomicU64::new(0);
        if BEGUN.fetch_or(1 << i, SeqCst) & (1 << i) != 0 {
            return i;
        }
        let both = Barrier::new(2);
        let wait = || _ = both.wait();
        POOL.install(|| {
            // The thread that waits for the second piece takes what is spawned there.
            rayon::join(wait, || {
                wait();
                let (tell, told) = mpsc::channel();
                rayon::spawn(move || {
                    tell.send(()).unwrap();
                    waits_beneath(i);
                });
                told.recv().unwrap();
            })
        });
        i
    }

    pub fn play(cache: &Path) {
        Memory::open(cache).unwrap().make_default();
        within_a_minute(|| (0..10).for_each(|i| assert_eq!(waits_beneath(i), i)));
    }

    /// Regression: each took ten seconds, as did a program of `crate::programs` that has several.
    #[test]
    fn ends_as_soon_as_all_threads_wait() {
        let cache = TestCache::new();
        expect_success(&mut start("concurrent circles", &cache.root()));
    }
}

/// Calls that start a thread of their own, which runs a batch on the same pool and is waited for.
#[cfg(target_os = "linux")]
mod threads_beneath {
    use super::*;

    #[memo]
    fn starts_a_thread(depth: u64) -> u64 {
        let Some(below) = depth.checked_sub(1) else { return 0 };
        let one = Parallel::new().jobs(1).memory(&Memory::current());
        let below = thread::scope(|scope| {
            scope.spawn(|| one.run([starts_a_thread::delayed(below)]).unwrap()[0]).join().unwrap()
        });
        below + 1
    }

    pub fn play(cache: &Path) {
        Memory::open(cache).unwrap().make_default();
        within_a_minute(|| assert_eq!(starts_a_thread(100), 100));
    }

    /// Regression: each took a second.
    #[test]
    fn get_another_as_soon_as_all_threads_wait() {
        let cache = TestCache::new();
        expect_success(&mut start("concurrent threads beneath", &cache.root()));
    }
}

#[cfg(target_os = "linux")]
pub fn play(role: &str, cache: &Path) {
    match role {
        "circles" => circle_outside::play(cache),
        "threads beneath" => threads_beneath::play(cache),
        role => panic!("{role}"),
    }
}

/// A function with enough shapes of results to notice a mix-up.
#[memo]
fn mixed(kind: u8, x: u64) -> Result<Vec<u64>, String> {
    match kind {
        0 => Ok(vec![x; (x % 5) as usize]),
        1 => Err(format!("{x} is refused")),
        _ => Ok((0..x * 300).collect()),
    }
}

#[test]
fn four_threads_of_a_thousand_mixed_calls_always_get_what_the_function_returns() {
    let cache = TestCache::new();
    thread::scope(|scope| {
        for thread in 0..4u64 {
            let memory = if thread % 2 == 0 { cache.memory.clone() } else { cache.reopen() };
            scope.spawn(move || {
                let mut state = thread;
                for _ in 0..1000 {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let (kind, x) = ((state >> 60) as u8 % 3, (state >> 40) % 40);
                    let call = || mixed::delayed(kind, x);
                    match (state >> 33) % 40 {
                        0 => drop(memory.remove(&call()).unwrap()),
                        1 => memory.clear_function(mixed::info()).unwrap(),
                        2 => assert_eq!(memory.recompute(call()), mixed::uncached(kind, x)),
                        3 => {
                            if let Some(value) = memory.lookup(&call()) {
                                assert_eq!(value, mixed::uncached(kind, x));
                            }
                        }
                        _ => assert_eq!(memory.call(call()), mixed::uncached(kind, x)),
                    }
                }
            });
        }
    });
    assert_eq!(cache.memory.verify().unwrap().damaged.len(), 0);
    assert_eq!(cache.memory.stats().troubles, 0);
    cache.expect_tidy();
}
