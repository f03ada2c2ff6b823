//! What every store must do: one suite of tests for all layouts.

#![expect(clippy::cast_possible_truncation, reason = "bytes of test values")]

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use super::{
    Author, Draft, Durability, Facts, Layout, Lent, Limits, Lookup, Options, Payload, PruneReason, Selection,
    Store, Verdict, Writer, open,
};
use crate::key::{FunctionId, Key};

/// Runs a test on a fresh store of each layout.
fn on_each_layout(test: impl Fn(&Path, Arc<dyn Store>, &Options)) {
    for layout in [Layout::Files, Layout::Log] {
        if layout == Layout::Log && !cfg!(target_os = "linux") {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let options = Options { layout, ..Options::default() };
        test(dir.path(), open(dir.path(), &options).unwrap().1, &options);
    }
}

pub(super) fn key(number: u64) -> Key {
    Key::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// The value that belongs under a number: of 0 to some 300 bytes.
pub(super) fn value(number: u64) -> Vec<u8> {
    let length = number % 300;
    (0..length).map(|i| (number.wrapping_mul(31) + i) as u8).collect()
}

pub(super) fn draft(number: u64) -> Draft<'static> {
    Draft {
        key: key(number),
        function: FunctionId([(number % 3) as u8 + 1; 8]),
        function_name: "suite::function",
        arguments: number.to_string().into(),
        created: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        compute_time: Duration::from_millis(number % 50),
        author: Author::This,
        codec: 1,
        payload: value(number).into(),
    }
}

/// Whether the entry under a number is lent; it must be the right one, and is read once.
#[track_caller]
pub(super) fn is_lent(store: &dyn Store, number: u64) -> bool {
    let mut reads = 0;
    let lent = store.lend(&key(number), &mut |entry| {
        assert_eq!(*entry.value.whole().unwrap(), value(number), "{number}");
        assert_eq!(Duration::from_nanos(entry.compute_nanos), draft(number).compute_time);
        assert_eq!(entry.created(), draft(number).created);
        reads += 1;
        true
    });
    let compute_nanos = draft(number).compute_time.as_nanos().try_into().unwrap();
    let is_read = lent == Lent::Read { compute_nanos };
    assert_eq!(reads, u32::from(is_read), "{number}, {lent:?}");
    is_read
}

/// The value under a number, if there is one; it must be the right one.
#[track_caller]
pub(super) fn get(store: &dyn Store, number: u64) -> bool {
    is_lent(store, number);
    match store.get(&key(number)).unwrap() {
        Lookup::Found(entry) => {
            assert_eq!(*entry.value().whole().unwrap(), value(number), "{number}");
            assert_eq!(entry.compute_time(), draft(number).compute_time);
            assert_eq!(entry.created(), draft(number).created);
            true
        }
        Lookup::Absent => false,
        Lookup::Damaged(how) => panic!("{number}: {how}"),
    }
}

#[test]
fn what_is_stored_is_found_until_it_is_removed() {
    on_each_layout(|_, store, _| {
        assert!(!get(&*store, 1) && !store.holds(&key(1)).unwrap());
        store.put(&draft(1)).unwrap();
        assert!(get(&*store, 1) && store.holds(&key(1)).unwrap());
        assert!(!get(&*store, 2));
        assert!(store.remove(&key(1)).unwrap());
        assert!(!get(&*store, 1) && !store.holds(&key(1)).unwrap());
        assert!(!store.remove(&key(1)).unwrap());
        store.put(&draft(1)).unwrap();
        assert!(get(&*store, 1));
    });
}

#[test]
fn storing_again_replaces_small_by_large_and_large_by_small() {
    on_each_layout(|_, store, _| {
        for length in [10, 65_535, 65_536, 300_000, 10, 65_536, 0] {
            let payload = vec![7; length];
            store.put(&Draft { payload: payload.clone().into(), ..draft(1) }).unwrap();
            let Lookup::Found(entry) = store.get(&key(1)).unwrap() else { panic!("{length}") };
            assert_eq!(*entry.value().whole().unwrap(), payload);
            assert_eq!(store.stat().unwrap().entries, 1, "{length}");
        }
    });
}

#[test]
fn a_second_store_in_the_directory_sees_everything_at_once() {
    on_each_layout(|root, store, options| {
        let other = open(root, options).unwrap().1;
        for number in 0..2000 {
            store.put(&draft(number)).unwrap();
            assert!(get(&*other, number), "{number}");
        }
        assert!(other.remove(&key(7)).unwrap());
        assert!(!get(&*store, 7));
        store.clear_functions(&[draft(0).function]).unwrap();
        for number in 0..2000 {
            assert_eq!(get(&*other, number), number % 3 != 0 && number != 7, "{number}");
        }
        other.clear().unwrap();
        assert!((0..2000).all(|number| !get(&*store, number)));
        assert_eq!(store.stat().unwrap().entries, 0);
        store.put(&draft(5)).unwrap();
        assert!(get(&*other, 5));
    });
}

#[test]
fn an_entry_tells_who_stored_it() {
    on_each_layout(|root, store, options| {
        let one = Writer::new("tune", "one").map(Arc::new);
        let authors = [Author::This, Author::Other(one), Author::Other(None)];
        for (number, author) in (0..).zip(&authors) {
            store.put(&Draft { author: author.clone(), ..draft(number) }).unwrap();
            let payload = vec![1; 100_000].into();
            store.put(&Draft { author: author.clone(), payload, ..draft(number + 3) }).unwrap();
        }
        // Another process, that has stored nothing.
        for store in [&store, &open(root, options).unwrap().1] {
            let mut listed = 0;
            store
                .list(&mut |info| {
                    let number = (0..6).find(|&number| key(number) == info.key).unwrap();
                    let author = &authors[number as usize % 3];
                    assert_eq!(info.writer.as_ref(), author.writer(), "{number}");
                    let Lookup::Found(entry) = store.get(&info.key).unwrap() else { panic!("{number}") };
                    assert_eq!(store.info(&entry, "").writer.as_ref(), author.writer(), "{number}");
                    listed += 1;
                })
                .unwrap();
            assert_eq!(listed, 6);
        }
    });
}

#[test]
fn totals_and_the_list_agree_with_what_is_there() {
    on_each_layout(|_, store, _| {
        for number in 0..500 {
            store.put(&draft(number)).unwrap();
        }
        store.put(&Draft { payload: vec![1; 100_000].into(), ..draft(500) }).unwrap();
        for number in 0..100 {
            store.remove(&key(number)).unwrap();
        }
        let mut listed = HashMap::new();
        let mut bytes = 0;
        store
            .list(&mut |info| {
                let number: u64 = info.arguments.parse().unwrap();
                assert_eq!(info.key, key(number));
                bytes += info.bytes;
                listed.insert(info.key, info.function_id);
            })
            .unwrap();
        assert_eq!(listed.len(), 401);
        assert!((100..=500).all(|number| listed[&key(number)] == draft(number).function));
        let extent = store.stat().unwrap();
        assert_eq!((extent.entries, extent.bytes), (401, bytes));
        assert_eq!(store.check().unwrap().sound, 401);
        assert_eq!(store.sweep().unwrap().sound, 401);
        assert_eq!(store.stat().unwrap(), extent);
    });
}

#[test]
fn a_sample_is_of_entries_that_are_there_and_of_no_more_than_asked() {
    on_each_layout(|_, store, _| {
        for number in 0..300 {
            let compute_time = Duration::from_millis(number);
            store.put(&Draft { compute_time, ..draft(number) }).unwrap();
        }
        for (most, expected) in [(0, 0), (7, 7), (1000, 300)] {
            let mut times = Vec::new();
            store.sample(most, &mut |function, time| times.push((time, function))).unwrap();
            assert_eq!(times.len(), expected);
            times.sort_by_key(|(time, _)| *time);
            times.dedup();
            assert_eq!(times.len(), expected, "no entry comes twice");
            for (time, function) in times {
                assert_eq!(function, draft(u64::try_from(time.as_millis()).unwrap()).function);
            }
        }
    });
}

#[test]
fn a_reduction_keeps_what_is_worth_most_and_no_more_than_asked() {
    on_each_layout(|_, store, _| {
        for number in 0..600 {
            let compute_time = Duration::from_millis(number);
            store.put(&Draft { compute_time, payload: vec![0; 100].into(), ..draft(number) }).unwrap();
        }
        let reduced = store.reduce(&Limits::new().items(200)).unwrap();
        assert_eq!((reduced.entries, reduced.kept_entries), (400, 200));
        for number in 0..600 {
            assert_eq!(store.holds(&key(number)).unwrap(), number >= 400, "{number}");
        }
        let before = store.stat().unwrap();
        let reduced = store.reduce(&Limits::new().bytes(before.bytes / 2)).unwrap();
        let after = store.stat().unwrap();
        assert!(after.bytes <= before.bytes / 2 && after.bytes + 400 > before.bytes / 2, "{reduced:?}");
        assert_eq!(reduced.bytes, before.bytes - after.bytes);
        assert_eq!(store.reduce(&Limits::new()).unwrap().entries, 0);
    });
}

#[test]
fn threads_store_find_and_remove_and_nothing_is_wrong_or_lost() {
    on_each_layout(|_, store, options| {
        let rounds = if options.layout == Layout::Log { 4000 } else { 500 };
        thread::scope(|scope| {
            for thread in 1..5 {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..rounds {
                        let own = thread * 1_000_000 + round;
                        store.put(&draft(own)).unwrap();
                        assert!(get(&**store, own), "{own}");
                        // One that all threads store and remove.
                        let shared = round % 50;
                        store.put(&draft(shared)).unwrap();
                        get(&**store, shared);
                        if round % 7 == 0 {
                            store.remove(&key(shared)).unwrap();
                        }
                    }
                });
            }
        });
        for thread in 1..5 {
            for round in 0..rounds {
                assert!(get(&*store, thread * 1_000_000 + round), "{thread} {round}");
            }
        }
        for shared in 0..50 {
            store.remove(&key(shared)).unwrap();
            assert!(!get(&*store, shared), "{shared}");
        }
    });
}

