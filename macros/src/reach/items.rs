//! Finds the items in the tokens of a file, without understanding what is in them.
//!
//! Only as much of the grammar is known as tells where an item ends, what it is called and what could make it matter. What
//! is no item by these rules is an [`What::Unknown`], which everything reaches: a mistake here costs misses.
//!
//! Why not syn: cargo compiles macros without optimisation, in release builds too. A flat list of
//! tokens and this much grammar read 50,000 lines in a fraction of the time.

mod header;
mod uses;

use proc_macro2::Delimiter;

pub(crate) use self::header::Header;
pub(crate) use self::uses::{Leaf, LeafKind};
use super::mentions::EXPRESSION_MACROS;
use super::tokens::{Code, Kind};

/// An item, as indices of tokens.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) what: What,
    /// From the first attribute to the last token.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Where its own tokens begin: after attributes and visibility.
    pub(crate) keyword: usize,
    /// The token that is its name.
    pub(crate) name: Option<usize>,
}

#[derive(Debug)]
pub(crate) enum What {
    Function,
    /// A constant or static.
    Value,
    /// A struct, enum or union.
    Type,
    Alias,
    /// Its members are in the braces.
    Trait(Vec<Item>),
    Impl(Header, Vec<Item>),
    /// `macro_rules!` or `macro`.
    Macro,
    /// An invocation; the name is that of the macro.
    Invocation,
    /// An `extern` block.
    Foreign(Vec<Item>),
    /// The leaves of a `use` or `extern crate`.
    Use(Vec<Leaf>),
    /// A module; of an inline one the range of its content.
    Module(Option<(usize, usize)>),
    /// An attribute of the module around it.
    Attribute,
    Unknown,
}

/// The items of a module, of an `impl` or of a `trait`.
pub(crate) fn items(code: Code<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut index = code.start;
    while index < code.end {
        let item = item(code, index).unwrap_or_else(|| unknown(code, index));
        index = item.end.max(index + 1);
        items.push(item);
    }
    items
}

/// The items among the statements of a body, at any depth outside of other items.
pub(crate) fn nested(code: Code<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut index = code.start;
    let mut is_start = true;
    while let Some(token) = code.get(index) {
        if is_start
            && matches!(token.kind, Kind::Word | Kind::Punct)
            && let Some(item) = statement(code, index)
        {
            index = item.end;
            items.push(item);
            continue;
        }
        index = match token.kind {
            // What a macro is given is no code yet.
            Kind::Punct if code.byte(index) == b'!' && is_invocation(code, index.wrapping_sub(1)) => {
                is_start = code.is_open(index + 1, Delimiter::Brace);
                code.after(index + 1)
            }
            kind => {
                is_start = match kind {
                    Kind::Open(Delimiter::Brace) | Kind::Close => true,
                    Kind::Punct => code.byte(index) == b';',
                    _ => false,
                };
                index + 1
            }
        };
    }
    items
}

/// Whether the word at `index` is a `name!` before a group.
fn is_invocation(code: Code<'_>, index: usize) -> bool {
    code.kind(index) == Some(Kind::Word)
        && code.is_punct(index + 1, '!')
        && matches!(code.kind(index + 2), Some(Kind::Open(_)))
}

/// The item that is a statement, if the one at `index` is.
fn statement(code: Code<'_>, index: usize) -> Option<Item> {
    let (keyword, is_inner) = attributes(code, index);
    if is_inner {
        return None;
    }
    let keyword = visibility(code, keyword);
    let next = code.raw_word(keyword + 1);
    let begins = match code.raw_word(keyword)? {
        "fn" | "struct" | "enum" | "trait" | "impl" | "mod" | "type" | "use" => true,
        "macro_rules" => code.is_punct(keyword + 1, '!'),
        "union" | "static" | "macro" => next.is_some_and(|next| next != "move"),
        "const" => next.is_some(),
        "unsafe" | "async" | "extern" | "safe" | "default" | "auto" => {
            next.is_some_and(|next| {
                matches!(next, "fn" | "impl" | "trait" | "extern" | "unsafe" | "async" | "crate")
            }) || code.kind(keyword + 1) == Some(Kind::Literal)
        }
        // Expressions in nearly all cases.
        name if EXPRESSION_MACROS.contains(&name) => false,
        // Of an expression, unless a `;` follows.
        "include" => is_invocation(code, keyword) && code.is_punct(code.after(keyword + 2), ';'),
        _ => is_invocation(code, keyword),
    };
    begins.then(|| item(code, index)).flatten()
}

