//! Logs of many segments, and what reductions leave alone.

use std::time::Duration;

use super::*;

fn segment_names(root: &Path) -> Vec<String> {
    let names = fs::read_dir(root.join("log")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// A process may have some 65,000 mappings, and the program needs some, too.
#[test]
fn a_log_of_more_segments_than_may_be_mapped_is_read_all_the_same() {
    const SEGMENTS: u64 = 8_400;
    let dir = tempfile::tempdir().unwrap();
    let store = open_log(dir.path(), &options());
    for number in 0..SEGMENTS {
        store.put(&draft(number)).unwrap();
        store.view.load().control.begin_segment().unwrap();
    }
    drop(store);
    let store = open_log(dir.path(), &options());
    assert!((0..SEGMENTS).all(|number| get(&store, number)));
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let path = dir.path().join("log/");
    let mapped = maps.lines().filter(|line| line.contains(path.to_str().unwrap())).count();
    assert!((8_000..=8_192 + 1).contains(&mapped), "{mapped}");
}

/// To evict a few entries takes no copying of all the others.
#[test]
fn a_reduction_by_one_entry_moves_no_other() {
    let (dir, store) = fresh();
    for number in 0..20_000 {
        store.put(&draft(number)).unwrap();
    }
    let before = segment_names(dir.path());
    assert!(before.len() > 4, "{before:?}");
    let reduced = store.reduce(&Limits::new().items(19_999)).unwrap();
    assert_eq!((reduced.entries, reduced.kept_entries), (1, 19_999));
    assert_eq!(segment_names(dir.path()), before);
    // When much goes, the space is given back.
    store.reduce(&Limits::new().items(100)).unwrap();
    assert_eq!(store.stat().unwrap().entries, 100);
    assert!(on_disk(&dir.path().join("log")) < 5 << 20, "{}", on_disk(&dir.path().join("log")));
}

/// The time of the test below, in milliseconds.
static TIME: AtomicU64 = AtomicU64::new(1_800_000_000_000);

/// The clock was ahead while entries were used, and is right again: they are not pinned, and what is used now is in use.
#[test]
fn entries_that_were_used_in_the_future_go_like_any_others() {
    const YEAR: u64 = 365 * 24 * 3600 * 1000;
    let dir = tempfile::tempdir().unwrap();
    let mut store = open_log(dir.path(), &options());
    store.clock = || TIME.load(Relaxed);
    TIME.fetch_add(YEAR, Relaxed);
    for number in 0..50 {
        store.put(&draft(number)).unwrap();
        assert!(get(&store, number));
    }
    TIME.fetch_sub(YEAR, Relaxed);
    for number in 50..100 {
        store.put(&draft(number)).unwrap();
        assert!(get(&store, number));
    }
    let reduced = store.reduce(&Limits::new().bytes(0)).unwrap();
    assert_eq!((reduced.entries, reduced.kept_entries), (50, 50));
    assert!((50..100).all(|number| get(&store, number)));
    // Nor does the age of one that nobody knows keep it.
    TIME.fetch_add(YEAR, Relaxed);
    store.put(&draft(1)).unwrap();
    TIME.fetch_sub(YEAR, Relaxed);
    let reduced = store.reduce(&Limits::new().age(Duration::from_hours(1))).unwrap();
    assert_eq!(reduced.entries, 1);
}

/// Any word of the index may be garbage, also that which says that it was replaced.
#[test]
fn an_index_that_says_of_itself_that_it_was_replaced_is_made_anew() {
    let (dir, store) = fresh();
    (0..100).for_each(|number| store.put(&draft(number)).unwrap());
    for word in [8, 9] {
        let file = fs::OpenOptions::new().write(true).open(dir.path().join("index")).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[1; 8], word * 8).unwrap();
        assert!(!get(&*store, 1_000_000), "a key that is missing is looked for to an end");
        assert!((0..100).all(|number| get(&*store, number)));
        store.put(&draft(200 + word)).unwrap();
        assert!(get(&*store, 200 + word) && get(&*reopen(dir.path()), 200 + word));
    }
}
