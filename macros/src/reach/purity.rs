//! What a function reads or changes that is neither an argument nor code: the clock, files, variables of the environment,
//! random numbers, statics that change, code of other languages.
//!
//! From the function on, names are followed through imports: to items of the sources, and to names of other crates in a
//! table ([`names`]). Unlike the fingerprint, which widens when unsure, this tells of what is surely meant: a name that may be
//! something else is not told. So it is a hint, and no proof that there is nothing. Not followed are code that macros of other
//! crates make, operators and other methods that no name calls, methods of values of other crates (`path.exists()`), and
//! names that a module of the sources hands on by `pub use`.

mod code;
mod names;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use self::code::{Written, changing_statics, defined, functions, locals, parts, paths};
use super::index::{Index, ItemId, ScopeId, number};
use super::tokens::Code;
use super::words::{self, WordId};

/// One thing of the outside world that a function reads or changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Effect {
    /// What it is, such as `std::env::var` or `static mut COUNTER`.
    pub(crate) name: String,
    /// The file and the line.
    pub(crate) place: String,
    /// The items from the function to there.
    pub(crate) way: Vec<String>,
}

/// What the functions `found` read or change, of the items that are `reached`; in the order of their names.
pub(crate) fn effects(index: &Index, found: &[ItemId], reached: &[bool]) -> Vec<Effect> {
    let mut walk = Walk {
        index,
        reached,
        members: members(index, reached),
        bodies: bodies(index),
        imports: HashMap::new(),
        before: HashMap::new(),
        queue: VecDeque::new(),
        effects: BTreeMap::new(),
    };
    for &item in found {
        walk.visit(Node { item, name: None }, None);
    }
    while let Some(node) = walk.queue.pop_front() {
        walk.read(node);
    }
    walk.effects.into_values().collect()
}

/// An item, or what of it has a name: one method of an `impl` of a trait, one static of `thread_local!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Node {
    item: ItemId,
    name: Option<WordId>,
}

struct Walk<'i> {
    index: &'i Index,
    reached: &'i [bool],
    /// The `impl`s of traits that have a method of this name.
    members: HashMap<WordId, Vec<ItemId>>,
    /// The scopes of items in the bodies of others, by the paths of these.
    bodies: HashMap<&'i str, ScopeId>,
    imports: HashMap<ScopeId, Rc<Imports<'i>>>,
    /// From where each node was come to.
    before: HashMap<Node, Option<Node>>,
    queue: VecDeque<Node>,
    /// By name and place.
    effects: BTreeMap<(String, String), Effect>,
}

/// What the imports of a scope bring in.
#[derive(Default)]
struct Imports<'i> {
    named: HashMap<&'i str, Vec<&'i [String]>>,
    globs: Vec<&'i [String]>,
}

impl<'i> Walk<'i> {
    fn visit(&mut self, node: Node, from: Option<Node>) {
        if let Entry::Vacant(vacant) = self.before.entry(node) {
            vacant.insert(from);
            self.queue.push_back(node);
        }
    }

    /// Reads the code of a node: tells what is listed, and goes on to what it mentions.
    fn read(&mut self, node: Node) {
        let entry = self.index.entry(node.item);
        if entry.is_linked {
            let name = node.name.map(|name| words::lock().text(name).to_owned()).unwrap_or_default();
            self.tell(format!("extern {name}"), self.index.place(entry), node);
            return;
        }
        let Some((source, _)) = &entry.content.code else { return };
        let scopes = self.scopes(node.item);
        for code in parts(&self.index.code(entry), node.name) {
            for (name, at) in changing_statics(code) {
                self.tell(name, self.place(*source, code, at), node);
            }
            let locals = locals(code);
            let is_local = |path: &Written<'_>| path.segments.len() == 1 && locals.contains(path.segments[0]);
            for path in paths(code) {
                if path.is_method || !is_local(&path) {
                    self.mention(node, (*source, code), &path, &scopes);
                }
            }
        }
    }

