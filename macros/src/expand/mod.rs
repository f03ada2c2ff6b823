//! Step three: the tokens.
//!
//! What is written is thin: it states what is known of the function, names its arguments and its body, and leaves the
//! rest to ordinary functions of the library. A free function `f` becomes a function `f`, a braced struct `f {}` of
//! the same name (in the namespace of types, so that both can be), and its associated functions. Of a method the macro
//! sees only the method, so that it writes the same functions beside it under longer names.
//!
//! The body stays as it was written, under its own signature, so that errors and lints in it point at the user's code.
//! Everything else carries the place of the attribute, where lints of the compiler and of clippy keep silent; only
//! names and types that the user wrote need an `allow`. All paths to the standard library begin with `::core`, since
//! names such as `Ok` or `Option` may be shadowed.
//!
//! Why a braced struct: it lives in the namespace of types alone, and unlike a module it can stand
//! in the body of a function. An associated function without `self` looks like a free function to
//! the macro. The struct that is written beside it is then the compiler's error.

mod attributes;
mod call;
mod definition;
mod remote;
mod signature;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;

use self::attributes::Attributes;
use crate::attr::Options;
use crate::check::Memoized;

/// What every part of the expansion is written from.
struct Expansion<'a> {
    memoized: &'a Memoized<'a>,
    options: &'a Options,
    /// Path to the library.
    library: TokenStream,
    attributes: Attributes,
    names: Names,
}

/// The names of the functions that are written.
struct Names {
    delayed: Ident,
    uncached: Ident,
    info: Ident,
    /// Gives the static record of the function.
    function: Ident,
}

/// Writes the memoized function and its companions.
pub(crate) fn expand(memoized: &Memoized<'_>, options: &Options) -> TokenStream {
    let name = &memoized.function.sig.ident;
    let expansion = Expansion {
        memoized,
        options,
        library: options.library.as_ref().map_or_else(|| quote!(::rememo), ToTokens::to_token_stream),
        attributes: Attributes::of(&memoized.function.attrs),
        names: if memoized.receiver.is_some() { Names::of_method(name) } else { Names::of_function() },
    };
    let wrapper = expansion.wrapper();
    let companions = expansion.companions();
    if memoized.receiver.is_some() {
        return quote!(#wrapper #companions);
    }
    let carrier = expansion.carrier();
    let registration = expansion.registration();
    let everywhere = &expansion.attributes.everywhere;
    quote! {
        #wrapper
        #carrier
        #(#everywhere)*
        impl #name {
            #companions
        }
        #registration
    }
}

impl Names {
    fn of_function() -> Self {
        Names {
            delayed: format_ident!("delayed"),
            uncached: format_ident!("uncached"),
            info: format_ident!("info"),
            function: format_ident!("__function"),
        }
    }

    fn of_method(name: &Ident) -> Self {
        let name = name.unraw();
        Names {
            delayed: format_ident!("{name}_delayed"),
            uncached: format_ident!("{name}_uncached"),
            info: format_ident!("{name}_info"),
            function: format_ident!("__{name}_function"),
        }
    }
}

impl Expansion<'_> {
    /// The function under its own name: runs the call in the current memory.
    fn wrapper(&self) -> TokenStream {
        let function = self.memoized.function;
        let vis = &function.vis;
        let signature = signature::passing(&function.sig);
        let Attributes { everywhere, wrapper, code, .. } = &self.attributes;
        let lints = attributes::wrapper_lints();
        let Names { delayed, .. } = &self.names;
        let library = &self.library;
        let turbofish = signature::turbofish(&function.sig.generics);
        let carrier = self.carrier_path();
        let arguments = self.arguments();
        let call = quote!(#library::__private::call(#carrier::#delayed #turbofish (#(#arguments),*)));
        // The braces of the body, not of the attribute: else the compiler takes the function for one of another
        // crate's, and never calls it unused.
        let mut block = TokenTree::from(Group::new(Delimiter::Brace, call));
        block.set_span(function.block.brace_token.span.join());
        quote! {
            #(#everywhere)* #lints #(#wrapper)* #(#code)*
            #vis #signature #block
        }
    }

    /// The struct that carries the companions of a free function.
    fn carrier(&self) -> TokenStream {
        let vis = &self.memoized.function.vis;
        let name = &self.memoized.function.sig.ident;
        let doc = format!(
            "The memoized function [`{0}`](fn@{0}): its calls, its body, and what is known of it.",
            name.unraw()
        );
        let Attributes { everywhere, visibility, .. } = &self.attributes;
        quote! {
            #(#everywhere)* #(#visibility)*
            #[doc = #doc]
            #[allow(
                missing_debug_implementations,
                non_camel_case_types,
                unnameable_types,
                unreachable_pub,
                clippy::empty_structs_with_brackets,
                clippy::exhaustive_structs,
                clippy::module_name_repetitions,
                reason = "stands beside the function, under its name, and is never made"
            )]
            #vis struct #name {}
        }
    }

    /// What stands before the `::` in calls of companions.
    fn carrier_path(&self) -> TokenStream {
        match self.memoized.receiver {
            Some(_) => quote!(Self),
            None => self.memoized.function.sig.ident.to_token_stream(),
        }
    }

    /// The arguments as expressions, receiver first.
    fn arguments(&self) -> Vec<TokenStream> {
        let receiver = self.memoized.receiver.map(|receiver| receiver.self_token.to_token_stream());
        let parameters = self.memoized.parameters.iter().map(|parameter| parameter.name.to_token_stream());
        receiver.into_iter().chain(parameters).collect()
    }

    /// The functions beside the memoized one.
    fn companions(&self) -> TokenStream {
        let delayed = self.delayed();
        let uncached = self.uncached();
        let info = self.info();
        let function = self.function();
        quote!(#delayed #uncached #info #function)
    }

    /// The body, under the signature that the user wrote.
    fn uncached(&self) -> TokenStream {
        let function = self.memoized.function;
        let vis = &function.vis;
        let mut signature = function.sig.clone();
        signature.ident = self.names.uncached.clone();
        let block = &function.block;
        let Attributes { everywhere, visibility, code, body, .. } = &self.attributes;
        let lints = attributes::signature_lints();
        quote! {
            #(#everywhere)* #(#visibility)*
            #[doc = "Runs the body; neither reads nor writes a cache."]
            #lints
            #[allow(clippy::missing_const_for_fn, reason = "a memoized function cannot be `const`")]
            #(#code)* #(#body)*
            #vis #signature #block
        }
    }

    /// What is known of the function, for people.
    fn info(&self) -> TokenStream {
        let vis = &self.memoized.function.vis;
        let library = &self.library;
        let Names { info, function, .. } = &self.names;
        let Attributes { everywhere, visibility, .. } = &self.attributes;
        quote! {
            #(#everywhere)* #(#visibility)*
            #[doc = "What is known of the function: its name, its place and its fingerprint."]
            #[allow(dead_code, unreachable_pub, reason = "offered with every memoized function")]
            #[must_use]
            #vis fn #info() -> #library::report::FunctionInfo {
                Self::#function().info()
            }
        }
    }
}

#[cfg(test)]
mod tests;
