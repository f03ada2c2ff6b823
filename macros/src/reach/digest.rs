//! Hashes code.
//!
//! A token is hashed as its kind, then its text with the length in front; a group as its delimiter, its tokens and an
//! end mark. So the tokens can be read back from the bytes hashed: no two lists of tokens have the same bytes, and
//! only what [`normalise`](super::normalise) does before can make two sources equal. Words and literals count by
//! their text: `1_000` and `1000` differ, at the price of one miss.

use proc_macro2::Delimiter;

use super::normalise::{Group, Piece, Reading, doc_attribute, pieces};
use super::tokens::{Code, Kind};

/// The domain of the digests of items. Another normalisation of tokens is another version, so that no two are ever
/// mixed.
const CONTEXT: &str = "rememo fingerprint 2: tokens of one item";

/// The digest of code that stands outside of any group. What `parts` a thing has matters, too.
pub(super) fn digest(parts: &[Code<'_>]) -> [u8; 32] {
    let mut bytes = Bytes(Vec::new());
    for &part in parts {
        bytes.pieces(pieces(part, None, false));
        bytes.0.push(b'e');
    }
    blake3::derive_key(CONTEXT, &bytes.0)
}

/// Collects what is hashed: one call of the hash function costs less than one for each token.
struct Bytes(Vec<u8>);

impl Bytes {
    fn pieces(&mut self, pieces: Vec<Piece<'_>>) {
        for piece in pieces {
            match piece {
                Piece::Word(text, _) => self.text(b'w', text),
                Piece::Lifetime(text) => self.text(b't', text),
                Piece::Literal(text) => self.text(b'l', text),
                Piece::Operator(text) => self.text(b'o', text),
                Piece::Group(Group { delimiter, code, reading }) => {
                    self.open(delimiter);
                    match reading {
                        Reading::Code { called } => self.pieces(pieces_in(code, delimiter, called)),
                        Reading::Macro => self.verbatim(code),
                    }
                    self.0.push(b'e');
                }
            }
        }
    }

    /// What a macro reads: every token as it is, but for doc attributes.
    fn verbatim(&mut self, code: Code<'_>) {
        let mut index = code.start;
        while let Some(token) = code.get(index) {
            let after = doc_attribute(code, index);
            if after > index {
                index = after;
                continue;
            }
            let text = code.text(token);
            match token.kind {
                Kind::Word => self.text(b'w', text),
                // A macro sees the quote, then the name.
                Kind::Lifetime => self.text(b't', text),
                Kind::Literal => self.text(b'l', text),
                Kind::Punct => self.text(if token.joint { b'j' } else { b'a' }, text),
                Kind::Open(delimiter) => self.open(delimiter),
                Kind::Close => self.0.push(b'e'),
            }
            index += 1;
        }
    }

    fn open(&mut self, delimiter: Delimiter) {
        self.0.push(match delimiter {
            Delimiter::Parenthesis => b'(',
            Delimiter::Brace => b'{',
            Delimiter::Bracket => b'[',
            // Around what a macro put in as one expression or type.
            Delimiter::None => b'n',
        });
    }

    fn text(&mut self, kind: u8, text: &str) {
        self.0.push(kind);
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }
}

fn pieces_in(code: Code<'_>, delimiter: Delimiter, called: bool) -> Vec<Piece<'_>> {
    pieces(code, Some(delimiter), called)
}

#[cfg(test)]
mod tests;
