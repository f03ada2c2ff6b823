//! What is around the function: an impl block, in which what is written stands beside it as members,
//! or something in which a struct of its name can stand, and must not be in the way.

use proc_macro2::{Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Error, FnArg, ItemFn};

use crate::attr::Options;
use crate::errors::Errors;
use crate::reach::{self, COMPANIONS, Standing};

/// Types that are there without a name that could be imported.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64",
];

/// Whether the function is a member of an impl block, where `Self` is a type.
pub(super) fn is_associated(
    function: &ItemFn,
    standing: Standing,
    options: &Options,
    errors: &mut Errors,
) -> bool {
    let name = function.sig.ident.span();
    match standing {
        Standing::Inherent => true,
        Standing::OfTrait => {
            let message = "a memoized function cannot stand in the impl block of a trait, which has no room for its \
                           calls: memoize a function in an `impl` block of the type, and call it from this one";
            errors.push(Error::new(name, message));
            true
        }
        Standing::InTrait => {
            let message = "a memoized function cannot stand in a trait, as it would be another one for each type: \
                           memoize a free function, and call it from this one";
            errors.push(Error::new(name, message));
            true
        }
        Standing::Free => {
            if let Some(span) = options.associated {
                let message = "the function stands in no impl block: remove `associated`";
                errors.push(Error::new(span, message));
            }
            // What has a receiver was moved here by another macro, if it is no mistake.
            function.sig.receiver().is_some()
        }
        Standing::Unknown => {
            function.sig.receiver().is_some() || options.associated.is_some() || mentions_self(function)
        }
    }
}

/// Refuses names of free functions that mean something else in the same place. The struct of the
/// name would be meant instead.
pub(super) fn name(function: &ItemFn, errors: &mut Errors) {
    let ident = &function.sig.ident;
    let name = ident.unraw().to_string();
    if PRIMITIVES.contains(&name.as_str()) {
        let message = format!(
            "a memoized function cannot have the name of a primitive type: `{name}` would mean its calls, and not the \
             type, in all of the module"
        );
        errors.push(Error::new(ident.span(), message));
    } else if let Some(span) = other_use(function.to_token_stream(), &name)
        && reach::is_crate(&name)
    {
        let message = format!(
            "`{name}::` means the calls of the function `{name}` here, and not the crate: write `::{name}::`, or give \
             the function another name"
        );
        errors.push(Error::new(span, message));
    } else if reach::is_crate(&name)
        && let Some(line) = reach::other_use_of_name(function)
    {
        let message = format!(
            "`{name}::` means the calls of this function in all of the module, and not the crate, as it should in line \
             {line}: write `::{name}::` there, or give the function another name"
        );
        errors.push(Error::new(ident.span(), message));
    }
}

/// Where `name::` begins a path to something other than a companion.
fn other_use(function: TokenStream, name: &str) -> Option<Span> {
    let trees: Vec<TokenTree> = function.into_iter().collect();
    let is_colon = |index: Option<usize>, joint: bool| {
        let punct = index.and_then(|index| match trees.get(index)? {
            TokenTree::Punct(punct) => Some(punct),
            _ => None,
        });
        punct.is_some_and(|punct| punct.as_char() == ':' && (!joint || punct.spacing() == Spacing::Joint))
    };
    let is_separator =
        |index: Option<usize>| is_colon(index, true) && is_colon(index.map(|index| index + 1), false);
    let word = |index: usize| match trees.get(index) {
        Some(TokenTree::Ident(word)) => Some(word.unraw().to_string()),
        _ => None,
    };
    trees.iter().enumerate().find_map(|(index, tree)| match tree {
        TokenTree::Group(group) => other_use(group.stream(), name),
        TokenTree::Ident(ident) if ident.unraw() == name => {
            let is_companion = word(index + 3).is_some_and(|next| COMPANIONS.contains(&next.as_str()));
            let begins = is_separator(Some(index + 1)) && !is_separator(index.checked_sub(2));
            (begins && !is_companion).then(|| ident.span())
        }
        _ => None,
    })
}

/// Whether `Self` is mentioned, which shows that an impl block is around the function.
fn mentions_self(function: &ItemFn) -> bool {
    let mut finder = SelfFinder(false);
    finder.visit_signature(&function.sig);
    finder.visit_block(&function.block);
    finder.0
}

/// Finds a `Self` that means the type of an impl block around the function.
struct SelfFinder(bool);

impl<'ast> Visit<'ast> for SelfFinder {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0 |= path.segments.first().is_some_and(|first| first.ident == "Self");
        visit::visit_path(self, path);
    }

    /// An item in the body may have a `Self` of its own.
    fn visit_item(&mut self, _: &'ast syn::Item) {}

    /// A receiver's type is not written, yet part of the tree.
    fn visit_fn_arg(&mut self, argument: &'ast FnArg) {
        if let FnArg::Typed(argument) = argument {
            self.visit_pat_type(argument);
        }
    }
}
