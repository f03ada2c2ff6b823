use super::*;
use crate::reach::crates;
use crate::reach::tests::package::{directory, write};

/// A workspace, and the root of what is compiled in it: a target of the package `demo`, in its
/// directory or in `own`.
struct Compiled {
    dir: tempfile::TempDir,
    own: &'static str,
    crate_name: &'static str,
    root: &'static str,
}

/// The entries of a lock file: name, version, source, and what it needs.
fn lock(packages: &[(&str, &str, &str, &[&str])]) -> String {
    let entry = |(name, version, source, needs): &(&str, &str, &str, &[&str])| {
        let source = if source.is_empty() { String::new() } else { format!("source = \"{source}\"\n") };
        let needs: Vec<String> = needs.iter().map(|need| format!(" \"{need}\",\n")).collect();
        let needs = needs.concat();
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}dependencies = [\n{needs}]\n\n"
        )
    };
    packages.iter().map(entry).collect::<Vec<_>>().concat()
}

const REGISTRY: &str = "registry+https://example.org/index";

impl Compiled {
    fn library(files: &[(&str, &str)]) -> Self {
        Compiled { dir: directory(files), own: "", crate_name: "demo", root: "src/lib.rs" }
    }

    fn world(&self) -> World {
        let own = self.dir.path().join(self.own);
        World::new(Compilation {
            package: Some(own.clone()),
            crate_name: self.crate_name.to_owned(),
            root: Some(own.join(self.root)),
            workspace: Some(self.dir.path().to_owned()),
            version: "0.1.0".to_owned(),
            ..Compilation::default()
        })
    }

    /// What is certain; of what dependents may bring, too, if `is_open`.
    fn certain(&self, is_open: bool) -> BTreeSet<String> {
        self.world()
            .certain(is_open)
            .split(' ')
            .map(str::to_owned)
            .filter(|entry| !entry.is_empty())
            .collect()
    }

    #[track_caller]
    fn expect(&self, is_open: bool, expected: &[&str]) {
        let certain = self.certain(is_open);
        assert_eq!(certain.iter().map(String::as_str).collect::<Vec<_>>(), expected, "open: {is_open}");
    }
}

const MANIFEST: &str = "[package]\nname = \"demo\"\nversion = \"0.1.0\"\n[dependencies]\nserde = \"1\"\n";

