//! `log/writers`: the names of the programs and machines that have stored entries. Specified in `docs/format.md`.
//!
//! The head of a record has room for a number of 16 bits. This table tells whose it is. It is for people: a row that is lost, damaged
//! or could not be written leaves the writer of some entries unknown, and is no trouble.
//!
//! # Invariants
//! 1. A row is there before a record has its number.
//! 2. Rows are appended under a lock, so that no two have one number. A row says itself whether it is whole: one that was cut off by a
//!    kill is passed over, and the next begins on a line of its own.
//! 3. A number is a digest of the names, or, if that is taken, the next one that is free. So where the table is lost and begins
//!    anew, those who write on get their numbers again.
//! 4. Nobody waits long for the lock. Whoever cannot have it stores as an unknown writer, and tries again later.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{io, thread};

use crate::checksum;
use crate::error::Result;
use crate::events;
use crate::lock::lock;
use crate::store::{Author, Writer};
use crate::sys::{self, Dir};

/// Where the table is.
pub(super) const WRITERS: &str = "log/writers";

/// The seed of the checksum of a row, by which rows of other versions are none.
const VERSION: u64 = 1;

/// A longer table is not read.
const LARGEST: u64 = 64 << 20;

/// What could not be written is tried again after so many seconds.
const AGAIN: u64 = 10;

/// How often the lock is tried, a millisecond apart.
const TRIES: usize = 50;

/// The table as one process knows it.
#[derive(Debug)]
pub(super) struct Writers {
    dir: Arc<Dir>,
    /// The number of this process; zero if it has none yet.
    own: AtomicU32,
    /// Before this second, since 1970, nothing is tried again.
    rests_until: AtomicU64,
    known: Mutex<Known>,
}

/// The names that were read.
#[derive(Debug, Default)]
struct Known {
    names: HashMap<u16, Arc<Writer>>,
    /// The numbers that no row was found for, and how long the table was then.
    missing: HashMap<u16, u64>,
}

impl Writers {
    pub(super) fn new(dir: &Arc<Dir>) -> Self {
        Writers {
            dir: Arc::clone(dir),
            own: AtomicU32::new(0),
            rests_until: AtomicU64::new(0),
            known: Mutex::default(),
        }
    }

    /// The number of whoever stores an entry, in the table from here on; zero if that is not known, or there is no room.
    #[inline]
    pub(super) fn number(&self, author: &Author, now: impl FnOnce() -> u32, is_durable: bool) -> u16 {
        let own = self.own.load(Relaxed);
        match author {
            Author::This if own != 0 => u16::try_from(own).unwrap_or(0),
            Author::This => {
                let number = self.number_of(Writer::own(), now(), is_durable);
                self.own.store(number.into(), Relaxed);
                number
            }
            Author::Other(writer) => self.number_of(writer.as_ref(), now(), is_durable),
        }
    }

    fn number_of(&self, writer: Option<&Arc<Writer>>, now: u32, is_durable: bool) -> u16 {
        let Some(writer) = writer else { return 0 };
        let seconds = u64::from(now);
        if let Some(number) = number_in(&lock(&self.known).names, writer) {
            return number;
        }
        let rests_until = self.rests_until.load(Relaxed);
        // Not if the clock was set back since.
        if (rests_until.saturating_sub(AGAIN)..rests_until).contains(&seconds) {
            return 0;
        }
        match self.enter(writer, is_durable) {
            Ok(Some(number)) => number,
            Ok(None) => self.rest(seconds),
            Err(error) => {
                events::debug!(error = &error, "who stores entries is not noted");
                self.rest(seconds)
            }
        }
    }

    /// Forgets what was read: the table may be another one now.
    pub(super) fn forget(&self) {
        self.own.store(0, Relaxed);
        *lock(&self.known) = Known::default();
    }

    fn rest(&self, seconds: u64) -> u16 {
        self.rests_until.store(seconds + AGAIN, Relaxed);
        0
    }

