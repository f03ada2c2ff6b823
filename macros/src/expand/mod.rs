//! Step three: the tokens.
//!
//! What is written is thin: it states what is known of the function, names its arguments and its
//! body, and leaves the rest to ordinary functions of the library. A free function `f` becomes a
//! function `f`, a braced struct `f {}` of the same name (in the namespace of types, so that both
//! can be), and its associated functions. In an `impl` block the same functions stand beside it,
//! under longer names: neither a struct nor another block may be written there.
//!
//! The body stays as it was written, under its own signature, so that errors and lints in it point
//! at the user's code. Everything else resolves its names where the attribute stands
//! ([`silent`]), also what is at the place of the user's words. The compiler and clippy
//! take that for code of another crate and keep silent. So no lint is allowed, which would be an error
//! where it is forbidden; but for one of clippy's nursery, which speaks of the body. All paths to the standard library begin with `::core`, since
//! names such as `Ok` or `Option` may be shadowed.
//!
//! Why a braced struct: it lives in the namespace of types alone, and unlike a module it can stand
//! in the body of a function. It hides a crate or a primitive type of its name, which `check`
//! refuses where that does harm.

mod attributes;
mod call;
mod definition;
mod remote;
mod signature;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
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
        names: if memoized.is_associated { Names::of_member(name) } else { Names::of_function() },
    };
    let wrapper = expansion.wrapper();
    let companions = expansion.companions();
    if memoized.is_associated {
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

    fn of_member(name: &Ident) -> Self {
        let name = silent_name(&name.unraw());
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
        let mut signature = signature::passing(&function.sig);
        if self.attributes.is_deprecated {
            // Nothing mentions it, so that it would be called unused where only others are called.
            signature.fn_token.span = silent_place(signature.fn_token.span);
        }
        let Attributes { everywhere, wrapper, code, .. } = &self.attributes;
        let Names { delayed, .. } = &self.names;
        let library = &self.library;
        let turbofish = signature::turbofish(&function.sig.generics);
        let carrier = self.carrier_path();
        let arguments = self.arguments();
        let call = quote!(#library::__private::call(#carrier::#delayed #turbofish (#(#arguments),*)));
        // The braces of the body, not of the attribute: else the compiler takes the function for one of another
        // crate's, and never calls it unused.
        let mut block = TokenTree::from(Group::new(Delimiter::Brace, call));
        let place = function.block.brace_token.span.join();
        block.set_span(if self.attributes.is_deprecated { silent_place(place) } else { place });
        quote! {
            #(#everywhere)* #(#wrapper)* #(#code)*
            #vis #signature #block
        }
    }

    /// The struct that carries the companions of a free function.
    fn carrier(&self) -> TokenStream {
        let vis = silent(&self.memoized.function.vis);
        let name = silent_name(&self.memoized.function.sig.ident);
        let doc = format!(
            "The memoized function [`{0}`](fn@{0}): its calls, its body, and what is known of it.",
            self.memoized.function.sig.ident.unraw()
        );
        let Attributes { everywhere, visibility, .. } = &self.attributes;
        quote! {
            #(#everywhere)* #(#visibility)*
            #[doc = #doc]
            #[non_exhaustive]
            #vis struct #name {}
        }
    }

    /// What stands before the `::` in calls of companions.
    fn carrier_path(&self) -> TokenStream {
        let name = &self.memoized.function.sig.ident;
        if self.memoized.is_associated { quote!(Self) } else { name.to_token_stream() }
    }

    /// The arguments as expressions, receiver first.
    fn arguments(&self) -> Vec<TokenStream> {
        let receiver = self.memoized.receiver.map(|receiver| receiver.self_token.to_token_stream());
        let parameters = self
            .memoized
            .parameters
            .iter()
            .map(|parameter| signature::passed(parameter.name).into_token_stream());
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
        let vis = silent(&function.vis);
        let mut signature = function.sig.clone();
        signature.ident = self.names.uncached.clone();
        signature::without_note_of_unit(&mut signature);
        let block = &function.block;
        let Attributes { everywhere, visibility, code, body, .. } = &self.attributes;
        quote! {
            #(#everywhere)* #(#visibility)*
            #[doc = "Runs the body; neither reads nor writes a cache."]
            #[allow(clippy::missing_const_for_fn, reason = "a memoized function cannot be `const`")]
            #(#code)* #(#body)*
            #vis #signature #block
        }
    }

    /// What is known of the function, for people.
    fn info(&self) -> TokenStream {
        let vis = silent(&self.memoized.function.vis);
        let library = &self.library;
        let Names { info, function, .. } = &self.names;
        let apart = attributes::unused_apart();
        let Attributes { everywhere, visibility, .. } = &self.attributes;
        quote! {
            #(#everywhere)* #(#visibility)*
            #[doc = "What is known of the function: its name, its place and its fingerprint."]
            #apart
            #[must_use]
            #vis fn #info() -> #library::report::FunctionInfo {
                Self::#function().info()
            }
        }
    }
}

/// The same tokens as if the macro had written them, at the places where they are: lints keep
/// silent there, as the compiler takes them for those of another crate. (In parentheses there may be
/// a `$crate`, which must stay as it is.)
fn silent(tokens: impl ToTokens) -> TokenStream {
    let tokens = tokens.into_token_stream().into_iter();
    tokens
        .map(|mut token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                Group::new(Delimiter::None, silent(group.stream())).into()
            }
            _ => {
                token.set_span(silent_place(token.span()));
                token
            }
        })
        .collect()
}

fn silent_name(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(silent_place(name.span()));
    name
}

fn silent_place(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

#[cfg(test)]
mod tests;
