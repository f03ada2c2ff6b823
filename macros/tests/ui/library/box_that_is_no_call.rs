use rememo::{FunctionCall, Parallel, memo};

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    let calls: Vec<Box<FunctionCall<(u64,), u64>>> = vec![Box::new(square::delayed(1))];
    let _ = Parallel::new().run(calls);
}
