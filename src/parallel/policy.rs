//! What is done about failures.
//!
//! A retry goes to the end of the queue, or is put off: no thread waits for it. Duplicates stay
//! parked with the item until its last attempt.

use std::fmt;
use std::time::Duration;

use super::retry::{Backoff, IsToRetry};
use crate::task_error::TaskError;

/// What a value says if it is a failure.
pub(super) type FailureText<T> = fn(&T) -> Option<&dyn fmt::Display>;

/// What a batch does about failures.
pub(super) struct Policy<T> {
    /// Whether nothing more is started after a failure.
    pub(super) fail_fast: bool,
    /// How often a call that fails is tried again.
    pub(super) retries: u32,
    /// How long it waits for that.
    pub(super) backoff: Option<Backoff>,
    /// Which values are tried again, as if the call had failed.
    pub(super) is_to_retry: Option<IsToRetry<T>>,
    /// What a value says that is a failure, too; `None`: no value is one.
    pub(super) failure: Option<FailureText<T>>,
    /// Whether somebody is told of each call.
    pub(super) names_calls: bool,
}

impl<T> Policy<T> {
    /// Whether this result ends the batch.
    pub(super) fn stops(&self, result: &Result<T, TaskError>) -> bool {
        self.fail_fast && self.fails(result)
    }

    /// Whether this result is a failure.
    pub(super) fn fails(&self, result: &Result<T, TaskError>) -> bool {
        result.as_ref().map_or(true, |value| self.is_failure(value))
    }

    /// Whether this value is a failure.
    pub(super) fn is_failure(&self, value: &T) -> bool {
        self.failure_text(value).is_some()
    }

    /// What a value says that is a failure.
    pub(super) fn failure_text<'v>(&self, value: &'v T) -> Option<&'v dyn fmt::Display> {
        self.failure.and_then(|failure| failure(value))
    }

    /// Whether a call that has returned this value, after so many failures, is tried again.
    pub(super) fn is_to_retry(&self, value: &T, failures: u32) -> bool {
        failures < self.retries && self.is_to_retry.as_ref().is_some_and(|is_to_retry| is_to_retry(value))
    }

    /// How long a call waits for its next attempt that has failed so often; `None`: it does not.
    pub(super) fn wait_after(&self, failures: u32) -> Option<Duration> {
        self.backoff.map(|backoff| backoff.after(failures)).filter(|wait| !wait.is_zero())
    }

    /// Whether it is to be told what was called, when a call has returned this value.
    pub(super) fn names(&self, value: &T) -> bool {
        self.names_calls || self.is_failure(value)
    }
}

impl<T> fmt::Debug for Policy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Policy { fail_fast, retries, backoff, is_to_retry, failure, names_calls } = self;
        f.debug_struct("Policy")
            .field("fail_fast", fail_fast)
            .field("retries", retries)
            .field("backoff", backoff)
            .field("is_to_retry", &is_to_retry.is_some())
            .field("failure", &failure.is_some())
            .field("names_calls", names_calls)
            .finish()
    }
}
