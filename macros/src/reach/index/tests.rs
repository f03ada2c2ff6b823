use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::reach::tests::package::{Package, fingerprint, paths, write};

/// A library of these files, whose `f` is memoized.
fn package(files: &[(&str, &str)]) -> Package {
    Package::new(files)
}

/// Asserts what `f` reaches, apart from itself.
#[track_caller]
fn reaches(files: &[(&str, &str)], expected: &[&str]) {
    let reached = package(files).reached("demo::f");
    let reached: Vec<&str> = reached.iter().map(String::as_str).filter(|path| *path != "demo::f").collect();
    assert_eq!(reached, expected, "{files:?}");
}

/// Asserts whether the fingerprint of `f` changes with a file.
#[track_caller]
fn matters(package: &Package, file: &str, text: &str, expected: bool) {
    let before = package.fingerprint("demo::f").digest;
    let old = fs::read(package.dir().join(file)).ok();
    write(package.dir(), &[(file, text)]);
    let changed = package.fingerprint("demo::f").digest != before;
    assert_eq!(changed, expected, "{file} becomes `{text}`");
    let restored = match old {
        Some(old) => fs::write(package.dir().join(file), old),
        None => fs::remove_file(package.dir().join(file)),
    };
    restored.unwrap();
}

const PATH_DEPENDENCY: &str = "[package]\nname = \"demo\"\n[dependencies]\nmy-dep = { path = \"dep\" }\n";

#[test]
fn modules_are_found_in_all_places_where_they_may_be() {
    for (lib, module) in [
        ("mod m; fn f() { m::a() }", "src/m.rs"),
        ("mod m; fn f() { m::a() }", "src/m/mod.rs"),
        ("#[path = \"other/x.rs\"] mod m; fn f() { m::a() }", "src/other/x.rs"),
        ("#[cfg_attr(unix, path = \"unix.rs\")] mod m; fn f() { m::a() }", "src/unix.rs"),
        ("mod n { pub mod m; } fn f() { n::m::a() }", "src/n/m.rs"),
        ("mod n { #[path = \"x.rs\"] pub mod m; } fn f() { n::m::a() }", "src/n/x.rs"),
        ("#[path = \"p\"] mod n { pub mod m; } fn f() { n::m::a() }", "src/p/m.rs"),
        ("macro_rules! on { ($($i:item)*) => {} } on! { #[cfg(x)] mod m; } fn f() { m::a() }", "src/m.rs"),
        ("fn f() { m::a() } mod r#m;", "src/m.rs"),
    ] {
        let reached = package(&[("src/lib.rs", lib), (module, "pub fn a() {} fn b() {}")]).reached("demo::f");
        let of_module: Vec<_> = reached.iter().filter(|path| path.ends_with("m::a")).collect();
        assert_eq!(of_module.len(), 1, "{lib}, {module}: {reached:?}");
        assert!(!reached.iter().any(|path| path.ends_with("::b")), "{lib}, {module}");
    }
}

#[test]
fn modules_of_modules_are_in_their_folders() {
    let files = [
        ("src/lib.rs", "mod m; mod n; fn f() { a(); m::o::b(); n::p::c() }"),
        ("src/m.rs", "pub mod o;"),
        ("src/m/o.rs", "pub fn b() {}"),
        ("src/n/mod.rs", "pub mod p;"),
        ("src/n/p/mod.rs", "pub fn c() {}"),
        ("src/o.rs", "pub fn a() {}"),
    ];
    reaches(&files, &["demo::m::o::b", "demo::n::p::c"]);
}

#[test]
fn a_file_that_is_no_rust_is_reached_by_everything() {
    for text in ["fn a() {", "\"", "/*"] {
        reaches(&[("src/lib.rs", "mod m; fn f() {}"), ("src/m.rs", text)], &["file src/m.rs"]);
    }
    reaches(&[("src/lib.rs", "mod m; fn f() {}"), ("src/m.rs", "no items; here { }")], &["demo::m::?"]);
    reaches(&[("src/lib.rs", "mod missing; fn f() { missing::a() }")], &["demo::missing"]);
}

