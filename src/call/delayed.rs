//! Plain closures as calls.

use std::fmt;

use super::{Call, Memo};

/// A plain closure as a call, made by [`delayed`].
#[must_use = "a call does nothing until a `Memory` or a `Parallel` runs it"]
#[derive(Clone, Copy)]
pub struct Delayed<F>(F);

/// Makes a call of a plain closure, to run through [`Parallel`](crate::Parallel) without a cache.
///
/// # Examples
///
/// ```
/// use rememo::{Parallel, delayed};
///
/// let squares = Parallel::new().run((0..5).map(|i| delayed(move || i * i)))?;
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// # Ok::<(), rememo::Error>(())
/// ```
pub fn delayed<T, F: FnOnce() -> T>(function: F) -> Delayed<F> {
    Delayed(function)
}

impl<T, F: FnOnce() -> T> Call for Delayed<F> {
    type Output = T;

    fn run(self) -> T {
        (self.0)()
    }

    fn memo(&self) -> Option<Memo<'_, T>> {
        None
    }
}

impl<F> fmt::Debug for Delayed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delayed(..)")
    }
}

/// A plain closure as a call that may be run several times, made by [`Delayed::repeatable`].
#[must_use = "a call does nothing until a `Memory` or a `Parallel` runs it"]
#[derive(Clone, Copy)]
pub struct Repeatable<F>(F);

impl<F: Clone> Delayed<F> {
    /// Lets [`Parallel::retries`](crate::Parallel::retries) run the closure again if it panics; each attempt but the last runs a
    /// clone.
    pub fn repeatable(self) -> Repeatable<F> {
        Repeatable(self.0)
    }
}

impl<T, F: FnOnce() -> T + Clone> Call for Repeatable<F> {
    type Output = T;

    fn run(self) -> T {
        (self.0)()
    }

    fn memo(&self) -> Option<Memo<'_, T>> {
        None
    }

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<F> fmt::Debug for Repeatable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Repeatable(..)")
    }
}
