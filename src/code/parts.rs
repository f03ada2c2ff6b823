//! What people can name of a reach: functions and statics of the program's crates and of C, each with all that belongs
//! to it and has no such name.

use std::collections::HashSet;
use std::sync::Arc;

use super::reach::{Graph, Id, What};
use super::{Part, names, told};

/// How the name of code without a symbol begins.
const NAMELESS: &str = "code at ";

/// What is known of a piece.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// `None` if people have no name for it: it belongs to what refers to it.
    name: Option<Arc<str>>,
    digest: Option<[u8; 8]>,
}

impl Graph {
    /// The parts of a reach, whose pieces are `ids` and were first reached from `parents`; the nearest first. The first is the
    /// first piece itself. All that is reached from elsewhere and has no name belongs to it.
    pub(super) fn parts(&mut self, ids: &[Id], parents: &[Option<usize>]) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        // By piece: the part that it is, or belongs to; and whether only the standard library's own code leads to it.
        let mut known: Vec<(usize, bool)> = Vec::with_capacity(ids.len());
        for (number, (id, parent)) in ids.iter().zip(parents).enumerate() {
            let (parent, is_inner) = parent.map_or((0, false), |parent| known[parent]);
            let is_inner = is_inner || self.is_same_everywhere(*id);
            let name = match number {
                0 => Some("".into()),
                _ if is_inner => None,
                _ => self.told_name(*id),
            };
            let Some(name) = name else {
                known.push((parent, is_inner));
                continue;
            };
            known.push((parts.len(), is_inner));
            let digest = match number {
                0 => {
                    let roots = self.nameless_roots(ids, parents);
                    self.digest_of_part(&roots)
                }
                _ => self.told_digest(*id),
            };
            parts.push(Part { name, digest, parent: (number > 0).then_some(parent) });
        }
        parts
    }

    /// The first piece, and others that are reached from none and have no name.
    fn nameless_roots(&mut self, ids: &[Id], parents: &[Option<usize>]) -> Vec<Id> {
        let roots = ids.iter().zip(parents).enumerate().filter(|(_, (_, parent))| parent.is_none());
        roots
            .filter(|(number, (id, _))| *number == 0 || self.told_name(**id).is_none())
            .map(|(_, (id, _))| *id)
            .collect()
    }

    /// What people call a piece.
    pub(super) fn told_name(&mut self, id: Id) -> Option<Arc<str>> {
        if let Some(told) = self.told.get(&id) {
            return told.name.clone();
        }
        let name = self.find_name(id).map(Arc::from);
        self.told.insert(id, Told { name: name.clone(), digest: None });
        name
    }

    fn find_name(&self, id: Id) -> Option<String> {
        let what = &self.pieces[id as usize].0;
        if !matches!(what, What::Function(_) | What::Object(_) | What::ThreadLocal(_)) {
            return None;
        }
        let symbol = self.symbol(what);
        let is_hidden = |of: &str| names::is_standard(of) || self.boundary.crates.contains(&of);
        let is_made =
            ["code at ", "_rust_extern_with_linkage_"].iter().any(|start| symbol.starts_with(start));
        if is_made || symbol.contains("__rustc") || self.is_boundary(Some(&symbol)) {
            return None;
        }
        let is_hidden = told::crate_of(&symbol).is_some_and(|of| is_hidden(&of));
        if is_hidden { None } else { told::told(&symbol) }
    }

    /// Whether a piece comes with the compiler, and so is the same in all programs that are compared; or is a panic.
    fn is_same_everywhere(&self, id: Id) -> bool {
        let files = match self.pieces[id as usize].0 {
            What::Function(number) => self.scan.functions[number].symbol.files,
            What::Object(number) => self.elf.objects[number].files,
            What::ThreadLocal(number) => self.elf.thread_locals[number].files,
            _ => return self.is_panic(id),
        };
        self.elf.standard.is_some_and(|standard| standard.hold(files)) || self.is_panic(id)
    }

    fn told_digest(&mut self, id: Id) -> [u8; 8] {
        if let Some(digest) = self.told.get(&id).and_then(|told| told.digest) {
            return digest;
        }
        let digest = self.digest_of_part(&[id]);
        if let Some(told) = self.told.get_mut(&id) {
            told.digest = Some(digest);
        }
        digest
    }

    /// The digest of what a part consists of: its bytes, the names of what it refers to, and the bytes of what it refers to that
    /// has no name.
    fn digest_of_part(&mut self, ids: &[Id]) -> [u8; 8] {
        let mut hasher = blake3::Hasher::new();
        let mut seen: HashSet<Id> = ids.iter().copied().collect();
        let mut waiting = ids.to_vec();
        let mut done = 0;
        while let Some(id) = waiting.get(done).copied() {
            done += 1;
            let name = if done > ids.len() { self.told_name(id) } else { None };
            if let Some(name) = name {
                hasher.update(b"n").update(name.as_bytes());
                continue;
            }
            if self.is_same_everywhere(id) {
                // Code without a symbol would be named by its address.
                let name =
                    Some(self.title(&self.pieces[id as usize].0)).filter(|name| !name.starts_with(NAMELESS));
                hasher.update(b"c").update(name.unwrap_or_default().as_bytes());
                continue;
            }
            let Some(described) = &self.pieces[id as usize].1 else { continue };
            hasher.update(b"d").update(&described.digest);
            waiting.extend(
                described.targets.iter().map(|(target, _)| *target).filter(|target| seen.insert(*target)),
            );
        }
        let mut digest = [0; 8];
        digest.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        digest
    }
}
