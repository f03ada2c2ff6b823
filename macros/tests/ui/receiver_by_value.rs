use rememo::memo;

#[derive(Clone, serde::Serialize)]
struct Config;

impl Config {
    #[memo]
    fn score(self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let _ = Config.score(1);
}
