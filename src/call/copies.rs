//! Picks how the arguments of a call are copied for another attempt, at compile time.
//!
//! The code that `#[memo]` writes says `(&&Copies::<Arguments>::new()).copy()`: the technique of [`select`](crate::codec::select).
//! If the arguments are seen to be `Clone`, the implementation for one reference more applies and wins.
//!
//! A call is consumed by running it, and a panic takes its arguments along. So each attempt but the
//! last is made with a copy. In generic code nobody can see of a closure whether it is `Clone`, and
//! `delayed`, which asks for `FnOnce`, does not tell either. Hence `repeatable()`, which asks for
//! `Clone` instead.

use std::fmt;
use std::marker::PhantomData;

/// Stands for the tuple of the arguments while the way to copy them is picked.
pub struct Copies<A>(PhantomData<fn() -> A>);

impl<A> Copies<A> {
    /// A value to call `copy` on.
    #[expect(clippy::new_without_default, reason = "only the code that `#[memo]` writes makes one")]
    pub const fn new() -> Self {
        Copies(PhantomData)
    }
}

impl<A> fmt::Debug for Copies<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Copies<{}>", std::any::type_name::<A>())
    }
}

/// Arguments that are `Clone`.
pub trait ViaClone<A> {
    /// How they are copied.
    fn copy(&self) -> Option<fn(&A) -> A>;
}

impl<A: Clone> ViaClone<A> for &Copies<A> {
    fn copy(&self) -> Option<fn(&A) -> A> {
        Some(A::clone)
    }
}

/// All others.
pub trait ViaNothing<A> {
    /// That they are not copied.
    fn copy(&self) -> Option<fn(&A) -> A>;
}

impl<A> ViaNothing<A> for Copies<A> {
    fn copy(&self) -> Option<fn(&A) -> A> {
        None
    }
}
