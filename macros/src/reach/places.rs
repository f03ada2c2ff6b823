//! Where the sources of crates of registries lie: their manifests tell the names of their
//! libraries, which the lock file does not.
//!
//! (`md5` is the library of two packages.)

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::compilation::Compilation;
use super::lock::Package;
use super::manifest::Manifest;
use super::project::Project;

/// The directories that have sources of crates.
#[derive(Debug)]
pub(super) struct Places {
    /// Each has directories named after packages.
    sources: Vec<PathBuf>,
    /// Where cargo notes what it has compiled.
    notes: Option<PathBuf>,
}

impl Places {
    pub(super) fn of(compilation: &Compilation, project: &Project) -> Self {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
        let mut sources = Vec::new();
        if let Some(home) = &home {
            let registries = fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
            sources.extend(registries.map(|registry| registry.path()));
            sources.extend(vendored(home, home));
        }
        for dir in project.workspace.iter().flat_map(|dir| dir.ancestors()) {
            sources.extend(vendored(&dir.join(".cargo"), dir));
        }
        let profile = compilation.out_dir.as_deref().and_then(Path::parent);
        Places { sources, notes: profile.map(|profile| profile.join(".fingerprint")) }
    }

    /// The names that the library of a package may have. Those of `local` packages tell themselves.
    pub(super) fn libraries(&self, package: &Package, local: &[Manifest]) -> BTreeSet<String> {
        let usual = || BTreeSet::from([package.name.replace('-', "_")]);
        if package.source.is_empty() {
            let named = local.iter().filter(|manifest| manifest.package == package.name);
            let known: Vec<&Manifest> = named.collect();
            let libraries = known.iter().filter_map(|manifest| manifest.library.as_ref());
            let libraries = libraries.map(|(name, _)| name.clone()).collect();
            return if known.is_empty() { usual() } else { libraries };
        }
        let manifest = self.sources.iter().find_map(|place| manifest_of(package, place));
        let noted =
            || if package.source.starts_with("git+") { self.noted(&package.name) } else { BTreeSet::new() };
        match manifest.map(|manifest| library_name(&manifest)) {
            Some(Some(name)) => BTreeSet::from([name]),
            Some(None) => usual(),
            None => Some(noted()).filter(|noted| !noted.is_empty()).unwrap_or_else(usual),
        }
    }

    /// The names of libraries that were compiled of packages of this name.
    fn noted(&self, package: &str) -> BTreeSet<String> {
        let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
        let of_package = self.notes.iter().flat_map(|notes| entries(notes)).filter(|entry| {
            let name = entry.file_name();
            name.to_str().and_then(|name| name.rsplit_once('-')).is_some_and(|(name, _)| name == package)
        });
        let library = |name: &str| Some(name.strip_prefix("lib-")?.strip_suffix(".json")?.replace('-', "_"));
        of_package
            .flat_map(|entry| entries(&entry.path()))
            .filter_map(|note| library(note.file_name().to_str()?))
            .collect()
    }
}

/// The directories with sources that the configuration in a directory puts in the place of
/// registries.
fn vendored(config: &Path, base: &Path) -> Vec<PathBuf> {
    let text =
        fs::read_to_string(config.join("config.toml")).or_else(|_| fs::read_to_string(config.join("config")));
    let table: Option<Table> = text.ok().and_then(|text| text.parse().ok());
    let sources = table.as_ref().and_then(|table| table.get("source")).and_then(Value::as_table);
    let directories =
        sources.into_iter().flat_map(Table::values).filter_map(|source| source.get("directory")?.as_str());
    directories.map(|directory| base.join(directory)).collect()
}

/// The manifest of a package in a directory of sources.
fn manifest_of(package: &Package, place: &Path) -> Option<String> {
    let Package { name, version, .. } = package;
    let read = |dir: String| fs::read_to_string(place.join(dir).join("Cargo.toml")).ok();
    let is_of_version = |text: &String| text.lines().any(|line| value(line, "version") == Some(version));
    read(format!("{name}-{version}")).or_else(|| read(name.clone()).filter(is_of_version))
}

/// What a manifest calls its library, read line by line: cargo lays out the manifests that it
/// publishes.
fn library_name(manifest: &str) -> Option<String> {
    let library = manifest.lines().skip_while(|line| line.trim() != "[lib]").skip(1);
    let mut table = library.take_while(|line| !line.starts_with('['));
    table.find_map(|line| value(line, "name")).map(|name| name.replace('-', "_"))
}

/// The text that a line sets a key to.
fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let value = line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
    value.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests;
