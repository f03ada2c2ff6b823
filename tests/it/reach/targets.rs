//! Memoized functions in the library, in programs, examples and tests of a package.

use crate::package::{Package, program, replace};

const SHARED: &str =
    "pub fn add(x: u64) -> u64 { deep::add(x) }\nmod deep;\npub fn unrelated() -> u64 { 3 }\n";
const DEEP: &str = "pub fn add(x: u64) -> u64 { x + 7 }";

/// A program that calls the library of its package, wherever it stands, and adds something.
fn caller(library: &str, addend: &str) -> String {
    program(
        &format!(
            "
            #[rememo::memo]
            fn called(x: u64) -> u64 {{ {library}::add(x) + own() }}

            #[rememo::memo]
            fn other(x: u64) -> u64 {{ x }}

            fn own() -> u64 {{ {addend} }}
            "
        ),
        "show!(called(1)); show!(other(1));",
    )
}

#[track_caller]
fn expect(package: Package, caller: &str) {
    package.file("src/lib.rs", SHARED).file("src/deep.rs", DEEP).expect([
        replace("src/deep.rs", "7", "8").misses(&["called"]),
        replace(caller, "100", "101").misses(&["called"]),
        replace("src/lib.rs", "{ 3 }", "{ 4 }").hits(),
    ]);
}

#[test]
fn the_library_of_a_program() {
    let package = Package::new("own_library").file("src/main.rs", caller("own_library", "100"));
    expect(package, "src/main.rs");
}

#[test]
fn the_library_of_an_example() {
    let package = Package::new("example_library")
        .file("examples/plot.rs", caller("example_library", "100"))
        .run_as(&["run", "--example", "plot"]);
    expect(package, "examples/plot.rs");
}

#[test]
fn the_library_of_an_example_in_a_directory() {
    let package = Package::new("example_directory")
        .file("examples/chart/main.rs", caller("example_directory", "part::hundred()") + "mod part;")
        .file("examples/chart/part.rs", "pub fn hundred() -> u64 { 100 }")
        .run_as(&["run", "--example", "chart"]);
    expect(package, "examples/chart/part.rs");
}

#[test]
fn the_library_of_another_program() {
    let package = Package::new("bin_library")
        .file("src/bin/tool.rs", caller("bin_library", "100"))
        .run_as(&["run", "--bin", "tool"]);
    expect(package, "src/bin/tool.rs");
}

#[test]
fn the_library_of_a_test() {
    let package = Package::new("test_library")
        .manifest("[[test]]\nname = \"shared\"\nharness = false\n")
        .file("tests/shared.rs", caller("test_library", "100"))
        .run_as(&["test", "--test", "shared"]);
    expect(package, "tests/shared.rs");
}

#[test]
fn a_library_with_another_name_and_place() {
    let package = Package::new("placed_library")
        .manifest("[lib]\nname = \"placed\"\npath = \"code/placed.rs\"\n[[bin]]\nname = \"placed_library\"\npath = \"code/tool.rs\"\n")
        .file("code/placed.rs", SHARED)
        .file("code/deep.rs", DEEP)
        .file("code/tool.rs", caller("placed", "100"));
    package.expect([
        replace("code/deep.rs", "7", "8").misses(&["called"]),
        replace("code/tool.rs", "100", "101").misses(&["called"]),
        replace("code/placed.rs", "{ 3 }", "{ 4 }").hits(),
    ]);
}

#[test]
fn modules_that_tests_share() {
    Package::new("test_common")
        .manifest("[[test]]\nname = \"first\"\nharness = false\n")
        .file(
            "tests/first.rs",
            program(
                r"
                mod common;

                #[rememo::memo]
                fn shared(x: u64) -> u64 { common::add(x) }

                #[rememo::memo]
                fn other(x: u64) -> u64 { x }
                ",
                "show!(shared(1)); show!(other(1)); show!(common::inside(1));",
            ),
        )
        .file(
            "tests/common/mod.rs",
            r"
            pub mod more;
            pub fn add(x: u64) -> u64 { x + 7 }
            #[rememo::memo]
            pub fn inside(x: u64) -> u64 { more::add_more(x) }
            ",
        )
        .file("tests/common/more.rs", "pub fn add_more(x: u64) -> u64 { x + 8 }")
        .file("src/lib.rs", "")
        .run_as(&["test", "--test", "first"])
        .expect([
            replace("tests/common/mod.rs", "x + 7", "x + 6").misses(&["shared"]),
            replace("tests/common/more.rs", "x + 8", "x + 6").misses(&["common::inside"]),
        ]);
}

#[test]
fn memoized_functions_of_a_library_called_by_its_program() {
    Package::new("memo_library")
        .main("use memo_library::{kept, model::kept as deep};", "show!(kept(1)); show!(deep(1));")
        .file(
            "src/lib.rs",
            r"
            pub mod model;
            #[rememo::memo]
            pub fn kept(x: u64) -> u64 { helper(x) }
            fn helper(x: u64) -> u64 { x + 7 }
            ",
        )
        .file(
            "src/model.rs",
            r"
            #[rememo::memo]
            pub fn kept(x: u64) -> u64 { model_helper(x) }
            fn model_helper(x: u64) -> u64 { x + 8 }
            ",
        )
        .expect([
            replace("src/lib.rs", "x + 7", "x + 6").misses(&["kept"]).may_miss(&["deep"]),
            replace("src/model.rs", "x + 8", "x + 6").misses(&["deep"]).may_miss(&["kept"]),
            // The program is no part of what its library reaches.
            replace("src/main.rs", "fn main", "fn helper() {}\nfn model_helper() {}\nfn main").hits(),
        ]);
}

/// Library and program are crates of one name, so both functions are `one_name::area`, with one text and two helpers.
#[test]
fn functions_of_one_path_in_the_library_and_the_program() {
    let source = r"
        #[rememo::memo]
        pub fn area(x: u64) -> u64 { helper(x) }
        fn helper(x: u64) -> u64 { x + 7 }
    ";
    Package::new("one_name")
        .main(
            &source.replace("+ 7", "+ 8"),
            r#"
            show!(area(1));
            show_as!("library", one_name::area::delayed(1), one_name::area::uncached(1));
            "#,
        )
        .file("src/lib.rs", source)
        .expect([
            replace("src/main.rs", "+ 8", "+ 9").misses(&["area"]).may_miss(&["library"]),
            replace("src/lib.rs", "+ 7", "+ 6").misses(&["library"]).may_miss(&["area"]),
        ]);
}
