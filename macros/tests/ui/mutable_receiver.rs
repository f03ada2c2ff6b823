use rememo::memo;

#[derive(serde::Serialize)]
struct Counter(u64);

impl Counter {
    #[memo]
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

fn main() {}
