//! Edits of a memoized function itself: which of them are misses, and which leave everything a hit.

use crate::package::{Edit, Package, library, program, replace};

const PRICE: &str = "
use rememo::memo;

#[memo]
fn price(item: u64, day: u64) -> u64 {
    let base = item * 10;
    match day {
        0 => base,
        _ => base + day,
    }
}
";

fn edit(old: &str, new: &str) -> Edit {
    replace("src/main.rs", old, new)
}

#[test]
fn an_edit_of_the_function_is_a_miss_and_undoing_it_a_hit_again() {
    Package::new("edited").main(PRICE, "show!(price(3, 4));").expect([
        edit("item * 10", "item * 100").misses(&["price"]),
        Edit::default().hits(),
        edit("base + day", "base * day").misses(&["price"]),
    ]);
}

#[test]
fn an_edit_that_is_none_for_the_compiler_is_a_hit() {
    Package::new("seen").main(PRICE, "show!(price(3, 4));").expect([
        edit("let base", "// How much it is on the first day.\n    let /* the */ base").hits(),
        edit("#[memo]", "#[memo]\n/// Says what an item costs.").hits(),
        edit("#[memo]", "#[memo(ttl = \"1d\")]").hits(),
        edit("fn price", "pub(crate) fn price").hits(),
        edit("(item: u64, day: u64)", "(\n    item: u64,\n    day: u64,\n)").hits(),
        edit("base + day", "base+day").hits(),
        edit("0 => base,", "0 => base ,").hits(),
        edit("#[memo]", "fn unrelated() -> u64 { 7 }\n\nconst _: fn() -> u64 = unrelated;\n\n#[memo]").hits(),
    ]);
}

#[test]
fn an_edit_is_a_miss_even_if_the_result_is_the_same() {
    let mut package = Package::new("same_result").main(PRICE, "show!(price(3, 4));");
    package.start();
    for edit in [
        edit("0 =>", "1 =>"),
        edit("#[memo]", "#[memo(version = 2)]"),
        edit("#[memo]", "#[memo(ignore(day))]"),
    ] {
        let report = package.edited(&edit);
        report.assert_sound("the edited package");
        assert_eq!(report.missed(), ["price"], "{edit}");
    }
}

#[test]
fn the_macro_works_in_edition_2021_and_under_another_name() {
    let manifest = format!(
        "[package]\nname = \"renamed\"\nedition = \"2021\"\n\n[dependencies]\n\
         kept = {{ package = \"rememo\", path = \"{}\" }}\n\n[workspace]\n",
        library().display()
    );
    let source = "
#![deny(warnings)]
use kept::memo;

#[memo(crate = kept)]
fn price<'a>(item: &'a u64, day: &u64) -> u64 {
    *item * 10 + *day
}
";
    let body = "let _ = price;\n    show!(price(&3, &4));";
    let mut package = Package::new("renamed")
        .file("Cargo.toml", manifest)
        .file("src/main.rs", program(source, body).replace("rememo::Memory", "kept::Memory"));
    let report = package.start();
    assert_eq!(report.values("price"), [("34", "34")]);
}
