//! Names of types, as the compiler prints them: what is in them, and whether they mean one type
//! each.
//!
//! `type_name` prints paths and nothing else: of two versions of a crate, of two blocks of one
//! function and of two lifetimes the names are alike. So a name is *known* only if every path in it
//! is one of those that `#[memo]` has seen to mean one thing
//! ([`Definition::types`](super::Definition::types)). Whatever is not understood here is not known.

/// The paths that mean one type each, as the macro lists them, with spaces between:
///
/// | entry | known |
/// | --- | --- |
/// | `shop::tax::` | everything that stands in this module itself |
/// | `shop::main::Local` | this |
/// | `serde::*` | everything in this crate |
/// | `-shop::Local` | not this, whatever else says so |
/// | `-core` | nothing in this crate: it has the name of one of the standard library's |
#[derive(Clone, Copy, Debug)]
pub(super) struct Known(pub(super) &'static str);

/// The crates of the standard library, known everywhere.
const STANDARD: [&str; 3] = ["core", "alloc", "std"];

/// Types whose limits the compiler prints by their names, as in `f<i8::MIN>`.
const NUMBERS: [&str; 12] =
    ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];

/// The name without generic arguments: `a::B::f` for `a::B<u8>::f<u16>`. Angle brackets at the very
/// start, as in `<A as Trait<u8>>::f`, belong to the path.
pub(super) fn without_arguments(name: &str) -> String {
    let mut path = String::new();
    let (mut depth, mut in_prefix) = (0usize, false);
    for token in tokens(name) {
        if token.kind == Kind::Less {
            in_prefix |= depth == 0 && path.is_empty();
            depth += 1;
        }
        if depth == 0 || in_prefix {
            path.push_str(token.text);
        }
        if token.kind == Kind::Greater {
            depth = depth.saturating_sub(1);
            in_prefix &= depth > 0;
        }
    }
    path
}

/// The generic arguments of the last segment, angle brackets included: `<u16>` for
/// `a::B<u8>::f<u16>`; empty if there are none.
pub(super) fn last_arguments(name: &str) -> &str {
    let (mut depth, mut at, mut start) = (0usize, 0, 0);
    for token in tokens(name) {
        if depth == 0 && token.kind != Kind::Greater {
            start = at;
        }
        match token.kind {
            Kind::Less => depth += 1,
            Kind::Greater => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += token.text.len();
    }
    if name[start..].starts_with('<') { &name[start..] } else { "" }
}

/// Whether one of the types is a closure, a future or another thing without a name of its own.
pub(super) fn has_closure(name: &str) -> bool {
    let mut paths = paths(name);
    paths
        .any(|path| path.end == End::Here && path.last().starts_with('{') && path.last() != "{{constructor}}")
}

impl Known {
    /// Whether every type in `name` is known.
    pub(super) fn covers(self, name: &str) -> bool {
        // Lifetimes that a pointer or an object takes, and those that it has, are printed alike.
        let hides_lifetimes = words_apart(name).any(|word| matches!(word, "fn" | "dyn" | "for" | "impl"));
        !hides_lifetimes && paths(name).all(|path| self.covers_path(&path))
    }

    fn covers_path(self, path: &Path<'_>) -> bool {
        let Path { text, end } = *path;
        let (crate_name, rest) = text.split_once("::").unwrap_or((text, ""));
        if end == End::Qualified || crate_name.is_empty() {
            return false;
        }
        if NUMBERS.contains(&crate_name) && matches!(rest, "MIN" | "MAX") {
            return true;
        }
        let has = |wanted: &dyn Fn(&str) -> bool| self.0.split(' ').any(wanted);
        let is_named =
            |entry: &str| entry.strip_prefix('-').is_some_and(|not| not == text || not == crate_name);
        if has(&is_named) {
            return false;
        }
        let parent = &text[..text.len() - path.last().len()];
        let is_exact = |entry: &str| entry == text || (entry == parent && !entry.is_empty());
        if has(&is_exact) {
            return true;
        }
        let is_plain = path.segments().all(|segment| segment != "_" && !segment.starts_with('{'));
        let is_whole = |entry: &str| entry.strip_suffix("::*") == Some(crate_name);
        is_plain && (STANDARD.contains(&crate_name) || has(&is_whole))
    }
}

/// A path in a name: two segments or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Path<'a> {
    text: &'a str,
    end: End,
}

