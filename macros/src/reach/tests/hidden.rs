//! What reaches a function by ways that its names do not show.

use std::fs;

use super::package::{Package, write};

const FOREIGN: &str = "[package]\nname = \"demo\"\nversion = \"1.0.0\"\n";

/// Asserts of edits of the first file whether the fingerprint of `f` changes with each.
#[track_caller]
fn changes(files: &[(&str, &str)], edits: &[(&str, &str, &str, bool)]) {
    let package = Package::new(files);
    let digest = || package.fingerprint("demo::f").digest;
    let before = digest();
    for (file, old, new, expected) in edits {
        let path = package.dir().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "there is no `{old}` in {file}");
        write(package.dir(), &[(*file, &text.replace(old, new))]);
        assert_eq!(digest() != before, *expected, "{file}: {old} -> {new}");
        fs::write(&path, text).unwrap();
    }
}

/// The same for a library alone.
#[track_caller]
fn changes_library(library: &str, edits: &[(&str, &str, bool)]) {
    let edits: Vec<_> =
        edits.iter().map(|&(old, new, expected)| ("src/lib.rs", old, new, expected)).collect();
    changes(&[("src/lib.rs", library)], &edits);
}

#[test]
fn methods_of_types_and_modules_of_the_standard_library() {
    changes_library(
        "fn f() { x.map(str::loudness); collections::HashMap::total(&map) } trait Loud { fn loudness(&self); } \
         impl Loud for str { fn loudness(&self) { 1 } } mod totals { pub trait Total { fn total(&self); } \
         impl<K, V> Total for std::collections::HashMap<K, V> { fn total(&self) { 2 } } } use totals::*;",
        &[("{ 1 }", "{ 3 }", true), ("{ 2 }", "{ 3 }", true)],
    );
}

#[test]
fn a_method_of_an_alias_whose_argument_is_inferred() {
    changes_library(
        "fn f() { Vec::new().width() } struct Cell; type Row = Vec<Cell>; trait Wide { fn width(&self); } \
         impl Wide for Row { fn width(&self) { 1 } }",
        &[("{ 1 }", "{ 2 }", true)],
    );
}

#[test]
fn items_in_a_macro_with_parameters_that_are_named_like_others() {
    let items = "fn width(height: u8) {} fn height() { 1 }";
    for library in [
        format!("fn f() {{ height() }} cfg_if! {{ if #[cfg(unix)] {{ {items} }} }}"),
        format!(
            "fn f() {{ height() }} macro_rules! on {{ ($($i:item)*) => {{ $($i)* }} }} on! {{ {items} }}"
        ),
    ] {
        changes_library(&library, &[("{ 1 }", "{ 2 }", true)]);
    }
}

#[test]
fn what_other_attributes_make_of_items() {
    changes_library(
        "fn f() { STEPS.iter(); shape.area() } #[distributed_slice] static STEPS: [fn(); 0]; \
         #[distributed_slice(STEPS)] static FIRST: fn() = first; fn first() { 1 } \
         trait Shape { fn area(&self); } mod m { struct Disc; #[typetag::serde] impl Shape for Disc { fn area(&self) { 2 } } } \
         #[ctor::ctor] fn begin() { STEPS; 3 } #[ctor::ctor] fn other() { 4 } fn plain() { 5 }",
        &[
            ("{ 1 }", "{ 6 }", true),
            ("{ 2 }", "{ 6 }", true),
            ("STEPS; 3", "STEPS; 6", true),
            ("{ 4 }", "{ 6 }", false),
            ("{ 5 }", "{ 6 }", false),
        ],
    );
}

#[test]
fn doc_comments_that_a_derive_macro_may_read() {
    changes_library(
        "fn f() { A; B }\n/// One.\n#[derive(JsonSchema)]\nstruct A {\n    /** Two.\n    Three. */\n    a: u8,\n    // Four.\n}\n\
         /// Five.\n#[derive(Clone, serde::Serialize)]\nstruct B;\n",
        &[
            ("One", "1", true),
            ("Two", "2", true),
            ("Three", "3", true),
            ("Four", "4", false),
            ("Five", "5", false),
        ],
    );
}

#[test]
fn files_that_macros_of_others_find_by_themselves() {
    let library = "fn f() { A; B; i18n!(\"locales\") } #[derive(Template)] #[template(path = \"pages/hello.html\")] struct A; \
                   #[derive(Embed)] #[folder = \"public\"] struct B; #[derive(Parser)] #[grammar = \"g.pest\"] struct C; \
                   fn g() { C }";
    let files = [
        ("Cargo.toml", FOREIGN),
        ("src/lib.rs", library),
        ("templates/pages/hello.html", "1"),
        ("templates/base.html", "1"),
        ("locales/en/a.yml", "1"),
        ("public/a.css", "1"),
        ("src/g.pest", "1"),
        ("g.pest", "1"),
        ("data/other.txt", "1"),
        (".hidden/a.txt", "1"),
    ];
    let edits = [
        ("templates/pages/hello.html", true),
        ("templates/base.html", true),
        ("locales/en/a.yml", true),
        ("public/a.css", true),
        ("src/g.pest", false),
        ("data/other.txt", false),
        (".hidden/a.txt", false),
    ];
    changes(&files, &edits.map(|(file, expected)| (file, "1", "2", expected)));
    let mut with_grammar = files;
    let library = library.replace("B; i18n", "B; g(); i18n");
    with_grammar[1].1 = &library;
    changes(&with_grammar, &["src/g.pest", "g.pest"].map(|file| (file, "1", "2", true)));
}

