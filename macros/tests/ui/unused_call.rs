#![deny(unused_must_use)]

use rememo::memo;

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    square::delayed(3);
}
