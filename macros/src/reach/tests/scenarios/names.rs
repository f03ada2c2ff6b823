//! Names that are imported, renamed, exported again, or hidden by others.

use super::{Scenario, replace};

#[test]
fn names_imported_with_a_star() {
    Scenario::new(
        r"
        mod tools {
            pub fn scale(x: u64) -> u64 { x * 7 }
            pub fn unused(x: u64) -> u64 { x * 8 }
            pub mod deep { pub fn shift(x: u64) -> u64 { x + super::by() } }
            fn by() -> u64 { 9 }
        }
        use tools::*;

        mod inside {
            use super::*;
            use super::tools::deep::*;

            #[rememo::memo]
            pub fn scaled(x: u64) -> u64 { scale(x) }

            #[rememo::memo]
            pub fn shifted(x: u64) -> u64 { shift(x) }
        }
        ",
    )
    .expect([
        replace("src/main.rs", "* 7", "* 6").misses(&["inside::scaled"]),
        replace("src/main.rs", "{ 9 }", "{ 10 }").misses(&["inside::shifted"]),
        replace("src/main.rs", "* 8", "* 6").hits(),
    ]);
}

#[test]
fn renamed_imports() {
    Scenario::new(
        r"
        mod tools {
            pub fn scale(x: u64) -> u64 { x * 7 }
            pub fn shift(x: u64) -> u64 { x + 8 }
            pub fn unused(x: u64) -> u64 { x + 9 }
        }
        use tools::{scale as grow, shift};
        use crate::tools as kit;

        #[rememo::memo]
        fn grown(x: u64) -> u64 { grow(x) }

        #[rememo::memo]
        fn moved(x: u64) -> u64 { kit::shift(x) }

        #[rememo::memo]
        fn inner(x: u64) -> u64 { use tools::scale as other; other(x) + 1 }
        ",
    )
    .expect([
        replace("src/main.rs", "* 7", "* 6").misses(&["grown", "inner"]),
        replace("src/main.rs", "x + 8", "x + 6").misses(&["moved"]),
        // The others name what is imported, though by another path.
        replace("src/main.rs", "scale as grow, shift", "shift as grow, scale")
            .misses(&["grown"])
            .may_miss(&["inner", "moved"]),
        replace("src/main.rs", "x + 9", "x + 6").hits(),
    ]);
}

