//! Makes two layouts of one program equal, and no two programs.
//!
//! Each step takes away what rustfmt adds to or removes from ordinary code.
//!
//! - **Spacing**, once punctuation is joined into the operators of the language as the lexer does it, longest first.
//!   So `a && b` and `a & &b` differ; `x=-1` and `x = -1` do not, since `=-` is no operator. Operators that begin with
//!   `>` are not joined: in `Vec<Vec<u8>>` the parser takes them apart by itself, and where it does not, `> >` or
//!   `> =` is no program. Nor is `<-`, which the language reads as `<` and `-`.
//! - **A comma before a closing delimiter**, except where the parentheses may be a tuple: `(x,)` is a tuple of one,
//!   `(x)` is `x`. They are none where a function, type or expression stands directly before them ([`is_called`]), nor
//!   where another comma is in them that cannot belong to generics or to a closure. When unsure, the comma stays.
//! - **A comma before `>`**: no operand begins with `>`, so it can only end a list of generics.
//! - **A comma before the `{}` after `where`**: bounds have no `{}` of their own outside of generics, and in those
//!   nothing but a comma can stand before one.
//! - **A comma after a `{}` inside a `{}`**, as between the arms of a `match`. Without it, fields, variants, imports,
//!   parameters of closures and generics are no program, as two of them cannot stand side by side; except that
//!   `S { a: {1}, ..b }` would become a range, so that the comma before `..` stays. Arms of a `match` either end at the
//!   `{}` by themselves, or would run into the `=>` of the next, which is no program either.
//! - **Doc attributes**, which are comments, like the others.
//!
//! Of this, only doc attributes are left out of attributes and invocations of macros, too; else a macro can tell the
//! difference. What else
//! rustfmt may change (a `{}` around the body of a closure or an arm, the order of imports) changes the fingerprint:
//! that costs a miss, never a wrong value.

use std::ops::ControlFlow;

use proc_macro2::Delimiter;

use super::tokens::{Code, Kind, Token};
use super::words::{WordId, is_keyword};

/// The operators of more than one character, longest first.
const OPERATORS: [&str; 21] = [
    "<<=", "...", "..=", "==", "!=", "<=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "<<",
    "->", "=>", "..", "::",
];

/// A token after normalisation.
#[derive(Clone, Copy)]
pub(super) enum Piece<'a> {
    Word(&'a str, WordId),
    Lifetime(&'a str),
    Literal(&'a str),
    Operator(&'a str),
    Group(Group<'a>),
}

#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) delimiter: Delimiter,
    pub(super) code: Code<'a>,
    pub(super) reading: Reading,
}

/// Who reads the tokens in a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The compiler. `called`: the group is certainly a list of arguments, parameters or fields, not a tuple.
    Code { called: bool },
    /// A macro, which may tell apart what is the same to the compiler.
    Macro,
}

/// The pieces of ordinary code that stands directly inside `delimiter`, or outside of any.
pub(super) fn pieces(code: Code<'_>, delimiter: Option<Delimiter>, called: bool) -> Vec<Piece<'_>> {
    let mut pieces = join(code);
    // Most groups have none.
    if !pieces.iter().any(|piece| piece.is(",")) {
        return pieces;
    }
    let kept = kept_commas(&pieces, delimiter, called);
    let mut kept = kept.into_iter();
    pieces.retain(|_| kept.next() == Some(true));
    pieces
}

impl Piece<'_> {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Piece::Word(text, _) if *text == word)
    }

    fn is(&self, operator: &str) -> bool {
        matches!(self, Piece::Operator(text) if *text == operator)
    }

    fn is_group(&self, delimiter: Delimiter) -> bool {
        matches!(self, Piece::Group(group) if group.delimiter == delimiter)
    }
}

/// Joins punctuation into operators, drops doc attributes, and tells who reads each group.
fn join(code: Code<'_>) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut index = code.start;
    while let Some(token) = code.get(index) {
        index = match token.kind {
            Kind::Punct => match doc_attribute(code, index) {
                after if after > index => after,
                _ => operators(code, index, token, &mut pieces),
            },
            kind => {
                pieces.push(match kind {
                    Kind::Word => Piece::Word(code.text(token), token.other),
                    Kind::Lifetime => Piece::Lifetime(code.text(token)),
                    Kind::Open(delimiter) => group(code, index, delimiter, &pieces),
                    Kind::Literal | Kind::Punct | Kind::Close => Piece::Literal(code.text(token)),
                });
                code.after(index)
            }
        };
    }
    pieces
}

/// The index after the doc attribute that begins at `index`; `index` itself if there is none.
pub(super) fn doc_attribute(code: Code<'_>, index: usize) -> usize {
    if !code.is_punct(index, '#') {
        return index;
    }
    let bracket = if code.is_punct(index + 1, '!') { index + 2 } else { index + 1 };
    let is_attribute = code.is_open(bracket, Delimiter::Bracket);
    // `#[doc::name]` is somebody's attribute macro in a module `doc`.
    let is_doc = code.is_word(bracket + 1, "doc") && !code.is_punct(bracket + 2, ':');
    if is_attribute && is_doc { code.after(bracket) } else { index }
}

/// Pushes the operators in the run of joined punctuation that begins at `index`; the index after it.
fn operators<'a>(code: Code<'a>, index: usize, first: Token, pieces: &mut Vec<Piece<'a>>) -> usize {
    let mut last = first;
    let mut next = index + 1;
    while last.joint
        && let Some(token) = code.get(next)
        && token.kind == Kind::Punct
        // The `#` of an attribute is no part of an operator.
        && code.text(token) != "#"
    {
        last = token;
        next += 1;
    }
    let mut rest = code.text_between(first, last);
    // Most stand alone, or are of a path.
    if rest.len() == 1 || rest == "::" {
        pieces.push(Piece::Operator(rest));
        return next;
    }
    while !rest.is_empty() {
        let joined = OPERATORS.into_iter().find(|operator| rest.starts_with(operator));
        let (operator, others) = rest.split_at(joined.map_or(1, str::len));
        pieces.push(Piece::Operator(operator));
        rest = others;
    }
    next
}

