//! The least set of items that contains what a function names and is closed under *reaching*.
//!
//! An item is reached when its [`Trigger`] holds, which more names and more items can only bring about: so the order in
//! which they are found does not matter, and nothing that is reached is taken back.

use std::collections::BTreeSet;

use super::generics::Open;
use super::index::{Condition, Details, Index, ItemId, ScopeId, Trigger, WordId};

/// What is reached so far.
#[derive(Debug)]
pub(crate) struct Reach<'i> {
    index: &'i mut Index,
    /// For each name, whether it occurs where it may be of any item.
    paths: Vec<bool>,
    /// For each name, whether it occurs as a method or field.
    members: Vec<bool>,
    /// For each name, whether it is of a trait behind which any type may be.
    open: Vec<bool>,
    /// For each name, whether a macro of somebody else's is given it.
    given: Vec<bool>,
    reached: Vec<bool>,
    active: Vec<bool>,
    /// Bounds of blanket implementations that were followed.
    opened: BTreeSet<String>,
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

impl<'i> Reach<'i> {
    pub(crate) fn new(index: &'i mut Index) -> Self {
        let (words, items, scopes) = (index.word_count(), index.items.len(), index.scopes.len());
        let mut reach = Reach {
            index,
            paths: vec![false; words],
            members: vec![false; words],
            open: vec![false; words],
            given: vec![false; words],
            reached: vec![false; items],
            active: vec![false; scopes],
            opened: BTreeSet::new(),
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

    /// Follows what `details` name.
    pub(crate) fn follow(&mut self, details: &Details) {
        for &word in &details.paths {
            // Asked here already: of what an item names, most was named before.
            if !self.paths[word as usize] {
                self.name(word, |reach| &mut reach.paths);
            }
        }
        for &word in &details.members {
            self.name(word, |reach| &mut reach.members);
        }
        for &word in &details.wholes {
            self.given(word);
        }
        self.predicates.extend(details.predicates.iter().cloned());
        details.extras.iter().for_each(|&item| self.reach(item));
    }

    /// Reaches the types that may stand behind `dyn` in what the function is given, as `signature` tells and the definitions
    /// of the types in it. (Behind a `dyn` elsewhere is what reached code has put there, by name.)
    pub(crate) fn open_dynamic(&mut self, signature: &Details) {
        let mut dynamic = signature.dynamic.clone();
        let mut seen: BTreeSet<WordId> = BTreeSet::new();
        let mut queue = signature.paths.clone();
        while let Some(word) = queue.pop() {
            if !seen.insert(word) {
                continue;
            }
            queue.extend(self.index.aliases.get(&word).into_iter().flatten());
            for item in self.index.items_named(word).to_vec() {
                if self.index.entry(item).is_type {
                    let details = self.index.details(item);
                    dynamic.extend(&details.dynamic);
                    queue.extend(&details.paths);
                }
            }
        }
        for word in dynamic {
            self.open_word(word);
        }
    }

    /// Opens a trait, also one that is known by another name.
    fn open_word(&mut self, word: WordId) {
        if self.open[word as usize] {
            return;
        }
        self.name(word, |reach| &mut reach.open);
        for alias in self.index.aliases.get(&word).cloned().into_iter().flatten() {
            self.open_word(alias);
        }
    }

    /// Reaches the types that may stand behind the function's type parameters.
    pub(crate) fn open(&mut self, open: &Open) {
        match open {
            Open::Bound(traits) if traits.is_empty() => return,
            Open::Bound(traits) => traits.iter().for_each(|name| self.open_trait(name)),
            Open::Anything => {
                for index in 0..self.index.types.len() {
                    self.reach(self.index.types[index]);
                }
            }
        }
        for index in 0..self.index.type_makers.len() {
            self.reach(self.index.type_makers[index]);
        }
    }

    /// Any type that implements or derives this may stand behind a type parameter or `dyn`.
    fn open_trait(&mut self, name: &str) {
        if let Some(word) = self.index.word(name) {
            self.open_word(word);
        }
        for index in 0..self.index.types.len() {
            let item = self.index.types[index];
            let code = self.index.code(self.index.entry(item));
            let mut attributes = code.iter().filter(|code| code.is_punct(code.start, '#'));
            let derives =
                attributes.any(|code| (code.start..code.end).any(|index| code.word(index) == Some(name)));
            if derives {
                self.reach(item);
            }
        }
    }

    /// Reaches everything: for code of which it is not known where it is.
    pub(crate) fn widen(&mut self) {
        for item in 0..super::index::number(self.index.items.len()) {
            self.reach(item);
        }
    }

    /// The items reached, in no particular order, and the predicates in them.
    pub(crate) fn finish(mut self) -> (Vec<Covered>, BTreeSet<String>) {
        let mut covered = Vec::new();
        while let Some(item) = self.queue.pop() {
            let details = self.index.details(item);
            self.follow(&details);
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
        (covered, self.predicates)
    }

    /// A macro of somebody else's is given a name, to which it may append: all that is in a module so named is reached, and
    /// every member of a type.
    fn given(&mut self, word: WordId) {
        if std::mem::replace(&mut self.given[word as usize], true) {
            return;
        }
        for item in self.index.items_named(word).to_vec() {
            self.whole(item);
            self.consider(item);
        }
        for alias in self.index.aliases.get(&word).cloned().into_iter().flatten() {
            self.given(alias);
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

    /// Notes that a name occurs, and reaches what waited for it.
    fn name(&mut self, word: WordId, list: fn(&mut Self) -> &mut Vec<bool>) {
        if std::mem::replace(&mut list(self)[word as usize], true) {
            return;
        }
        for index in 0..self.index.items_named(word).len() {
            let item = self.index.items_named(word)[index];
            self.consider(item);
        }
    }

    fn consider(&mut self, item: ItemId) {
        if let Trigger::Impl(condition) = &self.index.entry(item).trigger
            && self.is_open(condition)
        {
            // A blanket implementation hands the trait on to whatever satisfies its bounds.
            for name in condition.bounds.clone() {
                if self.opened.insert(name.clone()) {
                    self.open_trait(&name);
                }
            }
        }
        if !self.is_reached(item) && self.holds(item) {
            self.reach(item);
        }
    }

    fn is_reached(&self, item: ItemId) -> bool {
        self.reached.get(item as usize).copied().unwrap_or(false)
    }

    fn holds(&self, item: ItemId) -> bool {
        let entry = self.index.entry(item);
        let active = entry.scope.is_none_or(|scope| self.active[scope as usize]);
        let path = |word: &WordId| self.paths[*word as usize];
        let either = |word: &WordId| path(word) || self.members[*word as usize];
        match &entry.trigger {
            Trigger::Named(words) => active && words.iter().any(path),
            Trigger::Anywhere(words) => words.iter().any(path),
            Trigger::Made(names, paths) => names.iter().any(either) || paths.iter().any(path),
            Trigger::Trait(name, members) => (active && path(name)) || members.iter().any(either),
            Trigger::Impl(condition) => self.can_matter(condition),
            Trigger::Member(condition, name) => {
                let is_given = condition.all.iter().any(|word| self.given[*word as usize]);
                (is_given || either(name)) && self.can_matter(condition)
            }
            Trigger::Scope => active,
            Trigger::Always => true,
            Trigger::Never => false,
        }
    }

    fn can_matter(&self, condition: &Condition) -> bool {
        let path = |word: &WordId| self.paths[*word as usize];
        self.is_open(condition)
            || (condition.all.iter().all(path) && condition.any.iter().all(|names| names.iter().any(path)))
    }

    /// Whether any type may stand behind the trait.
    fn is_open(&self, condition: &Condition) -> bool {
        let mut names = condition.trait_name.iter().chain(condition.any.iter().flatten());
        names.any(|name| self.open[*name as usize])
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

    /// Something in a scope is reached, or the scope by its name: so are the modules around it, and names can be of its
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

#[cfg(test)]
mod tests;