    /// The number of a writer in the table, put there if it is not; `None` if there is no room, or somebody has it locked for long.
    fn enter(&self, writer: &Arc<Writer>, is_durable: bool) -> Result<Option<u16>> {
        let mut known = lock(&self.known);
        if let Some(number) = number_in(self.read(&mut known)?, writer) {
            return Ok(Some(number));
        }
        let Some(file) = self.locked()? else { return Ok(None) };
        let fault = |error| self.dir.error("write to", WRITERS, error);
        // Under the lock: another may have been faster.
        let names = self.read(&mut known)?;
        let number = number_in(names, writer).or_else(|| free_number(names, writer));
        let Some(number) = number.filter(|number| !names.contains_key(number)) else { return Ok(number) };
        append(&file, &row(number, writer)).map_err(fault)?;
        if is_durable {
            file.sync_data().map_err(fault)?;
        }
        known.names.insert(number, Arc::clone(writer));
        Ok(Some(number))
    }

    /// The file, locked until it is closed; `None` if it cannot be had.
    fn locked(&self) -> Result<Option<File>> {
        let fault = |error| self.dir.error("lock", WRITERS, error);
        for _ in 0..TRIES {
            let (file, _) = self.dir.find_or_create(WRITERS)?;
            match file.try_lock() {
                // Not if it was removed meanwhile.
                Ok(()) if sys::is_named(&file).map_err(fault)? => return Ok(Some(file)),
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
                Err(std::fs::TryLockError::Error(error)) => return Err(fault(error)),
            }
        }
        Ok(None)
    }

    /// Reads the table.
    fn read<'k>(&self, known: &'k mut Known) -> Result<&'k HashMap<u16, Arc<Writer>>> {
        let bytes = self.dir.read(WRITERS, LARGEST)?.map(|(bytes, _)| bytes).unwrap_or_default();
        for line in bytes.split(|&byte| byte == b'\n') {
            if let Some((number, writer)) = parse_row(line) {
                known.names.entry(number).or_insert_with(|| Arc::new(writer));
            }
        }
        Ok(&known.names)
    }

    /// Who has this number; `None` if that is not known.
    pub(super) fn name(&self, number: u16) -> Option<Arc<Writer>> {
        if number == 0 {
            return None;
        }
        let mut known = lock(&self.known);
        if let Some(writer) = known.names.get(&number) {
            return Some(Arc::clone(writer));
        }
        // Others may have put it there meanwhile. What cannot be looked at is not known.
        let length = self.dir.stat(WRITERS).ok()??.size;
        if known.missing.insert(number, length) != Some(length)
            && let Err(error) = self.read(&mut known)
        {
            events::debug!(error = &error, "who stored entries is not known");
        }
        known.names.get(&number).cloned()
    }
}

fn number_in(names: &HashMap<u16, Arc<Writer>>, writer: &Writer) -> Option<u16> {
    names.iter().find_map(|(&number, other)| (**other == *writer).then_some(number))
}

/// The number for a writer that has none; `None` if all are taken.
fn free_number(names: &HashMap<u16, Arc<Writer>>, writer: &Writer) -> Option<u16> {
    let first = u16::try_from(checksum::word(writer.to_text().as_bytes()) & 0xFFFF).unwrap_or(0);
    (0..=u16::MAX)
        .map(|step| first.wrapping_add(step))
        .find(|number| *number != 0 && !names.contains_key(number))
}

/// The line of a writer, without its end.
fn row(number: u16, writer: &Writer) -> String {
    let names = serde_json::json!([writer.program(), writer.host()]);
    let row = format!("{number} {names}");
    format!("{:016x} {row}", checksum::word_of(row.as_bytes(), VERSION))
}

fn parse_row(line: &[u8]) -> Option<(u16, Writer)> {
    let (checksum, row) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let is_sound = checksum == format!("{:016x}", checksum::word_of(row.as_bytes(), VERSION));
    let (number, names) = row.split_once(' ').filter(|_| is_sound)?;
    let (program, host): (String, String) = serde_json::from_str(names).ok()?;
    Some((number.parse().ok().filter(|&number| number != 0)?, Writer::new(&program, &host)?))
}

/// Appends a line to the table, which is locked.
fn append(file: &File, row: &str) -> io::Result<()> {
    let end = file.metadata()?.len();
    let mut last = *b"\n";
    if end > 0 {
        sys::read_into(file, &mut last, end - 1)?;
    }
    // A killed process may have left a part of a line.
    let line = if last == *b"\n" { format!("{row}\n") } else { format!("\n{row}\n") };
    sys::write_at(file, line.as_bytes(), end).inspect_err(|_| drop(file.set_len(end)))
}

#[cfg(test)]
mod tests;
