//! The failure of one task of a batch.

use std::any::Any;
use std::fmt;

/// The failure of one task of a batch: which, and with what message it panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError {
    index: usize,
    function: Option<&'static str>,
    message: String,
}

impl TaskError {
    /// Makes the error of a task that panicked with `payload`.
    pub(crate) fn panicked(index: usize, function: Option<&'static str>, payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("a panic whose payload is not text").to_owned();
        TaskError { index, function, message }
    }

    /// The same failure for a task that is a duplicate of the one that failed.
    pub(crate) fn at(&self, index: usize) -> Self {
        TaskError { index, ..self.clone() }
    }

    /// The place of the task in the input, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name of the memoized function; `None` for a plain closure.
    pub fn function(&self) -> Option<&'static str> {
        self.function
    }

    /// The text of the panic.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.index)?;
        if let Some(function) = self.function {
            write!(f, " (`{function}`)")?;
        }
        write!(f, " panicked: {}", self.message)
    }
}

impl std::error::Error for TaskError {}
