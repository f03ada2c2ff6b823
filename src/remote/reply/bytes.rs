//! Results of jobs as bytes, between a worker process and its parent.

use std::time::Duration;

use super::{Again, Failure, Reply, ReplyValue};
use crate::task_error::TaskErrorKind;
use crate::wire::{Reader, Writer};

const VALUE: u8 = 0;
const WHOLE: u8 = 1;
const STORED: u8 = 2;
const MISSING: u8 = 3;
const MISREAD: u8 = 4;
const KEPT: u8 = 14;

const KINDS: [TaskErrorKind; 9] = [
    TaskErrorKind::NotSent,
    TaskErrorKind::Panicked,
    TaskErrorKind::Returned,
    TaskErrorKind::Crashed,
    TaskErrorKind::TimedOut,
    TaskErrorKind::OutOfMemory,
    TaskErrorKind::Cancelled,
    TaskErrorKind::Frozen,
    TaskErrorKind::NotKept,
];

/// The number of a kind of failure in a message.
fn number_of(kind: TaskErrorKind) -> u8 {
    match kind {
        TaskErrorKind::NotSent => 5,
        TaskErrorKind::Panicked => 6,
        TaskErrorKind::Returned => 7,
        TaskErrorKind::Crashed => 8,
        TaskErrorKind::TimedOut => 9,
        TaskErrorKind::OutOfMemory => 10,
        TaskErrorKind::Cancelled => 11,
        TaskErrorKind::Frozen => 12,
        TaskErrorKind::NotKept => 13,
    }
}

/// Writes the result of a job.
pub(crate) fn write(result: &Result<Reply, Failure>, to: &mut Writer) {
    match result {
        Ok(Reply { value, took }) => {
            to.byte(match value {
                ReplyValue::Encoded { .. } => VALUE,
                ReplyValue::Whole { .. } => WHOLE,
                ReplyValue::Kept { .. } => KEPT,
                ReplyValue::Stored => STORED,
            });
            to.number(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            match value {
                ReplyValue::Encoded { codec, bytes }
                | ReplyValue::Whole { codec, bytes }
                | ReplyValue::Kept { codec, bytes } => {
                    to.byte(*codec);
                    to.bytes(bytes);
                }
                ReplyValue::Stored => {}
            }
        }
        Err(Failure { kind, message, place, again }) => {
            match again {
                None => to.byte(number_of(*kind)),
                Some(Again::Inside) => to.byte(MISSING),
                Some(Again::NotIn(encoding)) => {
                    to.byte(MISREAD);
                    to.byte(*encoding);
                }
            }
            to.bytes(message.as_bytes());
            to.option(place.as_deref(), |to, place| to.bytes(place.as_bytes()));
        }
    }
}

/// Reads the result of a job; `None` if it is garbled.
pub(crate) fn read(from: &mut Reader<'_>) -> Option<Result<Reply, Failure>> {
    let number = from.byte()?;
    if let VALUE | WHOLE | KEPT | STORED = number {
        let took = Duration::from_nanos(from.number()?);
        let value = match number {
            VALUE => ReplyValue::Encoded { codec: from.byte()?, bytes: from.bytes()?.to_vec() },
            WHOLE => ReplyValue::Whole { codec: from.byte()?, bytes: from.bytes()?.to_vec() },
            KEPT => ReplyValue::Kept { codec: from.byte()?, bytes: from.bytes()?.to_vec() },
            _ => ReplyValue::Stored,
        };
        return Some(Ok(Reply { value, took }));
    }
    let (kind, again) = match number {
        MISSING => (TaskErrorKind::NotSent, Some(Again::Inside)),
        MISREAD => (TaskErrorKind::NotSent, Some(Again::NotIn(from.byte()?))),
        number => (KINDS.into_iter().find(|kind| number_of(*kind) == number)?, None),
    };
    let message = from.text()?.to_owned();
    let place = from.option(Reader::text)?.map(str::to_owned);
    Some(Err(Failure { kind, message, place, again }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that means two things would have the rest of the message misread.
    #[test]
    fn each_kind_of_failure_arrives_as_it_was() {
        for kind in KINDS {
            let result = Err(Failure::new(kind, "why"));
            let mut writer = Writer::default();
            write(&result, &mut writer);
            assert_eq!(read(&mut Reader(&writer.0)), Some(result));
        }
    }

    #[test]
    fn the_result_of_a_job_arrives_as_it_was() {
        let took = Duration::from_micros(3);
        for result in [
            Ok(Reply { value: ReplyValue::Encoded { codec: 2, bytes: vec![1, 2] }, took }),
            Ok(Reply { value: ReplyValue::Whole { codec: 3, bytes: vec![3] }, took }),
            Ok(Reply { value: ReplyValue::Kept { codec: 3, bytes: vec![4; 3] }, took }),
            Ok(Reply::stored(took)),
            Err(Failure::missing("a file")),
            Err(Failure { again: Some(Again::NotIn(3)), ..Failure::not_sent("unread") }),
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
