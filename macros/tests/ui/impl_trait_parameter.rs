use rememo::memo;

#[memo]
fn total(values: impl Iterator<Item = u64>) -> u64 {
    values.sum()
}

fn main() {}
