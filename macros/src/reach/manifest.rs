//! `Cargo.toml`: the targets of a package and what it depends on.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// What of a package's manifest matters to where code is.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) dir: PathBuf,
    pub(crate) package: String,
    /// The `[package]` tables of the package and of the workspace, from which cargo sets variables such as `CARGO_PKG_VERSION`.
    pub(crate) about: String,
    pub(crate) edition: String,
    /// The crate name of the library, if there is one, and its root.
    pub(crate) library: Option<(String, PathBuf)>,
    pub(crate) is_proc_macro: bool,
    /// Crate name and root of every other target.
    pub(crate) targets: Vec<(String, PathBuf)>,
    pub(crate) dependencies: Vec<Dependency>,
    /// The directory of the workspace, which has the lock file.
    pub(crate) workspace: PathBuf,
}

/// A dependency of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The name under which code knows it.
    pub(crate) crate_name: String,
    pub(crate) package: String,
    /// Its directory, if it has a path.
    pub(crate) path: Option<PathBuf>,
    pub(crate) is_dev: bool,
}

impl Manifest {
    /// Reads the manifest in `dir`; `None` if there is none of a package that can be read.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let table = table(dir)?;
        let about_table = table.get("package")?.as_table()?;
        let package = about_table.get("name")?.as_str()?.to_owned();
        let workspace = Workspace::of(dir, &table, about_table);
        let library = library(dir, &table, &package);
        let is_proc_macro = flag(table.get("lib"), "proc-macro") || flag(table.get("lib"), "proc_macro");
        let targets = targets(dir, &table, &package);
        let dependencies = dependencies(dir, &table, &workspace);
        let inherited = workspace.table.get("workspace").and_then(|workspace| workspace.get("package"));
        let about = format!("{about_table:?} {inherited:?}");
        let edition = edition(about_table, &workspace);
        let workspace = workspace.dir;
        Some(Manifest {
            dir: dir.to_owned(),
            package,
            about,
            edition,
            library,
            is_proc_macro,
            targets,
            dependencies,
            workspace,
        })
    }
}

/// The packages of the workspace in `dir`, and those that they depend on by a path; `None` if they
/// cannot be told.
pub(crate) fn of_workspace(dir: &Path) -> Option<Vec<Manifest>> {
    let table = table(dir)?;
    let workspace = table.get("workspace").and_then(Value::as_table);
    let members = workspace.and_then(|workspace| workspace.get("members")).and_then(Value::as_array);
    let mut dirs = vec![dir.to_owned()];
    for member in members.into_iter().flatten() {
        dirs.extend(matching(dir, member.as_str()?)?);
    }
    Some(with_dependencies(dirs))
}

/// The packages in these directories, and those that they depend on by a path.
pub(crate) fn with_dependencies(mut dirs: Vec<PathBuf>) -> Vec<Manifest> {
    let (mut seen, mut packages) = (HashSet::new(), Vec::new());
    while let Some(dir) = dirs.pop() {
        let Some(dir) = fs::canonicalize(dir).ok().filter(|dir| seen.insert(dir.clone())) else { continue };
        if let Some(package) = Manifest::read(&dir) {
            dirs.extend(package.dependencies.iter().filter_map(|dependency| dependency.path.clone()));
            packages.push(package);
        }
    }
    packages
}

/// The directories below `dir` that a pattern with `*` means; `None` for other patterns.
fn matching(dir: &Path, pattern: &str) -> Option<Vec<PathBuf>> {
    let mut dirs = vec![dir.to_owned()];
    for part in pattern.split('/') {
        match part.split_once('*') {
            None if part.contains(['?', '[']) => return None,
            None => dirs.iter_mut().for_each(|dir| dir.push(part)),
            Some((_, end)) if end.contains(['*', '?', '[']) => return None,
            Some((start, end)) => {
                let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten());
                let fits = |name: &str| {
                    name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
                };
                let fitting = entries.filter(|entry| entry.file_name().to_str().is_some_and(fits));
                dirs = fitting.map(|entry| entry.path()).collect();
            }
        }
    }
    Some(dirs)
}

/// What members of a workspace inherit.
struct Workspace {
    dir: PathBuf,
    table: Table,
}

impl Workspace {
    /// The workspace of the package in `dir`, which may be the package itself.
    fn of(dir: &Path, table: &Table, package: &Table) -> Self {
        let own = || Workspace { dir: dir.to_owned(), table: table.clone() };
        if table.contains_key("workspace") {
            return own();
        }
        if let Some(named) = package.get("workspace").and_then(Value::as_str) {
            let dir = dir.join(named);
            return self::table(&dir).map_or_else(own, |table| Workspace { dir, table });
        }
        let above = dir.ancestors().skip(1).find_map(|dir| {
            let table = self::table(dir).filter(|table| table.contains_key("workspace"))?;
            Some(Workspace { dir: dir.to_owned(), table })
        });
        let above = above.filter(|above| {
            let excluded = above.table.get("workspace").and_then(|workspace| workspace.get("exclude"));
            let excluded = excluded.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            !excluded.map(|path| above.dir.join(path)).any(|path| dir.starts_with(path))
        });
        above.unwrap_or_else(own)
    }

