use rememo::{Memory, Parallel, memo};

#[memo]
fn double(x: u64) -> u64 {
    2 * x
}

fn main() {
    let memory = Memory::disabled();
    memory.call(double(1));
    let _ = Parallel::new().run((0..3).map(double));
}
