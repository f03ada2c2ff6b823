//! Whether two values of one function mean the same, and how they differ, in short, for people.
//!
//! Values that serde knows are compared by what they tell it ([`Meaning`]), so that hash maps may be
//! in another order. Arrays of numbers are compared byte by byte; a NaN equals itself.

use serde::Serialize;

use super::Meaning;
use crate::key::preview_of;

/// Two values in short, or what differs in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) before: String,
    pub(crate) now: String,
}

/// How values differ that serde can show.
pub(super) fn shown<T: Serialize>(before: &T, now: &T) -> Option<Difference> {
    // What cannot be shown is not kept, of which the user is told elsewhere.
    let (then, meanwhile) = (Meaning::of(before).ok()?, Meaning::of(now).ok()?);
    let shown = |value: &T| preview_of(value).to_string();
    (then != meanwhile).then(|| Difference { before: shown(before), now: shown(now) })
}

/// How `Result`s differ, of which only `Ok` is kept.
pub(super) fn ok<T, E>(
    before: &Result<T, E>,
    now: &Result<T, E>,
    differ: fn(&T, &T) -> Option<Difference>,
) -> Option<Difference> {
    match (before, now) {
        (Ok(before), Ok(now)) => differ(before, now),
        (Err(_), Err(_)) => None,
        (before, now) => Some(Difference { before: variant(before), now: variant(now) }),
    }
}

fn variant<T, E>(result: &Result<T, E>) -> String {
    if result.is_ok() { "an `Ok`" } else { "an `Err`" }.to_owned()
}
