//! What others may do while one looks after the index.

use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;
use crate::store::log::address::Address;
use crate::store::log::index::{Index, Table};
use crate::store::log::upkeep::exchange;

#[test]
fn the_index_is_sealed_only_for_the_last_changes() {
    const STORED: u64 = 3_000;
    let dir = tempfile::tempdir().unwrap();
    let store = open_log(dir.path(), &options());
    let fill = |from: u64| (from..from + STORED).for_each(|number| store.put(&draft(number)).unwrap());
    fill(0);
    let (upkeep, view) = store.lock_for_upkeep().unwrap();
    let table = view.index.table();
    let new = Index::draft(&store.dir, view.control.log_id(), 8 * STORED).unwrap();
    // Nothing was copied before, so all is a change; and others store while it is copied.
    let (mut copied, mut sealed, mut others) = (0, 0, 2);
    let copy = |slot, address, to: &Table<'_, AtomicU64>| {
        sealed += u32::from(table.is_sealed());
        copied += 1;
        if copied % 1000 == 0 && others > 0 {
            others -= 1;
            (0..100).for_each(|number| {
                store.put(&draft(10_000 + 100 * others + number)).unwrap();
            });
        }
        store.copy_slot(&table, slot, address, to).map(drop)
    };
    let nothing = vec![[0, 0]; table.capacity()];
    let index = exchange(&view, new, nothing, copy, || ()).unwrap();
    store.use_index(&view, index);
    drop(upkeep);
    assert_eq!(sealed, 0, "entries that are copied under the seal");
    assert_eq!(others, 0);
    let stored = (0..STORED).chain(10_000..10_200);
    assert!(stored.into_iter().all(|number| get(&store, number)));
}

#[test]
fn entries_that_are_replaced_while_the_index_is_made_anew_are_counted_once() {
    const ENTRIES: u64 = 300;
    let (_dir, store) = fresh();
    (0..ENTRIES).for_each(|number| store.put(&draft(number)).unwrap());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(SeqCst) {
                (0..ENTRIES).for_each(|number| store.put(&draft(number)).unwrap());
            }
        });
        for _ in 0..4 {
            assert_eq!(store.sweep().unwrap().damaged, [] as [PathBuf; 0]);
        }
        is_over.store(true, SeqCst);
    });
    let counted = store.stat().unwrap().entries;
    // The entry that is being stored may be counted twice, or not at all.
    assert!(counted.abs_diff(ENTRIES) <= 1, "{counted}");
}

/// Regression: whoever cleared a cache that others were filling met a new index that was too small for what they had stored
/// meanwhile.
#[test]
fn others_may_store_more_while_an_index_is_made_than_it_has_room_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_log(dir.path(), &options());
    let fill = |numbers: std::ops::Range<u64>| numbers.for_each(|number| store.put(&draft(number)).unwrap());
    // The index that is there has room for those that come.
    fill(0..7_000);
    let (upkeep, view) = store.lock_for_upkeep().unwrap();
    let before = view.index.table().entries().map(|(_, address)| address).max().unwrap();
    let asked = AtomicU64::new(0);
    let keep = |address: Address| {
        // It was asked for each entry how much room is needed, and nothing of what was there is kept.
        if asked.fetch_add(1, SeqCst) == 7_000 {
            fill(10_000..11_500);
        }
        address > before
    };
    store.replace_index(&upkeep, &view, keep).unwrap();
    drop(upkeep);
    assert!((10_000..11_500).all(|number| get(&store, number)));
    assert!((0..7_000).all(|number| !get(&store, number)));
}

#[test]
fn entries_that_move_while_they_are_listed_are_listed_once() {
    const STORED: u64 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let store = open_log(dir.path(), &options());
    let fill = |from: u64, to: u64| (from..to).for_each(|number| store.put(&draft(number)).unwrap());
    fill(0, STORED);
    assert!(store.log.list().unwrap().len() > 1, "entries in one segment alone");
    let mut listed = Vec::new();
    store
        .scan(&mut |info| {
            listed.push(info.key);
            // Behind everything that was there when it began: what is listed already, and what is not.
            match listed.len() {
                1000 => fill(0, STORED / 2),
                2000 => fill(STORED / 2, STORED),
                _ => {}
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(listed.len() as u64, STORED);
    listed.sort_unstable_by_key(|key| *key.as_bytes());
    listed.dedup();
    assert_eq!(listed.len() as u64, STORED);

    let mut some = 0;
    store
        .scan(&mut |_| {
            some += 1;
            if some < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
    assert_eq!(some, 10);
}

/// Regression: the file of the record that was replaced went while it was not known whether the index that is being made has the
/// new one. Killed then, the writer left neither: an entry that was acknowledged was gone.
#[test]
fn a_file_that_is_replaced_stays_until_the_index_that_is_in_place_has_the_new_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_log(dir.path(), &options());
    let large = |byte: u8| Draft { payload: vec![byte; 100_000].into(), ..draft(7) };
    let files = || store.blobs.names().unwrap().len();
    let wait_for = |wanted: usize| {
        for _ in 0..1000 {
            if files() == wanted {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("{} files instead of {wanted}", files());
    };
    store.put(&large(1)).unwrap();
    let (upkeep, view) = store.lock_for_upkeep().unwrap();
    // A copy is being made.
    view.index.table().set_sealed(true);
    thread::scope(|scope| {
        let writer = scope.spawn(|| store.put(&large(2)));
        wait_for(2);
        // It has published its record in the old index, and waits for the new one.
        let published = || match store.get(&key(7)).unwrap() {
            Lookup::Found(entry) => entry.value().whole().unwrap()[0] == 2,
            other => panic!("{other:?}"),
        };
        while !published() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(50));
        assert_eq!(files(), 2, "the file of the old record went too early");
        assert!(!writer.is_finished());
        drop(upkeep);
        writer.join().unwrap().unwrap();
    });
    assert_eq!(files(), 1);
    assert_eq!(view.control.unsettled(), 0);
}

/// Regression: both files went where the new index was waited for in vain.
#[test]
fn a_value_that_cannot_be_replaced_is_there_in_one_form_or_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_log(dir.path(), &options());
    let large = |byte: u8| Draft { payload: vec![byte; 100_000].into(), ..draft(7) };
    store.put(&large(1)).unwrap();
    let (upkeep, view) = store.lock_for_upkeep().unwrap();
    view.index.table().set_sealed(true);
    assert!(store.put(&large(2)).is_err(), "nobody frees the lock");
    drop(upkeep);
    for store in [&store, &open_log(dir.path(), &options())] {
        assert!(matches!(store.get(&key(7)).unwrap(), Lookup::Found(_)));
    }
}
