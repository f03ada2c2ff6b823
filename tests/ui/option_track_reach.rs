use rememo::memo;

#[memo(track = "reach")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
