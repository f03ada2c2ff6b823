//! What the compiler was asked to do: which target it compiles, with which libraries.
//!
//! The macro runs inside of the compiler, whose command line names the root of the target exactly. Where there is none
//! that can be read (on some systems a loaded library sees no command line; a documentation test comes from standard
//! input), cargo's variables and the manifest name the targets that it may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fs};

use super::manifest::Manifest;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compilation {
    /// The directory of the package.
    pub(crate) package: Option<PathBuf>,
    pub(crate) crate_name: String,
    /// The root of the target, if the command line tells.
    pub(crate) root: Option<PathBuf>,
    /// The directory of the workspace. Cargo runs the compiler there, and tells the root relative
    /// to it, for packages that stand below; for others the root is absolute.
    pub(crate) workspace: Option<PathBuf>,
    /// Where the compiler writes to.
    pub(crate) out_dir: Option<PathBuf>,
    /// The version of the package.
    pub(crate) version: String,
    /// What `--cfg` sets: features, and what build scripts say.
    pub(crate) settings: Vec<String>,
    /// What `--check-cfg` says can be set.
    pub(crate) expected: String,
    /// Whether tests are compiled.
    pub(crate) tests: bool,
    /// The compiled libraries, by the names that code knows.
    pub(crate) libraries: BTreeMap<String, PathBuf>,
}

impl Compilation {
    /// What this process is compiling.
    pub(crate) fn of_this_process() -> Self {
        let arguments: Vec<String> =
            env::args_os().filter_map(|argument| argument.into_string().ok()).collect();
        let mut compilation = Compilation::of_command_line(&arguments);
        compilation.package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        compilation.version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
        if let Ok(name) = env::var("CARGO_CRATE_NAME") {
            compilation.crate_name = name;
        }
        compilation.root = compilation.root.filter(|root| root.is_file());
        if compilation.root.as_ref().is_some_and(|root| root.is_relative()) {
            compilation.workspace = env::current_dir().ok();
        }
        compilation
    }

    /// What a command line of the compiler says.
    fn of_command_line(arguments: &[String]) -> Self {
        let mut compilation = Compilation::default();
        // `@file` has an argument on each line.
        let read = |argument: &String| match argument.strip_prefix('@').map(fs::read_to_string) {
            Some(Ok(text)) => text.lines().map(str::to_owned).collect(),
            _ => vec![argument.clone()],
        };
        let arguments: Vec<String> = arguments.iter().skip(1).flat_map(read).collect();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = |option: &str| {
                let joined = argument.strip_prefix(option)?;
                match joined.strip_prefix('=') {
                    Some(value) => Some(value.to_owned()),
                    None if joined.is_empty() => arguments.next().cloned(),
                    None => None,
                }
            };
            if let Some(library) = value("--extern") {
                // `priv:name=path`, or `name` alone, which is then looked for.
                if let Some((name, path)) = library.split_once('=') {
                    let name = name.rsplit(':').next().unwrap_or(name);
                    compilation.libraries.insert(name.to_owned(), PathBuf::from(path));
                }
            } else if let Some(setting) = value("--cfg") {
                compilation.tests |= setting == "test";
                compilation.settings.push(setting);
            } else if let Some(expected) = value("--check-cfg") {
                compilation.expected += &expected;
            } else if argument == "--test" {
                compilation.tests = true;
            } else if let Some(name) = value("--crate-name") {
                compilation.crate_name = name;
            } else if let Some(dir) = value("--out-dir") {
                compilation.out_dir = Some(PathBuf::from(dir));
            } else if !argument.starts_with('-') && has_extension(argument) {
                compilation.root = Some(PathBuf::from(argument));
            }
        }
        compilation
    }

    /// The roots of the target: one, or all that it may be.
    pub(crate) fn roots(&self, manifest: Option<&Manifest>) -> Vec<PathBuf> {
        if let Some(root) = &self.root {
            return vec![root.clone()];
        }
        let Some(manifest) = manifest else { return Vec::new() };
        let targets = manifest.targets.iter().chain(&manifest.library);
        let named: Vec<_> =
            targets.filter(|(name, _)| *name == self.crate_name).map(|(_, root)| root.clone()).collect();
        if named.is_empty() { manifest.library.iter().map(|(_, root)| root.clone()).collect() } else { named }
    }
}

/// When the compiler began, or up to a hundredth of a second later; known on Linux. What is written to a file later, it may
/// not have read.
pub(crate) fn started() -> Option<SystemTime> {
    // Hundredths of a second after the start of the system; behind the name, which may have spaces.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let started: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let uptime = Duration::try_from_secs_f64(uptime).ok()?;
    let age = uptime.checked_sub(Duration::from_millis((started + 1) * 10)).unwrap_or_default();
    SystemTime::now().checked_sub(age)
}

fn has_extension(argument: &str) -> bool {
    Path::new(argument).extension().is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests;
