use rememo::memo;

#[memo]
fn square(x: u64) -> u64 {
    let text: String = x * x;
    text
}

fn main() {}
