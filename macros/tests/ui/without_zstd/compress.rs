use rememo::memo;

#[memo(compress)]
fn square(x: u64) -> u64 {
    x * x
}

#[memo(compress = 9, version = 2)]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[memo(compress = false)]
fn root(x: u64) -> u64 {
    x.isqrt()
}

fn main() {}
