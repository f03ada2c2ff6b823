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
//! - **Doc attributes**, which are comments.
//!
//! Nothing of this is done inside attributes and invocations of macros, for a macro can tell the difference. What else
//! rustfmt may change (a `{}` around the body of a closure or an arm, the order of imports) changes the fingerprint:
//! that costs a miss, never a wrong value.

use std::iter::Peekable;
use std::ops::ControlFlow;

use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};

/// The operators of more than one character, longest first.
const OPERATORS: [&str; 21] = [
    "<<=", "...", "..=", "==", "!=", "<=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "<<",
    "->", "=>", "..", "::",
];

/// Words that are not called by the parentheses after them, nor name the macro before a `!`. (`self`, `Self` and `fn`
/// stand before arguments and parameters.)
const KEYWORDS: [&str; 34] = [
    "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
    "return", "static", "type", "unsafe", "use", "where", "while", "yield",
];

/// A token after normalisation.
pub(super) enum Piece {
    Word(String),
    Lifetime(String),
    Literal(String),
    Operator(String),
    Group(Group, Reading),
}

/// Who reads the tokens in a group.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// The compiler. `called`: the group is certainly a list of arguments, parameters or fields, not a tuple.
    Code { called: bool },
    /// A macro, which may tell apart what is the same to the compiler.
    Macro,
}

/// The pieces of ordinary code that stands directly inside `delimiter`, or outside of any.
pub(super) fn pieces(tokens: TokenStream, delimiter: Option<Delimiter>, called: bool) -> Vec<Piece> {
    let pieces = join(tokens);
    let kept = kept_commas(&pieces, delimiter, called);
    pieces.into_iter().zip(kept).filter_map(|(piece, kept)| kept.then_some(piece)).collect()
}

impl Piece {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Piece::Word(text) if text == word)
    }

    fn is(&self, operator: &str) -> bool {
        matches!(self, Piece::Operator(text) if text == operator)
    }

    fn is_group(&self, delimiter: Delimiter) -> bool {
        matches!(self, Piece::Group(group, _) if group.delimiter() == delimiter)
    }
}

/// Joins punctuation into operators and lifetimes, drops doc attributes, and tells who reads each group.
fn join(tokens: TokenStream) -> Vec<Piece> {
    let mut tokens = tokens.into_iter().peekable();
    let mut pieces = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) => pieces.push(Piece::Word(word.to_string())),
            TokenTree::Literal(literal) => pieces.push(Piece::Literal(literal.to_string())),
            TokenTree::Group(group) => {
                let reading = reading(&pieces, &group);
                pieces.push(Piece::Group(group, reading));
            }
            TokenTree::Punct(punct) => match (punct.as_char(), tokens.peek()) {
                ('\'', Some(TokenTree::Ident(name))) => {
                    pieces.push(Piece::Lifetime(name.to_string()));
                    tokens.next();
                }
                _ => operators(&punct, &mut tokens, &mut pieces),
            },
        }
        drop_doc(&mut pieces);
    }
    pieces
}

/// Pushes the operators in the run of joined punctuation that begins with `first`.
fn operators(first: &Punct, tokens: &mut Peekable<impl Iterator<Item = TokenTree>>, pieces: &mut Vec<Piece>) {
    let mut run = String::from(first.as_char());
    let mut spacing = first.spacing();
    while spacing == Spacing::Joint
        && let Some(TokenTree::Punct(next)) = tokens.next_if(is_operator_character)
    {
        run.push(next.as_char());
        spacing = next.spacing();
    }
    let mut rest = run.as_str();
    while !rest.is_empty() {
        let joined = OPERATORS.into_iter().find(|operator| rest.starts_with(operator));
        let length = joined.map_or(1, str::len);
        pieces.push(Piece::Operator(rest[..length].to_owned()));
        rest = &rest[length..];
    }
}

