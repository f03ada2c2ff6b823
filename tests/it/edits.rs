//! Edits of a real package's source: which of them are misses, and which leave everything a hit.
//!
//! Each scenario is a package of its own, built against this library. All share one target directory, so that the library
//! is compiled once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A package in a temporary directory, and the cache that its runs share.
struct Package {
    dir: TempDir,
    name: &'static str,
}

impl Package {
    /// A package with `dependency` as the line of its manifest that asks for the library.
    fn new(name: &'static str, edition: &str, dependency: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"{edition}\"\n\n[dependencies]\n{dependency}\n\n[workspace]\n"
        );
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
        // The versions that this library is tested with, so that nothing is fetched.
        fs::copy(library().join("Cargo.lock"), dir.path().join("Cargo.lock")).unwrap();
        Package { dir, name }
    }

    /// Writes `source` as the program, builds it and runs it; what it prints.
    #[track_caller]
    fn run(&self, source: &str) -> String {
        fs::write(self.dir.path().join("src/main.rs"), source).unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--offline"])
            .current_dir(self.dir.path())
            .env("CARGO_TARGET_DIR", target())
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        assert_eq!(String::from_utf8_lossy(&built.stderr), "", "the build is silent");
        let ran = Command::new(target().join("debug").join(self.name))
            .arg(self.dir.path().join("cache"))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }
}

fn library() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("edits")
}

const PROGRAM: &str = r#"
use rememo::{memo, Memory};

#[memo]
fn price(item: u64, day: u64) -> u64 {
    let base = item * 10;
    match day {
        0 => base,
        _ => base + day,
    }
}

fn main() {
    let memory = Memory::open(std::env::args().nth(1).unwrap()).unwrap();
    let outcome = memory.call_info(price::delayed(3, 4));
    println!("{} {}", if outcome.is_hit() { "hit" } else { "miss" }, outcome.value);
}
"#;

#[test]
fn an_edit_of_the_body_is_a_miss_and_undoing_it_a_hit_again() {
    let library = library().display();
    let package = Package::new("edited", "2024", &format!("rememo = {{ path = \"{library}\" }}"));
    assert_eq!(package.run(PROGRAM), "miss 34");
    assert_eq!(package.run(PROGRAM), "hit 34");
    let edited = PROGRAM.replace("item * 10", "item * 100");
    assert_eq!(package.run(&edited), "miss 304");
    assert_eq!(package.run(PROGRAM), "hit 34");

    let edits = [
        ("a comment", "let base", "// How much it is on the first day.\n    let /* the */ base"),
        ("a doc comment", "#[memo]", "#[memo]\n/// Says what an item costs."),
        ("an option that decides about entries only", "#[memo]", "#[memo(ttl = \"1d\")]"),
        ("visibility", "fn price", "pub(crate) fn price"),
        ("line breaks and trailing commas", "(item: u64, day: u64)", "(\n    item: u64,\n    day: u64,\n)"),
        ("spaces", "base + day", "base+day"),
        ("a comma after a block", "0 => base,", "0 => base ,"),
        (
            "its place in the file",
            "#[memo]",
            "fn unrelated() -> u64 { 7 }\n\nconst _: fn() -> u64 = unrelated;\n\n#[memo]",
        ),
    ];
    for (what, old, new) in edits {
        assert!(PROGRAM.contains(old), "{what}");
        assert_eq!(package.run(&PROGRAM.replace(old, new)), "hit 34", "{what}");
    }

    let edits = [
        ("an operator", "base + day", "base * day", "miss 120"),
        ("a literal", "0 =>", "1 =>", "miss 34"),
        ("the version", "#[memo]", "#[memo(version = 2)]", "miss 34"),
        ("an ignored parameter", "#[memo]", "#[memo(ignore(day))]", "miss 34"),
    ];
    for (what, old, new, printed) in edits {
        assert_eq!(package.run(&PROGRAM.replace(old, new)), printed, "{what}");
    }
}

#[test]
fn the_macro_works_in_edition_2021_and_under_another_name() {
    let library = library().display();
    let package =
        Package::new("renamed", "2021", &format!("kept = {{ package = \"rememo\", path = \"{library}\" }}"));
    let program = PROGRAM
        .replace("use rememo::{memo, Memory}", "#![deny(warnings)]\nuse kept::{memo, Memory}")
        .replace("#[memo]", "#[memo(crate = kept)]")
        .replace("fn price(item: u64, day: u64)", "fn price<'a>(item: &'a u64, day: &u64)")
        .replace("item * 10", "*item * 10")
        .replace("match day", "match *day")
        .replace("base + day", "base + *day")
        .replace("price::delayed(3, 4)", "price::delayed(&3, &4)")
        .replace("fn main() {", "fn main() {\n    let _ = price;");
    assert_eq!(package.run(&program), "miss 34");
    assert_eq!(package.run(&program), "hit 34");
}
