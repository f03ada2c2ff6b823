//! Which failures are tried again, and when.
//!
//! The rule is a type parameter of [`Parallel`](crate::Parallel): it is about the error type of the
//! calls, and a rule for other errors than theirs does not compile.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// Decides which of the values of type `T` that calls return are tried again, by
/// [`Parallel::retries`](crate::Parallel::retries).
///
/// There are two rules: `()`, by which no value is tried again, and [`RetryIf`].
#[diagnostic::on_unimplemented(
    message = "`retry_if` is not for calls that return `{T}`",
    label = "these calls do not return a `Result` with the error type of `retry_if`",
    note = "write the error type of the calls: `.retry_if(|error: &MyError| …)`"
)]
pub trait RetryRule<T> {
    /// No API.
    #[doc(hidden)]
    fn is_to_retry(&self) -> Option<IsToRetry<T>>;
}

/// Whether a value is tried again.
pub(super) type IsToRetry<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

impl<T> RetryRule<T> for () {
    fn is_to_retry(&self) -> Option<IsToRetry<T>> {
        None
    }
}

/// Tries an `Err` again if a closure says so; [`Parallel::retry_if`](crate::Parallel::retry_if)
/// makes it.
pub struct RetryIf<E>(IsToRetry<E>);

impl<E> RetryIf<E> {
    pub(super) fn new(is_to_retry: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        RetryIf(Arc::new(is_to_retry))
    }
}

impl<T, E: 'static> RetryRule<Result<T, E>> for RetryIf<E> {
    fn is_to_retry(&self) -> Option<IsToRetry<Result<T, E>>> {
        let RetryIf(is_to_retry) = self.clone();
        Some(Arc::new(move |value| value.as_ref().is_err_and(|error| is_to_retry(error))))
    }
}

// Not derived: that would ask for as much of `E`.
impl<E> Clone for RetryIf<E> {
    fn clone(&self) -> Self {
        RetryIf(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for RetryIf<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryIf(..)")
    }
}

/// How long a call that has failed waits for its next attempt: the setting of
/// [`Parallel::backoff`](crate::Parallel::backoff).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use rememo::Backoff;
///
/// // After about 0.1, 0.2, 0.4, … seconds, and never more than 10; twice as much at most with the jitter.
/// let backoff = Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(10)).jitter();
/// # let _ = backoff;
/// ```
#[must_use = "a `Backoff` does nothing until a `Parallel` has it"]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    factor: f32,
    max: Duration,
    jitter: bool,
}

/// More failures do not make the wait longer that nobody has the patience for.
const MOST_STEPS: u32 = 1000;

impl Backoff {
    /// The same wait before each attempt; a [`Duration`] can be given in its place.
    pub fn constant(wait: Duration) -> Self {
        Backoff { first: wait, factor: 1.0, max: wait, jitter: false }
    }

    /// A wait that grows: `first` before the second attempt, twice as long before each next one.
    pub fn exponential(first: Duration) -> Self {
        Backoff { first, factor: 2.0, max: Duration::from_mins(1), jitter: false }
    }

    /// Sets by what the wait grows with each failure. Default: 2; at least 1.
    pub fn factor(self, factor: f32) -> Self {
        // `max` takes 1 for what is not a number.
        Backoff { factor: factor.max(1.0), ..self }
    }

    /// Sets the longest wait, without the [jitter](Self::jitter). Default: a minute.
    pub fn max(self, max: Duration) -> Self {
        Backoff { max, ..self }
    }

    /// Lengthens each wait at random, to twice as long at most, so that calls that have failed
    /// together do not come back together.
    pub fn jitter(self) -> Self {
        Backoff { jitter: true, ..self }
    }

    /// The wait after the failure of this number, from 1.
    pub(super) fn after(self, failures: u32) -> Duration {
        let Backoff { first, factor, max, jitter } = self;
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(first.min(max))
            .with_max_delay(max)
            .with_factor(factor)
            .without_max_times();
        if jitter {
            waits = waits.with_jitter();
        }
        let step = failures.saturating_sub(1).min(MOST_STEPS);
        waits.build().nth(step as usize).unwrap_or(max)
    }
}

impl From<Duration> for Backoff {
    fn from(wait: Duration) -> Self {
        Backoff::constant(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(backoff: Backoff) -> Vec<u128> {
        // They are multiplied as numbers that are not exact.
        let rounded = |wait: Duration| (wait + Duration::from_micros(500)).as_millis();
        (1..=6).map(|failures| rounded(backoff.after(failures))).collect()
    }

    #[test]
    fn a_wait_is_the_same_or_grows_to_its_longest() {
        let ms = Duration::from_millis;
        assert_eq!(millis(Backoff::from(ms(7))), [7; 6]);
        assert_eq!(millis(Backoff::exponential(ms(100)).max(ms(1500))), [100, 200, 400, 800, 1500, 1500]);
        assert_eq!(millis(Backoff::exponential(ms(10)).factor(3.0)), [10, 30, 90, 270, 810, 2430]);
        assert_eq!(millis(Backoff::exponential(ms(10)).factor(f32::NAN)), [10; 6]);
        assert_eq!(millis(Backoff::exponential(ms(10)).max(ms(5))), [5; 6]);
        assert_eq!(Backoff::exponential(ms(1)).after(u32::MAX), Duration::from_mins(1));
        assert_eq!(Backoff::constant(Duration::MAX).jitter().after(9), Duration::MAX);
    }

    #[test]
    fn the_jitter_differs_from_call_to_call_and_only_lengthens() {
        let backoff = Backoff::constant(Duration::from_secs(1)).jitter();
        let waits: Vec<_> = (0..50).map(|_| backoff.after(1)).collect();
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(2));
        assert!(waits.iter().all(|wait| (least..=most).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| wait != &waits[0]), "{waits:?}");
    }
}
