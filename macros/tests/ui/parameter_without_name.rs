use rememo::memo;

struct Point {
    x: u64,
}

#[memo]
fn discarded(_: u64) -> u64 {
    1
}

#[memo]
fn tuple((a, b): (u64, u64)) -> u64 {
    a + b
}

#[memo]
fn fields(Point { x }: Point) -> u64 {
    x
}

fn main() {}
