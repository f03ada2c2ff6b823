//! Packages in temporary directories, and what their functions reach.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::ItemFn;
use syn::ext::IdentExt;
use tempfile::TempDir;

use crate::reach::closure::Covered;
use crate::reach::compilation::Compilation;
use crate::reach::index::{Entry, Index, ItemId};
use crate::reach::project::Project;
use crate::reach::tokens::Tokens;
use crate::reach::{Fingerprint, code, crates, digest, is_memo, reach};

/// A directory with these files, removed on drop.
pub(in crate::reach) fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    write(dir.path(), files);
    dir
}

/// Writes files below a directory.
pub(in crate::reach) fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// All files below a directory, at any depth, in order.
pub(in crate::reach) fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> =
        fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}

/// A package named `demo`, whose library or program is compiled.
pub(in crate::reach) struct Package {
    dir: TempDir,
    root: &'static str,
}

impl Package {
    /// A package of these files, with a plain manifest if there is none among them.
    pub(in crate::reach) fn new(files: &[(&str, &str)]) -> Self {
        let dir = directory(&[("Cargo.toml", "[package]\nname = \"demo\"\n"), ("src/lib.rs", "")]);
        write(dir.path(), files);
        Package { dir, root: "src/lib.rs" }
    }

    /// A package of these files and no others, whose program is compiled.
    pub(in crate::reach) fn program(files: &BTreeMap<String, String>) -> Self {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        Package { dir: directory(&files), root: "src/main.rs" }
    }

    pub(in crate::reach) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The package, as the compiler would be asked to compile it with these libraries, `name` or `name=hash`.
    pub(in crate::reach) fn index(&self, libraries: &[&str]) -> Index {
        let library = |name: &&str| {
            let (name, hash) = name.split_once('=').unwrap_or((name, "0"));
            (name.to_owned(), PathBuf::from(format!("lib{name}-{hash}.rlib")))
        };
        let compilation = Compilation {
            package: Some(self.dir().to_owned()),
            crate_name: "demo".to_owned(),
            root: Some(self.dir().join(self.root)),
            workspace: Some(self.dir().to_owned()),
            libraries: libraries.iter().map(library).collect::<BTreeMap<_, _>>(),
            ..Compilation::default()
        };
        let mut index = crates::index(&compilation, &Project::of(&compilation));
        // The files are younger than this process, which is no compiler.
        (index.started, index.is_torn) = (None, false);
        index
    }

    /// The fingerprint of the memoized function with this path, such as `demo::module::f`.
    #[track_caller]
    pub(in crate::reach) fn fingerprint(&self, function: &str) -> Fingerprint {
        self.fingerprint_with(function, &[])
    }

    /// The same, where these libraries are given to the compiler.
    #[track_caller]
    pub(in crate::reach) fn fingerprint_with(&self, function: &str, libraries: &[&str]) -> Fingerprint {
        let mut index = self.index(libraries);
        let found: Vec<ItemId> = (0u32..)
            .zip(&index.items)
            .filter(|(_, entry)| entry.path == function && entry.function.is_some())
            .map(|(id, _)| id)
            .collect();
        assert!(!found.is_empty(), "there is no function {function}");
        let own = own_tokens(&index, found[0]);
        fingerprint(&mut index, &own, function, &found)
    }

    /// The fingerprints of all memoized functions that are compiled, by their paths in the crate. Those that macros
    /// make are not among them: the compiler alone knows their tokens.
    #[track_caller]
    pub(in crate::reach) fn memoized(&self) -> BTreeMap<String, Fingerprint> {
        let mut index = self.index(&[]);
        let written: Vec<_> = index.items.iter().filter_map(|entry| written(&index, entry)).collect();
        let mut fingerprints = BTreeMap::new();
        for (path, function, (source, line)) in written {
            let name = function.sig.ident.unraw().to_string();
            let file = index.sources[source].path.clone();
            let found = index.functions(&file, line, &name);
            let own = Tokens::of(code(&function));
            let previous = fingerprints.insert(path.clone(), fingerprint(&mut index, &own, &name, &found));
            assert!(previous.is_none(), "two memoized functions are called {path}");
        }
        fingerprints
    }

    /// The paths of what the function covers, itself included.
    #[track_caller]
    pub(in crate::reach) fn reached(&self, function: &str) -> BTreeSet<String> {
        paths(&self.fingerprint(function))
    }
}

/// The fingerprint of a function that is any of `found`, all of the code `own`.
pub(in crate::reach) fn fingerprint(
    index: &mut Index,
    own: &Tokens,
    function: &str,
    found: &[ItemId],
) -> Fingerprint {
    let name = function.rsplit("::").next().unwrap().to_owned();
    let body = Covered { path: name, digest: digest::digest(&[own.code()]), place: String::new() };
    reach(index, "demo", own, body, found)
}

/// The tokens of a function, as the compiler gives them to the macro.
fn own_tokens(index: &Index, function: ItemId) -> Tokens {
    Tokens::lex(own_text(index, index.entry(function)).to_owned()).unwrap()
}

/// The text of a function, with its attributes and without the `impl` around it.
fn own_text<'i>(index: &'i Index, entry: &Entry) -> &'i str {
    let (source, _) = entry.content.code.as_ref().unwrap();
    let header = entry.header.map_or(0, |(_, end)| end);
    let parts: Vec<_> = index.code(entry).into_iter().filter(|part| part.start >= header).collect();
    let list = &index.sources[*source].tokens.list;
    let (start, end) =
        (list[parts[0].start].start as usize, list[parts[parts.len() - 1].end - 1].end as usize);
    &index.sources[*source].tokens.text[start..end]
}

/// The path, the parsed tokens and the place of a memoized function of the crate that is compiled.
fn written(index: &Index, entry: &Entry) -> Option<(String, ItemFn, (usize, u32))> {
    entry.function.as_ref()?;
    let path = entry.path.strip_prefix("demo::")?.to_owned();
    let function: ItemFn = syn::parse_str(own_text(index, entry)).ok()?;
    function.attrs.iter().any(is_memo).then_some((path, function, entry.place?))
}

/// The paths among the lines for people, without the editions of crates.
pub(in crate::reach) fn paths(fingerprint: &Fingerprint) -> BTreeSet<String> {
    let lines = fingerprint.items.lines().filter(|line| !line.contains("\tedition "));
    lines.map(|line| line.split('\t').nth(1).unwrap().to_owned()).collect()
}
