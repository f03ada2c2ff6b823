//! Thirty tasks of a first week with joblib, done with rememo. `first_week.py` does the same with joblib.
//!
//! ```text
//! cargo run --release --features zstd --example first_week
//! ```
//!
//! Each task asserts what it shows, and prints its name. Both programs print the same names; docs/joblib.md has a table of
//! them.
#![expect(clippy::print_stdout, reason = "an example speaks to a person at a terminal")]
#![expect(clippy::unnecessary_wraps, reason = "all tasks have one type")]

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rememo::{
    Array, Executor, Limits, Memory, Parallel, Shelved, TaskError, TaskErrorKind, calls, delayed, memo,
};

type Done = Result<(), Box<dyn Error>>;

#[memo]
fn cube(i: u64) -> u64 {
    i.pow(3)
}

#[memo(ignore(verbose))]
fn total(numbers: &[f64], verbose: bool) -> f64 {
    if verbose {
        println!("adding {} numbers", numbers.len());
    }
    numbers.iter().sum()
}

#[memo]
fn values_of(table: &HashMap<String, u64>) -> Vec<u64> {
    let mut values: Vec<_> = table.values().copied().collect();
    values.sort_unstable();
    values
}

#[memo]
fn parse(text: &str) -> Result<u32, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

#[memo]
fn table(rows: usize, columns: usize) -> Array<f64> {
    Array::new([rows, columns], vec![0.5; rows * columns]).expect("as many numbers as the shape has")
}

#[memo(ttl = "1s")]
fn rate(currency: &str) -> usize {
    currency.len()
}

fn helper(x: u64) -> u64 {
    x * 2
}

#[memo]
fn price(x: u64) -> u64 {
    helper(x)
}

#[memo]
fn process_of(_task: u64) -> u32 {
    process::id()
}

#[memo]
fn nap(milliseconds: u64) -> u64 {
    thread::sleep(Duration::from_millis(milliseconds));
    milliseconds
}

#[memo]
fn crash(i: u64) -> u64 {
    if i == 3 {
        process::exit(1);
    }
    i
}

/// The memory of all tasks, and how many calls were computed in it.
struct Week {
    directory: tempfile::TempDir,
    memory: Memory,
}

impl Week {
    /// Runs `act`, in which so many calls have to be computed.
    #[track_caller]
    fn computes<T>(&self, count: u64, act: impl FnOnce() -> T) -> T {
        let before = self.memory.stats().misses;
        let result = act();
        assert_eq!(self.memory.stats().misses - before, count);
        result
    }

    fn parallel(&self) -> Parallel {
        Parallel::new().jobs(2).memory(&self.memory)
    }
}

/// How a task failed, if it did.
fn failure<T>(result: &Result<T, TaskError>) -> Option<TaskErrorKind> {
    result.as_ref().err().map(TaskError::kind)
}

fn remember_what_a_function_returned(week: &Week) -> Done {
    let call = || week.memory.call(cube::delayed(5));
    assert_eq!(week.computes(1, || [call(), call()]), [125, 125]);
    Ok(())
}

fn find_it_again_in_another_process(week: &Week) -> Done {
    let mut again = Command::new(env::current_exe()?);
    let output = again.arg("in another process").arg(week.directory.path()).output()?;
    assert_eq!(String::from_utf8(output.stdout)?, "125, 0 computed\n");
    Ok(())
}

fn see_whether_it_is_remembered(week: &Week) -> Done {
    assert!(week.memory.contains(&cube::delayed(5)) && !week.memory.contains(&cube::delayed(55)));
    Ok(())
}

fn compute_it_again(week: &Week) -> Done {
    week.computes(1, || week.memory.recompute(cube::delayed(5)));
    Ok(())
}

fn leave_an_argument_out_of_the_key(week: &Week) -> Done {
    week.computes(1, || [true, false].map(|verbose| week.memory.call(total::delayed(&[1.0, 2.0], verbose))));
    Ok(())
}

fn pass_a_large_array(week: &Week) -> Done {
    let numbers: Vec<f64> = (0..1_000_000).map(f64::from).collect();
    let copy = numbers.clone();
    week.computes(1, || [&numbers, &copy].map(|numbers| week.memory.call(total::delayed(numbers, false))));
    Ok(())
}

fn pass_a_map_in_any_order(week: &Week) -> Done {
    let [ab, ba] = [[("a", 1), ("b", 2)], [("b", 2), ("a", 1)]]
        .map(|pairs| pairs.map(|(name, value)| (name.to_owned(), value)).into_iter().collect());
    week.computes(1, || [&ab, &ba].map(|table| week.memory.call(values_of::delayed(table))));
    Ok(())
}

