//! Large arguments of calls in worker processes: one file in memory for all calls that share one, and nothing left behind.
//!
//! What is counted are the files of a whole process, so each test has a process to itself.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use rememo::{Array, Executor, Memory, Parallel, TaskErrorKind, memo};

use super::{expect_gone, expect_soon, lines, note, workers};
use crate::processes::{expect_success, start};
use crate::support::TestCache;

/// Bytes of an argument.
const BYTES: u64 = 20 << 20;

/// Bytes that it may take more: its shape.
const MARGIN: u64 = 4096;

/// A file that a process lends: its inode, and its bytes.
type Lent = BTreeSet<(u64, u64)>;

/// What a process lends now.
fn lent_by(process: u32) -> Lent {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let paths = descriptors.map(|descriptor| descriptor.unwrap().path());
    let is_lent = |path: &PathBuf| {
        fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("/memfd:rememo-argument"))
    };
    let metadata = paths.filter(is_lent).filter_map(|path| fs::metadata(path).ok());
    metadata.map(|metadata| (metadata.ino(), metadata.len())).collect()
}

/// Bytes that this process has written, to files and sockets.
fn written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

#[memo(ignore(parent))]
fn slice(data: &[f64], by: u64, parent: u32) -> (f64, Lent) {
    (data[data.len() - 1] + by as f64, lent_by(parent))
}

/// Whether the data lies in the file that was lent.
#[memo]
fn is_mapped(data: &[f64], by: u64) -> bool {
    let address = data.as_ptr() as u64 + by;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| {
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        (number(start)..number(end)).contains(&address) && line.contains("memfd:rememo-argument")
    })
}

#[memo(ignore(parent))]
fn vector(data: Vec<f64>, by: u64, parent: u32) -> (f64, Lent) {
    (data[data.len() - 1] + by as f64, lent_by(parent))
}

#[memo(ignore(parent))]
fn array(data: &Array<f64>, by: u64, parent: u32) -> (f64, Lent) {
    assert!(data.is_mapped(), "it is copied in the worker");
    (data[data.len() - 1] + by as f64, lent_by(parent))
}

#[memo(ignore(parent))]
fn texts(data: &[String], by: u64, parent: u32) -> (f64, Lent) {
    (data.len() as f64 + by as f64, lent_by(parent))
}

/// Ends its process at one of its calls.
#[memo(ignore(parent))]
fn fragile(data: &[f64], by: u64, parent: u32) -> (f64, Lent) {
    if by == 3 {
        process::abort();
    }
    slice::uncached(data, by, parent)
}

#[memo(ignore(parent))]
fn slow(data: &[f64], by: u64, parent: u32) -> (f64, Lent) {
    thread::sleep(Duration::from_millis(20));
    slice::uncached(data, by, parent)
}

#[memo]
fn endless(data: &[f64], by: u64, log: PathBuf) -> f64 {
    note(&log, &process::id().to_string());
    thread::sleep(Duration::from_mins(10));
    data[0] + by as f64
}

fn numbers() -> Vec<f64> {
    (0..BYTES / 8).map(|x| x as f64).collect()
}

/// Fails unless the calls saw one and the same file of the length of an argument, and it goes.
#[track_caller]
fn expect_one_file(values: &[(f64, Lent)]) {
    let files: Lent = values.iter().flat_map(|(_, lent)| lent.iter().copied()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files.iter().all(|&(_, bytes)| (BYTES..BYTES + MARGIN).contains(&bytes)), "{files:?}");
    // A stream gives its last value before its threads are through.
    expect_soon("the file has gone", || lent_by(process::id()).is_empty());
}

