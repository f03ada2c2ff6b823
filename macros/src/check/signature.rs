//! The parts of a signature other than its parameters: qualifiers, receiver, output.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Error, FnArg, ItemFn, Receiver, ReceiverKind, ReturnType, Safety, Signature, Type};

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

/// Refuses an associated function, where it can be told: nothing but `Self` shows that an impl block is around it.
pub(super) fn no_self_without_receiver(function: &ItemFn, errors: &mut Errors) {
    if function.sig.receiver().is_some() {
        return;
    }
    let mut finder = SelfFinder(None);
    finder.visit_signature(&function.sig);
    finder.visit_block(&function.block);
    if let Some(span) = finder.0 {
        let message = "a memoized function without `&self` cannot mention `Self`: move it out of the impl block and \
                       name the type";
        errors.push(Error::new(span, message));
    }
}

/// Finds the first `Self` that means the type of an impl block around the function.
struct SelfFinder(Option<Span>);

impl<'ast> Visit<'ast> for SelfFinder {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first().filter(|first| first.ident == "Self") {
            self.0.get_or_insert(first.ident.span());
        }
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
