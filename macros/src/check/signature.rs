//! The parts of a signature other than its parameters: qualifiers, receiver, output.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Error, ItemFn, Receiver, ReceiverKind, ReturnType, Safety, Signature, Type};

use super::types;
use crate::errors::Errors;

/// Refuses what makes a function more than its arguments and its value.
pub(super) fn qualifiers(function: &ItemFn, errors: &mut Errors) {
    let mut refuse = |span: Span, message: &str| errors.push(Error::new(span, message));
    let sig = &function.sig;
    if let Some(token) = &function.modifiers.defaultness {
        refuse(
            token.span(),
            "a memoized function cannot be `default`: memoize a free function and call it here",
        );
    }
    if let Some(token) = &sig.constness {
        refuse(
            token.span(),
            "a memoized function cannot be `const`, since it reads a cache: remove `const`, or memoize a function \
             that calls this one",
        );
    }
    if let Some(token) = &sig.asyncness {
        refuse(
            token.span(),
            "a memoized function cannot be `async`: memoize the blocking function that does the work, and call that",
        );
    }
    if let Safety::Unsafe(token) = &sig.safety {
        refuse(
            token.span(),
            "a memoized function cannot be `unsafe`, since it is also called by the library: memoize a safe function \
             that calls this one",
        );
    }
    if let Some(abi) = &sig.abi {
        refuse(
            abi.extern_token.span(),
            "a memoized function cannot be `extern`: memoize a Rust function and call it from this one",
        );
    }
    if let Some(variadic) = &sig.variadic {
        refuse(variadic.dots.span(), "a memoized function cannot be variadic: take a slice instead of `...`");
    }
}

/// `&self`, if there is a receiver; any other one is refused.
pub(super) fn receiver<'a>(sig: &'a Signature, errors: &mut Errors) -> Option<&'a Receiver> {
    let receiver = sig.receiver()?;
    let is_shared = matches!(receiver.kind, ReceiverKind::Reference(_, _, None));
    if !is_shared || receiver.mutability.is_some() {
        let message = "a memoized method takes `&self`, since the receiver is part of the key: write `&self`, or \
                       memoize a free function of the data that the result depends on";
        errors.push(Error::new_spanned(receiver, message));
    }
    Some(receiver)
}

/// The output type, if it is there and a value of it can be kept.
pub(super) fn output<'a>(sig: &'a Signature, errors: &mut Errors) -> Option<&'a Type> {
    match &sig.output {
        ReturnType::Default => {
            errors.push(no_output(sig));
            None
        }
        ReturnType::Type(_, output) => {
            types::output(output, errors);
            Some(output)
        }
    }
}

/// The error for a function that returns nothing.
pub(super) fn no_output(sig: &Signature) -> Error {
    let message = "a memoized function is called for its value, and this one returns none: return what it computes \
                   (its side effects do not happen on a hit; if that is meant, write `-> ()`)";
    Error::new(sig.ident.span(), message)
}