#[test]
fn clearing_while_others_store_leaves_what_was_acknowledged_afterwards() {
    on_each_layout(|_, store, _| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..20 {
                    if round % 2 == 0 {
                        store.clear().unwrap();
                    } else {
                        store.clear_functions(&[draft(0).function, draft(1).function]).unwrap();
                    }
                    thread::sleep(Duration::from_millis(2));
                }
                done.store(true, SeqCst);
            });
            let mut number = 0;
            while !done.load(SeqCst) {
                store.put(&draft(number)).unwrap();
                get(&*store, number);
                number += 1;
            }
        });
        for number in 0..100 {
            store.put(&draft(number)).unwrap();
            assert!(get(&*store, number));
        }
    });
}

#[test]
fn every_durability_stores() {
    for durability in [Durability::None, Durability::OnClose, Durability::Each] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { layout: Layout::Log, durability, ..Options::default() };
        let (_, store) = open(dir.path(), &options).unwrap();
        store.put(&draft(1)).unwrap();
        store.put(&Draft { payload: vec![1; 100_000].into(), ..draft(2) }).unwrap();
        drop(store);
        let (_, store) = open(dir.path(), &Options::default()).unwrap();
        assert!(get(&*store, 1) && store.holds(&key(2)).unwrap());
    }
}

