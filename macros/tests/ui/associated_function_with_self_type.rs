use rememo::memo;

#[derive(serde::Serialize, serde::Deserialize)]
struct Config(u64);

impl Config {
    #[memo]
    fn load(seed: u64) -> Self {
        Config(seed)
    }
}

fn main() {}
