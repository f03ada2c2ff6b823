use rememo::memo;

struct Config(u64);

impl Config {
    #[memo]
    fn load(seed: u64) -> u64 {
        seed
    }
}

fn main() {}
