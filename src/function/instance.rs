//! The instances of a function: one, or of a generic function one for each set of its parameters.
//!
//! # Invariants
//! 1. What tells instances apart over all runs is what the compiler calls their types, where these
//!    names are known to mean one type each; else also the numbers that it gives types, which other
//!    builds of the program do not share.
//! 2. What no name and no number can tell apart is not remembered: closures, and whatever in one
//!    process is seen to have the identity of another.

use std::any::{TypeId, type_name};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::printed::{self, Known};
use crate::key::{Identity, IdentityParts};
use crate::lock::lock;

/// An instance of a function, as the compiler has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    /// Tells it from the others of its function within this process.
    pub(super) id: TypeId,
    names: fn() -> Names,
}

/// What an instance is told by.
#[derive(Clone, Copy, Debug)]
struct Names {
    /// The name of a function with its type and const parameters.
    function: &'static str,
    output: &'static str,
    /// The number of its type parameters and its output.
    types: TypeId,
}

/// The parameters of an instance. No API: made by the code that `#[memo]` writes. `F` is an empty
/// function that has all of them, `P` a tuple of those that are types.
pub struct Parameters<F, P>(PhantomData<fn() -> (F, P)>);

impl<F, P> Parameters<F, P> {
    /// Those of `function`.
    pub const fn of(_function: &F) -> Self {
        Parameters(PhantomData)
    }
}

impl<F, P> std::fmt::Debug for Parameters<F, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(type_name::<F>())
    }
}

/// Why calls of an instance have no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// A type parameter is a closure: all closures in one function have one name, and their numbers
    /// change with any edit.
    Closure,
    /// Another one in this process has the same identity.
    Twin,
}

impl Instance {
    /// That of a function with these parameters and the output `T`.
    pub(crate) fn new<F, P, T>(_: &Parameters<F, P>) -> Self {
        let names =
            || Names { function: type_name::<F>(), output: type_name::<T>(), types: typeid::of::<(P, T)>() };
        Instance { id: typeid::of::<(F, T)>(), names }
    }

    /// The type and const parameters, as the compiler prints them, angle brackets included; empty
    /// if there are none.
    pub(crate) fn type_parameters(&self) -> &'static str {
        printed::last_arguments((self.names)().function)
    }

    /// The identity of this instance of the function of `parts`, in whose program the paths that
    /// are `known` mean one type each.
    ///
    /// # Errors
    ///
    /// Fails if a type parameter is a closure.
    pub(crate) fn identity(
        &self,
        parts: IdentityParts<'_>,
        known: &'static str,
    ) -> Result<Identity, Unknown> {
        let Names { output, types, .. } = (self.names)();
        let type_parameters = self.type_parameters();
        if printed::has_closure(type_parameters) || printed::has_closure(output) {
            return Err(Unknown::Closure);
        }
        let known = Known(known);
        let is_known = known.covers(type_parameters) && known.covers(output);
        // There is no other way to all of its bits.
        let types = if is_known { String::new() } else { format!("{types:?}") };
        Ok(IdentityParts { type_parameters, output, types: &types, ..parts }.identity())
    }
}

/// An instance whose calls were made, and its identity.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) id: TypeId,
    identity: Result<Identity, Unknown>,
    types: TypeId,
    has_twin: AtomicBool,
}

/// The instances of this process by their identities: several only if their types are the same.
static MET: Mutex<BTreeMap<[u8; 32], Vec<&'static Met>>> = Mutex::new(BTreeMap::new());

impl Met {
    /// Takes note of an instance, for the life of the process.
    pub(super) fn new(instance: &Instance, identity: Result<Identity, Unknown>) -> &'static Self {
        let met: &'static Met = Box::leak(Box::new(Met {
            id: instance.id,
            identity,
            types: (instance.names)().types,
            has_twin: AtomicBool::new(false),
        }));
        if let Ok(Identity(identity)) = met.identity {
            let mut all = lock(&MET);
            let alike = all.entry(identity).or_default();
            alike.push(met);
            if alike.iter().any(|other| other.types != met.types) {
                for one in alike {
                    one.has_twin.store(true, Ordering::Relaxed);
                }
            }
        }
        met
    }

    pub(super) fn identity(&self) -> Result<Identity, Unknown> {
        if self.has_twin.load(Ordering::Relaxed) {
            return Err(Unknown::Twin);
        }
        self.identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_type_shows_all_of_its_bits() {
        let digits = |id: TypeId| {
            let text = format!("{id:?}");
            let digits =
                text.strip_prefix("TypeId(0x").and_then(|text| text.strip_suffix(')')).map(str::to_owned);
            digits.unwrap_or_else(|| panic!("{text}"))
        };
        let (one, other) = (digits(TypeId::of::<u8>()), digits(TypeId::of::<i8>()));
        assert_eq!((one.len(), other.len()), (32, 32));
        assert!(one != other && one.chars().chain(other.chars()).all(|digit| digit.is_ascii_hexdigit()));
    }
}
