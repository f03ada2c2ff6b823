use rememo::memo;

struct Failure;

#[memo(cache_err)]
fn attempt(seed: u64) -> Result<u64, Failure> {
    if seed == 0 { Err(Failure) } else { Ok(seed) }
}

fn main() {}
