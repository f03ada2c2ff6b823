//! Types whose reader is known to read what their writer wrote.
//!
//! Values of other types are read back before they are kept or sent ([`meaning`](super::meaning)).
//! Of these it is not necessary:
//! - Both `Serialize` and `Deserialize` are serde's own (of an `Array`, ours). Each writes all of
//!   a value in one way, and reads just that.
//! - No attribute can come between: nothing in them is renamed, skipped, converted or made up.
//! - Maps and sets are read by inserting what was written, under the standard library's own order,
//!   equality and hasher.
//!
//! A newtype around one of them is not among them: its attributes may write one thing and read
//! another, as `serialize_with` without its counterpart does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use std::any::TypeId;

/// A type whose reader is known to read what its writer wrote.
pub trait Symmetric {}

macro_rules! symmetric {
    ($([$($generics:tt)*] $type:ty;)*) => { $(impl<$($generics)*> Symmetric for $type {})* };
}

symmetric! {
    [] bool;
    [] i8; [] i16; [] i32; [] i64; [] i128; [] isize;
    [] u8; [] u16; [] u32; [] u64; [] u128; [] usize;
    [] f32; [] f64;
    [] char; [] str; [] String;
    [] ();
    [T: Symmetric + ?Sized] &T;
    [T: Symmetric + ?Sized] Box<T>;
    [T: Symmetric] Option<T>;
    [T: Symmetric] [T];
    [T: Symmetric] Vec<T>;
    [T: Symmetric] VecDeque<T>;
    [T: Symmetric, const N: usize] [T; N];
    [T: Symmetric] BTreeSet<T>;
    [T: Symmetric] HashSet<T>;
    [K: Symmetric, V: Symmetric] BTreeMap<K, V>;
    [K: Symmetric, V: Symmetric] HashMap<K, V>;
    [A: Symmetric] (A,);
    [A: Symmetric, B: Symmetric] (A, B);
    [A: Symmetric, B: Symmetric, C: Symmetric] (A, B, C);
    [A: Symmetric, B: Symmetric, C: Symmetric, D: Symmetric] (A, B, C, D);
    [A: Symmetric, B: Symmetric, C: Symmetric, D: Symmetric, E: Symmetric] (A, B, C, D, E);
    [A: Symmetric, B: Symmetric, C: Symmetric, D: Symmetric, E: Symmetric, F: Symmetric] (A, B, C, D, E, F);
}

/// Whether `T` is one of the commonest of them: for code in which its type is not known, where the
/// compiler settles the question.
#[inline]
pub(super) fn is_common<T>() -> bool {
    macro_rules! is_any_of {
        ($($type:ty)*) => { [$(typeid::of::<T>() == TypeId::of::<$type>()),*].contains(&true) };
    }
    is_any_of! {
        () bool char String i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64
        Vec<u8> Vec<i32> Vec<i64> Vec<u32> Vec<u64> Vec<usize> Vec<f32> Vec<f64> Vec<String>
    }
}
