use rememo::memo;

trait Scored: serde::Serialize {
    #[memo]
    fn score(&self, x: u64) -> u64 {
        x
    }

    #[memo]
    fn depth() -> u64 {
        1
    }
}

fn main() {}
