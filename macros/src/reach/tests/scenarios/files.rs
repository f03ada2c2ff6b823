//! Modules and data in files of their own.

use super::{Scenario, add, remove, rename, replace};

#[test]
fn modules_in_directories() {
    Scenario::new(
        r"
        mod a;
        mod c { pub mod d; pub mod e { pub mod f; } }

        #[rememo::memo]
        fn plain(x: u64) -> u64 { a::b::add(x) }

        #[rememo::memo]
        fn inline(x: u64) -> u64 { c::d::add(x) + c::e::f::add(x) }
        ",
    )
    .file("src/a/mod.rs", "pub mod b;")
    .file("src/a/b.rs", "mod deep;\npub fn add(x: u64) -> u64 { deep::add(x) }")
    .file("src/a/b/deep.rs", "pub fn add(x: u64) -> u64 { x + 7 }")
    .file("src/c/d.rs", "pub fn add(x: u64) -> u64 { x + 8 }")
    .file("src/c/e/f.rs", "pub fn add(x: u64) -> u64 { x + 9 }")
    .expect([
        // Functions of one name are not told apart.
        replace("src/a/b/deep.rs", "7", "6").misses(&["plain"]).may_miss(&["inline"]),
        replace("src/c/d.rs", "8", "6").misses(&["inline"]).may_miss(&["plain"]),
        replace("src/c/e/f.rs", "9", "6").misses(&["inline"]).may_miss(&["plain"]),
        rename("src/a/mod.rs", "src/a.rs").and(rename("src/a/b.rs", "src/a/b/mod.rs")).hits(),
    ]);
}

