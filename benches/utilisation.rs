//! Does every free thread get work? Batches beside and inside one another, against rayon, joblib and the least time possible.
//!
//! Tasks sleep, so that the number of cores does not matter. Inside the timing: from the first call until all values are there. Pools are
//! started outside. joblib runs what it has a form for: `PYTHON=path/to/python`, with joblib and numpy; without it, its column is empty.
//! Three rounds, in which all take turns; the median is printed.
//!
//! `cargo bench --bench utilisation`; with `-- --test`, short ones, which show that it works.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rememo::{Executor, Memory, Parallel, delayed, memo};

#[memo]
fn plus_one(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value + 1.0).collect()
}

#[memo]
fn total(values: &[f64], factor: f64) -> f64 {
    values.iter().sum::<f64>() * factor
}

fn nap(time: Duration) {
    thread::sleep(time);
}

fn uncached(jobs: usize) -> Parallel {
    Parallel::new().jobs(jobs).memory(&Memory::disabled())
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("there is room for some threads")
}

/// One row: rememo, rayon, what joblib is asked for, the least time possible.
struct Row {
    name: &'static str,
    rememo: Box<dyn Fn()>,
    rayon: Option<Box<dyn Fn()>>,
    joblib: Option<String>,
    ideal: Option<Duration>,
}

/// Two batches of 40 on 8 threads, from two threads.
fn two_batches(time: Duration) -> Row {
    let parallel = uncached(8);
    let eight = pool(8);
    Row {
        name: "two batches of 40 tasks of 0.5 s, from two threads, on 8 threads",
        rememo: Box::new(move || {
            let batch = || parallel.run((0..40).map(|_| delayed(move || nap(time)))).expect("nothing panics");
            thread::scope(|scope| {
                scope.spawn(batch);
                scope.spawn(batch);
            });
        }),
        rayon: Some(Box::new(move || {
            let batch = || eight.install(|| (0..40).into_par_iter().with_max_len(1).for_each(|_| nap(time)));
            thread::scope(|scope| {
                scope.spawn(batch);
                scope.spawn(batch);
            });
        })),
        joblib: Some(format!("two {}", time.as_secs_f64())),
        ideal: Some(10 * time),
    }
}

/// A batch of 20 inside a task, beside others that end soon.
fn nested(threads: usize, time: Duration) -> Row {
    let parallel = uncached(threads);
    let others = pool(threads);
    let short = time * 3 / 10;
    let task = move |is_first: bool, inner: &dyn Fn()| if is_first { inner() } else { nap(short) };
    Row {
        name: if threads == 2 {
            "20 tasks of 100 ms nested, beside one of 30 ms, on 2 threads"
        } else {
            "the same beside three, on 4 threads"
        },
        rememo: Box::new(move || {
            let inner = parallel.clone();
            let run = || drop(inner.run((0..20).map(|_| delayed(move || nap(time)))));
            let run = &run;
            parallel.run((0..threads).map(|i| delayed(move || task(i == 0, run)))).expect("nothing panics");
        }),
        rayon: Some(Box::new(move || {
            let run = || (0..20).into_par_iter().with_max_len(1).for_each(|_| nap(time));
            others.install(|| (0..threads).into_par_iter().with_max_len(1).for_each(|i| task(i == 0, &run)));
        })),
        joblib: None,
        ideal: None,
    }
}

/// Eight idle threads, and a batch inside the only task.
fn idle(time: Duration) -> Row {
    let parallel = uncached(8);
    let eight = pool(8);
    Row {
        name: "40 tasks of 50 ms nested in the only task, on 8 threads",
        rememo: Box::new(move || {
            let inner = parallel.clone();
            let run = delayed(|| drop(inner.run((0..40).map(|_| delayed(move || nap(time))))));
            parallel.run([run]).expect("nothing panics");
        }),
        rayon: Some(Box::new(move || {
            eight.install(|| (0..40).into_par_iter().with_max_len(1).for_each(|_| nap(time)));
        })),
        joblib: None,
        ideal: Some(5 * time),
    }
}

/// Many submitted calls beside batches.
fn submitted(count: u64) -> Row {
    let parallel = uncached(2);
    Row {
        name: if count > 100_000 {
            "200,000 submitted calls beside batches"
        } else {
            "50,000 submitted calls beside batches"
        },
        rememo: Box::new(move || {
            let over = std::sync::atomic::AtomicBool::new(false);
            let is_over = || over.load(std::sync::atomic::Ordering::SeqCst);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !is_over() {
                        let calls = (0..20).map(|_| delayed(|| nap(Duration::from_micros(50))));
                        parallel.run(calls).expect("nothing panics");
                    }
                });
                let tasks: Vec<_> = (0..count).map(|x| parallel.submit(delayed(move || x))).collect();
                for task in tasks {
                    task.wait().expect("nothing panics");
                }
                over.store(true, std::sync::atomic::Ordering::SeqCst);
            });
        }),
        rayon: None,
        joblib: None,
        ideal: None,
    }
}

