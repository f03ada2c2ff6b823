//! What comes back for a job: a value, the news that it is stored, or a failure.

use std::time::Duration;

use crate::panics::{self, Payload};
use crate::task_error::{TaskErrorKind, message_of};
use crate::wire::{Reader, Writer};

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
    /// Something that was not in the message was missing: an argument's file, or the value's entry.
    /// Sent again with all of it inside, the job can succeed.
    pub(crate) is_missing: bool,
}

impl Reply {
    /// The news that the entry of the job's key is in the store; `took` is how long the function took.
    pub fn stored(took: Duration) -> Self {
        Reply { value: ReplyValue::Stored, took }
    }

    /// Whether the entry of the job's key is in the store already.
    pub fn is_stored(&self) -> bool {
        self.value == ReplyValue::Stored
    }
}

impl Failure {
    /// A failure of a kind, and a message that says what happened, for people.
    pub fn new(kind: TaskErrorKind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), place: None, is_missing: false }
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
        Failure { is_missing: true, ..Failure::not_sent(what) }
    }

    /// A panic that was just caught on this thread.
    pub(crate) fn panicked(payload: &Payload) -> Self {
        let payload = &***payload;
        let place = panics::take_place(payload);
        Failure { place, ..Failure::new(TaskErrorKind::Panicked, message_of(payload)) }
    }
}

const VALUE: u8 = 0;
const WHOLE: u8 = 1;
const STORED: u8 = 2;
const MISSING: u8 = 3;

const KINDS: [TaskErrorKind; 7] = [
    TaskErrorKind::NotSent,
    TaskErrorKind::Panicked,
    TaskErrorKind::Returned,
    TaskErrorKind::Crashed,
    TaskErrorKind::TimedOut,
    TaskErrorKind::OutOfMemory,
    TaskErrorKind::Cancelled,
];

/// The number of a kind of failure in a message.
fn number_of(kind: TaskErrorKind) -> u8 {
    match kind {
        TaskErrorKind::NotSent => 4,
        TaskErrorKind::Panicked => 5,
        TaskErrorKind::Returned => 6,
        TaskErrorKind::Crashed => 7,
        TaskErrorKind::TimedOut => 8,
        TaskErrorKind::OutOfMemory => 9,
        TaskErrorKind::Cancelled => 10,
    }
}

/// Writes the result of a job.
pub(crate) fn write(result: &Result<Reply, Failure>, to: &mut Writer) {
    match result {
        Ok(Reply { value, took }) => {
            to.byte(match value {
                ReplyValue::Encoded { .. } => VALUE,
                ReplyValue::Whole(_) => WHOLE,
                ReplyValue::Stored => STORED,
            });
            to.number(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            match value {
                ReplyValue::Encoded { codec, bytes } => {
                    to.byte(*codec);
                    to.bytes(bytes);
                }
                ReplyValue::Whole(bytes) => to.bytes(bytes),
                ReplyValue::Stored => {}
            }
        }
        Err(Failure { kind, message, place, is_missing }) => {
            to.byte(if *is_missing { MISSING } else { number_of(*kind) });
            to.bytes(message.as_bytes());
            to.option(place.as_deref(), |to, place| to.bytes(place.as_bytes()));
        }
    }
}

/// Reads the result of a job; `None` if it is garbled.
pub(crate) fn read(from: &mut Reader<'_>) -> Option<Result<Reply, Failure>> {
    let number = from.byte()?;
    if let VALUE | WHOLE | STORED = number {
        let took = Duration::from_nanos(from.number()?);
        let value = match number {
            VALUE => ReplyValue::Encoded { codec: from.byte()?, bytes: from.bytes()?.to_vec() },
            WHOLE => ReplyValue::Whole(from.bytes()?.to_vec()),
            _ => ReplyValue::Stored,
        };
        return Some(Ok(Reply { value, took }));
    }
    let is_missing = number == MISSING;
    let kind = if is_missing {
        TaskErrorKind::NotSent
    } else {
        KINDS.into_iter().find(|kind| number_of(*kind) == number)?
    };
    let message = from.text()?.to_owned();
    let place = from.option(Reader::text)?.map(str::to_owned);
    Some(Err(Failure { kind, message, place, is_missing }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_a_job_arrives_as_it_was() {
        let took = Duration::from_micros(3);
        for result in [
            Ok(Reply { value: ReplyValue::Encoded { codec: 2, bytes: vec![1, 2] }, took }),
            Ok(Reply { value: ReplyValue::Whole(vec![3]), took }),
            Ok(Reply::stored(took)),
            Err(Failure::missing("a file")),
            Err(Failure::not_sent("why")),
            Err(Failure::new(TaskErrorKind::Returned, "no data")),
            Err(Failure { place: Some("a.rs:1:2".into()), ..Failure::new(TaskErrorKind::Panicked, "no") }),
            Err(Failure::new(TaskErrorKind::Crashed, "by a signal")),
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
