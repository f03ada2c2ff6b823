//! Memoized functions that macros make: the compiler alone knows their tokens.

use crate::package::{Package, member, replace};

#[test]
fn memoized_functions_made_by_a_macro() {
    Package::new("macro_memo")
        .main(
            r"
            macro_rules! memoized {
                ($name:ident, $by:expr) => {
                    #[rememo::memo]
                    fn $name(x: u64) -> u64 { helper(x) * $by + fixed!() }
                };
            }
            macro_rules! fixed { () => { 5 }; }
            memoized!(double, 2);
            memoized!(triple, 3);
            fn helper(x: u64) -> u64 { x + 7 }

            macro_rules! memoized_whole { ($item:item) => { #[rememo::memo] $item }; }
            memoized_whole! { fn whole(x: u64) -> u64 { other(x) } }
            fn other(x: u64) -> u64 { x + 8 }
            ",
            "show!(double(2)); show!(triple(2)); show!(whole(2));",
        )
        .expect([
            // The macros have the word `x`, as the functions do.
            replace("src/main.rs", "double, 2", "double, 4")
                .misses(&["double"])
                .may_miss(&["triple", "whole"]),
            replace("src/main.rs", "x + 7", "x + 6").misses(&["double", "triple"]).may_miss(&["whole"]),
            replace("src/main.rs", "{ 5 }", "{ 6 }").misses(&["double", "triple"]).may_miss(&["whole"]),
            replace("src/main.rs", "x + 8", "x + 6").misses(&["whole"]).may_miss(&["double", "triple"]),
        ]);
}

#[test]
fn memoized_functions_made_by_a_macro_of_a_path_dependency() {
    Package::new("foreign_macro")
        .dependency("foreign_macro_part = { path = \"part\" }")
        .main(
            r"
            foreign_macro_part::memoized!(double, 2);
            foreign_macro_part::with_body! { plain, x => x + local() }
            fn local() -> u64 { 5 }
            ",
            "show!(double(1)); show!(plain(1));",
        )
        .file("part/Cargo.toml", member("foreign_macro_part", ""))
        .file(
            "part/src/lib.rs",
            r"
            #[macro_export]
            macro_rules! memoized {
                ($name:ident, $by:expr) => {
                    #[rememo::memo]
                    fn $name(x: u64) -> u64 { $crate::helper(x) * $by }
                };
            }
            #[macro_export]
            macro_rules! with_body {
                ($name:ident, $x:ident => $body:expr) => {
                    #[rememo::memo]
                    fn $name($x: u64) -> u64 { $body + 1 }
                };
            }
            pub fn helper(x: u64) -> u64 { x + 7 }
            pub fn unrelated() -> u64 { 9 }
            ",
        )
        .expect([
            replace("src/main.rs", "double, 2", "double, 3").misses(&["double"]).may_miss(&["plain"]),
            replace("src/main.rs", "{ 5 }", "{ 6 }").misses(&["plain"]).may_miss(&["double"]),
            replace("part/src/lib.rs", "x + 7", "x + 6").misses(&["double"]).may_miss(&["plain"]),
            replace("part/src/lib.rs", "$body + 1", "$body + 2").misses(&["plain"]).may_miss(&["double"]),
            // What such a function reaches may be taken for all there is.
            replace("part/src/lib.rs", "{ 9 }", "{ 10 }").may_miss(&["double", "plain"]),
        ]);
}
