use rememo::memo;

struct Outcome {
    score: u64,
}

#[memo]
fn simulate(seed: u64) -> Outcome {
    Outcome { score: seed }
}

#[memo]
fn attempt(seed: u64) -> Result<Outcome, String> {
    Ok(Outcome { score: seed })
}

fn main() {
    let _ = simulate(1).score;
}
