//! What a piece of code mentions, and what else it reads while it is compiled.
//!
//! Every word in the code is mentioned, wherever it stands: as a path, a field, a method, a parameter or a local of
//! its own. So are the words in the `{…}` of strings, where `format!` looks for them, and every word in the strings of
//! attributes, as in `#[serde(with = "module")]`. Only keywords are not, nor `$variables` of macros.

use proc_macro2::Delimiter;

use super::predicates;
use super::tokens::{Code, Kind, unraw};
use super::words::{self, WordId, is_keyword};

/// Collects what code mentions. Nothing is resolved here.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub(crate) struct Mentions<'a> {
    pub(crate) words: Vec<WordId>,
    /// Words given to a macro of somebody else's, which may append to them: `#[serde(with = "module")]`.
    pub(crate) given: Vec<WordId>,
    /// Whether there is a `dyn`.
    pub(crate) is_dynamic: bool,
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
    /// What may be the name of a variable: a string given to a macro.
    pub(crate) perhaps_variables: Vec<&'a str>,
    /// Whether a macro of another crate is invoked; it may include what a build script wrote.
    pub(crate) invokes_foreign: bool,
    /// Whether such a macro is given nothing, or asks for the manifest: what it reads, it knows by itself.
    pub(crate) reads_package: bool,
    /// Whether such a macro derives code, perhaps from comments.
    pub(crate) reads_comments: bool,
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

/// Macros of the standard library whose input is made of expressions: they make no items.
#[rustfmt::skip]
pub(crate) const EXPRESSION_MACROS: [&str; 21] = [
    "assert", "assert_eq", "assert_ne", "dbg", "debug_assert", "debug_assert_eq", "debug_assert_ne",
    "eprint", "eprintln", "format", "format_args", "matches", "panic", "print", "println", "todo",
    "unimplemented", "unreachable", "vec", "write", "writeln",
];

/// Other macros of the standard library, and some that are everywhere: they read nothing that is not mentioned, and make
/// only what they are given a name for.
#[rustfmt::skip]
const PLAIN_MACROS: [&str; 22] = [
    "addr_of", "addr_of_mut", "asm", "bitflags", "cfg", "cfg_if", "cfg_select", "column", "compile_error",
    "concat", "env", "file", "global_asm", "include", "include_bytes", "include_str", "lazy_static", "line",
    "module_path", "option_env", "stringify", "thread_local",
];

/// Attributes that cannot change what code does.
pub(crate) const SILENT_ATTRIBUTES: [&str; 10] =
    ["allow", "cold", "deny", "deprecated", "doc", "expect", "forbid", "inline", "must_use", "warn"];

/// Other attributes of the language and of its tools, which no macro reads.
#[rustfmt::skip]
const LANGUAGE_ATTRIBUTES: [&str; 37] = [
    "automatically_derived", "bench", "cfg", "cfg_attr", "clippy", "collapse_debuginfo", "default",
    "diagnostic", "export_name", "feature", "global_allocator", "ignore", "instruction_set", "link",
    "link_name", "link_ordinal", "link_section", "macro_export", "macro_use", "naked", "no_builtins",
    "no_link", "no_mangle", "non_exhaustive", "panic_handler", "path", "proc_macro", "proc_macro_attribute",
    "proc_macro_derive", "repr", "rustfmt", "should_panic", "target_feature", "test", "track_caller",
    "unsafe", "used",
];

/// Derive macros that read neither comments nor files.
#[rustfmt::skip]
const PLAIN_DERIVES: [&str; 11] = [
    "Clone", "Copy", "Debug", "Default", "Deserialize", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd",
    "Serialize",
];

/// Whether a macro that the sources do not define is another crate's, which may do what it likes.
pub(crate) fn is_foreign_macro(name: &str) -> bool {
    !EXPRESSION_MACROS.contains(&name) && !PLAIN_MACROS.contains(&name) && name != "macro_rules"
}

/// Whether an attribute is for the compiler, and not for a macro.
pub(crate) fn is_of_language(attribute: &str) -> bool {
    SILENT_ATTRIBUTES.contains(&attribute) || LANGUAGE_ATTRIBUTES.contains(&attribute)
}

/// Who reads the tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The compiler, or a macro of the standard library.
    Compiler,
    /// A macro of the sources.
    Macro,
    /// A macro of another crate, or an attribute.
    Foreign { is_attribute: bool },
}

impl<'a> Mentions<'a> {
    /// Adds what `code` mentions. `is_own_macro` tells of a macro's name whether the sources define one.
    pub(crate) fn read(&mut self, code: Code<'a>, is_own_macro: &dyn Fn(&str) -> bool) {
        Reading { mentions: self, is_own_macro }.code(code, Reader::Compiler);
    }
}

struct Reading<'m, 'a> {
    mentions: &'m mut Mentions<'a>,
    is_own_macro: &'m dyn Fn(&str) -> bool,
}

