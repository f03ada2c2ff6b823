use rememo::memo;

#[derive(serde::Serialize)]
struct Outcome {
    score: u64,
}

#[memo]
fn simulate(seed: u64) -> Vec<Outcome> {
    vec![Outcome { score: seed }]
}

fn main() {}
