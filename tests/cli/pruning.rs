//! What goes, and what is said of it.

use std::thread;
use std::time::Duration;

use rememo::Layout;
use serde_json::json;

use crate::support::{Cache, later, layouts, price};

#[test]
fn a_dry_run_tells_what_would_go_and_removes_nothing() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let ran = cache.rememo(&["prune", "--items", "1", "--function", "label", "--dry-run"]).right();
        let lines = ran.lines();
        assert!(
            lines[0].starts_with("shop::label: 2 entries, ") && lines[0].ends_with(": worth least"),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with("2 entries, ") && lines[1].contains(" would go; 4 entries, "),
            "{lines:?}"
        );
        assert_eq!(cache.memory.stats().entries, 6);
    }
}

#[test]
fn what_is_worth_least_goes_until_the_limits_hold() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let ran = cache.rememo(&["prune", "--bytes", "10kB"]).right();
        assert!(ran.out.contains("shop::table: 1 entry, "), "{}", ran.out);
        let left = cache.memory.stats();
        assert!(left.bytes <= 10_000);
        let object = &cache.rememo(&["prune", "--items", "0", "--json"]).right().objects()[0];
        assert_eq!((&object["entries"], &object["kept_entries"]), (&json!(left.entries), &json!(0)));
        assert_eq!(cache.memory.stats().entries, 0);
    }
}

#[test]
fn what_was_stored_or_used_long_ago_goes() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        for option in ["--age", "--unused"] {
            let ran = cache.rememo(&["prune", option, "1h"]).right();
            assert!(ran.lines()[0].starts_with("0 entries, 0 B removed; 6 entries, "), "{}", ran.out);
        }
        let ran = cache.rememo(&["prune", "--age", "1ms", "--dry-run"]).right();
        assert!(ran.lines()[0].ends_with(": older than 1 ms"), "{}", ran.out);
        thread::sleep(Duration::from_millis(2100));
        let ran = cache.rememo(&["prune", "--unused", "1s"]).right();
        assert!(ran.lines()[0].ends_with(": not used for 1 s"), "{}", ran.out);
        assert_eq!(cache.memory.stats().entries, 0);
    }
}

/// Two branches of a project may take turns: nothing of either goes before nobody used it for a week.
#[test]
fn earlier_code_goes_once_nobody_uses_it() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        thread::sleep(Duration::from_millis(2100));
        cache.memory.call(later::price::delayed(3, 1));
        let ran = cache.rememo(&["prune", "--stale"]).right();
        assert_eq!(ran.lines()[0], "1 state of earlier code stay: used within the last 7 d");
        assert!(ran.lines()[1].starts_with("0 entries, 0 B removed; 7 entries, "), "{}", ran.out);

        let ran = cache.rememo(&["prune", "--stale=1s"]).right();
        assert!(ran.lines()[0].starts_with("shop::price: 2 entries, "), "{}", ran.out);
        assert!(ran.lines()[0].ends_with(": earlier code, not used for 1 s"), "{}", ran.out);
        assert!(cache.memory.contains(&later::price::delayed(3, 1)));
        assert!(!cache.memory.contains(&price::delayed(3, 1)));
        assert_eq!(cache.memory.stats().entries, 5, "functions of one state stay as they are");
    }
}

#[test]
fn pruning_somebody_elses_directory_is_refused_and_a_dry_run_works() {
    let Some(reader) = crate::beside::Reader::of(&Cache::filled(Layout::Auto)) else { return };
    let ran = reader.rememo(&["prune", "--items", "0"]).wrong();
    assert!(ran.err.starts_with("rememo: cannot ") && ran.err.contains("ermission denied"), "{}", ran.err);
    assert!(reader.rememo(&["prune", "--items", "0", "--dry-run"]).right().out.contains("6 entries, "));
}
