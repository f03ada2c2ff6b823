//! Trouble with the cache costs time, never a result, and leaves nothing broken behind.
//!
//! The tests of full and read-only disks need small file systems of their own, and are skipped where none can be mounted.

use std::fs;
use std::path::{Path, PathBuf};

use rememo::{Layout, Memory, MissReason, Parallel, Shelved, memo};
use serde::{Deserialize, Serialize, Serializer};

use crate::engines::Disk;
use crate::processes::{expect_success, start};
use crate::support::{TestCache, files_below, hit, miss, miss_because};

#[memo]
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    (0..length).map(|i| (seed as usize * 31 + i) as u8).collect()
}

#[test]
fn a_vanished_directory_costs_no_result_and_is_made_again() {
    let cache = TestCache::new();
    miss(&cache.memory, bytes::delayed(1, 10));
    fs::remove_dir_all(cache.root()).unwrap();
    // Whether its files are still there is looked at every few milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(50));
    miss(&cache.memory, bytes::delayed(1, 10));
    hit(&cache.memory, bytes::delayed(1, 10));
    assert_eq!(cache.memory.stats().troubles, 0);
}

#[test]
fn a_file_in_place_of_a_vanished_directory_costs_no_result() {
    let cache = TestCache::new();
    fs::remove_dir_all(cache.root()).unwrap();
    fs::write(cache.root(), "in the way").unwrap();
    for _ in 0..2 {
        assert_eq!(miss_because(&cache.memory, bytes::delayed(1, 10)).0, bytes::uncached(1, 10));
    }
    assert!(cache.memory.stats().troubles > 0);
    let error = cache.memory.try_call(bytes::delayed(1, 10)).unwrap_err();
    assert!(error.path().unwrap().starts_with(cache.root()) && error.io_error().is_some(), "{error}");
}

#[derive(Debug, PartialEq, Deserialize)]
struct Unstorable(u64);

impl Serialize for Unstorable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

#[memo]
fn unstorable(x: u64) -> Unstorable {
    Unstorable(x)
}

#[memo]
fn of_unstorable(x: &Unstorable) -> u64 {
    x.0
}

#[test]
fn a_value_that_cannot_be_serialized_is_returned() {
    let cache = TestCache::new();
    for _ in 0..2 {
        assert_eq!(miss(&cache.memory, unstorable::delayed(7)), Unstorable(7));
    }
    assert_eq!(cache.memory.stats().troubles, 2);
    assert_eq!(cache.memory.stats().entries, 0);
    cache.expect_tidy();
    let error = cache.memory.insert(&unstorable::delayed(7), &Unstorable(7)).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("not today"));
}

#[derive(Debug, PartialEq, Deserialize)]
struct Explosive(u64);

impl Serialize for Explosive {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("not today")
    }
}

#[memo]
fn explosive(x: u64) -> Explosive {
    Explosive(x)
}

#[test]
fn a_value_whose_serialize_panics_is_returned() {
    let cache = TestCache::new();
    for _ in 0..2 {
        assert_eq!(miss(&cache.memory, explosive::delayed(7)), Explosive(7));
    }
    assert_eq!((cache.memory.stats().troubles, cache.memory.stats().entries), (2, 0));
    let values =
        Parallel::new().memory(&cache.memory).run((0..9).map(|x| explosive::delayed(x / 3))).unwrap();
    assert_eq!(values, (0..9).map(|x| Explosive(x / 3)).collect::<Vec<_>>());
    cache.expect_tidy();
}

#[test]
fn arguments_that_cannot_be_serialized_are_computed_with() {
    let cache = TestCache::new();
    let argument = Unstorable(7);
    for _ in 0..2 {
        let (value, reason) = miss_because(&cache.memory, of_unstorable::delayed(&argument));
        assert!(
            value == 7 && matches!(&reason, MissReason::Unkeyed(how) if how.contains("`x`")),
            "{reason:?}"
        );
    }
    let error = cache.memory.try_call(of_unstorable::delayed(&argument)).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("argument `x`"), "{error:?}");
}

/// Can be written, and is read back as another value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct HalfRead {
    #[serde(skip_deserializing)]
    lost: u64,
}

#[memo]
fn half_read(lost: u64) -> HalfRead {
    HalfRead { lost }
}

#[test]
fn a_value_that_cannot_be_read_back_is_computed_again() {
    let cache = TestCache::new();
    for _ in 0..2 {
        assert_eq!(miss(&cache.memory, half_read::delayed(7)), half_read::uncached(7));
    }
    let stats = cache.memory.stats();
    assert_eq!((stats.troubles, stats.stored), (2, 0));
    assert!(
        cache.memory.shelve(half_read::delayed(7)).is_err(),
        "a token that could not be read is no token"
    );
}

