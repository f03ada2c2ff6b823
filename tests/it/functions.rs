//! Which functions can be memoized, and what tells their calls apart.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::num::ParseIntError;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use rememo::{EntryInfo, Memory, MissReason, memo};
use serde::{Deserialize, Serialize};

use crate::support::{TestCache, hit, miss, miss_because};

#[memo]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[test]
fn a_memoized_function_keeps_its_signature_and_uses_the_current_memory() {
    let cache = TestCache::new();
    let pointer: fn(u64, u64) -> u64 = add;
    {
        let _entered = cache.memory.enter();
        assert_eq!(pointer(1, 2), 3);
    }
    assert_eq!(hit(&cache.memory, add::delayed(1, 2)), 3);
    assert_eq!(add::uncached(1, 2), 3);
    let info = add::info();
    assert!(info.name().ends_with("functions::add"), "{info:?}");
    assert!(info.file().ends_with("functions.rs") && info.line() > 1, "{info:?}");
    assert_ne!(info.fingerprint().as_bytes(), &[0; 32]);
}

/// By their bodies alone: by name, each would reach the other.
mod left {
    #[rememo::memo(track = "body")]
    pub fn same(x: u64) -> u64 {
        x
    }
}

mod right {
    #[rememo::memo(track = "body")]
    pub fn same(x: u64) -> u64 {
        x
    }
}

#[test]
fn functions_of_one_name_and_body_in_two_modules_share_nothing() {
    let cache = TestCache::new();
    miss(&cache.memory, left::same::delayed(1));
    miss(&cache.memory, right::same::delayed(1));
    assert_eq!(left::same::info().fingerprint(), right::same::info().fingerprint());
}

#[test]
fn functions_of_one_name_and_body_in_two_functions_share_nothing() {
    fn one(cache: &TestCache) {
        #[memo]
        fn inner(x: u64) -> u64 {
            x
        }
        miss(&cache.memory, inner::delayed(1));
    }
    fn other(cache: &TestCache) {
        #[memo]
        fn inner(x: u64) -> u64 {
            x
        }
        miss(&cache.memory, inner::delayed(1));
    }
    let cache = TestCache::new();
    one(&cache);
    other(&cache);
}

/// Two functions of one name and text, each with a helper of its own, in two blocks of one body: the compiler gives both the
/// same path.
#[test]
fn functions_of_one_name_and_text_in_two_blocks_share_nothing() {
    let cache = TestCache::new();
    let mut names = Vec::new();
    {
        fn helper() -> u64 {
            1
        }
        #[memo]
        fn twin(x: u64) -> u64 {
            x + helper()
        }
        assert_eq!(miss(&cache.memory, twin::delayed(0)), 1);
        names.push(twin::info().name());
    }
    {
        fn helper() -> u64 {
            2
        }
        #[memo]
        fn twin(x: u64) -> u64 {
            x + helper()
        }
        assert_eq!(miss(&cache.memory, twin::delayed(0)), 2);
        names.push(twin::info().name());
    }
    assert!(names[0].ends_with("::twin") && names[1].ends_with("::twin#2"), "{names:?}");
}

#[memo(ignore(log))]
fn logged<F: Fn(u64)>(x: u64, log: F) -> u64 {
    log(x);
    x
}

#[test]
fn the_type_of_an_ignored_argument_is_ignored_too() {
    let cache = TestCache::new();
    miss(&cache.memory, logged::delayed(1, |_| ()));
    hit(&cache.memory, logged::delayed(1, |x| assert_eq!(x, 7)));
    fn elsewhere(memory: &Memory) -> u64 {
        hit(memory, logged::delayed(1, drop))
    }
    assert_eq!(elsewhere(&cache.memory), 1);
}

trait Rule {
    fn apply(x: u64) -> u64;
}

#[memo]
fn ruled<R: Rule>(x: u64) -> u64 {
    R::apply(x)
}

#[test]
fn types_as_parameters_tell_instances_apart() {
    struct Double;
    struct Triple;
    impl Rule for Double {
        fn apply(x: u64) -> u64 {
            2 * x
        }
    }
    impl Rule for Triple {
        fn apply(x: u64) -> u64 {
            3 * x
        }
    }
    let cache = TestCache::new();
    assert_eq!(miss(&cache.memory, ruled::delayed::<Double>(1)), 2);
    assert_eq!(miss(&cache.memory, ruled::delayed::<Triple>(1)), 3);
}

