//! Arguments that are large, or stand for something large: hit or miss by content.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, FileTimes, OpenOptions};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use rememo::{Hashed, InputDir, InputFile, Memory, MissReason, Parallel, Shelved, memo};
use serde::{Deserialize, Serialize, Serializer};

use crate::support::{TestCache, hit, miss, miss_because};

/// Lengths on both sides of where sequences begin to be hashed apart, and of where several threads hash.
const LENGTHS: [usize; 4] = [3, 4095, 4096, 300_000];

fn numbers(length: usize) -> Vec<f64> {
    (0..length).map(|i| (i as f64).sin()).collect()
}

fn sum<T: Serialize + AsRef<[f64]>>(memory: &Memory, data: &T) -> u64 {
    memory.get_or_compute("sum", data, || data.as_ref().iter().sum::<f64>().to_bits())
}

#[test]
fn slices_vectors_boxes_and_hashed_values_are_one_argument() {
    let cache = TestCache::new();
    for (round, length) in LENGTHS.into_iter().enumerate() {
        let data = numbers(length);
        let expected = sum(&cache.memory, &data.as_slice());
        assert_eq!(sum(&cache.memory, &data), expected);
        assert_eq!(sum(&cache.memory, &data.clone().into_boxed_slice()), expected);
        let hashed = Hashed::new(data);
        for _ in 0..2 {
            let again: u64 = cache.memory.get_or_compute("sum", &hashed, || unreachable!());
            assert_eq!(again, expected);
        }
        let stats = cache.memory.stats();
        assert_eq!((stats.misses, stats.hits), (round as u64 + 1, 4 * (round as u64 + 1)));
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Signal {
    rate: f32,
    left: Vec<f64>,
    right: Vec<f64>,
}

#[memo]
fn energy(signal: &Signal) -> f64 {
    signal.left.iter().chain(&signal.right).map(|x| x * x).sum()
}

#[test]
fn every_number_of_a_large_argument_counts_wherever_it_is_nested() {
    let cache = TestCache::new();
    for length in LENGTHS {
        let mut signal = Signal { rate: 44.1, left: numbers(length), right: numbers(length) };
        miss(&cache.memory, energy::delayed(&signal));
        hit(&cache.memory, energy::delayed(&signal.clone()));
        for at in [0, length / 2, length - 1] {
            signal.right[at] += 1.0;
            miss(&cache.memory, energy::delayed(&signal));
        }
        std::mem::swap(&mut signal.left, &mut signal.right);
        miss(&cache.memory, energy::delayed(&signal));
        hit(&cache.memory, energy::delayed(&signal));
    }
}

#[test]
fn a_large_argument_has_one_key_inside_and_outside_of_pools() {
    let cache = TestCache::new();
    let signal = Arc::new(Signal { rate: 1.0, left: numbers(300_000), right: Vec::new() });
    miss(&cache.memory, energy::delayed(&signal));
    let all = Parallel::new().jobs(2).memory(&cache.memory);
    all.run((0..4).map(|_| energy::delayed(&signal))).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| hit(&cache.memory, energy::delayed(&signal)));
    assert_eq!(cache.memory.stats().misses, 1);
}

#[memo]
fn doubled(signal: &Hashed<Signal>) -> Hashed<Signal> {
    let double = |side: &Vec<f64>| side.iter().map(|x| 2.0 * x).collect();
    Hashed::new(Signal { rate: signal.rate, left: double(&signal.left), right: double(&signal.right) })
}

#[test]
fn a_hashed_value_is_a_result_and_what_is_read_back_is_the_same_argument() {
    let cache = TestCache::new();
    let signal = Hashed::new(Signal { rate: 1.0, left: numbers(5000), right: numbers(2) });
    let computed = miss(&cache.memory, doubled::delayed(&signal));
    let read = hit(&cache.memory, doubled::delayed(&signal.clone()));
    assert_eq!(computed, read);
    miss(&cache.memory, doubled::delayed(&computed));
    hit(&cache.memory, doubled::delayed(&read));
    miss(&cache.memory, energy::delayed(&read));
    hit(&cache.memory, energy::delayed(&computed.into_inner()));
}

#[memo]
fn table(seed: u64) -> Vec<u64> {
    (0..10_000).map(|i| seed + i).collect()
}

#[memo]
fn total(table: &Shelved<Vec<u64>>) -> u64 {
    table.get().unwrap().iter().sum()
}

#[test]
fn a_shelved_value_is_an_argument_by_the_key_of_its_entry() {
    let (cache, other) = (TestCache::new(), TestCache::new());
    let shelved = cache.memory.shelve(table::delayed(1)).unwrap();
    miss(&cache.memory, total::delayed(&shelved));
    hit(&cache.memory, total::delayed(&shelved.clone()));
    hit(&cache.memory, total::delayed(&cache.reopen().shelve(table::delayed(1)).unwrap()));
    // In another directory, or carried along: the call it is the value of is the same.
    hit(&cache.memory, total::delayed(&other.memory.shelve(table::delayed(1)).unwrap()));
    let carried = Memory::disabled().shelve(table::delayed(1)).unwrap();
    assert_eq!(carried.root(), None);
    hit(&cache.memory, total::delayed(&carried));
    let sent: Shelved<Vec<u64>> = serde_json::from_str(&serde_json::to_string(&shelved).unwrap()).unwrap();
    assert_eq!(sent.root(), shelved.root());
    hit(&cache.memory, total::delayed(&sent));
    miss(&cache.memory, total::delayed(&cache.memory.shelve(table::delayed(2)).unwrap()));
}

#[memo]
fn length_of(file: &InputFile) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

#[memo]
fn longest(files: Vec<InputFile>, least: u64) -> u64 {
    files.iter().map(length_of::uncached).max().unwrap_or(0).max(least)
}

#[test]
fn an_input_file_is_its_content() {
    let cache = TestCache::new();
    let dir = tempfile::tempdir().unwrap();
    let file = InputFile::new(dir.path().join("one"));
    fs::write(&file, "content").unwrap();
    miss(&cache.memory, length_of::delayed(&file));
    hit(&cache.memory, length_of::delayed(&file));

    fs::write(&file, "changed").unwrap(); // of equal size, at once
    miss(&cache.memory, length_of::delayed(&file));
    fs::write(&file, "content").unwrap();
    hit(&cache.memory, length_of::delayed(&file));

    let moved = InputFile::new(dir.path().join("two"));
    fs::rename(&file, &moved).unwrap();
    hit(&cache.memory, length_of::delayed(&moved));
    fs::copy(&moved, &file).unwrap();
    hit(&cache.memory, length_of::delayed(&file));

    miss(&cache.memory, longest::delayed(vec![file.clone(), moved.clone()], 0));
    hit(&cache.memory, longest::delayed(vec![moved.clone(), file.clone()], 0));
    fs::write(&file, "changed").unwrap();
    miss(&cache.memory, longest::delayed(vec![file.clone(), moved.clone()], 0));
    miss(&cache.memory, longest::delayed(vec![moved, file], 0));
    assert_eq!(cache.memory.stats().troubles, 0);
}

/// What remembers files by size and modification time alone would find the entry of the old content.
#[test]
fn a_change_of_equal_size_and_modification_time_is_noticed() {
    let cache = TestCache::new();
    let dir = tempfile::tempdir().unwrap();
    let file = InputFile::new(dir.path().join("input"));
    fs::write(&file, "content").unwrap();
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    sleep(Duration::from_millis(2200)); // so that it is remembered
    miss(&cache.memory, length_of::delayed(&file));
    hit(&cache.memory, length_of::delayed(&file));
    fs::write(&file, "changed").unwrap();
    let times = FileTimes::new().set_modified(before);
    OpenOptions::new().write(true).open(&file).unwrap().set_times(times).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
    miss(&cache.memory, length_of::delayed(&file));
    // Nobody but the file's times was changed: the content is what counts.
    let times = FileTimes::new().set_modified(before - Duration::from_secs(1000));
    OpenOptions::new().write(true).open(&file).unwrap().set_times(times).unwrap();
    hit(&cache.memory, length_of::delayed(&file));
}

#[test]
fn of_an_input_that_cannot_be_read_the_call_is_computed_and_the_error_names_it() {
    let cache = TestCache::new();
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    for input in [&missing, dir.path() as &Path] {
        let file = InputFile::new(input);
        let (_, reason) = miss_because(&cache.memory, length_of::delayed(&file));
        let MissReason::Unkeyed(how) = reason else { panic!("{reason:?}") };
        assert!(how.contains(input.to_str().unwrap()) && how.contains("`file`"), "{how}");
        let error = cache.memory.try_call(length_of::delayed(&file)).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(input.to_str().unwrap()) && cause.contains("`file`"), "{cause}");
    }
    assert!(cache.memory.stats().troubles >= 2);
    let (_, reason) = miss_because(&cache.memory, entries::delayed(&InputDir::new(&missing)));
    assert!(matches!(reason, MissReason::Unkeyed(_)), "{reason:?}");
    // It is there after all.
    fs::write(&missing, "content").unwrap();
    miss(&cache.memory, length_of::delayed(&InputFile::new(&missing)));
    hit(&cache.memory, length_of::delayed(&InputFile::new(&missing)));
}