/// The item at `index`; `None` if it is none that is known.
fn item(code: Code<'_>, index: usize) -> Option<Item> {
    let (after, is_inner) = attributes(code, index);
    if is_inner {
        return Some(Item { what: What::Attribute, start: index, end: after, keyword: index, name: None });
    }
    let keyword = visibility(code, after);
    let at = after_modifiers(code, keyword);
    let make = |what, end, name| Some(Item { what, start: index, end, keyword, name });
    let named = |what, end| code.word(at + 1).and_then(|_| make(what, end, Some(at + 1)));
    match code.raw_word(at) {
        Some("fn") => named(What::Function, end(code, at)?),
        Some("struct" | "enum") => named(What::Type, end(code, at)?),
        Some("union") if code.word(at + 1).is_some() => named(What::Type, end(code, at)?),
        Some("type") => named(What::Alias, semicolon(code, at)?),
        Some("const") => named(What::Value, semicolon(code, at)?),
        Some("static") => {
            let name = if code.is_word(at + 1, "mut") { at + 2 } else { at + 1 };
            make(What::Value, semicolon(code, at)?, Some(name))
        }
        Some("trait") => {
            let end = end(code, at)?;
            named(What::Trait(members(code, at, end)), end)
        }
        Some("impl") => {
            let header = Header::new(code, at)?;
            let end = code.after(header.end);
            make(What::Impl(header, members(code, at, end)), end, None)
        }
        Some("mod") => {
            let end = end(code, at)?;
            let body = code.is_open(at + 2, Delimiter::Brace).then(|| (at + 3, end - 1));
            named(What::Module(body), end)
        }
        Some("use") => {
            let end = semicolon(code, at)?;
            make(What::Use(uses::leaves(code.range(at + 1, end - 1))), end, None)
        }
        Some("extern") if code.is_word(at + 1, "crate") => {
            let end = semicolon(code, at)?;
            make(What::Use(uses::leaves(code.range(at + 2, end - 1))), end, None)
        }
        Some("extern") => {
            let end = end(code, at)?;
            make(What::Foreign(members(code, at, end)), end, None)
        }
        Some("macro_rules") if code.is_punct(at + 1, '!') && code.word(at + 2).is_some() => {
            make(What::Macro, end_of_invocation(code, at + 3), Some(at + 2))
        }
        Some("macro") => named(What::Macro, end(code, at)?),
        _ => invocation(code, index, keyword),
    }
}

/// A path, `!`, perhaps a name, and a group.
fn invocation(code: Code<'_>, start: usize, keyword: usize) -> Option<Item> {
    let mut at = if code.is_path_separator(keyword) { keyword + 2 } else { keyword };
    while code.word(at).is_some() && code.is_path_separator(at + 1) {
        at += 3;
    }
    code.word(at)?;
    if !code.is_punct(at + 1, '!') {
        return None;
    }
    let group = if code.word(at + 2).is_some() { at + 3 } else { at + 2 };
    matches!(code.kind(group), Some(Kind::Open(_))).then(|| Item {
        what: What::Invocation,
        start,
        end: end_of_invocation(code, group),
        keyword,
        name: Some(at),
    })
}

