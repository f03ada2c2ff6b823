use super::*;
use crate::reach::tests::package::directory;

#[track_caller]
fn read(command_line: &str) -> Compilation {
    let arguments: Vec<String> = command_line.split_whitespace().map(str::to_owned).collect();
    Compilation::of_command_line(&arguments)
}

fn libraries(compilation: &Compilation) -> Vec<(&str, &str)> {
    let libraries = compilation.libraries.iter();
    libraries.map(|(name, path)| (name.as_str(), path.to_str().unwrap())).collect()
}

fn root(compilation: &Compilation) -> Option<&str> {
    compilation.root.as_ref().map(|root| root.to_str().unwrap())
}

#[test]
fn the_command_line_of_cargo_for_a_library_is_read() {
    let compilation = read(
        "/toolchain/bin/rustc --crate-name demo --edition=2024 src/lib.rs \
         --error-format=json --json=diagnostic-rendered-ansi,artifacts,future-incompat --crate-type lib \
         --emit=dep-info,metadata,link -C embed-bitcode=no -C debuginfo=2 --cfg feature=\"default\" \
         --check-cfg cfg(docsrs,test) --check-cfg cfg(feature,values(\"default\")) \
         -C metadata=5e1b1bd5e3a1b63c -C extra-filename=-0ab0d0ee4f43b8a0 --out-dir /t/debug/deps \
         -C incremental=/t/debug/incremental -L dependency=/t/debug/deps \
         --extern rememo=/t/debug/deps/librememo-1.rmeta --extern serde=/t/debug/deps/libserde-2.rmeta \
         --extern my_name=/t/debug/deps/libtheirs-3.rlib --cap-lints warn",
    );
    assert_eq!(compilation.crate_name, "demo");
    assert_eq!(root(&compilation), Some("src/lib.rs"));
    assert_eq!(
        libraries(&compilation),
        [
            ("my_name", "/t/debug/deps/libtheirs-3.rlib"),
            ("rememo", "/t/debug/deps/librememo-1.rmeta"),
            ("serde", "/t/debug/deps/libserde-2.rmeta"),
        ]
    );
    assert_eq!(compilation.out_dir.as_deref(), Some(Path::new("/t/debug/deps")));
    assert_eq!(compilation.package, None, "that is in a variable");
}

#[test]
fn every_spelling_of_an_option_is_read() {
    for (command_line, name, source, expected) in [
        ("rustc --crate-name=x a.rs --extern=b=b.rlib", "x", Some("a.rs"), &[("b", "b.rlib")][..]),
        ("rustc a.rs --crate-name x --extern b=b.rlib", "x", Some("a.rs"), &[("b", "b.rlib")]),
        (
            "rustc /p/main.rs --extern noprelude:std=std.rlib --extern priv,noprelude:b=dir/b=c.so",
            "",
            Some("/p/main.rs"),
            &[("b", "dir/b=c.so"), ("std", "std.rlib")],
        ),
        // Of one without a path, it is not known where it is.
        ("rustc --crate-type proc-macro --extern proc_macro a.rs", "", Some("a.rs"), &[]),
        ("rustdoc --crate-type bin --crate-name x --test a.rs", "x", Some("a.rs"), &[]),
        ("wrapper.rs --crate-name x a.rs", "x", Some("a.rs"), &[]),
        ("rustc -", "", None, &[]),
        ("rustc --crate-name build_script_build", "build_script_build", None, &[]),
        ("rustc --crate-name", "", None, &[]),
        ("rustc --extern-html-root-url b=c --crate-names x", "", None, &[]),
        ("", "", None, &[]),
    ] {
        let compilation = read(command_line);
        assert_eq!(compilation.crate_name, name, "{command_line}");
        assert_eq!(root(&compilation), source, "{command_line}");
        assert_eq!(libraries(&compilation), expected, "{command_line}");
    }
}

/// The roots that a crate of this name may have, below the package's directory.
fn roots(name: &str, root: Option<&str>) -> Vec<String> {
    let dir = directory(&[
        ("Cargo.toml", "[package]\nname = \"my-demo\"\n[[bin]]\nname = \"tool\"\npath = \"tools/tool.rs\""),
        ("src/lib.rs", ""),
        ("src/main.rs", ""),
        ("tests/tool.rs", ""),
    ]);
    let manifest = Manifest::read(dir.path());
    let root = root.map(PathBuf::from);
    let compilation = Compilation { crate_name: name.to_owned(), root, ..Compilation::default() };
    let roots = compilation.roots(manifest.as_ref());
    let below = |root: &PathBuf| root.strip_prefix(dir.path()).unwrap_or(root).to_str().unwrap().to_owned();
    roots.iter().map(below).collect()
}

#[test]
fn a_target_has_the_root_of_the_command_line_or_those_of_its_name() {
    for (name, root, expected) in [
        ("my_demo", Some("other/root.rs"), &["other/root.rs"][..]),
        ("my_demo", None, &["src/main.rs", "src/lib.rs"]),
        ("tool", None, &["tools/tool.rs", "tests/tool.rs"]),
        // A documentation test, whose code uses the library.
        ("rust_out", None, &["src/lib.rs"]),
    ] {
        assert_eq!(roots(name, root), expected, "{name} {root:?}");
    }
    assert_eq!(Compilation::default().roots(None), [""; 0].map(PathBuf::from));
}
