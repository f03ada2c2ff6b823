//! `Cargo.lock`: which crates of a registry or a repository are compiled, exactly.

use std::collections::{BTreeMap, BTreeSet};

/// The packages of a lock file.
#[derive(Debug, Default)]
pub(crate) struct Lock {
    packages: Vec<Package>,
    by_name: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Where it comes from; empty for a package with a path.
    pub(crate) source: String,
    checksum: String,
    /// `name`, `name version` or `name version (source)`: as much as is needed to tell.
    dependencies: Vec<String>,
}

/// A package of the lock file, with all that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) version: String,
    pub(crate) digest: [u8; 32],
}

const CONTEXT: &str = "rememo fingerprint 2: packages of a lock file";

impl Lock {
    /// Reads what cargo writes, line by line: it is always laid out in the same way, and a parser of TOML would take
    /// longer for it than all else does.
    pub(crate) fn parse(text: &str) -> Self {
        let mut lock = Lock::default();
        let mut in_package = false;
        let mut in_list = false;
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with("[[") || (line.starts_with('[') && !in_list) {
                in_package = line == "[[package]]";
                in_list = false;
                if in_package {
                    lock.packages.push(Package::default());
                }
                continue;
            }
            let Some(package) = lock.packages.last_mut().filter(|_| in_package) else { continue };
            if in_list {
                in_list = !line.starts_with(']');
                if in_list {
                    package.dependencies.push(line.trim_matches([',', '"', ' ']).to_owned());
                }
                continue;
            }
            let Some((key, value)) = line.split_once(" = ") else { continue };
            let text = value.trim_matches('"').to_owned();
            match key {
                "name" => package.name = text,
                "version" => package.version = text,
                "source" => package.source = text,
                "checksum" => package.checksum = text,
                "dependencies" => in_list = !value.ends_with(']'),
                _ => {}
            }
        }
        for (index, package) in lock.packages.iter().enumerate() {
            lock.by_name.entry(package.name.clone()).or_default().push(index);
        }
        lock
    }

    /// The package that `dependent`, a package with a path, knows as `name`, unless that has a path, too.
    pub(crate) fn dependency(&self, dependent: &str, name: &str) -> Option<Locked> {
        let of_dependent = self.local(dependent).into_iter().flat_map(|package| &package.dependencies);
        let named = of_dependent.filter(|dependency| dependency.split(' ').next() == Some(name));
        let mut found: BTreeSet<usize> = named.flat_map(|dependency| self.find(dependency)).collect();
        if found.is_empty() {
            found = self.find(name);
        }
        found.retain(|&index| !self.packages[index].source.is_empty());
        let versions: Vec<_> = found.iter().map(|&index| self.packages[index].version.as_str()).collect();
        (!found.is_empty()).then(|| Locked { version: versions.join(", "), digest: self.digest(found) })
    }

    fn local(&self, name: &str) -> Option<&Package> {
        let mut named = self.by_name.get(name)?.iter().map(|&index| &self.packages[index]);
        named.find(|package| package.source.is_empty())
    }

    /// All packages.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// How many packages of a name there are; of a version, if one is given.
    pub(crate) fn count(&self, name: &str, version: Option<&str>) -> usize {
        let named = self.by_name.get(name).into_iter().flatten();
        named.filter(|&&index| version.is_none_or(|version| self.packages[index].version == version)).count()
    }

    /// The places, among all packages, of those that the packages of this name and version need,
    /// and of themselves.
    pub(crate) fn needs(&self, name: &str, version: &str) -> BTreeSet<usize> {
        let named = self.by_name.get(name).into_iter().flatten().copied();
        self.closure(named.filter(|&index| self.packages[index].version == version).collect())
    }

    /// The packages that an entry of a list of dependencies means.
    fn find(&self, dependency: &str) -> BTreeSet<usize> {
        let mut parts = dependency.split(' ');
        let (name, version) = (parts.next().unwrap_or_default(), parts.next());
        let source = parts.next().map(|source| source.trim_matches(['(', ')']));
        let named = self.by_name.get(name).into_iter().flatten().copied();
        named
            .filter(|&index| {
                let package = &self.packages[index];
                version.is_none_or(|version| version == package.version)
                    && source.is_none_or(|source| package.source.starts_with(source))
            })
            .collect()
    }

    /// These packages and all that they need.
    fn closure(&self, roots: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut reached = roots.clone();
        let mut queue: Vec<usize> = roots.into_iter().collect();
        while let Some(index) = queue.pop() {
            for dependency in &self.packages[index].dependencies {
                queue.extend(self.find(dependency).into_iter().filter(|&found| reached.insert(found)));
            }
        }
        reached
    }

    /// A digest of these packages and all that they need.
    fn digest(&self, roots: BTreeSet<usize>) -> [u8; 32] {
        let mut bytes = Vec::new();
        let mut lines: Vec<_> = self
            .closure(roots)
            .into_iter()
            .map(|index| &self.packages[index])
            .map(|package| [&package.name, &package.version, &package.source, &package.checksum])
            .collect();
        lines.sort();
        for text in lines.into_iter().flatten() {
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        blake3::derive_key(CONTEXT, &bytes)
    }
}

#[cfg(test)]
mod tests;
