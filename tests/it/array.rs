//! Arrays: mapped on a hit, whatever becomes of the entry.

#![cfg(target_os = "linux")]

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use rememo::{Array, Layout, Limits, Memory, MissReason, Parallel, memo};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::large::damage::regions;
use crate::large::{blob, each_layout};
use crate::processes::{expect_success, start};
use crate::support::{hit, miss, miss_because};

const ROWS: usize = 520;
const COLUMNS: usize = 500;
/// The bytes of a table.
const BYTES: u64 = (ROWS * COLUMNS * 8) as u64;

#[memo]
pub fn table(rows: usize, columns: usize) -> Array<f64> {
    let numbers = (0..rows * columns).map(|i| i as f64).collect();
    Array::new([rows, columns], numbers).unwrap()
}

fn of_layout(layout: Layout) -> (TempDir, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::builder().dir(dir.path().join("cache")).layout(layout).open().unwrap();
    (dir, memory)
}

/// What `read` returns, and how many bytes this thread read by system calls for it.
fn counting<T>(read: impl FnOnce() -> T) -> (T, u64) {
    let count = || {
        let io = fs::read_to_string("/proc/thread-self/io").unwrap();
        io.lines().next().unwrap().strip_prefix("rchar: ").unwrap().parse::<u64>().unwrap()
    };
    let before = count();
    let value = read();
    (value, count() - before)
}

/// A hit that maps and reads next to nothing.
#[track_caller]
fn mapped_hit(memory: &Memory) -> Array<f64> {
    let (array, read) = counting(|| hit(memory, table::delayed(ROWS, COLUMNS)));
    assert!(array.is_mapped() && read < 20_000, "{read} bytes read");
    array
}

/// A hit that maps, after it has verified everything.
#[track_caller]
fn verified_hit(memory: &Memory) -> Array<f64> {
    let (array, read) = counting(|| hit(memory, table::delayed(ROWS, COLUMNS)));
    assert!(array.is_mapped() && read >= BYTES, "{read} bytes read");
    array
}

/// A hit for which the file is not read.
#[track_caller]
fn trusted_hit(memory: &Memory) -> Array<f64> {
    let (array, read) = counting(|| hit(memory, table::delayed(ROWS, COLUMNS)));
    assert!(array.is_mapped() && read < BYTES, "{read} bytes read");
    array
}

#[test]
fn a_hit_on_an_array_maps_it_and_reads_nothing() {
    let (dir, memory) = of_layout(Layout::Log);
    let computed = miss(&memory, table::delayed(ROWS, COLUMNS));
    assert!(!computed.is_mapped());
    let later = Memory::open(dir.path().join("cache")).unwrap();
    for memory in [&memory, &later] {
        for _ in 0..3 {
            let array = mapped_hit(memory);
            assert_eq!(array, computed);
            assert_eq!(array.as_ptr().addr() % 64, 0);
        }
    }
}

#[memo]
fn of_shape(shape: Vec<usize>) -> Array<u16> {
    let count = shape.iter().product();
    Array::new(shape, (0..count).map(|i| i as u16).collect()).unwrap()
}

#[test]
fn arrays_of_every_shape_come_back() {
    for (_dir, memory) in each_layout() {
        for shape in [vec![], vec![0], vec![0, 5], vec![3, 0, 2], vec![1; 9], vec![4, 3], vec![200, 300, 2]] {
            let computed = miss(&memory, of_shape::delayed(shape.clone()));
            let array = hit(&memory, of_shape::delayed(shape.clone()));
            assert_eq!(array, computed);
            assert_eq!(array.shape(), shape);
            assert_eq!(array.is_mapped(), array.len() > 100_000, "small ones are in the log");
        }
    }
}

#[memo]
fn truths(length: usize) -> Array<bool> {
    (0..length).map(|i| i % 3 == 0).collect()
}

#[memo]
fn letters(length: usize) -> Array<char> {
    (0..length).map(|i| if i % 2 == 0 { 'é' } else { '☃' }).collect()
}

