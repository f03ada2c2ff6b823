//! What differs between two states of a function's code.

use std::collections::BTreeMap;
use std::fmt;

use super::{CodeItem, FunctionRecord};

/// One difference between the code that a function has now and the code that it had; part of
/// [`Why::CodeChanged`](crate::Why::CodeChanged). `Display` is what changed and how, and the way to it if that is known:
/// `shop::tax::rate (src/tax.rs:12) differs (price → tax::with_tax → tax::rate)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// How it changed.
    pub kind: ChangeKind,
    /// The path of the item, or of a function or static in another crate or in C; or what else decides about the key, such as
    /// `version = …`.
    pub path: String,
    /// Where it stands, such as `src/tax.rs:12`, and of a [`Gone`](ChangeKind::Gone) one where it stood; may be empty.
    pub place: String,
    /// A shortest way from the memoized function to it in the machine code, both ends included; the function's own crate is not
    /// written. Empty if it is not known: see [`why`](crate::Memory::why).
    pub way: Vec<String>,
}

/// How an item changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The memoized function itself differs.
    Body,
    /// The item differs.
    Differs,
    /// The item was not there, or the function did not reach it.
    New,
    /// The item is not there any more, or the function does not reach it.
    Gone,
}

impl Change {
    fn of(kind: ChangeKind, item: &CodeItem) -> Self {
        Change { kind, path: item.path.clone(), place: item.place.clone(), way: Vec::new() }
    }

    /// Something that is no item differs.
    pub(super) fn of_key(what: &str) -> Self {
        let (place, way) = (String::new(), Vec::new());
        Change { kind: ChangeKind::Differs, path: what.to_owned(), place, way }
    }

    fn of_body(now: &FunctionRecord) -> Self {
        let place = format!("{}:{}", now.file, now.line);
        Change { kind: ChangeKind::Body, path: now.path.clone(), place, way: Vec::new() }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == ChangeKind::Body {
            return f.write_str("its own body differs");
        }
        f.write_str(&self.path)?;
        if !self.place.is_empty() {
            write!(f, " ({})", self.place)?;
        }
        f.write_str(match self.kind {
            ChangeKind::Body | ChangeKind::Differs => " differs",
            ChangeKind::New => " is new",
            ChangeKind::Gone => " is gone",
        })?;
        if self.way.is_empty() { Ok(()) } else { write!(f, " ({})", self.way.join(" → ")) }
    }
}

/// What changed from `was` to `now`, two states of one function; the body first. Empty if they are equal, or if the records
/// do not tell.
pub(crate) fn between(was: &FunctionRecord, now: &FunctionRecord) -> Vec<Change> {
    let mut changes = between_items(was, now);
    if changes.is_empty() && was.fingerprint != now.fingerprint && body_must_differ(was, now) {
        changes.push(Change::of_body(now));
    }
    if was.version != now.version {
        changes.push(Change::of_key("`version = …`"));
    }
    if was.parameters != now.parameters {
        changes.push(Change::of_key("the list of arguments in the key"));
    }
    changes
}

fn between_items(was: &FunctionRecord, now: &FunctionRecord) -> Vec<Change> {
    // A list was lost, or `track` has changed: that every item is new, or gone, would be true and no help.
    if was.lists_code() != now.lists_code() {
        return Vec::new();
    }
    // A function that kept its `name = "…"` and moved is the same item in both, unless each reaches the other.
    let moved = was.path != now.path && was.item(&now.path).is_none() && now.item(&was.path).is_none();
    let mut by_path = BTreeMap::<&str, (Vec<&CodeItem>, Vec<&CodeItem>)>::new();
    for item in &was.items {
        let path = if moved && item.path == was.path { &now.path } else { &item.path };
        by_path.entry(path).or_default().0.push(item);
    }
    for item in &now.items {
        by_path.entry(&item.path).or_default().1.push(item);
    }
    let mut changes = Vec::new();
    for (path, (mut old, mut new)) in by_path {
        // Several items may have one path; those that are in both are no change.
        old.retain(|item| match new.iter().position(|other| other.digest == item.digest) {
            Some(same) => {
                new.remove(same);
                false
            }
            None => true,
        });
        let differ = old.len().min(new.len());
        for (i, item) in new.iter().enumerate() {
            changes.push(match i < differ {
                true if path == now.path => Change::of_body(now),
                true => Change::of(ChangeKind::Differs, item),
                false => Change::of(ChangeKind::New, item),
            });
        }
        changes.extend(old[differ..].iter().map(|item| Change::of(ChangeKind::Gone, item)));
    }
    changes.sort_by_key(|change| change.kind);
    changes
}

/// Whether two states of a function that differ in no item that is listed can only differ in the function itself.
fn body_must_differ(was: &FunctionRecord, now: &FunctionRecord) -> bool {
    match (was.item(&was.path), now.item(&now.path)) {
        (Some(was), Some(now)) => was.digest != now.digest,
        (None, None) => [was, now].iter().all(|record| record.has_digest() && !record.lists_code()),
        _ => false,
    }
}

impl FunctionRecord {
    fn item(&self, path: &str) -> Option<&CodeItem> {
        self.items.iter().find(|item| item.path == path)
    }

