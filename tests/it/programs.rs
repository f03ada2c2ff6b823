//! Random programs: batches in batches, streams, submitted calls, threads of rayon's and of one's own, panics, in any mixture.
//!
//! A program is a graph of memoized calls, made from a seed: what a call does (which calls it makes, and in which way) is decided by a
//! digest of its arguments, so that the oracle, which makes the same calls one after the other without any cache, knows every value.
//! Calls are shared: many ways lead to each. Checked are the values, that nothing hangs, and that nothing is computed twice.
//!
//! For some seconds in a test run; `REMEMO_TEST_SECONDS=3600` is for an hour. The seed of a program that fails is told, and
//! `REMEMO_TEST_PROGRAM=<seed>` runs it alone.

use std::collections::HashMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rememo::{Executor, Memory, Parallel, TaskError, as_completed, delayed, memo};

use crate::support::{TestCache, within_a_minute};

/// What a call that fails counts as, for who makes it.
const FAILED: u64 = 1_000_003;

/// The memory and the settings of a program, for its calls: pieces of rayon's run on threads that have not entered the memory.
static PROGRAMS: Mutex<Option<HashMap<u64, (Memory, Parallel)>>> = Mutex::new(None);

/// How often each call ran to its end.
static RUNS: Mutex<Option<Runs>> = Mutex::new(None);

/// By program, depth and number.
type Runs = HashMap<(u64, u32, u64), u32>;

fn program(seed: u64) -> (Memory, Parallel) {
    let found = PROGRAMS.lock().unwrap().as_ref().and_then(|programs| programs.get(&seed).cloned());
    // Not under the lock: a submitted call that nobody waits for may run when its program is over, and fails.
    found.expect("a program that is not over")
}

/// How often it was told that a call is computed a second time.
static TOLD: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl log::Log for Counting {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        TOLD.fetch_add(usize::from(record.args().to_string().contains("computed a second time")), SeqCst);
    }

    fn flush(&self) {}
}

/// A digest of a call.
fn mix(seed: u64, depth: u32, id: u64, salt: u64) -> u64 {
    let mut x = seed ^ (u64::from(depth) << 40) ^ (id << 20) ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
    }
    x
}

/// The calls that a call makes: their numbers, one level below.
fn children(seed: u64, depth: u32, id: u64) -> Vec<u64> {
    if depth == 0 {
        return Vec::new();
    }
    (0..=mix(seed, depth, id, 1) % 6).map(|i| mix(seed, depth, id, 100 + i) % 9).collect()
}

fn fails(seed: u64, depth: u32, id: u64) -> bool {
    mix(seed, depth, id, 2).is_multiple_of(13)
}

fn value(id: u64, of_children: u64) -> u64 {
    (id + 3 * of_children) % 1_000_000_007
}

/// What a call comes to, made plainly; `None` if it panics.
fn oracle(seed: u64, depth: u32, id: u64, known: &mut HashMap<(u32, u64), Option<u64>>) -> Option<u64> {
    if let Some(known) = known.get(&(depth, id)) {
        return *known;
    }
    let children = children(seed, depth, id);
    let sum = children.into_iter().map(|child| oracle(seed, depth - 1, child, known).unwrap_or(FAILED)).sum();
    let value = (!fails(seed, depth, id)).then(|| value(id, sum));
    known.insert((depth, id), value);
    value
}

#[memo]
fn node(seed: u64, depth: u32, id: u64) -> u64 {
    let digest = mix(seed, depth, id, 3);
    let children = children(seed, depth, id);
    let sum = if children.is_empty() {
        // Some take a while, so that others meet them.
        match digest % 8 {
            0 => thread::sleep(Duration::from_micros(digest % 3_000)),
            1 => thread::yield_now(),
            _ => {}
        }
        0
    } else {
        sum_of(seed, depth - 1, &children, digest)
    };
    if fails(seed, depth, id) {
        panic_any(format!("{id} at {depth} fails"));
    }
    *RUNS.lock().unwrap().get_or_insert_default().entry((seed, depth, id)).or_default() += 1;
    value(id, sum)
}

fn or_failed(result: Result<u64, TaskError>) -> u64 {
    result.unwrap_or(FAILED)
}

