//! `f::info().code()`: which fingerprints there are, and why one is missing.

use crate::package::{Edit, Package};

const PROGRAM: &str = r#"
use rememo::memo;

pub struct Model(u64);
impl serde::Serialize for Model {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_u64(self.0) }
}
impl Model { #[memo] fn fit(&self, x: u64) -> u64 { self.0 * x } }

#[memo] fn price(x: u64) -> u64 { x * 10 }
#[memo] fn generic<T: Into<u64> + serde::Serialize + 'static>(x: T) -> u64 { x.into() + 1 }
#[memo(track = "none")] fn untracked(x: u64) -> u64 { x + 1 }
#[memo(track = "body")] fn body(x: u64) -> u64 { x + 1 }

fn main() {
    let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
    println!("{}", price::info().code());
    rememo::Memory::disabled().call(price::delayed(1));
    println!("{}", price::info().code());
    memory.call(price::delayed(1));
    memory.call(price::delayed(2));
    println!("{}", price::info().code());
    memory.call(generic::delayed(1_u8));
    println!("{}", generic::info().code());
    memory.call(generic::delayed(1_u32));
    println!("{}", generic::info().code());
    println!("{}", generic::info().code().machine().unwrap_err());
    memory.call(Model(3).fit_delayed(4));
    println!("{}", Model::fit_info().code());
    memory.call(untracked::delayed(1));
    println!("{}", untracked::info().code());
    memory.call(body::delayed(1));
    println!("{}", body::info().code());

    let code = price::info().code();
    assert_eq!(code.source(), price::info().fingerprint());
    let [instance] = code.instances() else { panic!("{code}") };
    assert_eq!(instance.machine(), code.machine());
    assert_eq!(instance.type_parameters(), "");
    assert_eq!(instance.platform(), Model::fit_info().code().instances()[0].platform());
}
"#;

/// What the program prints, with `#` for each fingerprint.
fn printed(mut package: Package) -> Vec<String> {
    package = package.dependency("serde = \"1\"").file("src/main.rs", PROGRAM);
    package.complete();
    let printed = package.printed(&Edit::default());
    // From the second run on, fingerprints are read where they are kept.
    assert_eq!(package.printed(&Edit::default()), printed);
    let is_digest = |word: &str| word.len() == 16 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
    let line = |line: &str| {
        let words = line.split(' ').map(|word| {
            let bare = word.trim_end_matches(';');
            if is_digest(bare) { word.replace(bare, "#") } else { word.to_owned() }
        });
        words.collect::<Vec<_>>().join(" ")
    };
    printed.lines().map(line).collect()
}

const NOT_CALLED: &str = "source #; no machine fingerprint: no call of it had a key in this process yet";
const SEVERAL: &str = "it is generic, and each of its instances has one of its own";
const NOT_TRACKED: &str =
    "no machine fingerprint: under `track = \"body\"` and `track = \"none\"` machine code does not count";

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_program_with_machine_code_has_a_machine_fingerprint_for_each_instance() {
    assert_eq!(
        printed(Package::new("told_codes").with_machine_code()),
        [
            NOT_CALLED,
            NOT_CALLED,
            "source #; machine code #",
            "source #; `<u8>`: machine code #",
            "source #; `<u32>`: machine code #; `<u8>`: machine code #",
            SEVERAL,
            "source #; machine code #",
            &format!("no source fingerprint; {NOT_TRACKED}"),
            &format!("source #; {NOT_TRACKED}"),
        ]
    );
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_program_whose_code_cannot_be_followed_says_why() {
    // As a rule the programs of these tests are run by a loader.
    let none = "no machine fingerprint: its code is not in the program's file";
    assert_eq!(
        printed(Package::new("loaded_codes")),
        [
            NOT_CALLED,
            NOT_CALLED,
            &format!("source #; {none}"),
            &format!("source #; `<u8>`: {none}"),
            &format!("source #; `<u32>`: {none}; `<u8>`: {none}"),
            SEVERAL,
            &format!("source #; {none}"),
            &format!("no source fingerprint; {NOT_TRACKED}"),
            &format!("source #; {NOT_TRACKED}"),
        ]
    );
}
