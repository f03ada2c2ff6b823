//! Values that cannot be kept: told once for each function, remembered for `why`, an error if the
//! memory is strict.
//!
//! A function whose values are not kept runs at every call, and nothing else would show it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::trouble::Trouble;
use super::turn::KeyedCall;
use super::{Memory, Outcome};
use crate::codec::CodecError;
use crate::error::{Error, Result, chain};
use crate::key::Key;
use crate::lock::lock;
use crate::panics;
use crate::tell;

/// Calls of which it is remembered why their values were not kept; a hundred bytes each, or little more.
const REMEMBERED: usize = 4096;

/// The calls whose values were not kept, each with the reason.
#[derive(Debug, Default)]
pub(super) struct NotKept(Mutex<HashMap<Key, Arc<str>>>);

impl NotKept {
    /// Why the value of a call was not kept in this process, if that was so.
    pub(super) fn reason(&self, key: &Key) -> Option<Arc<str>> {
        lock(&self.0).get(key).cloned()
    }

    fn remember(&self, key: Key, reason: &str) {
        let mut calls = lock(&self.0);
        if calls.len() < REMEMBERED {
            // Most have the reason of the one before.
            let same = calls.values().next().filter(|known| &***known == reason).cloned();
            calls.insert(key, same.unwrap_or_else(|| reason.into()));
        }
    }
}

impl KeyedCall<'_> {
    /// Takes note that the value of the call, of this type, cannot be kept; the reason, in words.
    pub(super) fn not_kept(&self, value_type: &str, error: &CodecError) -> String {
        let (inner, name) = (self.inner, self.function.name());
        let reason = format!("`{}`: {}", short(value_type), chain(&**error));
        inner.troubles.count(Trouble::Encode);
        inner.not_kept.remember(self.key, &reason);
        if self.function.is_first_not_kept() {
            let told = format!(
                "a value of `{name}` cannot be kept and will be computed again each time: {reason} (told once; \
                 `Memory::builder().warnings(false)` or REMEMO_QUIET=1 for silence, `.strict(true)` for an error)"
            );
            tell::warning(&told, inner.manners.is_quiet);
        }
        reason
    }
}

/// The name of a type without the modules that its parts are from, cut off with `…` when long.
fn short(name: &str) -> String {
    let mut text = String::new();
    // Where the path begins whose last part is to stay.
    let mut path = 0;
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        if char == ':' && chars.next_if_eq(&':').is_some() {
            text.truncate(path);
        } else {
            text.push(char);
            if !(char.is_alphanumeric() || char == '_') {
                path = text.len();
            }
        }
    }
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

/// More of the name of a type nobody reads, in bytes.
const LONGEST: usize = 100;

impl Memory {
    /// Why the value of a call was not kept, if this memory takes that for an error.
    pub(crate) fn objection<T>(&self, outcome: &Outcome<T>) -> Option<String> {
        let is_strict = self.inner.as_deref().is_some_and(|inner| inner.manners.is_strict);
        if is_strict { outcome.not_kept.clone() } else { None }
    }

    /// The outcome of a call of `function`, unless there is an objection.
    pub(super) fn accepted<T>(&self, function: &str, outcome: Outcome<T>) -> Result<Outcome<T>> {
        match self.objection(&outcome) {
            None => Ok(outcome),
            Some(reason) => {
                panics::drop_quietly(outcome);
                Err(Error::value("keep", function, reason))
            }
        }
    }

    /// The same of a call that cannot return an error.
    #[track_caller]
    pub(super) fn insist<T>(&self, function: &str, outcome: Outcome<T>) -> Outcome<T> {
        self.accepted(function, outcome).unwrap_or_else(|error| panic!("{}", chain(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_short() {
        let long = |count| "alloc::vec::Vec<".repeat(count);
        for (name, text) in [
            ("u8", "u8"),
            ("shop::cart::Item", "Item"),
            (
                "core::result::Result<(alloc::vec::Vec<shop::Item>, &str), shop::Error>",
                "Result<(Vec<Item>, &str), Error>",
            ),
            ("[shop::Item; 3]", "[Item; 3]"),
            (&long(40), &format!("{}…", "Vec<".repeat(25))),
        ] {
            assert_eq!(short(name), text);
        }
    }
}
