//! Generics: the names that they declare, and whether callers bring types through them.

use proc_macro2::Delimiter;

use super::tokens::Code;

/// Whether a function, or the header of an `impl`, takes types that others choose: type parameters, `impl Trait` or `dyn
/// Trait`.
pub(crate) fn is_open(code: Code<'_>) -> bool {
    let keyword =
        (code.start..code.end).find(|&index| code.is_word(index, "fn") || code.is_word(index, "impl"));
    let Some(keyword) = keyword else { return false };
    let open = if code.is_word(keyword, "fn") { keyword + 2 } else { keyword + 1 };
    // The body is the last group.
    let body = code.opening(code.end - 1).filter(|&open| code.is_open(open, Delimiter::Brace));
    let mut rest = keyword + 1..body.unwrap_or(code.end);
    rest.any(|index| code.is_word(index, "impl") || code.is_word(index, "dyn"))
        || (code.is_punct(open, '<')
            && parameters(code, open, closing(code, open))
                .iter()
                .any(|&(start, _)| !code.is_word(start, "const")))
}

/// The names that the generics between `start` and `end` declare.
pub(crate) fn declared(code: Code<'_>, (start, end): (usize, usize)) -> Vec<&str> {
    let parameters = parameters(code.range(start, end), start, end.saturating_sub(1)).into_iter();
    parameters
        .filter_map(|(start, _)| code.word(if code.is_word(start, "const") { start + 1 } else { start }))
        .collect()
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
fn parameters(code: Code<'_>, open: usize, close: usize) -> Vec<(usize, usize)> {
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

    #[test]
    fn what_takes_types_that_others_choose_is_open() {
        for (source, expected) in [
            ("fn f(x: u8) -> Vec<u8> { let x: &dyn A; }", false),
            ("fn f<'a, const N: usize>(x: &'a u8) {}", false),
            ("fn f<T: Shape>(x: T) where u8: Into<u16> {}", true),
            ("pub fn f<const N: usize, U: Fn(u8) -> Vec<u8>>() {}", true),
            ("fn f(x: impl Shape) {}", true),
            ("fn f(x: &[Box<dyn Shape>]) {}", true),
            ("impl<T: Model> Runner<T> where T: Copy", true),
            ("impl<'a> Runner<'a>", false),
            ("impl Runner", false),
        ] {
            assert_eq!(is_open(Tokens::lex(source.to_owned()).unwrap().code()), expected, "{source}");
        }
    }
}
