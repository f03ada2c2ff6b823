//! The idioms of joblib, multiprocessing and concurrent.futures, each beside its rememo form.
//!
//! ```text
//! cargo run --release --example from_joblib
//! ```
//!
//! The Python form stands in a comment above the Rust form; each step states and asserts how many calls were hits
//! and how many misses. The cache is a temporary directory, so that every run begins with nothing remembered.
#![expect(clippy::print_stdout, reason = "an example speaks to a person at a terminal")]

use std::error::Error;
use std::thread;
use std::time::Duration;

use rememo::{
    EntryInfo, Executor, Limits, Memory, Parallel, Shelved, Task, TaskErrorKind, TryRunError, as_completed,
    delayed, memo,
};

type Done = Result<(), Box<dyn Error>>;

// def cube(i): return i ** 3
#[memo]
fn cube(i: u64) -> u64 {
    i.pow(3)
}

#[rememo::main]
fn main() -> Done {
    // memory = Memory("directory")
    let directory = tempfile::tempdir()?;
    let memory = Memory::open(directory.path())?;
    batches(&memory)?;
    streams(&memory)?;
    failures(&memory);
    processes(&memory)?;
    tasks(&memory)?;
    single_calls(&memory)?;
    what_is_in_the_key(&memory);
    how_long_results_count(&memory);
    limiting()?;
    forgetting(&memory)
}

fn batches(memory: &Memory) -> Done {
    // Parallel(n_jobs=3)(delayed(cube)(i) for i in range(1, 1000))
    let step = Step::new(memory, "Parallel(n_jobs=3)");
    let cubes = Parallel::new().jobs(3).memory(memory).run((1..1000).map(cube::delayed))?;
    assert_eq!(cubes[998], 997_002_999);
    step.ends(0, 999);

    // The same without a cache, which is what joblib does: any closure.
    let step = Step::new(memory, "Parallel, not remembered");
    let cubes =
        Parallel::new().jobs(3).memory(memory).run((1..1000).map(|i: u64| delayed(move || i.pow(3))))?;
    assert_eq!(cubes[998], 997_002_999);
    step.ends(0, 0);

    // with Pool(4) as pool: pool.map(cube, [7, 8, 9])
    let step = Step::new(memory, "Pool.map");
    let cubes = Parallel::new().jobs(4).memory(memory).run([7, 8, 9].map(cube::delayed))?;
    assert_eq!(cubes, [343, 512, 729]);
    step.ends(3, 0);

    // with Pool() as pool: pool.starmap(power, [(2, 10), (3, 4)])
    let step = Step::new(memory, "Pool.starmap");
    let powers = [(2, 10), (3, 4)].map(|(base, exponent)| power::delayed(base, exponent));
    assert_eq!(Parallel::new().memory(memory).run(powers)?, [1024, 81]);
    step.ends(0, 2);

    // with ThreadPoolExecutor(max_workers=2) as executor: list(executor.map(cube, range(998, 1002)))
    let step = Step::new(memory, "Executor.map");
    let cubes = Parallel::new().jobs(2).memory(memory).run((998..1002).map(cube::delayed))?;
    assert_eq!(cubes, [994_011_992, 997_002_999, 1_000_000_000, 1_003_003_001]);
    step.ends(2, 2);
    Ok(())
}

#[memo]
fn power(base: u64, exponent: u32) -> u64 {
    base.pow(exponent)
}

