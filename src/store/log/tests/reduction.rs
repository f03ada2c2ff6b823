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
