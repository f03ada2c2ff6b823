//! Where a function stands: by itself, or as a member of an `impl` or a trait; and what stands
//! beside it.
//!
//! The compiler gives a macro the function alone. The source file has the rest, and the function's
//! name is at a known line of it. What a macro wrote stands on no line of its own, so that nothing
//! is known of it. Nothing that is found here joins a key: if the file is not what the compiler
//! reads, code is written that does not compile.

use std::fs;
use std::path::Path;

use syn::ItemFn;
use syn::ext::IdentExt;

use super::items::{Item, What, items, nested};
use super::tokens::{Code, Tokens};
use super::world::World;
use super::{in_editor, location};

/// Where a function stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In a module, or in the body of something.
    Free,
    /// In `impl Type`.
    Inherent,
    /// In `impl Trait for Type`.
    OfTrait,
    /// In `trait Trait`.
    InTrait,
    #[default]
    Unknown,
}

/// Names that stand behind a function's own as `f::…`.
pub(crate) const COMPANIONS: [&str; 5] = ["delayed", "uncached", "info", "__call", "__function"];

/// The crates of the standard library.
const STANDARD: [&str; 3] = ["core", "alloc", "std"];

/// Where `function` stands.
pub(crate) fn standing(function: &ItemFn) -> Standing {
    let Some((file, line)) = location(&function.sig.ident) else { return Standing::Unknown };
    let found = with_file(&file, |code| Found::of(code, line, &own_name(function)).standing());
    found.unwrap_or_default()
}

/// Whether code can name a crate so.
pub(crate) fn is_crate(name: &str) -> bool {
    STANDARD.contains(&name)
        || (!in_editor() && World::with(|world| world.compilation.libraries.contains_key(name)))
}

/// The line of an item beside `function` in which its name, with `::` behind, cannot mean it.
pub(crate) fn other_use_of_name(function: &ItemFn) -> Option<u32> {
    let (file, line) = location(&function.sig.ident)?;
    let name = own_name(function);
    with_file(&file, |code| {
        let beside = Found::of(code, line, &name).beside;
        beside.into_iter().find_map(|(start, end)| other_use(code.range(start, end), &name))
    })?
}

fn own_name(function: &ItemFn) -> String {
    function.sig.ident.unraw().to_string()
}

/// Lets `look` see the tokens of a file.
fn with_file<T>(file: &Path, look: impl FnOnce(Code<'_>) -> T) -> Option<T> {
    if in_editor() {
        return Some(look(Tokens::lex(fs::read_to_string(file).ok()?)?.code()));
    }
    World::with(|world| {
        let sources = &world.index().sources;
        Some(look(sources.iter().find(|source| source.path == file)?.tokens.code()))
    })
}

/// The functions of one name on one line.
#[derive(Debug, Default)]
struct Found {
    standings: Vec<Standing>,
    /// The items in the scope of those that are free, as ranges of tokens.
    beside: Vec<(usize, usize)>,
}

impl Found {
    fn of(code: Code<'_>, line: u32, name: &str) -> Self {
        let mut found = Found::default();
        found.look(&items(code), code, &Wanted { line, name }, Standing::Free);
        found
    }

    /// Where they stand, if all of them stand alike.
    fn standing(&self) -> Standing {
        match self.standings.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
            _ => Standing::Unknown,
        }
    }

    /// Looks among items of which each stands `as` this.
    fn look(&mut self, among: &[Item], code: Code<'_>, wanted: &Wanted<'_>, standing: Standing) {
        for item in among.iter().filter(|item| wanted.may_be_in(code, item)) {
            match &item.what {
                What::Function if wanted.is(code, item) => {
                    self.standings.push(standing);
                    if standing == Standing::Free {
                        let others =
                            among.iter().filter(|other| other.start != item.start && is_beside(other));
                        self.beside.extend(others.map(|other| (other.start, other.end)));
                    }
                }
                What::Function | What::Value => {
                    let start = item.name.map_or(item.keyword, |name| name + 1);
                    self.look(&nested(code.range(start, item.end)), code, wanted, Standing::Free);
                }
                What::Impl(header, members) => {
                    let of_trait = header.of_trait.is_some();
                    let standing = if of_trait { Standing::OfTrait } else { Standing::Inherent };
                    self.look(members, code, wanted, standing);
                }
                What::Trait(members) => self.look(members, code, wanted, Standing::InTrait),
                What::Module(Some((start, end))) => {
                    self.look(&items(code.range(*start, *end)), code, wanted, Standing::Free);
                }
                _ => {}
            }
        }
    }
}