fn streams(memory: &Memory) -> Done {
    let parallel = Parallel::new().jobs(2).memory(memory);

    // for result in Parallel(n_jobs=2, return_as="generator")(delayed(cube)(i) for i in range(2000, 2100)): ...
    // or pool.imap(cube, range(2000, 2100))
    let step = Step::new(memory, "return_as=\"generator\"");
    let mut last = 0;
    for cubed in parallel.stream((2000..2100).map(cube::delayed)) {
        last = cubed?; // while the next ones are computed, at most `window` ahead
    }
    assert_eq!(last, 9_247_776_299);
    step.ends(0, 100);

    // Parallel(n_jobs=2, return_as="generator_unordered")(...), pool.imap_unordered(cube, range(2050, 2150))
    let step = Step::new(memory, "\"generator_unordered\"");
    let mut seen = 0;
    for (index, cubed) in parallel.stream_unordered((2050..2150).map(cube::delayed)) {
        assert_eq!(cubed?, (2050 + index as u64).pow(3));
        seen += 1;
    }
    assert_eq!(seen, 100);
    step.ends(50, 50);

    // Parallel(n_jobs=2, pre_dispatch=10)(delayed(cube)(i) for i in itertools.count())
    let step = Step::new(memory, "pre_dispatch");
    let found = parallel.clone().window(10).stream((1..).map(cube::delayed)).find(|cubed| *cubed == Ok(125));
    assert_eq!(found, Some(Ok(125)));
    step.ends_somehow(); // how many were drawn ahead by then, nobody knows
    Ok(())
}

fn failures(memory: &Memory) {
    let parallel = Parallel::new().jobs(2).memory(memory);
    let texts = ["12", "a dozen", "13"];

    // A task that raises ends the call of `Parallel`, and what was computed is lost. Here it is kept.
    let step = Step::new(memory, "exceptions in tasks");
    let stopped = parallel.try_run(texts.map(parse::delayed));
    assert!(matches!(stopped, Err(TryRunError::Returned { index: 1, .. })));
    // [future.exception() or future.result() for future in futures]
    let all = parallel.run_all(texts.map(parse::delayed));
    assert_eq!(all[2], Ok(Ok(13)));
    assert!(matches!(&all[1], Ok(Err(error)) if error.contains("invalid digit")));
    step.ends_somehow(); // whether "13" had begun when "a dozen" failed, nobody knows
}

fn processes(memory: &Memory) -> Done {
    // Parallel(n_jobs=2, backend="loky")(delayed(cube)(i) for i in range(3000, 3010)), ProcessPoolExecutor().map(...)
    let step = Step::new(memory, "Parallel(backend=\"loky\")");
    let parallel = Parallel::new().jobs(2).memory(memory).executor(Executor::processes());
    let cubes = parallel.run((3000..3010).map(cube::delayed))?;
    assert_eq!(cubes[0], 27_000_000_000);
    step.ends(0, 10);

    // Parallel(n_jobs=2, timeout=0.2)(delayed(nap)(ms) for ms in (1, 60_000)), which raises a TimeoutError.
    // Here the one that takes too long is killed, and fails alone.
    let step = Step::new(memory, "Parallel(timeout=…)");
    let naps = parallel.clone().timeout(Duration::from_millis(200)).run_all([1, 60_000].map(nap::delayed));
    assert_eq!(naps[0], Ok(1));
    assert_eq!(naps[1].as_ref().expect_err("it naps for a minute").kind(), TaskErrorKind::TimedOut);
    step.ends(0, 1);

    // multiprocessing.Pool(2, maxtasksperchild=5).map(cube, range(3000, 3020))
    let step = Step::new(memory, "Pool(maxtasksperchild=5)");
    let recycled = Parallel::new().jobs(2).memory(memory).executor(Executor::processes().max_tasks(5));
    assert_eq!(recycled.run((3000..3020).map(cube::delayed))?.len(), 20);
    step.ends(10, 10);
    Ok(())
}

#[memo]
fn nap(milliseconds: u64) -> u64 {
    thread::sleep(Duration::from_millis(milliseconds));
    milliseconds
}

