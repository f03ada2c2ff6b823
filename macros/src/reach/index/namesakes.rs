//! Types and functions of one name in the blocks of one body.
//!
//! The compiler numbers them, in the order of the source, and so does the macro. Which number is
//! whose, the items themselves do not tell: blocks that change places leave them all as they are.
//! So to each of them belongs all that is around it.

use std::collections::{HashMap, HashSet};

use super::{Content, Entry, Index, ItemId, ScopeId, number};
use crate::reach::closure::Covered;
use crate::reach::digest::digest;
use crate::reach::tokens::Code;

/// How many items of a name there are in a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Types and traits.
    pub(crate) types: usize,
    pub(crate) functions: usize,
}

const CONTEXT: &str = "rememo fingerprint 2: what is around namesakes";

impl Index {
    /// The types and functions in these scopes, by name.
    pub(crate) fn names_in(&self, scopes: &[ScopeId]) -> HashMap<&str, Named> {
        let mut names: HashMap<&str, Named> = HashMap::new();
        for &id in scopes {
            let scope = &self.scopes[id as usize];
            for entry in scope.items.iter().map(|&item| self.entry(item)) {
                let Some(name) = entry.path.get(scope.path.len() + 2..) else { continue };
                if entry.is_nominal {
                    names.entry(name).or_default().types += 1;
                } else if entry.function.is_some() {
                    names.entry(name).or_default().functions += 1;
                }
            }
        }
        names
    }

    /// Makes what is around them a part of types and functions that share their name with another
    /// in one body.
    pub(super) fn tell_namesakes_apart(&mut self) {
        let makers: HashSet<ItemId> = self.type_makers.iter().copied().collect();
        for bodies in self.bodies() {
            let namesakes = self.namesakes(&bodies, &makers);
            if !namesakes.is_empty() {
                let around = self.digest_around(&bodies);
                for item in namesakes {
                    self.items[item as usize].content.text += &around;
                }
            }
        }
    }

    /// The types and functions in these bodies that are not the only ones of their names, and what
    /// may make such.
    fn namesakes(&self, bodies: &[ScopeId], makers: &HashSet<ItemId>) -> Vec<ItemId> {
        let names = self.names_in(bodies);
        let is_namesake = |name: &str| names.get(name).is_some_and(|named| named.types + named.functions > 1);
        let makes_types = bodies.iter().any(|&id| self.may_have_made_types(id));
        let mut found = Vec::new();
        for scope in bodies.iter().map(|&id| &self.scopes[id as usize]) {
            found.extend(scope.items.iter().filter(|&&item| {
                let entry = self.entry(item);
                let name = entry.path.get(scope.path.len() + 2..).unwrap_or_default();
                let has_name = entry.is_nominal || entry.function.is_some();
                (has_name && (makes_types || is_namesake(name))) || makers.contains(&item)
            }));
        }
        found
    }

    /// Whether a macro may have made types in a scope, or around it in a body.
    pub(crate) fn may_have_made_types(&self, id: ScopeId) -> bool {
        let scope = &self.scopes[id as usize];
        let in_body = scope.parent.filter(|&parent| self.scopes[parent as usize].around.is_some());
        scope.makes_types || in_body.is_some_and(|parent| self.may_have_made_types(parent))
    }

    /// The bodies, and modules in them, whose items the compiler gives one path, together.
    fn bodies(&self) -> Vec<Vec<ScopeId>> {
        let mut by_path: HashMap<_, Vec<ScopeId>> = HashMap::new();
        for (id, scope) in self.scopes.iter().enumerate() {
            let Some((source, (start, _))) = scope.around else { continue };
            // Methods of one name in a module are of several types.
            let method = scope.is_in_member.then_some((source, start));
            by_path.entry((method, scope.path.as_str())).or_default().push(number(id));
        }
        let mut bodies: Vec<_> = by_path.into_values().collect();
        bodies.sort();
        bodies
    }

    /// A digest of all that is around these bodies, in the order of the source.
    fn digest_around(&self, bodies: &[ScopeId]) -> String {
        let mut around: Vec<_> = bodies.iter().filter_map(|&id| self.scopes[id as usize].around).collect();
        around.dedup();
        let code =
            |(source, (start, end)): (usize, (usize, usize))| self.sources[source].tokens.range(start, end);
        let code: Vec<Code<'_>> = around.into_iter().map(code).collect();
        let digest = blake3::derive_key(CONTEXT, &digest(&code));
        blake3::Hash::from_bytes(digest).to_hex().to_string()
    }

    /// What is around a function whose name others have in its body, or that a macro makes in a
    /// body; nothing else tells it from them.
    pub(crate) fn around(&self, function: &Entry) -> Option<Covered> {
        let scope = function.scope?;
        let text = match &function.content {
            Content { text, .. } if function.function.is_some() => text.clone(),
            _ if self.scopes[scope as usize].around.is_some() => self.digest_around(&[scope]),
            _ => String::new(),
        };
        let digest = *blake3::hash(text.as_bytes()).as_bytes();
        let path = format!("around {}", self.scopes[scope as usize].path);
        (!text.is_empty()).then(|| Covered { path, digest, place: self.place(function) })
    }
}

#[cfg(test)]
mod tests;
