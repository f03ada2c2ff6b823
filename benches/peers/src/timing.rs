//! Timing of calls, with every value checked and every hit or miss asserted.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::cache::{Cache, THREADS};
use crate::work;

/// Calls that are timed at one go; their values are checked and dropped after it.
const GO: usize = 256;

/// What calls are expected to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Hits,
    Misses,
}

/// How long the calls take on this thread. Checking and dropping their values is outside the timing.
pub(crate) fn calls(name: &str, cache: &dyn Cache, seeds: &[u64], expected: Expected) -> Duration {
    let mut time = Duration::ZERO;
    let mut answers = Vec::with_capacity(GO);
    for seeds in seeds.chunks(GO) {
        let started = Instant::now();
        for &seed in seeds {
            answers.push(cache.call(seed));
        }
        time += started.elapsed();
        for (answer, &seed) in answers.drain(..).zip(seeds) {
            assert!(answer.hit == (expected == Expected::Hits), "{name}: hit is {} for {seed}", answer.hit);
            work::check(name, seed, &answer.value);
        }
    }
    time
}

/// Nanoseconds a call on one thread.
pub(crate) fn one_thread(name: &str, cache: &dyn Cache, seeds: &[u64], expected: Expected) -> f64 {
    per_call(calls(name, cache, seeds, expected), seeds.len())
}

/// Nanoseconds a call on each of [`THREADS`] threads that start together, each with its share of the calls; their mean.
pub(crate) fn threads(name: &str, cache: &dyn Cache, seeds: &[u64], expected: Expected) -> f64 {
    let start = Barrier::new(THREADS);
    let shares: Vec<&[u64]> = seeds.chunks(seeds.len().div_ceil(THREADS)).collect();
    assert_eq!(shares.len(), THREADS, "a share for each thread");
    thread::scope(|scope| {
        let times = shares.iter().map(|share| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                one_thread(name, cache, share, expected)
            })
        });
        let times: Vec<_> = times.collect();
        times.into_iter().map(|time| time.join().expect("a thread that does not panic")).sum::<f64>()
    }) / f64::from(u32::try_from(THREADS).expect("few"))
}

/// Nanoseconds for each of `calls` calls.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn per_call(time: Duration, calls: usize) -> f64 {
    time.as_nanos() as f64 / calls as f64
}

/// Nanoseconds for all.
pub(crate) fn whole(time: Duration) -> f64 {
    per_call(time, 1)
}

/// The one in the middle; of an even number the lower of the two.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_unstable_by(f64::total_cmp);
    figures[(figures.len() - 1) / 2]
}
