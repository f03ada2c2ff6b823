//! The leaves of a `use`: one for each name that it brings in.

use super::super::tokens::{Code, Kind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// The path, segment by segment; of a glob without the `*`.
    pub(crate) path: Vec<String>,
    pub(crate) kind: LeafKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LeafKind {
    /// Known by this name.
    Named(String),
    /// `as _`: a trait, for its methods.
    Unnamed,
    Glob,
}

/// The leaves of what stands between `use` and `;`.
pub(super) fn leaves(code: Code<'_>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    tree(code, &[], &mut leaves);
    leaves
}

/// Reads trees separated by commas, below the path `prefix`.
fn tree(code: Code<'_>, prefix: &[String], leaves: &mut Vec<Leaf>) {
    let mut path = prefix.to_vec();
    let mut alias = None;
    let mut done = true;
    let mut index = code.start;
    while let Some(token) = code.get(index) {
        match token.kind {
            Kind::Word if code.is_word(index, "as") => {
                alias = code.word(index + 1);
                index += 1;
            }
            Kind::Word => {
                path.extend(code.word(index).map(str::to_owned));
                done = false;
            }
            Kind::Punct if code.is_punct(index, '*') => {
                leaves.push(Leaf { path: path.clone(), kind: LeafKind::Glob });
                done = true;
            }
            Kind::Open(_) => {
                if let Some(group) = code.group(index) {
                    tree(group, &path, leaves);
                }
                done = true;
            }
            Kind::Punct if code.is_punct(index, ',') => {
                if !done {
                    leaves.push(leaf(&path, alias));
                }
                (path, alias, done) = (prefix.to_vec(), None, true);
            }
            _ => {}
        }
        index = code.after(index);
    }
    if !done {
        leaves.push(leaf(&path, alias));
    }
}

/// A leaf that is no glob. `a::self` is `a`.
fn leaf(path: &[String], alias: Option<&str>) -> Leaf {
    let path = match path {
        [before @ .., last] if last == "self" && !before.is_empty() => before,
        _ => path,
    };
    let kind = match alias {
        Some("_") => LeafKind::Unnamed,
        Some(alias) => LeafKind::Named(alias.to_owned()),
        None => LeafKind::Named(path.last().cloned().unwrap_or_default()),
    };
    Leaf { path: path.to_vec(), kind }
}
