//! Crates that have one name.

use super::KINDS;
use crate::package::{Package, member, program};

/// The calls of a program that has the types `old::Length` and `new::Length`, in every place where
/// a type can be.
const LENGTHS: &str = r"
    impl Kind for old::Length { const NUMBER: u64 = 1; }
    impl Kind for new::Length { const NUMBER: u64 = 2; }
    impl Kind for Vec<old::Length> { const NUMBER: u64 = 3; }
    impl Kind for Vec<new::Length> { const NUMBER: u64 = 4; }

    #[rememo::memo]
    fn by_type<T: Kind>(x: u64) -> u64 { x + T::NUMBER }

    #[rememo::memo]
    fn by_value<T: Kind + serde::Serialize>(value: &T, x: u64) -> u64 { let _ = value; x + T::NUMBER }

    #[rememo::memo]
    fn by_output<T: Kind + From<u64> + serde::Serialize + serde::de::DeserializeOwned>(x: u64) -> T {
        T::from(x + T::NUMBER)
    }

    #[derive(serde::Serialize)]
    struct Model<T>(Option<T>);
    impl<T: Kind + serde::Serialize> Model<T> {
        #[rememo::memo]
        fn fit(&self, x: u64) -> u64 { x + T::NUMBER }
    }
";

const CALLS: &str = r#"
    if wants("type_old") { show_as!("type_old", by_type::delayed::<old::Length>(10), by_type::uncached::<old::Length>(10)); }
    if wants("type_new") { show_as!("type_new", by_type::delayed::<new::Length>(10), by_type::uncached::<new::Length>(10)); }
    if wants("nested_old") {
        show_as!("nested_old", by_type::delayed::<Vec<old::Length>>(10), by_type::uncached::<Vec<old::Length>>(10));
    }
    if wants("nested_new") {
        show_as!("nested_new", by_type::delayed::<Vec<new::Length>>(10), by_type::uncached::<Vec<new::Length>>(10));
    }
    if wants("value_old") {
        let value = old::Length::from(5);
        show_as!("value_old", by_value::delayed(&value, 10), by_value::uncached(&value, 10));
    }
    if wants("value_new") {
        let value = new::Length::from(5);
        show_as!("value_new", by_value::delayed(&value, 10), by_value::uncached(&value, 10));
    }
    if wants("output_old") {
        show_as!("output_old", by_output::delayed::<old::Length>(10), by_output::uncached::<old::Length>(10));
    }
    if wants("output_new") {
        show_as!("output_new", by_output::delayed::<new::Length>(10), by_output::uncached::<new::Length>(10));
    }
    if wants("method_old") {
        let model = Model::<old::Length>(None);
        show_as!("method_old", model.fit_delayed(10), model.fit_uncached(10));
    }
    if wants("method_new") {
        let model = Model::<new::Length>(None);
        show_as!("method_new", model.fit_delayed(10), model.fit_uncached(10));
    }
"#;

const LABELS: [&str; 10] = [
    "type_old",
    "type_new",
    "nested_old",
    "nested_new",
    "value_old",
    "value_new",
    "output_old",
    "output_new",
    "method_old",
    "method_new",
];

/// A type that is the same in both crates but for what is computed of it.
const LENGTH: &str = r"
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    pub struct Length(u64);
    impl From<u64> for Length { fn from(length: u64) -> Self { Length(length) } }
";

const SERDE: &str = "serde = { version = \"1\", features = [\"derive\"] }";

const SERDE_OF_SHELVED: &str = "[dependencies.serde]\nversion = \"1\"\nfeatures = [\"derive\"]\n";

fn lengths(package: Package) -> Package {
    package.dependency(SERDE).calls(&format!("pub trait Kind {{ const NUMBER: u64; }}\n{LENGTHS}"), CALLS)
}

#[test]
fn two_versions_of_a_crate_of_a_registry() {
    lengths(Package::new("two_versions"))
        .with_shelf()
        .shelved("two_versions_metric", "1.0.0", SERDE_OF_SHELVED, LENGTH)
        .shelved("two_versions_metric", "2.0.0", SERDE_OF_SHELVED, LENGTH)
        .dependency("old = { package = \"two_versions_metric\", version = \"1\", registry = \"shelf\" }")
        .dependency("new = { package = \"two_versions_metric\", version = \"2\", registry = \"shelf\" }")
        .tells_apart(&LABELS);
}

