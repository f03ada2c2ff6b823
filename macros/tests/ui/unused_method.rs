#![deny(dead_code)]

use rememo::memo;

#[derive(serde::Serialize)]
struct Model(u64);

impl Model {
    #[memo]
    fn only_delayed(&self) -> u64 {
        self.0
    }

    #[memo]
    fn unused(&self) -> u64 {
        self.0
    }

    fn plain(&self) -> u64 {
        self.0
    }
}

fn main() {
    let _ = Model(1).only_delayed_delayed();
}