/// All closures of one function have the same type name.
#[test]
fn instances_of_closures_are_computed_every_time() {
    struct Through<F>(std::marker::PhantomData<F>);
    impl<F: Fn() -> u64> Rule for Through<F> {
        fn apply(x: u64) -> u64 {
            x + size_of::<F>() as u64
        }
    }
    fn call<F: Fn() -> u64>(cache: &TestCache, _: F) -> MissReason {
        miss_because(&cache.memory, ruled::delayed::<Through<F>>(1)).1
    }
    let cache = TestCache::new();
    assert!(matches!(call(&cache, || 1), MissReason::Unkeyed(how) if how.contains("closure")));
    assert!(matches!(call(&cache, || 2), MissReason::Unkeyed(_)));
}

#[memo]
fn shown<T: Serialize + ToString, const N: usize>(value: T) -> String
where
    T: Clone,
{
    value.to_string().repeat(N)
}

#[test]
fn generic_instances_share_nothing() {
    let cache = TestCache::new();
    assert_eq!(miss(&cache.memory, shown::delayed::<u8, 1>(7)), "7");
    assert_eq!(miss(&cache.memory, shown::delayed::<u8, 2>(7)), "77");
    assert_eq!(miss(&cache.memory, shown::delayed::<u16, 2>(7)), "77");
    assert_eq!(hit(&cache.memory, shown::delayed::<u8, 2>(7)), "77");
    cache.memory.clear_function(shown::info()).unwrap();
    miss(&cache.memory, shown::delayed::<u8, 1>(7));
    miss(&cache.memory, shown::delayed::<u16, 2>(7));
}

#[memo]
fn parsed<T: Serialize + serde::de::DeserializeOwned + std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[test]
fn instances_that_differ_in_their_output_only_share_nothing() {
    let cache = TestCache::new();
    assert_eq!(miss(&cache.memory, parsed::delayed::<u32>("1")), Some(1));
    assert_eq!(miss(&cache.memory, parsed::delayed::<f32>("1")), Some(1.0));
}

#[derive(Clone, Serialize)]
struct Line {
    slope: f64,
}

#[derive(Serialize)]
struct Model<T> {
    scale: T,
}

impl Line {
    #[memo]
    fn at(&self, x: f64) -> f64 {
        self.slope * x
    }
}

impl<T: Serialize + Copy + Into<f64>> Model<T> {
    #[memo]
    fn at(&self, x: f64) -> f64 {
        self.scale.into() * x
    }
}

#[test]
fn methods_of_two_values_and_two_types_share_nothing() {
    let cache = TestCache::new();
    let (flat, steep) = (Line { slope: 0.5 }, Line { slope: 2.0 });
    assert!((miss(&cache.memory, flat.at_delayed(2.0)) - 1.0).abs() < 1e-12);
    assert!((miss(&cache.memory, steep.at_delayed(2.0)) - 4.0).abs() < 1e-12);
    assert!((miss(&cache.memory, Model { scale: 2.0f64 }.at_delayed(2.0)) - 4.0).abs() < 1e-12);
    assert!((miss(&cache.memory, Model { scale: 2.0f32 }.at_delayed(2.0)) - 4.0).abs() < 1e-12);
    hit(&cache.memory, flat.clone().at_delayed(2.0));
    hit(&cache.memory, Model { scale: 2.0f32 }.at_delayed(2.0));
    let _entered = cache.memory.enter();
    assert!((flat.at(2.0) - flat.at_uncached(2.0)).abs() < 1e-12);
    assert!(Line::at_info().name().ends_with("functions::Line::at"), "{:?}", Line::at_info());
}

#[memo]
fn total(name: &str, numbers: &[f64], weights: Cow<'_, [f64]>) -> f64 {
    name.len() as f64 + numbers.iter().zip(&*weights).map(|(n, w)| n * w).sum::<f64>()
}

#[memo(name = "total of owned", track = "none")]
fn total_of_owned(name: String, numbers: Vec<f64>) -> f64 {
    name.len() as f64 + numbers.iter().sum::<f64>()
}

#[memo(name = "total of owned", track = "none")]
fn total_of_borrowed(name: &str, numbers: &[f64]) -> f64 {
    name.len() as f64 + numbers.iter().sum::<f64>()
}

#[test]
fn borrowed_and_owned_spellings_of_one_value_give_one_key() {
    let cache = TestCache::new();
    let (name, numbers) = (String::from("x"), vec![1.0, 2.0]);
    miss(&cache.memory, total::delayed(&name, &numbers, Cow::Borrowed(&numbers)));
    hit(&cache.memory, total::delayed("x", &[1.0, 2.0], Cow::Owned(vec![1.0, 2.0])));
    miss(&cache.memory, total_of_owned::delayed(name, numbers));
    hit(&cache.memory, total_of_borrowed::delayed("x", &[1.0, 2.0]));
}

