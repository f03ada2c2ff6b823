//! Small real packages, built against this library, run, edited and run again.
//!
//! Each stands in a temporary directory of its own. They share [target directories](lanes), for which the library is compiled
//! once; therefore no two packages may have one name. Nothing is fetched: versions are those of this library's lock file.
//!
//! The oracle is the function without the cache: a program prints both values of each call, and they must be equal
//! whatever was edited.

mod edit;
mod lanes;
mod report;
mod shelf;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub use self::edit::{Edit, add, add_variable, cargo, replace, run_as, touch};
pub use self::lanes::target;
pub use self::report::Report;
pub use self::shelf::locked;

/// A package, and the cache that its runs share.
pub struct Package {
    name: &'static str,
    dir: TempDir,
    cache: PathBuf,
    /// The manifest as long as no file `Cargo.toml` is given: lines of `[dependencies]`, and what follows them.
    dependencies: String,
    manifest: String,
    files: Files,
    /// What is between `cargo` and the arguments of the program.
    run: Vec<&'static str>,
    variables: Vec<(&'static str, &'static str)>,
    /// Whether the machine code of programs counts.
    shows_code: bool,
}

/// Text by path.
type Files = BTreeMap<String, String>;

impl Package {
    pub fn new(name: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let lock = fs::read_to_string(library().join("Cargo.lock")).unwrap();
        let files = Files::from([("Cargo.lock".to_owned(), lock)]);
        Package {
            name,
            dir,
            cache,
            dependencies: format!("rememo = {{ path = \"{}\" }}\n", library().display()),
            manifest: String::new(),
            files,
            run: vec!["run"],
            variables: Vec::new(),
            shows_code: false,
        }
    }

    /// Lets the machine code of programs count, too. As a rule their sources alone do.
    pub fn with_machine_code(mut self) -> Self {
        self.shows_code = true;
        self
    }

    /// Adds a line to `[dependencies]`.
    pub fn dependency(mut self, line: &str) -> Self {
        self.dependencies += line;
        self.dependencies.push('\n');
        self
    }

    /// Adds tables to the manifest.
    pub fn manifest(mut self, tables: &str) -> Self {
        self.manifest += tables;
        self
    }

    pub fn file(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.insert(path.to_owned(), text.into());
        self
    }

    /// Adds `src/main.rs`, a [`program`].
    pub fn main(self, source: &str, body: &str) -> Self {
        self.file("src/main.rs", program(source, body))
    }

