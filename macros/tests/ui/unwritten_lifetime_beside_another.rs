use std::borrow::Cow;

use rememo::memo;

#[memo]
fn length(text: Cow<str>, other: &str) -> usize {
    text.len() + other.len()
}

fn main() {}
