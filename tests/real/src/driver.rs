//! The program that uses a package: a directory with its manifest, its sources and copies of the packages that are
//! edited; how it is built and run.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::recipe::Recipe;
use crate::report::Report;

/// An edit may make a loop endless: so many seconds of processor time it may take, however busy the machine is.
const MOST_TIME: u64 = 60;

/// Or have it wait for ever.
const LONGEST_RUN: Duration = Duration::from_secs(600);

/// Or have memory filled, in KiB of address space.
const MOST_MEMORY: u64 = 16 << 20;

/// How variables begin that cargo sets for this program, and that those it builds would read.
const INHERITED: [&str; 10] = [
    "CARGO_INCREMENTAL",
    "CARGO_PROFILE_",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
    "RUSTFLAGS",
    "REMEMO",
];

pub(crate) struct Driver {
    pub(crate) recipe: Recipe,
    pub(crate) release: bool,
    pub(crate) dir: PathBuf,
    pub(crate) target: PathBuf,
}

impl Driver {
    /// Writes the program into a directory below `work`, where all programs share a target directory.
    pub(crate) fn write(recipe: Recipe, release: bool, work: &Path) -> Result<Self> {
        let kind = if release { "release" } else { "debug" };
        let dir = work.join(kind).join(&recipe.name);
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        let driver = Driver { recipe, release, dir, target: work.join("target") };
        driver.write_programs()?;
        fs::copy(library().join("Cargo.lock"), driver.dir.join("Cargo.lock"))?;
        fs::write(driver.dir.join("Cargo.toml"), driver.manifest(""))?;
        let patches = driver.copy_packages()?;
        fs::write(driver.dir.join("Cargo.toml"), driver.manifest(&patches))?;
        Ok(driver)
    }

    /// The same program in another directory, or built to another.
    pub(crate) fn elsewhere(&self, dir: PathBuf, target: PathBuf) -> Self {
        Driver { recipe: self.recipe.clone(), release: self.release, dir, target }
    }

    /// The name of the program that calls all functions; that of `function` alone has the function's name behind.
    pub(crate) fn program(&self, function: Option<&str>) -> String {
        let name = format!("real_{}", self.recipe.name.replace('-', "_"));
        function.map_or(name.clone(), |function| format!("{name}_{function}"))
    }

    /// The file of a program that was built.
    pub(crate) fn executable(&self, function: Option<&str>) -> PathBuf {
        let kind = if self.release { "release" } else { "debug" };
        self.target.join(kind).join(self.program(function))
    }

    fn write_programs(&self) -> Result<()> {
        let source = self.dir.join("src");
        fs::create_dir_all(source.join("bin"))?;
        fs::write(source.join("main.rs"), self.recipe.program())?;
        for function in &self.recipe.functions {
            let path = source.join("bin").join(format!("{}.rs", self.program(Some(function))));
            fs::write(path, self.recipe.program_of(function))?;
        }
        Ok(())
    }

    fn manifest(&self, patches: &str) -> String {
        format!(
            "[package]\nname = \"{}\"\nedition = \"2024\"\n\n[dependencies]\nrememo = {{ path = \"{}\" }}\n{}\n\n\
             [lints.rust]\nwarnings = \"allow\"\n\n[workspace]\nexclude = [\"packages\"]\n\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n\n[profile.release]\ndebug = \"line-tables-only\"\n\n{patches}",
            self.program(None),
            library().display(),
            self.recipe.dependencies.join("\n"),
        )
    }

    /// Copies the packages to be edited to where they can be; what the manifest says of the copies.
    fn copy_packages(&self) -> Result<String> {
        let told = self.cargo(&["metadata", "--format-version", "1"]).output()?;
        if !told.status.success() {
            return Err(String::from_utf8_lossy(&told.stderr).into());
        }
        let metadata: serde_json::Value = serde_json::from_slice(&told.stdout)?;
        let packages = metadata["packages"].as_array().ok_or("cargo tells of no packages")?;
        let mut patches = vec!["[patch.crates-io]".to_owned()];
        for name in &self.recipe.edited {
            let found = packages.iter().find(|package| package["name"] == name.as_str());
            let manifest = found.and_then(|package| package["manifest_path"].as_str());
            let source = manifest.and_then(|path| Path::new(path).parent());
            copy(source.ok_or_else(|| format!("cargo knows no {name}"))?, &self.copy_of(name))?;
            patches.push(format!("{name} = {{ path = \"packages/{name}\" }}"));
        }
        Ok(patches.join("\n"))
    }

