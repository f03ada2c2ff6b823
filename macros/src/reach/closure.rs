//! The least set of items that contains what a function mentions and is closed under *reaching*.
//!
//! An item is reached when its [`Trigger`](super::index::Trigger) holds, which more words and more items can only bring
//! about: so the order in which they are found does not matter, and nothing that is reached is taken back.

use std::collections::BTreeSet;

use super::index::{Details, Index, ItemId, ScopeId, number};
use super::words::{self, WordId};

/// What is reached so far.
#[derive(Debug)]
pub(crate) struct Reach<'i> {
    index: &'i mut Index,
    /// For each word, whether it is mentioned.
    mentioned: Vec<bool>,
    /// For each word, whether a macro of somebody else's is given it.
    given: Vec<bool>,
    reached: Vec<bool>,
    /// For each module, whether something in it is reached, or its name mentioned.
    active: Vec<bool>,
    /// Whether types are brought along that the function does not name.
    is_open: bool,
    /// Modules of which everything is reached.
    whole: BTreeSet<ScopeId>,
    /// Reached, but not read yet.
    queue: Vec<ItemId>,
    predicates: BTreeSet<String>,
}

/// One line of what a fingerprint covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Covered {
    pub(crate) path: String,
    pub(crate) digest: [u8; 32],
    pub(crate) place: String,
}

/// Functions of the library that need the key of the call that runs.
const ASK_FOR_KEY: [&str; 3] = ["checkpoint", "save", "seed"];

/// What was reached in the end.
#[derive(Debug)]
pub(crate) struct Reached {
    /// The items that count, in no particular order.
    pub(crate) covered: Vec<Covered>,
    /// The predicates in them.
    pub(crate) predicates: BTreeSet<String>,
    /// Of each item, whether it was reached; those behind the end were not.
    pub(crate) items: Vec<bool>,
    /// Whether it may ask for the key of the call that runs.
    pub(crate) asks_for_key: bool,
}

impl<'i> Reach<'i> {
    pub(crate) fn new(index: &'i mut Index) -> Self {
        let (words, items, scopes) = (words::count(), index.items.len(), index.scopes.len());
        let mut reach = Reach {
            index,
            mentioned: vec![false; words],
            given: vec![false; words],
            reached: vec![false; items],
            active: vec![false; scopes],
            is_open: false,
            whole: BTreeSet::new(),
            queue: Vec::new(),
            predicates: BTreeSet::new(),
        };
        for index in 0..reach.index.always.len() {
            reach.reach(reach.index.always[index]);
        }
        reach
    }

    /// Starts at a function: its place is known, and its code is read by who calls this.
    pub(crate) fn start(&mut self, function: ItemId) {
        // Covered by the tokens that the compiler gave, which are without `#[memo]`. Of an invocation that makes the
        // function, they are but a part.
        if self.index.entry(function).function.is_some() {
            self.reached[function as usize] = true;
        }
        if let Some(scope) = self.index.entry(function).scope {
            self.activate(scope);
        }
    }

    /// Follows what `details` mention.
    pub(crate) fn follow(&mut self, details: &Details) {
        details.words.iter().for_each(|&word| self.mention(word));
        for &word in &details.given {
            self.give(word);
        }
        self.predicates.extend(details.predicates.iter().cloned());
        details.extras.iter().for_each(|&item| self.reach(item));
    }

    /// Callers bring types that the function does not name: it may be any, and whatever is implemented for it.
    pub(crate) fn open(&mut self) {
        if std::mem::replace(&mut self.is_open, true) {
            return;
        }
        for index in 0..self.index.types.len() {
            self.reach(self.index.types[index]);
        }
        for index in 0..self.index.type_makers.len() {
            self.reach(self.index.type_makers[index]);
        }
    }

    /// Reaches everything: for code of which it is not known where it is.
    pub(crate) fn widen(&mut self) {
        for item in 0..number(self.index.items.len()) {
            self.reach(item);
        }
    }

    /// Follows what is reached to its end.
    pub(crate) fn finish(mut self) -> Reached {
        let mut covered = Vec::new();
        while let Some(item) = self.queue.pop() {
            let details = self.index.details(item);
            self.follow(&details);
            // What stands behind `dyn` in an argument, callers bring along; its type leads to the `dyn`.
            let makes_types = || self.index.type_makers.contains(&item);
            if details.is_dynamic && (self.index.entry(item).is_type || makes_types()) {
                self.open();
            }
            let entry = self.index.entry(item);
            // A module without attributes has no code of its own.
            if entry.opens.is_none() || entry.content.code.is_some() || !entry.content.text.is_empty() {
                covered.push(Covered {
                    path: entry.path.clone(),
                    digest: details.digest,
                    place: self.index.place(entry),
                });
            }
        }
        let asks_for_key = ASK_FOR_KEY.iter().any(|name| is_set(&self.mentioned, words::id(name)));
        Reached { covered, predicates: self.predicates, items: self.reached, asks_for_key }
    }

