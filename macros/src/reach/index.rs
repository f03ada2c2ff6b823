//! The index: every item of the sources, and by what it is reached.
//!
//! It is built once in a run of the compiler, from what [`crates`](super::crates) finds. What is in an item (its digest, the
//! names in it) is read when a function first reaches it, and kept.
//!
//! A file that is saved while it is compiled may be one thing to the compiler and another to the
//! macro. If a source was written after the compiler began (known on Linux), the fingerprint gets
//! an item that no other compilation has. What that program computes is not found again, and cargo
//! compiles the file anew the next time.

mod build;
mod details;
mod namesakes;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use std::{env, fs, io};

pub(crate) use self::build::{Builder, Input};
pub(crate) use self::details::{Details, files_below};
use super::tokens::{Code, Tokens};
use super::words::WordId;

pub(crate) type ItemId = u32;
pub(crate) type ScopeId = u32;

/// All items, and the names they go by.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) crates: Vec<Crate>,
    pub(crate) sources: Vec<Source>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) items: Vec<Entry>,
    /// The directory below which files are shown by a relative path.
    base: PathBuf,
    /// The items that a name may reach.
    by_word: Vec<Vec<ItemId>>,
    /// Invocations of macros among items.
    pub(crate) invocations: Vec<ItemId>,
    /// Functions and methods, by their names.
    functions: HashMap<String, Vec<ItemId>>,
    /// What everything reaches.
    pub(crate) always: Vec<ItemId>,
    /// The names that renaming imports stand for.
    pub(crate) aliases: HashMap<WordId, Vec<WordId>>,
    /// Invocations that may make types.
    pub(crate) type_makers: Vec<ItemId>,
    /// Structs, enums and unions, for generic functions.
    pub(crate) types: Vec<ItemId>,
    /// Names of macros that the sources define.
    macros: HashSet<String>,
    /// When the compiler began.
    pub(crate) started: Option<SystemTime>,
    /// Whether a file was written since: the compiler may have read what it was before.
    pub(crate) is_torn: bool,
    /// The files of packages, by their directories.
    packages: RefCell<HashMap<PathBuf, Arc<[PathBuf]>>>,
    /// Items made of files and variables, by their paths.
    extras: HashMap<String, ItemId>,
}

/// A crate whose sources are indexed.
#[derive(Debug)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Its package's directory.
    pub(crate) dir: PathBuf,
    /// Whether it belongs to the package that is compiled, so that its features and variables are those of the macro.
    pub(crate) is_own: bool,
    /// The texts of the `[package]` table.
    pub(crate) about: String,
    pub(crate) edition: String,
    /// What stands for the features of the crate, and whatever else `cfg` asks for.
    pub(crate) features: String,
    /// What stands for what its build script did, if it is not of this package.
    pub(crate) script: String,
    /// The directory to which that wrote.
    pub(crate) out_dir: Option<PathBuf>,
}

/// A file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file, absolute, without links.
    pub(crate) path: PathBuf,
    /// The file as it is shown: below the workspace.
    pub(crate) shown: String,
    pub(crate) in_crate: usize,
    pub(crate) tokens: Tokens,
}

/// A module, or the body of an item that has items in it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) parent: Option<ScopeId>,
    pub(crate) path: String,
    /// Whether it is the body of an item.
    pub(crate) is_body: bool,
    /// Whether it is in a member of an `impl` or a trait.
    pub(crate) is_in_member: bool,
    /// Whether a macro may make types in it.
    pub(crate) makes_types: bool,
    /// Of a body, and of modules in it: the source and the tokens of the outermost item around it.
    pub(crate) around: Option<(usize, (usize, usize))>,
    /// The item that opens it: it is reached whenever something in here is.
    pub(crate) opener: Option<ItemId>,
    pub(crate) items: Vec<ItemId>,
}

