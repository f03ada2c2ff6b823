//! Files that go while they are used.

use std::time::Duration;

use super::*;

#[test]
fn a_store_whose_directory_was_removed_goes_on_in_a_new_one() {
    let (dir, store) = fresh();
    store.put(&draft(1)).unwrap();
    fs::remove_dir_all(dir.path()).unwrap();
    thread::sleep(Duration::from_millis(3 * TICK));
    assert!(!get(&*store, 1));
    store.put(&draft(2)).unwrap();
    assert!(get(&*store, 2) && !get(&*store, 1));
}

/// Opening needs the lock of the upkeep, and the upkeep the current index: neither may wait for the other. (They did.)
#[test]
fn files_that_vanish_again_and_again_under_threads_that_store_and_sweep_stop_nobody() {
    let (dir, store) = fresh();
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for first in [0, 1_000_000] {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                let mut number = first;
                while !done.load(Relaxed) {
                    // The files may go at any moment, so a store may fail, and what was stored may be missed.
                    let _ = store.put(&draft(number));
                    right_or_missed(&**store, number);
                    number += 1;
                    if number % 50 == 0 {
                        let _ = store.sweep();
                    }
                    if number % 70 == 0 {
                        let _ = store.clear_functions(&[draft(number).function]);
                    }
                }
            });
        }
        for round in 0..60 {
            thread::sleep(Duration::from_millis(5));
            let victim = if round % 3 == 0 { "log/control" } else { "index" };
            let _ = fs::remove_file(dir.path().join(victim));
        }
        done.store(true, Relaxed);
    });
    thread::sleep(Duration::from_millis(3 * TICK));
    for number in 5_000_000..5_000_500 {
        store.put(&draft(number)).unwrap();
        assert!(get(&*store, number), "{number}");
    }
}
