//! What a piece of code names, and what else it reads while it is compiled.
//!
//! A name is a word anywhere in the code, with exceptions in what the compiler itself parses: after a dot it can only be
//! a field or a method; before a single colon, in a list, it is declared (a field, a parameter), as it is after `fn`;
//! after `std::` it is the standard library's. After `$` it is a variable of a macro. In the input of a macro any word may become any name, also those inside
//! of strings where `format!` looks for them, or in attributes as in `#[serde(with = "module")]`.

use proc_macro2::Delimiter;

use super::normalise::KEYWORDS;
use super::predicates;
use super::tokens::{Code, Kind, unraw};

/// Collects what code names. Nothing is resolved here.
#[derive(Debug, Default)]
pub(crate) struct Mentions<'a> {
    /// Names that may be of any item.
    pub(crate) paths: Vec<&'a str>,
    /// Names of methods and fields.
    pub(crate) members: Vec<&'a str>,
    /// Names of traits behind `dyn`.
    pub(crate) dynamic: Vec<&'a str>,
    /// Names given to a macro of somebody else's, which may append to them: `#[serde(with = "module")]`.
    pub(crate) wholes: Vec<&'a str>,
    /// The predicates of `cfg`, as text.
    pub(crate) predicates: Vec<String>,
    /// Whether there is a predicate of which only a macro knows what it is.
    pub(crate) any_predicate: bool,
    /// What may be the path of a file that is read.
    pub(crate) files: Vec<File<'a>>,
    /// Whether code of a macro reads files: then the path is that from where the macro is invoked.
    pub(crate) reads_elsewhere: bool,
    /// The arguments of `env!` and `option_env!`.
    pub(crate) variables: Vec<Code<'a>>,
    /// What may be the name of a variable: a string given to a macro of the package.
    pub(crate) perhaps_variables: Vec<&'a str>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum File<'a> {
    /// The argument of `include!`: code.
    Source(Code<'a>),
    /// The argument of `include_str!` or `include_bytes!`.
    Data(Code<'a>),
    /// A string in the input of some macro, which may read a file.
    Perhaps(&'a str),
}

/// Macros of the standard library whose input is made of expressions.
pub(crate) const EXPRESSION_MACROS: [&str; 21] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "format",
    "format_args",
    "matches",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// Attributes that cannot change what code does.
pub(crate) const SILENT_ATTRIBUTES: [&str; 10] =
    ["allow", "cold", "deny", "deprecated", "doc", "expect", "forbid", "inline", "must_use", "warn"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Compiler,
    /// A macro of the standard library that takes expressions and, perhaps, a format string.
    ExpressionMacro,
    /// A macro of the package.
    Macro,
    /// A macro of another crate.
    ForeignMacro,
    Attribute,
}

impl<'a> Mentions<'a> {
    /// Adds what `code` names. `is_local_macro` tells of a macro's name whether the package itself defines one, and
    /// `is_own_module` of a module's, whether there is one in the sources.
    pub(crate) fn read(
        &mut self,
        code: Code<'a>,
        is_local_macro: &dyn Fn(&str) -> bool,
        is_own_module: &dyn Fn(&str) -> bool,
    ) {
        Reading { mentions: self, is_local_macro, is_own_module }.code(code, Reader::Compiler);
    }
}

struct Reading<'m, 'a> {
    mentions: &'m mut Mentions<'a>,
    is_local_macro: &'m dyn Fn(&str) -> bool,
    is_own_module: &'m dyn Fn(&str) -> bool,
}

impl<'a> Reading<'_, 'a> {
    fn code(&mut self, code: Code<'a>, reader: Reader) {
        let mut in_where = false;
        let mut index = code.start;
        while let Some(token) = code.get(index) {
            match token.kind {
                Kind::Word => {
                    in_where |= code.is_word(index, "where");
                    let next = self.invocation(code, index, reader);
                    if next > index {
                        index = next;
                        continue;
                    }
                    self.word(code, index, reader, in_where);
                }
                Kind::Literal if reader != Reader::Compiler => self.literal(code.text(token), reader),
                Kind::Punct if code.is_punct(index, '#') => {
                    let bracket = if code.is_punct(index + 1, '!') { index + 2 } else { index + 1 };
                    if code.is_open(bracket, Delimiter::Bracket) {
                        code.group(bracket).into_iter().for_each(|group| self.attribute(group));
                        index = code.after(bracket);
                        continue;
                    }
                }
                Kind::Open(delimiter) => {
                    in_where &= delimiter != Delimiter::Brace;
                    code.group(index).into_iter().for_each(|group| self.code(group, reader));
                    index = code.after(index);
                    continue;
                }
                Kind::Punct if code.is_punct(index, ';') => in_where = false,
                _ => {}
            }
            index += 1;
        }
    }

    fn word(&mut self, code: Code<'a>, index: usize, reader: Reader, in_where: bool) {
        let Some(word) = code.word(index) else { return };
        let parsed = matches!(reader, Reader::Compiler | Reader::ExpressionMacro);
        let before = index.wrapping_sub(1);
        if code.is_punct(before, '$') {
            return;
        }
        if parsed && code.is_punct(before, '.') && !code.is_punct(before.wrapping_sub(1), '.') {
            self.mentions.members.push(word);
            return;
        }
        if word == "dyn" {
            self.dynamic(code, index + 1);
        }
        if parsed && (is_of_std(code, index, self.is_own_module) || is_definition(code, index)) {
            return;
        }
        if !(parsed && !in_where && is_declared(code, index)) {
            self.mentions.paths.push(word);
        }
        if matches!(reader, Reader::ForeignMacro | Reader::Attribute) && !code.is_path_separator(index + 1) {
            self.mentions.wholes.push(word);
        }
    }

    /// The last segments of the path after `dyn`, and of those that `+` adds.
    fn dynamic(&mut self, code: Code<'a>, mut index: usize) {
        while let Some(token) = code.get(index) {
            match token.kind {
                // `dyn for<'a> Trait<'a>`
                Kind::Word if code.is_word(index, "for") => {
                    index = (index..code.end).find(|&at| code.is_punct(at, '>')).unwrap_or(code.end);
                }
                Kind::Word => self.mentions.dynamic.extend(code.word(index)),
                Kind::Open(Delimiter::Parenthesis) if code.is_word(index - 1, "dyn") => {
                    code.group(index).into_iter().for_each(|group| self.dynamic(group, group.start));
                }
                Kind::Lifetime => {}
                Kind::Punct
                    if code.is_punct(index, ':')
                        || code.is_punct(index, '+')
                        || code.is_punct(index, '?') => {}
                _ => return,
            }
            index = code.after(index);
        }
    }

    /// Reads the invocation `name!(…)` at `index`; the index after it, or `index` if there is none.
    fn invocation(&mut self, code: Code<'a>, index: usize, reader: Reader) -> usize {
        if !code.is_punct(index + 1, '!') {
            return index;
        }
        // After a keyword, `!` is an operator.
        let Some(name) = code.word(index).filter(|name| !KEYWORDS.contains(name)) else { return index };
        let group = if code.word(index + 2).is_some() { index + 3 } else { index + 2 };
        let Some(input) = code.group(group) else { return index };
        self.mentions.paths.push(name);
        self.mentions.reads_elsewhere |= reader == Reader::Macro && name.starts_with("include");
        match name {
            "cfg" => self.predicate(input),
            "cfg_select" => self.selected(input),
            "include" => self.mentions.files.push(File::Source(input)),
            "include_str" | "include_bytes" => self.mentions.files.push(File::Data(input)),
            "env" | "option_env" => self.mentions.variables.push(input),
            _ => {}
        }
        let expressions = EXPRESSION_MACROS.contains(&name) && !(self.is_local_macro)(name);
        match name {
            // The variables in the path of a file say where it is, not what is in it.
            "include" | "include_str" | "include_bytes" | "cfg" if !(self.is_local_macro)(name) => {}
            _ if expressions => self.code(input, Reader::ExpressionMacro),
            _ if name == "macro_rules" || (self.is_local_macro)(name) => self.code(input, Reader::Macro),
            _ => self.code(input, Reader::ForeignMacro),
        }
        code.after(group)
    }

    fn attribute(&mut self, code: Code<'a>) {
        let name = code.raw_word(code.start).unwrap_or_default();
        let is_path = code.is_path_separator(code.start + 1);
        if !is_path && SILENT_ATTRIBUTES.contains(&name) {
            return;
        }
        let input = code.group(code.start + 1);
        match (name, input) {
            ("cfg", Some(input)) if !is_path => self.predicate(input),
            ("cfg_attr", Some(input)) if !is_path => {
                let comma = top_level_comma(input);
                self.predicate(input.range(input.start, comma));
                let mut rest = comma + 1;
                while rest < input.end {
                    let end = top_level_comma(input.range(rest, input.end));
                    self.attribute(input.range(rest, end));
                    rest = end + 1;
                }
            }
            _ => self.code(code, Reader::Attribute),
        }
    }

    fn predicate(&mut self, code: Code<'a>) {
        match predicates::text(code) {
            Some(predicate) => self.mentions.predicates.push(predicate),
            None => self.mentions.any_predicate = true,
        }
    }

    /// The predicates before each `=>` of `cfg_select!`.
    fn selected(&mut self, code: Code<'a>) {
        let mut start = code.start;
        while start < code.end {
            let arrow =
                (start..code.end).find(|&index| code.is_punct(index, '=') && code.is_punct(index + 1, '>'));
            let Some(arrow) = arrow else { return };
            if !code.is_word(start, "_") {
                self.predicate(code.range(start, arrow));
            }
            // An arm is a block, or ends at a comma.
            let is_block = code.is_open(arrow + 2, Delimiter::Brace);
            let after = if is_block {
                code.after(arrow + 2)
            } else {
                top_level_comma(code.range(arrow + 2, code.end))
            };
            start = if code.is_punct(after, ',') { after + 1 } else { after };
        }
    }

    /// Names in a string that a macro reads.
    fn literal(&mut self, literal: &'a str, reader: Reader) {
        let Some(text) = string(literal) else { return };
        if reader == Reader::Attribute {
            self.mentions.paths.extend(words(text));
            self.mentions.wholes.extend(words(text));
        } else {
            for (opening, _) in text.match_indices('{') {
                let rest = &text[opening + 1..];
                self.mentions.paths.extend(words(&rest[..rest.find('}').unwrap_or(0)]));
            }
        }
        let may_be_path = text.len() < 256 && !text.contains(['{', '\n']);
        match reader {
            Reader::Macro if may_be_path => {
                self.mentions.files.push(File::Perhaps(text));
                self.mentions.perhaps_variables.push(text);
            }
            Reader::ForeignMacro | Reader::Attribute if may_be_path && text.contains(['.', '/']) => {
                self.mentions.files.push(File::Perhaps(text));
            }
            _ => {}
        }
    }
}

/// Whether the word at `index` is the name of the function or constant that is defined there.
fn is_definition(code: Code<'_>, index: usize) -> bool {
    match code.raw_word(index.wrapping_sub(1)) {
        Some("fn") => true,
        // Not the type in `*const T`.
        Some("const" | "static") => code.is_punct(index + 1, ':') && !code.is_path_separator(index + 1),
        _ => false,
    }
}

/// Whether the word at `index` is a later segment of a path into the standard library, that begins with `std` or a module
/// of it that the sources have not, too.
fn is_of_std(code: Code<'_>, index: usize, is_own_module: &dyn Fn(&str) -> bool) -> bool {
    let mut first = index;
    while code.is_path_separator(first.wrapping_sub(2)) && code.word(first.wrapping_sub(3)).is_some() {
        first -= 3;
    }
    let is_later = first < index;
    is_later
        && match code.word(first) {
            Some("std" | "core" | "alloc") => true,
            Some(
                module @ ("cell" | "cmp" | "collections" | "env" | "fmt" | "fs" | "hash" | "io" | "iter"
                | "mem" | "num" | "ops" | "path" | "process" | "ptr" | "rc" | "str" | "sync"
                | "thread" | "time"),
            ) => !is_own_module(module),
            _ => false,
        }
}

/// Whether the word at `index` is declared there: `name: type` in a list.
pub(crate) fn is_declared(code: Code<'_>, index: usize) -> bool {
    if !code.is_punct(index + 1, ':') || code.is_path_separator(index + 1) {
        return false;
    }
    let before = index.wrapping_sub(1);
    match code.kind(before) {
        None | Some(Kind::Close) => true,
        Some(Kind::Word) => matches!(code.raw_word(before), Some("pub" | "mut" | "ref" | "let")),
        _ => code.is_punct(before, ',') || code.is_punct(before, '|'),
    }
}

/// The index of the first comma, or the end.
pub(crate) fn top_level_comma(code: Code<'_>) -> usize {
    let mut index = code.start;
    while index < code.end && !code.is_punct(index, ',') {
        index = code.after(index);
    }
    index
}

/// The text in a string literal; `None` if it is none, or has escapes.
pub(crate) fn string(literal: &str) -> Option<&str> {
    let literal = literal.strip_prefix(['b', 'c']).unwrap_or(literal);
    if let Some(raw) = literal.strip_prefix('r') {
        let text = raw.trim_matches('#').strip_prefix('"')?.strip_suffix('"')?;
        return Some(text);
    }
    literal.strip_prefix('"')?.strip_suffix('"')
}

/// The identifiers in a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c == '_' || c == '#' || c.is_alphanumeric();
    text.split(move |c| !is_word(c)).filter(|word| !word.is_empty()).map(unraw)
}

#[cfg(test)]
mod tests;
