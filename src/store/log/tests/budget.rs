//! The budget: kept, and spent on what is worth most.

use super::*;

#[test]
fn a_budget_is_kept_while_entries_of_mixed_sizes_are_stored() {
    const BUDGET: u64 = 24 << 20;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Options { budget: Some(BUDGET), ..options() }).unwrap();
    let mut most = 0;
    for number in 0..30_000_u64 {
        let length = match number % 100 {
            0 => 100_000,
            n if n < 10 => 8_000,
            _ => 300,
        };
        store.put(&Draft { payload: vec![1; length], ..draft(number) }).unwrap();
        if number % 500 == 0 {
            most = most.max(on_disk(dir.path()));
        }
    }
    assert!(most <= BUDGET / 10 * 11, "{most}");
    assert!(on_disk(dir.path()) >= BUDGET / 10 * 7, "it evicts no more than it must");
    let mut listed = 0;
    store.list(&mut |_| listed += 1).unwrap();
    assert_eq!(store.stat().unwrap().entries, listed);
    // And what is left is found after a rebuild, too.
    drop(store);
    fs::remove_file(dir.path().join("index")).unwrap();
    assert_eq!(reopen(dir.path()).stat().unwrap().entries, listed);
}

#[test]
fn what_was_replaced_a_hundred_times_does_not_fill_the_disk() {
    let (dir, store) = fresh();
    for round in (0..=249).cycle().take(1500) {
        for number in 0..10 {
            let payload = vec![round; 10_000];
            store.put(&Draft { payload, ..draft(number) }).unwrap();
        }
    }
    assert!(on_disk(dir.path()) < 40 << 20, "{}", on_disk(dir.path()));
    assert_eq!(store.stat().unwrap().entries, 10);
}
