//! Which names of types mean one type each, in every program that has a function.
//!
//! The compiler prints types as paths, which leave much out: the version and the source of a crate,
//! the blocks of a function, the `impl` around a method. So there is a list of the paths that are
//! certain, and what is not in it the library tells apart by numbers that hold for one build only.
//!
//! | certain | because |
//! | --- | --- |
//! | a type in a module of the sources | there is one of a name |
//! | a type in the body of a function of the sources | it is the only one of its name there, and no macro makes types there |
//! | a type of a crate of a registry | `Cargo.lock` has one package whose library has the name; what stands in bodies cannot be named |
//!
//! Not certain is a name that two crates have which may be in one program: two libraries of the
//! lock file, and for what dependents of a library may bring, any target of the workspace. Without
//! the lock file nothing is certain, nor for crates that only dependents know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{GenericParam, ItemFn, Signature};

use super::compilation::Compilation;
use super::crates::is_ours;
use super::generics;
use super::index::{Index, ItemId, ScopeId, number};
use super::manifest::{self, Manifest};
use super::places::Places;
use super::project::Project;
use super::world::World;

/// Types whose names mean one thing, unless the sources hide them; then the names say so.
const COMMON: [&str; 20] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64", "String", "Vec", "Option",
];

/// Crates of the standard library.
const STANDARD: [&str; 3] = ["core", "alloc", "std"];

/// Whether there are types in an instance of the function beside the common ones.
pub(super) fn has_types(signature: &Signature) -> bool {
    struct Words(bool);
    impl Visit<'_> for Words {
        fn visit_ident(&mut self, word: &syn::Ident) {
            self.0 |= !COMMON.iter().any(|common| word == common);
        }
    }
    let mut output = Words(false);
    output.visit_return_type(&signature.output);
    output.0 || is_generic(signature)
}

fn is_generic(signature: &Signature) -> bool {
    signature.generics.params.iter().any(|parameter| matches!(parameter, GenericParam::Type(_)))
}

/// The package, and what tells it from others of its name in one program.
pub(super) fn package(world: &World) -> String {
    let Some(own) = &world.project.own else { return String::new() };
    let version = &world.compilation.version;
    let mut package = own.package.clone();
    let of_name =
        |version| world.project.lock.as_ref().map_or(usize::MAX, |lock| lock.count(&own.package, version));
    if of_name(None) > 1 {
        package = format!("{package} {version}");
    }
    if world.project.lock.is_some() && of_name(Some(version)) > 1 {
        package = format!("{package} {}", own.dir.display());
    }
    let crate_name = &world.compilation.crate_name;
    let path = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let named = own.targets.iter().chain(&own.library).filter(|(name, _)| name == crate_name);
    let roots: BTreeSet<PathBuf> = named.map(|(_, root)| path(root)).collect();
    if roots.len() > 1 {
        let root = world.compilation.root.as_deref().map(path).unwrap_or_default();
        package = format!("{package} {}", root.strip_prefix(path(&own.dir)).unwrap_or(&root).display());
    }
    package
}

/// The list of what is certain, for a function and the types that it may be called with.
pub(super) fn types(world: &mut World, function: &ItemFn, is_associated: bool) -> String {
    let found = world.find(function);
    let index = world.index();
    let is_of_one_type = |&item: &ItemId| {
        let header = index.header_of(index.entry(item));
        header.is_some_and(|header| !generics::is_open(header))
    };
    let is_one_type = !found.is_empty() && found.iter().all(is_of_one_type);
    let is_open = is_generic(&function.sig) || (is_associated && !is_one_type);
    world.certain(is_open).to_owned()
}

impl World {
    /// The list of what is certain; if `is_open`, of what dependents may bring, too.
    fn certain(&mut self, is_open: bool) -> &str {
        self.index();
        let World { compilation, project, index, certain } = self;
        let index = index.as_ref().expect("it was built a moment ago");
        let list = || {
            Certain::new(compilation, project, index, is_open)
                .map(|certain| certain.list())
                .unwrap_or_default()
        };
        certain[usize::from(is_open)].get_or_insert_with(list)
    }
}

/// What it takes to tell which names are certain.
struct Certain<'w> {
    project: &'w Project,
    index: &'w Index,
    /// The version of the package.
    version: &'w str,
    /// The names that the library of each package of the lock file may have.
    libraries: Vec<BTreeSet<String>>,
    /// Packages with a path.
    local: Vec<Manifest>,
    /// The names of crates that are not known here, and may bring types.
    elsewhere: BTreeSet<String>,
}

