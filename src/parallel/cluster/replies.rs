//! Replies of tasks, each in a file of its own that grows. Whoever watches reads what is new.
//!
//! A record: the length of what follows, its checksum, the place of the job, and the [reply]. One that is cut
//! off or wrong is none yet, and nothing behind it is read: a task whose disk was full goes on in another file.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::checksum;
use crate::remote::{Failure, Reply, reply};
use crate::wire::{Reader, Writer};

/// What came of the job at a place.
pub(super) type Answer = (usize, Result<Reply, Failure>);

/// The file of a task.
#[derive(Debug)]
pub(super) struct ReplyWriter {
    path: PathBuf,
    file: File,
    /// Files before this one that have ended in a record that is cut off.
    before: u32,
}

impl ReplyWriter {
    pub(super) fn create(folder: &Path, task: &str) -> io::Result<Self> {
        let path = folder.join(task);
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        Ok(ReplyWriter { path, file, before: 0 })
    }

    pub(super) fn write(&mut self, (place, result): &Answer) -> io::Result<()> {
        let mut record = Writer::default();
        record.number(*place as u64);
        reply::write(result, &mut record);
        let mut bytes = Writer::default();
        bytes.number(record.0.len() as u64);
        bytes.array(&checksum::of(&record.0, 0));
        bytes.0.extend_from_slice(&record.0);
        let written = self.file.write_all(&bytes.0);
        if written.is_err() {
            self.before += 1;
            let next = self.path.with_added_extension(self.before.to_string());
            self.file = OpenOptions::new().append(true).create_new(true).open(next)?;
        }
        written
    }
}

/// What of each file was read.
#[derive(Debug, Default)]
pub(super) struct ReplyReader(HashMap<PathBuf, u64>);

impl ReplyReader {
    /// The replies that came since the last time; none if the folder is gone.
    pub(super) fn read(&mut self, folder: &Path) -> Vec<Answer> {
        let mut answers = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let from = self.0.entry(path.clone()).or_default();
            // What cannot be read now may be readable later; if nobody is left to write, it is lost.
            if let Ok(read) = read_from(&path, *from, &mut answers) {
                *from += read;
            }
        }
        answers
    }
}

/// Adds the whole records behind a place of a file; how many bytes they have.
fn read_from(path: &Path, from: u64, answers: &mut Vec<Answer>) -> io::Result<u64> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() <= from {
        return Ok(0);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut reader = Reader(&bytes);
    let mut read = 0;
    while let Some(answer) = next(&mut reader) {
        answers.push(answer);
        read = bytes.len() - reader.0.len();
    }
    Ok(read as u64)
}

fn next(reader: &mut Reader<'_>) -> Option<Answer> {
    let length = usize::try_from(reader.number()?).ok()?;
    let checksum = reader.array()?;
    let (record, rest) = reader.0.split_at_checked(length)?;
    if checksum::of(record, 0) != checksum {
        return None;
    }
    reader.0 = rest;
    let mut record = Reader(record);
    let place = usize::try_from(record.number()?).ok()?;
    Some((place, reply::read(&mut record)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(place: usize) -> Answer {
        (place, Ok(Reply::stored(Duration::from_nanos(place as u64))))
    }

    #[test]
    fn what_is_written_is_read_once_and_what_is_cut_off_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = ReplyReader::default();
        assert_eq!(reader.read(&dir.path().join("gone")), []);
        let mut writer = ReplyWriter::create(dir.path(), "a").unwrap();
        writer.write(&answer(0)).unwrap();
        assert_eq!(reader.read(dir.path()), [answer(0)]);
        assert_eq!(reader.read(dir.path()), []);
        writer.write(&answer(1)).unwrap();
        let path = dir.path().join("a");
        let whole = fs::read(&path).unwrap();
        for end in (whole.len() / 2)..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert_eq!(reader.read(dir.path()), [], "cut off at {end}");
        }
        let mut wrong = whole.clone();
        *wrong.last_mut().unwrap() ^= 1;
        fs::write(&path, &wrong).unwrap();
        assert_eq!(reader.read(dir.path()), []);
        fs::write(&path, &whole).unwrap();
        assert_eq!(reader.read(dir.path()), [answer(1)]);
    }

    #[test]
    fn no_task_takes_the_file_of_another() {
        let dir = tempfile::tempdir().unwrap();
        ReplyWriter::create(dir.path(), "a").unwrap();
        assert_eq!(ReplyWriter::create(dir.path(), "a").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