#[memo]
fn keys_sum(map: &HashMap<String, u64>) -> u64 {
    map.values().sum()
}

#[test]
fn hash_maps_filled_in_different_orders_share_one_key() {
    let cache = TestCache::new();
    let forwards: HashMap<_, _> = (0..1000).map(|i| (i.to_string(), i)).collect();
    let backwards: HashMap<_, _> = (0..1000).rev().map(|i| (i.to_string(), i)).collect();
    assert_eq!(miss(&cache.memory, keys_sum::delayed(&forwards)), 499_500);
    assert_eq!(hit(&cache.memory, keys_sum::delayed(&backwards)), 499_500);
}

#[memo(ignore(verbose))]
fn quiet(x: u64, verbose: bool) -> String {
    format!("{x} {verbose}")
}

#[test]
fn ignored_parameters_are_not_part_of_the_key() {
    let cache = TestCache::new();
    assert_eq!(miss(&cache.memory, quiet::delayed(1, false)), "1 false");
    assert_eq!(hit(&cache.memory, quiet::delayed(1, true)), "1 false");
    miss(&cache.memory, quiet::delayed(2, true));
}

/// Ignoring another parameter is another function: were the list of keyed parameters not part of the identity, `swap(1, 2)`
/// that ignores `a` would find what `swap(2, 1)` that ignores `b` has stored.
#[test]
fn another_choice_of_ignored_parameters_is_another_function() {
    mod first {
        #[rememo::memo(name = "swap", track = "none", ignore(b))]
        pub fn swap(a: u64, b: u64) -> (u64, u64) {
            (a, b)
        }
    }
    mod second {
        #[rememo::memo(name = "swap", track = "none", ignore(a))]
        pub fn swap(a: u64, b: u64) -> (u64, u64) {
            (a, b)
        }
    }
    let cache = TestCache::new();
    miss(&cache.memory, first::swap::delayed(2, 1));
    assert_eq!(miss(&cache.memory, second::swap::delayed(1, 2)), (1, 2));
}

#[test]
fn name_survives_moves_and_version_starts_anew() {
    mod before {
        #[rememo::memo(name = "moved", track = "none", version = 1)]
        pub fn f(x: u64) -> u64 {
            x
        }
    }
    mod after {
        #[rememo::memo(name = "moved", track = "none", version = 1)]
        pub fn g(x: u64) -> u64 {
            x + 1 - 1
        }
    }
    mod later {
        #[rememo::memo(name = "moved", track = "none", version = 2)]
        pub fn g(x: u64) -> u64 {
            x
        }
    }
    let cache = TestCache::new();
    miss(&cache.memory, before::f::delayed(1));
    hit(&cache.memory, after::g::delayed(1));
    miss(&cache.memory, later::g::delayed(1));
    assert_eq!(before::f::info().fingerprint().as_bytes(), &[0; 32]);
    assert_eq!(before::f::info().name(), "moved");
}

#[memo]
fn number(text: &str) -> Result<i32, ParseIntError> {
    text.parse()
}

#[memo(cache_err)]
fn number_or_reason(text: &str) -> Result<i32, String> {
    text.parse().map_err(|error: ParseIntError| error.to_string())
}

#[test]
fn err_is_kept_only_where_asked_for() {
    let cache = TestCache::new();
    assert_eq!(miss(&cache.memory, number::delayed("7")), Ok(7));
    assert_eq!(hit(&cache.memory, number::delayed("7")), Ok(7));
    for _ in 0..2 {
        assert!(miss(&cache.memory, number::delayed("x")).is_err());
    }
    assert!(miss(&cache.memory, number_or_reason::delayed("x")).is_err());
    assert!(hit(&cache.memory, number_or_reason::delayed("x")).is_err());
}

#[memo]
fn perhaps(x: u64) -> Option<u64> {
    x.checked_sub(1)
}

#[test]
fn none_is_kept() {
    let cache = TestCache::new();
    assert_eq!(miss(&cache.memory, perhaps::delayed(0)), None);
    assert_eq!(hit(&cache.memory, perhaps::delayed(0)), None);
}

#[memo(ttl = "50ms")]
fn fleeting(x: u64) -> u64 {
    x
}

#[test]
fn an_entry_expires_after_its_ttl() {
    let cache = TestCache::new();
    miss(&cache.memory, fleeting::delayed(1));
    std::thread::sleep(Duration::from_millis(60));
    assert!(!cache.memory.contains(&fleeting::delayed(1)));
    let (_, reason) = miss_because(&cache.memory, fleeting::delayed(1));
    assert!(matches!(reason, MissReason::Expired { age } if age >= Duration::from_millis(50)), "{reason:?}");
}

