use rememo::memo;

trait Scored {
    fn score(&self, x: u64) -> u64;
    fn new(depth: u64) -> Self;
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Model(u64);

impl Scored for Model {
    #[memo]
    fn score(&self, x: u64) -> u64 {
        x
    }

    #[memo]
    fn new(depth: u64) -> Self {
        Model(depth)
    }
}

fn main() {}
