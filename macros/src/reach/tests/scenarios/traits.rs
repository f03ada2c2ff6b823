//! Traits of the package itself.

use super::{Scenario, replace};

#[test]
fn a_method_called_through_a_trait_object() {
    Scenario::new(
        r"
        trait Shape {
            fn area(&self) -> u64;
            fn doubled(&self) -> u64 { self.area() * 2 }
        }
        struct Square(u64);
        struct Line(u64);
        impl Shape for Square { fn area(&self) -> u64 { self.0 * self.0 } }
        impl Shape for Line { fn area(&self) -> u64 { self.0 - self.0 } }

        fn sum(shapes: &[&dyn Shape]) -> u64 { shapes.iter().map(|shape| shape.doubled()).sum() }

        #[rememo::memo]
        fn total(x: u64) -> u64 { sum(&[&Square(x), &Line(x)]) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        ",
    )
    .expect([
        replace("src/main.rs", "self.0 * self.0", "self.0 + self.0").misses(&["total"]),
        replace("src/main.rs", "self.0 - self.0", "1").misses(&["total"]),
        replace("src/main.rs", "area() * 2", "area() * 3").misses(&["total"]),
    ]);
}

#[test]
fn associated_constants_and_types() {
    Scenario::new(
        r"
        trait Unit { type Number; const FACTOR: u64; const SHIFT: u64 = 7; }
        struct Metre;
        impl Unit for Metre { type Number = u8; const FACTOR: u64 = 3; }
        impl Metre { const OWN: u64 = 5; const UNUSED: u64 = 6; }

        #[rememo::memo]
        fn constants(x: u64) -> u64 { x * Metre::FACTOR + Metre::OWN }

        #[rememo::memo]
        fn with_default(x: u64) -> u64 { x + <Metre as Unit>::SHIFT }

        #[rememo::memo]
        fn sized(x: u64) -> u64 { x + std::mem::size_of::<<Metre as Unit>::Number>() as u64 }
        ",
    )
    .expect([
        replace("src/main.rs", "FACTOR: u64 = 3", "FACTOR: u64 = 4")
            .misses(&["constants"])
            .may_miss(&["with_default", "sized"]),
        replace("src/main.rs", "SHIFT: u64 = 7", "SHIFT: u64 = 8")
            .misses(&["with_default"])
            .may_miss(&["constants", "sized"]),
        replace("src/main.rs", "Number = u8", "Number = u16")
            .misses(&["sized"])
            .may_miss(&["constants", "with_default"]),
        replace("src/main.rs", "OWN: u64 = 5", "OWN: u64 = 4").misses(&["constants"]),
        replace("src/main.rs", "UNUSED: u64 = 6", "UNUSED: u64 = 7").hits(),
    ]);
}

#[test]
fn a_method_added_to_a_foreign_type() {
    Scenario::new(
        r"
        mod ext {
            pub trait Mean { fn mean(&self) -> f64; }
            impl Mean for Vec<f64> { fn mean(&self) -> f64 { self.iter().sum::<f64>() / count(self) } }
            fn count(values: &[f64]) -> f64 { values.len() as f64 }
        }
        use ext::Mean as _;

        #[rememo::memo]
        fn average(x: f64) -> f64 { vec![x, 2.0].mean() }

        #[rememo::memo]
        fn other(x: f64) -> f64 { x }
        ",
    )
    .expect([
        // A trait without a name is there for all of the module.
        replace("src/main.rs", "len() as f64", "len() as f64 + 1.0")
            .misses(&["average"])
            .may_miss(&["other"]),
        replace("src/main.rs", "self.iter().sum", "self.iter().product")
            .misses(&["average"])
            .may_miss(&["other"]),
    ]);
}

#[test]
fn a_blanket_implementation() {
    Scenario::new(
        r"
        trait Named { fn name(&self) -> String; }
        trait Greets { fn greet(&self) -> String; }
        impl<T: Named> Greets for T { fn greet(&self) -> String { prefix() + &self.name() } }
        impl Named for u64 { fn name(&self) -> String { self.to_string() } }
        fn prefix() -> String { String::from('>') }

        #[rememo::memo]
        fn greeting(x: u64) -> String { x.greet() }
        ",
    )
    .expect([
        replace("src/main.rs", "'>'", "'<'").misses(&["greeting"]),
        replace("src/main.rs", "self.to_string()", "(self + 1).to_string()").misses(&["greeting"]),
    ]);
}
