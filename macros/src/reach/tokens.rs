//! Tokens of a source, flat: one list, in which the two ends of a group know each other.
//!
//! They come from a file ([`Tokens::lex`]) or from the compiler ([`Tokens::of`]) and look the same: of punctuation it is
//! known whether more follows without a space, comments are left out. Everything that reads code reads these, so that
//! no rule is written twice, and reading costs no memory for each token beyond its sixteen bytes.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::words;

/// A source and its tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(super) text: String,
    pub(super) list: Vec<Token>,
    /// Where the lines end.
    lines: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(super) kind: Kind,
    /// Of punctuation: whether other punctuation follows immediately.
    pub(super) joint: bool,
    /// Its text, as a range of bytes of the source.
    pub(super) start: u32,
    pub(super) end: u32,
    /// Of an end of a group: where the other end is. Of a word: its number.
    pub(super) other: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword, `r#` included.
    Word,
    /// A lifetime or label; its text is without the quote.
    Lifetime,
    Literal,
    /// One character of an operator.
    Punct,
    Open(Delimiter),
    Close,
}

/// A run of tokens with both ends of every group in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code<'a> {
    tokens: &'a Tokens,
    /// Indices in the whole list, so that the ends of groups need no translation.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Tokens {
    pub(super) fn new(text: String, list: Vec<Token>) -> Self {
        let lines = text.match_indices('\n').map(|(at, _)| index(at)).collect();
        Tokens { text, list, lines }
    }

    /// The line of a token, counted from one.
    pub(crate) fn line(&self, token: usize) -> u32 {
        let start = self.list.get(token).map_or(0, |token| token.start);
        index(self.lines.partition_point(|&line| line < start)) + 1
    }

    /// The tokens that the compiler gave to the macro, on the thread it gave them to.
    pub(crate) fn of(stream: TokenStream) -> Self {
        let mut tokens = Tokens::new(String::new(), Vec::new());
        tokens.extend(stream);
        let mut words = words::lock();
        let Tokens { text, list, .. } = &mut tokens;
        for token in list.iter_mut().filter(|token| token.kind == Kind::Word) {
            token.other = words.token(&text[token.start as usize..token.end as usize]);
        }
        drop(words);
        tokens
    }

    fn extend(&mut self, stream: TokenStream) {
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Ident(word) => self.push(Kind::Word, &word.to_string()),
                TokenTree::Literal(literal) => self.push(Kind::Literal, &literal.to_string()),
                TokenTree::Punct(punct) => match trees.peek() {
                    Some(TokenTree::Ident(name)) if punct.as_char() == '\'' => {
                        self.push(Kind::Lifetime, &name.to_string());
                        trees.next();
                    }
                    next => {
                        // Lexers disagree on whether `&` is joined to the lifetime in `&'a`.
                        let follows = matches!(next, Some(TokenTree::Punct(next)) if next.as_char() != '\'');
                        self.push(Kind::Punct, punct.as_char().encode_utf8(&mut [0; 4]));
                        if let Some(token) = self.list.last_mut() {
                            token.joint = follows && punct.spacing() == Spacing::Joint;
                        }
                    }
                },
                TokenTree::Group(group) => {
                    let open = self.list.len();
                    self.push(Kind::Open(group.delimiter()), "");
                    self.extend(group.stream());
                    self.push(Kind::Close, "");
                    self.close(open);
                }
            }
        }
    }

    fn push(&mut self, kind: Kind, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.list.push(Token::new(kind, start, self.text.len()));
    }

    /// Joins the last token, which closes the group, to the one at `open`.
    pub(super) fn close(&mut self, open: usize) {
        let close = self.list.len() - 1;
        self.list[open].other = index(close);
        self.list[close].other = index(open);
    }

    pub(crate) fn code(&self) -> Code<'_> {
        Code { tokens: self, start: 0, end: self.list.len() }
    }

    /// The tokens from one index to another, both ends of every group being between them.
    pub(crate) fn range(&self, start: usize, end: usize) -> Code<'_> {
        Code { tokens: self, start, end }
    }
}

impl Token {
    pub(super) fn new(kind: Kind, start: usize, end: usize) -> Self {
        Token { kind, joint: false, start: index(start), end: index(end), other: 0 }
    }
}

