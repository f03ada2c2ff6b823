//! What does the key of a large argument cost, beside blake3 over the same bytes?
//!
//! The baselines are blake3's own: `Hasher::update` on one thread, `Hasher::update_rayon` on all. A key is made by asking a memory
//! for an entry that is not there, which adds about a microsecond. Outside the timing: making the data, and the first look at
//! its pages.

use std::fs::{self, File, FileTimes};
use std::hint::black_box;
use std::io::Read;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use rememo::{Hashed, InputFile, Memory, memo};
use serde::Serialize;

/// Bytes of the large slice.
const LARGE: usize = 100_000_000;
/// Bytes of the input file.
const FILE: usize = 256_000_000;

/// With `--test`, a hundredth: that shows that it works.
fn scaled(bytes: usize) -> usize {
    let is_test = std::env::args().any(|argument| argument == "--test");
    if is_test { bytes / 100 } else { bytes }
}

#[derive(Serialize)]
struct Three {
    name: &'static str,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

/// Numbers that serde shows one by one, as containers of other crates do.
struct OneByOne(Vec<f64>);

impl Serialize for OneByOne {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut elements = serializer.serialize_seq(Some(self.0.len()))?;
        for element in &self.0 {
            elements.serialize_element(element)?;
        }
        elements.end()
    }
}

#[memo]
fn of_slice(data: &[f64]) -> f64 {
    data[0]
}

#[memo]
fn of_struct(data: &Three) -> f64 {
    data.x[0]
}

#[memo]
fn of_points(data: &[[f64; 3]]) -> f64 {
    data[0][0]
}

#[memo]
fn of_pixels(data: &[[u8; 3]]) -> u8 {
    data[0][0]
}

#[memo]
fn of_hashed(data: &Hashed<Vec<f64>>) -> f64 {
    data[0]
}

#[memo]
fn one_by_one(data: &OneByOne) -> f64 {
    data.0[0]
}

#[memo]
fn of_file(file: &InputFile) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

fn numbers(bytes: usize) -> Vec<f64> {
    (0..bytes / 8).map(|i| f64::from(u32::try_from(i).expect("small")).sqrt()).collect()
}

fn bytes_of(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn slices(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path()).expect("a fresh directory");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    for (name, size) in [
        ("100 MB", scaled(LARGE)),
        ("1 MB", 1 << 20),
        ("256 KiB", 1 << 18),
        ("64 KiB", 1 << 16),
        ("80 B", 80),
    ] {
        let data = numbers(size);
        let bytes = bytes_of(&data);
        let hashed = Hashed::new(data.clone());
        let mut group = c.benchmark_group(format!("key of {name}"));
        group.throughput(Throughput::Bytes(size as u64)).sample_size(20);
        group.bench_function("blake3", |b| b.iter(|| black_box(blake3::hash(&bytes))));
        group.bench_function("blake3, update_rayon", |b| {
            b.iter(|| black_box(blake3::Hasher::new().update_rayon(&bytes).finalize()));
        });
        group.bench_function("&[f64]", |b| {
            b.iter(|| black_box(memory.contains(&of_slice::delayed(&data))));
        });
        group.bench_function("&[f64], in a pool", |b| {
            pool.install(|| b.iter(|| black_box(memory.contains(&of_slice::delayed(&data)))));
        });
        group.bench_function("Hashed, not for the first time", |b| {
            b.iter(|| black_box(memory.contains(&of_hashed::delayed(&hashed))));
        });
        let shown = OneByOne(data);
        group.bench_function("element by element", |b| {
            b.iter(|| black_box(memory.contains(&one_by_one::delayed(&shown))));
        });
        group.finish();
    }
}

fn structs(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path()).expect("a fresh directory");
    let third = numbers(scaled(LARGE) / 3);
    let bytes = bytes_of(&third);
    let data = Three { name: "three", x: third.clone(), y: third.clone(), z: third };
    let mut group = c.benchmark_group("key of a struct of three times 33 MB");
    group.throughput(Throughput::Bytes(scaled(LARGE) as u64)).sample_size(20);
    group.bench_function("blake3, update_rayon", |b| {
        b.iter(|| {
            for _ in 0..3 {
                black_box(blake3::Hasher::new().update_rayon(&bytes).finalize());
            }
        });
    });
    group.bench_function("key", |b| b.iter(|| black_box(memory.contains(&of_struct::delayed(&data)))));
    group.finish();
}

/// Arrays of numbers, of which serde shows every number by itself.
fn arrays(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path()).expect("a fresh directory");
    let numbers = numbers(scaled(LARGE));
    let (points, _) = numbers.as_chunks::<3>();
    let bytes = bytes_of(points.as_flattened());
    let (pixels, _) = bytes.as_chunks::<3>();
    let mut group = c.benchmark_group("key of arrays, 100 MB");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);
    group.bench_function("blake3, update_rayon", |b| {
        b.iter(|| black_box(blake3::Hasher::new().update_rayon(&bytes).finalize()));
    });
    group.bench_function("&[f64]", |b| {
        b.iter(|| black_box(memory.contains(&of_slice::delayed(points.as_flattened()))));
    });
    group.bench_function("&[[f64; 3]]", |b| {
        b.iter(|| black_box(memory.contains(&of_points::delayed(points))));
    });
    group.bench_function("&[[u8; 3]]", |b| {
        b.iter(|| black_box(memory.contains(&of_pixels::delayed(pixels))));
    });
    group.finish();
}

fn files(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path().join("cache")).expect("a fresh directory");
    let input = InputFile::new(dir.path().join("input"));
    let bytes = bytes_of(&numbers(scaled(FILE)));
    fs::write(&input, &bytes).expect("room for a large file");
    let mut group = c.benchmark_group("InputFile of 256 MB, in the page cache");
    group
        .throughput(Throughput::Bytes(scaled(FILE) as u64))
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat);
    group.bench_function("blake3, update_rayon, over the bytes in memory", |b| {
        b.iter(|| black_box(blake3::Hasher::new().update_rayon(&bytes).finalize()));
    });
    let mut buffer = vec![0; 1 << 20];
    group.bench_function("read alone", |b| {
        b.iter(|| {
            let mut file = File::open(&input).expect("the input");
            while file.read(&mut buffer).expect("its bytes") > 0 {}
        });
    });
    let file = File::options().write(true).open(&input).expect("the input");
    let mut seconds = 0;
    group.bench_function("first time", |b| {
        b.iter(|| {
            // Another stamp: what is remembered is of another state of the file.
            seconds += 1;
            let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
            file.set_times(FileTimes::new().set_modified(time)).expect("the input is ours");
            black_box(memory.contains(&of_file::delayed(&input)))
        });
    });
    std::thread::sleep(Duration::from_secs(3)); // as after a change
    memory.contains(&of_file::delayed(&input));
    group.bench_function("second time", |b| {
        b.iter(|| black_box(memory.contains(&of_file::delayed(&input))));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = slices, structs, arrays, files
}
criterion_main!(benches);
