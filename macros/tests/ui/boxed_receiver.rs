use rememo::memo;

#[derive(serde::Serialize)]
struct Config;

impl Config {
    #[memo]
    fn score(self: Box<Self>, x: u64) -> u64 {
        x
    }
}

fn main() {}