/// What is no item: up to the next place where one may begin.
fn unknown(code: Code<'_>, start: usize) -> Item {
    let mut index = start;
    while index < code.end {
        let is_end = code.is_punct(index, ';') || code.is_open(index, Delimiter::Brace);
        index = code.after(index);
        if is_end {
            break;
        }
    }
    Item { what: What::Unknown, start, end: index, keyword: start, name: None }
}

/// Steps over attributes: the index after them, and whether they are of the module around.
pub(crate) fn attributes(code: Code<'_>, mut index: usize) -> (usize, bool) {
    while code.is_punct(index, '#') {
        if code.is_punct(index + 1, '!') && code.is_open(index + 2, Delimiter::Bracket) {
            return (code.after(index + 2), true);
        }
        if !code.is_open(index + 1, Delimiter::Bracket) {
            break;
        }
        index = code.after(index + 1);
    }
    (index, false)
}

fn visibility(code: Code<'_>, index: usize) -> usize {
    if !code.is_word(index, "pub") {
        return index;
    }
    let after = index + 1;
    if code.is_open(after, Delimiter::Parenthesis) { code.after(after) } else { after }
}

/// Steps over words that may stand before `fn`, `impl`, `trait` or a block.
fn after_modifiers(code: Code<'_>, mut index: usize) -> usize {
    loop {
        let next = code.raw_word(index + 1);
        let is_modifier = match code.raw_word(index) {
            Some("unsafe" | "async" | "default" | "safe" | "auto") => next.is_some(),
            Some("const") => matches!(next, Some("fn" | "unsafe" | "async" | "extern" | "impl" | "trait")),
            // `extern "C" fn`, and the block after `unsafe extern "C"`.
            Some("extern") => {
                let after = if code.kind(index + 1) == Some(Kind::Literal) { index + 2 } else { index + 1 };
                if code.is_word(after, "fn") {
                    return after;
                }
                false
            }
            _ => false,
        };
        if !is_modifier {
            return index;
        }
        index += 1;
    }
}

/// The index after the first `;`, outside of groups.
fn semicolon(code: Code<'_>, mut index: usize) -> Option<usize> {
    while index < code.end {
        if code.is_punct(index, ';') {
            return Some(index + 1);
        }
        index = code.after(index);
    }
    None
}

/// The index after the first `;` or `{…}`, outside of groups and generics.
fn end(code: Code<'_>, index: usize) -> Option<usize> {
    let at = block_or_semicolon(code, index)?;
    Some(code.after(at))
}

/// The index of the first `;` or `{…}`, outside of groups and generics, where there may be `{N}`.
fn block_or_semicolon(code: Code<'_>, mut index: usize) -> Option<usize> {
    let mut depth = 0usize;
    while index < code.end {
        if code.is_punct(index, ';') || (depth == 0 && code.is_open(index, Delimiter::Brace)) {
            return Some(index);
        }
        depth = angle_depth(code, index, depth);
        index = code.after(index);
    }
    None
}

/// How many `<` are open after the token at `index`, if `depth` were before it.
fn angle_depth(code: Code<'_>, index: usize, depth: usize) -> usize {
    if code.is_punct(index, '<') {
        return depth + 1;
    }
    // Not the arrow of a return type.
    let is_arrow = index > 0 && (code.is_punct(index - 1, '-') || code.is_punct(index - 1, '='));
    if code.is_punct(index, '>') && !is_arrow { depth.saturating_sub(1) } else { depth }
}

/// After the group of an invocation, and the `;` that follows other than braces.
fn end_of_invocation(code: Code<'_>, group: usize) -> usize {
    let after = code.after(group).min(code.end);
    let needs_semicolon = !code.is_open(group, Delimiter::Brace);
    if needs_semicolon && code.is_punct(after, ';') { after + 1 } else { after }
}

/// The items in the braces at the end of an item.
fn members(code: Code<'_>, start: usize, end: usize) -> Vec<Item> {
    match code.kind(end - 1) {
        Some(Kind::Close) => {
            block_or_semicolon(code, start).and_then(|open| code.group(open)).map(items).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
