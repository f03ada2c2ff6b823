//! What can only be said once all names are known: by what an `impl`, an invocation or an import is reached.

mod impls;
mod imports;
mod invocations;

pub(super) use self::impls::Impl;
use super::super::{ItemId, Trigger, WordId, number};
use super::{At, Builder};
use crate::reach::items::{self, Leaf};
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

/// What waits for all names.
#[derive(Debug)]
pub(super) enum Pending {
    Impl(Box<Impl>),
    Invocation { id: ItemId, name: String, range: (usize, usize), at: At },
    Macro { name: String, id: ItemId, source: usize },
    Leaf { leaf: Leaf, id: ItemId },
}

impl Builder {
    /// Notes what a name is; its number.
    pub(super) fn kind(&mut self, name: &str, kind: Kind) -> WordId {
        let word = self.index.intern(name);
        self.kinds.entry(word).or_default().push(kind);
        word
    }

    pub(super) fn resolve(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let macros = self.macros(&pending);
        // What invocations define has to be known before the headers that name it.
        for item in &pending {
            if let Pending::Invocation { id, name, range, at } = item {
                self.invoked(*id, name, *range, at, &macros);
            }
        }
        for item in pending {
            match item {
                Pending::Impl(item) => self.implemented(*item),
                Pending::Leaf { leaf, id } => self.imported(&leaf, id),
                Pending::Macro { name, id, source } => {
                    // Which of two macros of one name is meant, their order in the file decides.
                    if macros.get(&name).is_some_and(|macros| macros.twins.contains(&source)) {
                        let whole = self.index.sources[source].tokens.code();
                        self.index.items[id as usize].content.code =
                            Some((source, vec![(whole.start, whole.end)]));
                    }
                }
                Pending::Invocation { .. } => {}
            }
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
                let attributes: Vec<String> =
                    self.index.code(entry).first().map(|code| attribute_words(*code)).unwrap_or_default();
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
fn words_in(code: Code<'_>) -> Vec<String> {
    (code.start..code.end).filter_map(|index| code.word(index)).map(str::to_owned).collect()
}

/// The words in the attributes at the start of an item.
fn attribute_words(code: Code<'_>) -> Vec<String> {
    let end = items::attributes(code, code.start).0;
    words_in(code.range(code.start, end))
}
