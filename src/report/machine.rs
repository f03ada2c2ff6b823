//! What differs in machine code, among what differs in the source.
//!
//! Machine code knows what runs, also in other crates and in C, and the way to it; the source knows what was written, also
//! what the compiler put into something else: a constant, a type, a function that was inlined. So what the source
//! shows is named as the source has it, with the way that the machine code has; what it does not show is named by the machine
//! code; and a function whose text is the same, though its machine code is not, is not named beside what did change.

use super::{Change, ChangeKind, FunctionRecord};
use crate::states::{Difference, How};

/// What differs where the source is the same.
pub(crate) fn unseen(differences: &[Difference]) -> Vec<Change> {
    if differences.is_empty() {
        return vec![Change::of_key("the machine code, where the source shows nothing,")];
    }
    differences.iter().map(Change::of_difference).collect()
}

/// What differs in the source from `was` to `now`, and in the machine code.
pub(crate) fn with_machine_code(
    mut source: Vec<Change>,
    differences: &[Difference],
    was: &FunctionRecord,
    now: &FunctionRecord,
) -> Vec<Change> {
    if source.is_empty() {
        return differences.iter().map(Change::of_difference).collect();
    }
    let is_item =
        |name: &str| [was, now].iter().any(|record| record.items.iter().any(|item| shows(&item.path, name)));
    let mut changes: Vec<Change> = source.extract_if(.., |change| change.kind == ChangeKind::Body).collect();
    for difference in differences.iter().filter(|difference| difference.how != How::Itself) {
        if let Some(at) = source.iter().position(|change| is_of(change, &difference.name)) {
            changes.push(Change { way: difference.way.clone(), ..source.remove(at) });
        } else if !is_item(&difference.name) {
            changes.push(Change::of_difference(difference));
        }
    }
    changes.append(&mut source);
    changes
}

impl Change {
    fn of_difference(difference: &Difference) -> Self {
        let kind = match difference.how {
            How::Itself => return Change::of_key("its own machine code"),
            How::Differs => ChangeKind::Differs,
            How::New => ChangeKind::New,
            How::Gone => ChangeKind::Gone,
        };
        Change { kind, path: difference.name.clone(), place: String::new(), way: difference.way.clone() }
    }
}

/// Whether an item that changed is what the machine code calls `name`: also one with a name for the linker (`no_mangle`).
fn is_of(change: &Change, name: &str) -> bool {
    shows(&change.path, name) || change.path.rsplit("::").next() == Some(name)
}

/// Whether the item at `path` is what the machine code calls `name`: a function or static, an implementation of its trait, or
/// the type of which a derive made it.
fn shows(path: &str, name: &str) -> bool {
    if path == name {
        return true;
    }
    let Some((kind, of_trait)) =
        name.strip_prefix('<').and_then(|name| name.split_once(">::")?.0.split_once(" as "))
    else {
        return false;
    };
    let implementation = path.strip_prefix("impl ").or_else(|| Some(path.split_once("::impl ")?.1));
    match implementation.and_then(|header| header.split_once(" for ")) {
        Some((item_trait, item_kind)) => (last(item_trait), last(item_kind)) == (of_trait, last(kind)),
        None => path == kind,
    }
}

/// `Cell` for `grid::Cell<T>`.
fn last(path: &str) -> &str {
    let path = path.split_once('<').map_or(path, |(path, _)| path);
    path.rsplit("::").next().unwrap_or(path).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_what_the_machine_code_calls_them() {
        for (path, name) in [
            ("shop::grid::step", "shop::grid::step"),
            ("shop::impl Shape for Square", "<shop::Square as Shape>::area"),
            ("impl shapes::Shape<u8> for grid::Cell<T>", "<shop::grid::Cell as Shape>::area"),
            ("shop::Point", "<shop::Point as Serialize>::serialize"),
        ] {
            assert!(shows(path, name), "{path} {name}");
        }
        for (path, name) in [
            ("shop::step", "shop::grid::step"),
            ("shop::impl Shape for Circle", "<shop::Square as Shape>::area"),
            ("shop::impl Clone for Square", "<shop::Square as Shape>::area"),
            ("shop::Point", "shop::Point::new"),
            ("crate serde", "<u64 as Serialize>::serialize"),
        ] {
            assert!(!shows(path, name), "{path} {name}");
        }
    }
}