/// What the macro was given.
#[derive(Debug)]
struct Wanted<'n> {
    line: u32,
    name: &'n str,
}

impl Wanted<'_> {
    fn may_be_in(&self, code: Code<'_>, item: &Item) -> bool {
        code.line(item.start) <= self.line && self.line <= code.line(item.end - 1)
    }

    fn is(&self, code: Code<'_>, function: &Item) -> bool {
        let is_name = |name| code.line(name) == self.line && code.word(name) == Some(self.name);
        function.name.is_some_and(is_name)
    }
}

/// Whether names in the item are those of the scope that it stands in.
fn is_beside(item: &Item) -> bool {
    !matches!(item.what, What::Module(_) | What::Macro)
}

/// The line in which `name::` begins a path to something other than a companion.
fn other_use(code: Code<'_>, name: &str) -> Option<u32> {
    let is_other_use = |index: &usize| {
        code.word(*index) == Some(name)
            && code.is_path_separator(index + 1)
            && !code.is_path_separator(index.wrapping_sub(2))
            && !code.word(index + 3).is_some_and(|next| COMPANIONS.contains(&next))
    };
    (code.start..code.end).find(is_other_use).map(|index| code.line(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the functions `f` stand whose names are on lines with the word `here`.
    fn standings(source: &str) -> Vec<Standing> {
        let tokens = Tokens::lex(source.to_owned()).unwrap();
        let lines = (1..).zip(source.lines()).filter(|(_, line)| line.contains("/* here */"));
        lines.map(|(line, _)| Found::of(tokens.code(), line, "f").standing()).collect()
    }

    #[test]
    fn functions_stand_in_modules_impls_and_traits() {
        use Standing::{Free, InTrait, Inherent, OfTrait};
        let source = "
            #[memo] pub fn f() -> u8 { 1 } /* here */
            mod inner {
                #[memo]
                pub(super) fn r#f() -> u8 { 1 } /* here */
            }
            impl<T: Into<u8>> Holder<T> where T: for<'a> A<'a> {
                const F: u8 = 1;
                #[memo] fn f(x: u8) -> u8 { /* here */
                    #[memo] fn f() -> u8 { 2 } /* here */
                    f()
                }
            }
            impl for<'a> B<'a> for Holder<{ 1 + 1 }> {
                fn f(&self) -> u8 { 1 } /* here */
            }
            trait C {
                fn g() -> u8 { fn f() -> u8 { 1 } f() } /* here */
                fn f(&self) -> u8 { 1 } /* here */
            }
            const G: u8 = { impl A { fn f() -> u8 { 1 } } 1 }; /* here */
        ";
        assert_eq!(standings(source), [Free, Free, Inherent, Free, OfTrait, Free, InTrait, Inherent]);
    }

    #[test]
    fn what_a_macro_writes_stands_nowhere() {
        let source = "
            macro_rules! make { ($t:ty) => { impl $t {
                fn f() -> u8 { 1 } /* here */
            } } }
            make! {
                fn f() -> u8 { 1 } /* here */
            }
            fn f() -> u8 { 1 } impl A { fn f() -> u8 { 1 } } /* here */
        ";
        assert_eq!(standings(source), [Standing::Unknown; 3]);
    }

    #[test]
    fn another_use_of_the_name_is_seen_beside_a_function() {
        let use_in = |source: &str| {
            let tokens = Tokens::lex(source.to_owned()).unwrap();
            let beside = Found::of(tokens.code(), 1, "f").beside;
            beside.into_iter().find_map(|(start, end)| other_use(tokens.code().range(start, end), "f"))
        };
        for (beside, line) in [
            ("use f::A;", Some(2)),
            ("use f::{A, B};", Some(2)),
            ("fn g() -> u8 {\n f::g() }", Some(3)),
            ("impl A { fn g(x: f::X) {} }", Some(2)),
            ("fn g() { f::delayed(); f::info(); a::f::b(); ::f::b(); f(); }", None),
            ("mod a { fn g() { f::g() } }", None),
        ] {
            assert_eq!(use_in(&format!("#[memo] fn f() -> u8 {{ f::own() }}\n{beside}")), line, "{beside}");
        }
        assert_eq!(use_in("impl A { fn f() {} }\nuse f::A;"), None, "a member has no name of its own");
    }
}
