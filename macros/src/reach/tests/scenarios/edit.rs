//! An edit of a program, and which memoized functions have another identity after it.

use std::collections::{BTreeMap, BTreeSet};

use super::Files;

/// The digest and the predicates of memoized functions, by their paths in the crate.
pub(super) type Identities = BTreeMap<String, ([u8; 32], BTreeSet<String>)>;

/// An edit, made up of changes; nothing may be a miss after it unless [`Edit::misses`] or [`Edit::may_miss`] say so.
#[derive(Clone, Default)]
pub(super) struct Edit {
    changes: Vec<Change>,
    misses: Vec<&'static str>,
    may_miss: Vec<&'static str>,
}

#[derive(Clone)]
enum Change {
    Replace { file: String, old: String, new: String },
    Add { file: String, text: String },
    Remove { file: String },
    Rename { from: String, to: String },
}

/// Replaces a text, wherever it occurs in a file.
pub(super) fn replace(file: &str, old: &str, new: &str) -> Edit {
    Edit::default().replace(file, old, new)
}

/// Adds a file.
pub(super) fn add(file: &str, text: &str) -> Edit {
    Edit::default().with(Change::Add { file: file.to_owned(), text: text.to_owned() })
}

/// Removes a file.
pub(super) fn remove(file: &str) -> Edit {
    Edit::default().with(Change::Remove { file: file.to_owned() })
}

/// Renames a file.
pub(super) fn rename(from: &str, to: &str) -> Edit {
    Edit::default().with(Change::Rename { from: from.to_owned(), to: to.to_owned() })
}

impl Edit {
    pub(super) fn replace(self, file: &str, old: &str, new: &str) -> Self {
        self.with(Change::Replace { file: file.to_owned(), old: old.to_owned(), new: new.to_owned() })
    }

    /// Also makes the changes of `other`.
    pub(super) fn and(mut self, other: Edit) -> Self {
        self.changes.extend(other.changes);
        self
    }

    /// The functions that return something else after the edit.
    pub(super) fn misses(mut self, functions: &[&'static str]) -> Self {
        self.misses.extend(functions);
        self
    }

    /// Functions that return the same after the edit, and may be computed anew: telling would take more than names.
    pub(super) fn may_miss(mut self, functions: &[&'static str]) -> Self {
        self.may_miss.extend(functions);
        self
    }

    /// Nothing is computed anew; says what an edit without the two above means.
    pub(super) fn hits(self) -> Self {
        assert!(self.misses.is_empty() && self.may_miss.is_empty());
        self
    }

    fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    pub(super) fn applied_to(&self, files: &Files) -> Files {
        let mut edited = files.clone();
        for change in &self.changes {
            change.apply_to(&mut edited);
        }
        assert!(edited != *files, "{self} changes nothing");
        edited
    }

    /// What is wrong with the functions as they are after the edit.
    pub(super) fn problems(&self, before: &Identities, after: &Identities) -> Vec<String> {
        let named = self.misses.iter().chain(&self.may_miss);
        let unknown = named.filter(|name| !before.contains_key(**name));
        let mut problems: Vec<String> =
            unknown.map(|name| format!("{self}: there is no memoized function `{name}`")).collect();
        for (function, identity) in before {
            let Some(edited) = after.get(function) else {
                problems.push(format!("{self}: `{function}` is not memoized any more"));
                continue;
            };
            let is_miss = edited != identity;
            if self.misses.contains(&function.as_str()) {
                if !is_miss {
                    problems.push(format!("{self}: `{function}`: HIT, where a miss is due"));
                }
            } else if is_miss && !self.may_miss.contains(&function.as_str()) {
                problems.push(format!("{self}: `{function}`: NEEDLESS MISS"));
            }
        }
        problems
    }
}

impl Change {
    fn apply_to(&self, files: &mut Files) {
        match self {
            Change::Replace { file, old, new } => {
                let text = files.get_mut(file).unwrap_or_else(|| panic!("there is no file {file}"));
                assert!(text.contains(old), "there is no `{old}` in {file}");
                *text = text.replace(old, new);
            }
            Change::Add { file, text } => {
                let there = files.insert(file.clone(), text.clone());
                assert!(there.is_none(), "there is a file {file} already");
            }
            Change::Remove { file } => {
                files.remove(file).unwrap_or_else(|| panic!("there is no file {file}"));
            }
            Change::Rename { from, to } => {
                let text = files.remove(from).unwrap_or_else(|| panic!("there is no file {from}"));
                files.insert(to.clone(), text);
            }
        }
    }
}

impl std::fmt::Display for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for change in &self.changes {
            match change {
                Change::Replace { file, old, new } => write!(f, "[{file}: {old:?} -> {new:?}]")?,
                Change::Add { file, .. } => write!(f, "[add {file}]")?,
                Change::Remove { file } => write!(f, "[remove {file}]")?,
                Change::Rename { from, to } => write!(f, "[rename {from} to {to}]")?,
            }
        }
        Ok(())
    }
}
