//! Code and data that a build script writes.

use crate::package::{Package, replace};

#[test]
fn source_generated_by_a_build_script() {
    Package::new("generated")
        .main(
            r#"
            include!(concat!(env!("OUT_DIR"), "/gen.rs"));
            mod table { pub static TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/table.txt")); }

            #[rememo::memo]
            fn made(x: u64) -> u64 { generated(x) }

            #[rememo::memo]
            fn listed(x: usize) -> usize { x + table::TEXT.len() }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            "#,
            "show!(made(1)); show!(listed(1)); show!(other(1));",
        )
        .file(
            "build.rs",
            r#"
            fn main() {
                println!("cargo::rerun-if-changed=build.rs");
                println!("cargo::rerun-if-changed=data.txt");
                let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
                std::fs::write(out.join("gen.rs"), "fn generated(x: u64) -> u64 { x + 7 }").unwrap();
                std::fs::write(out.join("table.txt"), std::fs::read_to_string("data.txt").unwrap()).unwrap();
            }
            "#,
        )
        .file("data.txt", "some")
        .expect([
            replace("build.rs", "x + 7", "x + 6").misses(&["made"]),
            replace("data.txt", "some", "more data").misses(&["listed"]),
        ]);
}

#[test]
fn a_build_script_that_uses_a_package() {
    Package::new("generated_deeper")
        .manifest(
            "members = [\"writer\"]\n[build-dependencies]\ngenerated_deeper_writer = { path = \"writer\" }\n",
        )
        .main(
            r#"
            mod generated { include!(concat!(env!("OUT_DIR"), "/gen.rs")); }

            #[rememo::memo]
            fn made(x: u64) -> u64 { generated::add(x) }
            "#,
            "show!(made(1));",
        )
        .file(
            "build.rs",
            r#"
            fn main() {
                let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
                std::fs::write(out.join("gen.rs"), generated_deeper_writer::text()).unwrap();
            }
            "#,
        )
        .file("writer/Cargo.toml", "[package]\nname = \"generated_deeper_writer\"\nedition = \"2024\"\n")
        .file(
            "writer/src/lib.rs",
            "pub fn text() -> &'static str { \"pub fn add(x: u64) -> u64 { x + 7 }\" }",
        )
        .expect([replace("writer/src/lib.rs", "x + 7", "x + 6").misses(&["made"])]);
}
