//! What the body of a memoized function asks for: its seed, and where an earlier run of the call had come to.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rememo::{Array, Executor, Memory, Parallel, delayed, memo};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, files_below, hit};

#[memo]
fn seeded(_x: u64) -> [u8; 32] {
    rememo::seed()
}

#[memo(track = "body")]
fn body_alone(_x: u64) -> [u8; 32] {
    rememo::seed()
}

/// Its own seed before and after it calls another function.
#[memo]
fn outer(x: u64) -> ([u8; 32], [u8; 32], [u8; 32]) {
    let before = rememo::seed();
    let inner = seeded(x);
    let disabled = Memory::disabled();
    let _entered = disabled.enter();
    (before, inner, rememo::seed())
}

/// Appends to a file a byte for each step that it runs.
#[memo(ignore(log))]
fn walk(steps: u8, log: PathBuf) -> u64 {
    let (mut step, mut place) = rememo::checkpoint().unwrap_or((0_u8, 1_u64));
    while step < steps {
        File::options().append(true).create(true).open(&log).unwrap().write_all(&[step]).unwrap();
        place = place * 31 % 1_000_003;
        thread::sleep(Duration::from_millis(20));
        step += 1;
        rememo::save(&(step, place));
    }
    place
}

/// Where `walk` comes to.
fn place(steps: u8) -> u64 {
    (0..steps).fold(1, |place, _| place * 31 % 1_000_003)
}

/// Fails until a variable of the environment is set, and saves what it has.
#[memo]
fn stubborn(x: u64) -> Result<Vec<f64>, String> {
    let numbers: Array<f64> = rememo::checkpoint().unwrap_or_else(|| Array::from(vec![x as f64; 5_000]));
    rememo::save(&Array::from(numbers.iter().map(|number| number + 1.0).collect::<Vec<_>>()));
    rememo::save(&Array::from(vec![-1.0])); // within a second: nothing
    if numbers[0] < x as f64 + 2.0 { Err(format!("{}", numbers[0])) } else { Ok(numbers.to_vec()) }
}

#[memo]
fn of_another_type(_x: u64) -> Option<String> {
    let found = rememo::checkpoint::<String>();
    rememo::save(&7_u64);
    assert!(RUNS.fetch_add(1, Relaxed) > 0, "the first run fails");
    found
}

static RUNS: AtomicU64 = AtomicU64::new(0);

/// What a second process does in `role`.
pub fn play(role: &str, cache: &Path) {
    assert_eq!(role, "walk");
    let memory = Memory::open(cache).unwrap();
    assert_eq!(memory.call(walk::delayed(100, cache.with_extension("log"))), place(100));
}

fn checkpoints(cache: &TestCache) -> Vec<PathBuf> {
    files_below(&cache.root().join("checkpoints"))
}

#[test]
fn a_seed_is_that_of_the_key_wherever_the_call_runs() {
    rememo::init();
    let cache = TestCache::new();
    let calls = || (0..20).map(seeded::delayed);
    let key = |x| seeded::delayed(x).key(&cache.memory).unwrap();
    let expected: Vec<_> = (0..20).map(|x| blake3::derive_key("rememo seed 1", key(x).as_bytes())).collect();
    let off = Memory::disabled();
    for memory in [&off, &cache.memory] {
        let parallel = Parallel::new().jobs(2).memory(memory);
        let workers = parallel.clone().executor(Executor::processes());
        assert_eq!(workers.run(calls().take(10)).unwrap(), expected[..10]);
        assert_eq!(parallel.run(calls()).unwrap(), expected);
        assert_eq!(memory.call(seeded::delayed(3)), expected[3]);
        assert_eq!(parallel.submit(seeded::delayed(4)).wait().unwrap(), expected[4]);
    }
    assert_eq!(cache.memory.stats().misses, 20);
    assert_eq!(off.call(body_alone::delayed(1)), cache.memory.call(body_alone::delayed(1)));
}

#[test]
fn ten_thousand_calls_have_ten_thousand_seeds() {
    let parallel = Parallel::new().memory(&Memory::disabled());
    let seeds: HashSet<_> = parallel.run((0..10_000).map(seeded::delayed)).unwrap().into_iter().collect();
    assert_eq!(seeds.len(), 10_000);
}

#[test]
fn a_call_inside_has_a_seed_of_its_own() {
    let cache = TestCache::new();
    let (before, inner, after) = cache.memory.call(outer::delayed(7));
    assert!(before == after && before != inner);
    assert_eq!(hit(&cache.memory, seeded::delayed(7)), inner);
}

