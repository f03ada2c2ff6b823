//! What comes back of workers is what the function returns, computed once.

use std::collections::BTreeSet;
use std::thread;

use rememo::execute::{Execute, Failure, Job, Reply};
use rememo::{Array, Executor, Memory, Parallel, TaskErrorKind, memo};
use serde::{Deserialize, Serialize};

use super::{lines, logged, process, workers};
use crate::support::{TestCache, hit};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Config {
    scale: f64,
    names: Vec<String>,
}

/// Arguments of many shapes: references to sized and unsized types, borrowed contents, values.
#[memo(ignore(verbose))]
fn shapes(
    seed: u64,
    config: &Config,
    data: &[f64],
    label: &str,
    maybe: Option<&str>,
    verbose: bool,
) -> (f64, String) {
    let sum: f64 = data.iter().sum();
    let name = config.names.first().map_or("", String::as_str);
    (sum * config.scale + seed as f64, format!("{label} {name} {maybe:?} {verbose}"))
}

#[test]
fn values_are_those_of_threads_and_hits_afterwards() {
    rememo::init();
    let config = Config { scale: 2.0, names: vec!["ada".into()] };
    let data = [1.0, 2.5];
    let calls = || (0..20).map(|seed| shapes::delayed(seed, &config, &data, "on", Some("x"), seed % 2 == 0));
    let expected: Vec<_> =
        (0..20).map(|seed| shapes::uncached(seed, &config, &data, "on", Some("x"), seed % 2 == 0)).collect();
    let cache = TestCache::new();
    assert_eq!(workers(&cache.memory).run(calls()).unwrap(), expected);
    let stats = cache.memory.stats();
    assert_eq!((stats.misses, stats.hits, stats.stored, stats.entries), (20, 0, 20, 20));
    assert_eq!(workers(&cache.memory).run(calls()).unwrap(), expected);
    assert_eq!(cache.memory.stats().hits, 20);
    assert_eq!(workers(&Memory::disabled()).run(calls()).unwrap(), expected);
    cache.expect_tidy();
}

#[test]
fn misses_run_in_other_processes_and_hits_nowhere() {
    rememo::init();
    let cache = TestCache::new();
    let processes: BTreeSet<u32> =
        workers(&cache.memory).run((0..8).map(process::delayed)).unwrap().into_iter().collect();
    assert!(!processes.contains(&std::process::id()), "it ran here");
    assert!((1..=2).contains(&processes.len()), "{processes:?}");
    // Workers of settings that nobody can start: not one call needs them.
    let none = Executor::processes().program("/nonexistent");
    let again =
        Parallel::new().memory(&cache.memory).executor(none).run((0..8).map(process::delayed)).unwrap();
    assert_eq!(again.into_iter().collect::<BTreeSet<u32>>(), processes);
}

#[test]
fn equal_calls_of_one_batch_and_of_two_are_computed_once() {
    rememo::init();
    let cache = TestCache::new();
    let log = cache.beside("runs");
    let batch = || {
        let calls = (0..60).map(|i| logged::delayed(i % 20, log.clone()));
        let values = workers(&cache.memory).run(calls).unwrap();
        assert_eq!(values, (0..60).map(|i| (i % 20) * (i % 20)).collect::<Vec<u64>>());
    };
    thread::scope(|scope| {
        scope.spawn(batch);
        scope.spawn(batch);
    });
    let mut runs: Vec<u64> = lines(&log).iter().map(|line| line.parse().unwrap()).collect();
    runs.sort_unstable();
    assert_eq!(runs, (0..20).collect::<Vec<u64>>());
}

#[memo]
fn ramp(data: &[f64], by: f64) -> Vec<f64> {
    data.iter().map(|x| x + by).collect()
}

#[memo]
fn mapped(data: &Array<f64>, by: f64) -> Array<f64> {
    data.iter().map(|x| x + by).collect::<Vec<f64>>().into()
}

