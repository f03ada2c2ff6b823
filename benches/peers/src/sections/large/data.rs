//! The numbers that are stored and hashed: a function of a seed and a count, the same in Rust and in Python.

use std::sync::Mutex;

/// The seed of all vectors.
pub(super) const SEED: u64 = 7;
/// 2^64 divided by the golden ratio: multiples of it fill the range evenly, and no compressor finds much in them.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Sums that run side by side: one alone would wait for each addition, not for memory.
const LANES: usize = 16;

/// A vector that is handed out instead of being generated, so that the time of a miss is that of the store.
static PREPARED: Mutex<Option<Vec<f64>>> = Mutex::new(None);

/// `count` numbers from 0 to 1 that depend on nothing but `seed` and their place.
pub(super) fn numbers(seed: u64, count: usize) -> Vec<f64> {
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    let number =
        |place: u64| f64::from_bits((place.wrapping_mul(GOLDEN).wrapping_add(seed) >> 12) | ONE) - 1.0;
    (0..count as u64).map(number).collect()
}

/// Has the next [`prepared_or_numbers`] hand out this vector, which is what it would make.
pub(super) fn prepare(numbers: Vec<f64>) {
    *PREPARED.lock().expect("no thread panics") = Some(numbers);
}

/// `count` readings of an instrument of 12 bits, which depend on nothing but `seed` and their place: a compressor can make them
/// much shorter, but finds nothing in them that repeats.
pub(super) fn readings(seed: u64, count: usize) -> Vec<f64> {
    // The finalizer of SplitMix64.
    let reading = |place: u64| {
        let bits = place.wrapping_mul(GOLDEN).wrapping_add(seed);
        let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u16::try_from((bits ^ (bits >> 31)) >> 52).expect("twelve bits"))
    };
    (0..count as u64).map(reading).collect()
}

/// [`numbers`], without making them if they are there.
pub(super) fn prepared_or_numbers(seed: u64, count: usize) -> Vec<f64> {
    prepared_or(seed, count, numbers)
}

/// What was prepared, or else what `make` makes.
pub(super) fn prepared_or(seed: u64, count: usize, make: fn(u64, usize) -> Vec<f64>) -> Vec<f64> {
    PREPARED.lock().expect("no thread panics").take().unwrap_or_else(|| make(seed, count))
}

/// The sum of all numbers, at the speed of memory.
pub(super) fn sum(numbers: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, number) in sums.iter_mut().zip(chunk) {
            *sum += number;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Fails unless `sum`, added in some order, is the sum of the numbers.
pub(super) fn check_sum(numbers: &[f64], other: f64) {
    let sum = sum(numbers);
    assert!((sum - other).abs() < 1e-9 * sum, "the sums are {sum} and {other}");
}

/// What is looked at of a vector that comes back.
pub(super) struct Digest {
    count: usize,
    sum: f64,
    /// The first, one in the middle, the last.
    some: [f64; 3],
}

impl Digest {
    pub(super) fn of(numbers: &[f64]) -> Self {
        Digest { count: numbers.len(), sum: sum(numbers), some: some(numbers) }
    }

    pub(super) fn some_are_in(&self, numbers: &[f64]) -> bool {
        numbers.len() == self.count && some(numbers).map(f64::to_bits) == self.some.map(f64::to_bits)
    }

    /// Sums of equal vectors are equal to the bit: they are added in one order.
    pub(super) fn sum_is(&self, sum: f64) -> bool {
        sum.to_bits() == self.sum.to_bits()
    }
}

fn some(numbers: &[f64]) -> [f64; 3] {
    [0, numbers.len() / 2, numbers.len() - 1].map(|place| numbers[place])
}
