//! The idioms of joblib, multiprocessing and concurrent.futures, each beside its rememo form.
//!
//! ```text
//! cargo run --release --example from_joblib
//! ```
//!
//! The Python form stands in a comment above the Rust form; each step states and asserts how many calls were hits
//! and how many misses. The cache is a temporary directory, so that every run begins with nothing remembered.
//!
//! Tasks run on threads. Not there yet, and so left out: processes instead of threads by one word, futures
//! (`submit`), results one by one as they finish (`imap`, `return_as="generator"`), and `reduce_size`.
#![expect(clippy::print_stdout, reason = "an example speaks to a person at a terminal")]

use std::error::Error;
use std::thread;
use std::time::Duration;

use rememo::{EntryInfo, Memory, Parallel, Shelved, delayed, memo};

type Done = Result<(), Box<dyn Error>>;

// def cube(i): return i ** 3
#[memo]
fn cube(i: u64) -> u64 {
    i.pow(3)
}

fn main() -> Done {
    // memory = Memory("directory")
    let directory = tempfile::tempdir()?;
    let memory = Memory::open(directory.path())?;
    batches(&memory)?;
    single_calls(&memory)?;
    what_is_in_the_key(&memory);
    how_long_results_count(&memory);
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

fn single_calls(memory: &Memory) -> Done {
    // cube = memory.cache(cube); cube(5000); cube(5000)
    let step = Step::new(memory, "Memory.cache");
    {
        let _entered = memory.enter(); // or, for the whole program, `memory.make_default()`
        assert_eq!(cube(5000), cube(5000));
    }
    step.ends(1, 1);

    // result = pool.apply_async(cube, (6000,)); ...; result.get()
    let step = Step::new(memory, "apply_async, get");
    let cubed = thread::scope(|scope| {
        let result = scope.spawn(|| memory.call(cube::delayed(6000)));
        result.join().expect("the task does not panic")
    });
    assert_eq!(cubed, 216_000_000_000);
    step.ends(0, 1);

    // cube.check_call_in_cache(6000)
    let step = Step::new(memory, "check_call_in_cache");
    assert!(memory.contains(&cube::delayed(6000)));
    assert!(!memory.contains(&cube::delayed(6001)));
    step.ends(0, 0);

    // shelved = cube.call_and_shelve(7000); shelved.get()
    let step = Step::new(memory, "call_and_shelve");
    let shelved: Shelved<u64> = memory.shelve(cube::delayed(7000))?;
    step.ends(0, 1);
    assert_eq!(shelved.get()?, 343_000_000_000);

    // Memory.cache keeps no exception; a memoized function keeps no `Err`.
    let step = Step::new(memory, "exceptions");
    assert_eq!(memory.call(parse::delayed("12")), Ok(12));
    assert_eq!(memory.call(parse::delayed("12")), Ok(12));
    assert!(memory.call(parse::delayed("a dozen")).is_err());
    assert!(memory.call(parse::delayed("a dozen")).is_err());
    step.ends(1, 3);
    Ok(())
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
        let stats = self.memory.stats();
        let counted = (stats.hits - self.before.0, stats.misses - self.before.1);
        println!("{:<28} {:>3} hits {:>4} misses", self.idiom, counted.0, counted.1);
        assert_eq!(counted, (hits, misses), "{}", self.idiom);
    }
}
