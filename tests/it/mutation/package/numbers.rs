//! Whole numbers and fractions.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Mul};

use rememo::memo;

const MODULUS: u64 = 10_007;
static PRIMES: [u64; 6] = [2, 3, 5, 7, 11, 13];

/// A fraction in lowest terms.
#[derive(Clone, Copy)]
pub struct Ratio {
    above: i64,
    below: i64,
}

impl Ratio {
    pub fn new(above: i64, below: i64) -> Self {
        let divisor = gcd(above.unsigned_abs(), below.unsigned_abs()).max(1) as i64;
        Ratio { above: above / divisor, below: below / divisor }
    }

    pub fn invert(self) -> Self {
        Ratio::new(self.below, self.above)
    }
}

impl From<i64> for Ratio {
    fn from(whole: i64) -> Self {
        Ratio::new(whole, 1)
    }
}

impl Add for Ratio {
    type Output = Ratio;

    fn add(self, other: Ratio) -> Ratio {
        Ratio::new(self.above * other.below + other.above * self.below, self.below * other.below)
    }
}

impl Mul for Ratio {
    type Output = Ratio;

    fn mul(self, other: Ratio) -> Ratio {
        Ratio::new(self.above * other.above, self.below * other.below)
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Ratio) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        (self.above * other.below).partial_cmp(&(other.above * self.below))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.above, self.below)
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn power(base: u64, exponent: u64) -> u64 {
    (0..exponent).fold(1, |product, _| product * base % MODULUS)
}

fn is_prime(number: u64) -> bool {
    number >= 2 && PRIMES.iter().all(|prime| number == *prime || number % prime != 0)
}

fn halve_or_triple(number: u64) -> u64 {
    if even(number) { number / 2 } else { number * 3 + 1 }
}

fn even(number: u64) -> bool {
    number == 0 || odd(number - 1)
}

fn odd(number: u64) -> bool {
    number != 0 && even(number - 1)
}

/// Powers of the primes up to a limit.
#[memo]
pub fn residues(limit: u64) -> Vec<u64> {
    (0..limit).filter(|number| is_prime(*number)).map(|prime| power(prime, 9)).collect()
}

#[memo]
pub fn harmonic(terms: i64) -> String {
    let sum = (1..=terms).fold(0.into(), |sum: Ratio, term| sum + Ratio::from(term).invert());
    format!("{sum}")
}

/// The largest of some fractions, squared.
#[memo]
pub fn largest(count: i64) -> String {
    let mut largest = Ratio::new(1, 9);
    for number in 1..count {
        let next = Ratio::new(number * 4 % 7, number);
        if next > largest {
            largest = next;
        }
    }
    square!(largest).to_string()
}

#[memo]
pub fn flight(start: u64) -> (u64, u64) {
    let (mut number, mut steps, mut peak) = (start, 0, start);
    while number > 1 {
        number = halve_or_triple(number);
        steps += 1;
        peak = peak.max(number);
    }
    (steps, peak)
}
