//! Builds the index: walks the tree of modules of each crate, file by file.

mod files;
mod for_tests;
mod impls;
mod imports;
mod macros;
mod std_names;

use std::collections::HashMap;
use std::path::PathBuf;

use self::files::Folder;
use self::impls::{Impl, Names};
use self::imports::Import;
use self::macros::{Invocation, MacroRules, modules};
use super::{Content, Crate, Entry, Index, ItemId, Scope, ScopeId, Trigger, number};
use crate::reach::compilation;
use crate::reach::items::{Item, What, items, nested};
use crate::reach::lock::Locked;
use crate::reach::mentions::SILENT_ATTRIBUTES;
use crate::reach::tokens::{Code, Tokens};
use crate::reach::words::{self, WordId};

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
    /// Whether what is for tests alone is compiled, too.
    pub(crate) with_tests: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Builder {
    index: Index,
    /// Crates whose code cannot change a result.
    ignored: Vec<String>,
    /// Whether what is for tests alone counts in the crate that is being read.
    with_tests: bool,
    names: Names,
    /// What waits until all names are known.
    impls: Vec<Impl>,
    invocations: Vec<Invocation>,
    macro_rules: Vec<MacroRules>,
    imports: Vec<Import>,
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
        let Input { about, root, names, is_proc_macro, with_tests } = input;
        self.with_tests = with_tests;
        let in_crate = self.index.crates.len();
        let scope = self.scope(None, about.name.clone());
        let words: Vec<WordId> = names.iter().map(|name| words::id(name)).collect();
        let path = format!("crate {}", about.name);
        // The same tokens may mean something else in another edition.
        let shown = format!("edition {}", about.edition);
        let content = Content { text: format!("{shown} {}", about.script), ..Content::default() };
        self.index.crates.push(about);
        let trigger = Some(Trigger::anywhere(words.clone()));
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
        let word = words::id(name);
        let text = format!("{} {features}", blake3::Hash::from_bytes(locked.digest));
        self.index.add(Entry {
            content: Content { text, ..Content::default() },
            shown: format!("version {}", locked.version),
            trigger: Some(Trigger::anywhere(vec![word])),
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

    /// Says by what invocations, imports and `impl`s are reached, now that all names are known.
    fn resolve(&mut self) {
        // What invocations declare may open files with more.
        let macros = self.macros();
        let mut done = 0;
        while done < self.invocations.len() {
            let rest = self.invocations[done..].to_vec();
            done += rest.len();
            for invocation in rest {
                self.invoked(&invocation, &macros);
            }
        }
        self.twins();
        let imports = std::mem::take(&mut self.imports);
        for import in &imports {
            self.note_import(import);
        }
        for import in &imports {
            self.imported(import);
        }
        let impls = std::mem::take(&mut self.impls);
        for item in &impls {
            self.implemented(item);
        }
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

    fn items(&mut self, mut items: Vec<Item>, at: &At) {
        self.leave_out_tests(&mut items, at);
        if at.depth <= MAX_DEPTH {
            for item in items {
                self.item(item, at);
            }
        }
    }

    fn item(&mut self, mut item: Item, at: &At) {
        let name = self.name(&item, at);
        match std::mem::replace(&mut item.what, What::Unknown) {
            what @ (What::Function | What::Value | What::Type | What::Alias) => {
                item.what = what;
                self.named(&item, &name, at);
            }
            What::Trait(mut members) => {
                self.leave_out_tests(&mut members, at);
                let mut names: Vec<WordId> = Vec::new();
                for member in &members {
                    let name = self.name(member, at);
                    names.push(words::id(&name));
                }
                let word = words::id(&name);
                self.names.nominal.insert(word);
                names.push(word);
                self.bodies(&members, at);
                // What members a macro makes, is not known.
                let is_known =
                    members.iter().all(|member| !matches!(member.what, What::Invocation | What::Unknown));
                let trigger = if is_known { Trigger::anywhere(names) } else { Trigger::always() };
                let id = self.add_item(&item, &name, at, trigger);
                self.index.items[id as usize].is_nominal = true;
            }
            What::Impl(header, mut members) => {
                self.leave_out_tests(&mut members, at);
                self.bodies(&members, at);
                let start = (item.start, item.keyword);
                self.impls.push(Impl { start, header, members, at: at.clone() });
            }
            What::Macro => {
                let word = words::id(&name);
                self.index.macros.insert(name.clone());
                let id = self.add_item(&item, &name, at, Trigger::anywhere(vec![word]));
                self.macro_rules.push(MacroRules { name, id, source: at.source });
            }
            What::Invocation => self.invocation(&item, &name, at),
            What::Foreign(members) => members.iter().for_each(|member| {
                let name = self.name(member, at);
                let word = words::id(&name);
                let id = self.add_item(member, &name, at, Trigger::named(word));
                self.index.items[id as usize].is_linked = true;
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
                    self.add_item(&item, "#![…]", at, Trigger::in_module());
                }
            }
            What::Unknown => {
                self.add_item(&item, "?", at, Trigger::always());
            }
        }
    }

    /// A function, constant, static, type or alias.
    fn named(&mut self, item: &Item, name: &str, at: &At) {
        let word = words::id(name);
        match item.what {
            What::Type => drop(self.names.nominal.insert(word)),
            What::Alias => drop(self.names.aliases.insert(word)),
            _ => {}
        }
        self.body(item, false, at);
        let mut trigger = Trigger::named(word);
        if matches!(item.what, What::Function | What::Value) {
            let words = self.attributed((item.start, item.keyword, item.end), at);
            if !words.is_empty() {
                trigger = Trigger::anywhere([words, vec![word]].concat());
            }
        }
        let id = self.add_item(item, name, at, trigger);
        // `const _` has no name.
        if name == "_" {
            self.index.items[id as usize].trigger = None;
        }
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
        let is_read = name == "include" && !self.index.macros.contains(name) && self.included(item, at);
        let shown = format!("{name}!");
        let id = self.add_item(item, &shown, at, Trigger::always());
        self.index.invocations.push(id);
        let input = self.tokens(at.source).range(item.start, item.end);
        for module in modules(input) {
            self.item(module, at);
        }
        if is_read {
            // Its items are here.
            self.index.items[id as usize].trigger = None;
            return;
        }
        let range = (item.start, item.end);
        self.invocations.push(Invocation { id, name: name.to_owned(), range, at: at.clone() });
    }

    fn module(&mut self, item: &Item, body: Option<(usize, usize)>, name: &str, at: &At) {
        let word = words::id(name);
        // Without attributes, nothing is to be said of a module: its name is in the paths of its items.
        let attributes = effective_attributes(self.code(at), item.start);
        let code = (!attributes.is_empty()).then_some((at.source, attributes));
        let entry = Entry {
            content: Content { code, ..Content::default() },
            place: Some(self.place(item.keyword, at)),
            trigger: Some(Trigger::named(word)),
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
    fn add_item(&mut self, item: &Item, name: &str, at: &At, trigger: Trigger) -> ItemId {
        let entry = Entry {
            content: Content { code: Some((at.source, self.counted(item, at))), ..Content::default() },
            place: Some(self.place(item.name.unwrap_or(item.keyword), at)),
            trigger: Some(trigger),
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
