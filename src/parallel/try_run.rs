//! [`Parallel::try_run`]: calls whose `Err` is a failure, too.
//!
//! The errors that people use are of three kinds: those that implement
//! [`Error`]; those that hold any such and do not implement it themselves
//! (`anyhow::Error`, `eyre::Report`, `Box<dyn Error + Send + Sync>`); and text. One implementation
//! of a trait for all of the first and another for all of the second kind would overlap, as far as
//! the compiler can know. So [`AsError`] has a parameter, one for each kind: that of a type is
//! inferred, and the error that is returned does not show it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::DerefMut;

use super::retry::RetryRule;
use super::{Parallel, Policy};
use crate::call::Call;
use crate::panics;
use crate::task_error::{TaskError, TaskSubject};

/// What [`Parallel::try_run`] takes for an error: whatever implements [`Error`], `anyhow::Error`
/// and the like, `Box<dyn Error + Send + Sync>`, and text.
///
/// `K` is the kind of the error, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error that `try_run` can report",
    label = "these calls return a `Result` whose `Err` says nothing",
    note = "implement `std::error::Error` for it, or look at each result of `run`"
)]
pub trait AsError<K> {
    /// What it says.
    #[doc(hidden)]
    fn text(&self) -> &dyn fmt::Display;

    /// What lies behind it.
    #[doc(hidden)]
    fn cause(&self) -> Option<&(dyn Error + 'static)>;
}

/// The kinds of errors.
pub mod error_kind {
    /// It implements `Error`.
    #[derive(Debug)]
    pub enum Itself {}
    /// It holds something that does.
    #[derive(Debug)]
    pub enum Content {}
    /// It is text.
    #[derive(Debug)]
    pub enum Text {}
}

impl<E: Error + 'static> AsError<error_kind::Itself> for E {
    fn text(&self) -> &dyn fmt::Display {
        self
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.source()
    }
}

// An `Arc` of an error is an error itself. It is not `DerefMut`.
impl<E: AsRef<dyn Error + Send + Sync> + DerefMut> AsError<error_kind::Content> for E {
    fn text(&self) -> &dyn fmt::Display {
        self.as_ref()
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.as_ref().source()
    }
}

macro_rules! is_text {
    ($($text:ty),*) => {$(
        impl AsError<error_kind::Text> for $text {
            fn text(&self) -> &dyn fmt::Display {
                self
            }

            fn cause(&self) -> Option<&(dyn Error + 'static)> {
                None
            }
        }
    )*};
}

is_text!(String, &'static str, Cow<'static, str>, Box<str>);

/// Why [`Parallel::try_run`] returned no values.
///
/// It says which call failed with which arguments, and how. Whatever the calls return, it can be
/// passed on by `?`, as `anyhow::Error` or `Box<dyn Error + Send + Sync>`, say. Its text contains
/// that of the error; its [`source`](Error::source) is what lies behind that.
#[non_exhaustive]
pub enum TryRunError<E> {
    /// A call returned an error.
    #[non_exhaustive]
    Returned {
        /// The place of the call in the input, from 0.
        index: usize,
        /// The name of the memoized function; `None` for a plain closure.
        function: Option<&'static str>,
        /// The arguments in short, such as `7, "wine"`; empty for a plain closure.
        arguments: String,
        /// What it returned.
        error: E,
        /// No API.
        #[doc(hidden)]
        text: fn(&E) -> &dyn fmt::Display,
        /// No API.
        #[doc(hidden)]
        cause: fn(&E) -> Option<&(dyn Error + 'static)>,
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

    /// The name of the memoized function; `None` for a plain closure.
    pub fn function(&self) -> Option<&'static str> {
        match self {
            TryRunError::Returned { function, .. } => *function,
            TryRunError::Task(error) => error.function(),
        }
    }

    /// The arguments in short, such as `7, "wine"`, cut off with `…` when long; as
    /// [`TaskError::arguments`].
    pub fn arguments(&self) -> &str {
        match self {
            TryRunError::Returned { arguments, .. } => arguments,
            TryRunError::Task(error) => error.arguments(),
        }
    }

    fn returned<K>(subject: TaskSubject, error: E) -> Self
    where
        E: AsError<K>,
    {
        let TaskSubject { index, function, arguments } = subject;
        let arguments = arguments.to_string();
        TryRunError::Returned { index, function, arguments, error, text: E::text, cause: E::cause }
    }
}

impl<E> fmt::Display for TryRunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRunError::Returned { index, function, arguments, error, text, .. } => {
                let subject =
                    TaskSubject { index: *index, function: *function, arguments: arguments.as_str().into() };
                write!(f, "{subject} failed: {}", text(error))
            }
            TryRunError::Task(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for TryRunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRunError::Returned { index, function, arguments, error, .. } => f
                .debug_struct("Returned")
                .field("index", index)
                .field("function", function)
                .field("arguments", arguments)
                .field("error", error)
                .finish(),
            TryRunError::Task(error) => f.debug_tuple("Task").field(error).finish(),
        }
    }
}

