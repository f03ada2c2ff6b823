//! Machine code in the key: what runs decides, and the source carries over to other builds.
//!
//! Each edit is made to a program whose machine code counts; all other tests
//! with packages look at sources alone.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use crate::package::{Edit, Package, add, member, replace};

const PROGRAM: &str = r#"
use rememo::memo;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Point { pub x: u64, pub label: String }

pub trait Shape { fn area(&self) -> u64; fn name(&self) -> u64 { 1 } }
pub struct Square(u64);
pub struct Circle(u64);
impl Shape for Square { fn area(&self) -> u64 { self.0 * self.0 } }
impl Shape for Circle { fn area(&self) -> u64 { self.0 * 3 } }

const UNUSED: u64 = 5;
static TABLE: [u64; 4] = [2, 3, 5, 7];

macro_rules! helpers {
    ($($name:ident $factor:expr;)*) => { $(fn $name(x: u64) -> u64 { x * $factor })* };
}
helpers! { double 2; triple 3; }

pub struct Model { rate: u64 }
impl Model {
    fn rate(&self) -> u64 { self.rate + 1 }
    fn other_rate(&self) -> u64 { self.rate + 2 }
}

#[memo] fn point(x: u64) -> Point { Point { x: double(x), label: format!("at {x}") } }
#[memo] fn looked_up(x: usize) -> u64 { TABLE[x] }
#[memo] fn area(x: u64) -> u64 {
    let shape: Box<dyn Shape> = if x > 5 { Box::new(Square(x)) } else { Box::new(Circle(x)) };
    shape.area()
}
#[memo] fn rated(x: u64) -> u64 { Model { rate: x }.rate() }
#[memo] fn nested(x: u64) -> u64 { rated(x) + 1 }
#[memo] fn text(x: u64) -> String { format!("{} {x}", include_str!("greeting.txt")) }
#[memo] fn generic<T: Into<u64> + serde::Serialize + 'static>(x: T) -> u64 { x.into() + 1 }
"#;

const CALLS: &str = "show!(point(1)); show!(looked_up(2)); show!(area(9)); show!(rated(4)); show!(nested(4)); \
                     show!(text(3)); show_as!(\"generic\", generic::delayed(7_u32), generic::uncached(7_u32));";

fn package(name: &'static str) -> Package {
    Package::new(name)
        .with_machine_code()
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .file("src/greeting.txt", "hello")
        .main(PROGRAM, CALLS)
}

fn edit(old: &str, new: &str) -> Edit {
    replace("src/main.rs", old, new)
}

#[test]
fn an_edit_of_what_runs_is_a_miss_of_who_reaches_it_and_of_nobody_else() {
    package("what_runs").expect([
        edit("double 2;", "double 4;").misses(&["point"]),
        edit("2, 3, 5, 7", "2, 3, 6, 7").misses(&["looked_up"]),
        edit("self.0 * self.0", "self.0 * self.0 + 1").misses(&["area"]),
        edit("self.rate + 1", "self.rate + 9").misses(&["rated", "nested"]),
        edit("rated(x) + 1", "rated(x) + 8").misses(&["nested"]),
        edit("x.into() + 1", "x.into() + 5").misses(&["generic"]),
        replace("src/greeting.txt", "hello", "goodbye").misses(&["text"]),
        // How the value is written; what it is stays the same.
        edit("pub label:", "#[serde(rename = \"name\")] pub label:").may_miss(&["point"]),
    ]);
}

#[test]
fn an_edit_of_what_does_not_run_leaves_everything_a_hit() {
    package("does_not_run").expect([
        edit("use rememo::memo;", "// One line more.\n\nuse rememo::memo;"),
        edit("triple 3;", "triple 4; quadruple 4;"),
        edit("UNUSED: u64 = 5", "UNUSED: u64 = 6"),
        edit("self.rate + 2", "self.rate + 3"),
        edit("#[memo] fn looked_up", "#[memo(compress = false)] fn looked_up"),
        edit("impl Model {", "impl Model {\n    pub fn new() -> Self { Model { rate: 0 } }\n"),
        edit("pub struct Circle", "#[derive(Clone)] pub struct Circle"),
        add("src/unused.rs", "pub fn unused() -> u64 { 1 }")
            .and(edit("use rememo::memo;", "mod unused;\nuse rememo::memo;")),
    ]);
}

#[test]
fn the_source_carries_entries_over_to_other_settings_and_not_past_an_edit() {
    let profile = "[workspace]\n[profile.dev.package.other_settings]\nopt-level = 2\n";
    let optimized = || replace("Cargo.toml", "[workspace]\n", profile);
    let mut package = package("other_settings");
    let base = package.start();
    for (edit, misses) in [
        (optimized(), &[][..]),
        (optimized(), &[]),
        (optimized().and(edit("double 2;", "double 4;")), &["point"]),
        (optimized().and(edit("UNUSED: u64 = 5", "UNUSED: u64 = 6")), &[]),
        (optimized(), &[]),
        (Edit::default(), &[]),
    ] {
        let report = package.edited(&edit);
        report.assert_sound("other_settings");
        assert_eq!(report.functions(), base.functions());
        assert_eq!(report.missed(), misses, "{edit}");
    }
}