/// The group that opens at `index`, after the pieces `before`.
fn group<'a>(code: Code<'a>, index: usize, delimiter: Delimiter, before: &[Piece<'a>]) -> Piece<'a> {
    let is_name = |piece: &Piece<'_>| matches!(piece, Piece::Word(_, word) if !is_keyword(*word));
    let reading = match before {
        // `#[…]`, `#![…]`, `name!(…)`, `macro_rules! name {…}`
        [.., hash] if hash.is("#") => Reading::Macro,
        [.., hash, bang] if hash.is("#") && bang.is("!") => Reading::Macro,
        [.., name, bang] if bang.is("!") && is_name(name) => Reading::Macro,
        [.., rules, bang, _] if rules.is_word("macro_rules") && bang.is("!") => Reading::Macro,
        _ => Reading::Code { called: delimiter == Delimiter::Parenthesis && is_called(before) },
    };
    Piece::Group(Group { delimiter, code: code.range(index + 1, code.after(index) - 1), reading })
}

/// Whether parentheses after these pieces are certainly a list of arguments, parameters or fields.
fn is_called(before: &[Piece<'_>]) -> bool {
    let is_code = |group: &Group<'_>| group.reading != Reading::Macro;
    match before {
        [.., Piece::Word(_, word)] => !is_keyword(*word),
        // The type of a field may stand after `pub(crate)`.
        [.., visibility, Piece::Group(group)]
            if is_code(group) && group.delimiter == Delimiter::Parenthesis && visibility.is_word("pub") =>
        {
            false
        }
        [.., Piece::Group(group)] if is_code(group) => {
            matches!(group.delimiter, Delimiter::Parenthesis | Delimiter::Bracket)
        }
        [.., last] if last.is("?") => true,
        [.., last] if last.is(">") => ends_in_generics(before),
        _ => false,
    }
}

/// Whether the `>` at the end closes the generics of a path in an expression (`f::<…>`), a function or a struct. Any
/// other `>` may be a comparison, or the end of `impl<…>`.
fn ends_in_generics(pieces: &[Piece<'_>]) -> bool {
    let opening = pieces.iter().enumerate().rev().try_fold(0usize, |depth, (index, piece)| {
        let opened = if piece.is("<") { 1 } else { 2 * usize::from(piece.is("<<")) };
        let depth = depth + usize::from(piece.is(">"));
        if opened >= depth {
            ControlFlow::Break((index, opened == depth))
        } else {
            ControlFlow::Continue(depth - opened)
        }
    });
    match opening {
        ControlFlow::Break((index, true)) => match &pieces[..index] {
            [.., path] if path.is("::") => true,
            [.., keyword, Piece::Word(..)] => keyword.is_word("fn") || keyword.is_word("struct"),
            _ => false,
        },
        _ => false,
    }
}

/// For each piece, whether it stays: all but the commas that only layout puts there.
fn kept_commas(pieces: &[Piece<'_>], delimiter: Option<Delimiter>, called: bool) -> Vec<bool> {
    let mut in_where = false;
    let mut kept = vec![true; pieces.len()];
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Operator(",") => {}
            Piece::Word("where", _) => {
                in_where = true;
                continue;
            }
            Piece::Group(Group { delimiter: Delimiter::Brace, .. }) | Piece::Operator(";") => {
                in_where = false;
                continue;
            }
            _ => continue,
        }
        let after_braces =
            index.checked_sub(1).is_some_and(|before| pieces[before].is_group(Delimiter::Brace));
        kept[index] = match pieces.get(index + 1) {
            None => match delimiter {
                Some(Delimiter::Brace | Delimiter::Bracket) => false,
                Some(Delimiter::Parenthesis) => !called && !is_tuple_of_many(pieces),
                Some(Delimiter::None) | None => true,
            },
            Some(next) if next.is(">") => false,
            Some(next) if in_where && next.is_group(Delimiter::Brace) => false,
            Some(next) if after_braces && delimiter == Some(Delimiter::Brace) => next.is(".."),
            Some(_) => true,
        };
    }
    kept
}

/// Whether there are certainly two elements: commas, and nothing that could take one of them for itself.
fn is_tuple_of_many(pieces: &[Piece<'_>]) -> bool {
    let commas = pieces.iter().filter(|piece| piece.is(",")).count();
    let has_lists = pieces.iter().any(|piece| ["<", "<<", ">", "|", "||"].iter().any(|list| piece.is(list)));
    commas > 1 && !has_lists
}
