//! Macros: what invocations among items may make.
//!
//! What a macro makes cannot be seen. But whatever uses it mentions it, or a type or trait of it, by a name that the
//! invocation is given or that the macro has in its body. So an invocation is reached by any of these words.

use std::collections::{HashMap, HashSet};

use proc_macro2::Delimiter;

use super::{At, Builder};
use crate::reach::index::{ItemId, Trigger};
use crate::reach::items::{Item, What, items};
use crate::reach::mentions::{EXPRESSION_MACROS, is_foreign_macro};
use crate::reach::tokens::Code;
use crate::reach::words::{self, KEYWORDS, WordId};

/// An invocation of a macro among items.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    pub(super) id: ItemId,
    /// The name of the macro.
    pub(super) name: String,
    pub(super) range: (usize, usize),
    pub(super) at: At,
}

/// A macro of the sources.
#[derive(Clone, Debug)]
pub(super) struct MacroRules {
    pub(super) name: String,
    pub(super) id: ItemId,
    pub(super) source: usize,
}

/// What is in the bodies of the macros of one name, or in an invocation.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub(super) struct Body {
    words: HashSet<String>,
    /// Whether it makes names of pieces, includes items, or invokes what does as it likes.
    is_unknown: bool,
    implements: bool,
    makes_types: bool,
    /// The names of modules that it declares, and whether it is given such names.
    modules: HashSet<String>,
    takes_modules: bool,
}

impl Body {
    fn read(&mut self, code: Code<'_>, is_own_macro: impl Fn(&str) -> bool) {
        for index in code.start..code.end {
            self.is_unknown |= makes_names(code, index);
            let Some(word) = code.word(index) else { continue };
            match word {
                "impl" => self.implements = true,
                "struct" | "enum" | "union" => self.makes_types = true,
                "mod" if code.is_punct(index + 1, '$') => self.takes_modules = true,
                "mod" if code.is_punct(index + 2, ';') => {
                    self.modules.extend(code.word(index + 1).map(str::to_owned));
                }
                _ => {}
            }
            let is_invoked = code.is_punct(index + 1, '!') && code.group(index + 2).is_some();
            self.is_unknown |=
                is_invoked && (word == "include" || (is_foreign_macro(word) && !is_own_macro(word)));
            if is_definable(word) && !code.is_punct(index.wrapping_sub(1), '$') {
                self.words.insert(word.to_owned());
            }
        }
    }
}