fn tasks(memory: &Memory) -> Done {
    let parallel = Parallel::new().jobs(2).memory(memory);

    // result = pool.apply_async(cube, (6000,)); ...; result.get()
    // future = executor.submit(cube, 6000); ...; future.result()
    let step = Step::new(memory, "apply_async, submit");
    let task = parallel.submit(cube::delayed(6000));
    assert_eq!(task.wait()?, 216_000_000_000);
    assert!(parallel.submit(cube::delayed(6000)).is_done()); // a remembered one is done at once
    step.ends(1, 1);

    // result.get(timeout=60); result.ready(); future.done()
    let step = Step::new(memory, "get(timeout), ready");
    let mut task = parallel.submit(cube::delayed(6001));
    let cubed = task.wait_timeout(Duration::from_mins(1)).expect("it does not take a minute");
    assert_eq!(cubed, Ok(216_108_018_001));
    assert!(task.is_done());
    step.ends(0, 1);

    // for future in concurrent.futures.as_completed(futures): future.result()
    let step = Step::new(memory, "as_completed");
    let tasks: Vec<_> = (6000..6010).map(|i| parallel.submit(cube::delayed(i))).collect();
    for (index, cubed) in as_completed(tasks) {
        assert_eq!(cubed?, (6000 + index as u64).pow(3));
    }
    step.ends(2, 8);

    // executor.shutdown(cancel_futures=True), future.cancel()
    let step = Step::new(memory, "cancel");
    let tasks: Vec<_> =
        (0..100).map(|_| parallel.submit(delayed(|| thread::sleep(Duration::from_millis(5))))).collect();
    let cancelled = tasks.iter().filter(|task| task.cancel()).count();
    let ran = tasks.into_iter().flat_map(Task::wait).count();
    assert_eq!(cancelled + ran, 100);
    step.ends(0, 0);
    Ok(())
}

fn single_calls(memory: &Memory) -> Done {
    // cube = memory.cache(cube); cube(5000); cube(5000)
    let step = Step::new(memory, "Memory.cache");
    {
        let _entered = memory.enter(); // or, for the whole program, `memory.make_default()`
        assert_eq!(cube(5000), cube(5000));
    }
    step.ends(1, 1);

    // cube.check_call_in_cache(6000)
    let step = Step::new(memory, "check_call_in_cache");
    assert!(memory.contains(&cube::delayed(6000)));
    assert!(!memory.contains(&cube::delayed(6999)));
    step.ends(0, 0);

    // shelved = cube.call_and_shelve(7000); shelved.get()
    let step = Step::new(memory, "call_and_shelve");
    let shelved: Shelved<u64> = memory.shelve(cube::delayed(7000))?;
    step.ends(0, 1);
    assert_eq!(shelved.get()?, 343_000_000_000);

    // cube.call(7000): computes again and stores the result
    let step = Step::new(memory, "MemorizedFunc.call");
    assert_eq!(memory.recompute(cube::delayed(7000)), 343_000_000_000);
    step.ends(0, 1);

    // A `MemorizedResult` as an argument of the next step: its key is that of its entry, its value is not looked at.
    let step = Step::new(memory, "MemorizedResult");
    assert_eq!(memory.call(digits::delayed(&shelved)), 12);
    assert_eq!(memory.call(digits::delayed(&memory.shelve(cube::delayed(7000))?)), 12);
    step.ends(1, 1);

    // Memory.cache keeps no exception; a memoized function keeps no `Err`.
    let step = Step::new(memory, "exceptions");
    assert_eq!(memory.call(parse::delayed("14")), Ok(14));
    assert_eq!(memory.call(parse::delayed("14")), Ok(14));
    assert!(memory.call(parse::delayed("a dozen")).is_err());
    assert!(memory.call(parse::delayed("a dozen")).is_err());
    step.ends(1, 3);
    Ok(())
}

#[memo]
fn digits(number: &Shelved<u64>) -> usize {
    number.get().expect("its entry is there").to_string().len()
}

#[memo]
fn parse(number: &str) -> Result<u32, String> {
    number.parse().map_err(|error: std::num::ParseIntError| error.to_string())
}

