use rememo::memo;

trait Shape {
    fn area(&self) -> f64;
}

#[memo]
fn area(shape: &dyn Shape) -> f64 {
    shape.area()
}

fn main() {}
