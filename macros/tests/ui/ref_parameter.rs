use rememo::memo;

#[memo]
fn length(ref text: String) -> usize {
    text.len()
}

fn main() {}
