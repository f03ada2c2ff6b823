//! What is done about failures.
//!
//! A retry goes to the end of the queue. Duplicates stay parked with the item until its last
//! attempt.

use std::fmt;

use crate::task_error::TaskError;

/// What a batch does about failures.
pub(super) struct Policy<T> {
    /// Whether nothing more is started after a failure.
    pub(super) fail_fast: bool,
    /// How often a call that fails is tried again.
    pub(super) retries: u32,
    /// Which values are failures, too.
    pub(super) is_failure: Option<fn(&T) -> bool>,
}

impl<T> Policy<T> {
    /// Whether this result ends the batch.
    pub(super) fn stops(&self, result: &Result<T, TaskError>) -> bool {
        self.fail_fast && self.fails(result)
    }

    /// Whether this result is a failure.
    pub(super) fn fails(&self, result: &Result<T, TaskError>) -> bool {
        match (result, self.is_failure) {
            (Err(_), _) => true,
            (Ok(value), Some(is_failure)) => is_failure(value),
            (Ok(_), None) => false,
        }
    }
}

// Not derived: that would ask for as much of `T`.
impl<T> Clone for Policy<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Policy<T> {}

impl<T> fmt::Debug for Policy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Policy { fail_fast, retries, is_failure } = self;
        f.debug_struct("Policy")
            .field("fail_fast", fail_fast)
            .field("retries", retries)
            .field("is_failure", &is_failure.is_some())
            .finish()
    }
}
