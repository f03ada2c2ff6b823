//! Reads a file into tokens.
//!
//! The compiler's own lexer, as a macro can call it, would report errors for files that are no Rust (under a false `cfg`
//! nobody else reads them), and costs a call into the compiler for each token. This one follows the
//! [reference](https://doc.rust-lang.org/reference/tokens.html) where that matters for telling tokens apart, and knows
//! neither what a literal means nor which operators there are. A source it cannot read has no tokens.
//!
//! A test compares it with the lexer of proc-macro2 on every source of this repository.

use std::sync::MutexGuard;

use proc_macro2::Delimiter;

use super::tokens::{Kind, Token, Tokens};
use super::words::{self, Words};

impl Tokens {
    /// The tokens of a file; `None` if its brackets, quotes or comments do not match.
    pub(crate) fn lex(mut text: String) -> Option<Self> {
        // As the compiler does, so that strings of several lines are the same.
        if text.contains("\r\n") {
            text = text.replace("\r\n", "\n");
        }
        u32::try_from(text.len()).ok()?;
        let mut lexer = Lexer {
            text: &text,
            bytes: text.as_bytes(),
            at: start(&text),
            open: Vec::new(),
            list: Vec::new(),
            words: words::lock(),
        };
        lexer.run()?;
        let Lexer { open, list, .. } = lexer;
        let is_whole = open.is_empty();
        is_whole.then(|| Tokens::new(text, list))
    }
}

