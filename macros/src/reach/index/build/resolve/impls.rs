//! `impl` blocks: when one can matter.

use std::collections::HashSet;

use super::std_names::is_std_name;
use super::{Kind, words_in};
use crate::reach::generics;
use crate::reach::index::build::{At, Builder, effective_attributes};
use crate::reach::index::{Condition, Content, Entry, ItemId, Scope, ScopeId, Trigger, WordId};
use crate::reach::items::{Header, Item, What};
use crate::reach::tokens::{self as token, Code};

/// An `impl` that waits for all names.
#[derive(Debug)]
pub(in crate::reach::index::build) struct Impl {
    /// From the attributes to the keyword.
    pub(in crate::reach::index::build) start: (usize, usize),
    pub(in crate::reach::index::build) header: Header,
    pub(in crate::reach::index::build) members: Vec<Item>,
    pub(in crate::reach::index::build) at: At,
}

impl Builder {
    pub(super) fn implemented(&mut self, item: Impl) {
        let Impl { start, header, members, at } = item;
        let condition = self.condition(&header, &at);
        let path = self.path(&text(self.tokens(at.source).range(start.1, header.end)), &at);
        if header.of_trait.is_some() {
            let end = self.code(&at).after(header.end);
            let mut ranges = effective_attributes(self.code(&at), start.0);
            ranges.push((start.1, end));
            let trigger = condition.map_or(Trigger::Always, Trigger::Impl);
            self.index.add(Entry {
                content: Content { code: Some((at.source, ranges)), ..Content::default() },
                place: Some(self.place(start.1, &at)),
                trigger,
                ..Entry::new(path, Some(at.scope))
            });
            return;
        }
        let self_type = self.code(&at).range(header.self_type.0, header.self_type.1);
        let self_name = head(self_type).and_then(|head| self_type.word(head)).unwrap_or("impl").to_owned();
        for member in members {
            let name = self.name(&member, &at);
            let word = self.index.intern(&name);
            let mut ranges = effective_attributes(self.code(&at), start.0);
            ranges.push((start.1, header.end));
            ranges.extend(self.counted(&member, &at));
            let is_function = matches!(member.what, What::Function);
            let trigger = match (member.what, &condition) {
                (_, None) => Trigger::Always,
                (What::Function | What::Value | What::Alias, Some(condition)) => {
                    Trigger::Member(condition.clone(), word)
                }
                (_, Some(condition)) => Trigger::Impl(condition.clone()),
            };
            self.index.add(Entry {
                content: Content { code: Some((at.source, ranges)), ..Content::default() },
                place: Some(self.place(member.name.unwrap_or(member.keyword), &at)),
                trigger,
                header: Some((start.0, header.end)),
                function: is_function.then(|| name.clone()),
                ..Entry::new(self.path(&format!("{self_name}::{name}"), &at), Some(at.scope))
            });
        }
    }

    /// When the `impl` can matter; `None` if that cannot be told.
    ///
    /// To call something of it, though unnamed, there must be a value of its type, and what makes that names the type: so
    /// the type is required, and the trait, where they are certainly of the sources. Arguments of either are not, since
    /// an `impl` that is the only one can decide what they are. Where neither is certain, one of the names in the header
    /// is, for else the `impl` would not be allowed.
    fn condition(&mut self, header: &Header, at: &At) -> Option<Condition> {
        let code = self.code(at);
        let parameters: HashSet<String> = declared(code, header.generics).map(str::to_owned).collect();
        let self_type = code.range(header.self_type.0, header.self_type.1);
        let of_trait = header.of_trait.map(|(start, end)| code.range(start, end));
        let is_parameter = |index: usize| code.word(index).is_some_and(|word| parameters.contains(word));
        let head = head(self_type).filter(|&head| !is_parameter(head));
        let name = of_trait.and_then(trait_name);
        let mut condition = Condition::default();
        let mut perhaps = Vec::new();
        for index in [head, name].into_iter().flatten() {
            let Some(word) = code.word(index).and_then(|word| self.index.word(word)) else { continue };
            // What is not of a trait, can only be implemented for a type of the sources.
            let origin = if of_trait.is_none() { Origin::Own } else { self.origin(code, index, at.scope) };
            match (origin, self.is_alias(word)) {
                (Origin::Own, true) => condition.any.extend(self.stands_for(word)),
                (Origin::Own, false) => condition.all.push(word),
                (Origin::Perhaps, true) => perhaps.extend(self.stands_for(word).unwrap_or_default()),
                (Origin::Perhaps, false) => perhaps.push(word),
                (Origin::Foreign, _) => {}
            }
        }
        if condition.all.is_empty() && condition.any.is_empty() {
            perhaps.extend(self.arguments(code, header, name)?);
            condition.any.push(perhaps);
        }
        // What is implemented for a parameter is implemented for whatever satisfies its bounds.
        if head.is_none() {
            let clauses = [header.generics, (header.self_type.1, header.end)];
            let bounds = clauses.into_iter().flat_map(|(start, end)| words_in(code.range(start, end)));
            condition.bounds = bounds.filter(|word| !parameters.contains(word)).collect();
        }
        let trait_name = name.and_then(|name| code.word(name)).map(str::to_owned);
        condition.trait_name = trait_name.map(|name| self.index.intern(&name));
        condition.any.iter().all(|names| !names.is_empty()).then_some(condition)
    }

