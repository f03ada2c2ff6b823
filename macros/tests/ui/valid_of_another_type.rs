use rememo::memo;

#[memo(valid = fresh)]
fn square(x: u64) -> u64 {
    x * x
}

fn fresh(age: u64) -> bool {
    age < 10
}

fn main() {}
