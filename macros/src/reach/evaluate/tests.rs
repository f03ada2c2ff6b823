use super::*;
use crate::reach::tokens::Tokens;

/// A crate of the package `/pkg` that is compiled, or of another.
fn of(is_own: bool) -> Crate {
    Crate {
        name: "demo".to_owned(),
        dir: PathBuf::from("/pkg"),
        is_own,
        about: "version=1.2.3\n".to_owned(),
        edition: "2024".to_owned(),
        features: String::new(),
        script: String::new(),
        out_dir: None,
    }
}

/// What an argument spells in a file of the directory `/pkg/src`.
#[track_caller]
fn spelled(argument: &str) -> Spelled {
    let tokens = Tokens::lex(argument.to_owned()).unwrap();
    path(tokens.code(), Path::new("/pkg/src"), &of(true))
}

#[track_caller]
fn files(cases: &[(&str, &str)]) {
    for (argument, expected) in cases {
        assert_eq!(spelled(argument), Spelled::File(PathBuf::from(expected)), "{argument}");
    }
}

#[test]
fn a_literal_is_a_path_from_the_directory_of_the_file() {
    files(&[
        ("\"a.txt\"", "/pkg/src/a.txt"),
        ("\"a/b.txt\",", "/pkg/src/a/b.txt"),
        ("r#\"a.txt\"#", "/pkg/src/a.txt"),
        ("\"/abs/a.txt\"", "/abs/a.txt"),
    ]);
}

#[test]
fn strings_are_joined_and_variables_replaced() {
    files(&[
        ("concat!(\"a\", \"/\", \"b.txt\")", "/pkg/src/a/b.txt"),
        ("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/a.txt\")", "/pkg/a.txt"),
        ("concat! { concat!(\"a\", \"b\",), \".txt\", }", "/pkg/src/ab.txt"),
        ("core::concat!(std::env!(\"CARGO_MANIFEST_DIR\"), \"/a.txt\")", "/pkg/a.txt"),
        ("::core::concat!(\"a\")", "/pkg/src/a"),
        ("env!(\"CARGO_MANIFEST_DIR\", \"message\")", "/pkg"),
    ]);
}

#[test]
fn a_path_whose_end_is_unknown_is_below_what_is_known() {
    for (argument, expected) in [
        ("concat!(\"data/\", $name)", "/pkg/src/data"),
        ("concat!(\"data/part-\", name!(), \".txt\")", "/pkg/src/data"),
        ("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/\", stringify!(a))", "/pkg/data"),
        ("concat!(\"a/b/\", other::concat!(\"c\"))", "/pkg/src/a/b"),
    ] {
        assert_eq!(spelled(argument), Spelled::Below(PathBuf::from(expected)), "{argument}");
    }
}

#[test]
fn a_path_of_which_nothing_is_known_is_anywhere_below_the_file() {
    for argument in
        ["concat!($dir, \"/a.txt\")", "path!()", "env!(\"REMEMO_NO_SUCH_VARIABLE\")", "PATH", "\"a\\\\b\""]
    {
        assert_eq!(spelled(argument), Spelled::Below(PathBuf::from("/pkg/src")), "{argument}");
    }
    // Who invokes the macro gives it the path.
    assert_eq!(spelled("$path"), Spelled::Unknown);
}

#[test]
fn variables_are_those_of_the_crate_that_reads_them() {
    assert_eq!(variable("CARGO_MANIFEST_DIR", &of(true)).as_deref(), Some("/pkg"));
    assert_eq!(variable("CARGO_MANIFEST_DIR", &of(false)).as_deref(), Some("/pkg"));
    // Cargo sets those of the package whose macros run.
    assert_eq!(variable("CARGO_PKG_NAME", &of(true)), std::env::var("CARGO_PKG_NAME").ok());
    assert_eq!(variable("CARGO_PKG_VERSION", &of(false)).as_deref(), Some("version=1.2.3\n"));
    assert_eq!(variable("OUT_DIR", &of(false)), None);
    assert_eq!(variable("PATH", &of(false)), std::env::var("PATH").ok());
    assert_eq!(variable("REMEMO_NO_SUCH_VARIABLE", &of(true)), None);
}
