//! A pipeline of three steps over 20 million samples, each remembered: record, filter, look for lines in the spectrum.
//!
//! The signal is stated: sinusoids of known frequencies and heights in white noise, from a seeded generator. So the program can
//! assert what it finds. The steps hand each other `Array`s. On the second run each of them is a hit that maps a file of
//! 80 MB in microseconds, and only what is touched of it comes into memory.
//!
//! Run it twice: `cargo run --release --example signal`. Without `$REMEMO_DIR` the cache is in `target/signal-cache`.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::print_stdout,
    reason = "numbers are small, samples of 24 bits are enough, frequencies are taken from the list; it prints what it found"
)]

use std::f64::consts::TAU;
use std::time::Instant;

use rememo::{Array, Call, Memory, Outcome, memo};
use serde::{Deserialize, Serialize};

/// Samples in a second: of a seismometer, say, at 200 Hz, for more than a day.
const RATE: f64 = 200.0;
const SAMPLES: usize = 20_000_000;
/// What is in the noise: frequency in Hz, height.
const LINES: [(f64, f64); 3] = [(0.21, 0.05), (1.37, 0.02), (4.9, 0.01)];
/// The noise is of this standard deviation: far higher than any line.
const NOISE: f64 = 0.5;

/// A line that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    frequency: f64,
    height: f64,
}

/// Step one: the recording.
#[memo]
fn record(seed: u64, samples: usize) -> Array<f32> {
    let mut random = seed;
    let mut uniform = move || {
        // SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014).
        random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    // Each line as a vector that turns: a sine for each sample would be most of the work.
    let mut turning = LINES.map(|(frequency, height)| {
        let (sin, cos) = (TAU * frequency / RATE).sin_cos();
        ([height, 0.0], [cos, sin])
    });
    (0..samples)
        .map(|_| {
            // The sum of four uniform numbers is near enough to a normal one; its variance is 4 / 12.
            let noise = (uniform() + uniform() + uniform() + uniform()) * 3f64.sqrt() * NOISE;
            let mut sample = noise;
            for ([x, y], [cos, sin]) in &mut turning {
                sample += *y;
                (*x, *y) = (*x * *cos - *y * *sin, *x * *sin + *y * *cos);
            }
            sample as f32
        })
        .collect()
}

/// Step two: two low-passes of second order, one behind the other (the biquad of R. Bristow-Johnson's Audio EQ Cookbook).
#[memo]
fn low_pass(signal: &Array<f32>, corner: f64) -> Array<f32> {
    let (sin, cos) = (TAU * corner / RATE).sin_cos();
    let alpha = sin / 2f64.sqrt();
    let a0 = 1.0 + alpha;
    let (b, a1, a2) = ((1.0 - cos) / 2.0 / a0, -2.0 * cos / a0, (1.0 - alpha) / a0);
    let mut state = [[0.0; 2]; 2];
    signal
        .iter()
        .map(|&sample| {
            let mut x = f64::from(sample);
            for [s1, s2] in &mut state {
                let y = b * x + *s1;
                (*s1, *s2) = (2.0 * b * x - a1 * y + *s2, b * x - a2 * y);
                x = y;
            }
            x as f32
        })
        .collect()
}

/// Step three: the height of the signal at each frequency (the algorithm of G. Goertzel, 1958).
#[memo]
fn heights(signal: &Array<f32>, frequencies: &[f64]) -> Vec<Line> {
    let height = |frequency: f64| {
        let (sin, cos) = (TAU * frequency / RATE).sin_cos();
        let (mut s1, mut s2) = (0.0, 0.0);
        for &sample in signal {
            (s1, s2) = (f64::from(sample) + 2.0 * cos * s1 - s2, s1);
        }
        2.0 * (s1 - s2 * cos).hypot(s2 * sin) / signal.len() as f64
    };
    frequencies.iter().map(|&frequency| Line { frequency, height: height(frequency) }).collect()
}

fn main() -> rememo::Result<()> {
    let dir = std::env::var_os("REMEMO_DIR").unwrap_or_else(|| "target/signal-cache".into());
    let memory = Memory::open(dir)?;

    let recorded = step("record", &memory, record::delayed(7, SAMPLES));
    let signal = recorded.value;
    let filtered = step("low pass", &memory, low_pass::delayed(&signal, 10.0));
    let smooth = filtered.value;
    let frequencies = [LINES[0].0, 0.8, LINES[1].0, 3.0, LINES[2].0];
    let found = step("heights", &memory, heights::delayed(&smooth, &frequencies));

    for Line { frequency, height } in &found.value {
        println!("  {frequency:5.2} Hz: {height:.4}");
        let expected = LINES.iter().find(|line| line.0 == *frequency).map_or(0.0, |line| line.1);
        // The noise adds some 2 × 0.5 / sqrt(SAMPLES), the filter takes a little.
        assert!((height - expected).abs() < 0.001, "{expected} expected");
    }
    for (is_hit, array) in [(recorded.is_hit, &signal), (filtered.is_hit, &smooth)] {
        assert_eq!(array.shape(), [SAMPLES]);
        assert_eq!(array.is_mapped(), is_hit && cfg!(target_os = "linux"), "what was computed is in memory");
    }
    if let Some(peak) = peak_mib() {
        println!("peak memory: {peak} MiB; an array of samples is {} MiB", SAMPLES * 4 / (1 << 20));
    }
    Ok(())
}

/// A value, and whether it was a hit.
struct Step<T> {
    value: T,
    is_hit: bool,
}

/// Makes a call, and prints what came of it and how long it took.
fn step<C: Call>(name: &str, memory: &Memory, call: C) -> Step<C::Output> {
    let started = Instant::now();
    let outcome = memory.call_info(call);
    let took = started.elapsed();
    let is_hit = outcome.is_hit();
    println!("{name:8}  {}  {took:.1?}", if is_hit { "hit " } else { "miss" });
    let Outcome { value, .. } = outcome;
    Step { value, is_hit }
}

/// The most memory that this process has had at once, as Linux counts it: with the mapped pages that were touched.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}
