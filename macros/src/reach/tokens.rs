//! Hashes token trees.
//!
//! A token is hashed as its kind, then its text with the length in front; a group as its delimiter, its tokens and an
//! end mark. So the tokens can be read back from the bytes hashed: no two lists of tokens have the same bytes, and
//! only what [`normalise`](super::normalise) does before can make two sources equal. Words and literals count by
//! their text: `1_000` and `1000` differ, at the price of one miss.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

use super::normalise::{Piece, Reading, pieces};

/// Streams tokens into a digest.
pub(super) struct TokenHasher(blake3::Hasher);

impl TokenHasher {
    pub(super) fn new(context: &str) -> Self {
        TokenHasher(blake3::Hasher::new_derive_key(context))
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }

    /// Hashes ordinary code, outside of any group.
    pub(super) fn code(&mut self, tokens: TokenStream) {
        self.pieces(pieces(tokens, None, false));
    }

    fn pieces(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Word(text) => self.text(b'w', &text),
                Piece::Lifetime(text) => self.text(b't', &text),
                Piece::Literal(text) => self.text(b'l', &text),
                Piece::Operator(text) => self.text(b'o', &text),
                Piece::Group(group, reading) => self.group(&group, reading),
            }
        }
    }

    fn group(&mut self, group: &Group, reading: Reading) {
        let delimiter = match group.delimiter() {
            Delimiter::Parenthesis => b'(',
            Delimiter::Brace => b'{',
            Delimiter::Bracket => b'[',
            // Around what a macro put in as one expression or type.
            Delimiter::None => b'n',
        };
        self.0.update(&[delimiter]);
        match reading {
            Reading::Code { called } => {
                self.pieces(pieces(group.stream(), Some(group.delimiter()), called));
            }
            Reading::Macro => self.verbatim(group.stream()),
        }
        self.0.update(b"e");
    }

    /// Hashes what a macro reads: every token as it is.
    fn verbatim(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) => self.text(b'w', &word.to_string()),
                TokenTree::Literal(literal) => self.text(b'l', &literal.to_string()),
                TokenTree::Group(group) => self.group(&group, Reading::Macro),
                TokenTree::Punct(punct) => {
                    // Lexers disagree on whether `&` is joined to the lifetime in `&'a`: only other punctuation counts.
                    let next = tokens.peek();
                    let follows = matches!(next, Some(TokenTree::Punct(next)) if next.as_char() != '\'');
                    let joined = follows && punct.spacing() == Spacing::Joint;
                    self.text(if joined { b'j' } else { b'a' }, &punct.to_string());
                }
            }
        }
    }

    fn text(&mut self, kind: u8, text: &str) {
        self.0.update(&[kind]);
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests;
