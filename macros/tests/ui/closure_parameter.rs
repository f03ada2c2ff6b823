use rememo::memo;

#[memo]
fn apply(function: impl Fn(u64) -> u64, x: u64) -> u64 {
    function(x)
}

#[memo]
fn generic<F: Fn(u64) -> u64>(function: F, x: u64) -> u64 {
    function(x)
}

fn main() {}