#[test]
fn what_a_killed_writer_left_is_swept_and_what_is_being_written_is_not() {
    let cache = TestCache::new();
    let left = cache.root().join("tmp/left");
    let under_way = cache.root().join("tmp/right");
    for file in [&left, &under_way] {
        fs::write(file, "half an entry").unwrap();
    }
    // As a writer has it, who is alive.
    let writer = fs::File::open(&under_way).unwrap();
    writer.lock().unwrap();
    cache.reopen();
    assert!(!left.exists() && under_way.exists());
    drop(writer);
    cache.reopen();
    assert!(!under_way.exists());
}

/// Fills a file system to the last byte; the file to remove again.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    for chunk in [64 * 1024, 4096, 512, 1] {
        while std::io::Write::write_all(&mut file, &vec![0; chunk]).is_ok() {}
    }
    filler
}

#[test]
fn a_full_disk_costs_no_result_and_the_store_is_sound_after_space_is_back() {
    let Some(disk) = Disk::mount("tmpfs", "2m") else { return };
    for layout in [Layout::Files, Layout::Auto] {
        expect_no_harm_of_a_full_disk(&disk.path(), layout);
    }
}

fn expect_no_harm_of_a_full_disk(disk: &Path, layout: Layout) {
    let root = disk.join("cache");
    let memory = Memory::builder().dir(&root).layout(layout).open().unwrap();
    miss(&memory, bytes::delayed(1, 1000));
    let filler = fill(disk);
    // What is smaller may find room in the last page of the log.
    for length in [5000, 60_000, 100_000, 300_000] {
        for _ in 0..2 {
            assert_eq!(miss(&memory, bytes::delayed(2, length)), bytes::uncached(2, length));
        }
    }
    assert!(memory.stats().troubles >= 8);
    assert_eq!(hit(&memory, bytes::delayed(1, 1000)), bytes::uncached(1, 1000));
    assert!(memory.try_call(bytes::delayed(3, 10)).is_err(), "nothing is computed that could not be kept");
    let shelved: Shelved<Vec<u8>> = memory.shelve(bytes::delayed(2, 5000)).unwrap();
    assert_eq!(shelved.get().unwrap(), bytes::uncached(2, 5000));

    fs::remove_file(filler).unwrap();
    miss(&memory, bytes::delayed(2, 5000));
    hit(&memory, bytes::delayed(2, 5000));
    let verified = memory.verify().unwrap();
    assert_eq!((verified.sound, verified.damaged.len()), (2, 0));
    assert_eq!(files_below(&root.join("tmp")), Vec::<PathBuf>::new());
    assert_eq!(files_below(&root.join("leases")), Vec::<PathBuf>::new());
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_disk_without_inodes_costs_no_result() {
    let Some(disk) = Disk::mount("inodes", "48") else { return };
    let root = disk.path().join("cache");
    let memory = Memory::builder().dir(&root).layout(Layout::Files).open().unwrap();
    for seed in 0..100 {
        assert_eq!(memory.call(bytes::delayed(seed, 10)), bytes::uncached(seed, 10));
    }
    let stats = memory.stats();
    assert!(stats.troubles > 0 && stats.entries < 100, "{stats:?}");
    for seed in 0..100 {
        assert_eq!(memory.call(bytes::delayed(seed, 10)), bytes::uncached(seed, 10));
    }
    assert!(memory.stats().hits >= stats.entries);
}

#[test]
fn a_read_only_directory_serves_hits_and_costs_no_result() {
    let Some(disk) = Disk::mount("tmpfs", "2m") else { return };
    let root = disk.path().join("cache");
    // By another process: a file system with files that are open for writing cannot become read-only.
    expect_success(&mut start("one value", &root));
    disk.is_now("ro");
    let memory = Memory::open(&root).unwrap();
    hit(&memory, bytes::delayed(1, 100));
    for _ in 0..2 {
        assert_eq!(miss(&memory, bytes::delayed(2, 100)), bytes::uncached(2, 100));
    }
    assert!(memory.stats().troubles > 0);
    let error = Memory::open(disk.path().join("another")).unwrap_err();
    assert!(error.path().unwrap().starts_with(disk.path()) && error.io_error().is_some(), "{error}");
}

/// What the other process of the test of a read-only directory does.
pub fn store_one(cache: &Path) {
    miss(&Memory::open(cache).unwrap(), bytes::delayed(1, 100));
}
