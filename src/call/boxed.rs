//! [`BoxedCall`]: calls of several functions in one batch.

use std::fmt;

use super::{Call, Delayed, FunctionCall, Memo, Repeatable};
use crate::remote::WholeCodec;

/// A call of whichever function, in a box: those with equal output types go into one batch.
///
/// [`calls!`](crate::calls) makes an array of them, `call.boxed()` a single one. In a batch, in a
/// worker process and in the cache it is the call that is inside.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{BoxedCall, Memory, Parallel, memo};
///
/// #[memo]
/// fn area(width: f64, height: f64) -> f64 {
///     width * height
/// }
///
/// #[memo]
/// fn length(path: &str) -> f64 {
///     path.len() as f64
/// }
///
/// let memory = Memory::open(dir.path())?;
/// let mut calls: Vec<BoxedCall<f64>> = (1..4).map(|i| area::delayed(f64::from(i), 2.0).boxed()).collect();
/// calls.push(length::delayed("a path").boxed());
/// assert_eq!(Parallel::new().memory(&memory).run(calls)?, [2.0, 4.0, 6.0, 6.0]);
/// assert!(memory.contains(&length::delayed("a path")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a call does nothing until a `Memory` or a `Parallel` runs it"]
pub struct BoxedCall<'a, T>(Box<dyn AnyCall<'a, T> + 'a>);

/// A call, whatever its type is.
trait AnyCall<'a, T>: Send {
    fn run(self: Box<Self>) -> T;

    fn memo(&self) -> Option<Memo<'_, T>>;

    fn whole(&self) -> Option<WholeCodec<T>>;

    fn again(&self) -> Option<BoxedCall<'a, T>>;
}

impl<'a, C: Call + Send + 'a> AnyCall<'a, C::Output> for C {
    fn run(self: Box<Self>) -> C::Output {
        Call::run(*self)
    }

    fn memo(&self) -> Option<Memo<'_, C::Output>> {
        Call::memo(self)
    }

    fn whole(&self) -> Option<WholeCodec<C::Output>> {
        Call::whole(self)
    }

    fn again(&self) -> Option<BoxedCall<'a, C::Output>> {
        Call::again(self).map(BoxedCall::new)
    }
}

impl<'a, T> BoxedCall<'a, T> {
    /// Puts a call into a box.
    pub fn new<C: Call<Output = T> + Send + 'a>(call: C) -> Self {
        BoxedCall(Box::new(call))
    }
}

impl<T> Call for BoxedCall<'_, T> {
    type Output = T;

    fn run(self) -> T {
        self.0.run()
    }

    fn memo(&self) -> Option<Memo<'_, T>> {
        self.0.memo()
    }

    fn whole(&self) -> Option<WholeCodec<T>> {
        self.0.whole()
    }

    fn again(&self) -> Option<Self> {
        self.0.again()
    }
}

impl<T> fmt::Debug for BoxedCall<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Call::memo(self) {
            Some(Memo { call, .. }) => write!(f, "{}({})", call.function.name(), call.preview()),
            None => f.write_str("Delayed(..)"),
        }
    }
}

impl<A, T> FunctionCall<A, T> {
    /// The call in a box, for a batch with calls of other functions that have the same output type.
    pub fn boxed<'a>(self) -> BoxedCall<'a, T>
    where
        Self: Send + 'a,
    {
        BoxedCall::new(self)
    }
}

impl<F> Delayed<F> {
    /// The call in a box, for a batch with other calls that have the same output type.
    pub fn boxed<'a, T>(self) -> BoxedCall<'a, T>
    where
        F: FnOnce() -> T + Send + 'a,
    {
        BoxedCall::new(self)
    }
}

impl<F> Repeatable<F> {
    /// The call in a box, for a batch with other calls that have the same output type.
    pub fn boxed<'a, T>(self) -> BoxedCall<'a, T>
    where
        F: FnOnce() -> T + Clone + Send + 'a,
    {
        BoxedCall::new(self)
    }
}

/// An array of [boxed](crate::BoxedCall) calls, of whichever functions that have the same output
/// type.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, Parallel, calls, delayed, memo};
///
/// #[memo]
/// fn width(text: &str) -> usize {
///     text.lines().map(str::len).max().unwrap_or(0)
/// }
///
/// #[memo]
/// fn lines(text: &str, at_least: usize) -> usize {
///     text.lines().count().max(at_least)
/// }
///
/// let memory = Memory::open(dir.path())?;
/// let text = "one\nthree";
/// let batch = calls![width::delayed(text), lines::delayed(text, 1), delayed(|| text.len())];
/// assert_eq!(Parallel::new().memory(&memory).run(batch)?, [5, 2, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! calls {
    ($($call:expr),* $(,)?) => {
        [$($crate::BoxedCall::new($call)),*]
    };
}
