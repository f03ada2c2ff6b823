//! Imports: which of them matter although nothing names them.

use super::Kind;
use crate::reach::index::build::Builder;
use crate::reach::index::{ItemId, Trigger};
use crate::reach::items::{self, Leaf, LeafKind};
use crate::reach::tokens::Code;

impl Builder {
    /// Notes whether a name, or what a glob brings in, comes from the sources.
    pub(super) fn note_import(&mut self, leaf: &Leaf, id: ItemId) {
        let (Some(scope), Some(first)) = (self.index.entry(id).scope, leaf.path.first()) else { return };
        let is_own = self.is_own_path(first);
        match &leaf.kind {
            LeafKind::Named(name) => {
                let word = self.index.intern(name);
                self.imports.insert((scope, word), is_own);
                if !is_own {
                    self.foreign_names.insert(word);
                }
            }
            LeafKind::Glob if !is_own => drop(self.foreign_globs.insert(scope)),
            LeafKind::Glob | LeafKind::Unnamed => {}
        }
    }

    /// A name that no source defines is another crate's. It may be that of a trait, imported for its methods.
    pub(super) fn imported(&mut self, leaf: &Leaf, id: ItemId) {
        let (Some(first), Some(last)) = (leaf.path.first(), leaf.path.last()) else { return };
        if self.ignored.contains(first) && !self.is_own_path(first) {
            self.index.set_trigger(id, Trigger::Never);
            return;
        }
        let LeafKind::Named(name) = &leaf.kind else {
            self.unnamed(last, id);
            return;
        };
        let of_standard_library = matches!(first.as_str(), "std" | "core" | "alloc");
        let is_local = self.index.word(last).is_some_and(|word| self.kinds.contains_key(&word));
        let camel = last.starts_with(char::is_uppercase) && last.contains(char::is_lowercase);
        let may_be_trait = if of_standard_library {
            is_imported_trait(last)
        } else {
            camel && !is_local && !matches!(first.as_str(), "crate" | "self" | "super")
        };
        let methods: Option<&[&str]> = match (first.as_str(), last.as_str()) {
            ("serde", "Serialize") => Some(&["serialize"]),
            ("serde", "Deserialize") => Some(&["deserialize", "deserialize_in_place"]),
            _ => None,
        };
        if let Some(methods) = methods {
            // In nearly every file, for the derive macros of the same names.
            let methods = methods.iter().map(|method| self.index.intern(method)).collect();
            let word = self.index.intern(name);
            self.index.set_trigger(id, Trigger::Trait(word, methods));
        } else if may_be_trait {
            self.index.set_trigger(id, Trigger::Scope);
        }
    }

    /// A glob of an enum, or a trait without a name, is there whenever its module is; what it is of, only when something
    /// of it is named.
    fn unnamed(&mut self, last: &str, id: ItemId) {
        let Some(word) = self.index.word(last).filter(|_| !self.is_own_path(last)) else { return };
        if !self.kinds.get(&word).is_some_and(|kinds| kinds.iter().all(|kind| *kind == Kind::Nominal)) {
            return;
        }
        self.index.items[id as usize].content.names.pop();
        for item in self.index.items_named(word).to_vec() {
            let entry = self.index.entry(item);
            if let (true, Trigger::Named(names)) = (entry.is_type, &entry.trigger) {
                let mut names = names.clone();
                let variants: Vec<String> = {
                    let code = self.index.code(entry).into_iter();
                    code.filter(|code| !code.is_punct(code.start, '#')).flat_map(variants).collect()
                };
                names.extend(variants.iter().map(|variant| self.index.intern(variant)));
                self.index.set_trigger(item, Trigger::Named(names));
            }
        }
    }
}

/// Traits of the standard library that are imported for their methods.
fn is_imported_trait(word: &str) -> bool {
    matches!(
        word,
        "Any"
            | "Binary"
            | "Debug"
            | "Display"
            | "LowerExp"
            | "LowerHex"
            | "Octal"
            | "Pointer"
            | "UpperExp"
            | "UpperHex"
            | "Borrow"
            | "BorrowMut"
            | "BufRead"
            | "Error"
            | "FromStr"
            | "Hash"
            | "Hasher"
            | "BuildHasher"
            | "Pattern"
            | "Read"
            | "Seek"
            | "SliceIndex"
            | "Sum"
            | "ToSocketAddrs"
            | "Write"
    )
}

/// The names of the variants of an enum.
fn variants(code: Code<'_>) -> Vec<String> {
    let body =
        (code.start..code.end).rev().find_map(|index| code.opening(index)).and_then(|open| code.group(open));
    let Some(body) = body else { return Vec::new() };
    let mut variants = Vec::new();
    let mut index = body.start;
    let mut is_first = true;
    while index < body.end {
        index = items::attributes(body, index).0;
        if is_first {
            variants.extend(body.word(index).map(str::to_owned));
        }
        is_first = body.is_punct(index, ',');
        index = body.after(index);
    }
    variants
}
