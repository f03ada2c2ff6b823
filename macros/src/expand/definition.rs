//! The static record of a memoized function.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::Error;
use syn::ext::IdentExt;

use super::Expansion;
use crate::attr::Compress;
use crate::reach::{self, Effect, Fingerprint, Names, Track};
use crate::settings;

impl Expansion<'_> {
    /// The function that gives the record, its name settled.
    pub(super) fn function(&self) -> TokenStream {
        let function = &self.names.function;
        let library = &self.library;
        let everywhere = &self.attributes.everywhere;
        let fingerprint = reach::fingerprint(self.memoized.function, self.options.track);
        // Else nothing is allowed, as that is an error where the lint is forbidden.
        let may_be_unexpected = fingerprint.predicates.iter().any(|text| reach::may_be_unexpected(text));
        let said_once = may_be_unexpected.then(
            || quote!(#[allow(unexpected_cfgs, reason = "said once already, where the predicate stands")]),
        );
        let impure = self.impure(&fingerprint.effects);
        let definition = self.definition(fingerprint);
        // Not generic even in a generic impl block: one record serves all instances.
        quote! {
            #impure
            #(#everywhere)*
            #[doc(hidden)]
            #said_once
            fn #function() -> &'static #library::__private::Function {
                static __REMEMO_FUNCTION: #library::__private::Function =
                    #library::__private::Function::new(#definition);
                __REMEMO_FUNCTION.named(::core::any::type_name::<Self>())
            }
        }
    }

    /// The error of a function that is said to be pure and is seen not to be.
    fn impure(&self, effects: &[Effect]) -> Option<TokenStream> {
        self.options.pure.filter(|_| !effects.is_empty())?;
        let name = &self.memoized.function.sig.ident;
        let mut message = format!(
            "`{name}` is under `pure`, and its result may depend on more than its arguments and its code: give what it reads as an \
             argument, or take `pure` away"
        );
        for Effect { name, place, way } in effects {
            let _ = write!(message, "\n  `{name}` at {place}, by {}", way.join(" → "));
        }
        Some(Error::new(name.span(), message).into_compile_error())
    }

    fn definition(&self, fingerprint: Fingerprint) -> TokenStream {
        let library = &self.library;
        let memoized = self.memoized;
        let function = memoized.function.sig.ident.unraw().to_string();
        let method = memoized.is_associated;
        let name = option(self.options.name.as_ref().map(|name| quote!(#name)));
        let version = &self.options.version;
        let Fingerprint { digest, items, predicates, effects, asks_for_key } = fingerprint;
        let ordinal = ordinal(&function, digest);
        let Names { package, types } =
            reach::names(memoized.function, self.options.track, self.options.name.is_some(), method);
        let reads = effects.iter().map(|Effect { name, place, .. }| format!("{name}\t{place}\n"));
        let reads: Vec<_> = reads.collect();
        let (items, types, reads) = (text(&items), text(&types), text(&reads.concat()));
        // Who says what counts of the source does not want the machine code to count.
        let settings = if self.options.track == Track::Reach { settings::digest() } else { "" };
        let fingerprint = Literal::byte_string(&digest);
        let predicates = predicates.iter().filter_map(|text| {
            let tokens: TokenStream = text.parse().ok()?;
            Some(quote!((#text, ::core::cfg!(#tokens))))
        });
        let receiver = memoized.receiver.map(|_| "self".to_owned());
        let in_key = memoized.parameters.iter().filter(|parameter| parameter.in_key);
        let parameters =
            receiver.into_iter().chain(in_key.map(|parameter| parameter.name.unraw().to_string()));
        let ttl = option(self.options.ttl.map(duration));
        // Bound to its type first, for an error that speaks of the function and not of `Some`.
        let valid = option(
            self.options
                .valid
                .as_ref()
                .map(|valid| quote!({ let __valid: fn(&#library::EntryInfo) -> bool = #valid; __valid })),
        );
        let min_cost = duration(self.options.min_cost);
        let compress = self.compress();
        quote! {
            #library::__private::Definition {
                module_path: ::core::module_path!(),
                function: #function,
                method: #method,
                ordinal: #ordinal,
                name: #name,
                package: #package,
                types: #types,
                version: #version,
                fingerprint: *#fingerprint,
                cfg: &[#(#predicates),*],
                settings: #settings,
                items: #items,
                reads: #reads,
                asks_for_key: #asks_for_key,
                parameters: &[#(#parameters),*],
                ttl: #ttl,
                valid: #valid,
                min_cost: #min_cost,
                compress: #compress,
                file: ::core::file!(),
                line: ::core::line!(),
            }
        }
    }

    /// Whether values are compressed. Where the library cannot, that is an error at the option.
    fn compress(&self) -> TokenStream {
        let library = &self.library;
        let compress = quote!(#library::__private::Compress);
        match self.options.compress {
            Compress::AsMemory => quote!(#compress::AsMemory),
            Compress::Never => quote!(#compress::Never),
            Compress::At(level, span) => {
                let mut library: Vec<TokenTree> = quote!(#library).into_iter().collect();
                for token in &mut library {
                    token.set_span(token.span().located_at(span));
                }
                let library: TokenStream = library.into_iter().collect();
                let level = quote_spanned!(span=> #library::__private::Level::of_function(#level));
                quote!(#compress::At(#level))
            }
        }
    }
}

/// How many functions of this name and text came before in this run of the compiler, which reads each once and in the
/// order of the source. Tells two of them apart that stand in two blocks of one body, where their paths are equal.
fn ordinal(name: &str, fingerprint: [u8; 32]) -> u32 {
    static SEEN: Mutex<BTreeMap<(String, [u8; 32]), u32>> = Mutex::new(BTreeMap::new());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let next = seen.entry((name.to_owned(), fingerprint)).or_default();
    *next += 1;
    *next - 1
}

/// A text that other code changes. In a static, which ends where its symbol says; a constant without a symbol could be taken
/// for a part of what lies before it, such as a constant that some function refers to.
fn text(text: &str) -> TokenStream {
    if text.is_empty() {
        return quote!(&[]);
    }
    let (bytes, length) = (Literal::byte_string(text.as_bytes()), text.len());
    quote!({
        static __REMEMO_TEXT: [::core::primitive::u8; #length] = *#bytes;
        &__REMEMO_TEXT
    })
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

fn duration(duration: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_other_code_changes_has_a_symbol() {
        let written = quote!({
            static __REMEMO_TEXT: [::core::primitive::u8; 4usize] = *b"a\tb\n";
            &__REMEMO_TEXT
        });
        assert_eq!(text("a\tb\n").to_string(), written.to_string());
        assert_eq!(text("").to_string(), quote!(&[]).to_string());
    }
}