    /// Where the copy of a package is.
    pub(crate) fn copy_of(&self, package: &str) -> PathBuf {
        self.dir.join("packages").join(package)
    }

    /// The source files of the edited packages that are compiled, as the compiler noted them.
    pub(crate) fn compiled_files(&self) -> Result<Vec<PathBuf>> {
        let kind = if self.release { "release" } else { "debug" };
        let packages = self.dir.canonicalize()?.join("packages");
        let mut files = Vec::new();
        for note in fs::read_dir(self.target.join(kind).join("deps"))? {
            let note = note?.path();
            if note.extension().is_none_or(|extension| extension != "d") {
                continue;
            }
            let text = fs::read_to_string(note)?;
            // Lines `file:` stand for each source.
            let sources = text.lines().filter_map(|line| line.strip_suffix(':'));
            let paths = sources.map(|path| self.dir.join(path.replace("\\ ", " ")));
            let is_source = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
            files.extend(paths.filter(is_source).filter_map(|path| path.canonicalize().ok()));
        }
        files.retain(|path| path.starts_with(&packages));
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Builds the program of all functions; what the compiler says if it does not compile.
    pub(crate) fn build(&self) -> Result<std::result::Result<(), String>> {
        self.build_programs(&[self.program(None)])
    }

    /// Builds the programs of single functions.
    pub(crate) fn build_alone(&self, functions: &[String]) -> Result<()> {
        let programs: Vec<_> = functions.iter().map(|function| self.program(Some(function))).collect();
        Ok(self.build_programs(&programs)??)
    }

    fn build_programs(&self, programs: &[String]) -> Result<std::result::Result<(), String>> {
        let mut command = self.cargo(&["build", "--quiet"]);
        command.args(self.release.then_some("--release"));
        for program in programs {
            command.args(["--bin", program]);
        }
        let output = command.output()?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(if output.status.success() { Ok(()) } else { Err(told) })
    }

    /// A command of cargo.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        for (name, _) in std::env::vars_os() {
            let inherited = name.to_string_lossy();
            if INHERITED.iter().any(|prefix| inherited.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.args(arguments).current_dir(&self.dir).stdin(Stdio::null());
        // Edits need not be beautiful.
        command.env("CARGO_TARGET_DIR", &self.target).env("RUSTFLAGS", "--cap-lints=allow");
        command
    }

    /// Runs the program; `None` if it does not end well, which an edit can bring about.
    pub(crate) fn run(&self, cache: &Path) -> Result<Option<Report>> {
        let printed = self.dir.join("printed");
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -v {MOST_MEMORY}; ulimit -t {MOST_TIME}; exec \"$0\" \"$1\"")])
            .arg(self.executable(None))
            .arg(cache)
            .env("XDG_CACHE_HOME", self.dir.join("user"))
            .stdin(Stdio::null())
            .stdout(File::create(&printed)?)
            .stderr(File::create(self.dir.join("errors"))?)
            .spawn()?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if started.elapsed() > LONGEST_RUN {
                child.kill()?;
                break child.wait()?;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ok(if status.success() { Some(Report::parse(&fs::read_to_string(printed)?)?) } else { None })
    }

    /// Of a program that did not end well, with what it said.
    pub(crate) fn trouble(&self) -> String {
        let errors = fs::read_to_string(self.dir.join("errors")).unwrap_or_default();
        let last: Vec<&str> = errors.lines().rev().take(3).collect();
        format!(
            "the program does not end well within {MOST_TIME} s of processor time; its last lines, backwards: {last:?}"
        )
    }
}

/// The directory of the library that is measured.
fn library() -> PathBuf {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    library.canonicalize().unwrap_or(library)
}

/// Copies a directory.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