/// An item in the index.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where it is in the tree of modules, and what it is called: the same wherever its file is.
    pub(crate) path: String,
    pub(crate) scope: Option<ScopeId>,
    /// The source and the line, for people.
    pub(crate) place: Option<(usize, u32)>,
    pub(crate) content: Content,
    /// `None`: by other items only.
    pub(crate) trigger: Option<Trigger>,
    /// What is shown in the place of a place.
    pub(crate) shown: String,
    /// The scope that it opens, when it is reached.
    pub(crate) opens: Option<ScopeId>,
    /// Whether it is a struct, enum, union or alias.
    pub(crate) is_type: bool,
    /// Whether it is a struct, enum, union or trait.
    pub(crate) is_nominal: bool,
    /// Whether it is declared in an `extern` block, and defined elsewhere.
    pub(crate) is_linked: bool,
    /// Of a method: the header of the `impl` around it.
    pub(crate) header: Option<(usize, usize)>,
    /// The name of a function or method.
    pub(crate) function: Option<String>,
    pub(crate) details: Option<Arc<Details>>,
}

/// What is hashed, and read for names.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// Ranges of the tokens of a source.
    pub(crate) code: Option<(usize, Vec<(usize, usize)>)>,
    /// Names beside those in the code.
    pub(crate) names: Vec<String>,
    /// Text beside the code.
    pub(crate) text: String,
}

/// When an item is reached: when of each list one name is mentioned; always, if there is no list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trigger {
    /// Whether something else in its module has to be reached, too, or the name of the module be mentioned.
    pub(crate) in_module: bool,
    pub(crate) names: Vec<Vec<WordId>>,
}

impl Trigger {
    /// By one of these names, wherever it is mentioned.
    pub(crate) fn anywhere(names: Vec<WordId>) -> Self {
        Trigger { in_module: false, names: vec![names] }
    }

    /// By its name, where its module matters.
    pub(crate) fn named(name: WordId) -> Self {
        Trigger { in_module: true, names: vec![vec![name]] }
    }

    /// Wherever its module matters.
    pub(crate) fn in_module() -> Self {
        Trigger { in_module: true, names: Vec::new() }
    }

    pub(crate) fn always() -> Self {
        Trigger::default()
    }

    fn is_always(&self) -> bool {
        !self.in_module && self.names.is_empty()
    }
}

impl Index {
    pub(crate) fn items_named(&self, word: WordId) -> &[ItemId] {
        self.by_word.get(word as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn entry(&self, item: ItemId) -> &Entry {
        &self.items[item as usize]
    }

    pub(crate) fn is_import(&self, item: ItemId) -> bool {
        !self.entry(item).content.names.is_empty()
    }

    /// The pieces of code of an item.
    pub(crate) fn code(&self, entry: &Entry) -> Vec<Code<'_>> {
        let Some((source, ranges)) = &entry.content.code else { return Vec::new() };
        let tokens = &self.sources[*source].tokens;
        ranges.iter().map(|&(start, end)| tokens.range(start, end)).collect()
    }

    /// Adds an item and lets its names find it.
    pub(crate) fn add(&mut self, entry: Entry) -> ItemId {
        let id = number(self.items.len());
        if let Some(scope) = entry.scope {
            self.scopes[scope as usize].items.push(id);
        }
        self.items.push(entry);
        self.register(id);
        id
    }

    /// The header of the `impl` around a method.
    pub(crate) fn header_of(&self, method: &Entry) -> Option<Code<'_>> {
        let ((source, _), (start, end)) = (method.content.code.as_ref()?, method.header?);
        Some(self.sources[*source].tokens.range(start, end))
    }

    /// Lets an item be reached in another way.
    pub(crate) fn set_trigger(&mut self, id: ItemId, trigger: Option<Trigger>) {
        self.items[id as usize].trigger = trigger;
        self.register(id);
    }