    /// The names that the type and the trait have for arguments, as far as they may be of the sources; `None` if the trait
    /// has some, and can be used without a value of them.
    fn arguments(&self, code: Code<'_>, header: &Header, name: Option<usize>) -> Option<Vec<WordId>> {
        let known = |index: usize| {
            let word = code.word(index).and_then(|word| self.index.word(word))?;
            self.kinds.contains_key(&word).then_some(word)
        };
        let mut arguments: Vec<WordId> = (header.self_type.0..header.self_type.1).filter_map(known).collect();
        if let Some((_, end)) = header.of_trait {
            let of_trait: Vec<WordId> = (name.map_or(end, |name| name + 1)..end).filter_map(known).collect();
            let takes_value = name.and_then(|name| code.word(name)).is_some_and(takes_value_of_argument);
            if !of_trait.is_empty() && !takes_value {
                return None;
            }
            arguments.extend(of_trait);
        }
        Some(arguments)
    }

    fn is_alias(&self, word: WordId) -> bool {
        self.kinds.get(&word).is_some_and(|kinds| kinds.iter().any(|kind| matches!(kind, Kind::Alias(_))))
    }

    /// Where the name at `index` comes from.
    fn origin(&self, code: Code<'_>, index: usize, scope: ScopeId) -> Origin {
        let Some(name) = code.word(index) else { return Origin::Foreign };
        let Some(word) = self.index.word(name) else { return Origin::Foreign };
        let Some(kinds) = self.kinds.get(&word) else { return Origin::Foreign };
        // What a macro made, or was only given.
        if kinds.iter().all(|kind| *kind == Kind::Other) {
            return Origin::Perhaps;
        }
        // A module may hand on what another crate has under this name.
        let handed_on =
            if self.is_foreign_name(word) || is_std_name(name) { Origin::Perhaps } else { Origin::Own };
        let mut first = index;
        while code.is_path_separator(first.wrapping_sub(2)) && code.word(first.wrapping_sub(3)).is_some() {
            first -= 3;
        }
        if first < index {
            let first = code.word(first).unwrap_or_default();
            let is_foreign = self.index.word(first).is_some_and(|word| self.is_foreign_name(word));
            return match self.is_own_path(first) {
                true if is_foreign => Origin::Perhaps,
                true => handed_on,
                false if is_foreign || self.index.word(first).is_some_and(|word| self.is_alias(word)) => {
                    Origin::Perhaps
                }
                false => Origin::Foreign,
            };
        }
        let mut scope = scope;
        loop {
            match self.imports.get(&(scope, word)) {
                Some(true) => return handed_on,
                Some(false) => return Origin::Foreign,
                None => {}
            }
            let is_defined = |item: &ItemId| {
                let entry = self.index.entry(*item);
                entry.scope == Some(scope) && (entry.is_nominal || entry.is_type)
            };
            if self.index.items_named(word).iter().any(is_defined) {
                return Origin::Own;
            }
            let Scope { parent: Some(parent), is_body: true, .. } = self.index.scopes[scope as usize] else {
                return if self.foreign_globs.contains(&scope) { Origin::Perhaps } else { handed_on };
            };
            scope = parent;
        }
    }

