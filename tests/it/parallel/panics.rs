//! A panic anywhere is what came of one call: nothing else stops, and nobody is left waiting.

use std::collections::BTreeMap;
use std::panic::panic_any;
use std::path::Path;
use std::time::Duration;

use rememo::execute::{Execute, Failure, Job, Reply};
use rememo::{Executor, Memory, Parallel, TaskError, TaskErrorKind, as_completed, delayed, memo};
use serde::{Deserialize, Serialize};

use crate::processes;
use crate::support::{TestCache, within_a_minute};

/// Panics when it is dropped, unless it is defused.
struct Explosive(bool);

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(!self.0 || std::thread::panicking(), "it explodes");
    }
}

type Results = BTreeMap<usize, Result<u64, TaskError>>;

/// Every way to see calls through, and what comes of each call.
fn every_way<C>(parallel: &Parallel, calls: impl Fn() -> Vec<C>) -> Vec<Results>
where
    C: rememo::Call<Output = u64> + Send + 'static,
{
    let parallel = parallel.clone().keep_going(true);
    vec![
        parallel.run_all(calls()).into_iter().enumerate().collect(),
        parallel.stream(calls()).enumerate().collect(),
        parallel.stream_unordered(calls()).collect(),
        as_completed(calls().into_iter().map(|call| parallel.submit(call))).collect(),
        calls().into_iter().map(|call| parallel.submit(call).wait()).enumerate().collect(),
    ]
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_fails_its_own_call() {
    within_a_minute(|| {
        for jobs in [1, 3] {
            let parallel = Parallel::new().jobs(jobs).memory(&Memory::disabled());
            let calls = || {
                let call = |x: u64| {
                    delayed(move || {
                        if x.is_multiple_of(5) {
                            panic_any(Explosive(true));
                        }
                        x
                    })
                };
                (0..40).map(call).collect()
            };
            for results in every_way(&parallel, calls) {
                assert_eq!(results.len(), 40);
                for (x, result) in results {
                    assert_eq!(result.ok(), (x % 5 != 0).then_some(x as u64));
                }
            }
        }
    });
}

/// An argument whose `Drop` panics on this thread wherever the call is not run: as a duplicate, as a hit.
#[derive(Clone, Serialize)]
struct Argument {
    x: u64,
    #[serde(skip)]
    explodes: bool,
}

impl Drop for Argument {
    fn drop(&mut self) {
        assert!(!self.explodes || std::thread::panicking(), "{} explodes", self.x);
    }
}

#[memo]
fn tame(argument: Argument) -> u64 {
    std::thread::sleep(Duration::from_millis(2));
    let mut argument = argument;
    argument.explodes = false;
    argument.x
}

#[test]
fn an_argument_that_panics_when_it_is_dropped_fails_its_own_call() {
    within_a_minute(|| {
        for jobs in [1, 3] {
            let cache = TestCache::new();
            let parallel = Parallel::new().jobs(jobs).memory(&cache.memory);
            // Ten keys, four times each; of each key one, that is not the first, has an explosive argument.
            let calls = || {
                let call = |i: u64| tame::delayed(Argument { x: i % 10, explodes: i / 10 == 2 });
                (0..40).map(call).collect()
            };
            for results in every_way(&parallel, calls) {
                assert_eq!(results.len(), 40);
                for (i, result) in results {
                    match result {
                        Ok(value) => assert_eq!(value, i as u64 % 10),
                        Err(error) => {
                            assert_eq!(i / 10, 2, "{error}");
                            assert!(error.message().ends_with("explodes"), "{error}");
                        }
                    }
                }
            }
            assert_eq!(cache.memory.stats().misses, 10, "each was computed once, and kept");
        }
    });
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Touchy(#[serde(with = "touchy")] u64);

mod touchy {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(x: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(x % 7 != 3, "{x} is not to be written");
        serializer.serialize_u64(*x)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let x = u64::deserialize(deserializer)?;
        assert!(x % 7 != 5, "{x} is not to be read");
        Ok(x)
    }
}

#[memo]
fn touched(x: u64) -> Touchy {
    Touchy(x)
}

#[memo]
fn touches(touchy: &Touchy) -> u64 {
    touchy.0
}

#[test]
fn a_value_or_argument_that_serde_panics_at_fails_its_own_call() {
    within_a_minute(|| {
        let cache = TestCache::new();
        let parallel = Parallel::new().jobs(3).memory(&cache.memory);
        for _ in 0..2 {
            for (x, result) in (0..).zip(parallel.run_all((0..28).map(touched::delayed))) {
                match result {
                    Ok(value) => assert_eq!(value, Touchy(x)),
                    Err(error) => assert!(error.message().contains("is not to be"), "{error}"),
                }
            }
        }
        let arguments: Vec<Touchy> = (0..28).map(Touchy).collect();
        for (x, result) in (0..).zip(parallel.run_all(arguments.iter().map(touches::delayed))) {
            match result {
                Ok(value) => assert_eq!(value, x),
                Err(error) => assert_eq!((x % 7, error.index() as u64), (3, x)),
            }
        }
    });
}

#[derive(Debug)]
struct Broken;

impl Execute for Broken {
    fn run(&self, jobs: &[Job], _: Option<Duration>, done: &mut dyn FnMut(usize, Result<Reply, Failure>)) {
        for (index, job) in jobs.iter().enumerate() {
            assert!(index % 2 == 0, "the executor breaks");
            done(index, Job::from_bytes(&job.to_bytes()).and_then(|job| job.run()));
        }
    }
}

#[memo]
fn simple(x: u64) -> u64 {
    assert!(x % 10 != 4, "four");
    x
}

#[test]
fn an_executor_that_panics_fails_the_calls_that_it_had() {
    within_a_minute(|| {
        let cache = TestCache::new();
        let broken = Parallel::new().jobs(2).memory(&cache.memory).executor(Executor::custom(Broken));
        for results in every_way(&broken, || (0..30).map(simple::delayed).collect()) {
            assert_eq!(results.len(), 30);
            for (x, result) in results {
                match result {
                    Ok(value) => assert_eq!(value, x as u64),
                    Err(error) => assert_eq!(error.kind(), TaskErrorKind::Panicked, "{error}"),
                }
            }
        }
    });
}

/// The copy that is kept for another attempt panics when it is dropped.
#[test]
fn a_spare_copy_that_panics_when_it_is_dropped_fails_its_own_call() {
    #[memo]
    fn copied(argument: Argument) -> u64 {
        let mut argument = argument;
        argument.explodes = false;
        argument.x
    }
    within_a_minute(|| {
        let parallel = Parallel::new().jobs(2).memory(&Memory::disabled()).retries(1);
        let calls = || (0..10).map(|x| copied::delayed(Argument { x, explodes: x % 2 == 0 })).collect();
        for results in every_way(&parallel, calls) {
            assert_eq!(results.len(), 10);
            for (x, result) in results {
                assert_eq!(result.ok(), (x % 2 == 1).then_some(x as u64));
            }
        }
    });
}

struct Panicking;

impl log::Log for Panicking {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == "rememo"
    }

    fn log(&self, record: &log::Record<'_>) {
        panic_any(format!("cannot be logged: {}", record.args()));
    }

    fn flush(&self) {}
}

/// What the other process does, since a process has one logger.
pub fn play(role: &str, cache: &Path) {
    assert_eq!(role, "logged");
    log::set_logger(&Panicking).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let parallel = Parallel::new().jobs(2).memory(&Memory::open(cache).unwrap());
    for results in every_way(&parallel, || (0..30).map(simple::delayed).collect()) {
        assert_eq!(results.len(), 30);
        for (x, result) in results {
            assert_eq!(result.ok(), (x % 10 != 4).then_some(x as u64));
        }
    }
}

#[test]
fn a_logger_that_panics_costs_nothing() {
    within_a_minute(|| {
        let cache = TestCache::new();
        processes::expect_success(&mut processes::start("panics logged", &cache.root()));
    });
}
