//! A sweep whose misses run on Slurm if this machine has it, otherwise on threads. One line makes the difference.
//!
//! How many sites of a square lattice must be open for water to run through it? Above a threshold of 0.5927 most lattices let it through,
//! below it few do. Each call draws one lattice, from random numbers that are the call's own wherever it runs.
//!
//! Run it twice: the second run computes nothing, on whichever machine the first one did. On a cluster the directory must be one that
//! the nodes share. `cargo run --release --example cluster`. Without `$REMEMO_DIR` the cache is in `target/cluster-cache`.

#![expect(clippy::print_stdout, reason = "an example speaks to a person at a terminal")]

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rememo::{Executor, Memory, Parallel, memo};

/// Sites along a side of the lattice.
const SIZE: usize = 128;
/// Lattices for each share of open sites.
const TRIALS: u32 = 20;

/// Whether water runs from the top to the bottom of a lattice, `percent` of whose sites are open.
#[memo]
fn crosses(size: usize, percent: u32, _trial: u32) -> bool {
    let seed = rememo::seed();
    let mut random = u64::from_le_bytes(*seed.first_chunk().expect("a seed has 32 bytes"));
    let mut is_dry: Vec<bool> = (0..size * size)
        .map(|_| {
            // SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014).
            random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % 100 < u64::from(percent)
        })
        .collect();
    let mut wet: Vec<(usize, usize)> = (0..size).map(|column| (0, column)).collect();
    while let Some((row, column)) = wet.pop() {
        if row < size && column < size && std::mem::take(&mut is_dry[row * size + column]) {
            if row == size - 1 {
                return true;
            }
            let (above, left) = (row.wrapping_sub(1), column.wrapping_sub(1));
            wet.extend([(above, column), (row, left), (row, column + 1), (row + 1, column)]);
        }
    }
    false
}

/// Slurm, if a controller answers here.
fn executor() -> Executor {
    let answer = Command::new("sinfo").arg("--noheader").output();
    if answer.is_ok_and(|answer| answer.status.success()) {
        println!("there is Slurm here: it runs what is not remembered");
        Executor::slurm().time(Duration::from_mins(10)).tasks(4)
    } else {
        println!("there is no Slurm here: threads run what is not remembered");
        Executor::threads()
    }
}

#[rememo::main]
fn main() -> rememo::Result<()> {
    let dir = env::var_os("REMEMO_DIR").map_or_else(|| "target/cluster-cache".into(), PathBuf::from);
    let memory = Memory::open(dir)?;
    let percents = 50..69;
    let calls = percents
        .clone()
        .flat_map(|percent| (0..TRIALS).map(move |trial| crosses::delayed(SIZE, percent, trial)));

    let started = Instant::now();
    let crossed = Parallel::new().memory(&memory).executor(executor()).run(calls)?;
    let stats = memory.stats();
    println!("remembered {}, computed {}, in {:.1?}", stats.hits, stats.misses, started.elapsed());

    let counts =
        crossed.chunks(TRIALS as usize).map(|trials| trials.iter().filter(|&&crosses| crosses).count());
    let counts: Vec<(u32, usize)> = percents.zip(counts).collect();
    for (percent, count) in &counts {
        println!("{percent} % open: {}", "#".repeat(*count));
    }
    let most = counts.iter().find(|(_, count)| *count * 2 > TRIALS as usize);
    let (threshold, _) = most.expect("with two thirds open, most cross");
    println!("most lattices let water through from {threshold} % on");
    assert!((57..=61).contains(threshold), "59.27 expected");
    Ok(())
}