fn what_is_in_the_key(memory: &Memory) {
    // @memory.cache(ignore=["verbose"])
    let step = Step::new(memory, "ignore");
    assert_eq!(memory.call(total::delayed(&[1, 2, 3], false)), 6);
    assert_eq!(memory.call(total::delayed(&[1, 2, 3], true)), 6);
    step.ends(1, 1);
}

// @memory.cache(ignore=["verbose"])
// def total(numbers, verbose): ...
#[memo(ignore(verbose))]
fn total(numbers: &[u64], verbose: bool) -> u64 {
    if verbose {
        println!("adding {} numbers", numbers.len());
    }
    numbers.iter().sum()
}

fn how_long_results_count(memory: &Memory) {
    let step = Step::new(memory, "expires_after");
    memory.call(expiring::delayed(1));
    memory.call(expiring::delayed(1));
    thread::sleep(Duration::from_millis(1100));
    memory.call(expiring::delayed(1));
    step.ends(1, 2);

    let step = Step::new(memory, "cache_validation_callback");
    memory.call(cheap::delayed(1));
    memory.call(cheap::delayed(1));
    step.ends(0, 2);
}

// @memory.cache(cache_validation_callback=expires_after(seconds=1))
#[memo(ttl = "1s")]
fn expiring(i: u64) -> u64 {
    i + 1
}

// @memory.cache(cache_validation_callback=lambda metadata: metadata["duration"] > 1)
#[memo(valid = was_slow)]
fn cheap(i: u64) -> u64 {
    i + 2
}

fn was_slow(entry: &EntryInfo) -> bool {
    entry.compute_time() > Duration::from_secs(1)
}

fn limiting() -> Done {
    let directory = tempfile::tempdir()?;
    let memory = Memory::open(directory.path())?;
    // memory.reduce_size(bytes_limit="10M", items_limit=100, age_limit=timedelta(days=30))
    let step = Step::new(&memory, "Memory.reduce_size");
    Parallel::new().memory(&memory).run((0..200).map(cube::delayed))?;
    let month = Duration::from_hours(30 * 24);
    let reduced = memory.reduce(Limits::new().bytes(10_000_000).items(100).age(month))?;
    assert_eq!((reduced.entries, reduced.kept_entries), (100, 100));
    step.ends(0, 200);
    Ok(())
}

fn forgetting(memory: &Memory) -> Done {
    // cube.clear()
    let step = Step::new(memory, "cube.clear()");
    memory.clear_function(cube::info())?;
    memory.call(cube::delayed(1));
    memory.call(power::delayed(2, 10));
    step.ends(1, 1);

    // memory.clear()
    let step = Step::new(memory, "Memory.clear()");
    memory.clear()?;
    memory.call(power::delayed(2, 10));
    step.ends(0, 1);

    // Memory(location=None): nothing is remembered
    let step = Step::new(memory, "Memory(None)");
    assert_eq!(Memory::disabled().call(power::delayed(2, 10)), 1024);
    step.ends(0, 0);
    Ok(())
}

/// Counts the hits and misses of one idiom.
struct Step<'a> {
    memory: &'a Memory,
    idiom: &'a str,
    before: (u64, u64),
}

impl<'a> Step<'a> {
    fn new(memory: &'a Memory, idiom: &'a str) -> Self {
        let stats = memory.stats();
        Step { memory, idiom, before: (stats.hits, stats.misses) }
    }

    #[track_caller]
    fn ends(self, hits: u64, misses: u64) {
        let idiom = self.idiom;
        assert_eq!(self.ends_somehow(), (hits, misses), "{idiom}");
    }

    fn ends_somehow(self) -> (u64, u64) {
        let stats = self.memory.stats();
        let (hits, misses) = (stats.hits - self.before.0, stats.misses - self.before.1);
        println!("{:<28} {hits:>3} hits {misses:>4} misses", self.idiom);
        (hits, misses)
    }
}
