use rememo::memo;

#[memo(name = "")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
