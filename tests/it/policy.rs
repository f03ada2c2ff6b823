//! What `Parallel` does about failures.

use std::collections::BTreeMap;
use std::iter;
use std::panic::{panic_any, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, TaskErrorKind, TryRunError, delayed, memo};

use crate::support::TestCache;

#[memo]
fn picky(x: u64, name: &str) -> u64 {
    assert!(x % 10 != 3, "{name} does not like {x}");
    x
}

#[test]
fn a_failure_carries_function_arguments_message_and_place() {
    let cache = TestCache::new();
    for memory in [&cache.memory, &Memory::disabled()] {
        let parallel = Parallel::new().jobs(2).memory(memory);
        let results = parallel.run_all((0..5).map(|x| picky::delayed(x, "Ada")));
        let error = results[3].as_ref().unwrap_err();
        assert_eq!((error.index(), error.kind()), (3, TaskErrorKind::Panicked));
        assert!(error.function().unwrap().ends_with("policy::picky"));
        assert_eq!(error.arguments(), r#"3, "Ada""#);
        assert_eq!(error.message(), "Ada does not like 3");
        let place = error.place().unwrap();
        assert!(place.starts_with(&format!("{}:", file!())), "{place}");
        assert_eq!(source_line(place), r#"assert!(x % 10 != 3, "{name} does not like {x}");"#);
        let function = error.function().unwrap();
        let line = format!(r#"task 3 (`{function}(3, "Ada")`) panicked at {place}: Ada does not like 3"#);
        assert_eq!(error.to_string(), line);
    }
}

/// The line of this file that `place` names.
fn source_line(place: &str) -> &str {
    let line: usize = place.split(':').nth(1).unwrap().parse().unwrap();
    include_str!("policy.rs").lines().nth(line - 1).unwrap().trim()
}

#[test]
fn a_panic_of_a_closure_has_a_place_if_it_began_on_this_thread() {
    let results = Parallel::new().jobs(1).memory(&Memory::disabled()).run_all((0..4).map(|i| {
        delayed(move || match i {
            0 => panic!("a text"),
            1 => panic_any(7_u8),
            2 => resume_unwind(Box::new("from elsewhere")),
            _ => (),
        })
    }));
    let told = |i: usize| {
        let error = results[i].as_ref().unwrap_err();
        assert_eq!((error.function(), error.arguments()), (None, ""));
        (error.message(), error.place().is_some())
    };
    assert_eq!(told(0), ("a text", true));
    assert_eq!(told(1), ("a panic whose payload is not text", true));
    assert_eq!(told(2), ("from elsewhere", false));
    assert_eq!(results[3], Ok(()));
}

/// How often each `flaky` call was tried: by test and number.
static TRIES: Mutex<BTreeMap<(&str, u64), u32>> = Mutex::new(BTreeMap::new());

/// Fails until it was tried as often as `good_at` says; owned arguments, so that there is something to copy.
#[memo]
fn flaky(test: &'static str, x: u64, good_at: u32, owned: Vec<u64>) -> u64 {
    let tries = {
        let mut tries = TRIES.lock().unwrap();
        let tries = tries.entry((test, x)).or_default();
        *tries += 1;
        *tries
    };
    assert!(tries >= good_at, "{x} failed for the {tries}. time");
    x + owned.len() as u64
}

fn tries(test: &str) -> Vec<u32> {
    TRIES.lock().unwrap().iter().filter(|((of, _), _)| *of == test).map(|(_, tries)| *tries).collect()
}

#[test]
fn what_fails_is_tried_again_as_often_as_asked() {
    let cache = TestCache::new();
    let calls = |test| (0..20_u64).map(move |x| flaky::delayed(test, x, 1 + x as u32 % 4, vec![0; 3]));
    let parallel = Parallel::new().jobs(3).memory(&cache.memory);
    let results = parallel.clone().retries(2).run_all(calls("run_all"));
    for (x, result) in results.iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(*value, x as u64 + 3),
            Err(error) => {
                assert_eq!((x % 4, error.index()), (3, x));
                assert_eq!(error.message(), format!("{x} failed for the 3. time"), "the last is reported");
            }
        }
    }
    assert_eq!(tries("run_all"), (0..20).map(|x| 1 + (x % 4).min(2)).collect::<Vec<_>>());
    let stats = cache.memory.stats();
    assert_eq!(
        (stats.misses, stats.entries, stats.troubles),
        (15, 15, 0),
        "an attempt that fails counts as nothing"
    );

    let values = parallel.clone().retries(3).run(calls("run")).unwrap();
    assert_eq!(values, (3..23).collect::<Vec<_>>());
    let streamed = parallel.clone().retries(3).window(4).stream(calls("stream"));
    assert_eq!(streamed.collect::<Result<Vec<_>, _>>().unwrap(), values);
    assert_eq!(tries("stream"), (0..20).map(|x| 1 + x % 4).collect::<Vec<_>>());

    parallel.run_all(calls("once"));
    assert_eq!(tries("once"), [1; 20], "not unless asked");
}

#[test]
fn duplicates_of_what_fails_wait_for_its_last_attempt() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(4).memory(&cache.memory).retries(2);
    let results = parallel.run_all((0..40).map(|x| flaky::delayed("never", x % 2, 9, vec![])));
    for (index, result) in results.into_iter().enumerate() {
        let error = result.unwrap_err();
        assert_eq!(
            (error.index(), error.message()),
            (index, &*format!("{} failed for the 3. time", index % 2))
        );
    }
    assert_eq!(tries("never"), [3, 3]);
    let values = parallel.run((0..40).map(|x| flaky::delayed("third", x % 2, 3, vec![]))).unwrap();
    assert_eq!(values, (0..40).map(|x| x % 2).collect::<Vec<_>>());
    assert_eq!(tries("third"), [3, 3]);
}

