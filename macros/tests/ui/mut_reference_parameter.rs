use rememo::memo;

#[memo]
fn sort(values: &mut Vec<u64>) -> usize {
    values.sort();
    values.len()
}

#[memo(ignore(nested))]
fn ignored(nested: Option<&mut Vec<u64>>) -> usize {
    nested.map_or(0, |values| values.len())
}

fn main() {}
