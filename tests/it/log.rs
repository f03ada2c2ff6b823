//! A memory over the log layout, as a program uses it.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::Duration;

use rememo::{Layout, Limits, Memory, Parallel, memo};
use tempfile::TempDir;

use crate::processes::start;
use crate::support::{hit, miss};

#[memo]
fn doubled(x: u64) -> u64 {
    2 * x
}

#[memo]
fn large(x: u64) -> Vec<u64> {
    vec![x; 20_000]
}

#[memo(valid = only_of_doubled)]
fn checked(x: u64) -> u64 {
    x
}

fn only_of_doubled(info: &rememo::EntryInfo) -> bool {
    info.function().ends_with("checked") && info.bytes() > 0
}

fn fresh() -> (TempDir, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(dir.path());
    (dir, memory)
}

fn open(dir: &Path) -> Memory {
    Memory::builder().dir(dir.join("cache")).layout(Layout::Log).open().unwrap()
}

#[test]
fn small_and_large_values_are_hits_here_and_in_memories_opened_later() {
    let (dir, memory) = fresh();
    assert_eq!(miss(&memory, doubled::delayed(21)), 42);
    assert_eq!(miss(&memory, large::delayed(7)), large::uncached(7));
    assert_eq!(miss(&memory, checked::delayed(1)), 1);
    let later = Memory::open(dir.path().join("cache")).unwrap();
    for memory in [&memory, &later] {
        assert_eq!(hit(memory, doubled::delayed(21)), 42);
        assert_eq!(hit(memory, large::delayed(7)), large::uncached(7));
        assert_eq!(hit(memory, checked::delayed(1)), 1);
    }
    let shelved = memory.shelve(doubled::delayed(21)).unwrap();
    drop((memory, later));
    assert_eq!(shelved.get().unwrap(), 42, "with no memory open");
}

#[test]
fn entries_and_functions_have_their_names_and_totals() {
    let (_dir, memory) = fresh();
    for x in 0..10 {
        memory.call(doubled::delayed(x));
    }
    memory.call(large::delayed(3));
    let entries = memory.entries().unwrap();
    assert_eq!(entries.len(), 11);
    assert_eq!(entries.iter().filter(|info| info.function() == doubled::info().name()).count(), 10);
    let functions = memory.functions().unwrap();
    let [first, second] = &functions[..] else { panic!("{functions:?}") };
    assert_eq!((first.entries, second.entries), (10, 1));
    assert!(second.bytes > 160_000 && first.bytes < 10 * 200, "{functions:?}");
    let stats = memory.stats();
    assert_eq!((stats.entries, stats.bytes), (11, first.bytes + second.bytes));
}

#[test]
fn cleared_removed_and_reduced_entries_are_misses_for_every_memory() {
    let (dir, memory) = fresh();
    let other = open(dir.path());
    Parallel::new().memory(&memory).run((0..100).map(doubled::delayed)).unwrap();
    memory.call(large::delayed(3));
    assert!(other.remove(&doubled::delayed(5)).unwrap());
    miss(&memory, doubled::delayed(5));
    other.clear_function(doubled::info()).unwrap();
    assert!(!memory.contains(&doubled::delayed(5)));
    hit(&memory, large::delayed(3));
    memory.clear().unwrap();
    miss(&other, large::delayed(3));
    for x in 0..50 {
        memory.call(doubled::delayed(x));
    }
    let reduced = other.reduce(Limits::new().items(0)).unwrap();
    assert_eq!((reduced.entries, memory.stats().entries), (51, 0));
    miss(&memory, doubled::delayed(1));
    assert_eq!(memory.reduce(Limits::new().age(Duration::from_hours(1))).unwrap().entries, 0);
}

/// An index that is made anew took every entry for one that was stored in 1970: the first reduction by age removed them all.
#[test]
fn an_index_that_is_made_anew_knows_when_entries_were_stored() {
    let (dir, memory) = fresh();
    memory.call(doubled::delayed(1));
    drop(memory);
    std::fs::remove_file(dir.path().join("cache/index")).unwrap();
    let memory = open(dir.path());
    assert_eq!(memory.reduce(Limits::new().age(Duration::from_hours(1))).unwrap().entries, 0);
    hit(&memory, doubled::delayed(1));
}

#[test]
fn a_budget_holds() {
    const BUDGET: u64 = 16 << 20;
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::builder().dir(dir.path()).layout(Layout::Log).budget(BUDGET).open().unwrap();
    for x in 0..200 {
        memory.call(large::delayed(x));
        assert!(memory.stats().bytes <= BUDGET / 10 * 11, "{x}");
    }
    let stats = memory.stats();
    assert!(stats.entries < 200 && stats.bytes > BUDGET / 2, "{stats:?}");
}

#[test]
fn a_directory_keeps_its_layout() {
    let (dir, memory) = fresh();
    miss(&memory, doubled::delayed(1));
    hit(&Memory::open(dir.path().join("cache")).unwrap(), doubled::delayed(1));
    let files = || Memory::builder().dir(dir.path().join("cache")).layout(Layout::Files).open();
    let error = files().unwrap_err().to_string();
    assert!(error.contains("`rememo 3 log`") && error.contains("Layout::Auto"), "{error}");
}

#[test]
fn two_processes_share_a_log_and_compute_each_call_once() {
    let (dir, memory) = fresh();
    let file = dir.path().join("runs");
    let start =
        || start("slow calls", &dir.path().join("cache")).env("REMEMO_TEST_RUNS", &file).spawn().unwrap();
    for mut child in [start(), start()] {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 50);
    assert_eq!(memory.stats().entries, 50);
}
