use rememo::memo;

struct Config;

#[memo]
impl Config {
    fn score(&self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let _ = Config.score(1);
}
