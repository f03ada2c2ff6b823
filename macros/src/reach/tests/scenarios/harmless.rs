//! Edits that change no result: everything is remembered.

use super::{Edit, Scenario, add, rename, replace};

/// A program of several files, written as nobody would, with a comment `// Here.` in each.
fn sample() -> Scenario {
    Scenario::new(
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

fn main() {
    println!("{:?} {}", areas(2), level(7));
}
"#
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
    sample().expect([
        everywhere("// Here.", "/* There. */ // /* \"").hits(),
        everywhere("// Here.", "\n\n\n\n").hits(),
        everywhere("\n", "\r\n").hits(),
        everywhere("    ", "\t").hits(),
        replace("src/shapes.rs", "fn area", "/// What it covers.\n#[doc = \"More.\"]\nfn area").hits(),
        replace("src/shapes.rs", "pub side", "/// Docs.\npub side").hits(),
        replace("src/numbers.rs", "// Here.", "//! Docs.\n/*! More. */").hits(),
        replace("src/numbers.rs", "x*TWO}", "\n//! Docs.\n/* a */ x /* b */ * TWO // c\n}").hits(),
        replace("src/numbers.rs", "const TWO", "/// Docs.\n/** More. */\nconst TWO").hits(),
    ]);
}

#[test]
fn files_that_are_renamed_or_added() {
    sample().expect([
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
    Scenario::new(format!("{inline}\n#[rememo::memo]\nfn price(x: u64) -> u64 {{ x * tax::rate() }}"))
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
    sample().expect([
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
    sample().expect([
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
    Scenario::new(
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