#[test]
fn modules_and_lone_types_of_bodies_are_certain() {
    let lock = lock(&[("demo", "0.1.0", "", &[])]);
    let source = "
        pub struct Item;
        pub mod tax { pub struct Rate; pub mod deep { pub enum Duty { None } } pub fn f() {} }
        fn one() { struct Lone; enum Other { A } trait Named {} }
        fn two() { { struct Twice; } { struct Twice; struct Once; } }
        fn twice() { struct Here; }
        mod twice { pub struct There; pub struct Here; }
        fn inner() { { fn f() { struct A; } } { fn f() { struct A; struct B; } } }
        fn inside() { mod m { pub struct A; } }
        fn made() { make!(); struct A; }
        macro_rules! make { () => { struct Hidden; } }
        fn foreign() { theirs!(Widget); struct A; }
        fn harmless() { println!(\"{}\", Thing); vec![Thing]; struct A; }
        fn function() { fn A() {} struct A; struct B; }
        impl Item { fn method() { struct A; } }
        impl Named for Item { fn method() { struct A; } }
        trait Default { fn method() { struct A; } }
        const _: () = { struct Hidden; };
        const LONE: u8 = { struct A; 1 };
        static SECOND: u8 = { struct A; 1 };
    ";
    Compiled::library(&[("Cargo.toml", MANIFEST), ("Cargo.lock", &lock), ("src/lib.rs", source)]).expect(
        false,
        &[
            "demo::",
            "demo::LONE::A",
            "demo::SECOND::A",
            "demo::_::Hidden",
            "demo::function::B",
            "demo::harmless::A",
            "demo::inner::f::B",
            "demo::inside::m::A",
            "demo::one::Lone",
            "demo::one::Named",
            "demo::one::Other",
            "demo::tax::",
            "demo::tax::deep::",
            "demo::twice::There",
            "demo::two::Once",
        ],
    );
}

#[test]
fn a_type_with_the_name_of_a_function_of_its_module_is_not_certain() {
    let lock = lock(&[("demo", "0.1.0", "", &[])]);
    let source = "pub struct Item; pub mod m { pub struct step; pub fn step() {} pub struct Other; }";
    Compiled::library(&[("Cargo.toml", MANIFEST), ("Cargo.lock", &lock), ("src/lib.rs", source)])
        .expect(false, &["-demo::m::step", "demo::", "demo::m::"]);
}

#[test]
fn a_crate_is_certain_if_the_lock_file_has_one_of_its_name() {
    let needs: &[&str] = &["serde", "twice 1.0.0", "renamed-library", "library", "rememo"];
    let lock = lock(&[
        ("demo", "0.1.0", "", needs),
        ("library", "1.0.0", REGISTRY, &[]),
        ("not-needed", "1.0.0", REGISTRY, &["twice 2.0.0"]),
        ("rememo", "0.1.0", "", &["inner-one"]),
        ("inner-one", "1.0.0", REGISTRY, &[]),
        ("renamed-library", "1.0.0", REGISTRY, &[]),
        ("serde", "1.0.0", REGISTRY, &[]),
        ("twice", "1.0.0", REGISTRY, &[]),
        ("twice", "2.0.0", REGISTRY, &[]),
    ]);
    let vendor = "[source.kept]\ndirectory = \"vendor\"\n";
    let compiled = Compiled::library(&[
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", &lock),
        ("src/lib.rs", ""),
        (".cargo/config.toml", vendor),
        ("vendor/renamed-library-1.0.0/Cargo.toml", "[lib]\nname = \"library\"\n"),
    ]);
    let certain = ["demo::", "inner_one::*", "rememo::*", "serde::*"];
    compiled.expect(false, &certain);
    compiled.expect(true, &certain);
}

#[test]
fn nothing_is_certain_without_the_lock_file() {
    let compiled = Compiled::library(&[("Cargo.toml", MANIFEST), ("src/lib.rs", "pub struct Item;")]);
    compiled.expect(false, &[]);
    compiled.expect(true, &[]);
}

#[test]
fn a_crate_named_like_one_of_the_standard_library_makes_that_uncertain() {
    let lock = lock(&[("demo", "0.1.0", "", &["core"]), ("core", "1.0.0", REGISTRY, &[])]);
    Compiled::library(&[("Cargo.toml", MANIFEST), ("Cargo.lock", &lock), ("src/lib.rs", "")])
        .expect(false, &["-core", "core::*", "demo::"]);
}

#[test]
fn two_crates_of_one_name_among_the_sources_share_what_only_one_has() {
    let lock = lock(&[("demo", "0.1.0", "", &[])]);
    let compiled = Compiled {
        root: "src/main.rs",
        ..Compiled::library(&[
            ("Cargo.toml", MANIFEST),
            ("Cargo.lock", &lock),
            (
                "src/lib.rs",
                "pub struct Both; pub struct Library; pub mod shared { pub struct A; } pub mod own {}",
            ),
            ("src/main.rs", "struct Both; struct Program; mod shared { pub struct B; make!(A); }"),
        ])
    };
    compiled.expect(false, &["demo::Library", "demo::Program", "demo::own::"]);
    // Nothing depends on a program.
    compiled.expect(true, &["demo::Library", "demo::Program", "demo::own::"]);
}

#[test]
fn of_a_library_dependents_may_bring_types_of_any_target_of_its_name() {
    let lock = lock(&[
        ("demo", "0.1.0", "", &["part"]),
        ("part", "0.1.0", "", &[]),
        ("tool", "0.1.0", "", &["demo"]),
    ]);
    let compiled = Compiled::library(&[
        (
            "Cargo.toml",
            "[package]\nname = \"demo\"\n[dependencies]\npart = { path = \"crates/part\" }\n[workspace]\nmembers = [\"crates/*\"]\n",
        ),
        ("Cargo.lock", &lock),
        ("src/lib.rs", "pub struct Item;"),
        ("crates/part/Cargo.toml", "[package]\nname = \"part\"\nversion = \"0.1.0\"\n"),
        ("crates/part/src/lib.rs", "pub struct Part;"),
        (
            "crates/tool/Cargo.toml",
            "[package]\nname = \"tool\"\nversion = \"0.1.0\"\n[dependencies]\ndemo = { path = \"../..\" }\n",
        ),
        ("crates/tool/src/main.rs", ""),
    ]);
    compiled.expect(true, &["demo::", "part::"]);
    write(compiled.dir.path(), &[("crates/tool/examples/part.rs", "")]);
    compiled.expect(true, &["demo::"]);
    compiled.expect(false, &["demo::", "part::"]);
    write(compiled.dir.path(), &[("src/main.rs", "")]);
    compiled.expect(true, &[]);
    compiled.expect(false, &["demo::", "part::"]);
}

#[test]
fn the_package_says_which_of_several_it_is() {
    let one = lock(&[("demo", "0.1.0", "", &[])]);
    let files = [("Cargo.toml", MANIFEST), ("Cargo.lock", &one), ("src/lib.rs", "")];
    assert_eq!(package(&Compiled::library(&files).world()), "demo");
    assert_eq!(
        package(&Compiled::library(&[files[0], files[2]]).world()),
        "demo 0.1.0",
        "the lock file is not known"
    );

    let both = [files[0], files[1], files[2], ("src/main.rs", "")];
    assert_eq!(package(&Compiled::library(&both).world()), "demo src/lib.rs");
    assert_eq!(
        package(&Compiled { root: "src/main.rs", ..Compiled::library(&both) }.world()),
        "demo src/main.rs"
    );

    let two = lock(&[("demo", "0.1.0", "", &[]), ("demo", "0.2.0", REGISTRY, &[])]);
    assert_eq!(
        package(&Compiled::library(&[files[0], ("Cargo.lock", &two), files[2]]).world()),
        "demo 0.1.0"
    );

    let equal = lock(&[("demo", "0.1.0", "", &[]), ("demo", "0.1.0", REGISTRY, &[])]);
    let compiled = Compiled::library(&[files[0], ("Cargo.lock", &equal), files[2]]);
    assert_eq!(package(&compiled.world()), format!("demo 0.1.0 {}", compiled.dir.path().join("").display()));
}

#[test]
fn only_instances_with_types_of_somebody_need_the_list() {
    for (signature, expected) in [
        ("fn f(x: Config) -> u64", false),
        ("fn f() -> Vec<Option<(String, [f64; 3])>>", false),
        ("fn f<'a, const N: usize>(x: &'a str) -> [u8; N]", true),
        ("fn f<'a>(x: &'a str) -> Vec<u8>", false),
        ("fn f<T>(x: T) -> u64", true),
        ("fn f() -> Config", true),
        ("fn f() -> Option<io::Result<u8>>", true),
        ("fn f()", false),
    ] {
        let signature: Signature = syn::parse_str(signature).unwrap();
        assert_eq!(has_types(&signature), expected, "{signature:?}");
    }
}

/// `lock` is read by all of these.
#[test]
fn the_sources_of_a_package_are_read_once() {
    let lock = lock(&[("demo", "0.1.0", "", &[])]);
    let compiled =
        Compiled::library(&[("Cargo.toml", MANIFEST), ("Cargo.lock", &lock), ("src/lib.rs", "struct A;")]);
    let mut world = compiled.world();
    assert_eq!(world.certain(false), "demo::");
    write(compiled.dir.path(), &[("src/lib.rs", "struct A; mod b {}")]);
    assert_eq!(world.certain(false), "demo::");
    let index = crates::index(&world.compilation, &world.project);
    assert_eq!(index.named_scopes().len(), 2);
}