#[memo(ttl = "1w")]
fn lasting(x: u64) -> u64 {
    x
}

#[test]
fn an_entry_within_its_ttl_is_a_hit() {
    let cache = TestCache::new();
    miss(&cache.memory, lasting::delayed(1));
    hit(&cache.memory, lasting::delayed(1));
}

fn of_small_arguments(entry: &EntryInfo) -> bool {
    assert!(entry.function().ends_with("picky"));
    entry.arguments().len() < 2
}

#[memo(valid = of_small_arguments)]
fn picky(x: u64) -> u64 {
    x
}

#[test]
fn valid_decides_whether_an_entry_is_used() {
    let cache = TestCache::new();
    for (argument, reason) in [(1, None), (22, Some(MissReason::Rejected))] {
        miss(&cache.memory, picky::delayed(argument));
        let outcome = cache.memory.call_info(picky::delayed(argument));
        assert_eq!(outcome.is_hit(), reason.is_none());
        if let Some(reason) = reason {
            assert_eq!(outcome.source, rememo::Source::Miss(reason));
        }
    }
}

#[memo(min_cost = "30ms")]
fn takes(millis: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(millis));
    millis
}

#[test]
fn cheap_results_are_not_stored_where_min_cost_says_so() {
    let cache = TestCache::new();
    miss(&cache.memory, takes::delayed(0));
    miss(&cache.memory, takes::delayed(0));
    miss(&cache.memory, takes::delayed(40));
    hit(&cache.memory, takes::delayed(40));
    assert_eq!(cache.memory.stats().stored, 1);
}

#[memo]
fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[test]
fn a_recursive_function_remembers_its_own_calls() {
    let cache = TestCache::new();
    let _entered = cache.memory.enter();
    assert_eq!(fibonacci(50), 12_586_269_025);
    assert_eq!(cache.memory.stats().misses, 51);
}

#[test]
fn functions_called_by_a_memoized_one_use_its_memory() {
    #[memo]
    fn outer(x: u64) -> u64 {
        add(x, 1)
    }
    let cache = TestCache::new();
    miss(&cache.memory, outer::delayed(1));
    hit(&cache.memory, add::delayed(1, 1));
}

#[test]
fn hits_survive_a_restart() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn counted(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    let cache = TestCache::new();
    miss(&cache.memory, counted::delayed(1));
    let reopened = cache.reopen();
    hit(&reopened, counted::delayed(1));
    assert_eq!(RUNS.load(SeqCst), 1);
    assert!(reopened.stats().seconds_saved > 0.0);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Report {
    title: String,
    rows: Vec<(u32, Option<f64>)>,
    notes: BTreeMap<u8, char>,
}

#[memo]
fn report(n: u32) -> Report {
    Report {
        title: format!("{n} rows"),
        rows: (0..n).map(|i| (i, (i % 3 > 0).then_some(f64::from(i) / 7.0))).collect(),
        notes: BTreeMap::from([(1, 'ä')]),
    }
}

#[test]
fn a_structured_value_comes_back_equal() {
    let cache = TestCache::new();
    for n in [0, 1, 10_000] {
        assert_eq!(miss(&cache.memory, report::delayed(n)), report::uncached(n));
        assert_eq!(hit(&cache.memory, report::delayed(n)), report::uncached(n));
    }
}

#[test]
fn a_function_of_no_arguments_has_one_entry() {
    #[memo]
    fn answer() -> u64 {
        6 * 7
    }
    let cache = TestCache::new();
    assert_eq!(miss(&cache.memory, answer::delayed()), 42);
    assert_eq!(hit(&cache.memory, answer::delayed()), 42);
}

#[test]
fn a_call_shows_its_function_and_arguments() {
    let call = total::delayed("x", &[1.5], Cow::Borrowed(&[2.0]));
    let text = format!("{call:?}");
    assert!(text.ends_with("functions::total(\"x\", [1.5], [2.0])"), "{text}");
}

#[test]
fn the_disabled_memory_always_computes() {
    let memory = Memory::disabled();
    for _ in 0..2 {
        assert_eq!(miss_because(&memory, add::delayed(1, 2)), (3, MissReason::Disabled));
    }
    assert!(!memory.contains(&add::delayed(1, 2)));
    memory.insert(&add::delayed(1, 2), &3).unwrap();
    assert_eq!(memory.lookup(&add::delayed(1, 2)), None);
    assert_eq!(memory.root(), None);
}