/// The source of the function, and of all that it names, stays as it is.
#[test]
fn c_code_that_a_build_script_compiles_is_a_part_of_what_runs() {
    Package::new("c_code")
        .with_machine_code()
        .manifest("[build-dependencies]\ncc = \"1\"\n")
        .file("build.rs", "fn main() { cc::Build::new().file(\"scale.c\").compile(\"scale\"); println!(\"cargo::rerun-if-changed=scale.c\"); }")
        .file("scale.c", "unsigned long scale(unsigned long x) { return x * 3; }\nunsigned long other(unsigned long x) { return x; }\n")
        .main(
            "unsafe extern \"C\" { safe fn scale(x: u64) -> u64; }
            #[rememo::memo] fn scaled(x: u64) -> u64 { scale(x) }
            #[rememo::memo] fn plain(x: u64) -> u64 { x + 1 }",
            "show!(scaled(5)); show!(plain(5));",
        )
        .expect([
            replace("scale.c", "x * 3", "x * 4").misses(&["scaled"]),
            replace("scale.c", "{ return x; }", "{ return x + 1; }").hits(),
        ]);
}

/// Of a dependency by path, and through a generic function of it.
#[test]
fn other_crates_are_a_part_of_what_runs() {
    Package::new("other_crates")
        .with_machine_code()
        .dependency("other_crates_part = { path = \"part\" }")
        .file("part/Cargo.toml", member("other_crates_part", ""))
        .file(
            "part/src/lib.rs",
            "pub fn sum(values: impl Iterator<Item = u64>) -> u64 { values.map(weigh).sum() }
            fn weigh(x: u64) -> u64 { x * 2 }
            pub fn unrelated(x: u64) -> u64 { x * 7 }",
        )
        .main(
            "#[rememo::memo] fn total(x: u64) -> u64 { other_crates_part::sum(0..x) }
            #[rememo::memo] fn alone(x: u64) -> u64 { x + 1 }",
            "show!(total(5)); show!(alone(5));",
        )
        .expect([
            replace("part/src/lib.rs", "x * 2", "x * 4").misses(&["total"]),
            replace("part/src/lib.rs", "x * 7", "x * 8").hits(),
        ]);
}

/// What is kept of one build must not be taken for another that the linker was told to number alike.
#[test]
fn builds_of_one_number_are_told_apart() {
    Package::new("one_number")
        .with_machine_code()
        .file(
            "build.rs",
            "fn main() { println!(\"cargo::rustc-link-arg-bins=-Wl,--build-id=0x00112233445566778899\"); }",
        )
        .main(
            "fn factor() -> u64 { 3 }
            #[rememo::memo] fn scaled(x: u64) -> u64 { x * factor() }",
            "show!(scaled(5));",
        )
        .expect([
            replace("src/main.rs", "{ 3 }", "{ 4 }").misses(&["scaled"]),
            replace("src/main.rs", "{ 3 }", "{ 5 }").misses(&["scaled"]),
        ]);
}

/// What `adopt` declares, seen from program to program: it outlasts the line, it does not cover the next edit, and it
/// can be taken back.
#[test]
fn an_edit_that_is_adopted_keeps_its_entries_until_that_is_forgotten() {
    let program = "use rememo::memo;\n\
        pub fn sum(to: u64) -> u64 { (0..=to).sum() }\n\
        #[memo] fn summed(to: u64) -> u64 { sum(to) }\n\
        #[memo] fn doubled(to: u64) -> u64 { 2 * to }";
    let calls = "/* first */ show!(summed(9)); show!(doubled(9));";
    let mut package = Package::new("adopted").with_machine_code().main(program, calls);
    package.start();
    let faster = || edit("(0..=to).sum()", "to * (to + 1) / 2");
    let first = |line: &str| edit("/* first */", line);
    let adopt = "memory.adopt(summed::info()).unwrap();";
    let forget = "memory.forget(summed::info()).unwrap();";
    // The memory has met the function before it is told.
    let too_late = "memory.contains(&summed::delayed(9)); memory.adopt(summed::info()).unwrap();";
    for (edit, misses) in [
        (faster().and(first(too_late)), &[][..]),
        (faster(), &[]),
        (Edit::default(), &[]),
        (edit("(0..=to).sum()", "to * (to + 1) / 2 + (to == 7) as u64"), &["summed"]),
        (faster(), &[]),
        (faster().and(first(forget)), &["summed"]),
        (Edit::default(), &[]),
        (edit("2 * to", "to + to").and(first("memory.adopt(doubled::info()).unwrap();")), &[]),
        (faster().and(first(adopt)), &[]),
    ] {
        let report = package.edited(&edit);
        report.assert_sound("adopted");
        assert_eq!(report.missed(), misses, "{edit}");
    }
}
