use rememo::memo;

#[memo(compress = 0)]
fn square(x: u64) -> u64 {
    x * x
}

#[memo(compress = -7)]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[memo(compress = "best")]
fn root(x: u64) -> u64 {
    x.isqrt()
}

fn main() {}
