//! Variants of the user's signature.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{
    FnArg, GenericParam, Generics, Lifetime, LifetimeParam, Pat, ReceiverKind, ReturnType, Signature, Type,
};

use super::{silent_name, silent_place};

/// The signature of a function that only passes its arguments on: what concerns the body (`mut`, attributes of
/// parameters) is left out.
pub(super) fn passing(signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        match input {
            FnArg::Receiver(receiver) => receiver.attrs.clear(),
            FnArg::Typed(typed) => {
                typed.attrs.clear();
                if let Pat::Ident(name) = typed.pat.as_mut() {
                    name.mutability = None;
                    name.ident = passed(&name.ident);
                }
            }
        }
    }
    without_note_of_unit(&mut signature);
    signature
}

/// The name of a parameter where it is passed on. One that begins with `_` is the macro's there,
/// since lints speak up when such a name is used. (Others keep the place that tells two of one name
/// apart, if a macro declared the function.)
pub(super) fn passed(name: &Ident) -> Ident {
    if name.to_string().starts_with('_') { silent_name(name) } else { name.clone() }
}

/// Lets lints keep silent of `-> ()`, which a memoized function has to say.
pub(super) fn without_note_of_unit(signature: &mut Signature) {
    let ReturnType::Type(arrow, output) = &mut signature.output else { return };
    if let Type::Tuple(unit) = output.as_mut()
        && unit.elems.is_empty()
    {
        arrow.spans = arrow.spans.map(silent_place);
        let mut parentheses = Group::new(Delimiter::Parenthesis, TokenStream::new());
        parentheses.set_span(silent_place(unit.paren_token.span.join()));
        unit.paren_token.span = parentheses.delim_span();
    }
}

/// The same with a name for every lifetime of a parameter, so that the types of the parameters can be repeated in the
/// output type.
///
/// A lifetime that is not written at all (`Cow<str>`) has no place to put a name. It works as long as it is the only
/// one; else the compiler asks for it at the type.
pub(super) fn with_named_lifetimes(signature: &Signature) -> Signature {
    let mut signature = passing(signature);
    let mut namer = LifetimeNamer(Vec::new());
    for input in &mut signature.inputs {
        namer.visit_fn_arg_mut(input);
    }
    for lifetime in namer.0.into_iter().rev() {
        signature.generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(lifetime)));
    }
    signature
}

/// `::<T, { N }>` with all type and const parameters; nothing if there are none. Lifetimes are left to inference.
pub(super) fn turbofish(generics: &Generics) -> TokenStream {
    let parameters: Vec<_> = generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(parameter) => {
                let name = &parameter.ident;
                Some(quote!(#name))
            }
            // Without the braces a type of the same name would be meant.
            GenericParam::Const(parameter) => {
                let name = &parameter.ident;
                Some(quote!({ #name }))
            }
        })
        .collect();
    if parameters.is_empty() { TokenStream::new() } else { quote!(::<#(#parameters),*>) }
}

/// Names the lifetimes that have none, and keeps the names.
struct LifetimeNamer(Vec<Lifetime>);

impl LifetimeNamer {
    fn next(&mut self) -> Lifetime {
        let lifetime = Lifetime::new(&format!("'__r{}", self.0.len()), Span::call_site());
        self.0.push(lifetime.clone());
        lifetime
    }
}

impl VisitMut for LifetimeNamer {
    fn visit_receiver_mut(&mut self, receiver: &mut syn::Receiver) {
        match &mut receiver.kind {
            ReceiverKind::Reference(_, lifetime @ None, _) => *lifetime = Some(self.next()),
            _ => visit_mut::visit_receiver_mut(self, receiver),
        }
    }

    fn visit_type_reference_mut(&mut self, ty: &mut syn::TypeReference) {
        if ty.lifetime.is_none() {
            ty.lifetime = Some(self.next());
            self.visit_type_mut(&mut ty.elem);
        } else {
            visit_mut::visit_type_reference_mut(self, ty);
        }
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = self.next();
        }
    }

    /// In these, a lifetime without a name is one of each call, not of the parameter.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse_quote;

    use super::*;

    #[track_caller]
    fn named(written: &Signature, expected: &Signature) {
        let named = with_named_lifetimes(written);
        assert_eq!(named.to_token_stream().to_string(), expected.to_token_stream().to_string());
    }

    #[test]
    fn every_lifetime_of_a_parameter_gets_a_name() {
        named(
            &parse_quote!(fn f<'a, T, const N: usize>(x: &T, y: &'a [&str; N], z: Cow<'_, str>)),
            &parse_quote!(
                fn f<'__r0, '__r1, '__r2, 'a, T, const N: usize>(
                    x: &'__r0 T, y: &'a [&'__r1 str; N], z: Cow<'__r2, str>
                )
            ),
        );
        named(&parse_quote!(fn f(&self, x: u8)), &parse_quote!(fn f<'__r0>(&'__r0 self, x: u8)));
        named(&parse_quote!(fn f<'a>(&'a self)), &parse_quote!(fn f<'a>(&'a self)));
    }

    #[test]
    fn lifetimes_of_function_types_stay_as_they_are() {
        named(
            &parse_quote!(fn f(x: fn(&u8) -> &u8, y: &dyn Fn(&str, Cow<'_, str>), z: &'static str)),
            &parse_quote!(
                fn f<'__r0>(x: fn(&u8) -> &u8, y: &'__r0 dyn Fn(&str, Cow<'_, str>), z: &'static str)
            ),
        );
    }

    #[test]
    fn what_concerns_the_body_is_not_passed_on() {
        let passed = passing(&parse_quote!(fn f(mut x: u8, #[allow(unused)] y: u8) -> u8));
        assert_eq!(passed, parse_quote!(fn f(x: u8, y: u8) -> u8));
    }

    #[test]
    fn the_turbofish_names_types_and_constants() {
        let of = |signature: Signature| turbofish(&signature.generics).to_string();
        assert_eq!(of(parse_quote!(fn f<'a, T: A, const N: usize>())), quote!(::<T, { N }>).to_string());
        assert_eq!(of(parse_quote!(fn f<'a>(x: &'a u8))), "");
    }
}