    fn register(&mut self, id: ItemId) {
        let lists = self.items[id as usize].trigger.iter().flat_map(|trigger| &trigger.names);
        let mut words: Vec<WordId> = lists.flatten().copied().collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            if self.by_word.len() <= word as usize {
                self.by_word.resize_with(word as usize + 1, Vec::new);
            }
            self.by_word[word as usize].push(id);
        }
    }

    /// Notes, once the index is whole, what each function would else look for among all items.
    fn close(&mut self) {
        for (id, entry) in self.items.iter().enumerate() {
            if let Some(function) = &entry.function {
                self.functions.entry(function.clone()).or_default().push(number(id));
            }
            if entry.trigger.as_ref().is_some_and(Trigger::is_always) {
                self.always.push(number(id));
            }
        }
    }

    /// The path of a function, which an entry is or makes.
    pub(crate) fn path_of(&self, entry: &Entry, name: &str) -> String {
        match (&entry.function, entry.scope) {
            (None, Some(scope)) => format!("{}::{name}", self.scopes[scope as usize].path),
            _ => entry.path.clone(),
        }
    }

    /// Reads a file.
    fn read_file(&mut self, file: &Path) -> io::Result<Vec<u8>> {
        let bytes = fs::read(file)?;
        let modified = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
        // A time to come says nothing of when it was written.
        let since = self.started.zip(modified).is_some_and(|(started, modified)| started < modified);
        // The build script has ended before, if only just.
        let is_generated = env::var_os("OUT_DIR").is_some_and(|dir| file.starts_with(dir));
        self.is_torn |= since && !is_generated && modified <= Some(SystemTime::now());
        Ok(bytes)
    }

    /// A file, for people.
    fn shown(&self, file: &Path) -> String {
        // Where a build script writes to, says nothing of the code.
        let own_out_dir = env::var_os("OUT_DIR").and_then(|dir| fs::canonicalize(dir).ok());
        let out_dirs = self.crates.iter().filter_map(|of| fs::canonicalize(of.out_dir.as_ref()?).ok());
        if let Some(rest) = own_out_dir.into_iter().chain(out_dirs).find_map(|dir| below(file, &dir)) {
            return format!("OUT_DIR/{rest}");
        }
        let of_crate = || {
            self.crates.iter().find_map(|of| Some((&of.name, below(file, &fs::canonicalize(&of.dir).ok()?)?)))
        };
        below(file, &self.base)
            .or_else(|| of_crate().map(|(name, rest)| format!("{name}/{rest}")))
            .unwrap_or_else(|| file.display().to_string())
    }

    /// Where an item is, for people.
    pub(crate) fn place(&self, entry: &Entry) -> String {
        entry.place.map_or_else(
            || entry.shown.clone(),
            |(source, line)| format!("{}:{line}", self.sources[source].shown),
        )
    }

    /// The functions of this name on this line of a file; else the invocations there that make it.
    pub(crate) fn functions(&self, file: &Path, line: u32, name: &str) -> Vec<ItemId> {
        let is_there = |id: &ItemId| {
            let place = self.entry(*id).place;
            place.is_some_and(|(source, at)| at == line && self.sources[source].path == file)
        };
        let named = self.functions.get(name).into_iter().flatten();
        let found: Vec<ItemId> = named.copied().filter(is_there).collect();
        if !found.is_empty() {
            return found;
        }
        let is_around = |id: &ItemId| {
            let Some((source, ranges)) = &self.entry(*id).content.code else { return false };
            let Source { path, tokens, .. } = &self.sources[*source];
            path == file
                && ranges
                    .iter()
                    .any(|&(start, end)| (tokens.line(start)..=tokens.line(end - 1)).contains(&line))
        };
        self.invocations.iter().copied().filter(is_around).collect()
    }
}

impl Entry {
    /// An entry of this path that nothing reaches yet.
    fn new(path: String, scope: Option<ScopeId>) -> Self {
        Entry {
            path,
            scope,
            place: None,
            content: Content::default(),
            trigger: None,
            shown: String::new(),
            opens: None,
            is_type: false,
            is_nominal: false,
            is_linked: false,
            header: None,
            function: None,
            details: None,
        }
    }
}

fn below(file: &Path, dir: &Path) -> Option<String> {
    file.strip_prefix(dir).ok().map(|rest| rest.display().to_string())
}

pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("there are fewer than 2³² items")
}

#[cfg(test)]
mod tests;
