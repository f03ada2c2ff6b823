//! An exploratory analysis in cells that are run from top to bottom again and again; the expensive ones are
//! remembered between runs.
//!
//! ```text
//! cargo run --release --example notebook_style         # every cell is computed
//! cargo run --release --example notebook_style         # again: every cell is remembered
//! cargo run --release --example notebook_style -- 97   # another window in cell 3: only 3, 4 and 5 are computed
//! ```
//!
//! Ten years of hourly temperatures are simulated, cleaned of sensor faults and fitted; the question is how fast
//! it gets warmer. A cell is a function of what it needs from the cells above it, so that no one has to say what
//! depends on what. Results are kept in `target/rememo-notebook`, or in `$REMEMO_DIR` where that is set.
#![expect(clippy::print_stdout, reason = "an example speaks to a person at a terminal")]

use std::error::Error;
use std::f64::consts::TAU;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use rememo::{Call, Memory, memo};

const HOURS_PER_YEAR: f64 = 8766.0;
/// Hours in the running median of cell 3.
const WINDOW: usize = 49;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::var_os("REMEMO_DIR").map_or("target/rememo-notebook".into(), PathBuf::from);
    let memory = Memory::open(directory)?;
    let window = match std::env::args().nth(1) {
        Some(argument) => argument.parse::<NonZeroUsize>()?.get(),
        None => WINDOW,
    };

    notebook(&memory, WINDOW);
    if window != WINDOW {
        let hits = notebook(&memory, window);
        assert!(hits[0] && hits[1], "the simulation and its periods do not depend on the window");
    }
    assert_eq!(notebook(&memory, window), [true; 5], "run again, every cell is remembered");
    Ok(())
}

/// The cells from top to bottom; returns which of them were hits.
fn notebook(memory: &Memory, window: usize) -> [bool; 5] {
    println!("window of {window} hours");
    let (readings, hit_1) = cell(memory, "1 readings", simulate::delayed(2026, 87_660));
    let (periods, hit_2) = cell(memory, "2 periods", strongest_periods::delayed(&readings, 2));
    let (cleaned, hit_3) = cell(memory, "3 cleaned", clean::delayed(&readings, window, 10.0));
    let (model, hit_4) = cell(memory, "4 model", fit::delayed(&cleaned, 2));
    let (interval, hit_5) = cell(memory, "5 interval", bootstrap::delayed(&cleaned, &model, 2, 2000));

    // The report costs nothing and is not remembered.
    let faults =
        readings.iter().zip(&cleaned).filter(|(reading, cleaned)| (*reading - *cleaned).abs() > 0.0).count();
    println!("  periods of {periods:.1?} hours; {faults} faulty readings of {}", readings.len());
    let [low, high] = interval;
    println!("  {:.2} degrees warmer in ten years, 90 % interval {low:.2} to {high:.2}\n", 10.0 * model[1]);
    [hit_1, hit_2, hit_3, hit_4, hit_5]
}

/// Runs one cell and prints what came of it; returns its value and whether that was a hit.
fn cell<C: Call>(memory: &Memory, title: &str, call: C) -> (C::Output, bool) {
    let remembered = memory.contains(&call);
    let start = Instant::now();
    let outcome = memory.call_info(call);
    assert_eq!(outcome.is_hit(), remembered, "whether a cell will be computed is known before it runs");
    let milliseconds = 1e3 * start.elapsed().as_secs_f64();
    println!("  [{title:<10}] {} {milliseconds:7.1} ms", if remembered { "hit " } else { "miss" });
    (outcome.value, remembered)
}

/// Hourly temperatures: a yearly and a daily course, weather, a slow warming, and a sensor that fails at times.
#[memo]
fn simulate(seed: u64, hours: u32) -> Vec<f64> {
    let mut random = Random(seed);
    let mut weather = 0.0;
    let reading = |hour| {
        let (years, days) = (f64::from(hour) / HOURS_PER_YEAR, f64::from(hour) / 24.0);
        weather = 0.98 * weather + 0.5 * random.normal();
        let course = 10.0 - 9.0 * (TAU * years).cos() - 4.0 * (TAU * days).cos() + 0.06 * years;
        let fault = if random.uniform() < 0.01 { 60.0 * (random.uniform() - 0.5) } else { 0.0 };
        course + weather + fault
    };
    (0..hours).map(reading).collect()
}

