//! Code of other packages beside this one.

use super::{Scenario, member, replace};

#[test]
fn a_helper_in_a_path_dependency() {
    Scenario::new(
        r"
        use path_dependency_part::shapes::Disc;

        #[rememo::memo]
        fn called(x: u64) -> u64 { path_dependency_part::add(x) }

        #[rememo::memo]
        fn method(x: u64) -> u64 { Disc(x).area() }

        #[rememo::memo]
        fn formatted(x: u64) -> String { path_dependency_part::label!(x) }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        ",
    )
    .dependency("path_dependency_part = { path = \"part\" }")
    .file("part/Cargo.toml", member("path_dependency_part", ""))
    .file(
        "part/src/lib.rs",
        r#"
        mod deep;
        pub mod shapes;
        pub use deep::add;
        pub fn unrelated(x: u64) -> u64 { x + 5 }
        #[macro_export]
        macro_rules! label { ($x:expr) => { $crate::text(&format!("<{}>", $x)) }; }
        pub fn text(inner: &str) -> String { format!("[{inner}]") }
        "#,
    )
    .file("part/src/deep.rs", "pub fn add(x: u64) -> u64 { x + ADDEND }\nconst ADDEND: u64 = 7;\n")
    .file(
        "part/src/shapes.rs",
        "pub struct Disc(pub u64);\nimpl Disc { pub fn area(&self) -> u64 { self.0 + 8 } }\n",
    )
    .expect([
        replace("part/src/deep.rs", "= 7", "= 6").misses(&["called"]),
        replace("part/src/shapes.rs", "+ 8", "+ 6").misses(&["method"]),
        replace("part/src/lib.rs", "[{inner}]", "({inner})").misses(&["formatted"]),
        replace("part/src/lib.rs", "<{}>", "{}").misses(&["formatted"]),
        replace("part/src/lib.rs", "x + 5", "x + 6").hits(),
        replace("part/src/lib.rs", "mod deep;", "//! Docs.\n\n/// Deep.\nmod deep;").hits(),
    ]);
}

#[test]
fn a_dependency_inherited_from_the_workspace_and_a_renamed_one() {
    Scenario::new(
        r"
        #[rememo::memo]
        fn inherited(x: u64) -> u64 { inherited_part::add(x) }

        #[rememo::memo]
        fn renamed(x: u64) -> u64 { kept::Kept::times(x) }
        ",
    )
    .dependency("inherited_part.workspace = true")
    .dependency("kept = { package = \"inherited_other\", path = \"other\" }")
    .manifest(
        "members = [\"part\", \"other\"]\n[workspace.dependencies]\ninherited_part = { path = \"part\" }\n",
    )
    .file("part/Cargo.toml", member("inherited_part", ""))
    .file("part/src/lib.rs", "pub fn add(x: u64) -> u64 { x + 7 }")
    .file("other/Cargo.toml", member("inherited_other", "[lib]\nname = \"unusual\"\npath = \"library.rs\"\n"))
    .file("other/library.rs", "pub struct Kept;\nimpl Kept { pub fn times(x: u64) -> u64 { x * 8 } }")
    .expect([
        replace("part/src/lib.rs", "7", "6").misses(&["inherited"]),
        replace("other/library.rs", "8", "6").misses(&["renamed"]),
    ]);
}

#[test]
fn a_path_dependency_of_a_path_dependency() {
    Scenario::new(
        r"
        #[rememo::memo]
        fn called(x: u64) -> u64 { deep_dependency_near::add(x) }

        #[rememo::memo]
        fn exported(x: u64) -> u64 { deep_dependency_near::times(x) }

        #[rememo::memo]
        fn dropped(x: u64) -> u64 { let mut x = x; deep_dependency_near::guard(&mut x); x }
        ",
    )
    .dependency("deep_dependency_near = { path = \"near\" }")
    .file(
        "near/Cargo.toml",
        member("deep_dependency_near", "[dependencies]\ndeep_dependency_far = { path = \"../far\" }\n"),
    )
    .file(
        "near/src/lib.rs",
        r"
        pub use deep_dependency_far::*;
        pub fn add(x: u64) -> u64 { deep_dependency_far::deep::add(x) }
        pub fn guard(x: &mut u64) { drop(deep_dependency_far::Guard(x)) }
        ",
    )
    .file("far/Cargo.toml", member("deep_dependency_far", ""))
    .file(
        "far/src/lib.rs",
        r"
        pub mod deep { pub fn add(x: u64) -> u64 { x + 7 } }
        pub fn times(x: u64) -> u64 { x * 8 }
        pub struct Guard<'a>(pub &'a mut u64);
        impl Drop for Guard<'_> { fn drop(&mut self) { *self.0 += 9 } }
        ",
    )
    .expect([
        replace("far/src/lib.rs", "x + 7", "x + 6").misses(&["called"]),
        replace("far/src/lib.rs", "x * 8", "x * 6").misses(&["exported"]),
        replace("far/src/lib.rs", "+= 9", "+= 6").misses(&["dropped"]),
    ]);
}

#[test]
fn a_derive_and_an_attribute_of_a_path_dependency() {
    Scenario::new(
r"
        trait Weigh { fn weigh(&self) -> u64; }
        #[derive(procedural_part::Weigh)]
        struct Stone;
        #[procedural_part::replaced]
        fn helper() -> u64 { 0 }

        #[rememo::memo]
        fn derived(x: u64) -> u64 { x + Stone.weigh() }

        #[rememo::memo]
        fn attributed(x: u64) -> u64 { x + helper() }

        #[rememo::memo]
        fn called(x: u64) -> u64 { x + procedural_part::number!() }

        #[rememo::memo]
        fn other(x: u64) -> u64 { x }
        "
)
        .dependency("procedural_part = { path = \"part\" }")
        .file("part/Cargo.toml", member("procedural_part", "[lib]\nproc-macro = true\n"))
        .file(
            "part/src/lib.rs",
            r#"
        use proc_macro::TokenStream;
        #[proc_macro_derive(Weigh)]
        pub fn derive(_: TokenStream) -> TokenStream { weight().parse().unwrap() }
        fn weight() -> &'static str { "impl Weigh for Stone { fn weigh(&self) -> u64 { 7 } }" }
        #[proc_macro_attribute]
        pub fn replaced(_: TokenStream, _: TokenStream) -> TokenStream { "fn helper() -> u64 { 8 }".parse().unwrap() }
        #[proc_macro]
        pub fn number(_: TokenStream) -> TokenStream { "9".parse().unwrap() }
        "#,
        )
        .expect([
            replace("part/src/lib.rs", "{ 7 }", "{ 6 }").misses(&["derived"]).may_miss(&["attributed", "called"]),
            replace("part/src/lib.rs", "{ 8 }", "{ 6 }").misses(&["attributed"]).may_miss(&["derived", "called"]),
            replace("part/src/lib.rs", "\"9\"", "\"6\"").misses(&["called"]).may_miss(&["derived", "attributed"]),
        ]);
}
