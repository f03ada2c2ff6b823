use rememo::memo;

#[memo(ttl = "7d", persist)]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