fn keep_no_failure(week: &Week) -> Done {
    week.computes(2, || [(); 2].map(|()| assert!(week.memory.call(parse::delayed("a dozen")).is_err())));
    Ok(())
}

fn run_a_thousand_calls(week: &Week) -> Done {
    let cubes = week.parallel().run((0..1000_u64).map(|i| delayed(move || i.pow(3))))?;
    assert_eq!(cubes[999], 997_002_999);
    Ok(())
}

fn compute_only_what_is_missing(week: &Week) -> Done {
    week.parallel().run((100..150).map(cube::delayed))?;
    week.computes(50, || week.parallel().run((100..200).map(cube::delayed)))?;
    Ok(())
}

fn run_several_functions_at_once(week: &Week) -> Done {
    let values = week.parallel().run(calls![cube::delayed(2), delayed(|| 2_u64.pow(4))])?;
    assert_eq!(values, [8, 16]);
    Ok(())
}

fn take_results_as_they_come(week: &Week) -> Done {
    let results = week.parallel().stream((0..50).map(cube::delayed));
    assert_eq!(results.collect::<Result<Vec<_>, _>>()?[7], 343);
    Ok(())
}

fn take_them_in_any_order(week: &Week) -> Done {
    for (index, cubed) in week.parallel().stream_unordered((0..50).map(cube::delayed)) {
        assert_eq!(cubed?, (index as u64).pow(3));
    }
    Ok(())
}

fn draw_few_inputs_ahead(week: &Week) -> Done {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let endless = (0..).inspect(|_| _ = DRAWN.fetch_add(1, Relaxed)).map(cube::delayed);
    let first = week.parallel().window(10).stream(endless).take(3);
    assert_eq!(first.collect::<Result<Vec<_>, _>>()?, [0, 1, 8]);
    assert!(DRAWN.load(Relaxed) < 1000);
    Ok(())
}

fn nest_batches(week: &Week) -> Done {
    let inner =
        |i| delayed(move || week.parallel().run((0..i).map(cube::delayed)).map(|cubes| cubes.iter().sum()));
    let sums: Vec<rememo::Result<u64>> = week.parallel().run((0..4).map(inner))?;
    assert_eq!(sums.into_iter().collect::<Result<Vec<_>, _>>()?, [0, 0, 1, 9]);
    Ok(())
}

fn use_worker_processes(week: &Week) -> Done {
    let workers = week.parallel().executor(Executor::processes());
    assert!(!workers.run((0..4).map(process_of::delayed))?.contains(&process::id()));
    Ok(())
}

fn run_a_closure_in_a_worker(week: &Week) -> Done {
    let offset = 7;
    let workers = week.parallel().executor(Executor::processes());
    // It cannot: a closure has no name by which a worker finds it. It runs on threads.
    let refused = workers.run_all((0..3).map(|i| delayed(move || i + offset)));
    assert!(refused.iter().all(|result| failure(result) == Some(TaskErrorKind::NotSent)));
    assert_eq!(week.parallel().run((0..3).map(|i| delayed(move || i + offset)))?, [7, 8, 9]);
    Ok(())
}

fn limit_the_time_of_a_task(week: &Week) -> Done {
    let workers = week.parallel().executor(Executor::processes()).timeout(Duration::from_millis(500));
    let naps = workers.run_all([10, 60_000].map(nap::delayed));
    assert_eq!(naps[0], Ok(10)); // the other one fails alone
    assert_eq!(failure(&naps[1]), Some(TaskErrorKind::TimedOut));
    Ok(())
}

fn survive_a_task_that_crashes(week: &Week) -> Done {
    let results = week.parallel().executor(Executor::processes()).run_all((0..10).map(crash::delayed));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 9);
    assert_eq!(failure(&results[3]), Some(TaskErrorKind::Crashed));
    Ok(())
}

fn notice_that_a_helper_has_changed(week: &Week) -> Done {
    // It is a part of the fingerprint: of an edit of it, `price` is computed anew. (The tests edit and build programs.)
    week.memory.call(price::delayed(10));
    let records = week.memory.functions()?;
    let record = records.iter().find(|record| record.name.ends_with("price")).ok_or("no record")?;
    assert!(record.items.iter().any(|item| item.path.ends_with("helper")), "{:?}", record.items);
    Ok(())
}