/// Punctuation that may be part of an operator; the quote of a lifetime and the `#` of an attribute are not.
fn is_operator_character(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if !matches!(punct.as_char(), '\'' | '#'))
}

/// Removes a doc attribute that has just been completed.
fn drop_doc(pieces: &mut Vec<Piece>) {
    let is_doc = |piece: &Piece| match piece {
        Piece::Group(group, Reading::Macro) if group.delimiter() == Delimiter::Bracket => {
            let mut tokens = group.stream().into_iter();
            let doc = matches!(tokens.next(), Some(TokenTree::Ident(name)) if name == "doc");
            // `#[doc::name]` is somebody's attribute macro in a module `doc`.
            doc && !matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
        }
        _ => false,
    };
    let length = match pieces.as_slice() {
        [.., hash, doc] if hash.is("#") && is_doc(doc) => 2,
        [.., hash, bang, doc] if hash.is("#") && bang.is("!") && is_doc(doc) => 3,
        _ => 0,
    };
    pieces.truncate(pieces.len() - length);
}

/// Who reads `group`, which stands after `before`.
fn reading(before: &[Piece], group: &Group) -> Reading {
    let is_name = |piece: &Piece| matches!(piece, Piece::Word(word) if !KEYWORDS.contains(&word.as_str()));
    match before {
        // `#[…]`, `#![…]`, `name!(…)`, `macro_rules! name {…}`
        [.., hash] if hash.is("#") => Reading::Macro,
        [.., hash, bang] if hash.is("#") && bang.is("!") => Reading::Macro,
        [.., name, bang] if bang.is("!") && is_name(name) => Reading::Macro,
        [.., rules, bang, _] if rules.is_word("macro_rules") && bang.is("!") => Reading::Macro,
        _ => Reading::Code { called: group.delimiter() == Delimiter::Parenthesis && is_called(before) },
    }
}

/// Whether parentheses after these pieces are certainly a list of arguments, parameters or fields.
fn is_called(before: &[Piece]) -> bool {
    match before {
        [.., Piece::Word(word)] => !KEYWORDS.contains(&word.as_str()),
        // The type of a field may stand after `pub(crate)`.
        [.., visibility, Piece::Group(group, Reading::Code { .. })]
            if group.delimiter() == Delimiter::Parenthesis && visibility.is_word("pub") =>
        {
            false
        }
        [.., Piece::Group(group, Reading::Code { .. })] => {
            matches!(group.delimiter(), Delimiter::Parenthesis | Delimiter::Bracket)
        }
        [.., last] if last.is("?") => true,
        [.., last] if last.is(">") => ends_in_generics(before),
        _ => false,
    }
}

/// Whether the `>` at the end closes the generics of a path in an expression (`f::<…>`), a function or a struct. Any
/// other `>` may be a comparison, or the end of `impl<…>`.
fn ends_in_generics(pieces: &[Piece]) -> bool {
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
            [.., keyword, Piece::Word(_)] => keyword.is_word("fn") || keyword.is_word("struct"),
            _ => false,
        },
        _ => false,
    }
}

/// For each piece, whether it stays: all but the commas that only layout puts there.
fn kept_commas(pieces: &[Piece], delimiter: Option<Delimiter>, called: bool) -> Vec<bool> {
    let mut in_where = false;
    let mut kept = vec![true; pieces.len()];
    for (index, piece) in pieces.iter().enumerate() {
        if piece.is_word("where") {
            in_where = true;
        } else if piece.is_group(Delimiter::Brace) || piece.is(";") {
            in_where = false;
        }
        if !piece.is(",") {
            continue;
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
fn is_tuple_of_many(pieces: &[Piece]) -> bool {
    let commas = pieces.iter().filter(|piece| piece.is(",")).count();
    let has_lists = pieces.iter().any(|piece| ["<", "<<", ">", "|", "||"].iter().any(|list| piece.is(list)));
    commas > 1 && !has_lists
}
