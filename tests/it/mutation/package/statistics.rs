//! Estimates from samples.

use rememo::memo;

use crate::numbers::residues;
use crate::simulation::Noise;

const CONFIDENCE: f64 = 0.9;
const ROUNDS: usize = 20;

pub trait Estimator {
    fn estimate(&self, sample: &[f64]) -> f64;
}

pub struct Mean;
pub struct Median;
pub struct Trimmed {
    pub share: f64,
}

impl Estimator for Mean {
    fn estimate(&self, sample: &[f64]) -> f64 {
        mean(sample)
    }
}

impl Estimator for Median {
    fn estimate(&self, sample: &[f64]) -> f64 {
        quantile(sample, 0.5)
    }
}

impl Estimator for Trimmed {
    fn estimate(&self, sample: &[f64]) -> f64 {
        let sorted = sorted(sample);
        let cut = (sorted.len() as f64 * self.share) as usize;
        mean(&sorted[cut..sorted.len() - cut])
    }
}

fn mean(sample: &[f64]) -> f64 {
    sample.iter().sum::<f64>() / sample.len() as f64
}

fn variance(sample: &[f64]) -> f64 {
    let centre = mean(sample);
    sample.iter().map(|value| square!(value - centre)).sum::<f64>() / (sample.len() - 1) as f64
}

fn sorted(sample: &[f64]) -> Vec<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn quantile(sample: &[f64], share: f64) -> f64 {
    let sorted = sorted(sample);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// Estimates of samples drawn again from the sample.
fn resampled<E: Estimator>(estimator: &E, sample: &[f64], noise: &mut Noise) -> Vec<f64> {
    let draw = |noise: &mut Noise| sample[(f64::from(noise.uniform()) * sample.len() as f64) as usize];
    (0..ROUNDS)
        .map(|_| {
            let again: Vec<f64> = sample.iter().map(|_| draw(noise)).collect();
            estimator.estimate(&again)
        })
        .collect()
}

#[memo]
pub fn summary(sample: Vec<f64>) -> (f64, f64, f64) {
    (mean(&sample), variance(&sample), Trimmed { share: 0.2 }.estimate(&sample))
}

/// Where the median of the residues lies, with some confidence.
#[memo]
pub fn interval(seed: u64) -> (f64, f64) {
    let sample: Vec<f64> = residues(30).iter().map(|residue| *residue as f64).collect();
    let estimates = resampled(&Median, &sample, &mut Noise::new(seed));
    (quantile(&estimates, 1.0 - CONFIDENCE), quantile(&estimates, CONFIDENCE))
}
