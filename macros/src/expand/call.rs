//! The function that makes a call which has not run yet.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{ConstParam, FnArg, GenericParam, Index, Receiver, ReceiverKind, Signature, Type, TypeParam};

use super::{Attributes, Expansion, Names, attributes, signature, silent};

impl Expansion<'_> {
    pub(super) fn delayed(&self) -> TokenStream {
        let function = self.memoized.function;
        let Names { delayed, uncached, function: record, .. } = &self.names;
        let Attributes { everywhere, visibility, code, .. } = &self.attributes;
        let library = &self.library;
        let vis = silent(&function.vis);
        let Signature { generics, inputs, .. } = signature::with_named_lifetimes(&function.sig);
        let (where_clause, output) = (&generics.where_clause, self.memoized.output);
        let types: Vec<_> = inputs.iter().map(argument_type).collect();
        let turbofish = signature::turbofish(&generics);
        let arguments = self.arguments();
        let doc = format!(
            "A call of [`{0}`]({1}{0}) with these arguments; nothing runs yet.",
            function.sig.ident.unraw(),
            if self.memoized.is_associated { "Self::" } else { "fn@" }
        );
        let apart = attributes::unused_apart();
        let others = self.mention_of_others(&turbofish);
        let show = self.show();
        let indices = (0..arguments.len()).map(Index::from);
        let codec = self.codec();
        let copy = self.copy(&types);
        let instance = self.instance();
        let remote = self.remote();
        let made = quote! {
            #library::__private::FunctionCall::new(
                Self::#record(),
                &#instance,
                (#(#arguments,)*),
                #show,
                |__arguments| Self::#uncached #turbofish (#(__arguments.#indices),*),
                #codec,
                #remote,
            )
            .copied_by(#copy)
        };
        let signature =
            quote!(#generics (#inputs) -> #library::FunctionCall<(#(#types,)*), #output> #where_clause);
        // What is registered makes its calls itself: it is no use of the function that the compiler should count.
        let (made, registered) = if self.is_registered() {
            let registered = quote! {
                #(#everywhere)*
                #[doc(hidden)]
                #(#code)*
                fn __call #signature { #made }
            };
            (quote!(Self::__call(#(#arguments),*)), Some(registered))
        } else {
            (made, None)
        };
        quote! {
            #(#everywhere)* #(#visibility)*
            #[doc = #doc]
            #(#code)*
            #apart
            #vis fn #delayed #signature {
                #others
                #made
            }
            #registered
        }
    }

    /// Names what may be unused in a program that only makes delayed calls: the wrapper, and what is
    /// known of the function. (So the compiler speaks, at the user's name, if nothing of all is
    /// used.)
    fn mention_of_others(&self, turbofish: &TokenStream) -> TokenStream {
        let info = &self.names.info;
        let name = &self.memoized.function.sig.ident;
        let hidden = self.memoized.parameters.iter().any(|parameter| parameter.name == name);
        let wrapper = if self.attributes.is_deprecated {
            // The compiler would take it for a use.
            None
        } else if self.memoized.is_associated {
            Some(quote!(let _ = Self::#name #turbofish;))
        } else {
            // A parameter of the name would be meant.
            (!hidden).then(|| quote!(let _ = #name #turbofish;))
        };
        quote!(let _ = Self::#info; #wrapper)
    }

    /// An empty function with the type and const parameters that tell instances apart, and those
    /// that are types. In an impl block `Self` is one of them. Left out is a parameter that only
    /// ignored arguments have, such as the type of a closure that reports progress.
    fn instance(&self) -> TokenStream {
        let library = &self.library;
        let generics = &self.memoized.function.sig.generics;
        let mentions = |in_key: bool, name: &Ident| {
            let mut parameters = self.memoized.parameters.iter();
            parameters.any(|parameter| parameter.in_key == in_key && mentions(parameter.ty, name))
        };
        let is_only_ignored = |name: &Ident| {
            mentions(false, name) && !mentions(true, name) && !self::mentions(self.memoized.output, name)
        };
        let (mut declared, mut given, mut types) = (Vec::new(), Vec::new(), Vec::new());
        if self.memoized.is_associated {
            declared.push(quote!(__Self: ?::core::marker::Sized));
            given.push(quote!(Self));
            types.push(quote!(Self));
        }
        for parameter in &generics.params {
            match parameter {
                GenericParam::Type(TypeParam { ident, .. }) if !is_only_ignored(ident) => {
                    declared.push(quote!(#ident: ?::core::marker::Sized));
                    given.push(quote!(#ident));
                    types.push(quote!(#ident));
                }
                GenericParam::Const(ConstParam { ident, ty, .. }) => {
                    declared.push(quote!(const #ident: #ty));
                    given.push(quote!({ #ident }));
                }
                GenericParam::Lifetime(_) | GenericParam::Type(_) => {}
            }
        }
        let parameters = quote!(#library::__private::Parameters);
        if declared.is_empty() {
            return quote!(#parameters::<(), ()>::of(&()));
        }
        quote! {
            {
                fn __instance<#(#declared),*>() {}
                #parameters::<_, (#(::core::marker::PhantomData<#types>,)*)>::of(&__instance::<#(#given),*>)
            }
        }
    }

    /// A closure that shows the arguments that are in the key. Each is shown at the place of its type, where the error
    /// belongs if that cannot be serialized.
    fn show(&self) -> TokenStream {
        let receiver = self.memoized.receiver.map(|receiver| shown(0, "self", receiver));
        let first = usize::from(receiver.is_some());
        let parameters =
            self.memoized.parameters.iter().enumerate().filter(|(_, parameter)| parameter.in_key).map(
                |(index, parameter)| shown(first + index, &parameter.name.unraw().to_string(), parameter.ty),
            );
        let shown = receiver.into_iter().chain(parameters);
        quote! {
            |__arguments, __sink| {
                #(#shown)*
                ::core::result::Result::Ok(())
            }
        }
    }

    /// Picks whether the arguments can be copied for another attempt, which their types decide.
    fn copy(&self, types: &[TokenStream]) -> TokenStream {
        let library = &self.library;
        quote! {
            {
                use #library::__private::copies::{ViaClone as _, ViaNothing as _};
                (&&#library::__private::copies::Copies::<(#(#types,)*)>::new()).copy()
            }
        }
    }

    /// Picks how values of the output type are written; which implementation that is, the type decides. The type
    /// itself stays outside of the block whose imports could hide it.
    fn codec(&self) -> TokenStream {
        let library = &self.library;
        let output = self.memoized.output;
        let (first, _) = ends(output);
        let codec = if self.options.cache_err {
            quote_spanned!(first=> __select.whole())
        } else {
            quote_spanned!(first=> (&&&&&&&&__select).codec())
        };
        quote! {
            {
                use #library::__private::select::{
                    ViaRaw as _, ViaResult as _, ViaSymmetric as _, ViaValue as _,
                };
                let __select = #library::__private::select::Select::<#output>::new();
                #codec
            }
        }
    }
}

/// Whether `name` stands among the tokens of `ty`.
fn mentions(ty: &Type, name: &Ident) -> bool {
    fn any(tokens: TokenStream, name: &Ident) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == *name,
            TokenTree::Group(group) => any(group.stream(), name),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    any(ty.to_token_stream(), name)
}

/// One argument shown to the sink, at the place of `tokens`.
fn shown(index: usize, name: &str, tokens: &impl ToTokens) -> TokenStream {
    let (first, last) = ends(tokens);
    let mut index = Index::from(index);
    index.span = last;
    let argument = quote_spanned!(first=> &__arguments);
    quote!(__sink.argument(#name, #argument.#index)?;)
}

/// The places of the first and the last token, at which an error covers them all. They resolve names like all that is
/// written here.
fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let tokens: Vec<TokenTree> = tokens.to_token_stream().into_iter().collect();
    let at = |token: Option<&TokenTree>| {
        token.map_or_else(Span::call_site, |token| token.span().resolved_at(Span::call_site()))
    };
    (at(tokens.first()), at(tokens.last()))
}

/// The type of an argument in the tuple of the call.
fn argument_type(input: &FnArg) -> TokenStream {
    match input {
        FnArg::Typed(typed) => {
            let ty: &Type = &typed.ty;
            ty.to_token_stream()
        }
        FnArg::Receiver(Receiver { kind: ReceiverKind::Reference(_, lifetime, _), .. }) => {
            quote!(&#lifetime Self)
        }
        // Refused before; the compiler would point here.
        FnArg::Receiver(receiver) => quote_spanned!(receiver.span()=> Self),
    }
}