/// Not any bytes are a `bool`, and nobody looks at those of a trusted file.
#[test]
fn arrays_of_truths_and_letters_are_read() {
    for (_dir, memory) in each_layout() {
        assert_eq!(miss(&memory, truths::delayed(100_000)), truths::uncached(100_000));
        let array = hit(&memory, truths::delayed(100_000));
        assert!(!array.is_mapped() && array == truths::uncached(100_000));
        assert_eq!(miss(&memory, letters::delayed(100_000)), letters::uncached(100_000));
        let array = hit(&memory, letters::delayed(100_000));
        assert!(!array.is_mapped() && array == letters::uncached(100_000));
    }
}

/// In the files layout nothing tells another process that a file was verified.
#[test]
fn in_the_files_layout_an_array_is_verified_once_by_each_process() {
    let (dir, memory) = of_layout(Layout::Files);
    let computed = miss(&memory, table::delayed(ROWS, COLUMNS));
    assert_eq!(trusted_hit(&memory), computed);
    // A file that was changed a moment ago is not believed: another change could leave it with the same times.
    std::thread::sleep(std::time::Duration::from_millis(100));
    let other = Memory::open(dir.path().join("cache")).unwrap();
    assert_eq!(verified_hit(&other), computed);
    assert_eq!(trusted_hit(&other), computed);
}

/// As after the machine was started anew, or somebody has copied the cache.
#[test]
fn an_array_whose_file_was_touched_is_verified_once() {
    let (dir, memory) = of_layout(Layout::Log);
    let computed = miss(&memory, table::delayed(ROWS, COLUMNS));
    for copied in [false, true] {
        let path = blob(&memory);
        if copied {
            let copy = dir.path().join("copy");
            fs::copy(&path, &copy).unwrap();
            fs::rename(copy, &path).unwrap();
        } else {
            let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
            File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
        }
        // What was changed a moment ago is verified, but not trusted later: another change may not show.
        std::thread::sleep(std::time::Duration::from_millis(120));
        assert_eq!(verified_hit(&memory), computed);
        assert_eq!(mapped_hit(&memory), computed);
        let stats = memory.stats();
        assert_eq!((stats.entries, stats.troubles), (1, 0));
    }
    memory.verify().unwrap(); // rebuilds the index: the renewed record counts
    assert_eq!(mapped_hit(&memory), computed);
    assert_eq!(memory.stats().entries, 1);
    memory.remove(&table::delayed(ROWS, COLUMNS)).unwrap();
    assert!(!memory.contains(&table::delayed(ROWS, COLUMNS)));
    assert_eq!(memory.stats().entries, 0);
}

#[test]
fn an_array_that_changes_while_it_is_verified_or_right_before_is_verified_again() {
    let (_dir, memory) = of_layout(Layout::Log);
    miss(&memory, table::delayed(ROWS, COLUMNS));
    for _ in 0..3 {
        let file = File::options().write(true).open(blob(&memory)).unwrap();
        file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH)).unwrap();
        verified_hit(&memory);
        verified_hit(&memory);
    }
}

/// Changed within the same tick of the clock in which it was stored, too.
#[test]
fn an_array_changed_in_place_is_a_miss_and_repaired() {
    for (_dir, memory) in each_layout() {
        miss(&memory, table::delayed(ROWS, COLUMNS));
        let length = fs::metadata(blob(&memory)).unwrap().len();
        for at in regions(usize::try_from(length).unwrap()) {
            let file = File::options().read(true).write(true).open(blob(&memory)).unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, at as u64).unwrap();
            file.write_all_at(&[byte[0] ^ 0x10], at as u64).unwrap();
            let (array, reason) = miss_because(&memory, table::delayed(ROWS, COLUMNS));
            assert!(matches!(reason, MissReason::Damaged(_)), "{at}: {reason:?}");
            assert_eq!(array, table::uncached(ROWS, COLUMNS));
        }
        assert_eq!(hit(&memory, table::delayed(ROWS, COLUMNS)), table::uncached(ROWS, COLUMNS));
    }
}

#[test]
fn an_array_cut_off_or_grown_is_a_miss_and_repaired() {
    for (_dir, memory) in each_layout() {
        miss(&memory, table::delayed(ROWS, COLUMNS));
        let whole = fs::metadata(blob(&memory)).unwrap().len();
        for length in [0, 1, 100, 4096, whole / 2, whole - 1, whole + 1, 2 * whole] {
            File::options().write(true).open(blob(&memory)).unwrap().set_len(length).unwrap();
            let (array, reason) = miss_because(&memory, table::delayed(ROWS, COLUMNS));
            assert!(matches!(reason, MissReason::Damaged(_)), "{length}: {reason:?}");
            assert_eq!(array, table::uncached(ROWS, COLUMNS));
            assert!(hit(&memory, table::delayed(ROWS, COLUMNS)).is_mapped());
        }
    }
}

