//! Which generated item gets which of the user's attributes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

/// For what the macro adds to an impl block, behind the user's attributes. The compiler reports at
/// once what is unused in a block and has one level, and nothing of it if a part comes from a macro.
/// No other level than the highest can be set where the lint is forbidden.
pub(super) fn unused_apart() -> TokenStream {
    quote!(#[forbid(dead_code)])
}

/// The user's attributes, by where they belong.
#[derive(Default)]
pub(super) struct Attributes {
    /// `cfg`: on every item, so that all of them are there or none.
    pub(super) everywhere: Vec<Attribute>,
    /// `doc(hidden)` and `doc(cfg(…))`: on every item but the wrapper, which has them among `wrapper`.
    pub(super) visibility: Vec<Attribute>,
    /// Docs and what is said to callers.
    pub(super) wrapper: Vec<Attribute>,
    /// Levels of lints: on every function with the user's names, types or code.
    pub(super) code: Vec<Attribute>,
    /// All others, such as `inline`: on the function that has the body.
    pub(super) body: Vec<Attribute>,
    /// Whether the function is, at least in some builds.
    pub(super) is_deprecated: bool,
}

impl Attributes {
    pub(super) fn of(attributes: &[Attribute]) -> Self {
        let mut sorted = Attributes::default();
        for attribute in attributes {
            sorted.sort(attribute, &attribute.meta);
        }
        sorted
    }

    /// Puts `attribute` where `meta` belongs, which is the attribute itself or what a `cfg_attr` turns it into.
    fn sort(&mut self, attribute: &Attribute, meta: &Meta) {
        let path = meta.path();
        let is = |name: &str| path.is_ident(name);
        if is("cfg_attr") {
            self.sort_conditional(attribute, meta);
        } else if is("cfg") {
            self.everywhere.push(attribute.clone());
        } else if is("doc") {
            if matches!(meta, Meta::List(list) if is_doc_visibility(list)) {
                self.visibility.push(attribute.clone());
            }
            self.wrapper.push(attribute.clone());
        } else if is("must_use") {
            self.wrapper.push(attribute.clone());
            self.body.push(attribute.clone());
        } else if is("deprecated") {
            self.is_deprecated = true;
            self.wrapper.push(attribute.clone());
        } else if ["allow", "warn", "deny", "forbid"].into_iter().any(is) {
            self.code.push(attribute.clone());
        } else if is("expect") {
            self.code.push(allowed(attribute, meta));
        } else {
            self.body.push(attribute.clone());
        }
    }

    /// Sorts each attribute of a `cfg_attr(condition, …)` by itself.
    fn sort_conditional(&mut self, attribute: &Attribute, meta: &Meta) {
        let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
        let parts = match meta {
            Meta::List(list) => parser.parse2(list.tokens.clone()).unwrap_or_default(),
            _ => Punctuated::new(),
        };
        let mut parts = parts.into_iter();
        let Some(condition) = parts.next() else {
            // Not what the compiler takes: it says so where it finds it.
            self.body.push(attribute.clone());
            return;
        };
        for meta in parts {
            self.sort(&parse_quote!(#[cfg_attr(#condition, #meta)]), &meta);
        }
    }
}

/// `expect` asks for a lint on one item, and the code is spread over several: no single one of them need have it. So
/// the lint is allowed on all.
fn allowed(attribute: &Attribute, meta: &Meta) -> Attribute {
    let Meta::List(list) = meta else { return attribute.clone() };
    let lints = &list.tokens;
    match attribute.path().is_ident("cfg_attr").then(|| condition(attribute)).flatten() {
        Some(condition) => parse_quote!(#[cfg_attr(#condition, allow(#lints))]),
        None => parse_quote!(#[allow(#lints)]),
    }
}

/// The condition of a `cfg_attr`.
fn condition(attribute: &Attribute) -> Option<Meta> {
    let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    metas.into_iter().next()
}

fn is_doc_visibility(list: &syn::MetaList) -> bool {
    let tokens = &list.tokens;
    let first = quote!(#tokens).into_iter().next();
    matches!(first, Some(proc_macro2::TokenTree::Ident(name)) if name == "hidden" || name == "cfg")
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn sorted(attributes: &[Attribute]) -> [Vec<String>; 5] {
        let Attributes { everywhere, visibility, wrapper, code, body, .. } = Attributes::of(attributes);
        [everywhere, visibility, wrapper, code, body]
            .map(|list| list.iter().map(|attribute| attribute.to_token_stream().to_string()).collect())
    }

    #[track_caller]
    fn goes(attribute: &Attribute, places: [bool; 5]) {
        assert_eq!(sorted(std::slice::from_ref(attribute)).map(|list| !list.is_empty()), places);
    }

    #[test]
    fn each_attribute_goes_where_it_belongs() {
        goes(&parse_quote!(#[cfg(unix)]), [true, false, false, false, false]);
        goes(&parse_quote!(#[doc = "Docs."]), [false, false, true, false, false]);
        goes(&parse_quote!(#[doc(alias = "g")]), [false, false, true, false, false]);
        goes(&parse_quote!(#[doc(hidden)]), [false, true, true, false, false]);
        goes(&parse_quote!(#[must_use]), [false, false, true, false, true]);
        goes(&parse_quote!(#[deprecated]), [false, false, true, false, false]);
        goes(&parse_quote!(#[deny(unused)]), [false, false, false, true, false]);
        goes(&parse_quote!(#[inline]), [false, false, false, false, true]);
        goes(&parse_quote!(#[tracing::instrument(skip(x))]), [false, false, false, false, true]);
    }

    #[test]
    fn conditional_attributes_are_sorted_one_by_one() {
        let sorted = sorted(&[
            parse_quote!(#[cfg_attr(all(unix, test), inline, doc = "D", expect(unused, reason = "r"))]),
        ]);
        assert_eq!(
            sorted,
            [
                vec![],
                vec![],
                vec!["# [cfg_attr (all (unix , test) , doc = \"D\")]".to_owned()],
                vec!["# [cfg_attr (all (unix , test) , allow (unused , reason = \"r\"))]".to_owned()],
                vec!["# [cfg_attr (all (unix , test) , inline)]".to_owned()],
            ]
        );
    }

    #[test]
    fn an_expected_lint_is_allowed() {
        let sorted = sorted(&[parse_quote!(#[expect(unused, reason = "r")])]);
        assert_eq!(sorted[3], ["# [allow (unused , reason = \"r\")]"]);
    }
}
