use tempfile::TempDir;

use super::*;
use crate::reach::tests::package::{directory, write};

/// A manifest of a package `my-demo`, with `rest` below its `[package]` table, among `files`.
fn package(rest: &str, files: &[&str]) -> (TempDir, Manifest) {
    let text = format!("[package]\nname = \"my-demo\"\n{rest}");
    let dir = directory(&[("Cargo.toml", &text)]);
    for file in files {
        write(dir.path(), &[(file, "")]);
    }
    let manifest = Manifest::read(dir.path()).unwrap_or_else(|| panic!("{text} is a manifest"));
    (dir, manifest)
}

/// A path below a directory, with `/`.
fn below(dir: &TempDir, path: &Path) -> String {
    path.strip_prefix(dir.path()).unwrap_or(path).to_str().unwrap().replace('\\', "/")
}

fn library(rest: &str, files: &[&str]) -> Option<(String, String)> {
    let (dir, manifest) = package(rest, files);
    manifest.library.map(|(name, root)| (name, below(&dir, &root)))
}

#[test]
fn a_library_is_where_cargo_has_it_unless_the_manifest_says_otherwise() {
    for (rest, files, expected) in [
        ("", &["src/lib.rs"][..], Some(("my_demo", "src/lib.rs"))),
        ("[lib]\nname = \"other\"", &["src/lib.rs"], Some(("other", "src/lib.rs"))),
        ("[lib]\npath = \"a/b.rs\"", &["a/b.rs", "src/lib.rs"], Some(("my_demo", "a/b.rs"))),
        ("[lib]\nname = \"o\"\npath = \"l.rs\"", &["l.rs"], Some(("o", "l.rs"))),
        ("", &["src/main.rs"], None),
    ] {
        let expected = expected.map(|(name, root): (&str, &str)| (name.to_owned(), root.to_owned()));
        assert_eq!(library(rest, files), expected, "{rest}");
    }
}

#[test]
fn a_crate_of_macros_is_known_by_its_flag() {
    for (rest, expected) in [
        ("[lib]\nproc-macro = true", true),
        ("[lib]\nproc_macro = true", true),
        ("[lib]\nproc-macro = false", false),
        ("", false),
    ] {
        assert_eq!(package(rest, &["src/lib.rs"]).1.is_proc_macro, expected, "{rest}");
    }
}

#[test]
fn targets_are_those_that_the_manifest_lists_and_those_in_the_folders_of_cargo() {
    let (dir, manifest) = package(
        "[[bin]]\nname = \"a-tool\"\npath = \"tools/tool.rs\"\n[[test]]\nname = \"it\"\npath = \"tests/it/start.rs\"\n\
         [[bench]]\nname = \"listed-only\"\nharness = false",
        &[
            "src/main.rs",
            "src/module.rs",
            "src/bin/one-bin.rs",
            "src/bin/two/main.rs",
            "src/bin/two/module.rs",
            "examples/show.rs",
            "examples/data/table.csv",
            "tests/it/start.rs",
            "tests/whole.rs",
            "benches/listed-only.rs",
        ],
    );
    let mut targets: Vec<_> =
        manifest.targets.iter().map(|(name, root)| format!("{name}: {}", below(&dir, root))).collect();
    targets.sort();
    assert_eq!(
        targets,
        [
            "a_tool: tools/tool.rs",
            "it: tests/it/start.rs",
            "listed_only: benches/listed-only.rs",
            "my_demo: src/main.rs",
            "one_bin: src/bin/one-bin.rs",
            "show: examples/show.rs",
            "two: src/bin/two/main.rs",
            "whole: tests/whole.rs",
        ]
    );
}