/// What the other process of the next test does.
pub fn play(role: &str, cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    match role {
        "clear" => memory.clear().unwrap(),
        "clear function" => memory.clear_function(table::info()).unwrap(),
        "remove" => assert!(memory.remove(&table::delayed(ROWS, COLUMNS)).unwrap()),
        "reduce" => {
            // What was used in the last minute stays, so put it there anew.
            memory.insert(&table::delayed(ROWS, COLUMNS), &table::uncached(ROWS, COLUMNS)).unwrap();
            assert_eq!(memory.reduce(Limits::new().items(0)).unwrap().kept_entries, 0);
        }
        "recompute" => drop(memory.recompute(table::delayed(ROWS, COLUMNS))),
        "remove directory" => fs::remove_dir_all(cache).unwrap(),
        role => panic!("no such role: {role}"),
    }
}

#[test]
fn a_mapped_array_outlives_its_entry() {
    for role in ["clear", "clear function", "remove", "reduce", "recompute", "remove directory"] {
        for (dir, memory) in each_layout() {
            let computed = miss(&memory, table::delayed(ROWS, COLUMNS));
            let array = hit(&memory, table::delayed(ROWS, COLUMNS));
            let clone = array.clone();
            assert!(array.is_mapped());
            expect_success(&mut start(&format!("array {role}"), &dir.path().join("cache")));
            assert_eq!(array, computed, "{role}");
            drop((array, memory));
            drop(dir);
            assert_eq!(clone, computed, "{role}");
        }
    }
}

#[test]
fn batches_give_mapped_arrays_to_hits_and_to_duplicates() {
    let (_dir, memory) = of_layout(Layout::Log);
    let batch = || {
        let calls = (0..10).map(|i| table::delayed(ROWS + i % 3, COLUMNS));
        Parallel::new().jobs(2).memory(&memory).run(calls).unwrap()
    };
    for (i, array) in batch().iter().enumerate() {
        assert_eq!(*array, table::uncached(ROWS + i % 3, COLUMNS));
    }
    assert!(batch().iter().all(Array::is_mapped));
    assert_eq!(memory.stats().misses, 3);
}

type Parts = (Array<u8>, Vec<u32>, Array<i16>);

#[memo]
fn two(length: usize) -> Result<Parts, String> {
    let numbers = if length == 0 { return Err("nothing".into()) } else { vec![2; length] };
    Ok((vec![1; length].into(), numbers, vec![3; length].into()))
}

