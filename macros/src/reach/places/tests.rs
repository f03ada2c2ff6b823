use super::*;
use crate::reach::tests::package::directory;

fn package(name: &str, source: &str) -> Package {
    let mut package = Package::default();
    (package.name, package.version, package.source) =
        (name.to_owned(), "1.2.0".to_owned(), source.to_owned());
    package
}

#[test]
fn the_name_of_a_library_is_what_the_manifest_says() {
    let dir = directory(&[
        (
            "a/md-5-1.2.0/Cargo.toml",
            "[package]\nname = \"md-5\"\nversion = \"1.2.0\"\n\n[lib]\nname = \"md5\"\npath = \"src/lib.rs\"\n",
        ),
        (
            "a/plain-name-1.2.0/Cargo.toml",
            "[package]\nname = \"plain-name\"\n[lib]\npath = \"l.rs\"\n[dependencies.other]\nname = \"no\"\n",
        ),
        ("a/bare-1.2.0/Cargo.toml", "[package]\nname = \"bare\"\n"),
        (
            "b/vendored/Cargo.toml",
            "[package]\nname = \"vendored\"\nversion = \"1.2.0\"\n[lib]\nname = \"right\"\n",
        ),
        (
            "b/outdated/Cargo.toml",
            "[package]\nname = \"outdated\"\nversion = \"1.1.0\"\n[lib]\nname = \"wrong\"\n",
        ),
        ("notes/from-git-0011/lib-seen.json", ""),
        ("notes/from-git-0022/lib-seen-too.json", ""),
        ("notes/from-git-0022/bin-tool.json", ""),
        ("notes/from-git-more-0033/lib-other.json", ""),
        ("notes/md-5-0044/lib-not-asked.json", ""),
    ]);
    let places = Places {
        sources: vec![dir.path().join("missing"), dir.path().join("a"), dir.path().join("b")],
        notes: Some(dir.path().join("notes")),
    };
    for (name, source, expected) in [
        ("md-5", "registry+x", &["md5"][..]),
        ("plain-name", "registry+x", &["plain_name"]),
        ("bare", "registry+x", &["bare"]),
        ("vendored", "registry+x", &["right"]),
        ("outdated", "registry+x", &["outdated"]),
        ("not-there", "registry+x", &["not_there"]),
        ("from-git", "git+x", &["seen", "seen_too"]),
        ("not-seen", "git+x", &["not_seen"]),
    ] {
        let libraries = places.libraries(&package(name, source), &[]);
        assert_eq!(libraries.iter().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn a_package_with_a_path_tells_its_library_itself() {
    let dir = directory(&[
        ("one/Cargo.toml", "[package]\nname = \"own\"\n[lib]\nname = \"first\""),
        ("one/src/lib.rs", ""),
        ("two/Cargo.toml", "[package]\nname = \"own\"\n[lib]\nname = \"second\""),
        ("two/src/lib.rs", ""),
        ("program/Cargo.toml", "[package]\nname = \"program\""),
        ("program/src/main.rs", ""),
    ]);
    let local: Vec<Manifest> =
        ["one", "two", "program"].iter().filter_map(|name| Manifest::read(&dir.path().join(name))).collect();
    let places = Places { sources: Vec::new(), notes: None };
    for (name, expected) in [("own", &["first", "second"][..]), ("program", &[]), ("un-known", &["un_known"])]
    {
        let libraries = places.libraries(&package(name, ""), &local);
        assert_eq!(libraries.iter().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn directories_that_stand_for_registries_are_found_in_the_configuration() {
    let dir = directory(&[(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"kept\"\n[source.kept]\ndirectory = \"vendor\"\n",
    )]);
    assert_eq!(vendored(&dir.path().join(".cargo"), dir.path()), [dir.path().join("vendor")]);
    assert_eq!(vendored(&dir.path().join("other"), dir.path()), Vec::<PathBuf>::new());
}