#[test]
fn files_that_include_themselves_are_read_to_an_end() {
    reaches(
        &[
            ("src/lib.rs", "fn f() { a() } #[path = \"lib.rs\"] mod m; include!(\"a.rs\");"),
            ("src/a.rs", "fn a() {} include!(\"a.rs\");"),
        ],
        &["demo::a"],
    );
}

#[test]
fn included_code_belongs_to_the_module_that_includes_it() {
    let files = [
        ("src/lib.rs", "include!(\"gen/a.rs\"); fn f() { a() } fn b() {} fn c() {}"),
        ("src/gen/a.rs", "pub fn a() { b() } fn d() {}"),
    ];
    let reached = package(&files).reached("demo::f");
    assert!(reached.is_superset(&["demo::a", "demo::b"].map(str::to_owned).into()), "{reached:?}");
    assert!(!reached.contains("demo::c") && !reached.contains("demo::d"), "{reached:?}");
    let files = [
        ("src/lib.rs", "fn f() { let x = include!(\"a.rs\"); } fn b() {} fn c() {}"),
        ("src/a.rs", "{ b() }"),
    ];
    reaches(&files, &["code src/a.rs", "demo::b"]);
}

#[test]
fn data_that_code_reads_is_covered_with_its_content() {
    let lib = "fn f() { a() } fn a() { include_str!(\"../data/a.txt\") } fn b() { include_str!(\"b.txt\") }";
    let files = [("src/lib.rs", lib), ("data/a.txt", "1"), ("src/b.txt", "1")];
    reaches(&files, &["demo::a", "file data/a.txt"]);
    let package = package(&files);
    matters(&package, "data/a.txt", "2", true);
    matters(&package, "src/b.txt", "2", false);
}

#[test]
fn of_a_path_that_is_known_in_part_the_whole_directory_counts() {
    let lib = "macro_rules! load { ($a:literal) => { include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/\", $a)) } } \
               fn f() { load!(\"a.bin\") }";
    let files = [
        ("src/lib.rs", lib),
        ("data/a.bin", ""),
        ("data/sub/b.bin", ""),
        ("data/.hidden", ""),
        ("c.bin", ""),
    ];
    reaches(&files, &["demo::load", "file data/a.bin", "file data/sub/b.bin"]);
}

#[test]
fn a_string_given_to_a_macro_may_be_a_file_or_directory_of_the_package() {
    for (function, expected) in [
        ("fn f() { foreign!(\"data/a.sql\") }", &["file data/a.sql"][..]),
        ("fn f() { foreign!(\"b.sql\") }", &["file src/b.sql"]),
        ("fn f() { foreign!(\"data/\") }", &["file data/a.sql", "file data/c.sql"]),
        ("#[foreign(path = \"data/c.sql\")] fn f() {}", &["file data/c.sql"]),
        ("fn f() { println!(\"data/a.sql\") }", &[]),
        ("fn f() { foreign!(\"missing.sql\") }", &[]),
    ] {
        let files = [("src/lib.rs", function), ("data/a.sql", ""), ("data/c.sql", ""), ("src/b.sql", "")];
        reaches(&files, expected);
    }
}

#[test]
fn variables_are_covered_with_their_values() {
    reaches(
        &[(
            "src/lib.rs",
            "fn f() { a(); env!(\"OUT_DIR\") } fn a() { option_env!(\"REMEMO_UNSET\") } fn b() { env!(\"PATH\") }",
        )],
        &["demo::a", "env REMEMO_UNSET"],
    );
}

#[test]
fn crates_with_a_path_are_reached_like_modules() {
    let dep = ("dep/Cargo.toml", "[package]\nname = \"my-dep\"");
    let lib = "pub fn a() { m::b() } pub fn c() {} mod m { pub fn b() {} } pub struct S; impl S { pub fn s(&self) {} }";
    for (source, expected) in [
        ("fn f() { my_dep::a() }", &["my_dep::a", "my_dep::m::b"][..]),
        ("use my_dep::a; fn f() { a() }", &["demo::use my_dep::a as a", "my_dep::a", "my_dep::m::b"]),
        ("use my_dep::*; fn f() { c() }", &["demo::use my_dep::*", "my_dep::c"]),
        ("fn f(s: my_dep::S) { s.s() }", &["my_dep::S", "my_dep::S::s"]),
        ("extern crate my_dep as d; fn f() { d::c() }", &["demo::use my_dep as d", "my_dep::c"]),
        ("fn f() { a() }", &[]),
        ("use my_dep::a; fn f() { b() } fn b() {}", &["demo::b"]),
    ] {
        reaches(
            &[("Cargo.toml", PATH_DEPENDENCY), dep, ("dep/src/lib.rs", lib), ("src/lib.rs", source)],
            expected,
        );
    }
}

