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

/// Whether the compiler knows that all of it can be set: by itself, or as `--check-cfg` says.
pub(crate) fn is_expected(predicate: &str, check_cfg: &str) -> bool {
    let is_known = |name: &str| name.starts_with("target_") || COMMON.contains(&name);
    let declared = names(check_cfg);
    let mut outside_of_strings = predicate.split('"').step_by(2);
    let mut values = predicate.split('"').skip(1).step_by(2);
    outside_of_strings.all(|text| {
        let names = names(text);
        let value = values.next().zip(names.last());
        let is_expected = value.is_none_or(|(value, name)| {
            is_known(name) || check_cfg.split('"').skip(1).step_by(2).any(|declared| declared == value)
        });
        is_expected && names.iter().all(|name| is_known(name) || declared.contains(name))
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_or_the_compiler_declares_is_expected() {
        let check_cfg = r#"cfg(docsrs,test)cfg(feature, values("fast", "exact"))cfg(loom)"#;
        for (predicate, expected) in [
            ("unix", true),
            ("all(debug_assertions, not(target_os = \"linux\"))", true),
            ("loom", true),
            ("nope", false),
            ("feature = \"fast\"", true),
            ("any(target_arch = \"x86_64\", feature = \"exact\", docsrs)", true),
            ("any(target_arch = \"x86_64\", feature = \"slow\")", false),
            ("all(feature = \"fast\", nope)", false),
            ("other = \"fast\"", false),
        ] {
            assert_eq!(is_expected(predicate, check_cfg), expected, "{predicate}");
        }
        assert!(!is_expected("feature = \"fast\"", ""));
    }
}