#[test]
fn two_versions_of_a_package_with_a_path() {
    let manifest = |version: &str| {
        format!(
            "[package]\nname = \"two_paths_metric\"\nversion = \"{version}\"\nedition = \"2024\"\n[dependencies]\n{SERDE}\n"
        )
    };
    lengths(Package::new("two_paths"))
        .manifest("exclude = [\"one\", \"two\"]\n")
        .dependency("old = { package = \"two_paths_metric\", path = \"one\" }")
        .dependency("new = { package = \"two_paths_metric\", path = \"two\" }")
        .file("one/Cargo.toml", manifest("1.0.0"))
        .file("one/src/lib.rs", LENGTH)
        .file("two/Cargo.toml", manifest("2.0.0"))
        .file("two/src/lib.rs", LENGTH)
        .tells_apart(&LABELS);
}

#[test]
fn two_packages_whose_libraries_have_one_name() {
    let rest = format!("[lib]\nname = \"metric\"\n[dependencies]\n{SERDE}\n");
    lengths(Package::new("one_library_name"))
        .dependency("old = { package = \"one_library_name_a\", path = \"one\" }")
        .dependency("new = { package = \"one_library_name_b\", path = \"two\" }")
        .file("one/Cargo.toml", member("one_library_name_a", &rest))
        .file("one/src/lib.rs", LENGTH)
        .file("two/Cargo.toml", member("one_library_name_b", &rest))
        .file("two/src/lib.rs", LENGTH)
        .tells_apart(&LABELS);
}

/// As the crates `md5` and `md-5` have.
#[test]
fn two_packages_of_a_registry_whose_libraries_have_one_name() {
    let renamed = format!("[lib]\nname = \"renamed_metric\"\n{SERDE_OF_SHELVED}");
    lengths(Package::new("one_shelved_name"))
        .with_shelf()
        .shelved("renamed_metric", "1.0.0", SERDE_OF_SHELVED, LENGTH)
        .shelved("renamed-metric-ng", "1.0.0", &renamed, LENGTH)
        .dependency("old = { package = \"renamed_metric\", version = \"1\", registry = \"shelf\" }")
        .dependency("new = { package = \"renamed-metric-ng\", version = \"1\", registry = \"shelf\" }")
        .tells_apart(&LABELS);
}

#[test]
fn a_registry_and_a_path_whose_libraries_have_one_name() {
    lengths(Package::new("path_and_shelf"))
        .with_shelf()
        .shelved("path_and_shelf_metric", "1.0.0", SERDE_OF_SHELVED, LENGTH)
        .dependency("old = { package = \"path_and_shelf_metric\", version = \"1\", registry = \"shelf\" }")
        .dependency("new = { package = \"path_and_shelf_own\", path = \"own\" }")
        .file(
            "own/Cargo.toml",
            member(
                "path_and_shelf_own",
                &format!("[lib]\nname = \"path_and_shelf_metric\"\n[dependencies]\n{SERDE}\n"),
            ),
        )
        .file("own/src/lib.rs", LENGTH)
        .tells_apart(&LABELS);
}

