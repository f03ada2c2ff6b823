//! `impl` blocks: when one can matter.

use std::collections::HashSet;

use super::super::super::{Condition, Content, Entry, Trigger, WordId};
use super::super::{At, Builder};
use super::{Kind, words_in};
use crate::reach::generics;
use crate::reach::items::{Header, Item, What};
use crate::reach::tokens::Code;

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
        let shown = {
            let code = self.tokens(at.source).range(start.1, header.end);
            text(code)
        };
        let path = self.path(&shown, &at);
        let never = condition.all.is_empty() && condition.any.is_empty();
        if header.of_trait.is_some() {
            let end = self.code(&at).after(header.end);
            let trigger = if never { Trigger::Always } else { Trigger::Impl(condition) };
            self.index.add(Entry {
                content: Content { code: Some((at.source, vec![(start.0, end)])), ..Content::default() },
                place: Some(self.place(start.1, &at)),
                trigger,
                ..Entry::new(path, Some(at.scope))
            });
            return;
        }
        let (start_of_type, end_of_type) = header.self_type;
        let self_name =
            last_segment(self.code(&at).range(start_of_type, end_of_type)).unwrap_or("impl").to_owned();
        for member in members {
            let name = self.name(&member, &at);
            let word = self.index.intern(&name);
            let ranges = vec![(start.0, header.end), (member.start, member.end)];
            let trigger = match member.what {
                _ if never => Trigger::Always,
                What::Function | What::Value | What::Alias => Trigger::Member(condition.clone(), word),
                _ => Trigger::Impl(condition.clone()),
            };
            let is_function = matches!(member.what, What::Function);
            self.index.add(Entry {
                content: Content { code: Some((at.source, ranges)), ..Content::default() },
                place: Some(self.place(member.name.unwrap_or(member.keyword), &at)),
                trigger,
                function: is_function.then(|| name.clone()),
                ..Entry::new(self.path(&format!("{self_name}::{name}"), &at), Some(at.scope))
            });
        }
    }

    /// When the `impl` can matter.
    fn condition(&mut self, header: &Header, at: &At) -> Condition {
        let code = self.code(at);
        let parameters: HashSet<String> = declared(code, header.generics).map(str::to_owned).collect();
        let of_trait = header.of_trait.map(|(start, end)| code.range(start, end));
        let trait_name = of_trait.and_then(last_segment).map(str::to_owned);
        let ranges = header.of_trait.into_iter().chain([header.self_type]);
        let words: HashSet<String> = ranges
            .flat_map(|(start, end)| (start..end).filter_map(|index| code.word(index)))
            .filter(|word| !parameters.contains(*word))
            .map(str::to_owned)
            .collect();
        let mut condition = Condition::default();
        for word in words {
            let Some(id) = self.index.word(&word) else { continue };
            let Some(kinds) = self.kinds.get(&id) else { continue };
            if kinds.iter().any(|kind| matches!(kind, Kind::Alias(_))) {
                condition.any.push(self.stands_for(id));
            } else {
                condition.all.push(id);
            }
        }
        condition.all.sort_unstable();
        condition.any.sort_unstable();
        // What is implemented for a parameter is implemented for whatever satisfies its bounds.
        let self_type = words_in(self.code(at).range(header.self_type.0, header.self_type.1));
        if self_type.iter().any(|word| parameters.contains(word)) {
            let clause = words_in(self.code(at).range(header.self_type.1, header.end));
            let bounds = words_in(self.code(at).range(header.generics.0, header.generics.1));
            let bounds: Vec<String> =
                bounds.into_iter().chain(clause).filter(|word| !parameters.contains(word)).collect();
            condition.bounds = bounds.iter().map(|word| self.index.intern(word)).collect();
        }
        condition.trait_name = trait_name.map(|name| self.index.intern(&name));
        condition.of_trait = condition.trait_name.filter(|name| condition.all.contains(name));
        condition
    }

    /// An alias, and the names of the types behind it.
    fn stands_for(&self, alias: WordId) -> Vec<WordId> {
        let mut found = vec![alias];
        let mut index = 0;
        while let Some(word) = found.get(index).copied() {
            for kind in self.kinds.get(&word).into_iter().flatten() {
                let Kind::Alias(words) = kind else { continue };
                for word in words.iter().filter_map(|word| self.index.word(word)) {
                    if self.kinds.contains_key(&word) && !found.contains(&word) {
                        found.push(word);
                    }
                }
            }
            index += 1;
        }
        found
    }
}

/// The names that generics declare.
fn declared(code: Code<'_>, (start, end): (usize, usize)) -> impl Iterator<Item = &str> {
    generics::parameters(code.range(start, end), start, end.saturating_sub(1)).into_iter().filter_map(
        move |(start, _)| if code.is_word(start, "const") { code.word(start + 1) } else { code.word(start) },
    )
}

/// The last segment of the path of a trait, before its generics.
fn last_segment(code: Code<'_>) -> Option<&str> {
    let end = (code.start..code.end).find(|&index| code.is_punct(index, '<')).unwrap_or(code.end);
    (code.start..end).rev().find_map(|index| code.word(index))
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