#[test]
fn of_another_crate_only_predicates_that_are_common_can_be_evaluated_and_the_features_count() {
    let lib = "pub fn a() { if cfg!(unix) {} } #[cfg(feature = \"x\")] pub fn a() {} pub fn b() {}";
    let package = package(&[
        ("Cargo.toml", PATH_DEPENDENCY),
        ("dep/Cargo.toml", "[package]\nname = \"my-dep\""),
        ("dep/src/lib.rs", lib),
        ("src/lib.rs", "fn f() { my_dep::a() } fn g() { my_dep::b() }"),
    ]);
    let fingerprint = package.fingerprint("demo::f");
    assert_eq!(fingerprint.predicates, BTreeSet::from(["unix".to_owned()]));
    assert!(paths(&fingerprint).contains("features of my_dep"));
    assert!(!package.reached("demo::g").contains("features of my_dep"));
}

#[test]
fn crates_are_known_by_every_name_they_are_given() {
    let manifest = "[package]\nname = \"demo\"\n[dependencies]\nx = { package = \"one\", path = \"one\" }\ntwo = { path = \"two\" }\n\
                    [dev-dependencies]\nthree = { path = \"three\" }\n";
    let files = [
        ("Cargo.toml", manifest),
        (
            "one/Cargo.toml",
            "[package]\nname = \"one\"\n[dependencies]\ny = { package = \"two\", path = \"../two\" }",
        ),
        ("one/src/lib.rs", "pub fn a() { y::b() }"),
        (
            "two/Cargo.toml",
            "[package]\nname = \"two\"\n[lib]\nname = \"second\"\n[dev-dependencies]\nfour = { path = \"../four\" }",
        ),
        ("two/src/lib.rs", "pub fn b() { four::d() }"),
        ("three/Cargo.toml", "[package]\nname = \"three\""),
        ("three/src/lib.rs", "pub fn c() {}"),
        ("four/Cargo.toml", "[package]\nname = \"four\""),
        ("four/src/lib.rs", "pub fn d() {}"),
    ];
    for (function, expected) in [
        ("fn f() { x::a() }", &["one::a", "second::b"][..]),
        ("fn f() { second::b() }", &["second::b"]),
        ("fn f() { three::c() }", &["three::c"]),
        ("fn f() { four::d() }", &[]),
    ] {
        reaches(&[&files[..], &[("src/lib.rs", function)]].concat(), expected);
    }
}

#[test]
fn a_crate_of_macros_is_reached_as_a_whole_by_any_name_that_it_exports() {
    let manifest = "[package]\nname = \"demo\"\n[dependencies]\nmacros = { path = \"macros\" }\n";
    let files = [
        ("Cargo.toml", manifest),
        ("macros/Cargo.toml", "[package]\nname = \"macros\"\n[lib]\nproc-macro = true"),
        (
            "macros/src/lib.rs",
            "mod m; #[proc_macro] pub fn make(x: T) -> T { m::a() } #[proc_macro_attribute] pub fn wrap(a: T, b: T) -> T {} \
             #[proc_macro_derive(Show, attributes(show))] pub fn derive(x: T) -> T {}",
        ),
        ("macros/src/m.rs", "pub fn a() {}"),
    ];
    let all = ["macros::derive", "macros::m::a", "macros::make", "macros::wrap"];
    for (source, expected) in [
        ("use macros::make; fn f() { make!(x) }", &["demo::use macros::make as make"][..]),
        ("use macros::*; fn f(x: S) {} #[derive(Show)] struct S;", &["demo::S", "demo::use macros::*"]),
        ("#[macros::wrap] fn f() {}", &[]),
    ] {
        let mut expected = [expected, &all].concat();
        expected.sort_unstable();
        reaches(&[&files[..], &[("src/lib.rs", source)]].concat(), &expected);
    }
    reaches(&[&files[..], &[("src/lib.rs", "fn f() { a() }")]].concat(), &[]);
}