    /// Whether it says which code the fingerprint covers. If not, that is the body only, unless there is no digest either.
    fn lists_code(&self) -> bool {
        !self.items.iter().all(CodeItem::is_predicate)
    }

    fn has_digest(&self) -> bool {
        self.fingerprint.bytes().any(|digit| digit != b'0')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record of a function at `path`; an item is `path digest`, and its place is in `old.rs` or `new.rs`.
    fn record(path: &str, fingerprint: &str, file: &str, items: &[&str]) -> FunctionRecord {
        let item = |(i, text): (usize, &&str)| {
            let (path, digest) = text.rsplit_once(' ').unwrap();
            let place = if path.starts_with("cfg(") { String::new() } else { format!("{file}:{}", i + 1) };
            CodeItem { path: path.into(), digest: digest.into(), place }
        };
        FunctionRecord {
            name: "shop::price".into(),
            path: path.into(),
            module_path: "shop".into(),
            file: file.into(),
            line: 1,
            version: String::new(),
            parameters: vec!["item".into()],
            fingerprint: fingerprint.into(),
            items: items.iter().enumerate().map(item).collect(),
            reads: Vec::new(),
            entries: 0,
            bytes: 0,
            usage: crate::usage::Usage::default(),
        }
    }

    #[track_caller]
    fn expect(was: &[&str], now: &[&str], changes: &[&str]) {
        let was = record("shop::price", "01", "old.rs", was);
        let now = record("shop::price", "02", "new.rs", now);
        let found: Vec<_> = between(&was, &now).iter().map(Change::to_string).collect();
        assert_eq!(found, changes);
    }

    #[test]
    fn items_differ_appear_and_go_the_body_first() {
        expect(
            &["shop::a 1", "shop::b 1", "shop::old 1", "shop::price 1", "shop::z 1"],
            &["shop::a 1", "shop::b 2", "shop::fresh 1", "shop::price 2", "shop::z 2"],
            &[
                "its own body differs",
                "shop::b (new.rs:2) differs",
                "shop::z (new.rs:5) differs",
                "shop::fresh (new.rs:3) is new",
                "shop::old (old.rs:3) is gone",
            ],
        );
    }

    #[test]
    fn items_that_only_moved_have_not_changed() {
        expect(&["shop::a 1", "shop::b 1"], &["shop::b 1", "shop::a 1"], &[]);
    }

    #[test]
    fn items_of_one_path_are_told_apart_by_their_digests() {
        expect(&["shop::a 1", "shop::a 2"], &["shop::a 2", "shop::a 1"], &[]);
        expect(&["shop::a 1", "shop::a 2"], &["shop::a 2", "shop::a 3"], &["shop::a (new.rs:2) differs"]);
        expect(&["shop::a 1", "shop::a 2"], &["shop::a 2"], &["shop::a (old.rs:1) is gone"]);
        expect(&["shop::a 1"], &["shop::a 1", "shop::a 1"], &["shop::a (new.rs:2) is new"]);
    }

    #[test]
    fn a_predicate_that_holds_no_more_differs() {
        let (was, now) = (["cfg(test) true", "shop::a 1"], ["cfg(test) false", "shop::a 1"]);
        expect(&was, &now, &["cfg(test) differs"]);
    }

    #[test]
    fn without_items_the_body_is_all_that_can_differ() {
        expect(&[], &[], &["its own body differs"]);
        expect(&["cfg(test) true"], &["cfg(test) true"], &["its own body differs"]);
        expect(&["cfg(test) true"], &["cfg(test) false"], &["cfg(test) differs"]);
    }

    #[test]
    fn nothing_is_made_up_where_no_code_was_covered_or_listed() {
        let body = record("shop::price", "02", "new.rs", &[]);
        let nothing = record("shop::price", "00", "old.rs", &[]);
        assert_eq!(between(&nothing, &body), []);
        expect(&["shop::a 1", "cfg(test) true"], &["cfg(test) true"], &[]);
        expect(&[], &["shop::a 1", "shop::price 1"], &[]);
    }

    #[test]
    fn a_function_that_moved_under_its_name_is_the_same_item() {
        let was = record("shop::old::price", "01", "old.rs", &["shop::a 1", "shop::old::price 1"]);
        let now = |digest: &str| {
            record("shop::price", "02", "new.rs", &["shop::a 1", &format!("shop::price {digest}")])
        };
        assert_eq!(between(&was, &now("1")), []);
        assert_eq!(between(&was, &now("2")), [Change::of_body(&now("2"))]);
    }

    #[test]
    fn of_two_functions_that_reach_each_other_the_bodies_differ() {
        let items = ["shop::old::price 1", "shop::price 2"];
        let was = record("shop::old::price", "01", "old.rs", &items);
        let now = record("shop::price", "02", "new.rs", &items);
        assert_eq!(between(&was, &now), [Change::of_body(&now)]);
    }

    #[test]
    fn version_and_arguments_in_the_key_are_changes_too() {
        let was = record("shop::price", "01", "old.rs", &["shop::a 1"]);
        let now = FunctionRecord { version: "2".into(), parameters: Vec::new(), ..was.clone() };
        let found: Vec<_> = between(&was, &now).iter().map(Change::to_string).collect();
        assert_eq!(found, ["`version = …` differs", "the list of arguments in the key differs"]);
    }
}
