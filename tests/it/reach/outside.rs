//! What is read while code is compiled, where it is not plainly written.

use crate::package::{Package, add_variable, replace, run_as};

#[test]
fn a_feature_that_a_macro_is_given() {
    Package::new("given_features")
        .manifest("[features]\nfast = []\n")
        .main(
            r#"
            macro_rules! when { ($name:literal) => { cfg!(feature = $name) } }

            #[rememo::memo]
            fn selected(x: u64) -> u64 { x + cfg_select! { feature = "fast" => { 1 } _ => { 2 } } }

            #[rememo::memo]
            fn given(x: u64) -> u64 { if when!("fast") { x } else { 0 } }
            "#,
            "show!(selected(3)); show!(given(3));",
        )
        .expect([run_as(&["run", "--features", "fast"]).misses(&["selected", "given"])]);
}

#[test]
fn variables_and_files_that_a_macro_is_given() {
    Package::new("given_variables")
        .main(
            r#"
            macro_rules! variable { ($name:literal) => { option_env!($name) } }
            macro_rules! data { ($name:literal) => { include_str!($name) } }
            macro_rules! text { ($name:ident) => { include_str!(concat!(stringify!($name), ".txt")) } }
            fn helper() -> u64 { 73 }

            #[rememo::memo]
            fn given(x: u64) -> String { format!("{x} {:?}", variable!("SCENARIO_GIVEN")) }

            #[rememo::memo]
            fn joined(x: u64) -> String { format!("{x} {:?}", option_env!(concat!("SCENARIO_", "JOINED"))) }

            #[rememo::memo]
            fn version(x: u64) -> String { format!("{x} {}", data!("VERSION")) }

            #[rememo::memo]
            fn spelled(x: u64) -> String { format!("{x} {}", text!(name)) }

            #[rememo::memo]
            fn as_data(x: u64) -> u64 { x + include_str!("both.in").len() as u64 }

            #[rememo::memo]
            fn as_code(x: u64) -> u64 { x + include!("both.in") }
            "#,
            "show!(given(3)); show!(joined(3)); show!(version(3)); show!(spelled(3)); show!(as_data(3)); show!(as_code(3));",
        )
        .file("src/VERSION", "71")
        .file("src/name.txt", "72")
        .file("src/both.in", "helper()")
        .expect([
            add_variable("SCENARIO_GIVEN", "set").misses(&["given"]),
            add_variable("SCENARIO_JOINED", "set").misses(&["joined"]),
            // Of a name made of pieces, any file below may be the one that is read.
            replace("src/VERSION", "71", "81").misses(&["version"]).may_miss(&["spelled"]),
            replace("src/name.txt", "72", "82").misses(&["spelled"]).may_miss(&["version", "as_data", "as_code"]),
            replace("src/main.rs", "73", "83").misses(&["as_code"]).may_miss(&["spelled"]),
        ]);
}

#[test]
fn what_a_dependency_takes_from_its_build_script_and_manifest() {
    Package::new("made_dependency")
        .manifest("package.version = \"0.1.71\"\n")
        .dependency("made_dependency_part = { path = \"part\" }")
        .file(
            "part/Cargo.toml",
            "[package]\nname = \"made_dependency_part\"\nedition = \"2024\"\nversion.workspace = true\nauthors = [\"a72\"]\n\
             [lints.rust]\nunexpected_cfgs = \"allow\"\n",
        )
        .file(
            "part/build.rs",
            r#"fn main() {
                let out = std::env::var("OUT_DIR").unwrap();
                std::fs::write(format!("{out}/items.rs"), "pub fn generated() -> u64 { 73 }").unwrap();
                println!("cargo::rustc-env=PART_STEP=74\ncargo::rustc-cfg=coarse75\ncargo::rerun-if-changed=build.rs");
            }"#,
        )
        .file(
            "part/src/lib.rs",
            r#"
            include!(concat!(env!("OUT_DIR"), "/items.rs"));
            pub fn version() -> &'static str { env!("CARGO_PKG_VERSION") }
            pub fn authors() -> &'static str { env!("CARGO_PKG_AUTHORS") }
            pub fn step() -> &'static str { env!("PART_STEP") }
            pub fn coarse() -> bool { cfg!(coarse75) }
            "#,
        )
        .main(
            r#"
            use made_dependency_part as part;
            #[rememo::memo] fn version(x: u64) -> String { format!("{x} {}", part::version()) }
            #[rememo::memo] fn authors(x: u64) -> String { format!("{x} {}", part::authors()) }
            #[rememo::memo] fn generated(x: u64) -> u64 { x + part::generated() }
            #[rememo::memo] fn step(x: u64) -> String { format!("{x} {}", part::step()) }
            #[rememo::memo] fn coarse(x: u64) -> String { format!("{x} {}", part::coarse()) }
            "#,
            "show!(version(1)); show!(authors(1)); show!(generated(1)); show!(step(1)); show!(coarse(1));",
        )
        .expect({
            // What the script of a dependency did, joins all that reaches the dependency.
            let others = ["version", "authors", "generated", "step", "coarse"];
            [
            replace("Cargo.toml", "0.1.71", "0.1.81").misses(&["version"]).may_miss(&["authors", "step"]),
            replace("part/Cargo.toml", "a72", "a82").misses(&["authors"]).may_miss(&["version"]),
            replace("part/build.rs", "73", "83").misses(&["generated"]).may_miss(&others),
            replace("part/build.rs", "74", "84").misses(&["step"]).may_miss(&others),
            replace("part/build.rs", "coarse75", "fine").misses(&["coarse"]).may_miss(&others),
        ]});
}

#[test]
fn a_predicate_that_only_a_macro_understands() {
    Package::new("keyword_predicate")
        .main(
            r"
            macro_rules! select { ({ #[cfg($yes:meta)] { $a:expr } #[cfg(else)] { $b:expr } }) => {{
                #[cfg($yes)] { $a }
                #[cfg(not($yes))] { $b }
            }} }

            #[rememo::memo]
            fn selected(x: u64) -> u64 { select!({ #[cfg(unix)] { x } #[cfg(else)] { x + 1 } }) }
            ",
            "show!(selected(1));",
        )
        .expect([replace("src/main.rs", "{ x }", "{ x + 2 }").misses(&["selected"])]);
}
