//! Entries that are not what was written.

use std::fs;

use rememo::{MissReason, memo};

use crate::support::{TestCache, hit, miss, miss_because};

#[memo]
fn words(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("word {i}")).collect()
}

/// Damages the only entry, and expects it to be seen, computed again, and repaired by that.
#[track_caller]
fn expect_repair(cache: &TestCache, damaged: &[u8]) {
    fs::write(cache.entry_file(), damaged).unwrap();
    let (value, reason) = miss_because(&cache.memory, words::delayed(3));
    assert_eq!(value, words::uncached(3));
    assert!(matches!(reason, MissReason::Damaged(_)), "{reason:?}");
    assert_eq!(hit(&cache.memory, words::delayed(3)), words::uncached(3));
}

#[test]
fn an_entry_truncated_at_any_length_is_computed_again_and_repaired() {
    let cache = TestCache::files();
    miss(&cache.memory, words::delayed(3));
    let length = fs::read(cache.entry_file()).unwrap().len();
    for length in 0..length {
        let sound = fs::read(cache.entry_file()).unwrap();
        expect_repair(&cache, &sound[..length]);
    }
}

#[test]
fn an_entry_garbled_at_any_byte_is_computed_again_and_repaired() {
    let cache = TestCache::files();
    miss(&cache.memory, words::delayed(3));
    let length = fs::read(cache.entry_file()).unwrap().len();
    for at in 0..length {
        let mut garbled = fs::read(cache.entry_file()).unwrap();
        garbled[at] ^= 0x5a;
        expect_repair(&cache, &garbled);
    }
}

#[test]
fn an_entry_in_the_place_of_another_is_computed_again() {
    let cache = TestCache::files();
    miss(&cache.memory, words::delayed(4));
    let other = fs::read(cache.entry_file()).unwrap();
    cache.memory.clear().unwrap();
    miss(&cache.memory, words::delayed(3));
    expect_repair(&cache, &other);
}

#[test]
fn a_directory_in_the_place_of_an_entry_costs_no_result() {
    let cache = TestCache::files();
    miss(&cache.memory, words::delayed(3));
    let file = cache.entry_file();
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    for _ in 0..2 {
        let (value, reason) = miss_because(&cache.memory, words::delayed(3));
        assert_eq!(value, words::uncached(3));
        assert!(matches!(reason, MissReason::Unavailable(_)), "{reason:?}");
    }
    cache.expect_tidy();
}
