//! How much memory large values take on their way.

use std::env;
use std::fs;
use std::path::Path;

use rememo::{Memory, memo};
use serde::{Deserialize, Serialize};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, hit, miss};

#[memo]
fn plain(length: usize) -> Vec<u64> {
    (0..length as u64).collect()
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Sample {
    time: u64,
    height: f64,
}

#[memo]
fn samples(length: usize) -> Vec<Sample> {
    (0..length as u64).map(|time| Sample { time, height: 0.5 }).collect()
}

/// What the other process of the test of memory does.
pub fn play(role: &str, cache: &Path) {
    const BYTES: usize = 48 << 20;
    /// What storing and reading may take beside the value and as much again, in KiB.
    const SLACK: u64 = 32 << 10;
    let memory = Memory::open(cache).unwrap();
    // Before the measurement: where the machine code is not known yet, to follow it takes memory.
    memory.contains(&plain::delayed(0));
    memory.contains(&samples::delayed(0));
    let used = used_by(|| match role {
        "raw" => drop(memory.call(plain::delayed(BYTES / 8))),
        "serde" => drop(memory.call(samples::delayed(BYTES / 16))),
        role => panic!("no such role: {role}"),
    });
    let stored = env::var("REMEMO_TEST_STORED").is_ok();
    assert_eq!(memory.stats().hits, u64::from(stored), "{:?}", memory.stats());
    assert_eq!(memory.stats().troubles, 0);
    let value = BYTES as u64 / 1024;
    println!("{role}, stored {stored}: {used} KiB for a value of {value} KiB");
    assert!(used <= 2 * value + SLACK, "{role}: {used} KiB for a value of {value} KiB");
    if role == "raw" {
        assert!(used <= value + SLACK, "{role}: {used} KiB for a value of {value} KiB, which needs no copy");
    }
}

/// How much memory this process had at most while it ran `work`, beside what it had before, in KiB.
#[cfg(target_os = "linux")]
pub fn used_by(work: impl FnOnce()) -> u64 {
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    // The most is from now on what there is now.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    work();
    peak() - before
}

#[cfg(not(target_os = "linux"))]
pub fn used_by(work: impl FnOnce()) -> u64 {
    work();
    0
}

#[test]
fn storing_and_reading_take_at_most_the_value_twice_and_32_mib() {
    for role in ["raw", "serde"] {
        let cache = TestCache::new();
        let start = || start(&format!("large {role}"), &cache.root());
        expect_success(&mut start());
        expect_success(start().env("REMEMO_TEST_STORED", "1"));
    }
}

/// More elements and bytes than 32 bits count.
#[test]
#[ignore = "takes 5 GB of memory and of disk"]
fn an_array_of_more_than_4_gib_comes_back() {
    #[memo]
    fn huge(length: usize) -> rememo::Array<u8> {
        let mut bytes = vec![0; length];
        bytes[length - 1] = 7;
        bytes.into()
    }
    let cache = TestCache::new();
    const LENGTH: usize = (4 << 30) + 5;
    miss(&cache.memory, huge::delayed(LENGTH));
    let huge = hit(&cache.memory, huge::delayed(LENGTH));
    assert_eq!((huge.shape(), huge[LENGTH - 1], huge.is_mapped()), (&[LENGTH][..], 7, true));
}