/// The other process of the tests below.
pub fn play(role: &str, memory: &Memory, cache: &Path) {
    rememo::init();
    let parallel = workers(memory);
    let (data, me) = (numbers(), process::id());
    let last = data[data.len() - 1];
    match role {
        "slices" => {
            let before = written();
            let values = parallel.run((0..50).map(|by| slice::delayed(&data, by, me))).unwrap();
            let written = written() - before;
            for ((value, _), by) in values.iter().zip(0..) {
                assert_eq!(value.to_bits(), (last + f64::from(by)).to_bits());
            }
            expect_one_file(&values);
            assert!(written < BYTES + BYTES / 4, "{written} bytes were written");
        }
        "mapped" => {
            let values = parallel.run((0..4).map(|by| is_mapped::delayed(&data, by))).unwrap();
            assert_eq!(values, [true; 4]);
        }
        "arrays" => {
            let data = Array::new([1024, data.len() / 1024], data).unwrap();
            expect_one_file(&parallel.run((0..20).map(|by| array::delayed(&data, by, me))).unwrap());
        }
        "vectors" => {
            let calls = (0..6).map(|by| vector::delayed(data.clone(), by, me));
            expect_one_file(&parallel.window(2).stream(calls).collect::<Result<Vec<_>, _>>().unwrap());
        }
        "submitted" => {
            let tasks: Vec<_> =
                (0..6).map(|by| parallel.submit(vector::delayed(data.clone(), by, me))).collect();
            let values: Vec<_> = tasks.into_iter().map(|task| task.wait().unwrap()).collect();
            expect_soon("the last has gone", || lent_by(me).is_empty());
            expect_one_file(&values);
        }
        "texts" => {
            let data = vec!["x".repeat(20); 10_000];
            let values = parallel.run((0..20).map(|by| texts::delayed(&data, by, me))).unwrap();
            let files: Lent = values.into_iter().flat_map(|(_, lent)| lent).collect();
            assert_eq!(files.len(), 1);
            assert_eq!(lent_by(me), Lent::new());
        }
        "one of each" => {
            // As many as are under way, those of the last call, and one that is being written.
            let most = (2 + 2) * (BYTES + MARGIN);
            let calls = (0..12).map(|by| {
                let own: Vec<f64> = data.iter().map(|x| x + by as f64).collect();
                slow::delayed(Box::leak(own.into_boxed_slice()), by, me)
            });
            for (_, lent) in parallel.run(calls).unwrap() {
                let bytes: u64 = lent.iter().map(|(_, bytes)| bytes).sum();
                assert!(bytes <= most, "{bytes} bytes are lent for two calls");
            }
            assert_eq!(lent_by(me), Lent::new());
        }
        "crash" => {
            let results = parallel.run_all((0..8).map(|by| fragile::delayed(&data, by, me)));
            let crashed = results[3].as_ref().unwrap_err();
            assert_eq!(crashed.kind(), TaskErrorKind::Crashed, "{crashed}");
            let values: Vec<_> = results.into_iter().flatten().collect();
            assert_eq!(values.len(), 7);
            expect_one_file(&values);
        }
        "endless" => {
            let log = cache.join("pids");
            let _ = parallel.run((0..2).map(|by| endless::delayed(&data, by, log.clone())));
        }
        other => panic!("unknown role {other}"),
    }
}

#[track_caller]
fn expect_played(role: &str) -> TestCache {
    let cache = TestCache::new();
    expect_success(&mut start(&format!("workers lent {role}"), &cache.root()));
    cache
}

/// Regression: each of the calls encoded its argument, and sent or stored it.
#[test]
fn fifty_calls_that_share_an_argument_write_it_once() {
    let cache = expect_played("slices");
    let stats = cache.memory.stats();
    assert_eq!((stats.entries, stats.troubles), (50, 0), "entries of arguments are left");
    cache.expect_tidy();
}

#[test]
fn an_array_or_a_slice_is_mapped_where_it_arrives() {
    expect_played("arrays");
    expect_played("mapped");
}

#[test]
fn equal_arguments_that_lie_at_several_places_are_written_once() {
    expect_played("vectors");
    expect_played("submitted");
}

#[test]
fn an_argument_that_goes_through_serde_is_written_once() {
    expect_played("texts");
}

#[test]
fn arguments_of_their_own_go_with_their_calls() {
    expect_played("one of each");
}

#[test]
fn a_worker_that_crashes_leaves_no_argument_behind() {
    expect_played("crash");
}

/// Regression: large arguments stayed in the store when their process was killed.
#[test]
fn a_parent_that_is_killed_leaves_no_argument_behind() {
    let cache = TestCache::new();
    let mut parent = start("workers lent endless", &cache.root()).spawn().unwrap();
    let log = cache.root().join("pids");
    expect_soon("both workers are at work", || lines(&log).len() == 2);
    let lent = lent_by(parent.id());
    assert_eq!(lent.len(), 1, "{lent:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    // Who has the file open or mapped are those processes alone.
    for pid in lines(&log) {
        expect_gone(pid.parse().unwrap());
    }
    assert_eq!(cache.reopen().stats().entries, 0);
}

/// What a custom executor gets can go anywhere: all of a call is in its job.
#[test]
fn a_job_of_a_custom_executor_holds_its_large_arguments() {
    #[derive(Debug)]
    struct Elsewhere;
    impl rememo::execute::Execute for Elsewhere {
        fn run(
            &self,
            jobs: &[rememo::execute::Job],
            _: Option<Duration>,
            done: &mut dyn FnMut(usize, Result<rememo::execute::Reply, rememo::execute::Failure>),
        ) {
            for (index, job) in jobs.iter().enumerate() {
                assert!(job.arguments().len() as u64 > BYTES);
                done(index, rememo::execute::Job::from_bytes(&job.to_bytes()).and_then(|job| job.run()));
            }
        }
    }
    let (cache, data) = (TestCache::new(), numbers());
    let parallel = Parallel::new().memory(&cache.memory).executor(Executor::custom(Elsewhere));
    let values = parallel.run([slice::delayed(&data, 1, process::id())]).unwrap();
    assert_eq!(values[0].0.to_bits(), (data[data.len() - 1] + 1.0).to_bits());
    assert_eq!(cache.memory.stats().entries, 1);
}