    fn mention(&mut self, node: Node, place: (usize, Code<'i>), written: &Written<'i>, scopes: &[ScopeId]) {
        let Written { segments, at, is_method } = written;
        if *is_method {
            return self.method(segments[0], node);
        }
        let (named, by_globs) = self.meant(scopes, segments);
        // What has the name hides what a glob brings in.
        if !named.iter().any(|path| self.lead(path, node, place, *at, scopes)) {
            let _ =
                by_globs.iter().any(|path| !names::is_any(path) && self.lead(path, node, place, *at, scopes));
        }
    }

    /// Tells what a path means, or goes on to it; whether it means anything.
    fn lead(
        &mut self,
        path: &[&'i str],
        from: Node,
        place: (usize, Code<'i>),
        at: usize,
        scopes: &[ScopeId],
    ) -> bool {
        if names::is_listed(path) {
            let (source, code) = place;
            self.tell(path.join("::"), self.place(source, code, at), from);
            return true;
        }
        let items = self.items(path, scopes, from.item);
        let name = path.last().map(|name| words::id(name));
        for &item in &items {
            self.visit(Node { item, name: name.filter(|_| self.has_parts(item)) }, Some(from));
        }
        !items.is_empty()
    }

    /// Goes on to the methods of a name, whosever they are.
    fn method(&mut self, name: &str, from: Node) {
        let word = words::id(name);
        let index = self.index;
        for &item in index.items_named(word) {
            if !self.is_reached(item) {
                continue;
            }
            if self.index.entry(item).header.is_some() {
                self.visit(Node { item, name: None }, Some(from));
            } else if self.has_parts(item) && self.index.entry(item).is_nominal {
                self.visit(Node { item, name: Some(word) }, Some(from));
            }
        }
        for item in self.members.get(&word).cloned().unwrap_or_default() {
            self.visit(Node { item, name: Some(word) }, Some(from));
        }
    }

    /// The modules and bodies whose names code in an item sees, from the inside out.
    fn scopes(&self, item: ItemId) -> Vec<ScopeId> {
        let entry = self.index.entry(item);
        let mut scopes: Vec<ScopeId> = self.bodies.get(entry.path.as_str()).copied().into_iter().collect();
        let mut next = entry.scope;
        while let Some(scope) = next {
            scopes.push(scope);
            let scope = &self.index.scopes[scope as usize];
            next = scope.parent.filter(|_| scope.is_body);
        }
        scopes
    }

    /// What a path may stand for: itself and what imports make of it, and what it is by imports of all that a module has.
    fn meant(&mut self, scopes: &[ScopeId], segments: &[&'i str]) -> (Vec<Vec<&'i str>>, Vec<Vec<&'i str>>) {
        let joined = |leaf: &&'i [String], rest: &[&'i str]| -> Vec<&'i str> {
            leaf.iter().map(String::as_str).chain(rest.iter().copied()).collect()
        };
        let (mut named, mut by_globs) = (vec![segments.to_vec()], Vec::new());
        let mut next = 0;
        // An import may begin with the name of another one.
        while next < named.len() && next < 8 {
            let path = named[next].clone();
            for &scope in scopes {
                let imports = self.imports(scope);
                for leaf in imports.named.get(path[0]).into_iter().flatten() {
                    let through = joined(leaf, &path[1..]);
                    if !named.contains(&through) {
                        named.push(through);
                    }
                }
                if next == 0 {
                    by_globs.extend(imports.globs.iter().map(|leaf| joined(leaf, &path)));
                }
            }
            next += 1;
        }
        (named, by_globs)
    }

    fn imports(&mut self, scope: ScopeId) -> Rc<Imports<'i>> {
        let index = self.index;
        let read = || {
            let mut imports = Imports::default();
            for &item in index.scopes[scope as usize].items.iter().filter(|&&item| index.is_import(item)) {
                let content = &index.entry(item).content;
                match content.text.rsplit_once(" as ") {
                    Some((_, "_")) => {}
                    Some((_, name)) => imports.named.entry(name).or_default().push(&content.names),
                    None => imports.globs.push(&content.names),
                }
            }
            Rc::new(imports)
        };
        Rc::clone(self.imports.entry(scope).or_insert_with(read))
    }

    /// The items that a path means.
    fn items(&self, path: &[&str], scopes: &[ScopeId], from: ItemId) -> Vec<ItemId> {
        let Some((last, before)) = path.split_last() else { return Vec::new() };
        let of_from = parent(&self.index.entry(from).path);
        let is_meant = |&item: &ItemId| {
            let entry = self.index.entry(item);
            let is_free = entry.header.is_none();
            let defines = || entry.path.ends_with('!') && !defined(&self.index.code(entry), last).is_empty();
            let is_named = last_of(&entry.path) == *last || defines();
            is_named
                && match before.last().copied() {
                    None => is_free && entry.scope.is_some_and(|scope| scopes.contains(&scope)),
                    Some("crate" | "self" | "super") => is_free,
                    Some("Self") => parent(&entry.path) == of_from,
                    Some(around) => last_of(parent(&entry.path)) == around,
                }
        };
        let word = words::id(last);
        let mut items = self.index.items_named(word).to_vec();
        items.retain(|item| self.is_reached(*item) && !self.index.is_import(*item) && is_meant(item));
        // A method, by its type or its trait.
        if let Some(around) = before.last() {
            let traits = self.index.items_named(word).iter().filter(|item| self.is_trait(**item, around));
            items.extend(traits.filter(|item| self.is_reached(**item)));
            let is_around =
                |item: &&ItemId| *around == "Self" || has_word(&self.index.entry(**item).path, around);
            items.extend(self.members.get(&word).into_iter().flatten().filter(is_around));
        }
        items
    }

    /// Whether the item is the trait of this name.
    fn is_trait(&self, item: ItemId, name: &str) -> bool {
        let entry = self.index.entry(item);
        entry.is_nominal && self.has_parts(item) && last_of(&entry.path) == name
    }

    fn is_reached(&self, item: ItemId) -> bool {
        self.reached.get(item as usize).copied().unwrap_or(false)
    }

    /// Whether only that of an item is meant which has the name: of traits, their `impl`s, invocations and `extern` blocks.
    fn has_parts(&self, item: ItemId) -> bool {
        let entry = self.index.entry(item);
        let code = self.index.code(entry);
        let first = code.last().and_then(|code| code.raw_word(code.start));
        entry.is_linked
            || matches!(first, Some("trait" | "impl" | "unsafe" | "static"))
            || code.last().is_some_and(|code| code.is_punct(code.start + 1, '!'))
    }

    fn tell(&mut self, name: String, place: String, node: Node) {
        let mut way = Vec::new();
        let mut next = Some(node);
        while let Some(node) = next {
            way.push(self.title(node));
            next = self.before.get(&node).copied().flatten();
        }
        way.reverse();
        self.effects.entry((name.clone(), place.clone())).or_insert(Effect { name, place, way });
    }

    /// An item in the words of a path without its crate.
    fn title(&self, node: Node) -> String {
        let path = &self.index.entry(node.item).path;
        let path = path.split_once("::").map_or(path.as_str(), |(_, rest)| rest);
        match node.name {
            Some(name) if last_of(path) != words::lock().text(name) => {
                format!("{path}::{}", words::lock().text(name))
            }
            _ => path.to_owned(),
        }
    }

    fn place(&self, source: usize, code: Code<'_>, at: usize) -> String {
        format!("{}:{}", self.index.sources[source].shown, code.line(at))
    }
}

fn bodies(index: &Index) -> HashMap<&str, ScopeId> {
    let bodies = (0u32..).zip(&index.scopes).filter(|(_, scope)| scope.is_body);
    bodies.map(|(id, scope)| (scope.path.as_str(), id)).collect()
}

/// The `impl`s of traits that are reached, by the names of their methods.
fn members(index: &Index, reached: &[bool]) -> HashMap<WordId, Vec<ItemId>> {
    let mut members: HashMap<WordId, Vec<ItemId>> = HashMap::new();
    let is_reached = |item: &ItemId| reached.get(*item as usize).copied().unwrap_or(false);
    for item in (0..number(index.items.len())).filter(is_reached) {
        let entry = index.entry(item);
        let Some(code) = index.code(entry).last().copied() else { continue };
        let is_impl = code.is_word(code.start, "impl") || code.is_word(code.start + 1, "impl");
        if is_impl && entry.header.is_none() {
            for (name, _) in functions(code) {
                members.entry(words::id(name)).or_default().push(item);
            }
        }
    }
    members
}

/// What comes before the last `::` of a path.
fn parent(path: &str) -> &str {
    path.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// Whether `word` is one of the words of a text.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| c != '_' && !c.is_alphanumeric()).any(|other| other == word)
}

fn last_of(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
