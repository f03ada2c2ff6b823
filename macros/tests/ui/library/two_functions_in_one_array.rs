use rememo::{Parallel, memo};

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[memo]
fn length(text: &str) -> u64 {
    text.len() as u64
}

fn main() {
    let _ = Parallel::new().run([square::delayed(1), length::delayed("one")]);
}