#[test]
fn a_retry_waits_until_the_others_had_their_turn() {
    // Who had no turn because it was not drawn yet is none of the others.
    let all_were_drawn = |order: &Mutex<Vec<u64>>| {
        let (is_drawn, was_drawn) = (AtomicBool::new(false), AtomicBool::new(false));
        let mut inputs = 0..5;
        let draw = iter::from_fn(|| {
            inputs.next().or_else(|| {
                is_drawn.store(true, SeqCst);
                None
            })
        });
        let (is_drawn, was_drawn) = (&is_drawn, &was_drawn);
        let calls = draw.map(|i| {
            delayed(move || {
                order.lock().unwrap().push(i);
                let is_first = order.lock().unwrap().iter().filter(|&&seen| seen == 0).count() < 2;
                if i == 0 && is_first {
                    was_drawn.store(is_drawn.load(SeqCst), SeqCst);
                    panic!("not yet");
                }
            })
            .repeatable()
        });
        Parallel::new().jobs(1).memory(&Memory::disabled()).retries(1).run(calls).unwrap();
        was_drawn.load(SeqCst)
    };
    let is_in_order = (0..1000).find_map(|_| {
        let order = Mutex::new(Vec::new());
        let were_drawn = all_were_drawn(&order);
        were_drawn.then(|| order.into_inner().unwrap() == [0, 1, 2, 3, 4, 0])
    });
    assert_eq!(is_in_order, Some(true));
}

