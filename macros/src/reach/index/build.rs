//! Builds the index: walks the tree of modules of each crate, file by file.

mod files;
mod resolve;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use self::files::Folder;
use self::resolve::{Impl, Invocation, Kind, MacroRules, words_in};
use super::{Content, Crate, Entry, Index, ItemId, Scope, ScopeId, Trigger, WordId, number};
use crate::reach::compilation;
use crate::reach::items::{Item, Leaf, LeafKind, What, items, nested};
use crate::reach::lock::Locked;
use crate::reach::mentions::SILENT_ATTRIBUTES;
use crate::reach::tokens::{Code, Tokens};

/// Modules in modules, or files that include themselves, deeper than anyone writes.
const MAX_DEPTH: usize = 64;

/// A crate to be indexed.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) about: Crate,
    pub(crate) root: PathBuf,
    /// The names by which other crates know it.
    pub(crate) names: Vec<String>,
    /// Macros run while others are compiled: every name that they export reaches all of the crate.
    pub(crate) is_proc_macro: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Builder {
    index: Index,
    /// Crates whose code cannot change a result.
    ignored: Vec<String>,
    kinds: HashMap<WordId, Vec<Kind>>,
    /// What waits until all names are known.
    impls: Vec<Impl>,
    invocations: Vec<Invocation>,
    macro_rules: Vec<MacroRules>,
    leaves: Vec<(Leaf, ItemId)>,
    /// Whether what a scope imports by a name comes from the sources.
    imports: HashMap<(ScopeId, WordId), bool>,
    /// Names under which some scope imports something of another crate.
    foreign_names: HashSet<WordId>,
    /// Scopes with a glob of another crate.
    foreign_globs: HashSet<ScopeId>,
    loaded: HashMap<(PathBuf, usize), Option<usize>>,
}

/// Where items are being read.
#[derive(Clone, Debug)]
struct At {
    scope: ScopeId,
    source: usize,
    folder: Folder,
    depth: usize,
}

impl Builder {
    /// A builder that shows files below `base` by a relative path, and knows of the crates that are `ignored`.
    pub(crate) fn new(base: PathBuf, ignored: Vec<String>) -> Self {
        let started = compilation::started();
        Builder { index: Index { base, started, ..Index::default() }, ignored, ..Builder::default() }
    }

    /// Adds all items of a crate.
    pub(crate) fn add_crate(&mut self, input: Input) {
        let Input { about, root, names, is_proc_macro } = input;
        let in_crate = self.index.crates.len();
        let scope = self.scope(None, about.name.clone());
        let words: Vec<WordId> = names.iter().map(|name| self.index.intern(name)).collect();
        let path = format!("crate {}", about.name);
        // The same tokens may mean something else in another edition.
        let shown = format!("edition {}", about.edition);
        let content = Content { text: format!("{shown} {}", about.script), ..Content::default() };
        self.index.crates.push(about);
        let trigger = Trigger::Anywhere(words.clone());
        let entry = Entry { content, shown, trigger, opens: Some(scope), ..Entry::new(path, None) };
        let opener = self.index.add(entry);
        self.index.scopes[scope as usize].opener = Some(opener);
        if let Some(source) = self.load(&root, in_crate) {
            let folder = Folder::of_root(&self.index.sources[source].path);
            self.file(&At { scope, source, folder, depth: 0 });
        }
        if is_proc_macro {
            self.opaque(in_crate, &words);
        }
    }

    /// Adds what is compiled of a registry's package under `name`, with these features.
    pub(crate) fn add_locked(&mut self, name: &str, package: &str, locked: &Locked, features: &str) {
        let word = self.index.intern(name);
        let text = format!("{} {features}", blake3::Hash::from_bytes(locked.digest));
        self.index.add(Entry {
            content: Content { text, ..Content::default() },
            shown: format!("version {}", locked.version),
            trigger: Trigger::Anywhere(vec![word]),
            ..Entry::new(format!("crate {package}"), None)
        });
    }

    /// The index, once all crates are in.
    pub(crate) fn finish(mut self) -> Index {
        self.resolve();
        self.index.close();
        self.index.tell_namesakes_apart();
        self.index
    }

    fn scope(&mut self, parent: Option<ScopeId>, path: String) -> ScopeId {
        let outer = parent.map(|parent| &self.index.scopes[parent as usize]);
        let (is_in_member, around) = outer.map_or((false, None), |outer| (outer.is_in_member, outer.around));
        self.index.scopes.push(Scope { parent, path, is_in_member, around, ..Scope::default() });
        number(self.index.scopes.len() - 1)
    }

    /// Adds the items of a file.
    fn file(&mut self, at: &At) {
        let items = items(self.tokens(at.source).code());
        self.items(items, at);
    }

    fn tokens(&self, source: usize) -> &Tokens {
        &self.index.sources[source].tokens
    }

