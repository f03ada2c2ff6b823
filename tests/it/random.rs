//! Random batches against the sequential run without a cache.

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::thread;

use rememo::{Parallel, TaskError, as_completed, memo};

use crate::support::TestCache;

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

/// How often each call of `varied` ran: by batch and number.
static RUNS: Mutex<BTreeMap<(u64, u64), u64>> = Mutex::new(BTreeMap::new());

/// Values, errors, panics, nested batches and nested tasks, by number.
#[memo]
fn varied(batch: u64, x: u64) -> Result<Vec<u64>, String> {
    *RUNS.lock().unwrap().entry((batch, x)).or_default() += 1;
    match x {
        x if x % 13 == 5 => panic!("{x} panics"),
        x if x % 11 == 3 => Err(format!("{x} is refused")),
        x if x % 10 == 2 => Ok(Parallel::new().jobs(3).run((0..nested(x)).map(square::delayed)).unwrap()),
        x if x % 10 == 7 => {
            let parallel = Parallel::new().jobs(2);
            let tasks: Vec<_> = (0..nested(x)).map(|y| parallel.submit(square::delayed(y))).collect();
            Ok(tasks.into_iter().map(|task| task.wait().unwrap()).collect())
        }
        x => Ok((0..x).collect()),
    }
}

/// How many calls a call of `varied` makes.
fn nested(x: u64) -> u64 {
    if x % 5 == 2 { x % 7 } else { 0 }
}

/// What `varied` returns, without cache and without `Parallel`; an outer `Err` is a panic.
fn oracle(x: u64) -> Result<Result<Vec<u64>, String>, String> {
    match x {
        x if x % 13 == 5 => Err(format!("{x} panics")),
        x if x % 11 == 3 => Ok(Err(format!("{x} is refused"))),
        x if x % 5 == 2 => Ok(Ok((0..nested(x)).map(|y| y * y).collect())),
        x => Ok(Ok((0..x).collect())),
    }
}

/// A generator of numbers, the same for the same seed on every machine. The seed is printed if the test fails.
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Random { seed, state: seed }
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % limit
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the seed was {}", self.seed);
        }
    }
}

type Results = Vec<Result<Result<Vec<u64>, String>, TaskError>>;

/// Runs a batch to its end.
type Way = fn(&Parallel, u64, &[u64]) -> Results;

const WAYS: [Way; 4] = [
    |parallel, batch, inputs| parallel.run_all(inputs.iter().map(|&x| varied::delayed(batch, x))),
    |parallel, batch, inputs| parallel.stream(inputs.iter().map(|&x| varied::delayed(batch, x))).collect(),
    |parallel, batch, inputs| {
        in_order(parallel.stream_unordered(inputs.iter().map(|&x| varied::delayed(batch, x))))
    },
    |parallel, batch, inputs| {
        in_order(as_completed(inputs.iter().map(|&x| parallel.submit(varied::delayed(batch, x)))))
    },
];

fn in_order<T>(results: impl Iterator<Item = (usize, T)>) -> Vec<T> {
    results.collect::<BTreeMap<_, _>>().into_values().collect()
}

#[test]
fn random_batches_equal_the_sequential_run_without_a_cache() {
    // More of them, when one wants to look closer.
    let seeds = env::var("REMEMO_TEST_SEEDS").map_or(60, |seeds| seeds.parse().unwrap());
    for batch in 0..seeds {
        let mut random = Random::new(batch);
        let cache = TestCache::new();
        let retries = random.below(3);
        let parallel = Parallel::new()
            .jobs(1 + random.below(8) as usize)
            .window(1 + random.below(200) as usize)
            .keep_going(true)
            .retries(retries as u32)
            .memory(&cache.memory);
        let (length, range) = (random.below(400), 1 + random.below(120));
        let inputs: Vec<u64> = (0..length).map(|_| random.below(range)).collect();
        let way = random.below(WAYS.len() as u64) as usize;
        // A part of the calls is remembered from before.
        parallel.run_all((0..range).filter(|x| x % 3 == 0).map(|x| varied::delayed(batch, x)));
        let (before, ran_before) = (cache.memory.stats(), runs_of(batch));
        let results = WAYS[way](&parallel, batch, &inputs);
        let (after, ran) = (cache.memory.stats(), runs_of(batch));

        assert_eq!(results.len(), inputs.len());
        for (i, (&x, result)) in inputs.iter().zip(&results).enumerate() {
            match (result, oracle(x)) {
                (Ok(value), Ok(expected)) => assert_eq!(*value, expected),
                (Err(error), Err(message)) => {
                    assert_eq!((error.index(), error.message()), (i, &*message));
                    assert_eq!(error.arguments(), format!("{batch}, {x}"));
                }
                (result, expected) => panic!("{result:?} for {x} where {expected:?} was expected"),
            }
        }

        let in_this_batch = |x: &u64| ran.get(x).unwrap_or(&0) - ran_before.get(x).unwrap_or(&0);
        for (x, &runs) in &ran {
            let calls = inputs.iter().filter(|&input| input == x).count() as u64;
            match oracle(*x) {
                // A value is computed once in all.
                Ok(Ok(_)) => assert_eq!(runs, 1, "{x} ran {runs} times"),
                // What is not kept, once for each call at most.
                Ok(Err(_)) => assert!(in_this_batch(x) <= calls, "{x} ran {runs} times"),
                // What fails, and its retries, for those that came after its failure, too.
                Err(_) => assert!(in_this_batch(x) <= calls * (1 + retries), "{x} ran {runs} times"),
            }
        }
        // Every call that did not panic is counted once, as a hit, a miss or joined; those that calls made, too.
        let counted =
            (after.hits + after.misses + after.joined) - (before.hits + before.misses + before.joined);
        let settled = results.iter().filter(|result| result.is_ok()).count() as u64;
        let inner: u64 = ran
            .keys()
            .filter(|&&x| matches!(oracle(x), Ok(Ok(_))))
            .map(|x| in_this_batch(x) * nested(*x))
            .sum();
        assert_eq!(counted, settled + inner, "{settled} settled, {inner} inside of them");
        assert_eq!(after.troubles, 0);
        cache.expect_tidy();
    }
}

fn runs_of(batch: u64) -> BTreeMap<u64, u64> {
    let runs = RUNS.lock().unwrap();
    runs.range((batch, 0)..(batch + 1, 0)).map(|(&(_, x), &runs)| (x, runs)).collect()
}