/// The dependencies of a package: crate name, package, path and kind.
fn dependencies(dir: &TempDir, manifest: &Manifest) -> Vec<String> {
    let shown = manifest.dependencies.iter().map(|dependency| {
        let Dependency { crate_name, package, path, is_dev } = dependency;
        let path = path.as_ref().map(|path| format!(" in {}", below(dir, path))).unwrap_or_default();
        format!("{crate_name}: {package}{path}{}", if *is_dev { " (dev)" } else { "" })
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    shown
}

#[test]
fn dependencies_are_those_of_all_kinds_and_platforms_but_of_build_scripts() {
    let (dir, manifest) = package(
        "[dependencies]\na-b = \"1\"\nc = { version = \"1\", optional = true }\n[dependencies.d]\npath = \"../d\"\n\
         [dev-dependencies]\ne = \"1\"\n[build-dependencies]\nf = \"1\"\n\
         [target.'cfg(unix)'.dependencies]\ng = { git = \"https://example.org/g\" }\n\
         [target.x86_64-pc-windows-gnu.dev-dependencies]\nh = \"1\"\n[dev_dependencies]\ni = \"1\"",
        &[],
    );
    assert_eq!(
        dependencies(&dir, &manifest),
        ["a_b: a-b", "c: c", "d: d in ../d", "e: e (dev)", "g: g", "h: h (dev)", "i: i (dev)"]
    );
}

#[test]
fn a_renamed_dependency_has_the_name_that_code_knows() {
    let (dir, manifest) = package(
        "[dependencies]\nmy-name = { package = \"their-name\", version = \"1\" }\nn = { package = \"m\", path = \"m\" }",
        &[],
    );
    assert_eq!(dependencies(&dir, &manifest), ["my_name: their-name", "n: m in m"]);
}

/// A workspace whose member in `members/demo` inherits.
fn member(workspace: &str, dependencies: &str) -> (TempDir, Manifest) {
    let dir = directory(&[
        ("Cargo.toml", workspace),
        ("members/demo/Cargo.toml", &format!("[package]\nname = \"demo\"\n{dependencies}")),
    ]);
    let manifest = Manifest::read(&dir.path().join("members/demo")).unwrap();
    (dir, manifest)
}

#[test]
fn a_member_inherits_dependencies_of_its_workspace() {
    let (dir, manifest) = member(
        "[workspace]\nmembers = [\"members/*\"]\n[workspace.dependencies]\n\
         a = { path = \"a\" }\nb-c = { package = \"d\", version = \"1\" }\ne = \"1\"\nf = { path = \"f\" }",
        "[dependencies]\na.workspace = true\nb-c = { workspace = true, features = [\"x\"] }\nf = \"2\"\nmissing.workspace = true\n\
         [dev-dependencies]\ne = { workspace = true }",
    );
    assert_eq!(
        dependencies(&dir, &manifest),
        ["a: a in a", "b_c: d", "e: e (dev)", "f: f", "missing: missing"]
    );
    assert_eq!(below(&dir, &manifest.workspace), "");
}

#[test]
fn a_patch_with_a_path_takes_the_place_of_a_package() {
    let (dir, manifest) = member(
        "[workspace]\n[patch.crates-io]\na = { path = \"patched/a\" }\nother = { package = \"b\", path = \"patched/b\" }\n\
         c = { git = \"https://example.org/c\" }\n[patch.'https://example.org/d']\nd = { path = \"patched/d\" }\n\
         e = { path = \"patched/e\" }",
        "[dependencies]\na = \"1\"\nmine = { package = \"b\", version = \"1\" }\nc = \"1\"\n\
         d = { git = \"https://example.org/d\" }\ne = { path = \"own\" }",
    );
    assert_eq!(
        dependencies(&dir, &manifest),
        [
            "a: a in patched/a",
            "c: c",
            "d: d in patched/d",
            "e: e in members/demo/own",
            "mine: b in patched/b",
        ]
    );
}

#[test]
fn a_package_without_a_workspace_is_its_own() {
    let (dir, manifest) = package("[patch.crates-io]\na = { path = \"b\" }\n[dependencies]\na = \"1\"", &[]);
    assert_eq!(manifest.workspace, dir.path());
    assert_eq!(dependencies(&dir, &manifest), ["a: a in b"]);
}

#[test]
fn the_workspace_is_the_package_itself_or_named_or_the_nearest_above() {
    for (files, expected) in [
        (&[("Cargo.toml", "[workspace]")][..], ""),
        (&[("Cargo.toml", "[workspace]"), ("a/Cargo.toml", "[package]\nname = \"a\"")], ""),
        (&[("Cargo.toml", "[workspace]"), ("a/Cargo.toml", "[workspace]")], "a"),
        (&[("Cargo.toml", "[workspace]"), ("a/Cargo.toml", "no manifest")], ""),
        (&[("a/b/Cargo.toml", "[package]\nname = \"b\"\n[workspace]")], "a/b"),
        (
            &[
                ("Cargo.toml", "[workspace]"),
                ("w/Cargo.toml", "[workspace]"),
                ("a/b/Cargo.toml", "[package]\nname = \"b\"\nworkspace = \"../../w\""),
            ],
            "w",
        ),
    ] {
        let dir = directory(&[("a/b/Cargo.toml", "[package]\nname = \"b\"")]);
        write(dir.path(), files);
        let manifest = Manifest::read(&dir.path().join("a/b")).unwrap();
        let found = std::fs::canonicalize(&manifest.workspace).unwrap();
        assert_eq!(found, std::fs::canonicalize(dir.path().join(expected)).unwrap(), "{files:?}");
    }
}

#[test]
fn the_texts_about_a_package_are_those_that_cargo_makes_variables_of() {
    let about = |rest: &str| package(rest, &[]).1.about;
    let first = about("version = \"1.0.0\"\nauthors = [\"a\"]\n[dependencies]\na = \"1\"");
    assert_ne!(first, about("version = \"1.0.0\"\nauthors = [\"b\"]"));
    assert_ne!(about("version = \"1.0.1\""), about("version = \"1.0.0\""));
    assert_ne!(about("description = \"b\""), about("description = \"a\""));
    assert_eq!(about("[dependencies]\nb = \"2\""), about("[dependencies]\na = \"1\""));
}

#[test]
fn what_is_no_manifest_of_a_package_is_none() {
    for text in ["", "[workspace]", "[package]", "[package]\nname = 1", "[package\nname = \"a\"", "\0"] {
        let dir = directory(&[("Cargo.toml", text)]);
        assert!(Manifest::read(dir.path()).is_none(), "{text}");
    }
    assert!(Manifest::read(directory(&[]).path()).is_none());
}
