//! Which crates' sources there are: the target's, the library's of its package, and those of path dependencies.
//!
//! The library itself is left out wherever it occurs: what it does with results does not change them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::compilation::Compilation;
use super::index::{Builder, Crate, Index, Input, files_below};
use super::lock::{Lock, Locked};
use super::manifest::{Dependency, Manifest};
use super::project::Project;

/// Packages of this project.
const OURS: [&str; 2] = ["rememo", "rememo-macros"];

/// Reads all sources.
pub(crate) fn index(compilation: &Compilation, project: &Project) -> Index {
    let Project { own, lock, .. } = project;
    let own = own.as_ref();
    let roots = compilation.roots(own);
    let base = own.map(|own| own.workspace.clone()).or_else(|| compilation.package.clone());
    let base = base
        .unwrap_or_else(|| roots.first().and_then(|root| root.parent()).unwrap_or(Path::new("")).to_owned());
    let dependencies = own.map_or(&[][..], |own| &own.dependencies);
    let ignored = dependencies.iter().filter(|dependency| is_ours(&dependency.package));
    let ignored =
        ignored.map(|dependency| dependency.crate_name.clone()).chain(["rememo".to_owned()]).collect();
    let mut builder = Builder::new(fs::canonicalize(&base).unwrap_or(base), ignored);
    for root in &roots {
        builder.add_crate(target(compilation, own, root));
    }
    if let Some(own) = own {
        let is_target = |root: &Path| roots.iter().any(|other| same_file(root, other));
        if let Some((name, root)) =
            own.library.clone().filter(|(_, root)| !is_target(root) && !is_ours(&own.package))
        {
            let about = about(own, name.clone(), true, compilation.settings.join(" "));
            builder.add_crate(Input {
                about,
                root,
                names: vec![name],
                is_proc_macro: own.is_proc_macro,
                with_tests: false,
            });
        }
        Dependencies { compilation, lock: lock.as_ref(), builder: &mut builder }.add(own.clone());
    }
    builder.finish()
}