/// Where the code begins: after a byte order mark and a line for the shell.
fn start(text: &str) -> usize {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let rest = &text[start..];
    if rest.starts_with("#!") && !rest[2..].trim_start().starts_with('[') {
        start + rest.find('\n').unwrap_or(rest.len())
    } else {
        start
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The tokens that open the groups around `at`.
    open: Vec<usize>,
    list: Vec<Token>,
    words: MutexGuard<'static, Words>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Option<()> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'/' if self.peek(1) == b'/' => self.line_comment(),
                b'/' if self.peek(1) == b'*' => self.block_comment()?,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word()?,
                b'0'..=b'9' => self.number(),
                b'"' => self.string(self.at, self.at)?,
                b'\'' => self.quote()?,
                b'(' | b'[' | b'{' => self.open(byte),
                b')' | b']' | b'}' => self.close(byte)?,
                0x80.. => self.beyond_ascii()?,
                _ => self.punct(),
            }
        }
        Some(())
    }

    /// The byte so many places ahead; zero behind the end.
    fn peek(&self, ahead: usize) -> u8 {
        match self.bytes.get(self.at + ahead) {
            Some(&byte) => byte,
            None => 0,
        }
    }

    /// Where `wanted` is, from here on.
    fn find(&self, wanted: char) -> Option<usize> {
        // Of the standard library, hence fast also in a macro that is not optimised.
        self.text.get(self.at..)?.find(wanted).map(|offset| self.at + offset)
    }

    /// A token from `start` to where the lexer is.
    fn push(&mut self, kind: Kind, start: usize) {
        self.list.push(Token::new(kind, start, self.at));
    }

    /// A word from `start` to where the lexer is.
    fn push_word(&mut self, start: usize) {
        let word = self.words.token(&self.text[start..self.at]);
        self.list.push(Token { other: word, ..Token::new(Kind::Word, start, self.at) });
    }

    fn line_comment(&mut self) {
        self.at = self.find('\n').unwrap_or(self.bytes.len());
    }

    /// Block comments nest.
    fn block_comment(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match (*self.bytes.get(self.at)?, self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ => self.at += 1,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// A word, or the literal that it is the prefix of.
    fn word(&mut self) -> Option<()> {
        let start = self.at;
        self.skip_word();
        let prefix = &self.bytes[start..self.at];
        match self.peek(0) {
            b'"' if matches!(prefix, b"b" | b"c") => self.string(start, self.at),
            b'\'' if prefix == b"b" => self.character(start),
            b'"' | b'#' if matches!(prefix, b"r" | b"br" | b"cr") => self.raw(start),
            _ => {
                self.push_word(start);
                Some(())
            }
        }
    }

    fn skip_word(&mut self) {
        while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' | 0x80..) {
            self.at += 1;
        }
    }

    /// A raw string, a raw identifier, or a word before some other `#`.
    fn raw(&mut self, start: usize) -> Option<()> {
        let hashes = self.bytes[self.at..].iter().take_while(|&&byte| byte == b'#').count();
        match self.peek(hashes) {
            b'"' => {
                self.at += hashes + 1;
                loop {
                    self.at = self.find('"')? + 1;
                    let closing = self.bytes[self.at..].iter().take(hashes);
                    if closing.filter(|&&byte| byte == b'#').count() == hashes {
                        break;
                    }
                }
                self.at += hashes;
                self.skip_word();
                self.push(Kind::Literal, start);
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. if hashes == 1 && self.at == start + 1 => {
                self.at += 1;
                self.skip_word();
                self.push_word(start);
            }
            _ => self.push_word(start),
        }
        Some(())
    }

    /// A string whose quote is at `quote`, with its suffix.
    fn string(&mut self, start: usize, quote: usize) -> Option<()> {
        self.at = quote + 1;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.skip_word();
        self.push(Kind::Literal, start);
        Some(())
    }

    /// A number. A dot belongs to it unless a name or another dot follows: `1.max(2)`, `0..9`.
    fn number(&mut self) {
        let start = self.at;
        self.digits(start);
        if self.peek(0) == b'.' && !matches!(self.peek(1), b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..) {
            self.at += 1;
            self.digits(start);
        }
        self.push(Kind::Literal, start);
    }

    /// Digits, letters and the sign of an exponent.
    fn digits(&mut self, start: usize) {
        self.skip_word();
        let is_decimal = !matches!(self.bytes.get(start + 1), Some(b'x' | b'b' | b'o'));
        // Not that of a suffix, as in `1usize-1`.
        let digits =
            self.bytes[start..self.at - 1].iter().all(|byte| matches!(byte, b'0'..=b'9' | b'_' | b'.'));
        let after_exponent = digits && matches!(self.bytes[self.at - 1], b'e' | b'E');
        if is_decimal
            && after_exponent
            && matches!(self.peek(0), b'+' | b'-')
            && self.peek(1).is_ascii_digit()
        {
            self.at += 1;
            self.skip_word();
        }
    }

    /// A character, a lifetime, or a quote of its own.
    fn quote(&mut self) -> Option<()> {
        let width = match self.peek(1) {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
        };
        if self.peek(1) == b'\\' || self.peek(1 + width) == b'\'' {
            return self.character(self.at);
        }
        let start = self.at + 1;
        self.at = start;
        if self.peek(0) == b'r' && self.peek(1) == b'#' {
            self.at += 2;
        }
        self.skip_word();
        if self.at > start {
            self.push(Kind::Lifetime, start);
        } else {
            self.push(Kind::Punct, start - 1);
        }
        Some(())
    }

    /// A character whose quote is here, with its suffix; the token begins at `start`.
    fn character(&mut self, start: usize) -> Option<()> {
        self.at += 1;
        if self.peek(0) == b'\\' {
            self.at += 2;
        } else if self.peek(0) == b'\'' {
            self.at += 1;
        }
        self.at = self.find('\'')? + 1;
        self.skip_word();
        self.push(Kind::Literal, start);
        Some(())
    }

    fn open(&mut self, byte: u8) {
        self.open.push(self.list.len());
        let start = self.at;
        self.at += 1;
        self.push(Kind::Open(delimiter(byte)), start);
    }

    fn close(&mut self, byte: u8) -> Option<()> {
        let open = self.open.pop()?;
        let close = self.list.len();
        if self.list[open].kind != Kind::Open(delimiter(byte)) {
            return None;
        }
        let start = self.at;
        self.at += 1;
        self.push(Kind::Close, start);
        self.list[open].other = u32::try_from(close).ok()?;
        self.list[close].other = u32::try_from(open).ok()?;
        Some(())
    }

    /// A space or a letter that is not ASCII.
    fn beyond_ascii(&mut self) -> Option<()> {
        let first = self.text.get(self.at..)?.chars().next()?;
        if first.is_whitespace() || matches!(first, '\u{200e}' | '\u{200f}') {
            self.at += first.len_utf8();
        } else {
            let start = self.at;
            self.skip_word();
            self.push_word(start);
        }
        Some(())
    }

    fn punct(&mut self) {
        let start = self.at;
        self.at += 1;
        self.push(Kind::Punct, start);
        let comment = self.peek(0) == b'/' && matches!(self.peek(1), b'/' | b'*');
        let joint = is_punct(self.peek(0)) && !comment;
        if let Some(token) = self.list.last_mut() {
            token.joint = joint;
        }
    }
}

/// Punctuation, but for the quote, on which lexers disagree.
fn is_punct(byte: u8) -> bool {
    byte.is_ascii_punctuation()
        && !matches!(byte, b'\'' | b'"' | b'_' | b'(' | b')' | b'[' | b']' | b'{' | b'}')
}

fn delimiter(byte: u8) -> Delimiter {
    match byte {
        b'(' | b')' => Delimiter::Parenthesis,
        b'[' | b']' => Delimiter::Bracket,
        _ => Delimiter::Brace,
    }
}

#[cfg(test)]
mod tests;
