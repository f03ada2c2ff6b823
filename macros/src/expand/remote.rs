//! What it takes to run a call in another process of the same program: sending its arguments, and serving it there.
//!
//! A free function without type and const parameters is registered when the program is linked. What is registered is not
//! generic, so that of a generic function no instance can be found, and of a method not even its type is known here. Whether
//! a parameter can be sent and received is asked of its type where the code is compiled, and is no error if it cannot: most
//! programs never start a worker process.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{GenericParam, Index, Lifetime, Type};

use super::Expansion;
use crate::check::Parameter;

impl Expansion<'_> {
    /// A function that gives what is needed to run a call elsewhere.
    pub(super) fn remote(&self) -> TokenStream {
        let library = &self.library;
        if let Some(reason) = self.stays() {
            return quote!(|| #library::__private::Remote::stays(#reason));
        }
        let sent = self.memoized.parameters.iter().enumerate().map(|(index, parameter)| {
            let (ty, place) = (bare(parameter.ty), place(parameter));
            let index = Index::from(index);
            let argument = if is_reference(parameter.ty) {
                quote_spanned!(place=> __arguments.#index)
            } else {
                quote_spanned!(place=> &__arguments.#index)
            };
            let name = parameter.name.to_string();
            quote_spanned!(place=> (&&&&#library::__private::remote::Send::<#ty>::new()).send(#argument, #name, __sink)?;)
        });
        let output = self.memoized.output;
        quote! {
            || {
                use #library::__private::remote::via::*;
                #library::__private::Remote::travels(
                    |__arguments, __sink| {
                        #(#sent)*
                        ::core::result::Result::Ok(())
                    },
                    (&&#library::__private::remote::Whole::<#output>::new()).whole(),
                    (&&&#library::__private::remote::ErrorText::<#output>::new()).error_text(),
                )
            }
        }
    }

    /// Registers the function, so that other processes of the program can be asked to run it.
    pub(super) fn registration(&self) -> Option<TokenStream> {
        if !self.is_registered() {
            return None;
        }
        let library = &self.library;
        let everywhere = &self.attributes.everywhere;
        let name = &self.memoized.function.sig.ident;
        let record = &self.names.function;
        let names: Vec<Ident> =
            (0..self.memoized.parameters.len()).map(|index| format_ident!("__argument{index}")).collect();
        let received = self.memoized.parameters.iter().zip(&names).map(|(parameter, name)| {
            let (ty, place) = (bare(parameter.ty), place(parameter));
            let name_text = parameter.name.to_string();
            // Without a lifetime to be seen it may be an alias of something that borrows for `'static`.
            let receive = if shows_lifetime(&ty) { quote!(Receive) } else { quote!(ReceiveOwned) };
            quote_spanned!(place=>
                let #name = (&&&#library::__private::remote::#receive::<#ty>::new()).receive(__request.arguments(), #name_text)?;
            )
        });
        let passed = self.memoized.parameters.iter().zip(&names).map(|(parameter, name)| {
            if is_reference(parameter.ty) { quote!(&*#name) } else { quote!(*#name) }
        });
        Some(quote! {
            #(#everywhere)*
            const _: () = {
                fn __rememo_serve(mut __request: #library::__private::worker::Request<'_>) -> #library::__private::worker::Served {
                    use #library::__private::remote::via::*;
                    #(#received)*
                    __request.run(#name::__call(#(#passed),*))
                }
                #library::__private::inventory::submit! {
                    #library::__private::worker::Registered::new(#name::#record, __rememo_serve)
                }
            };
        })
    }

    /// Whether other processes can find the function.
    pub(super) fn is_registered(&self) -> bool {
        self.stays().is_none()
    }

    /// Why calls of the function cannot leave the process, if they cannot.
    fn stays(&self) -> Option<&'static str> {
        let memoized = self.memoized;
        let is_generic = |parameter: &GenericParam| !matches!(parameter, GenericParam::Lifetime(_));
        if memoized.is_associated {
            return Some(
                "it is in an impl block, of which no other process knows the type: call a free function",
            );
        }
        if memoized.function.sig.generics.params.iter().any(is_generic) {
            return Some(
                "it is generic, and other processes cannot tell which instance is meant: call a function \
                         without type parameters",
            );
        }
        memoized
            .parameters
            .iter()
            .any(|parameter| borrows_for_ever(parameter.ty))
            .then_some("a parameter borrows for `'static`: take a shorter lifetime, or a value of its own")
    }
}

fn is_reference(ty: &Type) -> bool {
    matches!(ty, Type::Reference(_))
}

/// The type that is sent for a parameter of type `ty`: what a reference refers to, lifetimes left to inference.
fn bare(ty: &Type) -> Type {
    let mut bare = match ty {
        Type::Reference(reference) => (*reference.elem).clone(),
        other => other.clone(),
    };
    Inferred.visit_type_mut(&mut bare);
    bare
}

/// Leaves the lifetimes to inference.
struct Inferred;

impl VisitMut for Inferred {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        *lifetime = Lifetime::new("'_", lifetime.span());
    }

    fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
        reference.lifetime = None;
        self.visit_type_mut(&mut reference.elem);
    }

    /// These have lifetimes of their own, which must stay.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}

    fn visit_trait_bound_mut(&mut self, bound: &mut syn::TraitBound) {
        if bound.lifetimes.is_none() {
            visit_mut::visit_trait_bound_mut(self, bound);
        }
    }
}

/// Whether `'static` is written in the type.
fn borrows_for_ever(ty: &Type) -> bool {
    struct Static(bool);
    impl VisitMut for Static {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            self.0 |= lifetime.ident == "static";
        }
    }
    let mut found = Static(false);
    found.visit_type_mut(&mut ty.clone());
    found.0
}

/// Whether a reference or a lifetime is written in the type.
fn shows_lifetime(ty: &Type) -> bool {
    struct Shown(bool);
    impl VisitMut for Shown {
        fn visit_lifetime_mut(&mut self, _: &mut Lifetime) {
            self.0 = true;
        }

        fn visit_type_reference_mut(&mut self, _: &mut syn::TypeReference) {
            self.0 = true;
        }
    }
    let mut found = Shown(false);
    found.visit_type_mut(&mut ty.clone());
    found.0
}

/// Where errors about the type of a parameter belong.
fn place(parameter: &Parameter<'_>) -> Span {
    parameter.ty.span().resolved_at(Span::call_site())
}
