//! Which crates' sources there are: the target's, the library's of its package, and those of path dependencies.
//!
//! The library itself is left out wherever it occurs: what it does with results does not change them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::compilation::Compilation;
use super::index::{Builder, Crate, Index, Input};
use super::lock::Lock;
use super::manifest::{Dependency, Manifest};

/// Packages of this project.
const OURS: [&str; 2] = ["rememo", "rememo-macros"];

/// Reads all sources.
pub(crate) fn index(compilation: &Compilation) -> Index {
    let own = compilation.package.as_deref().and_then(Manifest::read);
    let roots = compilation.roots(own.as_ref());
    let base = own.as_ref().map(|own| own.workspace.clone()).or_else(|| compilation.package.clone());
    let base = base
        .unwrap_or_else(|| roots.first().and_then(|root| root.parent()).unwrap_or(Path::new("")).to_owned());
    let dependencies = own.as_ref().map_or(&[][..], |own| &own.dependencies);
    let ignored = dependencies.iter().filter(|dependency| is_ours(&dependency.package));
    let ignored =
        ignored.map(|dependency| dependency.crate_name.clone()).chain(["rememo".to_owned()]).collect();
    let mut builder = Builder::new(fs::canonicalize(&base).unwrap_or(base), ignored);
    for root in &roots {
        builder.add_crate(target(compilation, own.as_ref(), root));
    }
    if let Some(own) = own {
        let is_target = |root: &Path| roots.iter().any(|other| same_file(root, other));
        if let Some((name, root)) =
            own.library.clone().filter(|(_, root)| !is_target(root) && !is_ours(&own.package))
        {
            let about = about(&own, name.clone(), true, String::new());
            builder.add_crate(Input { about, root, names: vec![name], is_proc_macro: own.is_proc_macro });
        }
        let lock = fs::read_to_string(own.workspace.join("Cargo.lock"))
            .map(|text| Lock::parse(&text))
            .unwrap_or_default();
        Dependencies { compilation, lock, builder: &mut builder }.add(own);
    }
    builder.finish()
}

fn is_ours(package: &str) -> bool {
    OURS.contains(&package)
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

fn target(compilation: &Compilation, own: Option<&Manifest>, root: &Path) -> Input {
    let name = compilation.crate_name.clone();
    let about = match own {
        Some(own) => about(own, name.clone(), true, String::new()),
        None => Crate {
            name: name.clone(),
            dir: root.parent().unwrap_or(Path::new("")).to_owned(),
            is_own: true,
            about: String::new(),
            features: String::new(),
        },
    };
    Input { about, root: root.to_owned(), names: vec![name], is_proc_macro: false }
}

fn about(manifest: &Manifest, name: String, is_own: bool, features: String) -> Crate {
    Crate { name, dir: manifest.dir.clone(), is_own, about: manifest.about.clone(), features }
}

struct Dependencies<'a> {
    compilation: &'a Compilation,
    lock: Lock,
    builder: &'a mut Builder,
}

impl Dependencies<'_> {
    /// Adds what the package depends on, with a path or through the lock file, and what that depends on with a path.
    fn add(&mut self, own: Manifest) {
        self.unnamed(&own);
        let mut names: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
        let mut found: Vec<(PathBuf, Manifest)> = Vec::new();
        let mut seen: HashSet<PathBuf> = fs::canonicalize(&own.dir).into_iter().collect();
        let mut queue = vec![own];
        let mut is_first = true;
        while let Some(manifest) = queue.pop() {
            for dependency in &manifest.dependencies {
                if is_ours(&dependency.package) || (dependency.is_dev && !is_first) {
                    continue;
                }
                let dir = dependency.path.as_ref().and_then(|path| fs::canonicalize(path).ok());
                match dir {
                    Some(dir) => {
                        names.entry(dir.clone()).or_default().insert(dependency.crate_name.clone());
                        if seen.insert(dir.clone()) {
                            queue.extend(Manifest::read(&dir));
                        }
                    }
                    None => self.locked(&manifest, dependency),
                }
            }
            if !std::mem::take(&mut is_first) {
                found.extend(fs::canonicalize(&manifest.dir).ok().map(|dir| (dir, manifest)));
            }
        }
        for (dir, manifest) in found {
            let Some((name, root)) = manifest.library.clone() else { continue };
            let mut names = names.remove(&dir).unwrap_or_default();
            names.insert(name.clone());
            let features = self.features(&names);
            let names = names.into_iter().collect();
            let about = about(&manifest, name, false, features);
            self.builder.add_crate(Input { about, root, names, is_proc_macro: manifest.is_proc_macro });
        }
    }

    fn locked(&mut self, manifest: &Manifest, dependency: &Dependency) {
        if let Some(locked) = self.lock.dependency(&manifest.package, &dependency.package) {
            self.builder.add_locked(&dependency.crate_name, &dependency.package, &locked);
        }
    }

    /// Libraries whose crates have other names than their packages: which is whose, the manifests do not say. So each
    /// such name reaches all packages that it may be.
    fn unnamed(&mut self, own: &Manifest) {
        let libraries = &self.compilation.libraries;
        let is_known = |name: &str| {
            own.dependencies.iter().any(|dependency| dependency.crate_name == name)
                || own.library.as_ref().is_some_and(|(library, _)| library == name)
        };
        let unknown: Vec<&String> = libraries.keys().filter(|name| !is_known(name)).collect();
        let unclaimed = own.dependencies.iter().filter(|dependency| {
            dependency.path.is_none()
                && !is_ours(&dependency.package)
                && !libraries.contains_key(&dependency.crate_name)
        });
        for dependency in unclaimed {
            for name in &unknown {
                if let Some(locked) = self.lock.dependency(&own.package, &dependency.package) {
                    self.builder.add_locked(name, &dependency.package, &locked);
                }
            }
        }
    }

    /// What stands for the features of a dependency: those that cargo noted beside the compiled library, else the name of
    /// the library's file, which differs with them. A dependency of a dependency has the names of all files.
    fn features(&self, names: &BTreeSet<String>) -> String {
        let libraries = &self.compilation.libraries;
        let file = |library: &PathBuf| library.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(library) = names.iter().find_map(|name| libraries.get(name)) {
            return noted_features(library).unwrap_or_else(|| file(library));
        }
        libraries.values().map(file).collect::<Vec<_>>().join(" ")
    }
}

/// The features in `.fingerprint/<name>-<hash>/lib-<name>.json` beside `deps/lib<name>-<hash>.rlib`.
fn noted_features(library: &Path) -> Option<String> {
    let stem = library.file_stem()?.to_str()?.strip_prefix("lib")?;
    let (name, hash) = stem.rsplit_once('-')?;
    let profile = library.parent()?.parent()?;
    let notes = fs::read_dir(profile.join(".fingerprint")).ok()?.flatten().map(|entry| entry.path());
    let is_of_library = |path: &PathBuf| {
        let directory = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        directory
            .rsplit_once('-')
            .is_some_and(|(package, of)| of == hash && package.replace('-', "_") == name)
    };
    let dir = notes.into_iter().find(is_of_library)?;
    let text = fs::read_to_string(dir.join(format!("lib-{name}.json"))).ok()?;
    let features = text.split_once("\"features\":\"")?.1;
    Some(features.split_once("]\"")?.0.to_owned())
}
