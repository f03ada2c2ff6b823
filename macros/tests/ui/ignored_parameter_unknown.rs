use rememo::memo;

#[memo(ignore(verbos))]
fn simulate(seed: u64, verbose: bool) -> u64 {
    seed + u64::from(verbose)
}

fn main() {}