/// Sources of more than 4 GiB are refused before they are read.
fn index(index: usize) -> u32 {
    u32::try_from(index).expect("a source has fewer than 2³² bytes")
}

impl<'a> Code<'a> {
    /// The token at `index`, if that is in this code.
    pub(crate) fn get(self, index: usize) -> Option<Token> {
        // Written out, as is what follows: these run for every token, mostly without an optimiser.
        if self.start <= index && index < self.end { Some(self.tokens.list[index]) } else { None }
    }

    pub(crate) fn kind(self, index: usize) -> Option<Kind> {
        self.get(index).map(|token| token.kind)
    }

    /// The line of the token at `index`, counted from one.
    pub(crate) fn line(self, index: usize) -> u32 {
        self.tokens.line(index)
    }

    pub(crate) fn text(self, token: Token) -> &'a str {
        &self.tokens.text[token.start as usize..token.end as usize]
    }

    /// The text of one token after another that follows without a space.
    pub(super) fn text_between(self, first: Token, last: Token) -> &'a str {
        &self.tokens.text[first.start as usize..last.end as usize]
    }

    /// The identifier or keyword at `index`, as it is written.
    pub(crate) fn raw_word(self, index: usize) -> Option<&'a str> {
        match self.get(index) {
            Some(token) if matches!(token.kind, Kind::Word) => Some(self.text(token)),
            _ => None,
        }
    }

    /// The identifier or keyword at `index`; `r#type` is `type`, which is then a name.
    pub(crate) fn word(self, index: usize) -> Option<&'a str> {
        self.raw_word(index).map(unraw)
    }

    pub(crate) fn is_word(self, index: usize, word: &str) -> bool {
        self.raw_word(index) == Some(word)
    }

    pub(crate) fn is_punct(self, index: usize, punct: char) -> bool {
        match self.get(index) {
            Some(token) if matches!(token.kind, Kind::Punct) => {
                self.tokens.text.as_bytes()[token.start as usize] == punct as u8
            }
            _ => false,
        }
    }

    /// The first byte of a token that is there.
    pub(crate) fn byte(self, index: usize) -> u8 {
        self.tokens.text.as_bytes()[self.tokens.list[index].start as usize]
    }

    /// Whether `::` begins at `index`.
    pub(crate) fn is_path_separator(self, index: usize) -> bool {
        self.is_punct(index, ':')
            && self.get(index).is_some_and(|token| token.joint)
            && self.is_punct(index + 1, ':')
    }

    pub(crate) fn is_open(self, index: usize, delimiter: Delimiter) -> bool {
        self.kind(index) == Some(Kind::Open(delimiter))
    }

    /// What is in the group that opens at `index`.
    pub(crate) fn group(self, index: usize) -> Option<Code<'a>> {
        let token = self.get(index)?;
        matches!(token.kind, Kind::Open(_)).then(|| self.tokens.range(index + 1, token.other as usize))
    }

    /// The index after the token, or the whole group, at `index`.
    pub(crate) fn after(self, index: usize) -> usize {
        match self.get(index) {
            Some(token) if matches!(token.kind, Kind::Open(_)) => token.other as usize + 1,
            _ => index + 1,
        }
    }

    /// The index at which the group opens that is closed at `index`.
    pub(crate) fn opening(self, index: usize) -> Option<usize> {
        let token = self.get(index)?;
        (token.kind == Kind::Close).then_some(token.other as usize)
    }

    /// The doc comments in this code and right before it, as far as they begin a line.
    pub(crate) fn docs(self) -> impl Iterator<Item = &'a str> {
        let end_of = |token: &Token| token.end as usize;
        let start = self.tokens.list[..self.start].last().map_or(0, end_of);
        let end = self.tokens.list[..self.end].last().map_or(0, end_of);
        let text = self.tokens.text.get(start..end).unwrap_or_default();
        let mut in_block = false;
        text.lines().map(str::trim).filter(move |line| {
            let was_in_block = in_block;
            in_block = (in_block || line.starts_with("/**")) && !line.ends_with("*/");
            was_in_block || line.starts_with("///") || line.starts_with("/**")
        })
    }

    /// A part of this code.
    pub(crate) fn range(self, start: usize, end: usize) -> Code<'a> {
        self.tokens.range(start, end)
    }
}

pub(crate) fn unraw(word: &str) -> &str {
    word.strip_prefix("r#").unwrap_or(word)
}
