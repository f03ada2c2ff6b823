//! What functions of small packages are told to read.

use super::names::NAMES;
use crate::reach::tests::package::Package;

/// What `demo::f` reads, each with its place and the way to it.
#[track_caller]
fn effects_of(files: &[(&str, &str)]) -> Vec<String> {
    let fingerprint = Package::new(files).fingerprint("demo::f");
    let line =
        |effect: &super::Effect| format!("{} {} {}", effect.name, effect.place, effect.way.join(" → "));
    fingerprint.effects.iter().map(line).collect()
}

#[track_caller]
fn expect(lib: &str, effects: &[&str]) {
    assert_eq!(effects_of(&[("src/lib.rs", lib)]), effects, "{lib}");
}

#[test]
fn every_name_is_told_by_its_path_and_through_an_import() {
    for listed in NAMES {
        let path = listed.replace("::**", "::some").replace('*', "any");
        let (module, function) = path.rsplit_once("::").unwrap();
        let short = module.rsplit("::").next().unwrap();
        let mut ways = vec![
            (String::new(), path.clone()),
            (format!("use {path};"), function.to_owned()),
            (format!("use {module};"), format!("{short}::{function}")),
            (format!("use {module} as other;"), format!("other::{function}")),
        ];
        if !listed.ends_with('*') {
            ways.push((format!("use {module}::*;"), function.to_owned()));
        }
        for (import, call) in ways {
            let lib = format!("{import}\nfn f() {{ let _ = {call}(); }}\n");
            expect(&lib, &[&format!("{path} src/lib.rs:2 f")]);
        }
    }
}