#[memo]
fn entries(dir: &InputDir) -> usize {
    fs::read_dir(dir).map_or(0, Iterator::count)
}

#[test]
fn an_input_directory_is_the_tree_below_it() {
    let cache = TestCache::new();
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, order: [&str; 3]| {
        let root = dir.path().join(name);
        fs::create_dir_all(root.join("sub")).unwrap();
        for file in order {
            fs::write(root.join(file), file).unwrap();
        }
        InputDir::new(root)
    };
    let one = make("one", ["a", "b", "sub/c"]);
    miss(&cache.memory, entries::delayed(&one));
    hit(&cache.memory, entries::delayed(&one));
    hit(&cache.memory, entries::delayed(&make("two", ["sub/c", "b", "a"])));
    fs::write(one.join("sub/c"), "other").unwrap();
    miss(&cache.memory, entries::delayed(&one));
    fs::write(one.join("sub/c"), "sub/c").unwrap();
    hit(&cache.memory, entries::delayed(&one));
    fs::rename(one.join("b"), one.join("d")).unwrap();
    miss(&cache.memory, entries::delayed(&one));
    let moved = InputDir::new(dir.path().join("moved"));
    fs::rename(&one, &moved).unwrap();
    hit(&cache.memory, entries::delayed(&moved));
}

