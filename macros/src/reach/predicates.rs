//! Predicates of `cfg`: which of them the compiler can evaluate in the crate that is compiled.

use super::tokens::{Code, Kind};
use super::words::KEYWORDS;

/// The text of a predicate of `cfg`; `None` if it is not one that the compiler evaluates on its own.
pub(crate) fn text(code: Code<'_>) -> Option<String> {
    let mut text = String::new();
    let end = write_predicate(code, code.start, &mut text)?;
    let end = if code.is_punct(end, ',') { end + 1 } else { end };
    (end == code.end).then_some(text)
}

fn write_predicate(code: Code<'_>, index: usize, text: &mut String) -> Option<usize> {
    // A macro may read `cfg(else)`, which the compiler does not.
    let name = code.raw_word(index).filter(|name| !KEYWORDS.contains(name))?;
    text.push_str(name);
    if let Some(list) = code.group(index + 1) {
        matches!(name, "all" | "any" | "not").then_some(())?;
        text.push('(');
        let mut at = list.start;
        while at < list.end {
            at = write_predicate(list, at, text)?;
            if at < list.end {
                list.is_punct(at, ',').then_some(())?;
                text.push_str(if at + 1 < list.end { ", " } else { "" });
                at += 1;
            }
        }
        text.push(')');
        return Some(code.after(index + 1));
    }
    if code.is_punct(index + 1, '=') {
        let value = code.get(index + 2).filter(|token| token.kind == Kind::Literal)?;
        text.push_str(" = ");
        text.push_str(code.text(value));
        return Some(index + 3);
    }
    Some(index + 1)
}

/// Whether it means the same in every crate of a program.
pub(crate) fn is_common(predicate: &str) -> bool {
    names(predicate).iter().all(|name| name.starts_with("target_") || COMMON.contains(name))
}

/// Whether only nightly compilers take it, so that it would be an error in the crate that is compiled.
pub(crate) fn is_gated(predicate: &str) -> bool {
    names(predicate).into_iter().any(is_gated_name)
}

const COMMON: [&str; 9] =
    ["all", "any", "not", "debug_assertions", "panic", "test", "unix", "windows", "true"];

/// The names in a predicate.
fn names(predicate: &str) -> Vec<&str> {
    let outside_of_strings = predicate.split('"').step_by(2);
    let words = outside_of_strings.flat_map(|text| text.split(|c: char| c != '_' && !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).collect()
}

fn is_gated_name(name: &str) -> bool {
    name.starts_with("target_has_reliable_")
        || matches!(
            name,
            "accessible"
                | "contract_checks"
                | "emscripten_wasm_eh"
                | "fmt_debug"
                | "overflow_checks"
                | "relocation_model"
                | "sanitize"
                | "target_has_atomic_equal_alignment"
                | "target_has_atomic_load_store"
                | "target_has_atomic_primitive_alignment"
                | "target_thread_local"
                | "ub_checks"
                | "version"
        )
}