#[test]
fn large_arguments_and_values_arrive() {
    rememo::init();
    let cache = TestCache::new();
    let data: Vec<f64> = (0..100_000).map(f64::from).collect();
    let values = workers(&cache.memory).run((0..4).map(|by| ramp::delayed(&data, f64::from(by)))).unwrap();
    for (by, value) in values.iter().enumerate() {
        assert!(
            value.iter().zip(&data).all(|(value, x)| value.to_bits() == (x + by as f64).to_bits()),
            "{by}"
        );
    }
    let array = Array::from(data.clone());
    let arrays = workers(&cache.memory).run((0..2).map(|by| mapped::delayed(&array, f64::from(by)))).unwrap();
    assert_eq!(arrays[1][7].to_bits(), 8_f64.to_bits());
    // Of the arguments nothing is left, and each value is stored once.
    let stats = cache.memory.stats();
    assert_eq!((stats.entries, stats.stored, stats.troubles), (6, 6, 0));
    assert_eq!(hit(&cache.memory, ramp::delayed(&data, 3.0)), values[3]);
    assert_eq!(*hit(&cache.memory, mapped::delayed(&array, 1.0)), *arrays[1]);
    cache.expect_tidy();
    // Without a store they go with the message.
    let value = workers(&Memory::disabled()).run([ramp::delayed(&data, 1.0)]).unwrap();
    assert_eq!(value[0], values[1]);
}

/// Clears the store while jobs are on their way there, or their values on the way back.
#[derive(Debug)]
struct Clearing {
    memory: Memory,
    before: bool,
}

impl Execute for Clearing {
    fn run(
        &self,
        jobs: &[Job],
        _: Option<std::time::Duration>,
        done: &mut dyn FnMut(usize, Result<Reply, Failure>),
    ) {
        for (index, job) in jobs.iter().enumerate() {
            if self.before {
                self.memory.clear().unwrap();
            }
            let result = Job::from_bytes(&job.to_bytes()).and_then(|job| job.run());
            if !self.before {
                self.memory.clear().unwrap();
            }
            done(index, result);
        }
    }
}

#[test]
fn what_vanishes_on_its_way_is_sent_again() {
    for before in [true, false] {
        let cache = TestCache::new();
        let data = vec![1.0; 20_000];
        let executor = Executor::custom(Clearing { memory: cache.memory.clone(), before });
        let parallel = Parallel::new().memory(&cache.memory).executor(executor);
        assert_eq!(parallel.run([ramp::delayed(&data, 1.0)]).unwrap(), [vec![2.0; 20_000]]);
        assert_eq!(cache.memory.contains(&ramp::delayed(&data, 1.0)), before);
        assert_eq!(cache.memory.stats().misses, 1);
    }
}

#[memo]
fn checked(x: u64) -> Result<u64, String> {
    if x.is_multiple_of(3) { Err(format!("{x} is refused")) } else { Ok(x) }
}

#[derive(Debug, PartialEq)]
struct Opaque(u64);

#[memo]
fn opaque(x: u64) -> Result<u64, Opaque> {
    if x == 0 { Err(Opaque(x)) } else { Ok(x) }
}

#[test]
fn an_err_comes_back_and_is_not_kept() {
    rememo::init();
    let cache = TestCache::new();
    let results = workers(&cache.memory).run((0..6).map(checked::delayed)).unwrap();
    assert_eq!(results, (0..6).map(checked::uncached).collect::<Vec<_>>());
    assert_eq!(cache.memory.stats().entries, 4);
    // An error that serde does not know cannot travel, but its text can; and so can a value.
    let results = workers(&cache.memory).run_all((0..2).map(opaque::delayed));
    assert_eq!(results[1], Ok(Ok(1)));
    let error = results[0].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.message()), (TaskErrorKind::Returned, "Opaque(0)"));
    let error = workers(&cache.memory).run([boxed::delayed(3)]).unwrap_err();
    let task = error.task().unwrap();
    assert_eq!((task.kind(), task.message()), (TaskErrorKind::Returned, "no 3"));
    assert!(task.to_string().ends_with("(3)`) returned an error: no 3"), "{task}");
}

