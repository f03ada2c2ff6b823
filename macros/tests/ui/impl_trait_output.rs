use rememo::memo;

#[memo]
fn below(limit: u64) -> impl Iterator<Item = u64> {
    0..limit
}

fn main() {}
