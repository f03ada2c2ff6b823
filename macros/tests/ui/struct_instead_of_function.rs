use rememo::memo;

#[memo]
struct Config {
    depth: u32,
}

fn main() {
    let _ = Config { depth: 1 }.depth;
}