/// Two versions of a package with memoized functions of its own, which see nothing of what tells
/// them apart.
#[test]
fn memoized_functions_of_two_versions_of_a_package() {
    let manifest = |version: &str| {
        let library = crate::package::library().display();
        format!(
            "[package]\nname = \"memoizing_metric\"\nversion = \"{version}\"\nedition = \"2024\"\n\
             [dependencies]\nrememo = {{ path = \"{library}\" }}\n"
        )
    };
    let library = |factor: u64| {
        format!(
            "const FACTOR: u64 = {factor};
            #[rememo::memo]
            pub fn reached(x: u64) -> u64 {{ x * FACTOR }}
            #[rememo::memo(track = \"body\")]
            pub fn body(x: u64) -> u64 {{ x * FACTOR }}
            #[rememo::memo(track = \"none\")]
            pub fn none(x: u64) -> u64 {{ x * FACTOR }}
            #[rememo::memo(track = \"none\")]
            pub fn generic<const N: u64>(x: u64) -> u64 {{ x * FACTOR + N }}
            pub struct Model;
            impl serde::Serialize for Model {{
                fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {{ s.serialize_unit() }}
            }}
            impl Model {{
                #[rememo::memo(track = \"none\")]
                pub fn fit(&self, x: u64) -> u64 {{ x * FACTOR }}
            }}"
        )
    };
    let calls = |version: &str| {
        format!(
            "if wants(\"reached_{version}\") {{ show_as!(\"reached_{version}\", {version}::reached::delayed(5), {version}::reached::uncached(5)); }}
            if wants(\"body_{version}\") {{ show_as!(\"body_{version}\", {version}::body::delayed(5), {version}::body::uncached(5)); }}
            if wants(\"none_{version}\") {{ show_as!(\"none_{version}\", {version}::none::delayed(5), {version}::none::uncached(5)); }}
            if wants(\"generic_{version}\") {{
                show_as!(\"generic_{version}\", {version}::generic::delayed::<3>(5), {version}::generic::uncached::<3>(5));
            }}
            if wants(\"method_{version}\") {{
                show_as!(\"method_{version}\", {version}::Model.fit_delayed(5), {version}::Model.fit_uncached(5));
            }}"
        )
    };
    Package::new("memoizing")
        .manifest("exclude = [\"one\", \"two\"]\n")
        .dependency("old = { package = \"memoizing_metric\", path = \"one\" }")
        .dependency("new = { package = \"memoizing_metric\", path = \"two\" }")
        .file("one/Cargo.toml", format!("{}{SERDE}\n", manifest("1.0.0")))
        .file("one/src/lib.rs", library(1))
        .file("two/Cargo.toml", format!("{}{SERDE}\n", manifest("2.0.0")))
        .file("two/src/lib.rs", library(2))
        .calls("", &format!("{}\n{}", calls("old"), calls("new")))
        .tells_apart(&[
            "reached_old",
            "reached_new",
            "body_old",
            "body_new",
            "none_old",
            "none_new",
            "generic_old",
            "generic_new",
            "method_old",
            "method_new",
        ]);
}

/// The usual layout: a program and a library in one package, which have one name.
#[test]
fn a_library_and_a_program_of_one_package() {
    let library = format!(
        "{KINDS}
        pub struct Length;
        impl Kind for Length {{ const NUMBER: u64 = 1; }}
        #[rememo::memo(track = \"none\")]
        pub fn untracked(x: u64) -> u64 {{ x + 1 }}"
    );
    Package::new("both_targets")
        .file("src/lib.rs", library)
        .calls(
            r#"
            use both_targets::{Kind, number};
            struct Length;
            impl Kind for Length { const NUMBER: u64 = 2; }
            #[rememo::memo]
            fn own<T: Kind>(x: u64) -> u64 { x * T::NUMBER }
            #[rememo::memo(track = "none")]
            fn untracked(x: u64) -> u64 { x + 2 }
            "#,
            r#"
            if wants("lib") {
                show_as!("lib", number::delayed::<both_targets::Length>(10), number::uncached::<both_targets::Length>(10));
            }
            if wants("bin") { show_as!("bin", number::delayed::<Length>(10), number::uncached::<Length>(10)); }
            if wants("lib_in_bin") {
                show_as!("lib_in_bin", own::delayed::<both_targets::Length>(10), own::uncached::<both_targets::Length>(10));
            }
            if wants("bin_in_bin") { show_as!("bin_in_bin", own::delayed::<Length>(10), own::uncached::<Length>(10)); }
            if wants("untracked_lib") {
                show_as!("untracked_lib", both_targets::untracked::delayed(5), both_targets::untracked::uncached(5));
            }
            if wants("untracked_bin") { show_as!("untracked_bin", untracked::delayed(5), untracked::uncached(5)); }
            "#,
        )
        .tells_apart(&["lib", "bin", "lib_in_bin", "bin_in_bin", "untracked_lib", "untracked_bin"]);
}

/// Also usual: a package `…-cli` whose program has the name of the library.
#[test]
fn a_program_of_another_package_with_the_name_of_a_library() {
    let library = crate::package::library().display();
    Package::new("cli_tool")
        .file(
            "Cargo.toml",
            format!(
                "[package]\nname = \"cli_tool-cli\"\nedition = \"2024\"\n[[bin]]\nname = \"cli_tool\"\npath = \"src/main.rs\"\n\
                 [dependencies]\nrememo = {{ path = \"{library}\" }}\ncli_tool = {{ path = \"lib\" }}\n[lints.rust]\nunused = \"allow\"\n[workspace]\n"
            ),
        )
        .file("lib/Cargo.toml", member("cli_tool", &format!("[dependencies]\nrememo = {{ path = \"{library}\" }}\n")))
        .file("lib/src/lib.rs", format!("{KINDS} pub struct Length; impl Kind for Length {{ const NUMBER: u64 = 1; }}"))
        .calls(
            "use cli_tool::{Kind, number}; struct Length; impl Kind for Length { const NUMBER: u64 = 2; }",
            r#"
            if wants("lib") {
                show_as!("lib", number::delayed::<cli_tool::Length>(10), number::uncached::<cli_tool::Length>(10));
            }
            if wants("bin") { show_as!("bin", number::delayed::<Length>(10), number::uncached::<Length>(10)); }
            "#,
        )
        .tells_apart(&["lib", "bin"]);
}

/// Two programs of one name in one workspace, with one cache.
#[test]
fn two_programs_of_one_name_in_a_workspace() {
    let library = crate::package::library().display();
    let manifest = |name: &str| {
        member(
            name,
            &format!(
                "[[bin]]\nname = \"same_tool\"\npath = \"main.rs\"\n[dependencies]\nrememo = {{ path = \"{library}\" }}\n\
                 same_tool_lib = {{ path = \"../lib\" }}\n"
            ),
        )
    };
    let main = |number: u64| {
        program(
            &format!(
                "use same_tool_lib::{{Kind, number}};
                struct Own; impl Kind for Own {{ const NUMBER: u64 = {number}; }}
                #[rememo::memo(track = \"none\")] fn untracked(x: u64) -> u64 {{ x + {number} }}
                #[rememo::memo(track = \"body\")] fn body(x: u64) -> u64 {{ x + helper() }}
                #[rememo::memo] fn reached(x: u64) -> u64 {{ x + helper() }}
                fn helper() -> u64 {{ {number} }}"
            ),
            "show_as!(\"generic\", number::delayed::<Own>(1), number::uncached::<Own>(1));
            show!(untracked(1)); show!(body(1)); show!(reached(1));",
        )
    };
    let mut package = Package::new("same_tool_workspace")
        .file("Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"3\"\n")
        .file("one/Cargo.toml", manifest("same_tool_one"))
        .file("one/main.rs", main(1))
        .file("two/Cargo.toml", manifest("same_tool_two"))
        .file("two/main.rs", main(2))
        .file(
            "lib/Cargo.toml",
            member("same_tool_lib", &format!("[dependencies]\nrememo = {{ path = \"{library}\" }}\n")),
        )
        .file("lib/src/lib.rs", KINDS)
        .run_as(&["run", "-p", "same_tool_one"]);
    package.start();
    let second = crate::package::run_as(&["run", "-p", "same_tool_two"]);
    let report = package.edited(&second);
    report.assert_sound("the second program");
    assert_eq!(report.missed(), report.functions());
    assert_eq!(package.edited(&second).missed(), [""; 0]);
}

#[test]
fn equal_names_in_sibling_crates() {
    let rest = format!("[dependencies]\n{SERDE}\n");
    lengths(Package::new("siblings"))
        .dependency("siblings_old = { path = \"one\" }")
        .dependency("siblings_new = { path = \"two\" }")
        .calls(
            &format!("pub trait Kind {{ const NUMBER: u64; }} use siblings_old::shapes as old; use siblings_new::shapes as new; {LENGTHS}"),
            CALLS,
        )
        .file("one/Cargo.toml", member("siblings_old", &rest))
        .file("one/src/lib.rs", format!("pub mod shapes {{ {LENGTH} }}"))
        .file("two/Cargo.toml", member("siblings_new", &rest))
        .file("two/src/lib.rs", format!("pub mod shapes {{ {LENGTH} }}"))
        .tells_apart(&LABELS);
}
