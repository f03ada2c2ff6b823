//! What comes back for a job: a value, the news that it is stored, or a failure.

#[cfg(target_os = "linux")]
mod bytes;

use std::time::Duration;

#[cfg(target_os = "linux")]
pub(crate) use self::bytes::{read, write};
use crate::panics::{self, Payload};
use crate::task_error::{TaskErrorKind, message_of};

/// The value of a job, or the news that its entry is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) value: ReplyValue,
    /// How long the function took.
    pub(crate) took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplyValue {
    /// Its bytes as an entry has them, to be stored by the process that sent the job.
    Encoded { codec: u8, bytes: Vec<u8> },
    /// The bytes of a value that is not stored, as an `Err` without `cache_err`.
    Whole { codec: u8, bytes: Vec<u8> },
    /// The same, of an entry that is in the store.
    Kept { codec: u8, bytes: Vec<u8> },
    /// The entry is in the store.
    Stored,
}

/// Why a job has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(crate) kind: TaskErrorKind,
    pub(crate) message: String,
    /// Where it panicked.
    pub(crate) place: Option<String>,
    /// What is to be done otherwise so that the job can succeed.
    pub(crate) again: Option<Again>,
}

/// How a job is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// With all of it inside: something that was not in the message was missing, an argument's file
    /// or the value's entry.
    Inside,
    /// With the arguments in the other encoding: in this one, one of them does not arrive.
    NotIn(u8),
}

impl Reply {
    /// The news that the entry of the job's key is in the store; `took` is how long the function took.
    pub fn stored(took: Duration) -> Self {
        Reply { value: ReplyValue::Stored, took }
    }

    /// Whether the entry of the job's key is in the store already.
    pub fn is_stored(&self) -> bool {
        matches!(self.value, ReplyValue::Stored | ReplyValue::Kept { .. })
    }
}

impl Failure {
    /// A failure of a kind, and a message that says what happened, for people.
    pub fn new(kind: TaskErrorKind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), place: None, again: None }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> TaskErrorKind {
        self.kind
    }

    /// What happened, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The job could not be sent, or the process that got it could not run it.
    pub(crate) fn not_sent(reason: impl Into<String>) -> Self {
        Failure::new(TaskErrorKind::NotSent, reason)
    }

    /// The message is no job.
    pub(crate) fn garbled() -> Self {
        Failure::not_sent("its arguments arrived garbled")
    }

    /// Something that the message only names is gone.
    pub(crate) fn missing(what: &str) -> Self {
        Failure { again: Some(Again::Inside), ..Failure::not_sent(what) }
    }

    /// A panic that was just caught on this thread.
    pub(crate) fn panicked(payload: &Payload) -> Self {
        let payload = &***payload;
        let place = panics::take_place(payload);
        Failure { place, ..Failure::new(TaskErrorKind::Panicked, message_of(payload)) }
    }
}