/// The periods, in hours, of the highest peaks of the periodogram.
#[memo]
fn strongest_periods(readings: &[f64], count: usize) -> Vec<f64> {
    let mean = readings.iter().sum::<f64>() / readings.iter().map(|_| 1.0).sum::<f64>();
    let period = |cycles_in_four_years: u32| 4.0 * HOURS_PER_YEAR / f64::from(cycles_in_four_years);
    let power = |period: f64| {
        let (step_sin, step_cos) = (TAU / period).sin_cos();
        let (mut cos, mut sin) = (1.0, 0.0);
        let (mut even, mut odd) = (0.0, 0.0);
        for reading in readings {
            even += (reading - mean) * cos;
            odd += (reading - mean) * sin;
            (cos, sin) = (cos * step_cos - sin * step_sin, sin * step_cos + cos * step_sin);
        }
        even * even + odd * odd
    };
    let powers: Vec<(f64, f64)> = (1..1600).map(period).map(|period| (power(period), period)).collect();
    let is_peak = |three: &&[(f64, f64)]| three[0].0 < three[1].0 && three[1].0 > three[2].0;
    let mut peaks: Vec<(f64, f64)> = powers.windows(3).filter(is_peak).map(|three| three[1]).collect();
    peaks.sort_by(|one, other| other.0.total_cmp(&one.0));
    peaks.into_iter().map(|(_, period)| period).take(count).collect()
}

/// Readings that are more than `tolerance` degrees off the running median are replaced by it.
#[memo]
fn clean(readings: &[f64], window: usize, tolerance: f64) -> Vec<f64> {
    let mut around = Vec::with_capacity(window);
    let cleaned = |(index, &reading): (usize, &f64)| {
        let start = index.saturating_sub(window / 2);
        around.clear();
        around.extend_from_slice(&readings[start..readings.len().min(start + window)]);
        let middle = around.len() / 2;
        let median = *around.select_nth_unstable_by(middle, f64::total_cmp).1;
        if (reading - median).abs() > tolerance { median } else { reading }
    };
    readings.iter().enumerate().map(cleaned).collect()
}

/// Coefficients of the terms, by least squares: the normal equations, solved by elimination.
#[memo]
fn fit(cleaned: &[f64], harmonics: u32) -> Vec<f64> {
    let size = terms(0, harmonics).len();
    let mut rows = vec![vec![0.0; size + 1]; size];
    for (hour, &temperature) in (0..).zip(cleaned) {
        let mut terms = terms(hour, harmonics);
        terms.push(temperature);
        for (row, &factor) in rows.iter_mut().zip(&terms) {
            for (sum, term) in row.iter_mut().zip(&terms) {
                *sum += factor * term;
            }
        }
    }
    for pivot in 0..size {
        let pivot_row: Vec<f64> = rows[pivot].iter().map(|value| value / rows[pivot][pivot]).collect();
        for row in &mut rows {
            let factor = row[pivot];
            for (value, pivot_value) in row.iter_mut().zip(&pivot_row) {
                *value -= factor * pivot_value;
            }
        }
        rows[pivot] = pivot_row;
    }
    rows.into_iter().map(|row| row[size]).collect()
}

/// A 90 % interval of the warming in ten years: what is left unexplained is drawn anew in blocks of thirty days,
/// since weather lasts.
#[memo]
fn bootstrap(cleaned: &[f64], model: &[f64], harmonics: u32, resamples: usize) -> [f64; 2] {
    const BLOCK: usize = 30 * 24;
    let explained =
        |hour| terms(hour, harmonics).iter().zip(model).map(|(term, factor)| term * factor).sum::<f64>();
    let rest: Vec<f64> =
        (0..).zip(cleaned).map(|(hour, temperature)| temperature - explained(hour)).collect();
    let years: Vec<f64> = (0..).zip(&rest).map(|(hour, _)| f64::from(hour) / HOURS_PER_YEAR).collect();
    let middle = years[years.len() / 2];
    let spread: f64 = years.iter().map(|year| (year - middle).powi(2)).sum();

    let mut random = Random(1);
    let mut warming = |_| {
        let slope: f64 = years
            .chunks(BLOCK)
            .map(|block| {
                let start = random.below(rest.len() - block.len());
                block.iter().zip(&rest[start..]).map(|(year, rest)| (year - middle) * rest).sum::<f64>()
            })
            .sum();
        10.0 * (model[1] + slope / spread)
    };
    let mut warmings: Vec<f64> = (0..resamples).map(&mut warming).collect();
    warmings.sort_by(f64::total_cmp);
    [warmings[resamples / 20], warmings[resamples - 1 - resamples / 20]]
}

/// What the model is made of: a constant, the years passed, and waves of a year and of a day with harmonics.
fn terms(hour: u32, harmonics: u32) -> Vec<f64> {
    let years = f64::from(hour) / HOURS_PER_YEAR;
    let mut terms = vec![1.0, years];
    for harmonic in 1..=harmonics {
        for cycles in [years, f64::from(hour) / 24.0] {
            let (sin, cos) = (TAU * cycles * f64::from(harmonic)).sin_cos();
            terms.extend([sin, cos]);
        }
    }
    terms
}

/// The generator `SplitMix64`: the same numbers from the same seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    fn uniform(&mut self) -> f64 {
        f64::from((self.next() >> 32) as u32) / f64::from(u32::MAX)
    }

    /// From 0 up to `end`, exclusive.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    /// Mean 0, standard deviation 1; nearly normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
