use rememo::{Parallel, delayed};

enum Refused {
    Late,
}

fn main() {
    let _ = Parallel::new().try_run([delayed(|| Err::<u32, _>(Refused::Late))]);
}
