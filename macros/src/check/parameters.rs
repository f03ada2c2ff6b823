//! Parameters: each has a name, a value that can be passed on, and, unless ignored, one that can be a key.

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Pat, PatIdent, PatType};

use super::{Parameter, types};
use crate::errors::Errors;

/// The parameters without the receiver, each marked as in the key or ignored.
pub(super) fn parameters<'a>(
    function: &'a ItemFn,
    ignore: &[Ident],
    errors: &mut Errors,
) -> Vec<Parameter<'a>> {
    let mut parameters = Vec::new();
    let mut all_named = true;
    for input in &function.sig.inputs {
        match input {
            FnArg::Receiver(receiver) => no_cfg(&receiver.attrs, errors),
            FnArg::Typed(typed) => {
                no_cfg(&typed.attrs, errors);
                let name = errors.take(name(typed));
                all_named &= name.is_some();
                // A type is judged even if the name is missing, so that one compile shows both mistakes.
                let in_key = name.is_none_or(|name| !ignore.contains(name));
                types::parameter(&typed.ty, &function.sig.generics, in_key, errors);
                parameters.extend(name.map(|name| Parameter { name, ty: &typed.ty, in_key }));
            }
        }
    }
    // Without all names, an unknown name in `ignore` may be meant for a parameter that has none yet.
    if all_named {
        ignored(ignore, &parameters, errors);
    }
    parameters
}

/// The name of a parameter, which stands for it in the key, in `ignore` and in what people read.
fn name(typed: &PatType) -> syn::Result<&Ident> {
    match typed.pat.as_ref() {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => Ok(ident),
        Pat::Ident(PatIdent { by_ref: Some(by_ref), ident, .. }) => {
            let message = format!("a parameter of a memoized function cannot be `ref`: write `{ident}: &…`");
            Err(Error::new(by_ref.span(), message))
        }
        pattern => {
            let message = "a parameter of a memoized function needs a name: give it one, and destructure it in the \
                           body if need be";
            Err(Error::new_spanned(pattern, message))
        }
    }
}

fn no_cfg(attributes: &[syn::Attribute], errors: &mut Errors) {
    for attribute in attributes {
        let path = attribute.path();
        if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            let message =
                "a parameter of a memoized function cannot depend on `cfg`: put the `cfg` on two functions";
            errors.push(Error::new_spanned(attribute, message));
        }
    }
}

/// Refuses names in `ignore` that are not parameters, and names that are there twice.
fn ignored(ignore: &[Ident], parameters: &[Parameter<'_>], errors: &mut Errors) {
    for (index, name) in ignore.iter().enumerate() {
        if name == "self" {
            let message = "`self` cannot be ignored: memoize a free function of what the result depends on";
            errors.push(Error::new(name.span(), message));
        } else if !parameters.iter().any(|parameter| parameter.name == name) {
            let known: Vec<_> = parameters.iter().map(|parameter| format!("`{}`", parameter.name)).collect();
            let advice = match known.as_slice() {
                [] => "the function has none, so remove `ignore`".to_owned(),
                known => format!("the parameters are {}", known.join(", ")),
            };
            let message = format!("there is no parameter `{name}` to ignore: {advice}");
            errors.push(Error::new(name.span(), message));
        } else if ignore[..index].contains(name) {
            let message = format!("parameter `{name}` is ignored twice: keep one");
            errors.push(Error::new(name.span(), message));
        }
    }
}
