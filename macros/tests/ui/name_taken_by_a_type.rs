use rememo::memo;

mod square {}

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
