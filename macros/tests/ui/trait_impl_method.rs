use rememo::memo;

trait Scored {
    fn score(&self, x: u64) -> u64;
}

#[derive(serde::Serialize)]
struct Model;

impl Scored for Model {
    #[memo]
    fn score(&self, x: u64) -> u64 {
        x
    }
}

fn main() {}
