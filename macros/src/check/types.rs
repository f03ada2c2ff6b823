//! Types, as they are spelled: what can be passed on, what can be a key, what can be kept.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Error, GenericParam, Generics, Path, PathSegment, Type, TypeParamBound, WherePredicate};

use crate::errors::Errors;

const CLOSURE: &str = "a closure has no key: pass the data that chooses the behaviour, or use `get_or_compute` with a \
                       name of your own";
const SET: &str = "the order of a hash set is random from run to run, and so would be the key: use `BTreeSet`, or a \
                   sorted `Vec`";
const POINTER: &str = "a raw pointer has no key, since an address means nothing in the next run: pass what it points \
                       to, or leave it out with `ignore(…)`";
const FUNCTION: &str = "a function pointer has no key: pass the data that chooses the function, or leave it out with \
                        `ignore(…)` if the result does not depend on it";
const OBJECT: &str = "a trait object has no key: pass a concrete type or an enum, or leave it out with `ignore(…)` if \
                      the result does not depend on it";
const MUTABLE: &str = "a change made through `&mut` would not happen on a hit: take the value, and return the changed \
                       one";
const ANONYMOUS: &str = "`impl Trait` leaves the type without a name: declare a type parameter, such as `fn f<T: \
                         Trait>(value: T)`";
const BORROWED: &str = "a remembered value outlives the call, so that it cannot borrow: return an owned value, such as \
                        `String` for `&str`";
const OPAQUE: &str =
    "`impl Trait` cannot be stored: name the type that is returned, such as `Vec<T>` for an iterator";
const NEVER: &str = "a function that never returns has no value to remember: remove `#[memo]`";

/// Hash sets in wide use. Other names may end alike and be sorted, so that they pass.
const HASH_SETS: [&str; 5] = ["HashSet", "FxHashSet", "AHashSet", "FnvHashSet", "DashSet"];

/// Judges the type of a parameter.
pub(super) fn parameter(ty: &Type, generics: &Generics, in_key: bool, errors: &mut Errors) {
    if in_key && is_closure_parameter(ty, generics) {
        errors.push(Error::new_spanned(ty, CLOSURE));
        return;
    }
    ParameterType { in_key, errors }.visit_type(ty);
}

/// Judges the output type.
pub(super) fn output(ty: &Type, errors: &mut Errors) {
    if let Type::Never(_) = ty {
        errors.push(Error::new_spanned(ty, NEVER));
        return;
    }
    OutputType(errors).visit_type(ty);
}

/// Whether `ty` is a type parameter bound by `Fn`, `FnMut` or `FnOnce`.
fn is_closure_parameter(ty: &Type, generics: &Generics) -> bool {
    let Type::Path(path) = ty else { return false };
    let declared = generics.params.iter().any(|parameter| match parameter {
        GenericParam::Type(parameter) => {
            path.path.is_ident(&parameter.ident) && has_closure_bound(&parameter.bounds)
        }
        _ => false,
    });
    // Types are compared as they are written: to compare them as such would make syn slower to compile.
    let written = ty.to_token_stream().to_string();
    let constrained = generics.where_clause.iter().flat_map(|clause| &clause.predicates).any(|predicate| {
        matches!(predicate, WherePredicate::Type(predicate)
            if predicate.bounded_ty.to_token_stream().to_string() == written && has_closure_bound(&predicate.bounds))
    });
    declared || constrained
}

fn has_closure_bound<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> bool {
    bounds.into_iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            ["Fn", "FnMut", "FnOnce"].iter().any(|name| ends_in(&bound.path, name))
        }
        _ => false,
    })
}

fn ends_in(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// Walks through a parameter's type. Everything in it is part of the key, except behind what is refused anyway.
struct ParameterType<'e> {
    in_key: bool,
    errors: &'e mut Errors,
}

impl ParameterType<'_> {
    fn refuse(&mut self, tokens: &impl ToTokens, message: &str) {
        self.errors.push(Error::new_spanned(tokens, message));
    }
}

impl<'ast> Visit<'ast> for ParameterType<'_> {
    fn visit_type_reference(&mut self, ty: &'ast syn::TypeReference) {
        if ty.mutability.is_some() {
            self.refuse(ty, MUTABLE);
        } else {
            visit::visit_type_reference(self, ty);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        // An ignored closure is fine, once its type has a name.
        let closure = self.in_key && has_closure_bound(&ty.bounds);
        self.refuse(ty, if closure { CLOSURE } else { ANONYMOUS });
    }

    fn visit_type_ptr(&mut self, ty: &'ast syn::TypePtr) {
        if self.in_key {
            self.refuse(ty, POINTER);
        }
    }

    /// The parameters of a function pointer are those of its calls, not of this one.
    fn visit_type_fn_ptr(&mut self, ty: &'ast syn::TypeFnPtr) {
        if self.in_key {
            self.refuse(ty, FUNCTION);
        }
    }

    fn visit_type_trait_object(&mut self, ty: &'ast syn::TypeTraitObject) {
        if self.in_key {
            self.refuse(ty, OBJECT);
        }
    }

    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        if self.in_key && HASH_SETS.iter().any(|name| segment.ident == name) {
            self.refuse(segment, SET);
        }
        visit::visit_path_segment(self, segment);
    }
}

/// Walks through the output type.
struct OutputType<'e>(&'e mut Errors);

impl<'ast> Visit<'ast> for OutputType<'_> {
    fn visit_type_reference(&mut self, ty: &'ast syn::TypeReference) {
        self.0.push(Error::new_spanned(ty, BORROWED));
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        self.0.push(Error::new_spanned(ty, OPAQUE));
    }

    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        if lifetime.ident != "static" {
            self.0.push(Error::new_spanned(lifetime, BORROWED));
        }
    }
}
