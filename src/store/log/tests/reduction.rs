//! Reductions: what goes, what stays, and what becomes of those who read and store meanwhile.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use super::*;

#[test]
fn what_was_used_just_now_stays_whatever_the_limits() {
    let (_dir, store) = fresh();
    (0..100).for_each(|number| store.put(&draft(number)).unwrap());
    assert!(get(&*store, 5));
    let reduced = store.reduce(&Limits::new().bytes(0)).unwrap();
    assert_eq!((reduced.entries, reduced.kept_entries), (99, 1));
    assert!((0..100).all(|number| get(&*store, number) == (number == 5)));
}

/// The tail of a cleared log stands where its first segment begins. (Reductions went beyond it, and whoever stored wrote where
/// nobody would look.)
#[test]
fn an_empty_log_is_reduced_to_an_empty_log() {
    let (dir, _) = fresh();
    let store = open_log(dir.path(), &options());
    store.put(&draft(1)).unwrap();
    store.clear().unwrap();
    for number in 2..5 {
        move_oldest(&store).unwrap();
        let control = &store.view.load().control;
        assert!(control.first() <= control.tail().unwrap().segment());
        store.put(&draft(number)).unwrap();
        store.clear().unwrap();
    }
    move_oldest(&store).unwrap();
    store.put(&draft(5)).unwrap();
    assert!(get(&store, 5) && get(&*reopen(dir.path()), 5));
}

#[test]
fn uses_are_not_forgotten_when_the_index_is_copied_or_made_anew() {
    let (dir, _) = fresh();
    let store = open_log(dir.path(), &options());
    (0..100).for_each(|number| store.put(&draft(number)).unwrap());
    assert!((0..50).all(|number| get(&store, number)));
    store.grow(&store.view.load_full()).unwrap();
    store.sweep().unwrap();
    assert_eq!(store.reduce(&Limits::new().bytes(0)).unwrap().kept_entries, 50);
    assert!((0..50).all(|number| get(&store, number)));
}

#[test]
fn after_a_rebuild_entries_are_as_old_as_they_were_stored() {
    let (dir, store) = fresh();
    let created = SystemTime::now();
    (0..100).for_each(|number| store.put(&Draft { created, ..draft(number) }).unwrap());
    store.put(&draft(100)).unwrap();
    drop(store);
    fs::remove_file(dir.path().join("index")).unwrap();
    let store = reopen(dir.path());
    let reduced = store.reduce(&Limits::new().age(Duration::from_hours(1))).unwrap();
    assert_eq!((reduced.entries, reduced.kept_entries), (1, 100));
    assert!(!get(&*store, 100), "it was drafted years ago");
}

/// Everything that was there goes, again and again, under readers who have the files mapped, or open them at that moment: what
/// they read is right, and nothing that nobody removed is missed.
#[test]
fn values_read_while_segments_and_blobs_are_reduced_away_are_right() {
    // These stay: they are in use. The others come and go.
    const STAYING: std::ops::Range<u64> = 0..500;
    const COMING: std::ops::Range<u64> = 1000..2500;
    let drafted = |number: u64| {
        let payload =
            if number % 50 == 7 { vec![3; 70_000 + number.to_le_bytes()[0] as usize] } else { vec![5; 1500] };
        Draft { payload: payload.into(), ..draft(number) }
    };
    let right = |store: &dyn Store, number: u64| match store.get(&key(number)).unwrap() {
        Lookup::Found(entry) => {
            assert_eq!(*entry.value().whole().unwrap(), drafted(number).payload.to_vec(), "{number}");
            true
        }
        Lookup::Absent => false,
        Lookup::Damaged(how) => panic!("{number}: {how}"),
    };
    let (dir, store) = fresh();
    for number in STAYING {
        store.put(&drafted(number)).unwrap();
        assert!(right(&*store, number));
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers = [Arc::clone(&store), reopen(dir.path())];
        let readers = readers.map(|store| {
            let done = &done;
            scope.spawn(move || {
                let mut found = 0;
                while !done.load(Relaxed) {
                    assert!(STAYING.into_iter().all(|number| right(&*store, number)));
                    found += COMING.filter(|&number| number % 3 == 0 && right(&*store, number)).count();
                }
                found
            })
        });
        for _ in 0..8 {
            for number in COMING.filter(|number| number % 3 != 0) {
                store.put(&drafted(number)).unwrap();
            }
            store.reduce(&Limits::new().bytes(0)).unwrap();
        }
        done.store(true, Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}
