//! Edits that change no result: everything is remembered.

use crate::package::{Edit, Package, add, cargo, rename, replace, touch};

/// A package of several files, written as nobody would, with a comment `// Here.` in each.
fn sample(name: &'static str) -> Package {
    Package::new(name)
        .main(
            r#"
mod shapes;
mod numbers;
use shapes::{Shape,Disc,
    Square};
// Here.
#[rememo::memo]
fn areas(x: u64) -> Vec<u64> {
    let shapes: [&dyn Shape; 2] = [&Disc { radius: x }, &Square { side: x, },];
    let double = |x: u64|numbers::double( x );
    shapes.iter().map(|shape| double(shape.area())).collect()
}

#[rememo::memo]
fn level(x: u64) -> String { match x { 0 => LOW, 1 if numbers::positive(x) => LOW, _ => HIGH }.to_owned() }
const LOW: &str = "low";
const HIGH: &str = "high";

fn unrelated(x: u64) -> u64 { x + 3 }
"#,
            "show!(areas(2)); show!(level(0)); show!(level(7));",
        )
        .file(
            "src/shapes.rs",
            r"
// Here.
pub trait Shape { fn area(&self) -> u64; }
pub struct Disc { pub radius: u64 } pub struct Square { pub side: u64 }
impl Shape for Disc { fn area(&self) -> u64 { self.radius*self.radius*3 } }
impl Shape for Square {
    fn area(&self) -> u64 {
        self.side   * self.side
    }
}
impl Disc {
    pub fn unused(&self) -> u64 { self.radius + 5 }
}
pub struct Unrelated(pub u64);
impl std::ops::Neg for Unrelated { type Output = Unrelated; fn neg(self) -> Unrelated { Unrelated(self.0 + 6) } }
",
        )
        .file(
            "src/numbers.rs",
            "// Here.\npub fn double(x:u64)->u64{    x*TWO}\nconst TWO:u64=2;\npub fn positive(x:u64)->bool{x>0}\n\
             pub fn unused(x: u64) -> u64 { x + 4 }\n",
        )
}

const FILES: [&str; 3] = ["src/main.rs", "src/shapes.rs", "src/numbers.rs"];

/// The same edit of all files.
fn everywhere(old: &str, new: &str) -> Edit {
    FILES.iter().fold(Edit::default(), |edit, file| edit.replace(file, old, new))
}

#[test]
fn comments_docs_and_layout() {
    sample("layout_only").expect([
        everywhere("// Here.", "/* There. */ // /* \"").hits(),
        everywhere("// Here.", "\n\n\n\n").hits(),
        everywhere("\n", "\r\n").hits(),
        everywhere("    ", "\t").hits(),
        replace("src/shapes.rs", "fn area", "/// What it covers.\n#[doc = \"More.\"]\nfn area").hits(),
        replace("src/shapes.rs", "pub side", "/// Docs.\npub side").hits(),
        replace("src/numbers.rs", "// Here.", "//! Docs.\n/*! More. */").hits(),
        replace("src/numbers.rs", "x*TWO}", "\n//! Docs.\n/* a */ x /* b */ * TWO // c\n}").hits(),
        replace("src/numbers.rs", "const TWO", "/// Docs.\n/** More. */\nconst TWO").hits(),
        cargo(&["fmt"]).hits(),
    ]);
}

#[test]
fn files_that_are_written_again_renamed_or_added() {
    sample("files_only").expect([
        touch("src/main.rs").hits(),
        touch("src/numbers.rs").hits(),
        touch("Cargo.toml").hits(),
        rename("src/numbers.rs", "src/numbers/mod.rs").hits(),
        add("src/added.rs", "pub fn added() -> u64 { 1 }")
            .replace("src/main.rs", "// Here.", "mod added;")
            .hits(),
        add("src/added.rs", "pub fn added() -> u64 { 1 }").hits(),
        add("examples/added.rs", "fn double() {} fn main() { double() }").hits(),
        add("src/lib.rs", "pub fn added() -> u64 { 1 }").hits(),
        add("README.md", "Here.").hits(),
    ]);
}

#[test]
fn a_module_that_moves_to_a_file_of_its_own() {
    let inline = "mod tax { pub fn rate() -> u64 { 7 } }";
    Package::new("moved_out")
        .main(
            &format!("{inline}\n#[rememo::memo]\nfn price(x: u64) -> u64 {{ x * tax::rate() }}"),
            "show!(price(2));",
        )
        .expect([
            replace("src/main.rs", inline, "mod tax;")
                .and(add("src/tax.rs", "pub fn rate() -> u64 { 7 }\n"))
                .hits(),
            replace("src/main.rs", inline, "mod tax;")
                .and(add("src/tax.rs", "pub fn rate() -> u64 { 8 }\n"))
                .misses(&["price"]),
        ]);
}

