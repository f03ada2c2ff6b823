#![deny(dead_code)]

use rememo::memo;

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