    /// A macro of somebody else's is given a name, to which it may append: all that is in a module so named is reached, and
    /// every member of a type.
    fn give(&mut self, word: WordId) {
        if is_set(&self.given, word) {
            return;
        }
        set(&mut self.given, word);
        for item in self.index.items_named(word).to_vec() {
            self.whole(item);
            if self.index.entry(item).header.is_some() {
                self.reach(item);
            }
        }
        for alias in self.index.aliases.get(&word).cloned().into_iter().flatten() {
            self.give(alias);
        }
    }

    /// Reaches all that is in a module.
    fn whole(&mut self, module: ItemId) {
        let Some(scope) = self.index.entry(module).opens.filter(|scope| self.whole.insert(*scope)) else {
            return;
        };
        for item in self.index.scopes[scope as usize].items.clone() {
            self.reach(item);
            self.whole(item);
        }
    }

    /// Notes that a word occurs, and reaches what waited for it.
    fn mention(&mut self, word: WordId) {
        if is_set(&self.mentioned, word) {
            return;
        }
        set(&mut self.mentioned, word);
        // An import alone makes no item of the name.
        if self.index.items_named(word).iter().all(|&item| self.index.is_import(item)) {
            let name = words::lock().text(word).to_owned();
            for stem in made_from(&name) {
                self.mention(words::id(stem));
            }
        }
        for index in 0..self.index.items_named(word).len() {
            let item = self.index.items_named(word)[index];
            self.consider(item);
        }
    }

    fn consider(&mut self, item: ItemId) {
        if !self.is_reached(item) && self.holds(item) {
            self.reach(item);
        }
    }

    fn is_reached(&self, item: ItemId) -> bool {
        self.reached.get(item as usize).copied().unwrap_or(false)
    }

    fn holds(&self, item: ItemId) -> bool {
        let entry = self.index.entry(item);
        let Some(trigger) = &entry.trigger else { return false };
        let is_here = !trigger.in_module || entry.scope.is_none_or(|scope| self.active[scope as usize]);
        is_here && trigger.names.iter().all(|names| names.iter().any(|name| is_set(&self.mentioned, *name)))
    }

    fn reach(&mut self, item: ItemId) {
        if self.reached.len() <= item as usize {
            self.reached.resize(item as usize + 1, false);
        }
        if std::mem::replace(&mut self.reached[item as usize], true) {
            return;
        }
        self.queue.push(item);
        let entry = self.index.entry(item);
        for scope in [entry.scope, entry.opens].into_iter().flatten() {
            self.activate(scope);
        }
    }

    /// Something in a module is reached, or the module by its name: so are the modules around it, and names can be of its
    /// items.
    fn activate(&mut self, scope: ScopeId) {
        if std::mem::replace(&mut self.active[scope as usize], true) {
            return;
        }
        let (parent, opener) =
            (self.index.scopes[scope as usize].parent, self.index.scopes[scope as usize].opener);
        if let Some(opener) = opener {
            self.reach(opener);
        }
        if let Some(parent) = parent {
            self.activate(parent);
        }
        for index in 0..self.index.scopes[scope as usize].items.len() {
            let item = self.index.scopes[scope as usize].items[index];
            self.consider(item);
        }
    }
}

fn is_set(words: &[bool], word: WordId) -> bool {
    words.get(word as usize).copied().unwrap_or(false)
}

fn set(words: &mut Vec<bool>, word: WordId) {
    if words.len() <= word as usize {
        words.resize(word as usize + 1, false);
    }
    words[word as usize] = true;
}

/// The names from which macros make `word`: `FooBuilder` from `Foo`, the companions of a memoized method.
fn made_from(word: &str) -> Vec<&str> {
    if let Some(stem) = ["_delayed", "_uncached", "_info"].into_iter().find_map(|end| word.strip_suffix(end))
    {
        return vec![stem];
    }
    if !word.starts_with(char::is_uppercase) {
        return Vec::new();
    }
    let boundaries = word.char_indices().skip(1).filter(|(_, c)| c.is_uppercase());
    boundaries.flat_map(|(at, _)| [&word[..at], &word[at..]]).collect()
}

#[cfg(test)]
mod tests;
