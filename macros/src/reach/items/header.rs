//! The header of an `impl` block.

use super::super::tokens::Code;
use super::{angle_depth, block_or_semicolon};

/// The parts of `impl<…> Trait for Type where … {`, as ranges of tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// The trait, without `!` or `const` before it.
    pub(crate) of_trait: Option<(usize, usize)>,
    pub(crate) self_type: (usize, usize),
    /// The names that are declared between `<` and `>`, and what is said of them.
    pub(crate) generics: (usize, usize),
    /// The index of the brace.
    pub(crate) end: usize,
}

impl Header {
    /// The header that begins with the `impl` at `index`.
    pub(super) fn new(code: Code<'_>, index: usize) -> Option<Self> {
        let end = block_or_semicolon(code, index)?;
        let mut at = index + 1;
        // `impl <T as Trait>::Type {` has a space there for people only: a path is read as generics, and the names in it as
        // declared. rustc reads it so, too.
        let generics = if code.is_punct(at, '<') { after_generics(code, at, end) } else { at };
        let generics = (at, generics);
        at = generics.1;
        while code.is_punct(at, '!') || code.is_word(at, "const") {
            at += 1;
        }
        let (mut trait_end, mut type_end) = (None, end);
        let mut depth = 0;
        let mut index = at;
        while index < end {
            depth = angle_depth(code, index, depth);
            if depth == 0 {
                // `for<'a>` is part of a type.
                if code.is_word(index, "for") && trait_end.is_none() && !code.is_punct(index + 1, '<') {
                    trait_end = Some(index);
                }
                if code.is_word(index, "where") {
                    type_end = index;
                    break;
                }
            }
            index = code.after(index);
        }
        let of_trait = trait_end.map(|end| (at, end));
        let self_type = (trait_end.map_or(at, |end| end + 1), type_end);
        Some(Header { of_trait, self_type, generics, end })
    }
}

/// The index after the `<…>` at `index`.
fn after_generics(code: Code<'_>, mut index: usize, end: usize) -> usize {
    let mut depth = 0;
    while index < end {
        depth = angle_depth(code, index, depth);
        index = code.after(index);
        if depth == 0 {
            break;
        }
    }
    index
}