    fn dependency(&self, name: &str) -> Option<&Value> {
        self.table.get("workspace")?.get("dependencies")?.get(name)
    }

    /// The directory that `[patch]` puts in the place of a package.
    fn patch(&self, package: &str) -> Option<PathBuf> {
        let sources = self.table.get("patch")?.as_table()?;
        let patches = sources.values().filter_map(Value::as_table).flatten();
        let patch = patches.into_iter().find(|(key, patch)| renamed(key, patch) == package);
        Some(self.dir.join(patch?.1.get("path")?.as_str()?))
    }
}

fn table(dir: &Path) -> Option<Table> {
    fs::read_to_string(dir.join("Cargo.toml")).ok()?.parse().ok()
}

/// The edition of a package, its own or that of the workspace.
fn edition(package: &Table, workspace: &Workspace) -> String {
    let edition = package.get("edition");
    let inherited = || workspace.table.get("workspace")?.get("package")?.get("edition");
    let edition = if flag(edition, "workspace") { inherited() } else { edition };
    edition.and_then(Value::as_str).unwrap_or("2015").to_owned()
}

fn flag(table: Option<&Value>, key: &str) -> bool {
    table.and_then(|table| table.get(key)).and_then(Value::as_bool) == Some(true)
}

fn crate_name(name: &str) -> String {
    name.replace('-', "_")
}

/// The name of the package behind a dependency.
fn renamed<'a>(key: &'a str, dependency: &'a Value) -> &'a str {
    dependency.get("package").and_then(Value::as_str).unwrap_or(key)
}

fn library(dir: &Path, table: &Table, package: &str) -> Option<(String, PathBuf)> {
    let lib = table.get("lib");
    let text = |key: &str| lib.and_then(|lib| lib.get(key)).and_then(Value::as_str);
    let root = dir.join(text("path").unwrap_or("src/lib.rs"));
    let name = crate_name(text("name").unwrap_or(package));
    root.is_file().then_some((name, root))
}

/// The targets that the manifest lists, and those that cargo finds.
fn targets(dir: &Path, table: &Table, package: &str) -> Vec<(String, PathBuf)> {
    let mut targets = Vec::new();
    for (kind, folder) in
        [("bin", "src/bin"), ("example", "examples"), ("test", "tests"), ("bench", "benches")]
    {
        let listed = table.get(kind).and_then(Value::as_array).into_iter().flatten();
        targets.extend(listed.filter_map(|target| {
            let path = target.get("path").and_then(Value::as_str)?;
            Some((crate_name(target.get("name")?.as_str()?), dir.join(path)))
        }));
        for entry in fs::read_dir(dir.join(folder)).into_iter().flatten().flatten() {
            let path = entry.path();
            let root = if path.is_dir() { path.join("main.rs") } else { path.clone() };
            let name = path.file_stem().map(|stem| crate_name(&stem.to_string_lossy()));
            targets.extend(name.filter(|_| root.is_file()).map(|name| (name, root)));
        }
    }
    let main = dir.join("src/main.rs");
    if main.is_file() {
        targets.push((crate_name(package), main));
    }
    targets
}

/// The dependencies of every kind and platform, but for build scripts.
fn dependencies(dir: &Path, table: &Table, workspace: &Workspace) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    let platforms = table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    for table in platforms.filter_map(Value::as_table).chain([table]) {
        for (kind, is_dev) in
            [("dependencies", false), ("dev-dependencies", true), ("dev_dependencies", true)]
        {
            let listed = table.get(kind).and_then(Value::as_table).into_iter().flatten();
            dependencies.extend(listed.map(|(key, value)| dependency(dir, key, value, is_dev, workspace)));
        }
    }
    dependencies
}

fn dependency(dir: &Path, key: &str, value: &Value, is_dev: bool, workspace: &Workspace) -> Dependency {
    let inherited = flag(Some(value), "workspace").then(|| workspace.dependency(key)).flatten();
    let (dir, value) = inherited.map_or((dir, value), |inherited| (workspace.dir.as_path(), inherited));
    let package = renamed(key, value).to_owned();
    let path = value.get("path").and_then(Value::as_str).map(|path| dir.join(path));
    let path = path.or_else(|| workspace.patch(&package));
    Dependency { crate_name: crate_name(key), package, path, is_dev }
}

#[cfg(test)]
mod tests;
