//! What can only be said once all names are known: by what an `impl`, an invocation or an import is reached.

mod impls;
mod imports;
mod invocations;
mod std_names;

pub(super) use self::impls::Impl;
pub(super) use self::invocations::{Invocation, MacroRules};
use super::super::{Trigger, WordId, number};
use super::Builder;
use crate::reach::tokens::Code;

/// What a name is that may stand in the header of an `impl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A type or trait with a definition of its own: nothing else has its values.
    Nominal,
    /// Another name for what these words say.
    Alias(Vec<String>),
    /// Something a macro made, or a macro.
    Other,
}

impl Builder {
    /// Notes what a name is; its number.
    pub(super) fn kind(&mut self, name: &str, kind: Kind) -> WordId {
        let word = self.index.intern(name);
        self.kinds.entry(word).or_default().push(kind);
        word
    }

    pub(super) fn resolve(&mut self) {
        // What invocations define has to be known before the headers that name it; and they may open files with more.
        let mut done = 0;
        while done < self.invocations.len() {
            let macros = self.macros();
            let rest = self.invocations[done..].to_vec();
            done += rest.len();
            for invocation in rest {
                self.invoked(&invocation, &macros);
            }
        }
        self.twins();
        let leaves = std::mem::take(&mut self.leaves);
        for (leaf, id) in &leaves {
            self.note_import(leaf, *id);
        }
        for (leaf, id) in &leaves {
            self.imported(leaf, *id);
        }
        for (word, kinds) in &self.kinds {
            let of_alias = kinds.iter().filter_map(|kind| match kind {
                Kind::Alias(words) => Some(words),
                Kind::Nominal | Kind::Other => None,
            });
            let words: Vec<WordId> = of_alias.flatten().filter_map(|word| self.index.word(word)).collect();
            if !words.is_empty() {
                self.index.aliases.insert(*word, words);
            }
        }
        for item in std::mem::take(&mut self.impls) {
            self.implemented(item);
        }
    }

    /// All of a crate of macros is one: any name that it exports reaches everything in it.
    pub(super) fn opaque(&mut self, in_crate: usize, names: &[WordId]) {
        let mut words = names.to_vec();
        for id in 0..self.index.items.len() {
            let entry = &self.index.items[id];
            let is_inside = entry
                .content
                .code
                .as_ref()
                .is_some_and(|(source, _)| self.index.sources[*source].in_crate == in_crate);
            if let Some(name) = entry.function.clone().filter(|_| is_inside) {
                let attributes: Vec<String> = self
                    .index
                    .code(entry)
                    .into_iter()
                    .filter(|code| code.is_punct(code.start, '#'))
                    .flat_map(words_in)
                    .collect();
                if attributes.iter().any(|word| word.starts_with("proc_macro")) {
                    words.extend(attributes.iter().chain([&name]).map(|word| self.index.intern(word)));
                }
            }
        }
        words.sort_unstable();
        words.dedup();
        for id in 0..self.index.items.len() {
            let of_crate = |source: usize| self.index.sources[source].in_crate == in_crate;
            if self.index.items[id].content.code.as_ref().is_some_and(|(source, _)| of_crate(*source)) {
                let id = number(id);
                self.index.set_trigger(id, Trigger::Anywhere(words.clone()));
            }
        }
    }
}

/// The words in code.
pub(super) fn words_in(code: Code<'_>) -> Vec<String> {
    (code.start..code.end).filter_map(|index| code.word(index)).map(str::to_owned).collect()
}