#[test]
fn what_cannot_be_copied_is_tried_once() {
    #[derive(serde::Serialize)]
    struct Unique(u64);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo]
    fn takes_unique(unique: Unique) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        panic!("no {}", unique.0)
    }
    #[memo]
    fn generic<T: serde::Serialize>(value: T) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        drop(value);
        panic!("no")
    }
    #[memo]
    fn generic_clone<T: serde::Serialize + Clone>(value: T) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        drop(value);
        panic!("no")
    }
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).retries(4);
    let runs = |error: rememo::Error| {
        assert!(error.task().is_some());
        RUNS.swap(0, SeqCst)
    };
    assert_eq!(runs(parallel.run([takes_unique::delayed(Unique(1))]).unwrap_err()), 1);
    assert_eq!(runs(parallel.run([generic::delayed(1)]).unwrap_err()), 1);
    assert_eq!(runs(parallel.run([generic_clone::delayed(1)]).unwrap_err()), 5);
    let closure = || -> u64 {
        RUNS.fetch_add(1, SeqCst);
        panic!("no")
    };
    assert_eq!(runs(parallel.run([delayed(closure)]).unwrap_err()), 1);
    assert_eq!(runs(parallel.run([delayed(closure).repeatable()]).unwrap_err()), 5);
}

static HALVED: AtomicU32 = AtomicU32::new(0);

#[memo]
fn half(x: u64) -> Result<u64, String> {
    HALVED.fetch_add(1, SeqCst);
    thread::sleep(Duration::from_millis(1));
    match x {
        13 => panic!("thirteen"),
        x if x % 2 == 1 => Err(format!("{x} is odd")),
        x => Ok(x / 2),
    }
}

/// Which call has returned an `Err`, and what that says.
#[track_caller]
fn returned(error: &TryRunError<String>) -> (usize, &str) {
    match error {
        TryRunError::Returned { index, error, .. } => (*index, error),
        error => panic!("{error:?}"),
    }
}

#[test]
fn try_run_stops_at_the_first_err_and_keeps_what_was_computed() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    assert_eq!(parallel.try_run((0..5).map(|x| half::delayed(2 * x))).unwrap(), [0, 1, 2, 3, 4]);

    HALVED.store(0, SeqCst);
    let error =
        parallel.try_run((0..5000).map(|x| half::delayed(if x == 30 { 7 } else { 2 * x }))).unwrap_err();
    assert_eq!(returned(&error), (30, "7 is odd"));
    assert_eq!(error.to_string(), format!("task 30 (`{}(7)`) failed: 7 is odd", half::info().name()));
    let ran = HALVED.swap(0, SeqCst);
    // The other thread may have stood still with those before it in hand.
    assert!((2..3000).contains(&ran), "{ran} calls ran");
    assert_eq!(cache.memory.stats().entries, 5 + u64::from(ran) - 1, "all but the `Err` are kept");

    // Told to keep going it runs them all, and reports the first in the order of the input.
    let calls = || (0..60).map(|x| half::delayed(if x < 20 { 2 * x } else { 1000 + x }));
    let error = parallel.clone().keep_going(true).try_run(calls()).unwrap_err();
    assert_eq!(returned(&error), (21, "1021 is odd"));
    assert_eq!(parallel.run_all(calls()).iter().filter(|result| matches!(result, Ok(Ok(_)))).count(), 40);

    let error = parallel.try_run([half::delayed(2), half::delayed(13)]).unwrap_err();
    let TryRunError::Task(task) = &error else { panic!("{error:?}") };
    assert_eq!((task.message(), error.index()), ("thirteen", 1));
}

#[test]
fn a_remembered_err_stops_too() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memo(cache_err)]
    fn refuse(x: u64) -> Result<u64, String> {
        RUNS.fetch_add(1, SeqCst);
        Err(format!("no {x}"))
    }
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory);
    for _ in 0..2 {
        let error = parallel.try_run([refuse::delayed(1)]).unwrap_err();
        assert_eq!(returned(&error), (0, "no 1"));
    }
    let never = || -> Result<u64, String> { panic!("it was stopped before") };
    let calls: Vec<Box<dyn FnOnce() -> Result<u64, String> + Send>> =
        vec![Box::new(|| cache.memory.lookup(&refuse::delayed(1)).unwrap()), Box::new(never)];
    let error = parallel.try_run(calls.into_iter().map(delayed)).unwrap_err();
    assert_eq!(returned(&error), (0, "no 1"));
    assert_eq!(RUNS.load(SeqCst), 1);
}