#[test]
fn items_that_nothing_remembered_reaches() {
    sample("unrelated_items").expect([
        replace("src/main.rs", "x + 3", "x + 30").hits(),
        replace("src/numbers.rs", "x + 4", "x + 40").hits(),
        replace("src/shapes.rs", "+ 5", "+ 50").hits(),
        replace("src/shapes.rs", "self.0 + 6", "self.0 + 60").hits(),
        replace("src/shapes.rs", "Unrelated(pub u64)", "Unrelated(pub u64, u8)")
            .replace("src/shapes.rs", "Unrelated(self.0 + 6)", "Unrelated(self.0, 1)")
            .hits(),
        replace(
            "src/main.rs",
            "// Here.",
            "use std::collections::BTreeMap; fn other(_: BTreeMap<u8, u8>) {}",
        )
        .hits(),
        replace("src/main.rs", "// Here.", "#[rememo::memo]\nfn another(x: u64) -> u64 { x }").hits(),
        replace(
            "src/main.rs",
            "// Here.",
            "#[cfg(test)]\nmod tests { use super::*; #[test] fn f() { areas(1); } }",
        )
        .hits(),
        replace("src/main.rs", "fn main() {", "fn main() {\n    let more = 1 + 1;").hits(),
    ]);
}

#[test]
fn items_in_another_order() {
    sample("reordered").expect([
        replace("src/main.rs", "mod shapes;\nmod numbers;", "mod numbers;\nmod shapes;").hits(),
        replace("src/main.rs", "{Shape,Disc,\n    Square}", "{Disc, Shape, Square}").hits(),
        replace(
            "src/numbers.rs",
            "pub fn double(x:u64)->u64{    x*TWO}\nconst TWO:u64=2;",
            "const TWO:u64=2;\npub fn double(x:u64)->u64{    x*TWO}",
        )
        .hits(),
        replace("src/main.rs", "const LOW: &str = \"low\";\n", "")
            .replace("src/main.rs", "// Here.", "const LOW: &str = \"low\";")
            .hits(),
    ]);
}

#[test]
fn names_that_only_look_alike() {
    Package::new("look_alike")
        .main(
            r#"
            mod near { pub fn scale(x: u64) -> u64 { x * 2 } }
            mod far { pub fn scale(x: u64) -> u64 { x * 3 } }
            fn len() -> usize { 4 }
            fn width() -> u64 { 5 }
            mod text { pub fn trim() -> u64 { 6 } }
            struct Frame { width: u64 }

            #[rememo::memo]
            fn scaled(x: u64) -> u64 { near::scale(x) }

            #[rememo::memo]
            fn length(x: Vec<u64>) -> usize { x.len() }

            #[rememo::memo]
            fn framed(x: u64) -> u64 { let frame = Frame { width: x }; frame.width }

            #[rememo::memo]
            fn trimmed(x: String) -> String { x.trim().to_owned() }

            #[rememo::memo]
            fn quoted(x: u64) -> String { format!("width of {}", x) }
            macro_rules! unrelated { () => { 7 } }
            "#,
            r#"
            show!(scaled(1));
            show!(length(vec![1]));
            show!(framed(1));
            show!(trimmed(String::from(" x ")));
            show!(quoted(1));
            "#,
        )
        .expect([
            replace("src/main.rs", "x * 3", "x * 4").hits(),
            // Fields and methods are not told from functions of their names.
            replace("src/main.rs", "{ 4 }", "{ 5 }").may_miss(&["length"]),
            replace("src/main.rs", "{ 5 }", "{ 6 }").may_miss(&["framed"]),
            replace("src/main.rs", "{ 6 }", "{ 7 }").hits(),
            replace("src/main.rs", "{ 7 }", "{ 8 }").hits(),
            replace("src/main.rs", "struct Frame {", "struct Frame {\n// Wide.\n").hits(),
        ]);
}

#[test]
fn other_commands_of_cargo_on_the_same_sources() {
    Package::new("other_commands")
        .main(
            r"
            #![deny(warnings, clippy::all)]
            //! A program.

            /// Adds one.
            #[rememo::memo]
            pub fn kept(x: u64) -> u64 {
                helper::add(x)
            }

            mod helper {
                pub fn add(x: u64) -> u64 {
                    x + 1
                }
            }

            #[cfg(test)]
            mod tests;
            ",
            "show!(kept(1));",
        )
        .file(
            "src/tests.rs",
            "#[test]\nfn one_is_added() {\n    assert_eq!(super::kept::uncached(1), 2);\n}\n",
        )
        .expect([
            cargo(&["check", "--all-targets"]).hits(),
            cargo(&["clippy", "--all-targets"]).hits(),
            cargo(&["doc", "--no-deps"]).hits(),
            cargo(&["test"]).hits(),
            cargo(&["test"]).replace("src/tests.rs", "uncached(1), 2", "uncached(2), 3").hits(),
        ]);
}

#[test]
fn the_same_sources_in_another_directory() {
    let mut package = sample("elsewhere").file("src/numbers.rs", SHARED).file("part/Cargo.toml", PART);
    package = package
        .file("part/src/lib.rs", "pub fn by() -> u64 { 2 }\n")
        .dependency("elsewhere_part = { path = \"part\" }")
        .file("src/two.txt", "2");
    let mut copy = package.copied();
    package.start();
    let report = copy.write_and_run();
    assert_eq!(report.missed(), [""; 0], "{report:?}");
    report.assert_sound("the copy");
}

const PART: &str = "[package]\nname = \"elsewhere_part\"\nedition = \"2024\"\n";
const SHARED: &str = r#"
pub fn double(x: u64) -> u64 { x * elsewhere_part::by() + include_str!("two.txt").len() as u64 }
pub fn positive(x: u64) -> bool { x > 0 }
"#;
