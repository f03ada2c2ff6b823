//! `impl` blocks: when one can matter.
//!
//! Whatever calls a method has a value of its type, and what made the value mentions the type; or
//! it names the trait. So the type and the trait of an `impl` are asked for, if the sources define
//! them and nothing else has the name. Otherwise a value may come from where nothing mentions the
//! type (`0..9` is a `Range`), and the name is not asked for.

use std::collections::HashSet;

use super::macros::{is_definable, words_in};
use super::std_names::is_std_name;
use super::{At, Builder, effective_attributes};
use crate::reach::generics::declared;
use crate::reach::index::{Content, Entry, Trigger};
use crate::reach::items::{Header, Item, What};
use crate::reach::mentions::is_of_language;
use crate::reach::tokens::{self as token, Code};
use crate::reach::words::{self, WordId};

/// An `impl` that waits for all names.
#[derive(Debug)]
pub(super) struct Impl {
    /// From the attributes to the keyword.
    pub(super) start: (usize, usize),
    pub(super) header: Header,
    pub(super) members: Vec<Item>,
    pub(super) at: At,
}

/// The names that sources and imports have for things.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Structs, enums, unions and traits: nothing else has their values.
    pub(super) nominal: HashSet<WordId>,
    /// Other names for something.
    pub(super) aliases: HashSet<WordId>,
    /// Names that something of another crate has, too.
    pub(super) foreign: HashSet<WordId>,
    /// Whether everything of some module of another crate is imported somewhere, and may be handed on.
    pub(super) has_foreign_globs: bool,
    /// Sources that import everything of some module.
    pub(super) with_globs: HashSet<usize>,
}

impl Builder {
    /// The members of an `impl` of a type are reached one by one; one of a trait is whole, as it may be called unnamed.
    pub(super) fn implemented(&mut self, item: &Impl) {
        let Impl { start, header, members, at } = item;
        let trigger = self.condition(item);
        let attributes = effective_attributes(self.code(at), start.0);
        if header.of_trait.is_some() {
            let path = self.path(&text(self.tokens(at.source).range(start.1, header.end)), at);
            let mut ranges = attributes;
            ranges.push((start.1, self.code(at).after(header.end)));
            self.index.add(Entry {
                content: Content { code: Some((at.source, ranges)), ..Content::default() },
                place: Some(self.place(start.1, at)),
                trigger: Some(trigger),
                ..Entry::new(path, Some(at.scope))
            });
            return;
        }
        let self_type = self.code(at).range(header.self_type.0, header.self_type.1);
        let self_name = head(self_type).and_then(|head| self_type.word(head)).unwrap_or("impl").to_owned();
        for member in members {
            let name = self.name(member, at);
            let mut ranges = attributes.clone();
            ranges.push((start.1, header.end));
            ranges.extend(self.counted(member, at));
            let mut trigger = trigger.clone();
            // What a macro makes in there, may have any name.
            if matches!(member.what, What::Function | What::Value | What::Alias) {
                trigger.names.push(vec![words::id(&name)]);
            }
            self.index.add(Entry {
                content: Content { code: Some((at.source, ranges)), ..Content::default() },
                place: Some(self.place(member.name.unwrap_or(member.keyword), at)),
                trigger: Some(trigger),
                header: Some((start.0, header.end)),
                function: matches!(member.what, What::Function).then(|| name.clone()),
                ..Entry::new(self.path(&format!("{self_name}::{name}"), at), Some(at.scope))
            });
        }
    }

    /// When the `impl` can matter: its type and its trait have to be mentioned.
    ///
    /// To call something of it, though unnamed, there must be a value of its type, and what makes that mentions the type;
    /// or it is called through its trait, by the name of the trait or of a member, and then the trait is reached, which
    /// mentions itself. That holds for types and traits that the sources define. A name that others have, too, is not
    /// asked for; if there is no other, one of all names in the header is, for else the `impl` would not be allowed.
    fn condition(&mut self, item: &Impl) -> Trigger {
        let Impl { start, header, at, .. } = item;
        let code = self.code(at);
        let parameters = declared(code, header.generics);
        let is_parameter = |index: usize| code.word(index).is_some_and(|word| parameters.contains(&word));
        let self_type = code.range(header.self_type.0, header.self_type.1);
        let of_trait = header.of_trait.map(|(start, end)| code.range(start, end));
        let head = head(self_type).filter(|&head| !is_parameter(head));
        let name = of_trait.and_then(trait_name);
        // What an attribute makes of it, can bring values of the type along.
        let head_counts = head.filter(|_| !self.has_foreign_attribute(code, start.0));
        let certain = [head_counts, name].into_iter().flatten().filter_map(|index| {
            let word = words::id(code.word(index)?);
            // What is not of a trait can only be implemented for a type of the sources.
            let is_certain = if of_trait.is_none() {
                self.names.nominal.contains(&word) && !self.names.aliases.contains(&word)
            } else {
                self.is_certain(code, index, at)
            };
            is_certain.then(|| vec![word])
        });
        let mut names: Vec<Vec<WordId>> = certain.collect();
        if names.is_empty() && head_counts == head {
            names.extend(self.any_of(code, header, name));
        }
        Trigger { in_module: false, names }
    }