#[test]
fn a_renamed_module_that_becomes_another_one() {
    Scenario::new(
        r"
        mod fast { pub fn exp(x: u64) -> u64 { x + 7 } }
        mod slow { pub fn exp(x: u64) -> u64 { x + 8 } }
        use fast as model;

        #[rememo::memo]
        fn curve(x: u64) -> u64 { model::exp(x) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        ",
    )
    .expect([replace("src/main.rs", "use fast as", "use slow as").misses(&["curve"])]);
}

#[test]
fn a_facade_that_exports_another_function() {
    facade("pub use crate::fast::exp;", "pub use crate::slow::exp;");
}

#[test]
fn a_facade_that_exports_everything_of_another_module() {
    facade("pub use crate::fast::*;", "pub use crate::slow::*;");
}

#[test]
fn a_facade_that_exports_under_another_name() {
    facade("pub use crate::fast::quick as exp;", "pub use crate::slow::slow as exp;");
}

#[test]
fn a_facade_that_is_a_nested_import() {
    facade(
        "pub use crate::{fast::exp, slow::{slow as rest}};",
        "pub use crate::{fast::{quick as rest}, slow::exp};",
    );
}

#[track_caller]
fn facade(before: &str, after: &str) {
    Scenario::new(
        r"
        mod facade;
        mod fast { pub fn exp(x: u64) -> u64 { quick(x) } pub fn quick(x: u64) -> u64 { x + 7 } }
        mod slow { pub fn exp(x: u64) -> u64 { slow(x) } pub fn slow(x: u64) -> u64 { x + 8 } }

        #[rememo::memo]
        fn curve(x: u64) -> u64 { facade::exp(x) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        ",
    )
    .file("src/facade.rs", before)
    .expect([
        replace("src/facade.rs", before, after).misses(&["curve"]),
        replace("src/main.rs", "x + 7", "x + 9").misses(&["curve"]),
        // Of two functions of one name, which one is meant is not told by names.
        replace("src/main.rs", "x + 8", "x + 9").may_miss(&["curve"]),
    ]);
}

#[test]
fn an_item_that_hides_an_import_with_a_star() {
    Scenario::new(
        r"
        mod fast { pub fn exp(x: u64) -> u64 { x + 7 } pub fn log(x: u64) -> u64 { x - 1 } }
        mod curves {
            use super::fast::*;
            // Here.

            #[rememo::memo]
            pub fn up(x: u64) -> u64 { exp(x) }

            #[rememo::memo]
            pub fn down(x: u64) -> u64 { log(x) }
        }
        ",
    )
    .expect([
        replace("src/main.rs", "// Here.", "fn exp(x: u64) -> u64 { x + 8 }").misses(&["curves::up"]),
        replace("src/main.rs", "// Here.", "use std::primitive::u64 as log; use super::slow as exp;")
            .replace("src/main.rs", "mod curves", "fn slow(x: u64) -> u64 { x + 9 }\nmod curves")
            .misses(&["curves::up"])
            .may_miss(&["curves::down"]),
    ]);
}

#[test]
fn a_method_that_hides_one_of_a_trait() {
    Scenario::new(
        r"
        trait Sized2 { fn size(&self) -> u64; }
        struct Disc(u64);
        impl Sized2 for Disc { fn size(&self) -> u64 { self.0 * 2 } }
        impl Disc { fn other(&self) -> u64 { 1 } }

        #[rememo::memo]
        fn size(x: u64) -> u64 { Disc(x).size() }
        ",
    )
    .expect([replace("src/main.rs", "fn other", "fn size(&self) -> u64 { self.0 * 3 }\nfn other")
        .misses(&["size"])]);
}

#[test]
fn imported_variants_and_constants() {
    Scenario::new(
        r"
        mod kinds { pub enum Kind { Small = 3, Large = 7 } pub const STEP: u64 = 5; }
        use kinds::{Kind::{self, *}, STEP as BY};

        #[rememo::memo]
        fn small(x: u64) -> u64 { x + Small as u64 }

        #[rememo::memo]
        fn stepped(x: u64) -> u64 { x + BY }
        ",
    )
    .expect([
        // What is imported with a star, is reached from all of the module.
        replace("src/main.rs", "Small = 3", "Small = 4").misses(&["small"]).may_miss(&["stepped"]),
        replace("src/main.rs", "= 5", "= 6").misses(&["stepped"]),
    ]);
}

#[test]
fn a_renamed_type_and_its_methods() {
    Scenario::new(
        r"
        mod shapes {
            pub struct Disc(pub u64);
            pub struct Ring(pub u64);
            impl Disc { pub fn area(&self) -> u64 { self.0 * 3 } }
            impl Ring { pub fn area(&self) -> u64 { self.0 * 4 } }
            pub type Shape = Disc;
        }
        use shapes::{Ring as Round, Shape};

        #[rememo::memo]
        fn aliased(x: u64) -> u64 { Shape::area(&Shape { 0: x }) }

        #[rememo::memo]
        fn renamed(x: u64) -> u64 { Round(x).area() }
        ",
    )
    .expect([
        replace("src/main.rs", "self.0 * 3", "self.0 * 5").misses(&["aliased"]).may_miss(&["renamed"]),
        replace("src/main.rs", "self.0 * 4", "self.0 * 5").misses(&["renamed"]).may_miss(&["aliased"]),
        replace("src/main.rs", "Shape = Disc", "Shape = Ring").misses(&["aliased"]),
    ]);
}

#[test]
fn paths_through_self_super_and_crate() {
    Scenario::new(
        r"
        extern crate self as me;
        pub fn top(x: u64) -> u64 { x + 7 }
        mod a {
            pub mod b {
                #[rememo::memo]
                pub fn by_super(x: u64) -> u64 { super::super::top(x) + self::own() }
                fn own() -> u64 { 8 }

                #[rememo::memo]
                pub fn by_name(x: u64) -> u64 { me::a::beside(x) }
            }
            pub fn beside(x: u64) -> u64 { x + 9 }
        }
        ",
    )
    .expect([
        replace("src/main.rs", "x + 7", "x + 6").misses(&["a::b::by_super"]),
        replace("src/main.rs", "{ 8 }", "{ 6 }").misses(&["a::b::by_super"]),
        replace("src/main.rs", "x + 9", "x + 6").misses(&["a::b::by_name"]),
    ]);
}
