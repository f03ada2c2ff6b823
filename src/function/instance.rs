//! The instances of a function: one, or of a generic function one for each set of its parameters.
//!
//! # Invariants
//! 1. What tells instances apart over all runs is what the compiler calls their types, where these
//!    names are known to mean one type each; else also the numbers that it gives types, which other
//!    builds of the program do not share.
//! 2. What no name and no number can tell apart is not remembered: closures, and whatever in one
//!    process is seen to have the identity of another.
//!
//! All closures of a function have one name, and their `TypeId` changes with any closure that is
//! written before them. A named type inside a closure is a type like others.
//!
//! If the list of known names is wrong, a process may meet two `TypeId`s under one identity. It
//! refuses keys to both from then on, and says so once. A hit pays one load for that.

use std::any::{TypeId, type_name};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use super::printed::{self, Known};
use crate::key::{Identity, IdentityParts, Unknown};
use crate::lock::lock;
use crate::states::Machine;

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
    types: TypeId,
    /// The type and const parameters, as the compiler prints them.
    pub(super) type_parameters: &'static str,
    /// What is known of its machine code; found with its first state.
    pub(super) machine: OnceLock<Machine>,
    has_twin: AtomicBool,
    /// Its state in the records that asked first: of most programs the only ones.
    first: OnceLock<InRecords>,
    /// By the number of other records.
    others: Mutex<BTreeMap<u64, Result<Stated, Unknown>>>,
}

/// A state of the code of an instance, and its identity in that state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) state: [u8; 32],
    pub(crate) identity: Identity,
    /// Whether it is the state of earlier code, by a user's word.
    pub(crate) is_adopted: bool,
}

#[derive(Debug)]
struct InRecords {
    records: u64,
    stated: Result<Stated, Unknown>,
}

/// In the place of a number: the state came from another process. Records count from one.
pub(super) const FROM_OUTSIDE: u64 = 0;

/// Of more records than this the states are found anew: they are those of memories that are closed, as a rule.
const MOST: usize = 64;

/// The instances of this process by their identities: several only if their types are the same.
static MET: Mutex<BTreeMap<[u8; 32], Vec<&'static Met>>> = Mutex::new(BTreeMap::new());

impl Met {
    /// Takes note of an instance, for the life of the process.
    pub(super) fn new(instance: &Instance, identity: Result<Identity, Unknown>) -> &'static Self {
        let met: &'static Met = Box::leak(Box::new(Met {
            id: instance.id,
            types: (instance.names)().types,
            type_parameters: instance.type_parameters(),
            machine: OnceLock::new(),
            has_twin: AtomicBool::new(false),
            first: OnceLock::new(),
            others: Mutex::default(),
        }));
        if let Ok(Identity(identity)) = identity {
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

    /// The state in the records of this number, if they asked first.
    #[inline]
    pub(super) fn known(&self, records: u64) -> Option<&Stated> {
        let first = self.first.get().filter(|first| first.records == records)?;
        if self.has_twin.load(Ordering::Relaxed) { None } else { first.stated.as_ref().ok() }
    }

    /// The state in the records of this number, found by `find` when it is first wanted.
    #[inline]
    pub(super) fn stated(
        &self,
        records: u64,
        find: impl Fn() -> Result<Stated, Unknown>,
    ) -> Result<Stated, Unknown> {
        if self.has_twin.load(Ordering::Relaxed) {
            return Err(Unknown::Twin);
        }
        let first = self.first.get_or_init(|| InRecords { records, stated: find() });
        if first.records == records {
            return first.stated;
        }
        let mut others = lock(&self.others);
        if others.len() >= MOST && !others.contains_key(&records) {
            others.clear();
        }
        *others.entry(records).or_insert_with(find)
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
