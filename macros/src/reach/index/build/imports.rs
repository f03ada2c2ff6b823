//! Imports: names for something else, and traits that are there for their methods.

use super::{At, Builder};
use crate::reach::index::{Content, Entry, ItemId, Trigger};
use crate::reach::items::{Leaf, LeafKind};
use crate::reach::words::{self, WordId};

/// A leaf of a `use` that waits for all names.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) leaf: Leaf,
    pub(super) id: ItemId,
    pub(super) at: At,
}

impl Builder {
    /// Adds a leaf of a `use`, which matters with these attributes.
    pub(super) fn leaf(&mut self, leaf: Leaf, attributes: &[(usize, usize)], keyword: usize, at: &At) {
        let path = leaf.path.join("::");
        let (name, trigger) = match &leaf.kind {
            LeafKind::Named(name) => (format!("use {path} as {name}"), Trigger::named(words::id(name))),
            LeafKind::Unnamed => (format!("use {path} as _"), Trigger::in_module()),
            LeafKind::Glob => (format!("use {path}::*"), Trigger::in_module()),
        };
        let entry = Entry {
            content: Content {
                code: Some((at.source, attributes.to_vec())),
                names: leaf.path.clone(),
                text: name.clone(),
            },
            place: Some(self.place(keyword, at)),
            trigger: Some(trigger),
            ..Entry::new(self.path(&name, at), Some(at.scope))
        };
        let id = self.index.add(entry);
        self.imports.push(Import { leaf, id, at: at.clone() });
    }

    /// Notes what a name may mean beside what the sources define.
    pub(super) fn note_import(&mut self, import: &Import) {
        let Import { leaf, at, .. } = import;
        let Some(first) = leaf.path.first() else { return };
        let is_foreign = !self.is_own_path(first);
        match &leaf.kind {
            LeafKind::Named(name) => {
                let word = words::id(name);
                if leaf.path.last() != Some(name) {
                    self.names.aliases.insert(word);
                    let stands_for: Vec<WordId> =
                        leaf.path.iter().map(|segment| words::id(segment)).collect();
                    self.index.aliases.entry(word).or_default().extend(stands_for);
                }
                if is_foreign {
                    self.names.foreign.insert(word);
                }
            }
            LeafKind::Glob => {
                self.names.with_globs.insert(at.source);
                // Names of the standard library are known.
                self.names.has_foreign_globs |= is_foreign && !is_of_std(first);
            }
            LeafKind::Unnamed => {}
        }
    }

    /// Whether a path that begins with this word leads to the sources.
    pub(super) fn is_own_path(&self, first: &str) -> bool {
        matches!(first, "crate" | "self" | "super" | "Self")
            || self.names.nominal.contains(&words::id(first))
            || self
                .index
                .items_named(words::id(first))
                .iter()
                .any(|&item| self.index.entry(item).opens.is_some())
    }

    /// What is imported from another crate may be a trait, whose methods are then there without its name.
    pub(super) fn imported(&mut self, import: &Import) {
        let Import { leaf, id, .. } = import;
        let (Some(first), Some(last)) = (leaf.path.first(), leaf.path.last()) else { return };
        if self.ignored.contains(first) && !self.is_own_path(first) {
            self.index.set_trigger(*id, None);
            return;
        }
        let LeafKind::Named(name) = &leaf.kind else { return };
        let camel = last.starts_with(char::is_uppercase) && last.contains(char::is_lowercase);
        if first == "serde" && matches!(last.as_str(), "Serialize" | "Deserialize") {
            // In nearly every file, for the derive macros of the same names.
            let names = [name.as_str(), "serialize", "deserialize", "deserialize_in_place"];
            let names = names.map(words::id).to_vec();
            self.index.set_trigger(*id, Some(Trigger::anywhere(names)));
        } else if camel && !self.is_own_path(first) && !(is_of_std(first) && is_known_type(last)) {
            self.index.set_trigger(*id, Some(Trigger::in_module()));
        }
    }
}

fn is_of_std(first: &str) -> bool {
    matches!(first, "std" | "core" | "alloc")
}

/// Types of the standard library, and traits that are in its prelude or are not called by a method.
fn is_known_type(word: &str) -> bool {
    const TRAITS: [&str; 25] = [
        "Any",
        "Binary",
        "Borrow",
        "BorrowMut",
        "BufRead",
        "BuildHasher",
        "Debug",
        "Display",
        "Error",
        "FromStr",
        "Hash",
        "Hasher",
        "LowerExp",
        "LowerHex",
        "Octal",
        "Pattern",
        "Pointer",
        "Read",
        "Seek",
        "SliceIndex",
        "Sum",
        "ToSocketAddrs",
        "UpperExp",
        "UpperHex",
        "Write",
    ];
    super::std_names::is_std_name(word) && !TRAITS.contains(&word)
}
