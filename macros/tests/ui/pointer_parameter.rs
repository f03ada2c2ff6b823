use rememo::memo;

#[memo]
fn raw(at: *const u64) -> usize {
    at as usize
}

#[memo]
fn function(function: fn(u64) -> u64) -> u64 {
    function(1)
}

fn main() {}