/// Large arguments and values, through a worker process.
fn through_a_worker(megabytes: usize) -> Row {
    let values = vec![1.0; megabytes * 125_000];
    Row {
        name: "400 MB to a worker process and back",
        rememo: Box::new(move || {
            let parallel = uncached(1).executor(Executor::processes());
            assert_eq!(parallel.run([plus_one::delayed(&values)]).expect("it runs")[0].len(), values.len());
        }),
        rayon: None,
        joblib: Some(format!("through {megabytes}")),
        ideal: None,
    }
}

fn shared(megabytes: usize) -> Row {
    let values = vec![1.0; megabytes * 125_000];
    Row {
        name: "50 calls that share 20 MB, in 2 worker processes",
        rememo: Box::new(move || {
            let parallel = uncached(2).executor(Executor::processes());
            let calls = (0..50).map(|i| total::delayed(&values, f64::from(i)));
            assert_eq!(parallel.run(calls).expect("it runs").len(), 50);
        }),
        rayon: None,
        joblib: Some(format!("shared {megabytes}")),
        ideal: None,
    }
}

const SCRIPT: &str = "
import sys, threading, time
import numpy
from joblib import Parallel, delayed

def nap(seconds):
    time.sleep(seconds)

def plus_one(values):
    return values + 1.0

def total(values, factor):
    return float(values.sum()) * factor

what, size = sys.argv[1], float(sys.argv[2])
if what == 'two':
    def batch():
        Parallel(n_jobs=4, backend='threading')(delayed(nap)(size) for _ in range(40))
    threads = [threading.Thread(target=batch) for _ in range(2)]
    started = time.perf_counter()
    for thread in threads: thread.start()
    for thread in threads: thread.join()
elif what == 'through':
    values = numpy.ones(int(size) * 125_000)
    with Parallel(n_jobs=2) as parallel:
        parallel(delayed(nap)(0.01) for _ in range(4))
        started = time.perf_counter()
        assert len(parallel([delayed(plus_one)(values)])[0]) == len(values)
else:
    values = numpy.ones(int(size) * 125_000)
    with Parallel(n_jobs=2) as parallel:
        parallel(delayed(nap)(0.01) for _ in range(4))
        started = time.perf_counter()
        assert len(parallel(delayed(total)(values, i) for i in range(50))) == 50
print(time.perf_counter() - started)
";

/// What joblib takes.
fn joblib(asked: &str) -> Option<Duration> {
    let python = std::env::var_os("PYTHON")?;
    let output = Command::new(python).args(["-c", SCRIPT]).args(asked.split(' ')).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok().map(Duration::from_secs_f64)
}

fn timed(act: &dyn Fn()) -> Duration {
    let started = Instant::now();
    act();
    started.elapsed()
}

fn main() {
    rememo::init();
    let is_test = std::env::args().any(|argument| argument == "--test");
    let scale = if is_test { 50 } else { 1 };
    let rows = [
        two_batches(Duration::from_millis(500) / scale),
        nested(2, Duration::from_millis(100) / scale),
        nested(4, Duration::from_millis(100) / scale),
        idle(Duration::from_millis(50) / scale),
        submitted(50_000 / u64::from(scale)),
        submitted(200_000 / u64::from(scale)),
        through_a_worker(400 / scale as usize),
        shared(if is_test { 1 } else { 20 }),
    ];
    println!("| | rememo | rayon | joblib | at the least |\n| --- | ---: | ---: | ---: | ---: |");
    for row in rows {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        (row.rememo)();
        for _ in 0..if is_test { 1 } else { 3 } {
            times[0].push(timed(&row.rememo));
            times[1].extend(row.rayon.as_ref().map(|rayon| timed(rayon)));
            times[2].extend(row.joblib.as_ref().and_then(|asked| joblib(asked)));
        }
        let shown = times.map(|mut times| {
            times.sort();
            times
                .get(times.len() / 2)
                .map_or_else(String::new, |median| format!("{:.3} s", median.as_secs_f64()))
        });
        let ideal = row.ideal.map_or_else(String::new, |ideal| format!("{:.3} s", ideal.as_secs_f64()));
        println!("| {} | {} | {ideal} |", row.name, shown.join(" | "));
    }
}
