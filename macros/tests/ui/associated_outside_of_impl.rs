use rememo::memo;

#[memo(associated)]
fn load(seed: u64) -> u64 {
    seed
}

#[memo(associated = true)]
fn store(seed: u64) -> u64 {
    seed
}

fn main() {}
