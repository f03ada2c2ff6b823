use rememo::memo;

#[memo(cache_err)]
fn double(x: u64) -> u64 {
    2 * x
}

fn main() {}