/// Returns an error that is shown to people.
#[memo]
fn boxed(x: u64) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    if x % 2 == 1 { Err(format!("no {x}").into()) } else { Ok(x) }
}

#[memo]
fn outer(x: u64) -> u64 {
    let inner = Parallel::new().jobs(4).executor(Executor::processes()).run((0..x).map(checked::delayed));
    inner.unwrap().into_iter().flatten().sum::<u64>() + u64::from(std::process::id() == 0)
}

#[test]
fn calls_inside_of_tasks_are_kept_in_the_same_memory() {
    rememo::init();
    let cache = TestCache::new();
    assert_eq!(workers(&cache.memory).run([outer::delayed(6)]).unwrap(), [12]);
    assert!(cache.memory.contains(&outer::delayed(6)));
    assert!(cache.memory.contains(&checked::delayed(5)));
    assert!(!cache.memory.contains(&checked::delayed(3)));
}

#[test]
fn a_stream_runs_in_workers_and_may_be_dropped() {
    rememo::init();
    let cache = TestCache::new();
    let stream = workers(&cache.memory).window(8).stream((0..).map(checked::delayed));
    let first: Vec<_> = stream.take(20).map(Result::unwrap).collect();
    assert_eq!(first, (0..20).map(checked::uncached).collect::<Vec<_>>());
    assert!(cache.memory.stats().misses <= 28);
}

#[memo]
fn surroundings(name: &str) -> (Option<String>, usize) {
    let threads = Parallel::new().run((0..64).map(|_| rememo::delayed(thread_name))).unwrap();
    (std::env::var(name).ok(), threads.into_iter().collect::<BTreeSet<_>>().len())
}

fn thread_name() -> Option<String> {
    thread::sleep(std::time::Duration::from_millis(1));
    thread::current().name().map(str::to_owned)
}

#[test]
fn workers_share_the_cores() {
    rememo::init();
    let cores = thread::available_parallelism().unwrap().get();
    let parallel = workers(&Memory::disabled()).jobs(cores);
    let expected = [(Some("1".to_owned()), 1)];
    for name in ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if std::env::var_os(name).is_none() {
            assert_eq!(parallel.run([surroundings::delayed(name)]).unwrap(), expected);
        }
    }
}

#[test]
fn submitted_calls_run_in_workers() {
    rememo::init();
    let cache = TestCache::new();
    let parallel = workers(&cache.memory);
    let tasks: Vec<_> = (0..6).map(|salt| parallel.submit(process::delayed(salt))).collect();
    for task in tasks {
        assert_ne!(task.wait().unwrap(), std::process::id());
    }
    assert!(parallel.submit(process::delayed(3)).is_done());
    let error = parallel.submit(rememo::delayed(|| 1)).wait().unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::NotSent);
}

/// Borrows for `'static`, and does not look so.
type Name = &'static str;

#[memo]
fn named(name: Name) -> usize {
    name.len()
}

#[memo]
fn cow(text: std::borrow::Cow<'_, str>, pair: (&str, u8)) -> String {
    format!("{text} {pair:?}")
}

#[test]
fn a_borrow_behind_an_alias_compiles_and_cannot_be_sent() {
    rememo::init();
    let cache = TestCache::new();
    assert_eq!(cache.memory.call(named::delayed("abc")), 3);
    let results = workers(&cache.memory).run_all([named::delayed("abcd")]);
    assert_eq!(results[0].as_ref().unwrap_err().kind(), TaskErrorKind::NotSent);
    let texts = workers(&cache.memory).run([cow::delayed("a".into(), ("b", 1))]).unwrap();
    assert_eq!(texts, [cow::uncached("a".into(), ("b", 1))]);
}