/// The same file for a later process, which the digest that is kept must serve; see the next test.
#[test]
fn in_a_process_of_its_own() {
    let (Ok(root), Ok(input)) = (std::env::var("ARGUMENTS_ROOT"), std::env::var("ARGUMENTS_INPUT")) else {
        return;
    };
    let outcome = Memory::open(root).unwrap().call_info(length_of::delayed(&InputFile::new(input)));
    println!("hit: {}", outcome.is_hit());
}

#[test]
#[cfg(target_os = "linux")]
fn a_later_process_knows_the_digest_of_a_large_file_and_notices_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input");
    let cached = dir.path().join("home");
    fs::write(&input, vec![7; 3 << 20]).unwrap();
    sleep(Duration::from_millis(2200));
    let run = || {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "arguments::in_a_process_of_its_own", "--nocapture"])
            .env("ARGUMENTS_ROOT", dir.path().join("cache"))
            .env("ARGUMENTS_INPUT", &input)
            .env("XDG_CACHE_HOME", &cached)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        text.contains("hit: true")
    };
    let records = || crate::support::files_below(&cached.join("rememo-digests"));
    assert!(!run());
    let first = records();
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(run());
    fs::write(&input, vec![8; 3 << 20]).unwrap();
    assert!(!run(), "another content");
    fs::write(&first[0], "damaged").unwrap();
    assert!(run());
    assert_eq!(records().len(), 1);
}