#[test]
fn a_scan_ends_when_its_visitor_has_seen_enough() {
    on_each_layout(|_, store, _| {
        (0..100).for_each(|number| store.put(&draft(number)).unwrap());
        let mut seen = 0;
        store
            .scan(&mut |info| {
                assert!(
                    info.last_use
                        .is_some_and(|used| used.elapsed().unwrap_or_default() < Duration::from_mins(1))
                );
                seen += 1;
                if seen < 7 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .unwrap();
        assert_eq!(seen, 7);
    });
}

#[test]
fn a_dry_run_counts_what_would_go_and_leaves_it() {
    on_each_layout(|_, store, _| {
        (0..90).for_each(|number| store.put(&draft(number)).unwrap());
        let of_one = FunctionId([2; 8]);
        let verdict = |facts: &Facts| if facts.function == of_one { Verdict::MayGo } else { Verdict::Stays };
        let selection = |dry_run| Selection { limits: Limits::new().items(10), verdict: &verdict, dry_run };
        for dry_run in [true, false] {
            let selected = store.select(&selection(dry_run)).unwrap();
            assert_eq!((selected.reduced.entries, selected.reduced.kept_entries), (20, 70));
            let parts: Vec<_> = selected.parts.keys().copied().collect();
            assert_eq!(parts, [(of_one, PruneReason::WorthLeast)]);
            assert_eq!(store.stat().unwrap().entries, if dry_run { 90 } else { 70 });
        }
        // What took least goes first.
        assert!(!get(&*store, 1) && get(&*store, 49) && get(&*store, 0));
    });
}
