//@ rust_decimal = { version = "=1.43.0", default-features = false, features = ["std", "maths"] }

use std::str::FromStr;

use rust_decimal::prelude::*;
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};

fn numbers(seed: u64) -> Vec<Decimal> {
    let mut state = seed;
    (0..12)
        .map(|_| Decimal::new(next(&mut state) as i64 - (1 << 30), (next(&mut state) % 12) as u32))
        .collect()
}

#[memo]
fn sums(seed: u64) -> String {
    numbers(seed).into_iter().fold(Decimal::ZERO, |sum, it| sum + it).to_string()
}

#[memo]
fn products(seed: u64) -> Vec<String> {
    numbers(seed).windows(2).map(|pair| (pair[0] * pair[1]).to_string()).collect()
}

#[memo]
fn quotients(seed: u64) -> Vec<String> {
    numbers(seed).windows(2).map(|pair| format!("{:?}", pair[0].checked_div(pair[1]))).collect()
}

#[memo]
fn remainders(seed: u64) -> Vec<String> {
    numbers(seed).windows(2).map(|pair| format!("{:?}", pair[0].checked_rem(pair[1]))).collect()
}

#[memo]
fn rounded(seed: u64) -> Vec<String> {
    let strategies = [
        RoundingStrategy::MidpointAwayFromZero,
        RoundingStrategy::ToZero,
        RoundingStrategy::MidpointNearestEven,
    ];
    let all = numbers(seed).into_iter().zip(strategies.iter().cycle());
    all.map(|(number, strategy)| number.round_dp_with_strategy(2, *strategy).to_string()).collect()
}

#[memo]
fn parsed(seed: u64) -> Vec<String> {
    let texts = [
        "1.50",
        "-0.000001",
        "1e3",
        "99999999999999999999999999999",
        "1_000",
        "x",
        "7922816251426433759354395.0335",
    ];
    let all = texts.iter().skip(seed as usize % 3);
    all.map(|text| format!("{:?} {:?}", Decimal::from_str(text), Decimal::from_scientific(text).ok()))
        .collect()
}

#[memo]
fn floats(seed: u64) -> Vec<f64> {
    let mut state = seed;
    let floats: Vec<f64> = (0..10).map(|_| real(&mut state, -1e6, 1e6)).collect();
    floats.iter().map(|it| Decimal::from_f64(*it).unwrap().to_f64().unwrap()).collect()
}

#[memo]
fn roots(seed: u64) -> Vec<String> {
    numbers(seed).iter().map(|it| format!("{:?}", it.abs().sqrt())).collect()
}

#[memo]
fn exponentials(seed: u64) -> Vec<String> {
    let exponent = Decimal::new(seed as i64, 2);
    vec![
        exponent.exp().to_string(),
        (exponent + Decimal::ONE).ln().to_string(),
        Decimal::TWO.powd(exponent).to_string(),
    ]
}

#[memo]
fn ordered(seed: u64) -> Vec<String> {
    let mut numbers = numbers(seed);
    numbers.sort();
    numbers.iter().map(|it| it.normalize().to_string()).collect()
}

#[memo]
fn integers(seed: u64) -> Vec<Option<i64>> {
    numbers(seed).iter().map(|it| it.trunc().to_i64().filter(|_| it.is_sign_positive())).collect()
}

#[memo]
fn formatted(seed: u64) -> String {
    let number = Decimal::new(123_456 + seed as i64, 3);
    format!("{number:+010.1} {number:e} {number:>12} {:?}", number.serialize())
}
