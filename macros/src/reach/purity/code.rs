//! What of the code of an item is asked: which paths it has, and what it defines.

use std::collections::{BTreeSet, HashSet};

use proc_macro2::Delimiter;

use crate::reach::tokens::{Code, Kind};
use crate::reach::words::{self, WordId, is_keyword};

/// A path in code: its segments, and where it begins.
pub(super) struct Written<'i> {
    pub(super) segments: Vec<&'i str>,
    pub(super) at: usize,
    /// Whether it is a name that types have methods by.
    pub(super) is_method: bool,
}

/// The code of an item that counts: of one that is named, the functions and statics of this name in it, if there are any.
pub(super) fn parts<'a>(code: &[Code<'a>], name: Option<WordId>) -> Vec<Code<'a>> {
    let name = name.map(|name| words::lock().text(name).to_owned());
    let parts = name.map(|name| defined(code, &name)).unwrap_or_default();
    if parts.is_empty() { code.to_vec() } else { parts }
}

/// The functions and statics of this name that code defines.
pub(super) fn defined<'a>(code: &[Code<'a>], name: &str) -> Vec<Code<'a>> {
    let in_code = |&code: &Code<'a>| functions(code).into_iter().chain(statics(code)).collect::<Vec<_>>();
    code.iter().flat_map(in_code).filter(|(written, _)| *written == name).map(|(_, code)| code).collect()
}

/// The statics that are defined in code, by name.
fn statics(code: Code<'_>) -> Vec<(&str, Code<'_>)> {
    let starts = (code.start..code.end).filter(|&index| code.is_word(index, "static"));
    let defined = starts.filter_map(|start| {
        let at = if code.is_word(start + 1, "mut") || code.is_word(start + 1, "ref") {
            start + 2
        } else {
            start + 1
        };
        let name = code.word(at).filter(|_| code.is_punct(at + 1, ':'))?;
        let mut end = at;
        while end < code.end && !code.is_punct(end, ';') {
            end = code.after(end);
        }
        Some((name, code.range(start, end.min(code.end))))
    });
    defined.collect()
}

/// The functions in the braces of an `impl` or a trait, by name, with their bodies.
pub(super) fn functions(code: Code<'_>) -> Vec<(&str, Code<'_>)> {
    let open = (code.start..code.end).find(|&index| code.is_open(index, Delimiter::Brace));
    let Some(inside) = open.and_then(|open| code.group(open)) else { return Vec::new() };
    let mut functions = Vec::new();
    let mut index = inside.start;
    while index < inside.end {
        if inside.is_word(index, "fn")
            && let Some(name) = inside.word(index + 1)
        {
            let start = index;
            while index < inside.end
                && !inside.is_punct(index, ';')
                && !inside.is_open(index, Delimiter::Brace)
            {
                index = inside.after(index);
            }
            functions.push((name, inside.range(start, inside.after(index).min(inside.end))));
        }
        index = inside.after(index);
    }
    functions
}

/// Types whose values change behind a shared reference.
const CHANGING: [&str; 6] = ["Cell", "Mutex", "RefCell", "RwLock", "SyncUnsafeCell", "UnsafeCell"];

/// The statics in this code that change. What is set once, by code that is followed itself, does not: `LazyLock`, `OnceLock`.
pub(super) fn changing_statics(code: Code<'_>) -> Vec<(String, usize)> {
    let mut changing = Vec::new();
    for (name, code) in statics(code) {
        let is_mut = code.is_word(code.start + 1, "mut");
        let end = (code.start..code.end).find(|&index| code.is_punct(index, '=')).unwrap_or(code.end);
        let mut of_type = (code.start..end).filter_map(|index| code.word(index));
        if is_mut || of_type.any(|word| CHANGING.contains(&word) || word.starts_with("Atomic")) {
            let kind = if is_mut { "static mut" } else { "static" };
            changing.push((format!("{kind} {name}"), code.start));
        }
    }
    changing
}

