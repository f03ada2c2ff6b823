//! What is compiled for tests alone, which does not count where none are.

use super::{At, Builder};
use crate::reach::items::{Item, What};
use crate::reach::mentions::top_level_comma;
use crate::reach::tokens::Code;

impl Builder {
    /// Leaves out what is compiled for tests alone, unless they are what is being compiled.
    pub(super) fn leave_out_tests(&self, items: &mut Vec<Item>, at: &At) {
        if self.with_tests {
            return;
        }
        let code = self.code(at);
        if items.iter().any(|item| matches!(item.what, What::Attribute) && is_for_tests(code, item.start)) {
            items.clear();
        }
        items.retain(|item| !is_for_tests(code, item.start));
    }
}

/// Whether what begins at `start` is compiled for tests alone, by its attributes.
fn is_for_tests(code: Code<'_>, start: usize) -> bool {
    let mut index = start;
    while code.is_punct(index, '#') {
        let bracket = if code.is_punct(index + 1, '!') { index + 2 } else { index + 1 };
        let Some(attribute) = code.group(bracket) else { return false };
        let is_alone = attribute.start + 1 == attribute.end;
        let name = attribute.raw_word(attribute.start).unwrap_or_default();
        let predicate = attribute.group(attribute.start + 1).filter(|_| name == "cfg");
        if (is_alone && matches!(name, "test" | "bench")) || predicate.is_some_and(needs_tests) {
            return true;
        }
        index = code.after(bracket);
    }
    false
}

/// Whether a predicate holds for tests alone: `test`, or `all(…)` with it.
fn needs_tests(predicate: Code<'_>) -> bool {
    let after = predicate.after(predicate.start + 1);
    let is_last = |end| end == predicate.end || (end + 1 == predicate.end && predicate.is_punct(end, ','));
    if predicate.is_word(predicate.start, "test") {
        return is_last(predicate.start + 1);
    }
    let all = predicate.group(predicate.start + 1).filter(|_| predicate.is_word(predicate.start, "all"));
    all.is_some_and(|all| {
        let mut start = all.start;
        while start < all.end {
            let end = top_level_comma(all.range(start, all.end));
            if needs_tests(all.range(start, end)) {
                return is_last(after);
            }
            start = end + 1;
        }
        false
    })
}
