use rememo::memo;

#[memo]
fn stop(code: i32) -> ! {
    std::process::exit(code)
}

fn main() {}
