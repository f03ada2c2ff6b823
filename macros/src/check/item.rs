//! What the attribute stands on: a function, or something else with a name.

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Error, Item, ItemFn, Signature, Visibility};

/// The function in `tokens`.
pub(crate) fn function(tokens: TokenStream) -> syn::Result<ItemFn> {
    if let Some(signature) = without_body(tokens.clone()) {
        let message = "`#[memo]` takes a function with a body: memoize a function that calls this one";
        return Err(Error::new(signature.ident.span(), message));
    }
    match syn::parse2(tokens)? {
        Item::Fn(function) => Ok(function),
        other => {
            let (kind, span) = describe(&other);
            let message =
                format!("`#[memo]` takes a function, not {kind}: put it on the function to be remembered");
            Err(Error::new(span, message))
        }
    }
}

/// The signature of a function that ends in `;`, as in a trait.
fn without_body(tokens: TokenStream) -> Option<Signature> {
    let parser = |input: syn::parse::ParseStream| {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let signature: Signature = input.parse()?;
        input.parse::<syn::Token![;]>()?;
        Ok(signature)
    };
    syn::parse::Parser::parse2(parser, tokens).ok()
}

fn describe(item: &Item) -> (&'static str, Span) {
    match item {
        Item::Const(item) => ("a constant", item.ident.span()),
        Item::Enum(item) => ("an enum", item.ident.span()),
        Item::ForeignMod(item) => ("an `extern` block", item.abi.span()),
        Item::Impl(item) => ("an impl block", item.impl_token.span),
        Item::Macro(item) => ("a macro", item.mac.path.span()),
        Item::Mod(item) => ("a module", item.ident.span()),
        Item::Static(item) => ("a static", item.ident.span()),
        Item::Struct(item) => ("a struct", item.ident.span()),
        Item::Trait(item) => ("a trait", item.ident.span()),
        Item::Type(item) => ("a type alias", item.ident.span()),
        Item::Union(item) => ("a union", item.ident.span()),
        Item::Use(item) => ("an import", item.use_token.span),
        other => ("this", other.span()),
    }
}