    /// Says how cargo runs the program, if not by `cargo run`.
    pub fn run_as(mut self, arguments: &[&'static str]) -> Self {
        self.run = arguments.to_vec();
        self
    }

    /// Sets an environment variable of the build.
    pub fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// The same sources in another directory, with the same cache.
    pub fn copied(&self) -> Self {
        Package {
            dir: tempfile::tempdir().unwrap(),
            cache: self.cache.clone(),
            dependencies: self.dependencies.clone(),
            manifest: self.manifest.clone(),
            files: self.files.clone(),
            run: self.run.clone(),
            variables: self.variables.clone(),
            ..*self
        }
    }

    /// Applies `edits` to the package as it is, and expects what they say. Before the first of them everything is computed
    /// once and then remembered. Those that do not concern the same functions are applied together, which takes fewer
    /// builds; if anything is wrong then, each alone.
    #[track_caller]
    pub fn expect(mut self, edits: impl IntoIterator<Item = Edit>) {
        let base = self.start();
        let mut problems = Vec::new();
        for group in Edit::gathered(edits.into_iter().collect(), &self.files) {
            let all = Edit::all(&group);
            let of_all = all.problems(&base, &self.edited(&all));
            if group.len() > 1 && !of_all.is_empty() {
                problems.extend(group.iter().flat_map(|edit| edit.problems(&base, &self.edited(edit))));
            }
            problems.extend(of_all);
        }
        assert!(problems.is_empty(), "in package {}:\n{}", self.name, problems.join("\n"));
    }

    /// Writes the package, expects that everything is a miss and then that everything is a hit; what was printed.
    #[track_caller]
    pub fn start(&mut self) -> Report {
        let first = self.write_and_run();
        // As cargo completed it, so that it can be edited.
        self.files.insert("Cargo.lock".to_owned(), self.read("Cargo.lock"));
        first.assert_sound(self.name);
        assert_eq!(first.missed(), first.functions(), "on the first run of {}, {first:?}", self.name);
        let second = self.write_and_run();
        second.assert_sound(self.name);
        assert_eq!(second.missed(), [""; 0], "on the second run of {}, {second:?}", self.name);
        first
    }

    /// Runs the package with `edit`, and takes the edit back.
    #[track_caller]
    pub fn edited(&self, edit: &Edit) -> Report {
        Report::parse(&self.printed(edit))
    }

    /// Runs the package with `edit`, and takes the edit back; what was printed.
    #[track_caller]
    pub fn printed(&self, edit: &Edit) -> String {
        let files = edit.applied_to(&self.files);
        self.write(&files);
        for touched in edit.touched() {
            fs::write(self.path(touched), &files[touched]).unwrap();
        }
        for arguments in edit.commands() {
            self.cargo(arguments, &[]);
        }
        let printed = self.run_with(edit.run().unwrap_or(&self.run), edit.variables());
        for added in files.keys().filter(|path| !self.files.contains_key(*path)) {
            fs::remove_file(self.path(added)).unwrap();
        }
        self.write(&self.files);
        printed
    }

    /// Adds the manifest, if none is given.
    pub fn complete(&mut self) {
        self.files.entry("Cargo.toml".to_owned()).or_insert_with(|| {
            format!(
                "[package]\nname = \"{}\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\
                 [lints.rust]\nunused = \"allow\"\n\n[workspace]\n{}",
                self.name, self.dependencies, self.manifest
            )
        });
    }

    /// Writes the package and runs it.
    #[track_caller]
    pub fn write_and_run(&mut self) -> Report {
        self.complete();
        self.write(&self.files);
        Report::parse(&self.run_with(&self.run, &[]))
    }

    /// Writes the package and runs it; what it printed.
    #[track_caller]
    pub fn print(&mut self) -> String {
        self.complete();
        self.write(&self.files);
        self.run_with(&self.run, &[])
    }

    #[track_caller]
    fn run_with(&self, run: &[&str], variables: &[(&str, &str)]) -> String {
        let cache = self.cache.to_str().unwrap();
        self.cargo(&[run, &["--", cache]].concat(), variables)
    }

    /// Has an empty cache from now on.
    pub fn empty_cache(&mut self) {
        fs::remove_dir_all(&self.cache).unwrap();
    }

    /// Where the package is.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes `files` into the directory. What is there already is left alone, as an editor would.
    fn write(&self, files: &Files) {
        for (path, text) in files {
            let path = self.path(path);
            if fs::read_to_string(&path).is_ok_and(|there| there == *text) {
                continue;
            }
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
    }

    /// Runs cargo, which has to succeed and say nothing; what was printed.
    #[track_caller]
    fn cargo(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = command(&lanes::target())
            .args(&arguments[..1])
            .arg("--quiet")
            .args(&arguments[1..])
            .current_dir(self.dir.path())
            .envs((!self.shows_code).then_some((RUNNER, LOADER)))
            .envs(self.variables.iter().copied())
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`cargo {}` in {}:\n{told}", arguments.join(" "), self.name);
        assert_eq!(told, "", "`cargo {}` in {} is silent", arguments.join(" "), self.name);
        String::from_utf8(output.stdout).unwrap()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }
}

/// A source file with a `main`, in which `show!(path::function(…))` prints a call of a memoized function, and `show_as!` one
/// that is spelled otherwise. Nothing but `main` has the macros, so that no memoized function reaches them.
pub fn program(source: &str, body: &str) -> String {
    format!("{source}\n{}", MAIN.replace("BODY", body))
}

const MAIN: &str = r#"fn main() {
    let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
    macro_rules! show_as {
        ($name:expr, $delayed:expr, $uncached:expr) => {{
            let outcome = memory.call_info($delayed);
            let source = if outcome.is_hit() { "hit" } else { "miss" };
            // Memoized functions that it calls are computed, too.
            let _off = rememo::Memory::disabled().enter();
            println!("{}\t{source}\t{:?}\t{:?}", $name, outcome.value, $uncached);
        }};
    }
    macro_rules! show {
        ($($name:ident)::+($($argument:expr),*)) => {
            show_as!(
                stringify!($($name)::+),
                $($name)::+::delayed($($argument),*),
                $($name)::+::uncached($($argument),*)
            )
        };
    }
    BODY
}
"#;

/// A manifest of a package beside the program.
pub fn member(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{rest}")
}

/// Cargo, with a target directory, and without what is set for these tests.
fn command(target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let inherited = name.to_string_lossy();
        if INHERITED.iter().any(|prefix| inherited.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.args(SETTINGS.iter().flat_map(|setting| ["--config", setting]));
    command.env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true");
    // Small files, fast to write.
    command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    command
}

/// Checksums of megabytes take long without the first. Small programs compile faster in one unit, and libraries in several.
const SETTINGS: [&str; 3] = [
    "profile.dev.package.twox-hash.opt-level=3",
    "profile.dev.codegen-units=1",
    "profile.dev.package.'*'.codegen-units=16",
];

/// What cargo runs programs by, and a loader: a program that it runs has no machine fingerprint, as the system shows the loader's
/// file for its own. So one build of the library serves both kinds of tests.
const RUNNER: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER";
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// How variables begin that cargo sets for these tests, and that a `build.rs` or a macro would read.
const INHERITED: [&str; 8] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "OUT_DIR",
    "RUSTC_BOOTSTRAP",
    "RUSTFLAGS",
    "REMEMO",
];

/// The directory of this library.
pub fn library() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
