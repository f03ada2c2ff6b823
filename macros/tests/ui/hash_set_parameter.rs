use std::collections::HashSet;

use rememo::memo;

#[memo]
fn count(words: &HashSet<String>) -> usize {
    words.len()
}

fn main() {}
