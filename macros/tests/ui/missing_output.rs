use rememo::memo;

#[memo]
fn greet(name: &str) {
    println!("{name}");
}

fn main() {}