pub(crate) fn is_ours(package: &str) -> bool {
    OURS.contains(&package)
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

fn target(compilation: &Compilation, own: Option<&Manifest>, root: &Path) -> Input {
    let name = compilation.crate_name.clone();
    let about = match own {
        Some(own) => about(own, name.clone(), true, compilation.settings.join(" ")),
        None => Crate {
            name: name.clone(),
            dir: root.parent().unwrap_or(Path::new("")).to_owned(),
            is_own: true,
            about: String::new(),
            edition: String::new(),
            features: compilation.settings.join(" "),
            script: String::new(),
            out_dir: None,
        },
    };
    // Where the command line cannot be read, tests may be compiled.
    let with_tests = compilation.tests || compilation.root.is_none();
    Input { about, root: root.to_owned(), names: vec![name], is_proc_macro: false, with_tests }
}

fn about(manifest: &Manifest, name: String, is_own: bool, features: String) -> Crate {
    let (dir, about, edition) = (manifest.dir.clone(), manifest.about.clone(), manifest.edition.clone());
    let (script, out_dir) = Default::default();
    Crate { name, dir, is_own, about, edition, features, script, out_dir }
}

struct Dependencies<'a> {
    compilation: &'a Compilation,
    /// `None` if it is not known which it is.
    lock: Option<&'a Lock>,
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
            let features = self.features(&names, &manifest.package);
            let (script, out_dir) = self.build_script(&manifest.package);
            let names = names.into_iter().collect();
            let about = Crate { script, out_dir, ..about(&manifest, name, false, features) };
            let is_proc_macro = manifest.is_proc_macro;
            self.builder.add_crate(Input { about, root, names, is_proc_macro, with_tests: false });
        }
    }

    fn locked(&mut self, manifest: &Manifest, dependency: &Dependency) {
        if let Some(locked) = self.compiled(manifest, dependency, &dependency.crate_name) {
            let library = self.compilation.libraries.get(&dependency.crate_name);
            let noted = library.and_then(|library| noted_features(library, &dependency.package));
            // Cargo notes them when the library is finished, and may compile this crate before.
            let features = noted.unwrap_or_else(|| {
                library.map(|_| self.file_names([dependency.crate_name.as_str()])).unwrap_or_default()
            });
            self.builder.add_locked(&dependency.crate_name, &dependency.package, &locked, &features);
        }
    }

    /// What is compiled of a dependency that is known as `name`, as far as it is locked. Where that
    /// is not known, the names of the compiled files stand for it, which differ with all that the
    /// compiler was given.
    fn compiled(&self, dependent: &Manifest, dependency: &Dependency, name: &str) -> Option<Locked> {
        if let Some(lock) = self.lock {
            return lock.dependency(&dependent.package, &dependency.package);
        }
        let digest = *blake3::hash(self.file_names([name]).as_bytes()).as_bytes();
        Some(Locked { version: "not known".to_owned(), digest })
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
                if let Some(locked) = self.compiled(own, dependency, name) {
                    self.builder.add_locked(name, &dependency.package, &locked, "");
                }
            }
        }
    }

    /// A digest of what build scripts of a dependency printed and wrote, whichever of them is the last, and the directory
    /// that was written to last.
    fn build_script(&self, package: &str) -> (String, Option<PathBuf>) {
        let library = self.compilation.libraries.values().next();
        let Some(profile) = library.and_then(|library| library.parent()?.parent()) else {
            return Default::default();
        };
        let dirs =
            fs::read_dir(profile.join("build")).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_of_package = |dir: &PathBuf| {
            let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.rsplit_once('-').is_some_and(|(name, _)| name == package)
        };
        let mut outputs = BTreeSet::new();
        let mut newest = None;
        for dir in dirs.filter(is_of_package).filter(|dir| dir.join("output").is_file()) {
            let printed = fs::read_to_string(dir.join("output")).unwrap_or_default();
            let settings =
                printed.lines().filter(|line| line.contains("rustc-env") || line.contains("rustc-cfg"));
            let mut hasher = blake3::Hasher::new();
            for line in settings {
                hasher.update(line.as_bytes()).update(b"\n");
            }
            for file in files_below(&dir.join("out")) {
                hasher.update(&fs::read(&file).unwrap_or_default());
            }
            outputs.insert(hasher.finalize().to_hex().to_string());
            let written = fs::metadata(dir.join("output")).and_then(|output| output.modified()).ok();
            newest = newest.max(Some((written, dir.join("out"))));
        }
        (outputs.into_iter().collect(), newest.map(|(_, dir)| dir))
    }

    /// What stands for the features of a dependency: those that cargo noted beside the compiled
    /// library, else the name of the library's file, which differs with them.
    fn features(&self, names: &BTreeSet<String>, package: &str) -> String {
        let library = names.iter().find_map(|name| self.compilation.libraries.get(name));
        let noted = library.and_then(|library| noted_features(library, package));
        noted.unwrap_or_else(|| self.file_names(names.iter().map(String::as_str)))
    }

    /// The name of the file of the library that has one of these names. A dependency of a
    /// dependency, which has no name here, has the names of all files.
    fn file_names<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        let libraries = &self.compilation.libraries;
        let file = |library: &PathBuf| library.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match names.into_iter().find_map(|name| libraries.get(name)) {
            Some(library) => file(library),
            None => libraries.values().map(file).collect::<Vec<_>>().join(" "),
        }
    }
}

/// The features that cargo notes in `.fingerprint/<package>-<hash>/lib-<name>.json`, beside `deps/lib<name>-<hash>.rlib`.
fn noted_features(library: &Path, package: &str) -> Option<String> {
    let (name, hash) = library.file_stem()?.to_str()?.strip_prefix("lib")?.rsplit_once('-')?;
    let profile = library.parent()?.parent()?;
    let notes = profile.join(".fingerprint").join(format!("{package}-{hash}"));
    let text = fs::read_to_string(notes.join(format!("lib-{name}.json"))).ok()?;
    let features = text.split_once("\"features\":\"")?.1;
    Some(features.split_once("]\"")?.0.to_owned())
}