#[test]
fn a_macro_of_others_that_is_given_nothing_may_read_all_of_the_package() {
    for library in [
        "fn f() { crate_version!() }",
        "embed_migrations!(); fn f() {}",
        "fn f() { A } #[command(version)] struct A;",
    ] {
        let files = [
            ("Cargo.toml", FOREIGN),
            ("src/lib.rs", library),
            ("data/a.sql", "1"),
            ("target/debug/a.txt", "1"),
        ];
        changes(
            &files,
            &[
                ("Cargo.toml", "1.0.0", "2.0.0", true),
                ("data/a.sql", "1", "2", true),
                ("target/debug/a.txt", "1", "2", false),
            ],
        );
    }
    let files = [("Cargo.toml", FOREIGN), ("src/lib.rs", "fn f() { foreign!(x) }"), ("data/a.sql", "1")];
    changes(&files, &[("Cargo.toml", "1.0.0", "2.0.0", false), ("data/a.sql", "1", "2", false)]);
}

#[test]
fn modules_that_a_macro_declares_by_their_directory() {
    let files = [
        ("src/lib.rs", "automod::dir!(\"src/parts\"); fn f() { one::a() } fn b() { 1 }"),
        ("src/parts/one.rs", "pub fn a() { crate::b(); 2 }"),
    ];
    changes(&files, &[("src/parts/one.rs", "2", "3", true), ("src/lib.rs", "{ 1 }", "{ 3 }", true)]);
}

#[test]
fn code_of_other_languages_that_the_build_script_compiles() {
    let files = [
        ("src/lib.rs", "fn f() { unsafe { score() } } unsafe extern \"C\" { fn score(); } fn g() {}"),
        ("build.rs", "fn main() { compile(\"c/score.c\") }"),
        ("c/score.c", "1"),
    ];
    changes(&files, &[("c/score.c", "1", "2", true)]);
    let mut others = files;
    others[0].1 = "fn f() {} unsafe extern \"C\" { fn score(); }";
    changes(&others, &[("c/score.c", "1", "2", false)]);
}

/// Cargo notes them when a library is finished, and compiles what depends on it before.
#[test]
fn features_of_a_crate_that_are_not_noted_yet() {
    let package = Package::new(&[
        ("Cargo.toml", "[package]\nname = \"demo\"\n[dependencies]\nrand = \"1\"\n"),
        ("Cargo.lock", "[[package]]\nname = \"rand\"\nversion = \"1\"\nsource = \"registry+x\"\n"),
        ("src/lib.rs", "fn f() { rand::random() } fn g() {}"),
    ]);
    let digest = |function, library| package.fingerprint_with(function, &[library]).digest;
    assert_ne!(digest("demo::f", "rand=1"), digest("demo::f", "rand=2"));
    assert_eq!(digest("demo::g", "rand=1"), digest("demo::g", "rand=2"));
}

#[test]
fn what_is_for_tests_alone_does_not_count_where_none_are_compiled() {
    let library = "use a::b; fn f() { b(); A.c() } mod a { pub fn b() {} } struct A; impl A { fn c(&self) {} \
                   #[cfg(test)] fn d(&self) { b(); 1 } } #[cfg(all(test, unix))] impl Drop for A { fn drop(&mut self) { 2 } } \
                   #[test] fn b() { 3 } #[bench] fn b() { 4 } #[cfg(test)] mod tests { use super::*; impl Clone for A {} } \
                   #[cfg(any(test, unix))] impl Iterator for A { fn next(&mut self) { 5 } } mod b;";
    let files =
        [("src/lib.rs", library), ("src/b.rs", "#![cfg(test)] impl Copy for super::A { const B: u8 = 6; }")];
    changes(
        &files,
        &[
            ("src/lib.rs", "b(); 1", "b(); 7", false),
            ("src/lib.rs", "{ 2 }", "{ 7 }", false),
            ("src/lib.rs", "{ 3 }", "{ 7 }", false),
            ("src/lib.rs", "{ 4 }", "{ 7 }", false),
            ("src/lib.rs", "impl Clone for A", "impl Clone for crate::A", false),
            ("src/lib.rs", "{ 5 }", "{ 7 }", true),
            ("src/b.rs", "6", "7", false),
        ],
    );
}
