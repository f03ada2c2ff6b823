use rememo::memo;

#[memo(version = 1, cache_err, version = 2)]
fn square(x: u64) -> Result<u64, u64> {
    Ok(x * x)
}

fn main() {}