#[test]
fn arrays_in_a_tuple_are_mapped() {
    let (_dir, memory) = of_layout(Layout::Log);
    miss(&memory, two::delayed(100_001)).unwrap();
    let ((bytes, numbers, more), read) = counting(|| hit(&memory, two::delayed(100_001)).unwrap());
    assert!(bytes.is_mapped() && more.is_mapped());
    assert!((400_000..600_000).contains(&read), "only the vector is read: {read}");
    assert!(bytes.iter().all(|&byte| byte == 1) && more.iter().all(|&number| number == 3));
    assert_eq!(numbers, vec![2; 100_001]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Spectrum {
    name: String,
    power: Array<f32>,
}

#[memo]
fn spectrum(length: usize) -> Spectrum {
    Spectrum { name: "x".into(), power: vec![0.5; length].into() }
}

#[test]
fn an_array_in_a_struct_comes_back_through_serde() {
    for (_dir, memory) in each_layout() {
        for length in [3, 30_000] {
            miss(&memory, spectrum::delayed(length));
            let back = hit(&memory, spectrum::delayed(length));
            assert!(!back.power.is_mapped() && back == spectrum::uncached(length));
        }
    }
}

#[memo]
fn sum(table: &Array<f64>) -> f64 {
    table.iter().sum()
}

#[test]
fn an_array_is_an_argument_whatever_its_place() {
    let (_dir, memory) = of_layout(Layout::Log);
    let computed = miss(&memory, table::delayed(ROWS, COLUMNS));
    miss(&memory, sum::delayed(&computed));
    let mapped = mapped_hit(&memory);
    hit(&memory, sum::delayed(&mapped));
    miss(&memory, sum::delayed(&mapped.reshape([COLUMNS, ROWS]).unwrap()));
}

/// How often this thread met a page that was not mapped yet.
fn faults() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse().unwrap()
}

#[test]
fn an_array_that_was_read_back_is_in_a_key_without_a_look_at_its_data() {
    let (_dir, memory) = of_layout(Layout::Log);
    let computed = miss(&memory, table::delayed(ROWS, COLUMNS));
    miss(&memory, sum::delayed(&computed));
    let mapped = mapped_hit(&memory);
    let before = faults();
    hit(&memory, sum::delayed(&mapped));
    assert!(faults() - before < 20, "{} pages were looked at", faults() - before);
    assert!(mapped == computed && faults() - before >= 20, "looking at all of it is seen");
    hit(&memory, sum::delayed(&Array::new([ROWS, COLUMNS], computed.to_vec()).unwrap()));
}

#[test]
fn a_shelved_array_is_mapped_where_its_function_is_known() {
    let (_dir, memory) = of_layout(Layout::Log);
    let shelved = memory.shelve(table::delayed(ROWS, COLUMNS)).unwrap();
    assert!(shelved.get().unwrap().is_mapped());
    let token = serde_json::to_string(&shelved).unwrap();
    let elsewhere: rememo::Shelved<Array<f64>> = serde_json::from_str(&token).unwrap();
    assert_eq!(elsewhere.get().unwrap(), table::uncached(ROWS, COLUMNS));
}

/// A file system that is not known to be a local one.
#[test]
fn where_mapping_is_off_arrays_are_read() {
    let Some(disk) = crate::engines::Disk::mount("ramfs", "") else { return };
    let memory = Memory::open(disk.path().join("cache")).unwrap();
    miss(&memory, table::delayed(ROWS, COLUMNS));
    let array = hit(&memory, table::delayed(ROWS, COLUMNS));
    assert!(!array.is_mapped() && array == table::uncached(ROWS, COLUMNS));
}

#[cfg(feature = "ndarray")]
#[test]
fn a_mapped_array_is_seen_as_an_ndarray_without_a_copy() {
    let (_dir, memory) = of_layout(Layout::Log);
    let computed = miss(&memory, table::delayed(ROWS, COLUMNS));
    let array = mapped_hit(&memory);
    let view = array.view();
    assert_eq!((view.shape(), view.as_ptr()), (array.shape(), array.as_ptr()));
    assert_eq!(view[[3, 4]].to_bits(), array[3 * COLUMNS + 4].to_bits());
    let owned = ndarray::ArrayD::from(computed.clone());
    assert_eq!(Array::from(owned.clone()), computed);
    assert_eq!(Array::from(owned.reversed_axes()).shape(), [COLUMNS, ROWS]);
    let part = ndarray::Array::from_iter(0..10).slice_move(ndarray::s![3..7]);
    assert_eq!(Array::from(part), Array::from(vec![3, 4, 5, 6]));
    let place = ndarray::Array2::<f64>::zeros((100, 200));
    let pointer = place.as_ptr();
    assert_eq!(Array::from(place).as_ptr(), pointer, "not copied");
}

/// `[f64; 3]` is `bytemuck::Pod`.
#[cfg(feature = "bytemuck")]
#[test]
fn vectors_of_types_that_are_plain_old_data_are_raw() {
    #[memo]
    fn points(length: usize) -> Result<Vec<[f64; 3]>, String> {
        let points = (0..length).map(|i| [i as f64, 0.0, -1.0]).collect();
        if length == 1 { Err("no line".into()) } else { Ok(points) }
    }
    for (_dir, memory) in each_layout() {
        for length in [0, 3, 100_000] {
            let computed = miss(&memory, points::delayed(length)).unwrap();
            assert_eq!(hit(&memory, points::delayed(length)).unwrap(), computed);
        }
        let bytes = memory.entries().unwrap().iter().map(rememo::EntryInfo::bytes).max().unwrap();
        assert!((2_400_064..2_400_500).contains(&bytes), "{bytes}");
    }
}
