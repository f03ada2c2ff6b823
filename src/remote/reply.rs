//! What comes back of a job.

#[cfg(target_os = "linux")]
mod bytes;

use std::time::Duration;

#[cfg(target_os = "linux")]
pub(crate) use self::bytes::{read, write};

use crate::panics::{self, Payload};
use crate::task_error::{TaskErrorKind, message_of};

/// What a job came to, where it ran: its value, or the news that the value's entry is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) content: Content,
    /// How long the function took.
    pub(crate) took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The bytes of the value, as an entry has them, to be stored by who gets them.
    Value { codec: u8, bytes: Vec<u8> },
    /// The bytes of a value that its function does not keep.
    Whole(Vec<u8>),
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
    /// It would be served if its large arguments came with it.
    pub(crate) argument_gone: bool,
}

/// Why a job that arrived could not be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The file of a large argument cannot be opened: send it with the job.
    ArgumentGone,
    /// It cannot be run here.
    Refused(String),
    /// It returned an `Err` that cannot be sent back: its text.
    Returned(String),
    /// It panicked.
    Panicked {
        /// The text of the panic.
        message: String,
        /// Its place in the source.
        place: Option<String>,
    },
}

impl Reply {
    /// The news that the entry of the job's key is in the store; `took` is how long the function took.
    pub fn stored(took: Duration) -> Self {
        Reply { content: Content::Stored, took }
    }

    /// Whether the entry of the job's key is in the store already.
    pub fn is_stored(&self) -> bool {
        self.content == Content::Stored
    }
}

impl Failure {
    /// A failure of a kind, and a message that says what happened, for people.
    pub fn new(kind: TaskErrorKind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), place: None, argument_gone: false }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> TaskErrorKind {
        self.kind
    }

    /// What happened, for people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl Lost {
    pub(crate) fn garbled() -> Self {
        Lost::Refused("its arguments arrived garbled".into())
    }

    /// A panic that was just caught on this thread.
    pub(crate) fn panicked(payload: &Payload) -> Self {
        let payload = &***payload;
        Lost::Panicked { message: message_of(payload).to_owned(), place: panics::take_place(payload) }
    }
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::ArgumentGone => {
                let message = "the file of a large argument cannot be opened";
                Failure { argument_gone: true, ..Failure::new(TaskErrorKind::NotSent, message) }
            }
            Lost::Refused(reason) => Failure::new(TaskErrorKind::NotSent, reason),
            Lost::Returned(text) => Failure::new(TaskErrorKind::Returned, text),
            Lost::Panicked { message, place } => {
                Failure { place, ..Failure::new(TaskErrorKind::Panicked, message) }
            }
        }
    }
}
