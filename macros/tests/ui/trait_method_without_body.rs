use rememo::memo;

trait Score {
    #[memo]
    fn score(&self, x: u64) -> u64;
}

fn main() {}
