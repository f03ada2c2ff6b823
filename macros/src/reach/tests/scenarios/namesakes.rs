//! What foreign names mean where the package has the same ones.

use super::{Scenario, replace};

#[test]
fn a_foreign_type_through_the_star_of_the_module_above() {
    Scenario::new(
r#"
        use std::time::Duration;
        mod music { pub struct Duration(pub u64); }
        mod pretty {
            use super::*;
            pub trait Pretty { fn pretty(&self) -> String; }
            impl Pretty for Duration { fn pretty(&self) -> String { format!("{} 71", self.as_secs()) } }
        }
        mod clock {
            use std::time::*;
            pub fn gap(x: u64) -> u64 { x }
            pub const LONG: (std::time::SystemTime,) = (UNIX_EPOCH,);
        }
        use pretty::Pretty;
        fn span(x: u64) -> String { (std::time::UNIX_EPOCH.duration_since(std::time::UNIX_EPOCH).unwrap() * (x as u32)).pretty() }

        #[rememo::memo]
        fn shown(x: u64) -> String { span(x) }
        "#
)
        .expect([replace("src/main.rs", "71", "81").misses(&["shown"])]);
}

#[test]
fn a_trait_of_an_operator_through_the_star_of_the_module_above() {
    Scenario::new(
r"
        use std::ops::{Add, Mul};
        mod ast { pub struct Mul(pub u64); pub enum Expr { Mul(Box<Mul>) } }
        mod vector {
            use super::*;
            pub struct Vector(pub u64);
            impl Mul for Vector { type Output = Vector; fn mul(self, b: Vector) -> Vector { Vector(self.0 * b.0 + 71) } }
        }
        use vector::Vector;

        #[rememo::memo]
        fn product(x: u64) -> u64 { (Vector(x) * Vector(2)).0 }
        "
)
        .expect([replace("src/main.rs", "71", "81").misses(&["product"])]);
}