impl<'a> Reading<'_, 'a> {
    fn code(&mut self, code: Code<'a>, reader: Reader) {
        let is_foreign = matches!(reader, Reader::Foreign { .. });
        let mut index = code.start;
        while let Some(token) = code.get(index) {
            index = match token.kind {
                Kind::Word => {
                    let word = token.other;
                    if is_keyword(word) {
                        self.mentions.is_dynamic |= code.is_word(index, "dyn");
                    } else {
                        self.mentions.words.push(word);
                        if is_foreign && !code.is_path_separator(index + 1) {
                            self.mentions.given.push(word);
                        }
                    }
                    index + 1
                }
                Kind::Literal => {
                    self.literal(code.text(token), reader);
                    index + 1
                }
                Kind::Punct => self.punct(code, index, reader),
                // What is in a group is read like what is around it.
                Kind::Open(_) | Kind::Close | Kind::Lifetime => index + 1,
            };
        }
    }

    /// Reads what begins with punctuation; the index after it.
    fn punct(&mut self, code: Code<'a>, index: usize, reader: Reader) -> usize {
        match code.byte(index) {
            // A variable of a macro.
            b'$' if code.kind(index + 1) == Some(Kind::Word) => index + 2,
            b'#' => self.attribute_at(code, index),
            b'!' => self.invocation(code, index, reader),
            _ => index + 1,
        }
    }

    /// Reads the input of an invocation `name!(…)`, if there is one around the mark at `index`; the index after it.
    fn invocation(&mut self, code: Code<'a>, index: usize, reader: Reader) -> usize {
        let before = code.get(index.wrapping_sub(1));
        let name = before.filter(|name| name.kind == Kind::Word && !is_keyword(name.other));
        let Some(name) = name.filter(|_| !code.is_punct(index.wrapping_sub(2), '$')) else {
            return index + 1;
        };
        let name = unraw(code.text(name));
        let is_named = code.word(index + 1).is_some();
        let group = if is_named { index + 2 } else { index + 1 };
        let Some(input) = code.group(group) else { return index + 1 };
        if is_named {
            self.code(code.range(index + 1, group), reader);
        }
        self.mentions.reads_elsewhere |= reader == Reader::Macro && name.starts_with("include");
        match name {
            "cfg" => self.predicate(input),
            "cfg_select" => self.selected(input),
            "include" => self.mentions.files.push(File::Source(input)),
            "include_str" | "include_bytes" => self.mentions.files.push(File::Data(input)),
            "env" | "option_env" => self.mentions.variables.push(input),
            _ => {}
        }
        let is_own = (self.is_own_macro)(name);
        match name {
            // The variables in the path of a file say where it is, not what is in it.
            "include" | "include_str" | "include_bytes" | "cfg" if !is_own => {}
            _ if name == "macro_rules" || is_own => self.code(input, Reader::Macro),
            _ if is_foreign_macro(name) => {
                self.mentions.invokes_foreign = true;
                self.mentions.reads_package |= input.start == input.end;
                self.code(input, Reader::Foreign { is_attribute: false });
            }
            _ => self.code(input, reader),
        }
        code.after(group)
    }

    /// Reads the attribute at `index`, if there is one; the index after it.
    fn attribute_at(&mut self, code: Code<'a>, index: usize) -> usize {
        let bracket = if code.is_punct(index + 1, '!') { index + 2 } else { index + 1 };
        if !code.is_open(bracket, Delimiter::Bracket) {
            return index + 1;
        }
        code.group(bracket).into_iter().for_each(|group| self.attribute(group));
        code.after(bracket)
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
            _ if !is_path && is_of_language(name) => self.code(code, Reader::Compiler),
            _ => self.helper(code, name),
        }
    }

    /// An attribute that a macro reads, or a derive.
    fn helper(&mut self, code: Code<'a>, name: &str) {
        let last = (code.start..code.end).filter(|&index| !code.is_path_separator(index + 1));
        let mut words = last.filter_map(|index| code.word(index));
        if name == "derive" {
            let others = words.filter(|word| !PLAIN_DERIVES.contains(word) && *word != "derive");
            self.mentions.reads_comments |= others.count() > 0;
        } else {
            // As in `#[command(version)]`.
            self.mentions.reads_package |= !matches!(name, "serde" | "memo" | "rememo")
                && words.any(|word| matches!(word, "version" | "author" | "about"));
        }
        self.code(code, Reader::Foreign { is_attribute: true });
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

    /// Names in a string, and what a macro may read by it.
    fn literal(&mut self, literal: &'a str, reader: Reader) {
        let Some(text) = string(literal) else { return };
        let is_attribute = matches!(reader, Reader::Foreign { is_attribute: true });
        if is_attribute {
            self.mentions.words.extend(words_in(text));
            self.mentions.given.extend(words_in(text));
        } else if text.contains('{') {
            for (opening, _) in text.match_indices('{') {
                let rest = &text[opening + 1..];
                self.mentions.words.extend(words_in(&rest[..rest.find('}').unwrap_or(0)]));
            }
        }
        if reader != Reader::Compiler && !text.is_empty() && text.len() < 256 && !text.contains(['{', '\n']) {
            self.mentions.files.push(File::Perhaps(text));
            self.mentions.perhaps_variables.push(text);
        }
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
fn words_in(text: &str) -> impl Iterator<Item = WordId> {
    let is_word = |c: char| c == '_' || c == '#' || c.is_alphanumeric();
    text.split(move |c| !is_word(c)).filter(|word| !word.is_empty()).map(words::id)
}

#[cfg(test)]
mod tests;
