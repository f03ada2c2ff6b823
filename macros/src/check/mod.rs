//! Step two: is this a function whose calls can be remembered?
//!
//! Every mistake has an error at the tokens that make it, which says what to do instead. What passes is a
//! [`Memoized`], from which the tokens are written without further questions. Types are judged by how they are
//! spelled, since a macro sees no more; behind an alias or in a field the library's traits refuse most of the rest.

mod item;
mod parameters;
mod signature;
mod surroundings;
mod types;

use proc_macro2::Ident;
use syn::{ItemFn, Receiver, Type};

use crate::attr::Options;
use crate::errors::Errors;
use crate::reach::Standing;

pub(crate) use self::item::function;

/// A function that can be memoized.
pub(crate) struct Memoized<'a> {
    pub(crate) function: &'a ItemFn,
    /// Whether it is a member of an impl block, so that `Self` is a type.
    pub(crate) is_associated: bool,
    /// `&self`, of a method.
    pub(crate) receiver: Option<&'a Receiver>,
    /// The other parameters, in order.
    pub(crate) parameters: Vec<Parameter<'a>>,
    pub(crate) output: &'a Type,
}

/// A parameter with a name.
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) ty: &'a Type,
    /// False if it is listed in `ignore`.
    pub(crate) in_key: bool,
}

impl<'a> Memoized<'a> {
    /// The function, if it can be memoized where it stands.
    pub(crate) fn new(function: &'a ItemFn, standing: Standing, options: &Options) -> syn::Result<Self> {
        let mut errors = Errors::default();
        signature::qualifiers(function, &mut errors);
        let is_associated = surroundings::is_associated(function, standing, options, &mut errors);
        if !is_associated {
            surroundings::name(function, &mut errors);
        }
        let receiver = signature::receiver(&function.sig, &mut errors);
        let parameters = parameters::parameters(function, &options.ignore, &mut errors);
        match signature::output(&function.sig, &mut errors) {
            Some(output) => errors.or(Memoized { function, is_associated, receiver, parameters, output }),
            None => Err(errors.or(()).err().unwrap_or_else(|| signature::no_output(&function.sig))),
        }
    }
}

#[cfg(test)]
mod tests;