#[test]
fn crates_of_a_registry_are_reached_by_name_with_what_is_locked() {
    let manifest = "[package]\nname = \"demo\"\n[dependencies]\nrand = \"1\"\nmy-name = { package = \"libc\", version = \"1\" }\nrememo = \"1\"\n";
    let locked = |version: &str| {
        let package = |name: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+x\"\n")
        };
        ["rand", "libc", "rememo", "unicode"].map(package).concat()
    };
    for (source, expected) in [
        ("fn f() { rand::random() }", &["crate rand"][..]),
        ("use my_name::a; fn f() { a() }", &["crate libc", "demo::use my_name::a as a"]),
        ("fn f() { libc::a(); unicode::b(); rememo::c() }", &[]),
    ] {
        let files = [("Cargo.toml", manifest), ("Cargo.lock", &locked("1.0.0")), ("src/lib.rs", source)];
        reaches(&files, expected);
        matters(&package(&files), "Cargo.lock", &locked("1.0.1"), !expected.is_empty());
    }
}

#[test]
fn a_library_of_another_name_than_its_package_is_any_that_it_may_be() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"demo\"\n[dependencies]\nrs-odd = \"1\"\nrand = \"1\"\n"),
        (
            "Cargo.lock",
            "[[package]]\nname = \"rs-odd\"\nversion = \"1\"\nsource = \"registry+x\"\n\
             [[package]]\nname = \"rand\"\nversion = \"1\"\nsource = \"registry+x\"\n",
        ),
        ("src/lib.rs", "fn f() {}"),
    ];
    for (body, expected) in [("odd::a()", "crate rs-odd"), ("rand::a()", "crate rand")] {
        let mut index = package(&files).index(&["odd", "rand"]);
        let own = Tokens::lex(format!("fn f() {{ {body} }}")).unwrap();
        let item = (0u32..).zip(&index.items).find(|(_, entry)| entry.path == "demo::f").unwrap().0;
        let reached = paths(&fingerprint(&mut index, &own, "f", &[item]));
        assert_eq!(reached, BTreeSet::from([expected, "demo::f"].map(str::to_owned)), "{body}");
    }
}

#[test]
fn functions_are_found_by_file_line_and_name() {
    let package = package(&[(
        "src/lib.rs",
        "fn a() {}\n#[memo]\nfn b() {} fn c() {}\nimpl D {\n    fn b(&self) {}\n}\nmake! {\n    fn e() {}\n}\n",
    )]);
    let index = package.index(&[]);
    let file = fs::canonicalize(package.dir().join("src/lib.rs")).unwrap();
    let found = |line, name| {
        let items = index.functions(&file, line, name).into_iter();
        items.map(|item| index.path_of(index.entry(item), name)).collect::<Vec<_>>()
    };
    assert_eq!(found(3, "b"), ["demo::b"]);
    assert_eq!(found(3, "c"), ["demo::c"]);
    assert_eq!(found(5, "b"), ["demo::D::b"]);
    assert_eq!(found(8, "e"), ["demo::e"], "in the input of a macro");
    assert_eq!(found(2, "b"), [""; 0]);
    assert_eq!(found(3, "e"), [""; 0]);
    assert!(index.functions(Path::new("elsewhere.rs"), 3, "b").is_empty());
}

#[test]
fn the_place_of_files_does_not_matter() {
    let files = [("src/lib.rs", "mod m; fn f() { m::a() }"), ("src/m.rs", "pub fn a() {}")];
    let moved =
        [("src/lib.rs", "mod m; fn f() { m::a() }"), ("src/m/mod.rs", "\n\n// Moved.\npub fn a() {}")];
    let inline = [("src/lib.rs", "mod m { pub fn a() {} } fn b() {} fn f() { m::a() }")];
    let digest = |files: &[(&str, &str)]| package(files).fingerprint("demo::f").digest;
    assert_eq!(digest(&files), digest(&moved));
    assert_eq!(digest(&files), digest(&inline));
    let changed = [files[0], ("src/m.rs", "pub fn a() { 1 }")];
    assert_ne!(digest(&files), digest(&changed));
}
