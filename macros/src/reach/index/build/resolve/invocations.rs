//! Invocations of macros among items: which names they may define.

use std::collections::{HashMap, HashSet};

use proc_macro2::Delimiter;

use super::Kind;
use crate::reach::index::build::{At, Builder};
use crate::reach::index::{ItemId, Trigger};
use crate::reach::mentions::{EXPRESSION_MACROS, is_declared};
use crate::reach::normalise::KEYWORDS;
use crate::reach::tokens::Code;

/// An invocation of a macro among items.
#[derive(Clone, Debug)]
pub(in crate::reach::index::build) struct Invocation {
    pub(in crate::reach::index::build) id: ItemId,
    /// The name of the macro.
    pub(in crate::reach::index::build) name: String,
    pub(in crate::reach::index::build) range: (usize, usize),
    pub(in crate::reach::index::build) at: At,
}

/// A macro of the sources.
#[derive(Clone, Debug)]
pub(in crate::reach::index::build) struct MacroRules {
    pub(in crate::reach::index::build) name: String,
    pub(in crate::reach::index::build) id: ItemId,
    pub(in crate::reach::index::build) source: usize,
}

/// What the macros of one name do.
#[derive(Debug, Default)]
pub(super) struct Macros {
    defines: HashSet<String>,
    /// The names in the headers of what it implements.
    implements: HashSet<String>,
    calls: HashSet<String>,
    /// Whether names are made of pieces, or items are included.
    concatenates: bool,
    /// Of `impl`, `struct`, `enum` and `union` those that are in its body.
    keywords: HashSet<&'static str>,
    /// The names of modules that it declares, and whether it is given such names.
    modules: HashSet<String>,
    takes_modules: bool,
}

impl Builder {
    /// What the bodies of macros may define, by the names of the macros.
    pub(super) fn macros(&self) -> HashMap<String, Macros> {
        let mut macros: HashMap<String, Macros> = HashMap::new();
        for MacroRules { name, id, .. } in &self.macro_rules {
            let found = macros.entry(name.clone()).or_default();
            for code in self.index.code(self.index.entry(*id)) {
                found.concatenates |= contains_concatenation(code);
                found.keywords.extend(keywords(code));
                for index in (code.start..code.end).filter(|&index| code.is_word(index, "mod")) {
                    if code.is_punct(index + 1, '$') {
                        found.takes_modules = true;
                    } else if code.is_punct(index + 2, ';') {
                        found.modules.extend(code.word(index + 1).map(str::to_owned));
                    }
                }
                found.defines.extend(definitions(code).into_iter().map(str::to_owned));
                found.implements.extend(implementations(code).into_iter().map(str::to_owned));
                let words = (code.start..code.end).filter(|&index| code.is_punct(index + 1, '!'));
                found.calls.extend(words.filter_map(|index| code.word(index)).map(str::to_owned));
            }
        }
        macros
    }

    /// Which of several macros of one name is meant, their order decides, and where they are in their file: such a macro is
    /// the whole file, and has its number. So is one that has the name of one of the standard library's.
    pub(super) fn twins(&mut self) {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for MacroRules { name, .. } in &self.macro_rules {
            *numbers.entry(name).or_default() += 1;
        }
        let of_several = self.macro_rules.iter().filter(|macro_rules| {
            numbers[macro_rules.name.as_str()] > 1 || EXPRESSION_MACROS.contains(&macro_rules.name.as_str())
        });
        for (number, MacroRules { id, source, .. }) in of_several.enumerate() {
            let whole = self.index.sources[*source].tokens.code();
            let content = &mut self.index.items[*id as usize].content;
            content.code = Some((*source, vec![(whole.start, whole.end)]));
            content.text = format!("macro {number}");
        }
    }

    /// An invocation among items defines every name that it is given, and those that its macro makes up.
    pub(super) fn invoked(&mut self, invocation: &Invocation, macros: &HashMap<String, Macros>) {
        let Invocation { id, name, range, at } = invocation;
        let code = self.tokens(at.source).range(range.0, range.1);
        let parameters = parameters(code);
        // What stands before the `!` is the macro.
        let is_bang =
            |&index: &usize| code.word(index) == Some(name.as_str()) && code.is_punct(index + 1, '!');
        let input = (code.start..code.end).find(is_bang).map_or(code.start, |index| index + 2);
        let given: HashSet<String> = (input..code.end)
            .filter(|&index| !is_used(code, index))
            .filter_map(|index| code.word(index))
            .filter(|word| word != name && is_definable(word))
            .filter(|word| !parameters.contains(word))
            .map(str::to_owned)
            .collect();
        let mut unknown = contains_concatenation(code);
        let mut keywords: HashSet<&str> = keywords(code).collect();
        let mut modules = HashSet::new();
        let mut defined = given.clone();
        let mut implemented = HashSet::new();
        let (mut seen, mut queue) = (HashSet::new(), vec![name.clone()]);
        queue.extend(given.iter().filter(|word| macros.contains_key(*word)).cloned());
        while let Some(next) = queue.pop() {
            let Some(found) = macros.get(&next).filter(|_| seen.insert(next)) else { continue };
            unknown |= found.concatenates || found.calls.contains("include");
            keywords.extend(&found.keywords);
            modules.extend(found.modules.iter().cloned());
            modules.extend(given.iter().filter(|_| found.takes_modules).cloned());
            defined.extend(found.defines.iter().cloned());
            implemented.extend(found.implements.iter().cloned());
            queue.extend(found.calls.iter().cloned());
        }
        for module in modules {
            self.module_file(&module, *id, &[], at);
        }
        let is_foreign = !macros.contains_key(name) && !matches!(name.as_str(), "include" | "compile_error");
        let makes_types = ["struct", "enum", "union"].iter().any(|keyword| keywords.contains(keyword));
        if makes_types {
            self.index.type_makers.push(*id);
        }
        // One of somebody else's may make a type of any name that looks like one.
        let may_make_types = is_foreign && given.iter().any(|word| word.starts_with(char::is_uppercase));
        self.index.scopes[at.scope as usize].makes_types |= makes_types || may_make_types;
        let mut words: Vec<_> = defined.iter().map(|word| self.kind(word, Kind::Other)).collect();
        words.sort_unstable();
        let mut paths: Vec<_> = implemented.iter().map(|word| self.kind(word, Kind::Other)).collect();
        paths.sort_unstable();
        // The names of a macro of somebody else's that is given none cannot be known; nor can those made of pieces.
        unknown |= is_foreign && given.is_empty();
        // Among statements, it defines nothing for others, unless it implements something.
        let trigger =
            match (self.index.scopes[at.scope as usize].is_body && !keywords.contains("impl"), unknown) {
                (true, true) => Trigger::Scope,
                (true, false) => Trigger::Named([words, paths].concat()),
                (false, true) => Trigger::Always,
                (false, false) => Trigger::Made(words, paths),
            };
        self.index.set_trigger(*id, trigger);
    }
}

