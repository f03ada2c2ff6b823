use rememo::memo;

#[memo(name = square, version, min_cost = 1, ignore, cache_err = true, crate = "rememo")]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {}
