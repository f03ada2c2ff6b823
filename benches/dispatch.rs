//! What does it cost to run a call through `Parallel`, beside bare rayon?
//!
//! The work of a call is an addition, so that the time is that of dispatch. The baseline is rayon's parallel iterator with one
//! task for each item (`with_max_len(1)`), collected in order. Pools are started outside the timing. Both run on as many
//! threads as there are cores. `sweep` asks what a batch costs whose calls are remembered but for one in a hundred; its
//! baseline is the same batch with nothing but the misses. `order` asks what it brings to begin with the calls that took longest
//! before: its baseline is the order of the input, where the longest calls come last, and the least time possible stands in the name.

#![expect(clippy::cast_precision_loss, reason = "a hundred calls")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use rememo::{Call, Memory, Parallel, delayed, memo};

/// Calls in a batch.
const CALLS: usize = 10_000;

fn dispatch(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("dispatch of {CALLS} trivial calls"));
    group.throughput(Throughput::Elements(CALLS as u64));
    group.bench_function("bare rayon, one task an item", |b| {
        b.iter(|| {
            let values: Vec<usize> =
                (0..CALLS).into_par_iter().with_max_len(1).map(|i| black_box(i) + 1).collect();
            black_box(values)
        });
    });
    let parallel = Parallel::new().memory(&Memory::disabled());
    group.bench_function("rememo, plain closures", |b| {
        b.iter(|| {
            let calls = (0..CALLS).map(|i| delayed(move || black_box(i) + 1));
            black_box(parallel.run(calls).expect("nothing panics"))
        });
    });
    group.finish();
}

/// Spins, so that a core is busy as it would be with work.
#[memo(ignore(time))]
fn work(seed: u64, time: Duration) -> u64 {
    let started = Instant::now();
    while started.elapsed() < time {
        std::hint::spin_loop();
    }
    seed
}

fn speed_up(c: &mut Criterion) {
    const TASKS: u64 = 200;
    const TASK: Duration = Duration::from_millis(10);
    let mut group = c.benchmark_group("200 tasks of 10 ms");
    group.sample_size(10);
    group.bench_function("one after the other", |b| {
        b.iter(|| (0..TASKS).map(|seed| work::uncached(seed, TASK)).sum::<u64>());
    });
    let parallel = Parallel::new().memory(&Memory::disabled());
    group.bench_function("rememo", |b| {
        b.iter(|| parallel.run((0..TASKS).map(|seed| delayed(move || work::uncached(seed, TASK)))));
    });
    group.finish();
}

fn sweep(c: &mut Criterion) {
    const REMEMBERED: u64 = 9_900;
    const ALL: u64 = 10_000;
    const MISS: Duration = Duration::from_millis(1);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path()).expect("a fresh directory");
    let parallel = Parallel::new().memory(&memory);
    parallel.run((0..REMEMBERED).map(|seed| work::delayed(seed, Duration::ZERO))).expect("nothing panics");
    let forget = || {
        for seed in REMEMBERED..ALL {
            memory.remove(&work::delayed(seed, MISS)).expect("our own directory");
        }
    };
    let mut group = c.benchmark_group("sweep of 10,000 calls, 99 % remembered, 1 ms a miss");
    group.sample_size(10);
    for (name, first) in [("the misses alone", REMEMBERED), ("the whole sweep", 0)] {
        group.bench_function(name, |b| {
            b.iter_batched(
                forget,
                |()| parallel.run((first..ALL).map(|seed| work::delayed(seed, MISS))),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// The time of a call of the group `order`: quantiles of a Pareto distribution with the exponent 1.1, from 2 ms up.
fn heavy_tailed(call: u64) -> Duration {
    Duration::from_secs_f64(0.002 * (1.0 - (call as f64 + 0.5) / ORDERED as f64).powf(-1.0 / 1.1))
}

/// Calls of the group `order`.
const ORDERED: u64 = 100;

/// Sleeps, so that the cores do not matter.
#[memo(name = "order", version = 1)]
fn before(call: u64) -> u64 {
    std::thread::sleep(heavy_tailed(call));
    call
}

#[memo(name = "order", version = 2)]
fn changed(call: u64) -> u64 {
    std::thread::sleep(heavy_tailed(call));
    call
}

#[memo(name = "order of the input", version = 1)]
fn unknown(call: u64) -> u64 {
    std::thread::sleep(heavy_tailed(call));
    call
}

fn order(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path()).expect("a fresh directory");
    let parallel = Parallel::new().memory(&memory);
    parallel.run((0..ORDERED).map(before::delayed)).expect("nothing panics");
    // As the next run of a program would: it reads the records anew.
    let memory = Memory::open(dir.path()).expect("the directory from above");
    let sum: Duration = (0..ORDERED).map(heavy_tailed).sum();
    for jobs in [2, 4, 8] {
        let bound = (sum / jobs).max(heavy_tailed(ORDERED - 1)).as_millis();
        let mut group =
            c.benchmark_group(format!("100 calls, the longest last, {jobs} jobs, {bound} ms at least"));
        group.sample_size(10);
        let parallel = Parallel::new().jobs(jobs as usize).memory(&memory);
        group.bench_function("nothing known", |b| {
            b.iter_batched(
                || (0..ORDERED).for_each(|call| forget(&memory, &unknown::delayed(call))),
                |()| parallel.run((0..ORDERED).map(unknown::delayed)),
                BatchSize::PerIteration,
            );
        });
        group.bench_function("after a change of code", |b| {
            b.iter_batched(
                || (0..ORDERED).for_each(|call| forget(&memory, &changed::delayed(call))),
                |()| parallel.run((0..ORDERED).map(changed::delayed)),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

fn forget(memory: &Memory, call: &impl Call) {
    memory.remove(call).expect("our own directory");
}

criterion_group!(benches, dispatch, speed_up, sweep, order);
criterion_main!(benches);
