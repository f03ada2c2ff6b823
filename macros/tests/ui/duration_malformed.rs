use rememo::memo;

#[memo(ttl = "7 days", min_cost = "1msec")]
fn square(x: u64) -> u64 {
    x * x
}

#[memo(ttl = "7")]
fn cube(x: u64) -> u64 {
    x * x * x
}

fn main() {}
