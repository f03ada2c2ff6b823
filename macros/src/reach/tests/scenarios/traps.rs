//! Code that a function reaches although it names little or nothing of it.

use super::{Scenario, replace};

#[test]
fn an_operator_whose_trait_shares_its_name_with_a_type_of_the_package() {
    Scenario::new(
        r#"
        mod ast { pub struct Mul(pub u64); pub enum Error { Lost } }
        mod ui { pub struct Display; }

        #[derive(Clone, Copy)]
        struct Vector(u64);
        impl std::ops::Mul for Vector {
            type Output = Vector;
            fn mul(self, other: Vector) -> Vector { Vector(self.0 * other.0 + 71) }
        }
        impl std::fmt::Display for Vector {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{} 72", self.0) }
        }

        struct Failed(u64);
        impl From<std::fmt::Error> for Failed { fn from(_: std::fmt::Error) -> Failed { Failed(73) } }
        fn written(x: u64) -> std::fmt::Result { if x > 2 { Err(Default::default()) } else { Ok(()) } }
        fn tried(x: u64) -> Result<u64, Failed> { written(x)?; Ok(x) }

        #[rememo::memo]
        fn product(x: u64) -> u64 { (Vector(x) * Vector(1)).0 }

        #[rememo::memo]
        fn text(x: u64) -> String { Vector(x).to_string() }

        #[rememo::memo]
        fn converted(x: u64) -> u64 { match tried(x) { Ok(x) => x, Err(Failed(x)) => x } }
        "#,
    )
    .expect([
        replace("src/main.rs", "71", "81").misses(&["product"]).may_miss(&["text"]),
        replace("src/main.rs", "72", "82").misses(&["text"]).may_miss(&["product"]),
        replace("src/main.rs", "73", "83").misses(&["converted"]),
    ]);
}

#[test]
fn an_operator_whose_trait_a_macro_is_given_elsewhere() {
    Scenario::new(
r#"
        use std::ops::Add;

        struct Metres(u64);
        macro_rules! binary { ($trait:ident, $method:ident, $type:ident) => {
            impl $trait for $type { type Output = $type; fn $method(self, other: $type) -> $type { $type(self.0 + other.0) } }
        } }
        binary!(Add, add, Metres);
        struct Vector(u64);
        impl Add for Vector { type Output = Vector; fn add(self, other: Vector) -> Vector { Vector(self.0 + other.0 + 71) } }

        macro_rules! id { ($type:ident) => {
            struct $type(u64);
            impl std::fmt::Display for $type {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{}", self.0) }
            }
        } }
        id!(User);
        struct Other(u64);
        impl std::fmt::Display for Other {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{} 72", self.0) }
        }

        thread_local! { static SEEN: std::cell::RefCell<Vec<std::ops::Range<u64>>> = const { std::cell::RefCell::new(Vec::new()) }; }
        trait Middle { fn middle(&self) -> u64; }
        impl Middle for std::ops::Range<u64> { fn middle(&self) -> u64 { (self.start + self.end) / 2 + 73 } }

        #[rememo::memo]
        fn sum(x: u64) -> u64 { (Vector(x) + Vector(1)).0 }

        #[rememo::memo]
        fn text(x: u64) -> String { Other(x).to_string() }

        #[rememo::memo]
        fn middle(x: u64) -> u64 { (0..x).middle() }
        "#
)
        .expect([
            replace("src/main.rs", "71", "81").misses(&["sum"]),
            replace("src/main.rs", "72", "82").misses(&["text"]),
            replace("src/main.rs", "73", "83").misses(&["middle"]),
        ]);
}

