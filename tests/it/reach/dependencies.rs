//! Versions and features of crates of registries, which cargo chooses.

use crate::package::{Package, locked, replace};

#[test]
fn a_crate_of_a_registry_in_another_version() {
    Package::new("upgraded")
        .with_shelf()
        .shelved("shelved_direct", "1.0.1", "", "pub fn add(x: u64) -> u64 { x + 7 }")
        .shelved("shelved_direct", "1.0.2", "", "pub fn add(x: u64) -> u64 { x + 8 }")
        .shelved("shelved_deep", "1.0.1", "", "pub fn add(x: u64) -> u64 { x + 7 }")
        .shelved("shelved_deep", "1.0.2", "", "pub fn add(x: u64) -> u64 { x + 8 }")
        .shelved(
            "shelved_outer",
            "1.0.1",
            "[dependencies.shelved_deep]\nversion = \"1\"\nregistry-index = \"sparse+https://shelf.invalid/\"\n",
            "pub use shelved_deep::add;",
        )
        .shelved("shelved_unrelated", "1.0.1", "", "pub fn add(x: u64) -> u64 { x + 7 }")
        .shelved("shelved_unrelated", "1.0.2", "", "pub fn add(x: u64) -> u64 { x + 8 }")
        .dependency("shelved_direct = { version = \"1\", registry = \"shelf\" }")
        .dependency("kept = { version = \"1\", registry = \"shelf\", package = \"shelved_outer\" }")
        .dependency("shelved_unrelated = { version = \"1\", registry = \"shelf\" }")
        .main(
            r"
            mod inner { pub fn add(x: u64) -> u64 { shelved_direct::add(x) } }

            #[rememo::memo]
            fn direct(x: u64) -> u64 { inner::add(x) }

            #[rememo::memo]
            fn transitive(x: u64) -> u64 { kept::add(x) }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            ",
            "show!(direct(1)); show!(transitive(1)); show!(other(1));",
        )
        .expect([
            // The first build takes the newest.
            replace("Cargo.lock", &locked("shelved_direct", "1.0.2"), &locked("shelved_direct", "1.0.1"))
                .misses(&["direct"])
                .may_miss(&["transitive"]),
            replace("Cargo.lock", &locked("shelved_deep", "1.0.2"), &locked("shelved_deep", "1.0.1"))
                .misses(&["transitive"])
                .may_miss(&["direct"]),
            replace("Cargo.lock", &locked("shelved_unrelated", "1.0.2"), &locked("shelved_unrelated", "1.0.1")).hits(),
        ]);
}

#[test]
fn a_package_that_the_workspace_above_excludes() {
    let tool = format!(
        "[package]\nname = \"excluded_tool\"\nedition = \"2024\"\n[dependencies]\nrememo.path = \"{}\"\n\
         shelved_direct = {{ version = \"=1.0.2\", registry = \"shelf\" }}\n",
        crate::package::library().display()
    );
    let lock = std::fs::read_to_string(crate::package::library().join("Cargo.lock")).unwrap();
    Package::new("excluded")
        .with_shelf()
        .shelved("shelved_direct", "1.0.1", "", "pub fn add(x: u64) -> u64 { x + 7 }")
        .shelved("shelved_direct", "1.0.2", "", "pub fn add(x: u64) -> u64 { x + 8 }")
        .file("Cargo.toml", "[workspace]\nmembers = []\nexclude = [\"tool\"]\nresolver = \"3\"\n")
        .file("tool/Cargo.toml", tool)
        .file("tool/Cargo.lock", lock)
        .file(
            "tool/src/main.rs",
            crate::package::program(
                "#[rememo::memo] fn direct(x: u64) -> u64 { shelved_direct::add(x) }",
                "show!(direct(1));",
            ),
        )
        .run_as(&["run", "--manifest-path", "tool/Cargo.toml"])
        .expect([replace("tool/Cargo.toml", "=1.0.2", "=1.0.1").misses(&["direct"])]);
}

#[test]
fn a_feature_of_a_crate_of_a_registry() {
    let library = "pub fn step() -> u64 { if cfg!(feature = \"fine\") { 7 } else { 8 } }";
    Package::new("registry_features")
        .with_shelf()
        .shelved("shelved_featured", "1.0.1", "[features]\nfine = []\n", library)
        .dependency("shelved_featured = { version = \"1\", registry = \"shelf\" }")
        .main(
            r"
            #[rememo::memo]
            fn stepped(x: u64) -> u64 { x + shelved_featured::step() }

            #[rememo::memo]
            fn other(x: u64) -> u64 { x }
            ",
            "show!(stepped(1)); show!(other(1));",
        )
        .expect([replace(
            "Cargo.toml",
            "registry = \"shelf\"",
            "registry = \"shelf\", features = [\"fine\"]",
        )
        .misses(&["stepped"])]);
}
