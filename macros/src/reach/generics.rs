//! What types may stand behind the type parameters of a memoized function.
//!
//! Callers name them, not the function: so every type that satisfies a bound counts as named by the function.

use std::collections::BTreeSet;

use proc_macro2::Delimiter;

use super::tokens::Code;

/// The types that may be given for type parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// Those for which one of these traits is implemented; none at all without traits.
    Bound(BTreeSet<String>),
    /// Any.
    Anything,
}

/// Traits that say nothing of what code a type brings along.
const MARKERS: [&str; 10] = ["Sized", "Send", "Sync", "Copy", "Unpin", "const", "dyn", "for", "mut", "where"];

impl Open {
    /// Those of the first function in `code`, or of the header of an `impl`.
    pub(crate) fn of(code: Code<'_>) -> Self {
        let keyword =
            (code.start..code.end).find(|&index| code.is_word(index, "fn") || code.is_word(index, "impl"));
        let Some(keyword) = keyword else { return Open::none() };
        let open = if code.is_word(keyword, "fn") { keyword + 2 } else { keyword + 1 };
        if !code.is_punct(open, '<') {
            return Open::none();
        }
        let close = closing(code, open);
        let clause = (close..code.end)
            .take_while(|&index| !code.is_open(index, Delimiter::Brace))
            .find(|&index| code.is_word(index, "where"));
        let clause = clause.map_or(code.range(close, close), |start| {
            let brace = (start..code.end).find(|&index| code.is_open(index, Delimiter::Brace));
            code.range(start, brace.unwrap_or(code.end))
        });
        let mut open_to = Open::none();
        for (start, end) in parameters(code, open, close) {
            let Some(name) = code.word(start).filter(|name| *name != "const") else { continue };
            let mut traits: BTreeSet<String> = bounds(code.range(start + 1, end)).collect();
            if (clause.start..clause.end).any(|index| clause.word(index) == Some(name)) {
                traits.extend(bounds(clause));
            }
            open_to = open_to.and(if traits.is_empty() { Open::Anything } else { Open::Bound(traits) });
        }
        open_to
    }

    pub(crate) fn none() -> Self {
        Open::Bound(BTreeSet::new())
    }

    /// What either allows.
    pub(crate) fn and(self, other: Open) -> Self {
        match (self, other) {
            (Open::Bound(mut a), Open::Bound(b)) => {
                a.extend(b);
                Open::Bound(a)
            }
            _ => Open::Anything,
        }
    }
}

/// The words in bounds that may name a trait.
fn bounds(code: Code<'_>) -> impl Iterator<Item = String> {
    let words = (code.start..code.end).filter_map(move |index| code.word(index));
    let words = words.filter(|word| !MARKERS.contains(word));
    words.flat_map(|word| [Some(word), through(word)]).flatten().map(str::to_owned)
}

/// The trait whose implementations bring that of another one, in the standard library or serde.
fn through(name: &str) -> Option<&'static str> {
    Some(match name {
        "Into" => "From",
        "TryInto" => "TryFrom",
        "ToString" => "Display",
        "ToOwned" => "Clone",
        "IntoIterator" => "Iterator",
        "DeserializeOwned" => "Deserialize",
        _ => return None,
    })
}

/// The index of the `>` that closes the `<` at `open`.
fn closing(code: Code<'_>, open: usize) -> usize {
    let mut depth = 0usize;
    for index in open..code.end {
        if code.is_punct(index, '<') {
            depth += 1;
        } else if code.is_punct(index, '>') && !code.is_punct(index - 1, '-') {
            depth -= 1;
        }
        if depth == 0 {
            return index;
        }
    }
    code.end
}

/// The ranges of the parameters between `<` and `>`, without lifetimes.
pub(crate) fn parameters(code: Code<'_>, open: usize, close: usize) -> Vec<(usize, usize)> {
    let mut parameters = Vec::new();
    let (mut depth, mut start, mut index) = (0usize, open + 1, open + 1);
    while index < close {
        if code.is_punct(index, ',') && depth == 0 {
            parameters.push((start, index));
            start = index + 1;
        } else if code.is_punct(index, '<') {
            depth += 1;
        } else if code.is_punct(index, '>') && !code.is_punct(index - 1, '-') {
            depth = depth.saturating_sub(1);
        }
        index = code.after(index);
    }
    parameters.push((start, close));
    parameters.retain(|&(start, _)| code.word(start).is_some());
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::tokens::Tokens;

    #[track_caller]
    fn open(source: &str) -> Open {
        Open::of(Tokens::lex(source.to_owned()).unwrap().code())
    }

    fn bound(traits: &[&str]) -> Open {
        Open::Bound(traits.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn what_may_be_given_is_what_the_bounds_allow() {
        for (source, expected) in [
            ("fn f(x: u8) -> Vec<u8> {}", bound(&[])),
            ("fn f<'a, const N: usize>(x: &'a u8) {}", bound(&[])),
            ("fn f<T: Shape>(x: T) where u8: Into<u16> {}", bound(&["Shape"])),
            ("pub fn f<T: Shape + Send, U: Fn(u8) -> Vec<u8>>() {}", bound(&["Fn", "Shape", "Vec", "u8"])),
            ("fn f<T, U>() where T: A, U: b::B {}", bound(&["A", "B", "T", "U", "b"])),
            ("fn f<T: Send>() {}", Open::Anything),
            ("fn f<T: A, U>() {}", Open::Anything),
            ("impl<T: Model> Runner<T> where T: Copy", bound(&["Model", "T"])),
            ("impl Runner", bound(&[])),
        ] {
            assert_eq!(open(source), expected, "{source}");
        }
    }
}
