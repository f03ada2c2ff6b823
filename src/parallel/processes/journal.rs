//! What a worker has begun and finished of a message of jobs, as its parent can read it at any time.
//!
//! Replies to short jobs travel together. If the worker ends meanwhile, those that it had ready would be lost, and nobody would
//! know which job it was at. So before each job the worker writes the reply of the one before, and which job comes, to a
//! file in memory that its parent made and keeps. It is anonymous: it is gone with the parent.
//!
//! Records: `B` and the place of a job that begins; `R`, the place of a job, and the length and the bytes of its reply. A record
//! that is cut off is none. The worker empties the file when it has sent what is in it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::remote::{Failure, Reply, reply};
use crate::sys::AnonymousFile;
use crate::wire::{Reader, Writer};

const BEGUN: u8 = b'B';
const REPLY: u8 = b'R';

/// The parent's side.
#[derive(Debug)]
pub(super) struct Journal {
    file: AnonymousFile,
}

/// What there is in a journal.
#[derive(Debug, Default)]
pub(super) struct JournalEntries {
    pub(super) replies: Vec<(usize, Result<Reply, Failure>)>,
    /// The job that began last.
    pub(super) begun: Option<usize>,
}

impl Journal {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Journal { file: AnonymousFile::new("rememo-journal")? })
    }

    /// Where the worker finds it.
    pub(super) fn path(&self) -> PathBuf {
        self.file.path()
    }

    pub(super) fn read(&self) -> JournalEntries {
        let mut entries = JournalEntries::default();
        let file = self.file.file();
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        // One call of the system may read less than there is.
        if file.read_exact_at(&mut bytes, 0).is_err() {
            bytes.clear();
        }
        let mut reader = Reader(&bytes);
        while let Some(entry) = next(&mut reader) {
            match entry {
                JournalEntry::Begun(place) => entries.begun = Some(place),
                JournalEntry::Reply(place, result) => entries.replies.push((place, result)),
            }
        }
        entries
    }
}

enum JournalEntry {
    Begun(usize),
    Reply(usize, Result<Reply, Failure>),
}

fn next(reader: &mut Reader<'_>) -> Option<JournalEntry> {
    let kind = reader.byte()?;
    let place = usize::try_from(reader.number()?).ok()?;
    match kind {
        BEGUN => Some(JournalEntry::Begun(place)),
        REPLY => Some(JournalEntry::Reply(place, reply::read(&mut Reader(reader.bytes()?))?)),
        _ => None,
    }
}

/// The worker's side.
#[derive(Debug)]
pub(super) struct Pen {
    file: File,
    /// What is written with the next job that begins.
    next: Writer,
}

impl Pen {
    /// `None` where the parent's journal cannot be opened: then jobs come one by one.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = OpenOptions::new().append(true).open(path).ok()?;
        Some(Pen { file, next: Writer::default() })
    }

    /// A job begins.
    pub(super) fn begin(&mut self, place: u64) {
        self.next.byte(BEGUN);
        self.next.number(place);
        // If it cannot be written, it is not known which job was run, and another attempt fails alone.
        let _ = self.file.write_all(&self.next.0);
        self.next.0.clear();
    }

    /// The reply of the last job is there.
    pub(super) fn reply(&mut self, place: u64, bytes: &[u8]) {
        self.next.byte(REPLY);
        self.next.number(place);
        self.next.bytes(bytes);
    }

    /// All replies are sent.
    pub(super) fn empty(&mut self) {
        self.next.0.clear();
        let _ = self.file.set_len(0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_a_worker_has_begun_and_finished_can_be_read() {
        let journal = Journal::new().unwrap();
        let mut pen = Pen::open(&journal.path()).unwrap();
        assert!(journal.read().begun.is_none());
        pen.begin(0);
        let mut bytes = Writer::default();
        reply::write(&Ok(Reply::stored(Duration::from_nanos(5))), &mut bytes);
        pen.reply(0, &bytes.0);
        assert_eq!(
            (journal.read().begun, journal.read().replies.len()),
            (Some(0), 0),
            "not before the next begins"
        );
        pen.begin(1);
        let entries = journal.read();
        assert_eq!(entries.begun, Some(1));
        assert_eq!(entries.replies, [(0, Ok(Reply::stored(Duration::from_nanos(5))))]);
        pen.empty();
        assert!(journal.read().begun.is_none() && journal.read().replies.is_empty());
    }
}
