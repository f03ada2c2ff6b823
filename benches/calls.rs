//! What do a hit and a miss cost, beside a file that is read and written by hand?
//!
//! The baseline keeps the same value under a name that is known: open, read, close for a hit; write beside, rename for a
//! miss. It makes no key, checks nothing, and shares with nobody. Outside the timing: making arguments, opening the memory,
//! and removing what a miss has stored. The function itself takes nanoseconds, so that a miss is what rememo costs.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rememo::{Layout, Memory, memo};

/// Sizes of the value in bytes: a small result, a page, and one that takes two reads.
const SIZES: [usize; 3] = [100, 4096, 100_000];
/// Entries among which look-ups wander.
const ENTRIES: u64 = 1000;

#[memo]
fn value(seed: u64, label: &str, size: usize) -> String {
    let _ = label;
    "x".repeat(size + (seed % 2) as usize)
}

fn hit(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = open(&dir.path().join("cache"), Layout::Files);
    let log = open(&dir.path().join("log"), Layout::Log);
    for size in SIZES {
        let mut group = c.benchmark_group(format!("hit, {size} B"));
        group.throughput(Throughput::Elements(1));
        let plain = dir.path().join(format!("plain {size}"));
        fs::create_dir(&plain).expect("a fresh directory");
        for seed in 0..ENTRIES {
            log.call(value::delayed(seed, "wine", size));
            let value = memory.call(value::delayed(seed, "wine", size));
            fs::write(plain.join(seed.to_string()), value).expect("a file");
        }
        let names: Vec<_> = (0..ENTRIES).map(|seed| plain.join(seed.to_string())).collect();
        let mut seed = 0;
        group.bench_function("open, read, close by hand", |b| {
            b.iter(|| {
                seed = (seed + 7) % ENTRIES;
                black_box(read(&names[usize::try_from(seed).expect("small")], size))
            });
        });
        for (name, memory) in [("rememo, files", &memory), ("rememo, log", &log)] {
            group.bench_function(name, |b| {
                b.iter(|| {
                    seed = (seed + 7) % ENTRIES;
                    black_box(memory.call(value::delayed(seed, "wine", size)))
                });
            });
        }
        group.finish();
    }
    for memory in [memory, log] {
        assert_eq!(memory.stats().misses, 3 * ENTRIES, "only hits were timed");
    }
}

fn miss(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for size in SIZES {
        let mut group = c.benchmark_group(format!("miss and store, {size} B"));
        let plain = dir.path().join(format!("plain {size}"));
        fs::create_dir(&plain).expect("a fresh directory");
        let text = "x".repeat(size);
        let mut seed = 0;
        let mut next = || {
            seed += 1;
            seed
        };
        group.bench_function("write, rename by hand", |b| {
            b.iter_batched(&mut next, |seed| write(&plain, seed, text.as_bytes()), BatchSize::SmallInput);
        });
        for (name, layout) in [("rememo, files", Layout::Files), ("rememo, log", Layout::Log)] {
            let memory = open(&dir.path().join(format!("{name} {size}")), layout);
            group.bench_function(name, |b| {
                b.iter_batched(
                    || value::delayed(next(), "wine", size),
                    |call| black_box(memory.call(call)),
                    BatchSize::SmallInput,
                );
            });
            assert_eq!(memory.stats().hits, 0, "only misses were timed");
        }
        group.finish();
    }
}

fn open(dir: &Path, layout: Layout) -> Memory {
    Memory::builder().dir(dir).layout(layout).open().expect("a fresh directory")
}

fn key(c: &mut Criterion) {
    let disabled = Memory::disabled();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let memory = Memory::open(dir.path()).expect("a fresh directory");
    let mut group = c.benchmark_group("look-up of what is not there, two small arguments");
    group.bench_function("open of a missing file by hand", |b| {
        let missing = dir.path().join("blobs/00/missing");
        b.iter(|| black_box(File::open(&missing).is_err()));
    });
    group.bench_function("rememo: key and look-up", |b| {
        b.iter(|| black_box(memory.contains(&value::delayed(7, "wine", 100))));
    });
    group.bench_function("rememo: disabled", |b| {
        b.iter(|| black_box(disabled.contains(&value::delayed(7, "wine", 100))));
    });
    group.finish();
}

fn read(path: &Path, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size + 1];
    let length =
        File::open(path).and_then(|mut file| file.read(&mut bytes)).expect("a file that was written");
    bytes.truncate(length);
    bytes
}

fn write(dir: &Path, seed: u64, bytes: &[u8]) {
    let temporary = dir.join(format!("temporary {seed}"));
    File::create(&temporary).and_then(|mut file| file.write_all(bytes)).expect("a file");
    fs::rename(&temporary, dir.join(seed.to_string())).expect("a file");
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = hit, miss, key
}
criterion_main!(benches);
