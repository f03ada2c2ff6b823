//! Calls of several functions in one batch.

use rememo::{BoxedCall, Call, Memory, Parallel, Source, TaskErrorKind, as_completed, calls, delayed, memo};

use crate::support::{TestCache, hit};

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[memo]
fn length(text: &str, times: u64) -> u64 {
    assert!(text != "bad", "a bad text");
    text.len() as u64 * times
}

#[memo]
fn owned(numbers: Vec<u64>) -> u64 {
    numbers.iter().sum()
}

#[test]
fn a_batch_of_several_functions_has_hits_duplicates_and_the_order_of_its_input() {
    let cache = TestCache::new();
    let memory = &cache.memory;
    let parallel = Parallel::new().jobs(2).memory(memory);
    let text = String::from("three");
    let batch = || {
        calls![
            square::delayed(7),
            length::delayed(&text, 2),
            owned::delayed(vec![1, 2]),
            delayed(|| text.len() as u64),
            square::delayed(7),
        ]
    };
    assert_eq!(parallel.run(batch()).unwrap(), [49, 10, 3, 5, 49]);
    assert_eq!(memory.stats().misses, 3);
    assert_eq!(parallel.run(batch()).unwrap(), [49, 10, 3, 5, 49]);
    assert_eq!(memory.stats().misses, 3, "all are hits");

    // They are the calls that are inside.
    assert_eq!(hit(memory, length::delayed("three", 2)), 10);
    let boxed = length::delayed("three", 2).boxed();
    assert!(memory.contains(&boxed) && memory.why(&boxed).is_hit());
    assert_eq!(memory.lookup(&boxed), Some(10));
    assert_eq!(memory.call_info(boxed).source, Source::Hit);
    let other = length::delayed("three", 3).boxed();
    assert_eq!(memory.why(&other).to_string(), memory.why(&length::delayed("three", 3)).to_string());
    assert_eq!(format!("{other:?}"), format!("{:?}", length::delayed("three", 3)));
    assert!(calls![delayed(|| 1)][0].memo().is_none());
}

#[test]
fn streams_and_submitted_calls_take_them_too() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let both = |x: u64| {
        if x.is_multiple_of(2) { square::delayed(x).boxed() } else { owned::delayed(vec![x; 3]).boxed() }
    };
    let expected: Vec<u64> = (0..40).map(|x| if x % 2 == 0 { x * x } else { 3 * x }).collect();
    let streamed: Result<Vec<u64>, _> = parallel.stream((0..40).map(both)).collect();
    assert_eq!(streamed.unwrap(), expected);
    let tasks = (0..40).map(|x| parallel.submit(both(x)));
    let mut submitted: Vec<_> = as_completed(tasks).map(|(index, value)| (index, value.unwrap())).collect();
    submitted.sort_unstable();
    assert!(submitted.into_iter().map(|(_, value)| value).eq(expected));
    assert_eq!(cache.memory.stats().misses, 40);
}

#[test]
fn a_failure_names_the_function_that_is_inside_and_is_tried_again() {
    let parallel = Parallel::new().jobs(2).memory(&Memory::disabled());
    let results = parallel.retries(1).run_all(calls![square::delayed(3), length::delayed("bad", 2)]);
    assert_eq!(results[0], Ok(9));
    let error = results[1].as_ref().unwrap_err();
    assert_eq!((error.function(), error.arguments()), (Some(length::info().name()), r#""bad", 2"#));

    let attempts = std::sync::atomic::AtomicU32::new(0);
    let flaky = || {
        assert!(attempts.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 2);
        7
    };
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).retries(2);
    assert_eq!(parallel.run(calls![delayed(flaky).repeatable(), square::delayed(2)]).unwrap(), [7, 4]);
}

#[cfg(target_os = "linux")]
#[test]
fn worker_processes_run_them() {
    rememo::init();
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory).executor(rememo::Executor::processes());
    let calls: Vec<BoxedCall<'_, u64>> =
        vec![square::delayed(8).boxed(), length::delayed("four", 2).boxed(), owned::delayed(vec![5]).boxed()];
    assert_eq!(parallel.run(calls).unwrap(), [64, 8, 5]);
    assert_eq!(hit(&cache.memory, square::delayed(8)), 64);
    let closure = parallel.run_all(calls![delayed(|| 1_u64)]);
    assert_eq!(closure[0].as_ref().unwrap_err().kind(), TaskErrorKind::NotSent);
}
