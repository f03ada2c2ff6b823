//! A sweep that shows how far it is: 300 random walks, of which a hundred are remembered from the beginning.
//!
//! On a terminal it is one line with a bar (with the feature `progress`); elsewhere, plain lines. What is shown goes to the standard
//! error, so `> file` keeps it out of the results. The third batch is watched by a `Progress` of the program's own.
//!
//! Run it twice: `cargo run --release --features progress --example progress`. Without `$REMEMO_DIR` the cache is in
//! `target/progress-cache`.

#![expect(clippy::print_stdout, reason = "it prints what it found")]

use std::sync::{Arc, Mutex};

use rememo::execute::Totals;
use rememo::{Memory, Parallel, Progress, memo};

/// How far from where it began a walk of so many steps ends.
#[memo]
fn walk(seed: u64, steps: u64) -> u64 {
    let (mut x, mut y, mut random) = (0_i64, 0_i64, seed);
    for _ in 0..steps {
        // SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014).
        random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        match (z ^ (z >> 31)) >> 62 {
            0 => x += 1,
            1 => x -= 1,
            2 => y += 1,
            _ => y -= 1,
        }
    }
    (x * x + y * y).isqrt().unsigned_abs()
}

/// Keeps what it was told last.
#[derive(Default)]
struct Last(Mutex<Totals>);

impl Progress for Last {
    fn update(&self, totals: &Totals) {
        self.0.lock().expect("nothing panics while it is held").clone_from(totals);
    }
}

fn main() -> rememo::Result<()> {
    const STEPS: u64 = 2_000_000;
    let dir = std::env::var_os("REMEMO_DIR").unwrap_or_else(|| "target/progress-cache".into());
    let memory = Memory::open(dir)?;
    let parallel = Parallel::new().memory(&memory);

    // Nothing is shown unless asked for.
    parallel.run((0..100).map(|seed| walk::delayed(seed, STEPS)))?;
    let before = memory.stats();

    // Shown: 100 of 300 remembered. On a second run all are.
    let distances = parallel.clone().progress(true).run((0..300).map(|seed| walk::delayed(seed, STEPS)))?;
    let after = memory.stats();
    assert_eq!(after.hits - before.hits + after.misses - before.misses, 300);
    assert!(after.hits - before.hits >= 100, "a hundred were there");

    // Watched by the program itself: the first ten twice, all of them hits.
    let last = Arc::new(Last::default());
    let seeds = (0..300).chain(0..10);
    let watched = parallel.on_progress(Arc::clone(&last));
    let total = watched
        .stream(seeds.map(|seed| walk::delayed(seed, STEPS)))
        .sum::<Result<u64, _>>()
        .expect("no walk panics");
    let totals = last.0.lock().expect("nothing panics while it is held").clone();
    assert!(totals.finished);
    assert_eq!((totals.remembered, totals.computed, totals.total), (310, 0, Some(310)));

    let mean = distances.iter().sum::<u64>() / 300;
    assert_eq!(total, distances.iter().chain(&distances[..10]).sum::<u64>());
    // A walk of n steps ends, on average, the square root of n π / 4 away: 1253.
    assert!((1150..1400).contains(&mean), "{mean}");
    println!("computed {}, remembered {}", after.misses - before.misses, after.hits - before.hits);
    println!("the walks ended {mean} steps away on average");
    println!("watched: {totals}");
    Ok(())
}