impl<E: fmt::Debug> Error for TryRunError<E> {
    // Their texts are part of this one, so what comes next is what lies behind them.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            TryRunError::Returned { error, cause, .. } => cause(error),
            TryRunError::Task(error) => error.source(),
        }
    }
}

impl<R> Parallel<R> {
    /// Runs calls that return a `Result`, and returns the values of their `Ok` in the order of the input; an `Err` stops the batch
    /// as a panic does.
    ///
    /// As [`run`](Self::run) otherwise: calls that run already finish, and what they return is kept
    /// (an `Err` only under `cache_err`). Told to [keep going](Self::keep_going), it runs all calls
    /// before it returns the first failure; [`run_all`](Self::run_all) returns all of them. An
    /// `Err` is tried again if [`retry_if`](Self::retry_if) says so.
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
    /// use rememo::{Memory, Parallel, TryRunError, memo};
    ///
    /// #[memo]
    /// fn number(text: &str) -> Result<u32, String> {
    ///     text.parse().map_err(|error| format!("{error}"))
    /// }
    ///
    /// fn sum(memory: &Memory, texts: &[&str]) -> Result<u32, Box<dyn std::error::Error>> {
    ///     let calls = texts.iter().map(|text| number::delayed(text));
    ///     Ok(Parallel::new().memory(memory).try_run(calls)?.iter().sum())
    /// }
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let memory = Memory::open(dir.path())?;
    /// assert_eq!(sum(&memory, &["1", "2", "4"])?, 7);
    /// let error = sum(&memory, &["1", "2", "three"]).unwrap_err();
    /// # let error = error.to_string().replace(number::info().name(), "number");
    /// assert_eq!(error.to_string(), r#"task 2 (`number("three")`) failed: invalid digit found in string"#);
    ///
    /// let numbers = Parallel::new().memory(&memory).try_run([number::delayed("ten")]);
    /// let Err(TryRunError::Returned { index, error, .. }) = numbers else { panic!("{numbers:?}") };
    /// assert_eq!((index, error.as_str()), (0, "invalid digit found in string"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_run<C, T, E, K>(&self, calls: impl IntoIterator<Item = C>) -> Result<Vec<T>, TryRunError<E>>
    where
        C: Call<Output = Result<T, E>> + Send,
        T: Send,
        E: AsError<K> + Send,
        R: RetryRule<Result<T, E>>,
    {
        let policy = Policy { failure: Some(failure_text), ..self.policy() };
        let (mut results, failures) = self.results(calls, policy);
        // The first failure in the order of the input; results after a dropped task do not count.
        let first = results.iter().position(|(_, result)| !matches!(result, Ok(Ok(_))));
        if let Some(first) = first {
            let (index, failure) = results.swap_remove(first);
            panics::drop_each_quietly(results);
            return Err(match failure {
                Ok(Err(error)) => {
                    let subject = failures.into_iter().find(|subject| subject.index == index);
                    TryRunError::returned(subject.unwrap_or(TaskSubject::unknown(index)), error)
                }
                Err(error) => TryRunError::Task(error),
                Ok(Ok(_)) => unreachable!("a failure is an error"),
            });
        }
        Ok(results.into_iter().filter_map(|(_, result)| result.ok()?.ok()).collect())
    }
}

fn failure_text<T, E: AsError<K>, K>(value: &Result<T, E>) -> Option<&dyn fmt::Display> {
    value.as_ref().err().map(AsError::text)
}
