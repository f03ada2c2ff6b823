use rememo::memo;

struct Config {
    depth: u64,
}

#[memo]
fn borrowed(seed: u64, config: &Config) -> u64 {
    seed + config.depth
}

#[memo]
fn nested(configs: Vec<Config>) -> u64 {
    configs[0].depth
}

impl Config {
    #[memo]
    fn score(&self, x: u64) -> u64 {
        self.depth * x
    }
}

fn main() {}