    fn code(&self, at: &At) -> Code<'_> {
        self.tokens(at.source).code()
    }

    fn items(&mut self, items: Vec<Item>, at: &At) {
        if at.depth <= MAX_DEPTH {
            for item in items {
                self.item(item, at);
            }
        }
    }

    fn item(&mut self, item: Item, at: &At) {
        let name = self.name(&item, at);
        match item.what {
            What::Function | What::Value | What::Type | What::Alias => self.named(&item, &name, at),
            What::Trait(ref members) => {
                let names = members.iter().map(|member| self.name(member, at)).collect::<Vec<_>>();
                let names = names.iter().map(|name| self.index.intern(name)).collect();
                let word = self.kind(&name, Kind::Nominal);
                self.bodies(members, at);
                // What members a macro makes, is not known.
                let is_known =
                    members.iter().all(|member| !matches!(member.what, What::Invocation | What::Unknown));
                let trigger = if is_known { Trigger::Trait(word, names) } else { Trigger::Always };
                let id = self.add(&item, &name, at, trigger);
                self.index.items[id as usize].is_nominal = true;
            }
            What::Impl(header, members) => {
                self.bodies(&members, at);
                let start = (item.start, item.keyword);
                self.impls.push(Impl { start, header, members, at: at.clone() });
            }
            What::Macro => {
                let word = self.kind(&name, Kind::Other);
                self.index.macros.insert(name.clone());
                let id = self.add(&item, &name, at, Trigger::Anywhere(vec![word]));
                self.macro_rules.push(MacroRules { name, id, source: at.source });
            }
            What::Invocation => self.invocation(&item, &name, at),
            What::Foreign(ref members) => members.iter().for_each(|member| {
                let name = self.name(member, at);
                let word = self.index.intern(&name);
                self.add(member, &name, at, Trigger::Named(vec![word]));
            }),
            What::Use(leaves) => {
                let attributes = effective_attributes(self.code(at), item.start);
                for leaf in leaves {
                    self.leaf(leaf, &attributes, item.keyword, at);
                }
            }
            What::Module(body) => self.module(&item, body, &name, at),
            What::Attribute => {
                if !effective_attributes(self.code(at), item.start).is_empty() {
                    self.add(&item, "#![…]", at, Trigger::Scope);
                }
            }
            What::Unknown => {
                self.add(&item, "?", at, Trigger::Always);
            }
        }
    }

    /// A function, constant, static, type or alias.
    fn named(&mut self, item: &Item, name: &str, at: &At) {
        let word = match item.what {
            What::Type => self.kind(name, Kind::Nominal),
            What::Alias => {
                let stands_for = words_in(self.tokens(at.source).range(item.start, item.end));
                self.kind(name, Kind::Alias(stands_for))
            }
            _ => self.index.intern(name),
        };
        self.body(item, false, at);
        // `const _` has no name.
        let trigger = if name == "_" { Trigger::Never } else { Trigger::Named(vec![word]) };
        let id = self.add(item, name, at, trigger);
        self.index.items[id as usize].is_type = matches!(item.what, What::Type | What::Alias);
        self.index.items[id as usize].is_nominal = matches!(item.what, What::Type);
        match item.what {
            What::Type => self.index.types.push(id),
            What::Function => self.index.items[id as usize].function = Some(name.to_owned()),
            _ => {}
        }
    }

    /// The items in the bodies of members.
    fn bodies(&mut self, members: &[Item], at: &At) {
        for member in members {
            self.body(member, true, at);
        }
    }

    /// The items in the body of an item, or of a member.
    fn body(&mut self, item: &Item, is_member: bool, at: &At) {
        let start = item.name.map_or(item.keyword, |name| name + 1);
        let items = nested(self.tokens(at.source).range(start, item.end));
        if items.is_empty() || at.depth >= MAX_DEPTH {
            return;
        }
        let path = format!("{}::{}", self.index.scopes[at.scope as usize].path, self.name(item, at));
        let scope = self.scope(Some(at.scope), path);
        let body = &mut self.index.scopes[scope as usize];
        body.is_body = true;
        body.is_in_member |= is_member;
        body.around.get_or_insert((at.source, (item.start, item.end)));
        self.items(items, &At { scope, depth: at.depth + 1, ..at.clone() });
    }

    /// An invocation of a macro among items.
    fn invocation(&mut self, item: &Item, name: &str, at: &At) {
        if name == "include" && !self.index.macros.contains(name) {
            self.included(item, at);
        }
        let shown = format!("{name}!");
        let id = self.add(item, &shown, at, Trigger::Never);
        self.index.invocations.push(id);
        let input = self.tokens(at.source).range(item.start, item.end);
        for module in modules(input) {
            self.item(module, at);
        }
        let range = (item.start, item.end);
        self.invocations.push(Invocation { id, name: name.to_owned(), range, at: at.clone() });
    }

    fn leaf(&mut self, leaf: Leaf, attributes: &[(usize, usize)], keyword: usize, at: &At) {
        let path = leaf.path.join("::");
        let (name, trigger) = match &leaf.kind {
            LeafKind::Named(name) => {
                let is_rename = leaf.path.last() != Some(name);
                let word = if is_rename {
                    self.kind(name, Kind::Alias(leaf.path.clone()))
                } else {
                    self.index.intern(name)
                };
                (format!("use {path} as {name}"), Trigger::Named(vec![word]))
            }
            LeafKind::Unnamed => (format!("use {path} as _"), Trigger::Scope),
            LeafKind::Glob => (format!("use {path}::*"), Trigger::Scope),
        };
        let entry = Entry {
            content: Content {
                code: Some((at.source, attributes.to_vec())),
                names: leaf.path.clone(),
                text: name.clone(),
            },
            place: Some(self.place(keyword, at)),
            trigger,
            ..Entry::new(self.path(&name, at), Some(at.scope))
        };
        let id = self.index.add(entry);
        self.leaves.push((leaf, id));
    }

    fn module(&mut self, item: &Item, body: Option<(usize, usize)>, name: &str, at: &At) {
        let word = self.index.intern(name);
        // Without attributes, nothing is to be said of a module: its name is in the paths of its items.
        let attributes = effective_attributes(self.code(at), item.start);
        let code = (!attributes.is_empty()).then_some((at.source, attributes));
        let entry = Entry {
            content: Content { code, ..Content::default() },
            place: Some(self.place(item.keyword, at)),
            trigger: Trigger::Named(vec![word]),
            ..Entry::new(self.path(name, at), Some(at.scope))
        };
        let id = self.index.add(entry);
        let paths = files::path_attributes(self.tokens(at.source).range(item.start, item.keyword));
        match body {
            Some((start, end)) => {
                let scope = self.opened(id, name, at);
                let folder = at.folder.inline(name, paths.first().map(String::as_str));
                let items = items(self.tokens(at.source).range(start, end));
                self.items(items, &At { scope, folder, depth: at.depth + 1, ..at.clone() });
            }
            None => self.module_file(name, id, &paths, at),
        }
    }

    /// A module in a file of its own; in several, if a `cfg_attr` decides which.
    fn module_file(&mut self, name: &str, opener: ItemId, paths: &[String], at: &At) {
        let in_crate = self.index.sources[at.source].in_crate;
        for (file, folder) in at.folder.module(name, paths) {
            if let Some(source) = self.load(&file, in_crate) {
                let scope = self.opened(opener, name, at);
                self.file(&At { scope, source, folder, depth: at.depth + 1 });
            }
        }
    }

    /// The scope of a module; one, in however many files it may be.
    fn opened(&mut self, opener: ItemId, name: &str, at: &At) -> ScopeId {
        if let Some(scope) = self.index.entry(opener).opens {
            return scope;
        }
        let scope = self.scope(Some(at.scope), self.path(name, at));
        self.index.scopes[scope as usize].opener = Some(opener);
        self.index.items[opener as usize].opens = Some(scope);
        scope
    }

    /// The code of an item that counts: without what cannot change a result, such as its visibility.
    fn counted(&self, item: &Item, at: &At) -> Vec<(usize, usize)> {
        let mut ranges = effective_attributes(self.code(at), item.start);
        ranges.push((item.keyword, item.end));
        ranges
    }

    /// Adds an entry for a whole item.
    fn add(&mut self, item: &Item, name: &str, at: &At, trigger: Trigger) -> ItemId {
        let entry = Entry {
            content: Content { code: Some((at.source, self.counted(item, at))), ..Content::default() },
            place: Some(self.place(item.name.unwrap_or(item.keyword), at)),
            trigger,
            ..Entry::new(self.path(name, at), Some(at.scope))
        };
        self.index.add(entry)
    }

    fn path(&self, name: &str, at: &At) -> String {
        format!("{}::{name}", self.index.scopes[at.scope as usize].path)
    }

    fn place(&self, token: usize, at: &At) -> (usize, u32) {
        (at.source, self.tokens(at.source).line(token))
    }

    fn name(&self, item: &Item, at: &At) -> String {
        item.name.and_then(|name| self.code(at).word(name)).unwrap_or_default().to_owned()
    }
}

/// The ranges of the attributes at the start of an item that can change what code does.
fn effective_attributes(code: Code<'_>, start: usize) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut index = start;
    while code.is_punct(index, '#') {
        let bracket = if code.is_punct(index + 1, '!') { index + 2 } else { index + 1 };
        let end = code.after(bracket);
        if !code.raw_word(bracket + 1).is_some_and(|name| SILENT_ATTRIBUTES.contains(&name)) {
            ranges.push((index, end));
        }
        index = end;
    }
    ranges
}

/// The modules in the input of a macro, at any depth outside of each other.
fn modules(input: Code<'_>) -> Vec<Item> {
    let mut found = Vec::new();
    let mut index = input.start;
    while index < input.end {
        if let Some(group) = input.group(index) {
            let is_module = |item: &Item| matches!(item.what, What::Module(_));
            let modules: Vec<Item> = items(group).into_iter().filter(is_module).collect();
            if modules.is_empty() {
                found.extend(self::modules(group));
            }
            found.extend(modules);
        }
        index = input.after(index);
    }
    found
}