/// Makes calls in a way that the digest says; the sum of what comes of them.
fn sum_of(seed: u64, depth: u32, ids: &[u64], digest: u64) -> u64 {
    let (memory, parallel) = program(seed);
    let parallel = parallel.keep_going(true).window(1 + (digest >> 20) as usize % 8);
    let nested = if digest.is_multiple_of(3) {
        parallel.clone().jobs(1 + (digest >> 30) as usize % 3)
    } else {
        parallel.clone()
    };
    let owned: std::sync::Arc<[u64]> = ids.into();
    let calls = || {
        let owned = std::sync::Arc::clone(&owned);
        (0..owned.len()).map(move |i| node::delayed(seed, depth, owned[i]))
    };
    let plain = |id: u64| {
        catch_unwind(AssertUnwindSafe(|| memory.call(node::delayed(seed, depth, id)))).unwrap_or(FAILED)
    };
    // Threads of its own or rayon, not both: a circle through a thread that is joined and a piece of rayon's, which runs on top of
    // another, is one that nobody can see.
    let way = match (digest >> 8) % 12 {
        8 if seed % 2 == 1 => 0,
        9 | 10 if seed.is_multiple_of(2) => 1,
        way => way,
    };
    match way {
        0 | 1 => nested.run_all(calls()).into_iter().map(or_failed).sum(),
        2 => nested.stream(calls()).map(or_failed).sum(),
        3 => nested.stream_unordered(calls()).map(|(_, result)| or_failed(result)).sum(),
        4 => {
            // Given up in the middle, then made again.
            let mut stream = nested.stream(calls());
            let first = stream.next().map(or_failed);
            drop(stream);
            first.into_iter().chain(ids[1..].iter().map(|&id| plain(id))).sum()
        }
        5 => {
            let tasks: Vec<_> = calls().map(|call| parallel.submit(call)).collect();
            tasks.into_iter().map(|task| or_failed(task.wait())).sum()
        }
        6 => {
            as_completed(calls().map(|call| parallel.submit(call))).map(|(_, result)| or_failed(result)).sum()
        }
        7 => {
            // What is cancelled or dropped is made again.
            for (i, call) in calls().enumerate() {
                let task = parallel.submit(call);
                let _ = i % 2 == 0 && task.cancel();
            }
            nested.run_all(calls()).into_iter().map(or_failed).sum()
        }
        8 => {
            // In threads of its own, each of which waits for the pool.
            thread::scope(|scope| {
                let threads: Vec<_> = ids
                    .chunks(2)
                    .map(|ids| {
                        let calls = ids.iter().map(move |&id| node::delayed(seed, depth, id));
                        let parallel = &parallel;
                        scope.spawn(move || parallel.run_all(calls).into_iter().map(or_failed).sum::<u64>())
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            })
        }
        9 => ids.par_iter().map(|&id| plain(id)).sum(),
        10 => {
            let halves = ids.split_at(ids.len() / 2);
            let run = |ids: &[u64]| {
                let calls = ids.iter().map(|&id| node::delayed(seed, depth, id));
                nested.run_all(calls).into_iter().map(or_failed).sum::<u64>()
            };
            let (a, b) = rayon::join(|| run(halves.0), || run(halves.1));
            a + b
        }
        _ => ids.iter().map(|&id| plain(id)).sum(),
    }
}

/// Runs the program of a seed, from up to three threads at a time.
fn run_program(seed: u64) {
    let cache = TestCache::new();
    let jobs = 1 + (mix(seed, 0, 0, 7) % 8) as usize;
    let parallel = Parallel::new().jobs(jobs).memory(&cache.memory).keep_going(true);
    PROGRAMS.lock().unwrap().get_or_insert_default().insert(seed, (cache.memory.clone(), parallel.clone()));
    let depth = 1 + (mix(seed, 0, 0, 8) % 4) as u32;
    let mut known = HashMap::new();
    let expected: Vec<u64> = (0..9).map(|id| oracle(seed, depth, id, &mut known).unwrap_or(FAILED)).collect();
    thread::scope(|scope| {
        for thread in 0..=mix(seed, 0, 0, 9) % 3 {
            let (parallel, expected) = (&parallel, &expected);
            scope.spawn(move || {
                let ids: Vec<u64> = (0..9 + 9 * thread).map(|i| (i * (thread + 1) + thread) % 9).collect();
                let right: u64 = ids.iter().map(|&id| expected[id as usize]).sum();
                let _entered = program(seed).0.enter();
                assert_eq!(sum_of(seed, depth, &ids, mix(seed, depth, thread, 10)), right);
                let calls = ids.iter().map(|&id| node::delayed(seed, depth, id));
                for (id, result) in ids.iter().zip(parallel.run_all(calls)) {
                    assert_eq!(or_failed(result), expected[*id as usize], "call {id}");
                }
            });
        }
    });
    // What was dropped may run yet.
    let stats = || cache.memory.stats().misses;
    let mut before = stats();
    loop {
        thread::sleep(Duration::from_millis(2));
        if std::mem::replace(&mut before, stats()) == stats() {
            break;
        }
    }
    let runs = RUNS.lock().unwrap().take().unwrap_or_default();
    let twice: Vec<_> = runs.iter().filter(|(_, times)| **times > 1).collect();
    let again = twice.iter().map(|(_, times)| **times as usize - 1).sum::<usize>();
    // But for what two calls that wait for each other through rayon make necessary; each time the program is told.
    let told = TOLD.swap(0, SeqCst);
    assert!(again <= told, "computed more than once, {told} were told: {twice:?}");
    for (depth, id) in known.iter().filter_map(|(call, value)| value.map(|_| *call)) {
        let call = node::delayed(seed, depth, id);
        // What was dropped is stored when its thread comes to it.
        let started = Instant::now();
        while cache.memory.lookup(&call).is_none() && started.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(cache.memory.lookup(&call), known[&(depth, id)]);
    }
    assert_eq!(cache.memory.stats().troubles, 0);
    PROGRAMS.lock().unwrap().as_mut().unwrap().remove(&seed);
}

#[test]
fn random_programs_end_with_the_right_values_and_compute_nothing_twice() {
    let run = |seed: u64| {
        println!("program {seed}");
        within_a_minute(move || run_program(seed));
    };
    log::set_logger(&Counting).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    if let Ok(seed) = env::var("REMEMO_TEST_PROGRAM") {
        return run(seed.parse().unwrap());
    }
    let seconds = env::var("REMEMO_TEST_SECONDS").map_or(3, |seconds| seconds.parse().unwrap());
    let started = Instant::now();
    // Others each time, but for a start that is always the same.
    let fresh = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() * 100_000;
    let mut count = 0_u64;
    while started.elapsed() < Duration::from_secs(seconds) {
        run(if count < 20 { count } else { fresh + count });
        count += 1;
    }
    println!("{count} programs");
}

/// The same calls in worker processes, some of which end in the middle: fewer, as processes take their time.
#[test]
#[cfg(target_os = "linux")]
fn random_batches_in_worker_processes_have_the_right_values() {
    #[memo]
    fn shaky(seed: u64, id: u64) -> u64 {
        match mix(seed, 0, id, 11) % 40 {
            0 => std::process::abort(),
            1 => panic!("it panics"),
            2 => std::process::exit(3),
            3 => thread::sleep(Duration::from_millis(5)),
            _ => {}
        }
        mix(seed, 0, id, 12)
    }
    rememo::init();
    for seed in 0..8_u64 {
        within_a_minute(move || {
            let cache = TestCache::new();
            let jobs = 1 + seed as usize % 4;
            let parallel = Parallel::new().jobs(jobs).memory(&cache.memory).executor(Executor::processes());
            let parallel = parallel.keep_going(true).window(1 + seed as usize * 3);
            let ids: Vec<u64> = (0..200).map(|i| mix(seed, 0, i, 13) % 120).collect();
            let right = |id: u64| (mix(seed, 0, id, 11) % 40 > 2).then(|| mix(seed, 0, id, 12));
            let calls = || ids.clone().into_iter().map(move |id| shaky::delayed(seed, id));
            let inner = parallel.clone();
            let results: Vec<Result<u64, TaskError>> = match seed % 4 {
                0 => parallel.run_all(calls()),
                1 => parallel.stream(calls()).collect(),
                2 => calls()
                    .map(|call| parallel.submit(call))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .map(rememo::Task::wait)
                    .collect(),
                _ => Parallel::new().jobs(2).run([delayed(|| inner.run_all(calls()))]).unwrap().remove(0),
            };
            assert_eq!(results.len(), ids.len());
            for (&id, result) in ids.iter().zip(results) {
                assert_eq!(result.ok(), right(id), "call {id} of {seed}");
            }
        });
    }
}