/// A vector of pairs that is written as a map: its order is the only one it has.
#[derive(Clone, Serialize)]
struct Steps(#[serde(serialize_with = "as_map")] Vec<(String, u64)>);

fn as_map<S: Serializer>(steps: &[(String, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(steps.iter().map(|(name, value)| (name, value)))
}

#[memo]
fn first_step(steps: &Steps) -> Option<String> {
    steps.0.first().map(|(name, _)| name.clone())
}

#[derive(Clone, Serialize)]
struct Layers {
    model: IndexMap<String, Vec<f64>>,
    tags: Option<IndexSet<String>>,
}

#[memo]
fn first_layer(layers: &Layers) -> String {
    let tag = layers.tags.iter().flatten().next();
    format!("{:?} {tag:?}", layers.model.first())
}

#[test]
fn the_order_of_a_map_or_set_that_has_one_is_in_the_key() {
    for length in [2, 5000] {
        let cache = TestCache::new();
        let forwards: Vec<(String, u64)> = (0..length).map(|i| (format!("step {i}"), i)).collect();
        let backwards: Vec<(String, u64)> = forwards.iter().rev().cloned().collect();
        for steps in [&forwards, &backwards] {
            let expected = Some(steps[0].0.clone());
            assert_eq!(miss(&cache.memory, first_step::delayed(&Steps(steps.clone()))), expected);
            assert_eq!(hit(&cache.memory, first_step::delayed(&Steps(steps.clone()))), expected);
        }
        let layers = |steps: &[(String, u64)], tags: &[(String, u64)]| Layers {
            model: steps.iter().map(|(name, value)| (name.clone(), vec![*value as f64])).collect(),
            tags: Some(tags.iter().map(|(name, _)| name.clone()).collect()),
        };
        for (steps, tags) in [(&forwards, &forwards), (&backwards, &forwards), (&forwards, &backwards)] {
            let layers = layers(steps, tags);
            let expected = first_layer::uncached(&layers);
            assert_eq!(miss(&cache.memory, first_layer::delayed(&layers)), expected);
            assert_eq!(hit(&cache.memory, first_layer::delayed(&layers.clone())), expected);
        }
    }
}

#[derive(Serialize)]
struct Inventory {
    stock: BTreeMap<String, HashMap<u64, HashSet<String>>>,
    seen: HashSet<(u64, Option<char>)>,
}

#[memo]
fn stocked(inventory: &Inventory, more: &HashMap<String, HashMap<String, u64>>) -> usize {
    inventory.stock.len() + inventory.seen.len() + more.len()
}

#[test]
fn hash_maps_and_hash_sets_have_no_order_however_deep() {
    let inventory = |order: &[u64]| Inventory {
        stock: BTreeMap::from([(
            "shelf".to_owned(),
            order.iter().map(|&i| (i, order.iter().map(|j| format!("{i} {j}")).collect())).collect(),
        )]),
        seen: order.iter().map(|&i| (i, char::from_u32(i as u32 + 64))).collect(),
    };
    let more = |order: &[u64]| {
        let inner = || order.iter().map(|j| (j.to_string(), *j)).collect();
        order.iter().map(|i| (i.to_string(), inner())).collect::<HashMap<_, _>>()
    };
    for length in [0, 1, 7, 60] {
        let cache = TestCache::new();
        let forwards: Vec<u64> = (0..length).collect();
        let backwards: Vec<u64> = forwards.iter().rev().copied().collect();
        miss(&cache.memory, stocked::delayed(&inventory(&forwards), &more(&forwards)));
        hit(&cache.memory, stocked::delayed(&inventory(&backwards), &more(&forwards)));
        hit(&cache.memory, stocked::delayed(&inventory(&backwards), &more(&backwards)));
        let mut other = inventory(&backwards);
        other.seen.insert((1 << 40, None));
        miss(&cache.memory, stocked::delayed(&other, &more(&backwards)));
    }
}

#[derive(Serialize)]
#[allow(unreachable_patterns, reason = "serde's derive gives both variants one name, and says so")]
enum Twins {
    #[serde(rename = "twin")]
    One,
    #[serde(rename = "twin")]
    Other,
}

#[memo]
fn is_one(twins: &Twins) -> bool {
    matches!(twins, Twins::One)
}

#[test]
fn variants_that_share_a_name_are_two_arguments() {
    let cache = TestCache::new();
    assert!(miss(&cache.memory, is_one::delayed(&Twins::One)));
    assert!(!miss(&cache.memory, is_one::delayed(&Twins::Other)));
}
