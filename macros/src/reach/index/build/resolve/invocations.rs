//! Invocations of macros among items: which names they may define.

use std::collections::{HashMap, HashSet};

use proc_macro2::Delimiter;

use super::super::super::{ItemId, Trigger};
use super::super::{At, Builder};
use super::{Kind, Pending};
use crate::reach::mentions::is_declared;
use crate::reach::normalise::KEYWORDS;
use crate::reach::tokens::Code;

/// The macros of one name.
#[derive(Debug, Default)]
pub(super) struct Macros {
    defines: HashSet<String>,
    calls: HashSet<String>,
    /// Whether names are made of pieces.
    concatenates: bool,
    sources: HashSet<usize>,
    /// Sources that define it more than once.
    pub(super) twins: HashSet<usize>,
}

impl Builder {
    /// What the bodies of macros may define, by the names of the macros.
    pub(super) fn macros(&self, pending: &[Pending]) -> HashMap<String, Macros> {
        let mut macros: HashMap<String, Macros> = HashMap::new();
        for item in pending {
            let Pending::Macro { name, id, source } = item else { continue };
            let entry = self.index.entry(*id);
            let found = macros.entry(name.clone()).or_default();
            if !found.sources.insert(*source) {
                found.twins.insert(*source);
            }
            for code in self.index.code(entry) {
                let mut defined = Vec::new();
                found.concatenates |= definitions(code, &mut defined);
                found.defines.extend(defined.into_iter().map(str::to_owned));
                let words = (code.start..code.end).filter(|&index| code.is_punct(index + 1, '!'));
                found.calls.extend(words.filter_map(|index| code.word(index)).map(str::to_owned));
            }
        }
        macros
    }

    /// An invocation among items defines every name that it is given, and those that its macro makes up.
    pub(super) fn invoked(
        &mut self,
        id: ItemId,
        name: &str,
        range: (usize, usize),
        at: &At,
        macros: &HashMap<String, Macros>,
    ) {
        let code = self.tokens(at.source).range(range.0, range.1);
        let parameters = parameters(code);
        let given: HashSet<String> = (code.start..code.end)
            .filter(|&index| !code.is_punct(index.wrapping_sub(1), '.'))
            .filter_map(|index| code.word(index))
            .filter(|word| *word != name && is_definable(word))
            .filter(|word| !parameters.contains(word))
            .map(str::to_owned)
            .collect();
        let mut concatenates = contains_concatenation(code);
        let mut defined = given.clone();
        let (mut seen, mut queue) = (HashSet::new(), vec![name.to_owned()]);
        queue.extend(given.iter().filter(|word| macros.contains_key(*word)).cloned());
        while let Some(next) = queue.pop() {
            if let Some(found) = macros.get(&next).filter(|_| seen.insert(next)) {
                concatenates |= found.concatenates;
                defined.extend(found.defines.iter().cloned());
                queue.extend(found.calls.iter().cloned());
            }
        }
        let is_foreign = !macros.contains_key(name) && !matches!(name, "include" | "compile_error");
        let mut words: Vec<_> = defined.iter().map(|word| self.kind(word, Kind::Other)).collect();
        words.sort_unstable();
        // The names of a macro of somebody else's that is given none cannot be known; nor can those made of pieces.
        let unknown = concatenates || (is_foreign && given.is_empty());
        let trigger = match (self.index.scopes[at.scope as usize].is_body, unknown) {
            // Among statements, it defines nothing for others.
            (true, true) => Trigger::Scope,
            (true, false) => Trigger::Named(words),
            (false, true) => Trigger::Always,
            (false, false) => Trigger::Anywhere(words),
        };
        self.index.set_trigger(id, trigger);
    }
}

/// The names that the body of a macro may define: after a keyword that defines, in the header of an `impl`, or handed on to
/// another macro. Whether names are made of pieces.
fn definitions<'a>(code: Code<'a>, defined: &mut Vec<&'a str>) -> bool {
    const DEFINING: [&str; 11] =
        ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod", "as", "mut"];
    let mut in_header = false;
    for index in code.start..code.end {
        let Some(word) = code.word(index) else {
            in_header &= !code.is_open(index, Delimiter::Brace);
            continue;
        };
        in_header |= word == "impl";
        let after_keyword = code.word(index.wrapping_sub(1)).is_some_and(|word| DEFINING.contains(&word));
        let is_variable = code.is_punct(index.wrapping_sub(1), '$');
        if (after_keyword || in_header) && !is_variable && is_definable(word) {
            defined.push(word);
        }
        if code.is_punct(index + 1, '!')
            && let Some(input) = code.group(index + 2)
        {
            let words = (input.start..input.end).filter(|&index| !code.is_punct(index - 1, '$'));
            defined
                .extend(words.filter_map(|index| code.word(index)).filter(|word| !KEYWORDS.contains(word)));
        }
    }
    contains_concatenation(code)
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

/// Whether names are made of pieces, as `paste!` and `concat_idents!` do.
fn contains_concatenation(code: Code<'_>) -> bool {
    (code.start..code.end).any(|index| {
        (code.is_open(index, Delimiter::Bracket) && code.is_punct(index + 1, '<'))
            || code.is_word(index, "concat_idents")
            || (code.is_punct(index, '$') && code.is_open(index + 1, Delimiter::Brace))
    })
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
