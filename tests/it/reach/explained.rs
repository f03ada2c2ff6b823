//! What `why` says of edits, and what an editor says of the package.

use std::process::Command;

use crate::package::{Edit, Package, replace, target};

#[test]
fn why_names_what_changed_and_where_it_is() {
    let mut package = Package::new("explained")
        .file(
            "src/main.rs",
            r#"mod tax;
#[rememo::memo]
fn price(net: u64) -> u64 { tax::with_tax(net) }

fn main() {
    let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
    println!("{}", memory.why(&price::delayed(100)));
    memory.call(price::delayed(100));
    println!("{}", memory.why(&price::delayed(101)));
}
"#,
        )
        .file(
            "src/tax.rs",
            "const RATE: u64 = 19;\npub fn with_tax(net: u64) -> u64 { net * (100 + RATE) / 100 }\n",
        );
    package.complete();
    let said = |edit: &Edit| {
        let printed = package.printed(edit);
        let lines: Vec<&str> = printed.lines().collect();
        let other =
            "new arguments: `explained::price` has run with this code, but no value is kept for (101)";
        assert_eq!(lines[1..], [other], "{printed}");
        lines[0].to_owned()
    };
    let none = replace("src/tax.rs", "19", "19");
    assert_eq!(said(&none), "never computed: no value of `explained::price` is in this cache");
    assert!(said(&none).starts_with("hit: computed "), "{}", said(&none));
    assert_eq!(
        said(&replace("src/tax.rs", "RATE: u64 = 19", "RATE: u64 = 7")),
        "the code changed since this was computed: explained::tax::RATE (src/tax.rs:1) differs"
    );
    // The constant became a function, further below.
    assert_eq!(
        said(&replace("src/tax.rs", "const RATE: u64 = 19;", "\nfn rate() -> u64 { 20 }").replace(
            "src/tax.rs",
            "+ RATE",
            "+ rate()"
        )),
        "the code changed since this was computed: explained::tax::with_tax (src/tax.rs:3) differs, \
         explained::tax::rate (src/tax.rs:2) is new, explained::tax::RATE (src/tax.rs:1) is gone"
    );
    assert_eq!(
        said(&replace("src/main.rs", "with_tax(net) }", "with_tax(net) + 1 }")),
        "the code changed since this was computed: its own body differs"
    );
}

/// Whoever saves a file while cargo compiles gets a program of the old code, and the macro reads the new one. What that
/// program computes must not be taken for what the new code does.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_saved_while_it_is_compiled() {
    let saved = "pub fn helper(x: u64) -> u64 { x + 2 }\n";
    let mut package = Package::new("saved")
        .dependency("saved_editor = { path = \"editor\" }")
        .file("editor/Cargo.toml", "[package]\nname = \"saved_editor\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n")
        .file(
            "editor/src/lib.rs",
            r#"
            /// Saves `src/helper.rs` anew, once.
            #[proc_macro]
            pub fn save(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
                let dir = std::path::PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
                if !dir.join("once").exists() {
                    std::fs::write(dir.join("once"), "").unwrap();
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    std::fs::write(dir.join("src/helper.rs"), std::fs::read(dir.join("saved.rs")).unwrap()).unwrap();
                }
                proc_macro::TokenStream::new()
            }
            "#,
        )
        .file(
            "src/main.rs",
            r#"mod helper;
saved_editor::save!();
#[rememo::memo]
fn kept(x: u64) -> u64 { helper::helper(x) }

fn main() {
    let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
    let outcome = memory.call_info(kept::delayed(1));
    println!("{} {}", if outcome.is_hit() { "hit" } else { "miss" }, outcome.value);
}
"#,
        )
        .file("src/helper.rs", "pub fn helper(x: u64) -> u64 { x + 1 }\n")
        .file("saved.rs", saved);
    package.complete();
    let none = replace("saved.rs", saved, saved);
    assert_eq!(package.printed(&none), "miss 2\n");
    let edited = replace("src/helper.rs", "x + 1", "x + 2");
    assert_eq!(package.printed(&edited), "miss 3\n");
    assert_eq!(package.printed(&edited), "hit 3\n");
}

/// Where rust-analyzer is installed.
#[test]
fn rust_analyzer_finds_nothing_wrong() {
    if !Command::new("rust-analyzer").arg("--version").output().is_ok_and(|output| output.status.success()) {
        crate::engines::skip("there is no rust-analyzer");
        return;
    }
    let mut package = Package::new("edited_in_an_editor").file(
        "src/main.rs",
        r#"mod helper;
struct Model { slope: u64 }
impl serde::Serialize for Model {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.slope)
    }
}
impl Model {
    #[rememo::memo]
    fn fit(&self, x: u64) -> u64 { helper::scaled(x) * self.slope }

    #[rememo::memo]
    fn start(x: u64) -> u64 { Self::rounded(x) + 1 }

    #[rememo::memo(associated)]
    fn rounded(x: u64) -> u64 { x / 10 * 10 }
}
#[rememo::memo(ttl = "1d")]
fn price(net: u64) -> u64 { helper::scaled(net) }

fn main() {
    let memory = rememo::Memory::disabled();
    let value: u64 = memory.call(price::delayed(3)) + price(4) + price::uncached(5);
    let fitted: u64 = memory.call(Model { slope: 2 }.fit_delayed(6));
    let started: u64 = memory.call(Model::start_delayed(7)) + Model::rounded_uncached(8);
    println!("{value} {fitted} {started} {:?}", price::info());
}
"#,
    );
    package =
        package.file("src/helper.rs", "pub fn scaled(x: u64) -> u64 { x * 2 }\n").dependency("serde = \"1\"");
    package.complete();
    package.printed(&replace("src/helper.rs", "x * 2", "x * 2"));
    // It compiles macros and build scripts, of which most are compiled already.
    let output = Command::new("rust-analyzer")
        .arg("diagnostics")
        .arg(package.dir())
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .output()
        .unwrap();
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let diagnoses: Vec<&str> = printed
        .split(['\n', '\r', '\u{8}'])
        .filter(|line| line.contains("at crate edited_in_an_editor"))
        .collect();
    assert_eq!(diagnoses, [""; 0], "{printed}");
    assert!(printed.contains("diagnostic scan complete"), "{printed}");
}