/// What follows a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Here,
    /// It goes on behind its arguments, or begins behind those of another.
    Qualified,
}

impl<'a> Path<'a> {
    fn segments(self) -> impl Iterator<Item = &'a str> {
        self.text.split("::")
    }

    fn last(self) -> &'a str {
        self.segments().last().unwrap_or_default()
    }
}

/// The paths in a name.
fn paths(name: &str) -> impl Iterator<Item = Path<'_>> {
    let tokens = placed_tokens(name);
    let is = |index: usize, is: fn(Kind) -> bool| tokens.get(index).is_some_and(|(_, token)| is(token.kind));
    let is_separator = |index: usize| is(index, |kind| kind == Kind::Separator);
    let is_segment = |index: usize| is(index, |kind| matches!(kind, Kind::Word | Kind::Braces));
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let start = index;
        // Behind the arguments of another path.
        let goes_on = is_separator(start);
        index += usize::from(goes_on);
        while is_segment(index) && is_separator(index + 1) && is_segment(index + 2) {
            index += 2;
        }
        if index > start {
            let last = tokens.get(index).map_or(name.len(), |(at, token)| at + token.text.len());
            let end = if goes_on || is_separator(index + 1) { End::Qualified } else { End::Here };
            found.push(Path { text: &name[tokens[start].0..last], end });
        }
        index += 1;
    }
    found.into_iter()
}

/// The words that are no segments of paths.
fn words_apart(name: &str) -> impl Iterator<Item = &str> {
    let tokens: Vec<Token<'_>> = tokens(name).collect();
    let is_separator = |index: usize| tokens.get(index).is_some_and(|token| token.kind == Kind::Separator);
    let is_apart = |index: usize| !is_separator(index + 1) && !is_separator(index.wrapping_sub(1));
    let apart = (0..tokens.len()).filter(|&index| tokens[index].kind == Kind::Word && is_apart(index));
    apart.map(|index| tokens[index].text).collect::<Vec<_>>().into_iter()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    /// `{…}` with all that is in it: a closure, or a constant.
    Braces,
    /// A character, a text, a number or a lifetime.
    Literal,
    /// `::`
    Separator,
    Less,
    Greater,
    /// All else: punctuation, arrows and spaces.
    Other,
}

/// The tokens of a name; their texts, one behind the other, are the name.
fn tokens(name: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            _ if first.is_alphabetic() || first == '_' => (Kind::Word, word(rest)),
            _ if first.is_ascii_digit() => (Kind::Literal, word(rest)),
            '\'' => (Kind::Literal, quoted(rest).unwrap_or_else(|| 1 + word(&rest[1..]))),
            '"' => (Kind::Literal, text(rest)),
            '{' => (Kind::Braces, braces(rest)),
            '<' => (Kind::Less, 1),
            '>' => (Kind::Greater, 1),
            ':' if rest.starts_with("::") => (Kind::Separator, 2),
            '-' if rest.starts_with("->") => (Kind::Other, 2),
            _ => (Kind::Other, first.len_utf8()),
        };
        let text;
        (text, rest) = rest.split_at(length);
        Some(Token { kind, text })
    })
}

/// The tokens of a name, each with its place.
fn placed_tokens(name: &str) -> Vec<(usize, Token<'_>)> {
    let mut at = 0;
    let mut placed = Vec::new();
    for token in tokens(name) {
        placed.push((at, token));
        at += token.text.len();
    }
    placed
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of the character literal at the start of `text`; `None` if a lifetime stands there.
fn quoted(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        // What is escaped may be a quote.
        chars.next()?;
        return chars.find(|&(_, c)| c == '\'').map(|(at, _)| at + 1);
    }
    let (at, next) = chars.next()?;
    (next == '\'').then_some(at + 1)
}

/// The length of the text literal at the start of `text`.
fn text(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the braces at the start of `text`.
fn braces(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0usize);
    while let Some(first) = text[at..].chars().next() {
        at += match first {
            '\'' => quoted(&text[at..]).unwrap_or(1),
            '"' => self::text(&text[at..]),
            _ => first.len_utf8(),
        };
        match first {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests;