    /// Whether the name at `index`, with the path before it, can only mean something of the sources.
    fn is_certain(&self, code: Code<'_>, index: usize, at: &At) -> bool {
        let mut first = index;
        while code.is_path_separator(first.wrapping_sub(2)) && code.word(first.wrapping_sub(3)).is_some() {
            first -= 3;
        }
        let word = |index| code.word(index).map(words::id);
        let has_other =
            |word: &WordId| self.names.aliases.contains(word) || self.names.foreign.contains(word);
        let begins_here = code.word(first).is_some_and(|first| self.is_own_path(first))
            && !word(first).is_some_and(|word| has_other(&word));
        let has_globs = self.names.has_foreign_globs && self.names.with_globs.contains(&at.source);
        let is_own = if first == index { !has_globs } else { begins_here && !self.names.has_foreign_globs };
        is_own
            && word(index).is_some_and(|word| self.names.nominal.contains(&word) && !has_other(&word))
            && !code.word(index).is_some_and(is_std_name)
    }

    /// The names in a header that something in the sources has; `None` if it can be used without a value of them.
    fn any_of(&self, code: Code<'_>, header: &Header, name: Option<usize>) -> Option<Vec<WordId>> {
        let known = |index: usize| {
            let word = words::id(code.word(index)?);
            let names = &self.names;
            // A type behind an alias may have values that nothing names.
            (names.nominal.contains(&word) && !names.aliases.contains(&word)).then_some(word)
        };
        let mut words: Vec<WordId> = (header.self_type.0..header.self_type.1).filter_map(known).collect();
        if let Some((start, end)) = header.of_trait {
            let after_name = name.map_or(end, |name| name + 1);
            let arguments: Vec<WordId> = (after_name..end).filter_map(known).collect();
            let takes_value = name.and_then(|name| code.word(name)).is_some_and(takes_value_of_argument);
            if !arguments.is_empty() && !takes_value {
                return None;
            }
            words.extend((start..after_name).filter_map(known));
            words.extend(arguments);
        }
        (!words.is_empty()).then_some(words)
    }

    /// Whether an attribute before `index` is none of the language: a macro of another crate rewrites the item.
    pub(super) fn has_foreign_attribute(&self, code: Code<'_>, index: usize) -> bool {
        effective_attributes(code, index).into_iter().any(|(start, _)| {
            let first = code.word(start + 2).unwrap_or_default();
            let is_known = is_of_language(first) || matches!(first, "derive" | "memo" | "serde");
            !is_known && !self.ignored.iter().any(|name| name == first)
        })
    }

    /// What a macro of another crate makes of a function or static that it is an attribute of, may be reached by
    /// the words it is given: `#[distributed_slice(NAME)]`. What runs before `main`, by what it mentions.
    pub(super) fn attributed(&mut self, code: (usize, usize, usize), at: &At) -> Vec<WordId> {
        let (start, keyword, end) = code;
        if !self.has_foreign_attribute(self.code(at), start) {
            return Vec::new();
        }
        let attributes = words_in(self.code(at).range(start, keyword));
        let runs_before = attributes.iter().any(|word| word == "ctor");
        let words = if runs_before { words_in(self.code(at).range(keyword, end)) } else { attributes };
        let definable = words.iter().filter(|word| is_definable(word));
        definable.map(|word| words::id(word)).collect()
    }
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
        || matches!(name, "Extend" | "From" | "FromIterator" | "Index" | "IndexMut" | "PartialEq")
        || matches!(name, "PartialOrd" | "Product" | "Sum" | "TryFrom")
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
