//! How much memory compressing and decompressing take, seen by another process.

use std::env;
use std::path::Path;

use rememo::{Memory, memo};

use super::{dice, numbers, stored, throws};
use crate::large::footprint::used_by;
use crate::processes::{expect_success, start};
use crate::support::TestCache;

#[memo(compress = 22)]
fn squeezed(length: usize) -> Vec<u64> {
    dice(length)
}

/// What the other process of the test of memory does.
pub fn play(role: &str, cache: &Path) {
    const MIB: usize = 1 << 20;
    /// What storing and reading may take beside the value and its bytes, in KiB: less than one value more.
    const SLACK: u64 = 32 << 10;
    let memory = Memory::open(cache).unwrap();
    // Before the measurement, so that what is made for good is there, and the machine code is known, whose following takes memory.
    memory.call(numbers::delayed(100_000));
    memory.contains(&throws::delayed(0));
    memory.contains(&squeezed::delayed(0));
    let (mut value, hits) = (0, memory.stats().hits);
    let used = used_by(|| {
        value = match role {
            "raw" => memory.call(numbers::delayed(48 * MIB / 8)).len() * 8,
            "serde" => memory.call(throws::delayed(48 * MIB / 16)).len() * 16,
            "strong" => memory.call(squeezed::delayed(3 * MIB / 8)).len() * 8,
            role => panic!("no such role: {role}"),
        };
    });
    let value = value as u64 / 1024;
    let is_stored = env::var("REMEMO_TEST_STORED").is_ok();
    assert_eq!(memory.stats().hits - hits, u64::from(is_stored), "{:?}", memory.stats());
    assert_eq!(memory.stats().troubles, 0);
    let bytes = stored(&memory) / 1024;
    println!("compressed {role}, stored {is_stored}: {used} KiB for a value of {value} KiB in {bytes} KiB");
    assert!(bytes < value * 3 / 5 + 500, "{bytes} KiB for a value of {value} KiB");
    let beside = match role {
        // Decompressed to where it goes.
        "raw" | "strong" if is_stored => 0,
        // Compressed from where it is.
        "raw" | "strong" => bytes,
        _ => value,
    };
    assert!(used <= value + beside + SLACK, "{role}: {used} KiB for a value of {value} KiB in {bytes} KiB");
}

#[test]
fn storing_and_reading_take_at_most_the_value_twice_and_32_mib() {
    for role in ["raw", "serde", "strong"] {
        let cache = TestCache::new();
        let start = || start(&format!("compressed {role}"), &cache.root());
        expect_success(&mut start());
        expect_success(start().env("REMEMO_TEST_STORED", "1"));
    }
}
