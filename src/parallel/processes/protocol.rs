//! What parent and worker say to each other, in this order: hello, welcome; then jobs, and replies to them, in as many messages as
//! the worker likes.

use std::path::PathBuf;

use super::frame::Message;
use crate::remote::{self, Job, MemorySettings};
use crate::wire::{Reader, Writer};
use crate::worker;

/// The version of this protocol. Both sides are one program, unless somebody has put another in its place.
const VERSION: u64 = 4;

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const JOBS: u8 = 3;
const REPLIES: u8 = 4;

/// What a worker is told first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// Cores that it may use.
    pub(super) threads: usize,
    /// Bytes of data that it may have.
    pub(super) memory_limit: Option<u64>,
    /// Where its journal is.
    pub(super) journal: Option<PathBuf>,
}

impl Hello {
    pub(super) fn message(&self) -> Message {
        let mut message = Message::new(HELLO);
        message.body().number(VERSION);
        message.body().number(self.threads as u64);
        message.body().option(self.memory_limit, Writer::number);
        let journal = self.journal.as_deref().map(|path| path.as_os_str().as_encoded_bytes());
        message.body().option(journal, Writer::bytes);
        message
    }

    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let mut reader = Reader(message);
        if reader.byte()? != HELLO || reader.number()? != VERSION {
            return None;
        }
        let threads = usize::try_from(reader.number()?).ok()?;
        let memory_limit = reader.option(Reader::number)?;
        let journal = reader.option(Reader::text)?.map(PathBuf::from);
        Some(Hello { threads, memory_limit, journal })
    }
}

/// The worker's answer: which program it is, and whether it has opened its journal.
pub(super) fn welcome(has_journal: bool) -> Message {
    let mut message = Message::new(WELCOME);
    message.body().number(VERSION);
    message.body().byte(u8::from(has_journal));
    message.body().array(&worker::code_digest());
    message
}

/// If the answer is that of a worker of this very program, whether that has opened its journal.
pub(super) fn read_welcome(message: &[u8]) -> Option<bool> {
    let mut reader = Reader(message);
    let is_worker = reader.byte()? == WELCOME && reader.number()? == VERSION;
    let has_journal = reader.byte()? == 1;
    (is_worker && reader.array()? == worker::code_digest() && reader.is_empty()).then_some(has_journal)
}

/// Jobs, which are all of one memory.
pub(super) fn jobs<'j>(jobs: impl ExactSizeIterator<Item = &'j Job> + Clone) -> Message {
    let mut message = Message::new(JOBS);
    let body = message.body();
    remote::write_memory(jobs.clone().next().and_then(Job::memory), body);
    body.number(jobs.len() as u64);
    for job in jobs {
        job.write(body);
    }
    message
}

/// The memory and the number of jobs, and what they are to be read from.
pub(super) fn read_jobs(message: &[u8]) -> Option<(Option<MemorySettings>, u64, Reader<'_>)> {
    let mut reader = Reader(message);
    if reader.byte()? != JOBS {
        return None;
    }
    let memory = remote::read_memory(&mut reader)?;
    Some((memory, reader.number()?, reader))
}

/// Replies, none of them yet.
pub(super) fn replies() -> Message {
    Message::new(REPLIES)
}

/// What replies are to be read from.
pub(super) fn read_replies(message: &[u8]) -> Option<Reader<'_>> {
    let mut reader = Reader(message);
    (reader.byte()? == REPLIES).then_some(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_of_another_program_is_not_welcome() {
        let mut bytes = vec![WELCOME];
        bytes.extend(VERSION.to_le_bytes());
        bytes.push(1);
        bytes.extend(worker::code_digest());
        assert_eq!(read_welcome(&bytes), Some(true));
        bytes[20] ^= 1;
        assert_eq!(read_welcome(&bytes), None);
        assert_eq!(read_welcome(&[]), None);
    }
}
