//! What the source does not show, and the machine code does: programs whose edited part the function does not name.
//!
//! Each edit changes a result. So each must be a miss of the function that returns it, and of no other.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use crate::package::{Edit, Package, replace};

fn edit(old: &str, new: &str) -> Edit {
    replace("src/main.rs", old, new)
}

/// Names that are found by their types, or that a macro makes up.
const NAMES: &str = r#"
use rememo::memo;
use std::collections::{self, BTreeMap};

trait Loud { fn loudness(&self) -> u64; }
impl Loud for str { fn loudness(&self) -> u64 { self.len() as u64 * 2 } }
#[memo] fn loud(text: &str) -> u64 { text.split(' ').map(str::loudness).sum() }

trait Total { fn total(&self) -> u64; }
impl Total for BTreeMap<u64, u64> { fn total(&self) -> u64 { self.values().sum::<u64>() + 3 } }
#[memo] fn total(x: u64) -> u64 { let map = BTreeMap::from([(1, x)]); collections::BTreeMap::total(&map) }

macro_rules! either { (if $a:ident { $($first:item)* } else { $($second:item)* }) => { $($second)* }; }
either! { if nothing {} else {
    fn scaled(x: u64, shift: u64) -> u64 { x * 4 + shift }
    fn shift(x: u64) -> u64 { x + 5 }
} }
#[memo] fn scale(x: u64) -> u64 { scaled(x, 1) }
#[memo] fn shifted(x: u64) -> u64 { let shift = shift(x); shift * 7 }

type Row = Vec<u64>;
trait Width { fn width(&self) -> u64; }
impl Width for Row { fn width(&self) -> u64 { self.len() as u64 + 8 } }
#[memo] fn wide(x: u64) -> u64 { let mut row = Vec::new(); row.push(x); row.width() }

include!(concat!(env!("OUT_DIR"), "/made.rs"));
#[memo] fn generated(x: u64) -> u64 { made(x) }
"#;