#[test]
fn the_table_is_in_order_and_names_nothing_twice() {
    let crates = |names: &[&str]| names.iter().position(|name| !name.starts_with("std::")).unwrap();
    let (std, others) = NAMES.split_at(crates(&NAMES));
    assert!(std.is_sorted() && others.is_sorted());
    assert!(NAMES.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn the_way_is_told() {
    let lib = "mod deep;\nuse deep::Settings;\nfn f() { g() }\nfn g() { Settings::load().size() }\n";
    let deep = "use std::{env, fs as files};\npub struct Settings;\nimpl Settings {\n  pub fn load() -> Self { read(); Settings }\n  \
                pub fn size(&self) { files::read(\"x\"); }\n  pub fn other(&self) { std::process::id(); }\n}\n\
                fn read() { env::var(\"A\"); }\n";
    let effects = effects_of(&[("src/lib.rs", lib), ("src/deep.rs", deep)]);
    let expected = [
        "std::env::var src/deep.rs:8 f → g → deep::Settings::load → deep::read",
        "std::fs::read src/deep.rs:5 f → g → deep::Settings::size",
    ];
    assert_eq!(effects, expected);
}

#[test]
fn methods_of_traits_are_followed_by_name() {
    let lib = "trait Shape { fn area(&self) -> f64; fn name(&self) {} fn twice(&self) { self.area(); } }\nstruct Disc;\nimpl Shape for Disc {\n  \
               fn area(&self) -> f64 { std::env::args(); 0.0 }\n  fn name(&self) { std::process::id(); }\n}\n";
    let told = "std::env::args src/lib.rs:4";
    expect(&format!("{lib}fn f() {{ Disc.area(); }}"), &[&format!("{told} f → impl Shape for Disc::area")]);
    expect(
        &format!("{lib}fn f() {{ <Disc as Shape>::area(&Disc); }}"),
        &[&format!("{told} f → impl Shape for Disc::area")],
    );
    expect(
        &format!("{lib}fn f() {{ Shape::area(&Disc); }}"),
        &[&format!("{told} f → impl Shape for Disc::area")],
    );
    let through = format!("{told} f → Shape::twice → impl Shape for Disc::area");
    expect(&format!("{lib}fn f() {{ Disc.twice(); }}"), &[&through]);
}

#[test]
fn statics_that_change_are_told_and_others_not() {
    for (of_static, told) in [
        ("static mut COUNT: u32 = 0;", Some("static mut COUNT")),
        ("static COUNT: AtomicU32 = AtomicU32::new(0);", Some("static COUNT")),
        ("static COUNT: std::sync::Mutex<Vec<u32>> = std::sync::Mutex::new(vec![]);", Some("static COUNT")),
        ("static COUNT: LazyLock<Mutex<u32>> = LazyLock::new(Default::default);", Some("static COUNT")),
        ("static COUNT: LazyLock<Regex> = LazyLock::new(|| Regex::new(\"a\"));", None),
        ("static COUNT: OnceLock<u32> = OnceLock::new();", None),
        ("static COUNT: [u32; 2] = [1, 2];", None),
        (
            "thread_local! { static OTHER: Cell<u32> = Cell::new(0); static COUNT: RefCell<u32> = RefCell::new(0); }",
            Some("static COUNT"),
        ),
    ] {
        let told = told.map(|name| format!("{name} src/lib.rs:1 "));
        let effects = effects_of(&[("src/lib.rs", &format!("{of_static}\nfn f() {{ g(&COUNT); }}\n"))]);
        assert_eq!(effects.len(), usize::from(told.is_some()), "{of_static} {effects:?}");
        assert!(told.is_none_or(|told| effects[0].starts_with(&told)), "{of_static} {effects:?}");
    }
}

#[test]
fn functions_of_extern_blocks_are_told() {
    let lib = "unsafe extern \"C\" {\n  fn getpid() -> i32;\n  fn abs(x: i32) -> i32;\n}\nfn f() { unsafe { getpid(); } }\n";
    expect(lib, &["extern getpid src/lib.rs:2 f → getpid"]);
}

#[test]
fn what_is_passed_as_a_value_is_followed_and_so_are_macros() {
    expect(
        "fn g(_: u32) { std::process::id(); }\nfn f() { [1].into_iter().for_each(g); }",
        &["std::process::id src/lib.rs:1 f → g"],
    );
    expect(
        "macro_rules! now { () => { std::time::Instant::now() } }\nfn f() { now!(); }",
        &["std::time::Instant::now src/lib.rs:1 f → now"],
    );
    expect(
        "fn f() {\n  use std::time::Instant as Clock;\n  fn g() { Clock::now(); }\n  g();\n}",
        &["std::time::Instant::now src/lib.rs:3 f"],
    );
}

#[test]
fn what_is_not_meant_or_not_reached_is_not_told() {
    for lib in [
        "/// Calls std::env::var.\nfn f() { /* std::process::id() */ let _ = \"std::env::var(x)\"; }",
        "fn f() {}\nfn g() { std::process::id(); }",
        "mod env { pub fn var(_: &str) {} }\nfn f() { env::var(\"x\"); }",
        "struct Instant;\nimpl Instant { fn now() {} }\nfn f() { Instant::now(); }",
        "mod other { pub fn id() { std::process::id(); } }\nfn f() { let id = 3; drop(id); id.pow(2); }",
        "mod other { pub fn helper() { std::process::id(); } }\nfn helper() {}\nfn f() { helper(); other::CONST; }",
        "struct A;\nimpl A { fn size(&self) { std::process::id(); } }\nfn f(a: &A) { a.size; }",
        "fn f(file: &std::fs::File, at: std::time::Instant) { println!(\"{at:?}\"); }",
        "use std::time::{Duration, Instant};\nfn f(a: Instant) -> Duration { Duration::ZERO }",
        "use std::fs::File;\nfn f(x: &str) -> Option<&File> { None }",
        "#[cfg(test)]\nmod tests { fn g() { std::process::id(); } }\nfn f() {}",
        "fn f() { std::env::consts::OS; env!(\"CARGO_PKG_NAME\"); }",
        "fn f(fastrand: u32) -> u32 { fastrand }",
        "use std::process::*;\nfn id() {}\nfn f() { id(); }",
        "use fs_err::*;\nfn f() { drop(3); }",
        "struct A;\ntrait T { fn now(); fn id() { std::process::id(); } }\nimpl T for A { fn now() {} }\nfn f() { A::now(); }",
    ] {
        expect(lib, &[]);
    }
}
