//! Reductions: what goes, what stays, and what becomes of those who read and store meanwhile.

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
    let store = LogStore::open(dir.path(), &options());
    store.put(&draft(1)).unwrap();
    store.clear().unwrap();
    for number in 2..5 {
        move_oldest(&store).unwrap();
        let control = &store.view.load().control;
        assert!(control.first() <= control.tail().segment());
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
    let store = LogStore::open(dir.path(), &options());
    (0..100).for_each(|number| store.put(&draft(number)).unwrap());
    assert!((0..50).all(|number| get(&store, number)));
    store.grow(&store.view.load_full()).unwrap();
    store.sweep().unwrap();
    assert_eq!(store.reduce(&Limits::new().bytes(0)).unwrap().kept_entries, 50);
    assert!((0..50).all(|number| get(&store, number)));
}
