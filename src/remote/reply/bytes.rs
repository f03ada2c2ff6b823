//! Replies as bytes, between a worker process and its parent.

use std::time::Duration;

use super::{Content, Lost, Reply};
use crate::wire::{Reader, Writer};

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