#[test]
fn a_module_of_the_package_named_like_one_of_the_standard_library() {
    Scenario::new(
r#"
        mod ops { pub struct Mul(pub u64); }
        mod fmt { pub struct Display(pub u64); }
        mod vector {
            use std::{fmt, ops};
            pub struct Vector(pub u64);
            impl ops::Mul for Vector { type Output = Vector; fn mul(self, b: Vector) -> Vector { Vector(self.0 * b.0 + 71) } }
            impl fmt::Display for Vector { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{} 72", self.0) } }
        }
        use vector::Vector;

        #[rememo::memo]
        fn product(x: u64) -> u64 { (Vector(x) * Vector(2)).0 }
        #[rememo::memo]
        fn text(x: u64) -> String { Vector(x).to_string() }
        "#
)
        .expect([
            replace("src/main.rs", "71", "81").misses(&["product"]).may_miss(&["text"]),
            replace("src/main.rs", "72", "82").misses(&["text"]).may_miss(&["product"]),
        ]);
}

#[test]
fn types_of_the_package_named_like_traits_of_the_prelude() {
    Scenario::new(
r"
        mod edges { pub enum Extend { Zero, Mirror } pub trait TryFrom { fn x(&self); } pub struct AsRef; pub struct FromIterator; }
        pub struct Series(u64);
        impl Extend<u64> for Series { fn extend<I: IntoIterator<Item = u64>>(&mut self, items: I) { for x in items { self.0 += x * 71 } } }
        pub struct Even(u64);
        impl TryFrom<u64> for Even { type Error = (); fn try_from(x: u64) -> Result<Even, ()> { Ok(Even(x * 72)) } }
        impl AsRef<u64> for Even { fn as_ref(&self) -> &u64 { if self.0 == 0 { &73 } else { &74 } } }
        pub struct Total(u64);
        impl FromIterator<u64> for Total { fn from_iter<I: IntoIterator<Item = u64>>(items: I) -> Total { Total(items.into_iter().sum::<u64>() + 75) } }

        #[rememo::memo]
        fn extended(x: u64) -> u64 { let mut s = Series(x); s.extend([x, 1]); s.0 }
        #[rememo::memo]
        fn tried(x: u64) -> u64 { let e: Even = x.try_into().unwrap(); e.0 }
        #[rememo::memo]
        fn viewed(x: u64) -> u64 { *Even(x).as_ref() }
        #[rememo::memo]
        fn total(x: u64) -> u64 { let t: Total = (0..x).collect(); t.0 }
        "
)
        .expect([
            replace("src/main.rs", "71", "81").misses(&["extended"]),
            replace("src/main.rs", "72", "82").misses(&["tried"]).may_miss(&["viewed"]),
            replace("src/main.rs", "74", "84").misses(&["viewed"]).may_miss(&["tried"]),
            replace("src/main.rs", "75", "85").misses(&["total"]),
        ]);
}

#[test]
fn an_alias_elsewhere_named_like_a_foreign_type() {
    Scenario::new(
        r"
        mod plot { pub struct Span(pub u64); pub type Range = Span; }
        mod sample {
            use std::ops::Range;
            pub trait Sample { fn sample(&self) -> u64; }
            impl Sample for Range<u64> { fn sample(&self) -> u64 { self.end * 71 } }
        }
        use sample::Sample;

        #[rememo::memo]
        fn sampled(x: u64) -> u64 { (0..x).sample() }
        ",
    )
    .expect([replace("src/main.rs", "71", "81").misses(&["sampled"])]);
}

#[test]
fn an_alias_of_a_foreign_type_that_a_macro_is_given() {
    Scenario::new(
r"
        use std::ops::Range;
        thread_local! { static SEEN: std::cell::RefCell<Vec<Range<u64>>> = const { std::cell::RefCell::new(Vec::new()) }; }
        type Span = Range<u64>;
        trait Middle { fn middle(&self) -> u64; }
        impl Middle for Span { fn middle(&self) -> u64 { (self.start + self.end) / 2 + 71 } }

        #[rememo::memo]
        fn middle(x: u64) -> u64 { (0..x).middle() }
        "
)
        .expect([replace("src/main.rs", "71", "81").misses(&["middle"])]);
}

#[test]
fn a_foreign_type_and_a_trait_that_both_come_through_a_star() {
    Scenario::new(
r"
        mod cache { use std::ops::Range; thread_local! { static SEEN: std::cell::RefCell<Vec<Range<u64>>> = const { std::cell::RefCell::new(Vec::new()) }; } }
        mod prelude { pub trait Middle { fn middle(&self) -> u64; } }
        mod ranges {
            use std::ops::*;
            use crate::prelude::*;
            impl Middle for Range<u64> { fn middle(&self) -> u64 { (self.start + self.end) / 2 + 71 } }
        }
        use prelude::*;

        #[rememo::memo]
        fn middle(x: u64) -> u64 { (0..x).middle() }
        "
)
        .expect([replace("src/main.rs", "71", "81").misses(&["middle"])]);
}

#[test]
fn a_foreign_type_through_a_prelude_of_the_package() {
    Scenario::new(
        r"
        mod prelude { pub use std::ops::Range; pub use std::collections::*; }
        mod plot { pub struct Range(pub u64); }
        mod a {
            use crate::prelude::Range;
            pub trait Middle { fn middle(&self) -> u64; }
            impl Middle for Range<u64> { fn middle(&self) -> u64 { self.end + 71 } }
        }
        mod b {
            use crate::prelude::*;
            pub trait Low { fn low(&self) -> u64; }
            impl Low for Range<u64> { fn low(&self) -> u64 { self.start + 72 } }
        }
        mod c {
            pub trait High { fn high(&self) -> u64; }
            impl High for crate::prelude::Range<u64> { fn high(&self) -> u64 { self.start + 73 } }
        }
        use a::Middle; use b::Low; use c::High;

        #[rememo::memo]
        fn middle(x: u64) -> u64 { (0..x).middle() }
        #[rememo::memo]
        fn low(x: u64) -> u64 { (0..x).low() }
        #[rememo::memo]
        fn high(x: u64) -> u64 { (0..x).high() }
        ",
    )
    .expect([
        replace("src/main.rs", "71", "81").misses(&["middle"]),
        replace("src/main.rs", "72", "82").misses(&["low"]),
        replace("src/main.rs", "73", "83").misses(&["high"]),
    ]);
}

#[test]
fn an_alias_of_a_foreign_type_named_like_one_of_the_package() {
    Scenario::new(
        r"
        mod plot { pub struct Range(pub u64); }
        type Span = std::ops::Range<u64>;
        trait Middle { fn middle(&self) -> u64; }
        impl Middle for Span { fn middle(&self) -> u64 { self.end + 71 } }
        struct Particle<T>(T);
        type Heavy = Particle<u64>;
        impl Heavy { fn mass(&self) -> u64 { self.0 + 72 } }
        fn particle(x: u64) -> Particle<u64> { Particle(x) }

        #[rememo::memo]
        fn middle(x: u64) -> u64 { (0..x).middle() }
        #[rememo::memo]
        fn heavy(x: u64) -> u64 { particle(x).mass() }
        ",
    )
    .expect([
        replace("src/main.rs", "71", "81").misses(&["middle"]),
        replace("src/main.rs", "72", "82").misses(&["heavy"]),
    ]);
}
