//! Programs, edits of them, and which memoized functions must be computed anew after each edit.
//!
//! A function is computed anew if something that the fingerprint puts into its identity has changed: the digest or the
//! predicates. Every state of a program is written to a directory of its own and read there, so that directories must
//! not matter. Nothing is compiled: that a function returns something else after an edit is not shown here.
//!
//! What takes cargo or the compiler to see (features, build scripts, functions that macros make) is tested with real
//! builds in `tests/it/reach` of the library.

mod dependencies;
mod edit;
mod files;
mod functions;
mod generics;
mod harmless;
mod implied;
mod macros;
mod names;
mod namesakes;
mod traits;
mod traps;
mod types;

use std::collections::BTreeMap;

use self::edit::{Edit, Identities, add, remove, rename, replace};
use super::package::Package;

/// Text by path.
type Files = BTreeMap<String, String>;

/// A program, not edited yet.
struct Scenario {
    /// Lines of `[dependencies]`, and what follows them in the manifest.
    dependencies: String,
    manifest: String,
    files: Files,
}

impl Scenario {
    /// A program whose `src/main.rs` is `source`.
    fn new(source: impl Into<String>) -> Self {
        let files = Files::from([("src/main.rs".to_owned(), source.into())]);
        Scenario { dependencies: String::new(), manifest: String::new(), files }
    }

    /// Adds a line to `[dependencies]`.
    fn dependency(mut self, line: &str) -> Self {
        self.dependencies += line;
        self.dependencies.push('\n');
        self
    }

    /// Adds to `[workspace]`, and tables behind it.
    fn manifest(mut self, tables: &str) -> Self {
        self.manifest += tables;
        self
    }

    /// Adds a file.
    fn file(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.insert(path.to_owned(), text.into());
        self
    }

    /// Applies each of `edits` to the program as it is, and expects what it says.
    #[track_caller]
    fn expect(mut self, edits: impl IntoIterator<Item = Edit>) {
        let rest = format!("[dependencies]\n{}\n[workspace]\n{}", self.dependencies, self.manifest);
        self = self.file("Cargo.toml", member("demo", &rest));
        let before = identities(&self.files);
        assert!(!before.is_empty(), "no function is memoized");
        assert_eq!(identities(&self.files), before, "the same sources in another directory");
        let problems: Vec<String> = edits
            .into_iter()
            .flat_map(|edit| edit.problems(&before, &identities(&edit.applied_to(&self.files))))
            .collect();
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    }
}

/// What tells the code of each memoized function of a program.
fn identities(files: &Files) -> Identities {
    let fingerprints = Package::program(files).memoized().into_iter();
    fingerprints.map(|(path, found)| (path, (found.digest, found.predicates))).collect()
}

/// A manifest of a package.
fn member(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{rest}")
}

#[test]
#[should_panic(expected = "`f`: HIT, where a miss is due")]
fn a_miss_that_does_not_happen_is_a_failure() {
    Scenario::new("#[memo] fn f() {} fn g() { 1 }")
        .expect([replace("src/main.rs", "{ 1 }", "{ 2 }").misses(&["f"])]);
}

#[test]
#[should_panic(expected = "`f`: NEEDLESS MISS")]
fn a_miss_that_is_not_expected_is_a_failure() {
    Scenario::new("#[memo] fn f() { g() } fn g() { 1 }")
        .expect([replace("src/main.rs", "{ 1 }", "{ 2 }").hits()]);
}

#[test]
#[should_panic(expected = "there is no memoized function `g`")]
fn a_name_of_no_memoized_function_is_a_failure() {
    Scenario::new("#[memo] fn f() { g() } fn g() { 1 }")
        .expect([replace("src/main.rs", "{ 1 }", "{ 2 }").misses(&["f"]).may_miss(&["g"])]);
}

#[test]
#[should_panic(expected = "`f` is not memoized any more")]
fn a_function_that_an_edit_takes_away_is_a_failure() {
    Scenario::new("#[memo] fn f() {} #[memo] fn g() {}").expect([replace(
        "src/main.rs",
        "#[memo] fn f() {}",
        "",
    )
    .hits()]);
}

#[test]
#[should_panic(expected = "there is no `2` in src/main.rs")]
fn an_edit_that_finds_nothing_is_a_failure() {
    Scenario::new("#[memo] fn f() { 1 }").expect([replace("src/main.rs", "2", "3").misses(&["f"])]);
}
