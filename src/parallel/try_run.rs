//! [`Parallel::try_run`]: calls whose `Err` is a failure, too.

use std::fmt;

use super::{Parallel, Policy};
use crate::call::Call;
use crate::panics;
use crate::task_error::TaskError;

/// Why [`Parallel::try_run`] returned no values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRunError<E> {
    /// A call returned an error.
    Returned {
        /// The place of the call in the input, from 0.
        index: usize,
        /// What it returned.
        error: E,
    },
    /// A call returned nothing: it panicked, say.
    Task(TaskError),
}

impl<E> TryRunError<E> {
    /// The place of the call in the input, from 0.
    pub fn index(&self) -> usize {
        match self {
            TryRunError::Returned { index, .. } => *index,
            TryRunError::Task(error) => error.index(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for TryRunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRunError::Returned { index, error } => write!(f, "task {index} failed: {error}"),
            TryRunError::Task(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for TryRunError<E> {
    // Their texts are part of this one, so what comes next is what lies behind them.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TryRunError::Returned { error, .. } => error.source(),
            TryRunError::Task(error) => error.source(),
        }
    }
}

impl Parallel {
    /// Runs calls that return a `Result`, and returns the values of their `Ok` in the order of the input; an `Err` stops the batch
    /// as a panic does.
    ///
    /// As [`run`](Self::run) otherwise: calls that run already finish, and what they return is kept (an `Err` only under
    /// `cache_err`). Told to [keep going](Self::keep_going), it runs all calls before it returns the first failure;
    /// [`run_all`](Self::run_all) returns all of them. An `Err` is not [tried again](Self::retries).
    ///
    /// # Errors
    ///
    /// Fails if a call returns an `Err` or a task panics. If several do, the first in the order of the input is reported.
    ///
    /// # Panics
    ///
    /// Panics if drawing the input does; tasks that run already finish and are stored.
    ///
    /// # Examples
    ///
    /// ```
    /// use rememo::{Parallel, TryRunError, delayed};
    ///
    /// let texts = ["1", "2", "three", "4"];
    /// let numbers = Parallel::new().try_run(texts.iter().map(|text| delayed(|| text.parse::<u32>())));
    /// let Err(TryRunError::Returned { index, error }) = numbers else { panic!("{numbers:?}") };
    /// assert_eq!((index, error.to_string().as_str()), (2, "invalid digit found in string"));
    /// ```
    pub fn try_run<C, T, E>(&self, calls: impl IntoIterator<Item = C>) -> Result<Vec<T>, TryRunError<E>>
    where
        C: Call<Output = Result<T, E>> + Send,
        T: Send,
        E: Send,
    {
        let policy = Policy { is_failure: Some(Result::is_err), ..self.policy() };
        let mut results = self.results(calls, policy);
        // The first failure in the order of the input; results after a dropped task do not count.
        if let Some(first) = results.iter().position(|(_, result)| policy.fails(result)) {
            let (index, failure) = results.swap_remove(first);
            panics::drop_each_quietly(results);
            return Err(match failure {
                Ok(Err(error)) => TryRunError::Returned { index, error },
                Err(error) => TryRunError::Task(error),
                Ok(Ok(_)) => unreachable!("a failure is an error"),
            });
        }
        Ok(results.into_iter().filter_map(|(_, result)| result.ok()?.ok()).collect())
    }
}