#[test]
fn names_that_only_the_compiler_resolves() {
    Package::new("blind_names")
        .with_machine_code()
        .file(
            "build.rs",
            "fn main() {
                let out = std::env::var(\"OUT_DIR\").unwrap();
                std::fs::copy(\"made.txt\", out + \"/made.rs\").unwrap();
                println!(\"cargo::rerun-if-changed=made.txt\");
            }",
        )
        .file("made.txt", "fn made(x: u64) -> u64 { x + 9 }")
        .main(
            NAMES,
            "show!(loud(\"a bc\")); show!(total(2)); show!(scale(2)); show!(shifted(2)); show!(wide(2)); show!(generated(2));",
        )
        .expect([
            edit("self.len() as u64 * 2", "self.len() as u64 * 3").misses(&["loud"]),
            edit("sum::<u64>() + 3", "sum::<u64>() + 4").misses(&["total"]),
            edit("x * 4 + shift", "x * 6 + shift").misses(&["scale"]),
            edit("{ x + 5 }", "{ x + 6 }").misses(&["shifted"]),
            edit("self.len() as u64 + 8", "self.len() as u64 + 7").misses(&["wide"]),
            replace("made.txt", "x + 9", "x + 10").misses(&["generated"]),
        ]);
}

const MACROS: &str = r##"
use rememo::memo;

#[derive(askama::Template)]
#[template(path = "greeting.txt")]
struct Greeting { name: String }
#[memo] fn greeting(x: u64) -> String { askama::Template::render(&Greeting { name: x.to_string() }).unwrap() }

rust_i18n::i18n!("locales");
#[memo] fn translated(x: u64) -> String { format!("{} {x}", rust_i18n::t!("hello")) }

#[derive(rust_embed::RustEmbed)]
#[folder = "public"]
struct Public;
#[memo] fn embedded(x: u64) -> usize { Public::get("page.html").unwrap().data.len() + x as usize }

#[memo] fn versioned(x: u64) -> String { format!("{} {x}", clap::crate_version!()) }

mod parts { automod::dir!(pub "src/parts"); }
#[memo] fn part(x: u64) -> u64 { parts::one::value(x) }

mod grammar { #[derive(pest_derive::Parser)] #[grammar = "words.pest"] pub struct Words; }
#[memo] fn parsed(x: u64) -> bool { use pest::Parser; grammar::Words::parse(grammar::Rule::word, &format!("a{x}")).is_ok() }

#[linkme::distributed_slice] static STEPS: [fn(u64) -> u64];
#[linkme::distributed_slice(STEPS)] fn first(x: u64) -> u64 { x + 11 }
#[memo] fn stepped(x: u64) -> u64 { STEPS.iter().fold(x, |x, step| step(x)) }

/// The size of a thing.
#[derive(schemars::JsonSchema)]
struct Size { #[allow(dead_code)] width: u64 }
#[memo] fn schema(x: u64) -> String { format!("{} {x}", serde_json::to_string(&schemars::schema_for!(Size)).unwrap()) }

#[typetag::serde] trait Shape { fn area(&self) -> u64; }
#[derive(serde::Serialize, serde::Deserialize)] struct Square { side: u64 }
#[typetag::serde] impl Shape for Square { fn area(&self) -> u64 { self.side * self.side + 12 } }
#[memo] fn area(x: u64) -> u64 {
    let shape: Box<dyn Shape> = serde_json::from_str(&format!(r#"{{"Square":{{"side":{x}}}}}"#)).unwrap();
    shape.area()
}

#[memo] fn looped(x: u64) -> bool {
    let mut all = minijinja::Environment::new();
    all.add_template_owned("t", format!("{{% for i in range({x}) %}}{{% break %}}{{% endfor %}}")).is_ok()
}
"##;

#[test]
#[ignore = "compiles more than a hundred crates: some minutes"]
fn what_macros_of_other_crates_read_and_register() {
    const DEPENDENCIES: [&str; 12] = [
        "askama = \"0.16\"",
        "automod = \"1\"",
        "clap = { version = \"4\", default-features = false, features = [\"std\", \"cargo\"] }",
        "linkme = \"0.3\"",
        "minijinja = { version = \"3\", features = [] }",
        "pest = \"2\"\npest_derive = \"2\"",
        "rust-embed = { version = \"8\", features = [\"debug-embed\"] }",
        "rust-i18n = \"4\"",
        "schemars = \"1\"",
        "serde = { version = \"1\", features = [\"derive\"] }",
        "serde_json = \"1\"",
        "typetag = \"0.2\"",
    ];
    // They are no dependencies of this library.
    let package = Package::new("blind_macros").with_machine_code().variable("CARGO_NET_OFFLINE", "false");
    DEPENDENCIES
        .iter()
        .fold(package, |package, line| package.dependency(line))
        .file("templates/greeting.txt", "hello {{ name }}")
        .file("locales/en.yml", "hello: Hello\n")
        .file("public/page.html", "<p>page</p>")
        .file("src/parts/one.rs", "pub fn value(x: u64) -> u64 { x + 13 }")
        .file("src/words.pest", "word = { \"a\" ~ ASCII_DIGIT+ }")
        .main(
            MACROS,
            "show!(greeting(2)); show!(translated(2)); show!(embedded(2)); show!(versioned(2)); show!(part(2)); \
             show!(parsed(2)); show!(stepped(2)); show!(schema(2)); show!(area(2)); show!(looped(2));",
        )
        .expect([
            replace("templates/greeting.txt", "hello", "good day").misses(&["greeting"]),
            replace("locales/en.yml", "Hello", "Good day").misses(&["translated"]),
            replace("public/page.html", "<p>page</p>", "<p>another page</p>").misses(&["embedded"]),
            replace("src/parts/one.rs", "x + 13", "x + 14").misses(&["part"]),
            replace("src/words.pest", "\"a\"", "\"b\"").misses(&["parsed"]),
            edit("{ x + 11 }", "{ x + 15 }").misses(&["stepped"]),
            edit("/// The size of a thing.", "/// The size of a box.").misses(&["schema"]),
            edit("self.side * self.side + 12", "self.side * self.side + 16").misses(&["area"]),
            replace("Cargo.toml", "version = \"3\", features = []", "version = \"3\", features = [\"loop_controls\"]")
                .misses(&["looped"]),
            replace("Cargo.toml", "edition", "version = \"0.2.0\"\nedition").misses(&["versioned"]),
        ]);
}
