use rememo::memo;

#[memo]
fn size<T: Copy>(value: T) -> usize {
    let _ = value;
    size_of::<T>()
}

fn main() {}