/// The names that the body of a macro may define: after a keyword that defines, or handed on to another macro.
fn definitions(code: Code<'_>) -> Vec<&str> {
    const DEFINING: [&str; 11] =
        ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod", "as", "mut"];
    let mut defined = Vec::new();
    for index in code.start..code.end {
        let Some(word) = code.word(index) else { continue };
        let before = index.wrapping_sub(1);
        let after_keyword = code.word(before).is_some_and(|word| DEFINING.contains(&word))
            || (code.is_punct(before, '!')
                && code.is_word(before.wrapping_sub(1), "macro_rules")
                && before.wrapping_sub(1) > code.start);
        if after_keyword && is_definable(word) {
            defined.push(word);
        }
        if code.is_punct(index + 1, '!')
            && let Some(input) = code.group(index + 2)
        {
            let words = (input.start..input.end)
                .filter(|&index| !code.is_punct(index - 1, '$') && !is_used(code, index))
                .filter_map(|index| code.word(index));
            defined.extend(words.filter(|word| is_definable(word)));
        }
    }
    defined
}

/// The names in the headers of each `impl`, of paths the last.
fn implementations(code: Code<'_>) -> Vec<&str> {
    let mut names = Vec::new();
    let mut in_header = false;
    for index in code.start..code.end {
        in_header &= !code.is_open(index, Delimiter::Brace);
        let Some(word) = code.word(index) else { continue };
        in_header |= word == "impl";
        let is_variable = code.is_punct(index.wrapping_sub(1), '$');
        if in_header && !is_variable && !code.is_path_separator(index + 1) && is_definable(word) {
            names.push(word);
        }
    }
    names
}

/// The names of parameters of the functions in the input of a macro: what is called so there, is no item.
fn parameters(code: Code<'_>) -> HashSet<&str> {
    let functions =
        (code.start..code.end).filter(|&index| code.is_word(index, "fn") && code.word(index + 1).is_some());
    let lists = functions.filter_map(|index| code.group(index + 2));
    lists
        .flat_map(|list| {
            (list.start..list.end)
                .filter(move |&index| is_declared(list, index))
                .map(move |index| list.word(index))
        })
        .flatten()
        .collect()
}

/// The keywords in code that make what others can use without naming the macro.
fn keywords(code: Code<'_>) -> impl Iterator<Item = &'static str> {
    let words = (code.start..code.end).filter_map(move |index| code.raw_word(index));
    words.filter_map(|word| ["impl", "struct", "enum", "union"].into_iter().find(|keyword| *keyword == word))
}

/// Whether names are made of pieces, as `paste!` and `concat_idents!` do.
fn contains_concatenation(code: Code<'_>) -> bool {
    (code.start..code.end).any(|index| {
        (code.is_open(index, Delimiter::Bracket) && code.is_punct(index + 1, '<'))
            || code.is_word(index, "concat_idents")
            || (code.is_punct(index, '$') && code.is_open(index + 1, Delimiter::Brace))
    })
}

/// Whether the word at `index` is used, not defined: a member, a function or a module in a path.
fn is_used(code: Code<'_>, index: usize) -> bool {
    let in_path = code.is_path_separator(index.wrapping_sub(2)) || code.is_path_separator(index + 1);
    let is_small = code.word(index).is_some_and(|word| word.starts_with(char::is_lowercase));
    code.is_punct(index.wrapping_sub(1), '.') || (in_path && is_small)
}

/// Whether a macro may define the word.
fn is_definable(word: &str) -> bool {
    !KEYWORDS.contains(&word) && !is_prelude(word)
}

/// Names that no macro defines although it is given them: they mean something everywhere.
fn is_prelude(word: &str) -> bool {
    matches!(
        word,
        "fn" | "struct"
            | "trait"
            | "macro_rules"
            | "self"
            | "Self"
            | "super"
            | "bool"
            | "char"
            | "str"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "f32"
            | "f64"
            | "true"
            | "false"
            | "Box"
            | "String"
            | "Vec"
            | "Option"
            | "Some"
            | "None"
            | "Result"
            | "Ok"
            | "Err"
            | "Clone"
            | "Copy"
            | "Debug"
            | "Default"
            | "Drop"
            | "Eq"
            | "Fn"
            | "FnMut"
            | "FnOnce"
            | "From"
            | "Into"
            | "Iterator"
            | "Ord"
            | "PartialEq"
            | "PartialOrd"
            | "Send"
            | "Sized"
            | "Sync"
            | "ToOwned"
            | "ToString"
            | "std"
    )
}