impl<'w> Certain<'w> {
    /// `None` if nothing is certain.
    fn new(
        compilation: &'w Compilation,
        project: &'w Project,
        index: &'w Index,
        is_open: bool,
    ) -> Option<Self> {
        let (own, lock) = (project.own.as_ref()?, project.lock.as_ref()?);
        // Nothing depends on other targets than libraries.
        let has_dependents = is_open && is_library(compilation, own);
        let local = if has_dependents {
            manifest::of_workspace(project.workspace.as_deref()?)?
        } else {
            manifest::with_dependencies(vec![own.dir.clone()])
        };
        let places = Places::of(compilation, project);
        let libraries = lock.packages().iter().map(|package| places.libraries(package, &local)).collect();
        let (version, elsewhere) = (compilation.version.as_str(), BTreeSet::new());
        let mut certain = Certain { project, index, version, libraries, local, elsewhere };
        if has_dependents {
            let others = certain.local.iter().flat_map(|package| {
                let library = package.library.iter().filter(|(name, _)| !certain.is_indexed(package, name));
                package.targets.iter().chain(library).map(|(name, _)| name.clone())
            });
            certain.elsewhere = others.collect();
        }
        Some(certain)
    }

    /// Whether the library of a package is among the sources.
    fn is_indexed(&self, package: &Manifest, library: &str) -> bool {
        let dir = |dir: &Path| fs::canonicalize(dir).ok();
        self.index.crates.iter().any(|of| of.name == library && dir(&of.dir) == dir(&package.dir))
    }

    /// How many packages may have a library of this name.
    fn count(&self, name: &str) -> usize {
        self.libraries.iter().filter(|names| names.contains(name)).count()
    }

    /// Whether all crates of this name are among the sources.
    fn is_known(&self, name: &str) -> bool {
        let has_library = |package: &&Manifest| {
            let library = package.library.as_ref().filter(|(library, _)| library == name);
            library.is_some_and(|_| self.is_indexed(package, name))
        };
        !self.elsewhere.contains(name) && self.count(name) <= self.local.iter().filter(has_library).count()
    }

    /// The list, as the library reads it.
    fn list(&self) -> String {
        let mut entries = BTreeSet::new();
        let named: BTreeSet<&str> = self.index.crates.iter().map(|of| of.name.as_str()).collect();
        let known: BTreeSet<&str> = named.iter().copied().filter(|name| self.is_known(name)).collect();
        for (path, scopes) in &self.index.named_scopes() {
            if known.contains(path.split("::").next().unwrap_or_default()) {
                self.index.certain_paths(path, scopes, &mut entries);
            }
        }
        let is_other = |name: &str| named.contains(name) || self.elsewhere.contains(name);
        let locked = self.locked().into_iter().filter(|name| !is_other(name) && self.count(name) == 1);
        entries.extend(locked.map(|name| format!("{name}::*")));
        let taken = STANDARD.iter().filter(|name| is_other(name) || self.count(name) > 0);
        entries.extend(taken.map(|name| format!("-{name}")));
        entries.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// The names of the crates of registries and repositories that the package needs, and of this
    /// library.
    fn locked(&self) -> Vec<&String> {
        let (Some(own), Some(lock)) = (&self.project.own, &self.project.lock) else { return Vec::new() };
        let needed = lock.needs(&own.package, self.version).into_iter();
        let foreign = needed.filter(|&place| {
            let package = &lock.packages()[place];
            !package.source.is_empty() || is_ours(&package.name)
        });
        foreign.flat_map(|place| &self.libraries[place]).collect()
    }
}

fn is_library(compilation: &Compilation, own: &Manifest) -> bool {
    let path = |path: &Path| fs::canonicalize(path).ok();
    let Some((_, library)) = &own.library else { return compilation.root.is_none() };
    compilation.root.as_ref().is_none_or(|root| path(root) == path(library))
}

impl Index {
    /// The scopes by the paths that the compiler prints for what is in them. What is in a method,
    /// it prints otherwise.
    fn named_scopes(&self) -> BTreeMap<&str, Vec<ScopeId>> {
        let mut by_path: BTreeMap<&str, Vec<ScopeId>> = BTreeMap::new();
        for (id, scope) in self.scopes.iter().enumerate().filter(|(_, scope)| !scope.is_in_member) {
            by_path.entry(&scope.path).or_default().push(number(id));
        }
        by_path
    }

    /// Adds what is certain of the types in scopes of one path.
    fn certain_paths(&self, path: &str, scopes: &[ScopeId], entries: &mut BTreeSet<String>) {
        let names = self.names_in(scopes);
        let is_twice = |name: &str| {
            names.get(name).is_some_and(|named| named.types > 0 && named.types + named.functions > 1)
        };
        let scope = |id: &ScopeId| &self.scopes[*id as usize];
        if let [only] = scopes
            && scope(only).around.is_none()
        {
            // A type that a `cfg` has twice is one all the same.
            let with_function = names.iter().filter(|(_, named)| named.types > 0 && named.functions > 0);
            entries.extend(with_function.map(|(name, _)| format!("-{path}::{name}")));
            entries.insert(format!("{path}::"));
        } else if !scopes.iter().any(|&id| self.may_have_made_types(id)) {
            let types = names.iter().filter(|(name, named)| named.types > 0 && !is_twice(name));
            entries.extend(types.map(|(name, _)| format!("{path}::{name}")));
        }
    }
}

#[cfg(test)]
mod tests;