#[test]
fn an_implementation_for_an_alias_of_a_foreign_type() {
    Scenario::new(
        r#"
        use std::fmt as text;
        type Seconds = u64;
        trait Pretty { fn pretty(&self) -> String; }
        impl Pretty for Seconds { fn pretty(&self) -> String { format!("{self} 71") } }

        struct Lost;
        type Result<T> = std::result::Result<T, Lost>;
        trait OrDie { fn or_die(self) -> u64; }
        impl<E> OrDie for std::result::Result<u64, E> {
            fn or_die(self) -> u64 { self.unwrap_or(0) + 72 }
        }

        struct Thing(u64);
        impl text::Display for Thing {
            fn fmt(&self, f: &mut text::Formatter<'_>) -> text::Result { write!(f, "{} 73", self.0) }
        }

        mod model { pub struct Point(pub u64); }
        mod traits {
            use super::model as of;
            pub trait Twice { fn twice(&self) -> u64; }
            impl Twice for of::Point { fn twice(&self) -> u64 { self.0 * 74 } }
        }
        use traits::Twice;

        #[rememo::memo]
        fn prettied(x: u64) -> String { x.pretty() }

        #[rememo::memo]
        fn parsed(x: u64) -> u64 { x.to_string().parse::<u64>().or_die() }

        #[rememo::memo]
        fn shown(x: u64) -> String { Thing(x).to_string() }

        #[rememo::memo]
        fn doubled(x: u64) -> u64 { model::Point(x).twice() }
        "#,
    )
    .expect([
        replace("src/main.rs", "71", "81").misses(&["prettied"]),
        replace("src/main.rs", "72", "82").misses(&["parsed"]),
        replace("src/main.rs", "73", "83").misses(&["shown"]),
        replace("src/main.rs", "74", "84").misses(&["doubled"]),
    ]);
}

#[test]
fn a_type_that_only_inference_names() {
    Scenario::new(
        r"
        mod hidden {
            pub struct Hidden(u64);
            impl Hidden { pub fn value(&self) -> u64 { self.0 * 71 } }
            pub trait Convert<T> { fn convert(self) -> T; }
            impl Convert<Hidden> for u64 { fn convert(self) -> Hidden { Hidden(self) } }
        }
        use hidden::Convert;

        #[rememo::memo]
        fn converted(x: u64) -> u64 { x.convert().value() }
        ",
    )
    .expect([replace("src/main.rs", "71", "81").misses(&["converted"])]);
}

#[test]
fn traits_and_methods_that_a_macro_makes() {
    Scenario::new(
        r"
        macro_rules! extension { ($trait:ident, $method:ident) => {
            trait $trait { fn $method(&self) -> u64; }
            impl $trait for u64 { fn $method(&self) -> u64 { self * 71 } }
        } }
        extension!(Extension, extended);

        macro_rules! method { ($method:ident) => { fn $method(&self) -> u64 { 72 } } }
        trait Provided { method!(provided); }
        impl Provided for u64 {}

        trait Local { fn local(&self) -> u64; }
        macro_rules! implement { ($type:ty) => { impl Local for $type { fn local(&self) -> u64 { 73 } } } }
        #[allow(non_local_definitions)]
        fn unrelated() { implement!(u64); }

        macro_rules! outer { () => { macro_rules! inner { () => { helper() } } } }
        outer!();
        fn helper() -> u64 { 74 }

        #[rememo::memo]
        fn by_extension(x: u64) -> u64 { x.extended() }

        #[rememo::memo]
        fn by_provision(x: u64) -> u64 { x + x.provided() }

        #[rememo::memo]
        fn by_body(x: u64) -> u64 { x + x.local() }

        #[rememo::memo]
        fn by_two_macros(x: u64) -> u64 { x + inner!() }
        ",
    )
    .expect([
        replace("src/main.rs", "71", "81").misses(&["by_extension"]),
        // What a macro in a trait makes, is not known: the trait is reached by everything.
        replace("src/main.rs", "72", "82").misses(&["by_provision"]).may_miss(&[
            "by_extension",
            "by_body",
            "by_two_macros",
        ]),
        replace("src/main.rs", "73", "83").misses(&["by_body"]),
        replace("src/main.rs", "74", "84").misses(&["by_two_macros"]),
    ]);
}

#[test]
fn files_of_modules_that_a_macro_declares() {
    Scenario::new(
        r#"
        macro_rules! modules { ($($name:ident),*) => { $(mod $name;)* } }
        modules!(given);
        macro_rules! fixed { () => { mod own; } }
        fixed!();
        macro_rules! pass { ($($item:item)*) => { $($item)* } }
        pass! { mod outer { pub mod inner; } }
        pass! { #[path = "elsewhere.rs"] mod imp; }
        macro_rules! generated { ($name:literal) => { include!(concat!("made_", $name, ".in")); } }
        generated!("x");
        fn base() -> u64 { 75 }

        #[rememo::memo]
        fn of_given(x: u64) -> u64 { x + given::value() }

        #[rememo::memo]
        fn of_own(x: u64) -> u64 { x + own::value() }

        #[rememo::memo]
        fn of_inner(x: u64) -> u64 { x + outer::inner::value() }

        #[rememo::memo]
        fn of_included(x: u64) -> u64 { x + made() }

        #[rememo::memo]
        fn of_path(x: u64) -> u64 { x + imp::value() }
        "#,
    )
    .file("src/given.rs", "pub fn value() -> u64 { 71 }")
    .file("src/own.rs", "pub fn value() -> u64 { 72 }")
    .file("src/outer/inner.rs", "pub fn value() -> u64 { 73 }")
    .file("src/made_x.in", "fn made() -> u64 { 74 }")
    .file("src/elsewhere.rs", "pub fn value() -> u64 { crate::base() }")
    .expect([
        replace("src/given.rs", "71", "81").misses(&["of_given"]).may_miss(ALL),
        replace("src/own.rs", "72", "82").misses(&["of_own"]).may_miss(ALL),
        replace("src/outer/inner.rs", "73", "83").misses(&["of_inner"]).may_miss(ALL),
        replace("src/made_x.in", "74", "84").misses(&["of_included"]).may_miss(ALL),
        replace("src/main.rs", "75", "85").misses(&["of_path"]).may_miss(ALL),
    ]);
}

const ALL: &[&str] = &["of_given", "of_own", "of_inner", "of_included", "of_path"];

#[test]
fn which_macro_of_a_name_is_meant() {
    let own = "macro_rules! vec { ($($x:expr),*) => { [$($x * 10),*] } }";
    Scenario::new(
        "
        #[macro_use] mod first; #[macro_use] mod second;
        #[rememo::memo]
        fn numbered(x: u64) -> u64 { x + number!() }

        /**/
        #[rememo::memo]
        fn sum(x: u64) -> u64 { vec![x, 1].iter().sum() }
        macro_rules! vec { ($($x:expr),*) => { [$($x * 10),*] } }
        ",
    )
    .file("src/first.rs", "macro_rules! number { () => { 1 } }")
    .file("src/second.rs", "macro_rules! number { () => { 2 } }")
    .expect([
        replace(
            "src/main.rs",
            "#[macro_use] mod first; #[macro_use] mod second;",
            "#[macro_use] mod second; #[macro_use] mod first;",
        )
        .misses(&["numbered"])
        .may_miss(&["sum"]),
        replace("src/main.rs", own, "").replace("src/main.rs", "/**/", own).misses(&["sum"]),
    ]);
}

#[test]
fn the_trait_of_the_standard_library_that_a_method_is_of() {
    Scenario::new(
        r"
        mod put {
            use std::fmt::LowerHex;
            pub fn put(x: &u64, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { x.fmt(f) }
        }
        struct Hex(u64);
        impl std::fmt::Display for Hex {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { put::put(&self.0, f) }
        }

        #[rememo::memo]
        fn shown(x: u64) -> String { Hex(x).to_string() }
        ",
    )
    .expect([replace("src/main.rs", "LowerHex", "Octal").misses(&["shown"])]);
}

#[test]
fn foreign_names_that_modules_of_the_package_hand_on() {
    Scenario::new(
        r"
        use std::ops::Mul;
        use std::time::Duration;
        mod ast { pub struct Mul; pub enum Extend { Zero } }
        mod music { pub struct Duration; }
        mod plot { pub struct Span; pub type Range = Span; }
        mod prelude { pub use std::ops::Range; }

        trait Pretty { fn pretty(&self) -> u64; }
        mod pretty {
            use super::*;
            impl Pretty for Duration { fn pretty(&self) -> u64 { self.as_secs() + 71 } }
        }

        struct Vector(u64);
        mod vector {
            use super::*;
            impl Mul for Vector {
                type Output = u64;
                fn mul(self, other: Vector) -> u64 { self.0 * other.0 + 72 }
            }
        }

        trait High { fn high(&self) -> u64; }
        mod high {
            use crate::prelude::Range;
            impl super::High for Range<u64> { fn high(&self) -> u64 { self.end + 73 } }
        }

        struct Series(u64);
        impl Extend<u64> for Series {
            fn extend<I: IntoIterator<Item = u64>>(&mut self, more: I) {
                self.0 += more.into_iter().sum::<u64>() + 74;
            }
        }

        #[rememo::memo]
        fn paused(x: u64) -> u64 {
            let start = std::time::UNIX_EPOCH;
            start.duration_since(start).unwrap().pretty() + x
        }

        #[rememo::memo]
        fn product(x: u64) -> u64 { Vector(x) * Vector(2) }

        #[rememo::memo]
        fn top(x: u64) -> u64 { (0..x).high() }

        #[rememo::memo]
        fn extended(x: u64) -> u64 {
            let mut series = Series(x);
            series.extend([x]);
            series.0
        }
        ",
    )
    .expect([
        replace("src/main.rs", "71", "81").misses(&["paused"]),
        replace("src/main.rs", "72", "82").misses(&["product"]),
        replace("src/main.rs", "73", "83").misses(&["top"]),
        replace("src/main.rs", "74", "84").misses(&["extended"]),
    ]);
}