#[test]
fn modules_with_a_path() {
    Scenario::new(
        r#"
        #[path = "odd.rs"]
        mod usual;
        #[path = "strange"]
        mod inline { pub mod inner; #[path = "other.rs"] pub mod renamed; }
        #[cfg_attr(all(), path = "chosen.rs")]
        mod choice;

        #[rememo::memo]
        fn odd(x: u64) -> u64 { usual::add(x) }

        #[rememo::memo]
        fn strange(x: u64) -> u64 { inline::inner::first(x) + inline::renamed::second(x) }

        #[rememo::memo]
        fn chosen(x: u64) -> u64 { choice::third(x) }
        "#,
    )
    .file("src/odd.rs", "mod beside;\npub fn add(x: u64) -> u64 { beside::most(x) }")
    .file("src/beside.rs", "pub fn most(x: u64) -> u64 { x + 7 }")
    .file("src/strange/inner.rs", "pub fn first(x: u64) -> u64 { x + 8 }")
    .file("src/strange/other.rs", "pub fn second(x: u64) -> u64 { x + 9 }")
    .file("src/chosen.rs", "pub fn third(x: u64) -> u64 { x + 10 }")
    .file("src/choice.rs", "pub fn third(x: u64) -> u64 { x + 11 }")
    .expect([
        replace("src/beside.rs", "7", "6").misses(&["odd"]),
        replace("src/strange/inner.rs", "8", "6").misses(&["strange"]),
        replace("src/strange/other.rs", "9", "6").misses(&["strange"]),
        replace("src/chosen.rs", "10", "6").misses(&["chosen"]),
        replace("src/choice.rs", "11", "6").may_miss(&["chosen"]),
        replace("src/main.rs", "all()", "any()").misses(&["chosen"]),
    ]);
}

#[test]
fn data_included_as_text_and_bytes() {
    Scenario::new(
        r#"
        mod tables;
        const NAMES: &str = include_str!("../data/names.txt");

        #[rememo::memo]
        fn names(x: usize) -> usize { x + NAMES.lines().count() }

        #[rememo::memo]
        fn direct(x: usize) -> usize { x + include_bytes!("../data/raw.bin").len() }

        #[rememo::memo]
        fn table(x: usize) -> usize { x + tables::deep().len() }

        #[rememo::memo]
        fn absolute(x: usize) -> usize {
            x + include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/absolute.txt")).len()
        }
        "#,
    )
    .file("src/tables/mod.rs", "pub fn deep() -> &'static str { include_str!(\"deep.txt\") }")
    .file("src/tables/deep.txt", "deep")
    .file("data/names.txt", "one\ntwo\n")
    .file("data/raw.bin", "\0\u{1}\u{2}")
    .file("data/absolute.txt", "absolute")
    .file("data/unused.txt", "unused")
    .expect([
        replace("data/names.txt", "two", "two\nthree").misses(&["names"]),
        replace("data/raw.bin", "\0", "\0\0").misses(&["direct"]),
        replace("src/tables/deep.txt", "deep", "deeper").misses(&["table"]),
        replace("data/absolute.txt", "absolute", "another one").misses(&["absolute"]),
        replace("data/unused.txt", "unused", "not used").hits(),
    ]);
}

#[test]
fn data_included_through_a_macro() {
    Scenario::new(
        r#"
        macro_rules! data { ($name:literal) => { include_str!(concat!("../data/", $name)) }; }
        macro_rules! fixed { () => { include_str!("../data/fixed.txt") }; }

        #[rememo::memo]
        fn named(x: usize) -> usize { x + data!("named.txt").len() }

        #[rememo::memo]
        fn by_itself(x: usize) -> usize { x + fixed!().len() }

        #[rememo::memo]
        fn other(x: usize) -> usize { x }
        "#,
    )
    .file("data/named.txt", "named")
    .file("data/fixed.txt", "fixed")
    .expect([
        replace("data/named.txt", "named", "renamed").misses(&["named"]).may_miss(&["by_itself"]),
        replace("data/fixed.txt", "fixed", "not fixed").misses(&["by_itself"]).may_miss(&["named"]),
    ]);
}

#[test]
fn source_included_as_items_and_as_an_expression() {
    Scenario::new(
        r#"
        include!("items.rs");
        mod inside { include!("parts/more.rs"); }

        #[rememo::memo]
        fn items(x: u64) -> u64 { included(x) }

        #[rememo::memo]
        fn more(x: u64) -> u64 { inside::even_more(x) }

        #[rememo::memo]
        fn expression(x: u64) -> u64 { x + include!("expression.in") }
        "#,
    )
    .file(
        "src/items.rs",
        "fn included(x: u64) -> u64 { x + ADDEND }\nconst ADDEND: u64 = 7;\nfn helper() -> u64 { 5 }\n",
    )
    .file("src/parts/more.rs", "pub fn even_more(x: u64) -> u64 { x + 8 }\n")
    .file("src/expression.in", "9 + helper()\n")
    .expect([
        replace("src/items.rs", "7", "6").misses(&["items"]),
        replace("src/parts/more.rs", "8", "6").misses(&["more"]),
        replace("src/expression.in", "9", "6").misses(&["expression"]),
        replace("src/items.rs", "{ 5 }", "{ 6 }").misses(&["expression"]),
    ]);
}

#[test]
fn a_module_whose_file_is_replaced_by_another() {
    Scenario::new(
        r"
        mod model;

        #[rememo::memo]
        fn moved(x: u64) -> u64 { model::add(x) }
        ",
    )
    .file("src/model.rs", "pub fn add(x: u64) -> u64 { x + 7 }")
    .expect([
        remove("src/model.rs")
            .and(add("src/model/mod.rs", "pub fn add(x: u64) -> u64 { x + 8 }"))
            .misses(&["moved"]),
        rename("src/model.rs", "src/model/mod.rs").hits(),
    ]);
}

#[test]
fn what_is_no_rust_and_not_compiled() {
    Scenario::new(
        r"
        #[cfg(any())]
        mod broken;
        #[cfg(any())]
        mod missing;
        #[cfg(any())]
        mod inline { mod missing_too; fn broken() -> Nothing { nowhere::at::all!() } }
        mod sound;

        #[rememo::memo]
        fn helped(x: u64) -> u64 { sound::add(x) }
        ",
    )
    .file("src/broken.rs", "This isn't Rust at all: \"} fn ) {\n")
    .file("src/sound.rs", "pub fn add(x: u64) -> u64 { x + 7 }")
    .expect([
        replace("src/sound.rs", "7", "8").misses(&["helped"]),
        replace("src/broken.rs", "isn't", "is not").may_miss(&["helped"]),
        remove("src/broken.rs").may_miss(&["helped"]),
    ]);
}
