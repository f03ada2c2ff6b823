//! What do large values cost, beside a plain read or write of the same bytes?
//!
//! The baselines read a file into a new vector and write one beside, then rename it, by hand: no key, no checksum, nothing
//! shared. bincode goes through a buffered file. Everything is in the page cache. Outside the timing: making the value,
//! and dropping it where it is read (but the memory is taken within: a vector of 100 MB is new pages each time). A store is
//! `insert`, so that no function runs; what was stored before is removed first, as are the files of the baselines.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rememo::{Array, Memory, memo};

/// Bytes of the values.
const SIZES: [(&str, usize); 2] = [("1 MB", 1_000_000), ("100 MB", 100_000_000)];

/// With `--test`, the small one: that shows that it works.
fn sizes() -> impl Iterator<Item = (&'static str, usize)> {
    let is_test = std::env::args().any(|argument| argument == "--test");
    SIZES.into_iter().take(if is_test { 1 } else { SIZES.len() })
}

#[memo]
fn vector(bytes: usize) -> Vec<f64> {
    numbers(bytes)
}

#[memo]
fn array(bytes: usize) -> Array<f64> {
    numbers(bytes).into()
}

fn numbers(bytes: usize) -> Vec<f64> {
    (0..u32::try_from(bytes / 8).expect("small")).map(|i| f64::from(i).sqrt()).collect()
}

fn bytes_of(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A memory, and files of the same values by hand.
struct Bench {
    memory: Memory,
    plain: PathBuf,
    bincode: PathBuf,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new(bytes: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let memory = Memory::open(dir.path().join("cache")).expect("a fresh directory");
        let (plain, bincode) = (dir.path().join("plain"), dir.path().join("bincode"));
        let numbers = memory.call(vector::delayed(bytes));
        memory.call(array::delayed(bytes));
        fs::write(&plain, bytes_of(&numbers)).expect("a file");
        write_bincode(&bincode, &numbers);
        Bench { memory, plain, bincode, _dir: dir }
    }
}

fn hit(c: &mut Criterion) {
    for (name, bytes) in sizes() {
        let bench = Bench::new(bytes);
        let mut group = c.benchmark_group(format!("hit, {name}"));
        group.sample_size(10).throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::from_parameter("fs::read by hand"), |b| {
            b.iter_with_large_drop(|| fs::read(&bench.plain).expect("a file"));
        });
        group.bench_function(BenchmarkId::from_parameter("bincode of a file"), |b| {
            b.iter_with_large_drop(|| read_bincode(&bench.bincode));
        });
        group.bench_function(BenchmarkId::from_parameter("rememo, Vec<f64>"), |b| {
            b.iter_with_large_drop(|| bench.memory.call(vector::delayed(bytes)));
        });
        group.bench_function(BenchmarkId::from_parameter("rememo, Array<f64>"), |b| {
            b.iter_with_large_drop(|| bench.memory.call(array::delayed(bytes)));
        });
        group.bench_function(BenchmarkId::from_parameter("rememo, Vec<f64>, and its sum"), |b| {
            b.iter_with_large_drop(|| sum(bench.memory.call(vector::delayed(bytes))));
        });
        group.bench_function(BenchmarkId::from_parameter("rememo, Array<f64>, and its sum"), |b| {
            b.iter_with_large_drop(|| sum(bench.memory.call(array::delayed(bytes))));
        });
        group.finish();
        assert_eq!(bench.memory.stats().misses, 2, "only hits were timed");
    }
}

fn store(c: &mut Criterion) {
    for (name, bytes) in sizes() {
        let bench = Bench::new(bytes);
        let (numbers, beside) = (numbers(bytes), bench.plain.with_extension("beside"));
        let raw = bytes_of(&numbers);
        let mut group = c.benchmark_group(format!("store, {name}"));
        group.sample_size(10).throughput(Throughput::Bytes(bytes as u64));
        // Each is the first store of its name: to replace a file of 1 MB took ext4 2 ms, in the rename.
        let fresh = |file: &Path| {
            let _ = fs::remove_file(file);
        };
        group.bench_function(BenchmarkId::from_parameter("write, rename by hand"), |b| {
            let write = |()| {
                File::create(&beside).and_then(|mut file| file.write_all(&raw)).expect("a file");
                fs::rename(&beside, &bench.plain).expect("a file");
            };
            b.iter_batched(|| fresh(&bench.plain), write, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::from_parameter("bincode to a file"), |b| {
            let write = |()| {
                write_bincode(&beside, &numbers);
                fs::rename(&beside, &bench.bincode).expect("a file");
            };
            b.iter_batched(|| fresh(&bench.bincode), write, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::from_parameter("rememo, Vec<f64>"), |b| {
            let call = vector::delayed(bytes);
            let store = |()| bench.memory.insert(&call, &numbers).expect("stored");
            b.iter_batched(|| drop(bench.memory.remove(&call)), store, BatchSize::PerIteration);
        });
        let (call, known) = (array::delayed(bytes), Array::from(numbers.clone()));
        group.bench_function(BenchmarkId::from_parameter("rememo, Array<f64> whose digest is known"), |b| {
            let store = |()| bench.memory.insert(&call, &known).expect("stored");
            b.iter_batched(|| drop(bench.memory.remove(&call)), store, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::from_parameter("rememo, Array<f64>"), |b| {
            let new = || {
                let _ = bench.memory.remove(&call);
                Array::from(numbers.clone())
            };
            let store = |array: &mut Array<f64>| bench.memory.insert(&call, array).expect("stored");
            b.iter_batched_ref(new, store, BatchSize::PerIteration);
        });
        group.finish();
    }
}

/// The value too, so that dropping it is not timed.
fn sum<T: std::ops::Deref<Target = [f64]>>(numbers: T) -> T {
    black_box(numbers.iter().sum::<f64>());
    numbers
}

fn write_bincode(path: &Path, numbers: &[f64]) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("a file"));
    bincode::serde::encode_into_std_write(numbers, &mut file, config()).expect("numbers");
    file.flush().expect("a file");
}

fn read_bincode(path: &Path) -> Vec<f64> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).expect("a file"));
    let numbers = bincode::serde::decode_from_std_read(&mut file, config()).expect("numbers");
    assert_eq!(file.read(&mut [0]).expect("a file"), 0);
    numbers
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding()
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    targets = hit, store
}
criterion_main!(benches);
