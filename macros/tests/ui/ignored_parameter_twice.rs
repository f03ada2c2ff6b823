use rememo::memo;

#[memo(ignore(verbose, verbose))]
fn simulate(seed: u64, verbose: bool) -> u64 {
    seed + u64::from(verbose)
}

fn main() {}