    /// Whether some module imports something of another crate under this name.
    fn is_foreign_name(&self, word: WordId) -> bool {
        self.foreign_names.contains(&word)
    }

    /// Whether a path that begins with this word leads to the sources.
    pub(super) fn is_own_path(&self, first: &str) -> bool {
        let opens =
            |word| self.index.items_named(word).iter().any(|&item| self.index.entry(item).opens.is_some());
        matches!(first, "crate" | "self" | "super" | "Self") || self.index.word(first).is_some_and(opens)
    }

    /// An alias, and the names of the types behind it; `None` if they may be foreign ones, whose values need no name of the
    /// sources.
    fn stands_for(&self, alias: WordId) -> Option<Vec<WordId>> {
        let mut found = vec![alias];
        let mut is_own = false;
        let mut index = 0;
        while let Some(word) = found.get(index).copied() {
            for kind in self.kinds.get(&word).into_iter().flatten() {
                let Kind::Alias(words) = kind else {
                    is_own |= *kind == Kind::Nominal;
                    continue;
                };
                if words.iter().any(|word| matches!(word.as_str(), "std" | "core" | "alloc")) {
                    return None;
                }
                for name in words {
                    let Some(word) = self.index.word(name).filter(|word| self.kinds.contains_key(word))
                    else {
                        continue;
                    };
                    if word != alias && (self.is_foreign_name(word) || is_std_name(name)) {
                        return None;
                    }
                    if !found.contains(&word) {
                        found.push(word);
                    }
                }
            }
            index += 1;
        }
        is_own.then_some(found)
    }
}

/// Where a name in the header of an `impl` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Certainly from the sources.
    Own,
    /// From the sources, or from another crate that has it, too.
    Perhaps,
    /// The sources have nothing of this name, or it is another crate's.
    Foreign,
}

/// The names that generics declare.
fn declared(code: Code<'_>, (start, end): (usize, usize)) -> impl Iterator<Item = &str> {
    generics::parameters(code.range(start, end), start, end.saturating_sub(1)).into_iter().filter_map(
        move |(start, _)| if code.is_word(start, "const") { code.word(start + 1) } else { code.word(start) },
    )
}

/// The index of the last segment of a trait's path, before its generics.
fn trait_name(code: Code<'_>) -> Option<usize> {
    let end = (code.start..code.end).find(|&index| code.is_punct(index, '<')).unwrap_or(code.end);
    (code.start..end).rev().find(|&index| code.word(index).is_some())
}

/// The index of the name that a type begins with, behind references: the last segment of its path. `None` for tuples,
/// slices, functions and what a macro makes.
fn head(code: Code<'_>) -> Option<usize> {
    let mut index = code.start;
    while code.is_punct(index, '&')
        || code.kind(index) == Some(token::Kind::Lifetime)
        || code.is_word(index, "mut")
        || code.is_word(index, "dyn")
    {
        index += 1;
    }
    if code.is_path_separator(index) {
        index += 2;
    }
    while code.is_path_separator(index + 1) && code.word(index + 3).is_some() {
        index += 3;
    }
    let name = code.word(index).filter(|name| !matches!(*name, "fn" | "impl" | "for" | "unsafe" | "extern"));
    name.filter(|_| !code.is_punct(index + 1, '!')).map(|_| index)
}

/// Traits of the standard library that are only used with a value of their argument.
fn takes_value_of_argument(name: &str) -> bool {
    let operator = name.strip_suffix("Assign").unwrap_or(name);
    matches!(operator, "Add" | "BitAnd" | "BitOr" | "BitXor" | "Div" | "Mul" | "Rem" | "Shl" | "Shr" | "Sub")
        || matches!(
            name,
            "Extend"
                | "Index"
                | "IndexMut"
                | "From"
                | "FromIterator"
                | "PartialEq"
                | "PartialOrd"
                | "Product"
                | "Sum"
                | "TryFrom"
        )
}

/// Tokens as text, the same however they are laid out.
fn text(code: Code<'_>) -> String {
    let mut text = String::new();
    let mut after_word = false;
    for index in code.start..code.end {
        let Some(token) = code.get(index) else { break };
        let is_word = code.word(index).is_some();
        if is_word && after_word {
            text.push(' ');
        }
        text.push_str(code.text(token));
        after_word = is_word || code.is_punct(index, '>');
    }
    text
}