#[test]
fn outside_of_a_call_there_is_none_and_that_is_said() {
    let said = |run: &(dyn Fn() + std::panic::RefUnwindSafe)| {
        let payload = catch_unwind(run).unwrap_err();
        payload.downcast_ref::<String>().unwrap().clone()
    };
    let cache = TestCache::new();
    let seed = "`rememo::seed` is for the body of a call of a memoized function";
    assert!(said(&|| _ = rememo::seed()).starts_with(seed));
    assert!(said(&|| _ = seeded::uncached(1)).starts_with(seed));
    assert!(said(&|| _ = cache.memory.call(delayed(rememo::seed))).starts_with(seed));
    assert!(said(&|| _ = rememo::checkpoint::<u8>()).starts_with("`rememo::checkpoint` is for"));
    assert!(said(&|| rememo::save(&1_u8)).starts_with("`rememo::save` is for"));
}

#[test]
fn a_body_that_is_killed_ten_times_goes_on_where_it_was() {
    for layout in ["log", "files"] {
        let cache = if layout == "log" { TestCache::new() } else { TestCache::files() };
        let log = cache.root().with_extension("log");
        for kill in 0..10_u64 {
            let mut process = start("bodies walk", &cache.root()).spawn().unwrap();
            // The start of a process takes some time, and then it has run a few steps.
            let steps = || fs::metadata(&log).map_or(0, |metadata| metadata.len());
            let before = steps();
            while steps() < before + 1 + kill % 4 {
                thread::sleep(Duration::from_millis(5));
            }
            process.kill().unwrap();
            process.wait().unwrap();
            assert!(checkpoints(&cache).len() <= 1);
        }
        expect_success(&mut start("bodies walk", &cache.root()));
        let run = fs::read(&log).unwrap();
        for step in 0..100 {
            let times = run.split(|&other| other == step).count() - 1;
            assert!((1..=11).contains(&times), "{layout}: step {step} ran {times} times");
        }
        assert!(run.len() < 200, "{layout}: {} steps of 100: nothing was resumed", run.len());
        assert_eq!(hit(&cache.reopen(), walk::delayed(100, log)), place(100));
        assert_eq!(checkpoints(&cache), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_call_that_returns_an_error_goes_on_from_there_and_what_is_kept_leaves_nothing() {
    rememo::init();
    let cache = TestCache::new();
    assert_eq!(cache.memory.call(stubborn::delayed(1)), Err("1".into()));
    assert_eq!(checkpoints(&cache).len(), 1);
    assert_eq!(cache.memory.call(stubborn::delayed(1)), Err("2".into()));
    assert_eq!(cache.memory.call(stubborn::delayed(1)), Ok(vec![3.0; 5_000]));
    assert_eq!(checkpoints(&cache).len(), 0);
    // In worker processes, too.
    let workers = Parallel::new().jobs(1).memory(&cache.memory).executor(Executor::processes());
    let returned: Vec<_> = (0..3).map(|_| workers.run([stubborn::delayed(10)]).unwrap().remove(0)).collect();
    assert_eq!(returned, [Err("10".into()), Err("11".into()), Ok(vec![12.0; 5_000])]);
    assert_eq!(checkpoints(&cache).len(), 0);
    hit(&cache.memory, stubborn::delayed(10)).unwrap();
}

#[test]
fn a_checkpoint_that_is_none_costs_nothing() {
    let cache = TestCache::new();
    assert!(catch_unwind(|| cache.memory.call(of_another_type::delayed(1))).is_err());
    assert_eq!(checkpoints(&cache).len(), 1);
    assert_eq!(cache.memory.call(of_another_type::delayed(1)), None);

    assert!(cache.memory.call(stubborn::delayed(20)).is_err());
    for bytes in [&b"damaged"[..], b""] {
        fs::write(&checkpoints(&cache)[0], bytes).unwrap();
        assert_eq!(cache.memory.call(stubborn::delayed(20)), Err("20".into()));
    }
    assert_eq!(cache.memory.call(stubborn::delayed(20)), Err("21".into()));
    cache.memory.clear().unwrap();
    assert_eq!(checkpoints(&cache).len(), 0);
    assert_eq!(cache.memory.call(stubborn::delayed(20)), Err("20".into()));
}

#[test]
fn where_nothing_is_stored_nothing_is_saved() {
    let cache = TestCache::new();
    let reader = Memory::open_existing(cache.root()).unwrap();
    for memory in [Memory::disabled(), reader] {
        assert_eq!(memory.call(stubborn::delayed(30)), Err("30".into()));
        assert_eq!(memory.call(stubborn::delayed(30)), Err("30".into()));
    }
    assert_eq!(checkpoints(&cache).len(), 0);
    assert_eq!(cache.memory.stats().troubles, 0);
}
