//! What comes back of a job.

use std::time::Duration;

use crate::panics::{self, Payload};
use crate::task_error::{TaskErrorKind, message_of};
use crate::wire::{Reader, Writer};

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

const VALUE: u8 = 0;
const WHOLE: u8 = 1;
const STORED: u8 = 2;
const GONE: u8 = 3;
const REFUSED: u8 = 4;
const PANICKED: u8 = 5;
const RETURNED: u8 = 6;

/// Writes what came of a job.
pub(crate) fn write(result: &Result<Reply, Lost>, to: &mut Writer) {
    match result {
        Ok(Reply { content, took }) => {
            to.byte(match content {
                Content::Value { .. } => VALUE,
                Content::Whole(_) => WHOLE,
                Content::Stored => STORED,
            });
            to.number(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            match content {
                Content::Value { codec, bytes } => {
                    to.byte(*codec);
                    to.bytes(bytes);
                }
                Content::Whole(bytes) => to.bytes(bytes),
                Content::Stored => {}
            }
        }
        Err(Lost::ArgumentGone) => to.byte(GONE),
        Err(Lost::Refused(reason)) => {
            to.byte(REFUSED);
            to.bytes(reason.as_bytes());
        }
        Err(Lost::Returned(text)) => {
            to.byte(RETURNED);
            to.bytes(text.as_bytes());
        }
        Err(Lost::Panicked { message, place }) => {
            to.byte(PANICKED);
            to.bytes(message.as_bytes());
            to.option(place.as_deref(), |to, place| to.bytes(place.as_bytes()));
        }
    }
}

/// Reads what came of a job; `None` if it is garbled.
pub(crate) fn read(from: &mut Reader<'_>) -> Option<Result<Reply, Lost>> {
    let kind = from.byte()?;
    Some(match kind {
        VALUE | WHOLE | STORED => {
            let took = Duration::from_nanos(from.number()?);
            let content = match kind {
                VALUE => Content::Value { codec: from.byte()?, bytes: from.bytes()?.to_vec() },
                WHOLE => Content::Whole(from.bytes()?.to_vec()),
                _ => Content::Stored,
            };
            Ok(Reply { content, took })
        }
        GONE => Err(Lost::ArgumentGone),
        REFUSED => Err(Lost::Refused(from.text()?.to_owned())),
        RETURNED => Err(Lost::Returned(from.text()?.to_owned())),
        PANICKED => Err(Lost::Panicked {
            message: from.text()?.to_owned(),
            place: from.option(Reader::text)?.map(str::to_owned),
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_job_arrives_as_it_was() {
        let took = Duration::from_micros(3);
        for result in [
            Ok(Reply { content: Content::Value { codec: 2, bytes: vec![1, 2] }, took }),
            Ok(Reply { content: Content::Whole(vec![3]), took }),
            Ok(Reply::stored(took)),
            Err(Lost::ArgumentGone),
            Err(Lost::Refused("why".into())),
            Err(Lost::Returned("no data".into())),
            Err(Lost::Panicked { message: "no".into(), place: Some("a.rs:1:2".into()) }),
        ] {
            let mut writer = Writer::default();
            write(&result, &mut writer);
            let mut reader = Reader(&writer.0);
            assert_eq!(read(&mut reader), Some(result));
            assert!(reader.is_empty());
            for end in 0..writer.0.len() {
                assert_eq!(read(&mut Reader(&writer.0[..end])), None, "cut off at {end}");
            }
        }
    }
}