fn map_a_large_result(week: &Week) -> Done {
    week.memory.call(table::delayed(1000, 100));
    let again = week.memory.call_info(table::delayed(1000, 100));
    assert!(again.is_hit() && again.value.is_mapped());
    Ok(())
}

fn compress_what_is_kept(_: &Week) -> Done {
    let (plain, small) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let plain = Memory::open(plain.path())?;
    let small = Memory::builder().dir(small.path()).compress(3).open()?;
    for memory in [&plain, &small] {
        memory.call(table::delayed(1000, 100));
    }
    assert!(small.stats().bytes < plain.stats().bytes / 10);
    Ok(())
}

fn hand_on_a_token_of_a_result(week: &Week) -> Done {
    let token: Shelved<u64> = week.memory.shelve(cube::delayed(9))?;
    assert_eq!(token.get()?, 729);
    Ok(())
}

fn write_one_value_to_a_file(week: &Week) -> Done {
    let path = week.directory.path().join("value");
    let value = HashMap::from([("a".to_owned(), vec![1.5, 2.5])]);
    rememo::dump_compressed(&path, &value, 3)?;
    assert_eq!(rememo::load::<HashMap<String, Vec<f64>>>(&path)?, value);
    Ok(())
}

fn name_a_value_by_its_content(_: &Week) -> Done {
    assert_eq!(rememo::digest(&[1.5, 2.5]), rememo::digest(&[1.5, 2.5]));
    assert_ne!(rememo::digest(&[1.5, 2.5]), rememo::digest(&[2.5, 1.5]));
    Ok(())
}

fn let_a_result_count_for_a_while(week: &Week) -> Done {
    week.computes(1, || [(); 2].map(|()| week.memory.call(rate::delayed("EUR"))));
    thread::sleep(Duration::from_millis(1100));
    week.computes(1, || week.memory.call(rate::delayed("EUR")));
    Ok(())
}

fn remember_a_function_of_somebody_else(week: &Week) -> Done {
    // The name stands for the function; its code is not in the key.
    let base = week
        .memory
        .get_or_compute("basename, version 1", "a/b", || "a/b".rsplit('/').next().map(str::to_owned));
    assert_eq!(base.as_deref(), Some("b"));
    Ok(())
}

fn remove_what_is_used_least(_: &Week) -> Done {
    let directory = tempfile::tempdir()?;
    let memory = Memory::open(directory.path())?;
    (0..20).for_each(|i| _ = memory.call(cube::delayed(i)));
    memory.reduce(Limits::new().items(5))?;
    assert_eq!((0..20).filter(|&i| memory.contains(&cube::delayed(i))).count(), 5);
    Ok(())
}

fn forget_a_function(week: &Week) -> Done {
    week.memory.clear_function(cube::info())?;
    assert!(!week.memory.contains(&cube::delayed(5)));
    Ok(())
}

fn remember_nothing(_: &Week) -> Done {
    assert_eq!(Memory::disabled().call(cube::delayed(3)), 27);
    Ok(())
}

/// The functions with these names, and their names.
macro_rules! tasks {
    ($($task:ident)*) => { [$((stringify!($task), $task as fn(&Week) -> Done)),*] };
}

#[rememo::main]
fn main() -> Done {
    if env::args().nth(1).is_some_and(|role| role == "in another process") {
        let memory = Memory::open(env::args_os().nth(2).ok_or("no directory")?)?;
        let value = memory.call(cube::delayed(5));
        println!("{value}, {} computed", memory.stats().misses);
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let memory = Memory::open(directory.path())?;
    let week = Week { directory, memory };
    let tasks = tasks![
        remember_what_a_function_returned find_it_again_in_another_process see_whether_it_is_remembered
        compute_it_again leave_an_argument_out_of_the_key pass_a_large_array pass_a_map_in_any_order
        keep_no_failure run_a_thousand_calls compute_only_what_is_missing run_several_functions_at_once
        take_results_as_they_come take_them_in_any_order draw_few_inputs_ahead nest_batches use_worker_processes
        run_a_closure_in_a_worker limit_the_time_of_a_task survive_a_task_that_crashes
        notice_that_a_helper_has_changed map_a_large_result compress_what_is_kept hand_on_a_token_of_a_result
        write_one_value_to_a_file name_a_value_by_its_content let_a_result_count_for_a_while
        remember_a_function_of_somebody_else remove_what_is_used_least forget_a_function remember_nothing
    ];
    for (number, (name, task)) in (1..).zip(tasks) {
        task(&week)?;
        println!("{number} {}", name.replace('_', " "));
    }
    Ok(())
}
