//! What leaves the meaning of the sources alone, whatever cargo does with them: everything is remembered.

use crate::package::{Package, cargo, touch};

/// A package of several files, written as nobody would.
fn sample(name: &'static str) -> Package {
    Package::new(name)
        .main(
            r#"
mod shapes;
mod numbers;
use shapes::{Shape,Disc,
    Square};
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
"#,
            "show!(areas(2)); show!(level(0)); show!(level(7));",
        )
        .file(
            "src/shapes.rs",
            r"
pub trait Shape { fn area(&self) -> u64; }
pub struct Disc { pub radius: u64 } pub struct Square { pub side: u64 }
impl Shape for Disc { fn area(&self) -> u64 { self.radius*self.radius*3 } }
impl Shape for Square {
    fn area(&self) -> u64 {
        self.side   * self.side
    }
}
",
        )
        .file(
            "src/numbers.rs",
            "pub fn double(x:u64)->u64{    x*TWO}\nconst TWO:u64=2;\npub fn positive(x:u64)->bool{x>0}\n",
        )
}

#[test]
fn sources_that_are_formatted_or_written_again() {
    sample("layout_only").expect([
        cargo(&["fmt"]).hits(),
        touch("src/main.rs").hits(),
        touch("src/numbers.rs").hits(),
        touch("Cargo.toml").hits(),
    ]);
}

#[test]
fn other_commands_of_cargo_on_the_same_sources() {
    let mut edits = vec![cargo(&["test"]).replace("src/tests.rs", "uncached(1), 2", "uncached(2), 3").hits()];
    // They check the library and all that it needs once more, which takes a minute.
    if std::env::var_os("REMEMO_TEST_LONG").is_some() {
        edits.push(cargo(&["clippy", "--all-targets"]).hits());
        edits.push(cargo(&["doc", "--no-deps"]).hits());
    }
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
        .expect(edits);
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