/// Names of variables and parameters: behind `let`, `mut` and `ref`, or before a type.
pub(super) fn locals(code: Code<'_>) -> HashSet<&str> {
    let is_local = |index: usize| {
        let before = code.raw_word(index.wrapping_sub(1));
        matches!(before, Some("let" | "mut" | "ref" | "for"))
            || code.is_punct(index.wrapping_sub(1), '|')
            || (code.is_punct(index + 1, ':')
                && !code.is_path_separator(index + 1)
                && before.is_none_or(|before| before != "static"))
    };
    (code.start..code.end).filter(|&index| is_local(index)).filter_map(|index| code.word(index)).collect()
}

/// The paths in code, outside of attributes. Of `a::<T>::b` the generics are left out, and read by themselves.
pub(super) fn paths(code: Code<'_>) -> Vec<Written<'_>> {
    let mut paths = Vec::new();
    let mut inner = BTreeSet::new();
    let mut index = code.start;
    while index < code.end {
        if code.is_punct(index, '#') && code.is_open(index + 1, Delimiter::Bracket) {
            index = code.after(index + 1);
            continue;
        }
        let is_name = code
            .get(index)
            .is_some_and(|token| token.kind == Kind::Word && is_name(code, index, token.other));
        if is_name && !inner.contains(&index) {
            let (segments, others) = path(code, index);
            inner.extend(others);
            let is_behind_dot =
                code.is_punct(index.wrapping_sub(1), '.') && !code.is_punct(index.wrapping_sub(2), '.');
            // As in `<T as Shape>::area`.
            let is_of_type =
                code.is_path_separator(index.wrapping_sub(2)) && code.is_punct(index.wrapping_sub(3), '>');
            // A field is no method.
            if !is_behind_dot || is_called(code, index) {
                paths.push(Written { segments, at: index, is_method: is_behind_dot || is_of_type });
            }
        }
        index += 1;
    }
    paths
}

/// Words behind which a name is that of what they define.
const DEFINE: [&str; 9] = ["const", "enum", "fn", "mod", "static", "struct", "trait", "type", "union"];

/// Whether the word is a name that is mentioned, or a keyword that paths begin with.
fn is_name(code: Code<'_>, index: usize, word: WordId) -> bool {
    let before = code.raw_word(index.wrapping_sub(1));
    if before.is_some_and(|before| DEFINE.contains(&before)) || code.is_word(index, "fn") {
        return false;
    }
    let begins = matches!(code.raw_word(index), Some("crate" | "self" | "super" | "Self"));
    if begins { code.is_path_separator(index + 1) } else { !is_keyword(word) }
}

/// Whether a name is followed by arguments, perhaps behind `::<T>`.
fn is_called(code: Code<'_>, index: usize) -> bool {
    code.is_open(index + 1, Delimiter::Parenthesis) || code.is_path_separator(index + 1)
}

/// The segments of the path that begins at `index`, and where those behind the first stand.
fn path(code: Code<'_>, index: usize) -> (Vec<&str>, Vec<usize>) {
    let mut segments: Vec<&str> = code.word(index).into_iter().collect();
    let (mut others, mut at) = (Vec::new(), index);
    while code.is_path_separator(at + 1) {
        let mut next = at + 3;
        if code.is_punct(next, '<') {
            next = behind_generics(code, next);
            if !code.is_path_separator(next) {
                break;
            }
            next += 2;
        }
        let Some(name) = code.word(next) else { break };
        segments.push(name);
        others.push(next);
        at = next;
    }
    (segments, others)
}

/// The index behind the `>` that closes the `<` at `index`.
fn behind_generics(code: Code<'_>, index: usize) -> usize {
    let (mut at, mut depth) = (index, 0usize);
    while at < code.end {
        let is_arrow = code.is_punct(at.wrapping_sub(1), '-');
        if code.is_punct(at, '<') {
            depth += 1;
        } else if code.is_punct(at, '>') && !is_arrow {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
        at = code.after(at);
    }
    at
}