impl Builder {
    /// What is in the bodies of macros, by their names.
    pub(super) fn macros(&self) -> HashMap<String, Body> {
        let mut macros: HashMap<String, Body> = HashMap::new();
        for MacroRules { name, id, .. } in &self.macro_rules {
            let body = macros.entry(name.clone()).or_default();
            for code in self.index.code(self.index.entry(*id)) {
                body.read(code, |name| self.index.macros.contains(name));
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

    /// Says by what an invocation among items is reached.
    pub(super) fn invoked(&mut self, invocation: &Invocation, macros: &HashMap<String, Body>) {
        let Invocation { id, name, range, at } = invocation;
        let code = self.tokens(at.source).range(range.0, range.1);
        let mut made = Body::default();
        made.read(code, |name| self.index.macros.contains(name));
        made.modules.clear();
        let given = std::mem::take(&mut made.words);
        let mut words = given.clone();
        let (mut seen, mut queue) = (HashSet::new(), vec![name.clone()]);
        queue.extend(given.iter().cloned());
        while let Some(next) = queue.pop() {
            let Some(body) = macros.get(&next).filter(|_| seen.insert(next)) else { continue };
            made.is_unknown |= body.is_unknown;
            made.implements |= body.implements;
            made.makes_types |= body.makes_types;
            made.modules.extend(body.modules.iter().cloned());
            made.modules.extend(given.iter().filter(|_| body.takes_modules).cloned());
            queue.extend(body.words.iter().filter(|word| macros.contains_key(*word)).cloned());
            words.extend(body.words.iter().cloned());
        }
        for module in &made.modules {
            self.module_file(module, *id, &[], at);
        }
        let is_foreign = !macros.contains_key(name) && is_foreign_macro(name);
        if made.makes_types || is_foreign {
            self.index.type_makers.push(*id);
        }
        // One of somebody else's may make a type of any name that looks like one.
        let looks_like_type = |word: &String| word.starts_with(char::is_uppercase);
        self.index.scopes[at.scope as usize].makes_types |=
            made.makes_types || (is_foreign && given.iter().any(looks_like_type));
        let mut words: Vec<WordId> = words.iter().map(|word| words::id(word)).collect();
        words.sort_unstable();
        // Among statements, it makes nothing for others, unless it implements something.
        let in_module = self.index.scopes[at.scope as usize].is_body && !made.implements;
        let is_unknown = made.is_unknown || is_foreign;
        let names = if is_unknown { Vec::new() } else { vec![words] };
        self.index.set_trigger(*id, Some(Trigger { in_module, names }));
    }

    /// All of a crate of macros is one: any name that it exports reaches everything in it.
    pub(super) fn opaque(&mut self, in_crate: usize, names: &[WordId]) {
        let mut words = names.to_vec();
        let is_inside = |builder: &Self, id: usize| {
            let code = &builder.index.items[id].content.code;
            code.as_ref().is_some_and(|(source, _)| builder.index.sources[*source].in_crate == in_crate)
        };
        let inside: Vec<usize> = (0..self.index.items.len()).filter(|&id| is_inside(self, id)).collect();
        for &id in &inside {
            let Some(name) = self.index.items[id].function.clone() else { continue };
            let code = self.index.code(&self.index.items[id]).into_iter();
            let attributes: Vec<String> =
                code.filter(|code| code.is_punct(code.start, '#')).flat_map(words_in).collect();
            if attributes.iter().any(|word| word.starts_with("proc_macro")) {
                words.extend(attributes.iter().chain([&name]).map(|word| words::id(word)));
            }
        }
        for id in inside {
            self.index.set_trigger(crate::reach::index::number(id), Some(Trigger::anywhere(words.clone())));
        }
    }
}

/// The modules in the input of a macro, at any depth outside of each other.
pub(super) fn modules(input: Code<'_>) -> Vec<Item> {
    let mut found = Vec::new();
    let mut index = input.start;
    while index < input.end {
        if let Some(group) = input.group(index) {
            let is_module = |item: &Item| matches!(item.what, What::Module(_));
            let modules: Vec<Item> = items(group).into_iter().filter(is_module).collect();
            if modules.is_empty() {
                found.extend(self::modules(group));
            }
            found.extend(modules);
        }
        index = input.after(index);
    }
    found
}

/// Whether a name is made of pieces at `index`, as by `paste!` and `concat_idents!`.
fn makes_names(code: Code<'_>, index: usize) -> bool {
    (code.is_open(index, Delimiter::Bracket) && code.is_punct(index + 1, '<'))
        || code.is_word(index, "concat_idents")
        || (code.is_punct(index, '$') && code.is_open(index + 1, Delimiter::Brace))
}

/// Whether a macro may define the word.
pub(super) fn is_definable(word: &str) -> bool {
    !KEYWORDS.contains(&word) && !PRELUDE.contains(&word)
}

/// Names that no macro defines although it is given them: they mean something everywhere.
#[rustfmt::skip]
const PRELUDE: [&str; 58] = [
    "Box", "Clone", "Copy", "Debug", "Default", "Drop", "Eq", "Err", "Fn", "FnMut", "FnOnce", "From", "Into",
    "Iterator", "None", "Ok", "Option", "Ord", "PartialEq", "PartialOrd", "Result", "Self", "Send", "Sized",
    "Some", "String", "Sync", "ToOwned", "ToString", "Vec", "bool", "char", "derive", "expr", "f32", "f64",
    "false", "fn", "i128", "i16", "i32", "i64", "i8", "ident", "isize", "macro_rules", "self", "std",
    "str", "struct", "super", "trait", "true", "u128", "u16", "u32", "u64", "usize",
];

/// The words in code.
pub(super) fn words_in(code: Code<'_>) -> Vec<String> {
    (code.start..code.end).filter_map(|index| code.word(index)).map(str::to_owned).collect()
}
