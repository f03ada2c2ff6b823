//! States of the code: what of a function's code a key contains.
//!
//! What runs decides, what was written carries over: see [`record`] for the rules, and `docs/fingerprint.md`
//! for why. A state is looked up when a function gets its first key in a process, and is kept with the
//! function from there on.
//!
//! # Invariants
//! 1. A code is noted before an entry is stored under its state, or the state is one that it alone
//!    has. Else a later edit that its source does not show could be taken for it.
//! 2. Trouble with the records costs entries, never trust, and is never an error.
//!
//! A machine fingerprint tells whether two builds run the same code, but only of one compiler with
//! one set of options. The fingerprint of the source is the same everywhere, but sees more than
//! matters, and less: C code, files that a foreign macro reads, features of a dependency. So a key
//! contains neither, but a state.
//!
//! An instance of a function keeps the state of the first memory that asked, so a hit costs one
//! comparison more; other memories find theirs in a small map. A job carries its state to a worker
//! process, which may have no access to the records. Under `track = "body"` and `"none"` machine
//! code is no part of a state, and there are no records.
//!
//! A user may declare that an edit changes no value ([`adopted`]). Then the code of now is in the
//! state of the code before.

mod adopted;
mod pieces;
mod program;
mod record;

use std::collections::HashMap;
#[cfg(feature = "cli")]
use std::collections::HashSet;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex};

use self::pieces::Pieces;
pub(crate) use self::pieces::{Difference, How};
pub(crate) use self::program::Machine;
use self::record::{Code, Digest, Seen};
use crate::error::{Error, Result};
use crate::events;
use crate::key::{FunctionId, Identity};
use crate::lock::lock;
use crate::sys::{self, Dir};

/// Where the records are.
const STATES: &str = "states";

/// Locked while a record is changed.
const LOCK: &str = "states.lock";

/// Records of more functions are not kept: those that were not used for longest go, and with them the way to entries of
/// theirs. A generic function that is told by the
/// compiler's numbers of types has a new record with each build.
const MOST: usize = 4096;

/// A longer record is none: a thousand lines have 260 KB.
const LARGEST: u64 = 1 << 20;

/// The code of one function, as it stands in this program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    /// What tells the instance of the function from others, but for its code.
    pub(crate) function: Identity,
    /// What tells the function from others, but for its code.
    pub(crate) id: FunctionId,
    /// The fingerprint of its source.
    pub(crate) source: &'a [u8; 32],
    /// How it was compiled.
    pub(crate) settings: &'a str,
}

/// The state that the code of an instance is in, and what it is made of.
#[derive(Debug)]
pub(crate) struct Stated {
    pub(crate) state: Digest,
    /// Whether it is the state of earlier code, by a user's word.
    pub(crate) is_adopted: bool,
    pub(crate) machine: Machine,
}

/// The records of states below a cache directory.
#[derive(Debug)]
pub(crate) struct States {
    /// `None` where nothing is recorded.
    dir: Option<Arc<Dir>>,
    /// Tells it from all others of this process, and from itself before code was adopted.
    number: AtomicU64,
    /// What was read for explanations and guesses, by function: as old as it may be.
    recalled: Mutex<HashMap<[u8; 32], Arc<[Seen]>>>,
}

impl States {
    /// The records of a cache directory.
    pub(crate) fn new(dir: &Arc<Dir>) -> Self {
        States::at(Some(Arc::clone(dir)))
    }

    /// No records: each code is in the state that it would be in first in a new directory.
    pub(crate) fn nowhere() -> &'static Self {
        static NOWHERE: LazyLock<States> = LazyLock::new(|| States::at(None));
        &NOWHERE
    }

    fn at(dir: Option<Arc<Dir>>) -> Self {
        States { dir, number: next_number().into(), recalled: Mutex::default() }
    }

    /// Tells it from all others of this process. It changes when code is adopted: what was found before does not count
    /// then.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Relaxed)
    }

    /// Notes that code of this source gives the same values as the code before it.
    ///
    /// # Errors
    ///
    /// Fails if that cannot be written.
    pub(crate) fn adopt(&self, function: FunctionId, source: &Digest) -> Result<()> {
        self.change_adopted(|dir| adopted::add(dir, function, source))
    }

    /// The sources of a function that are adopted.
    ///
    /// # Errors
    ///
    /// Fails if the list cannot be read.
    pub(crate) fn adopted(&self, function: FunctionId) -> Result<Vec<Digest>> {
        self.dir.as_ref().map_or_else(|| Ok(Vec::new()), |dir| adopted::read(dir, function))
    }

    /// Takes back what was said of the code of a function.
    ///
    /// # Errors
    ///
    /// Fails if that cannot be written.
    pub(crate) fn forget(&self, function: FunctionId) -> Result<()> {
        self.change_adopted(|dir| adopted::remove(dir, function))
    }

    /// Changes what is adopted. What was found before does not count any more, also if another process has changed it first.
    fn change_adopted(&self, change: impl FnOnce(&Dir) -> Result<()>) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let _lock = sys::lock_file(dir, LOCK)?;
        change(dir)?;
        lock(&self.recalled).clear();
        self.number.store(next_number(), Relaxed);
        Ok(())
    }

    /// The state that a function is in, and what is known of its machine code. `roots` are the addresses of what that begins
    /// with.
    pub(crate) fn of(&self, written: &Written<'_>, roots: &[usize]) -> Stated {
        let machine = Machine::of(&written.function, roots, written.settings);
        let code = code(written, &machine);
        let (state, is_adopted) = match self.find(&name(&written.function), written.id, &code) {
            Ok(Seen { state, own, .. }) => (state, own.is_some()),
            Err(error) => {
                events::debug!(error = &error, "the states of the code are not known");
                (code.new_state(), false)
            }
        };
        Stated { state, is_adopted, machine }
    }

    /// What differs in the machine code of a function between `state` and now; nothing if that is not known, or if the state
    /// was not seen on this platform. `own` is the path of the function.
    pub(crate) fn differences(
        &self,
        function: &Identity,
        state: &Digest,
        machine: &Machine,
        own: &str,
    ) -> Vec<Difference> {
        let Ok(now) = machine.digest else { return Vec::new() };
        let seen = self.recall(function);
        let is_here = |seen: &&Seen| seen.state == *state && seen.code.platform == machine.platform;
        let was = seen.iter().rev().find(is_here);
        let was = was.and_then(|seen| program::pieces(function, &seen.code.machine));
        let Some((was, now)) = was.zip(program::pieces(function, &now)) else { return Vec::new() };
        Pieces::differences(&was, &now, own)
    }

    /// The states in which code of this source was seen, the latest first; that of who does not look at
    /// machine code is the last.
    pub(crate) fn of_source(&self, function: &Identity, source: &[u8; 32]) -> Vec<Digest> {
        let seen = self.recall(function);
        let mut states: Vec<Digest> = Vec::new();
        for seen in seen.iter().rev().filter(|seen| seen.code.source == *source) {
            if !states.contains(&seen.state) {
                states.push(seen.state);
            }
        }
        states.push(*source);
        states
    }

    /// The sources that are in the state of this one for some instance of a function, itself included; none if it was not seen.
    ///
    /// # Errors
    ///
    /// Fails if a record cannot be read.
    pub(crate) fn alike(&self, source: &Digest) -> Result<Vec<Digest>> {
        let Some(dir) = &self.dir else { return Ok(Vec::new()) };
        let mut alike = Vec::new();
        // Records do not tell whose instances they are of; sources do.
        for record in dir.names(STATES)? {
            let seen = read(dir, &format!("{STATES}/{record}"))?;
            let own = seen.iter().filter(|seen| seen.code.source == *source);
            let own: Vec<Digest> = own.map(|seen| seen.state).collect();
            alike.extend(seen.iter().filter(|seen| own.contains(&seen.state)).map(|seen| seen.code.source));
        }
        Ok(alike)
    }

    /// The records in which one of these sources was seen: where they are, and their text.
    ///
    /// # Errors
    ///
    /// Fails if a record cannot be read.
    #[cfg(feature = "cli")]
    pub(crate) fn of_sources(&self, sources: &HashSet<Digest>) -> Result<Vec<(String, String)>> {
        let Some(dir) = &self.dir else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for record in dir.names(STATES)? {
            let name = format!("{STATES}/{record}");
            let seen = read(dir, &name)?;
            if seen.iter().any(|seen| sources.contains(&seen.code.source)) {
                found.push((name, record::write(&seen)));
            }
        }
        Ok(found)
    }

    /// Adds what a record from elsewhere tells to that of the same instance. What is known here stays: a code that was seen here is
    /// in the state that it was found to be in.
    ///
    /// # Errors
    ///
    /// Fails if the record cannot be read or written.
    #[cfg(feature = "cli")]
    pub(crate) fn merge(&self, record: &str, text: &str) -> Result<()> {
        let is_name = record.len() == 32 && record.bytes().all(|digit| digit.is_ascii_hexdigit());
        let (Some(dir), true, Some(news)) = (&self.dir, is_name, record::read(text)) else { return Ok(()) };
        let name = format!("{STATES}/{record}");
        let _lock = sys::lock_file(dir, LOCK)?;
        let mut seen = read(dir, &name)?;
        let known = seen.len();
        for news in news {
            if seen.iter().all(|seen| seen.code != news.code) {
                record::add(&mut seen, news);
            }
        }
        if seen.len() != known {
            sys::replace(dir, &name, &[record::write(&seen).as_bytes()])?;
            lock(&self.recalled).clear();
            // What was found before may be another state now.
            self.number.store(next_number(), Relaxed);
        }
        Ok(())
    }

    fn recall(&self, function: &Identity) -> Arc<[Seen]> {
        let read = || {
            let seen = self.dir.as_ref().map(|dir| read(dir, &name(function)));
            seen.and_then(Result::ok).unwrap_or_default().into()
        };
        Arc::clone(lock(&self.recalled).entry(function.0).or_insert_with(read))
    }

    fn find(&self, name: &str, id: FunctionId, code: &Code) -> Result<Seen> {
        let Some(dir) = &self.dir else {
            return Ok(Seen { state: code.new_state(), code: *code, own: None });
        };
        let (found, is_news) = state_in(read(dir, name)?, &adopted::read(dir, id)?, code).found;
        if !is_news {
            return Ok(found);
        }
        match self.note(dir, name, id, code) {
            // Nobody can store an entry here under a state that is not noted.
            Err(error) if is_read_only(&error) => Ok(found),
            noted => noted,
        }
    }

    fn note(&self, dir: &Dir, name: &str, id: FunctionId, code: &Code) -> Result<Seen> {
        let _lock = sys::lock_file(dir, LOCK)?;
        // It is read anew when it is wanted.
        lock(&self.recalled).clear();
        let adopted = adopted::read(dir, id)?;
        let Recorded { mut seen, found: (found, is_news) } = state_in(read(dir, name)?, &adopted, code);
        if is_news {
            // The same machine code as what was adopted.
            if found.own.is_some() {
                adopted::add(dir, id, &code.source)?;
            }
            record::add(&mut seen, found);
            let is_first = seen.len() == 1;
            sys::replace(dir, name, &[record::write(&seen).as_bytes()])?;
            // The state is noted, whether there is room for others or not.
            if is_first && let Err(error) = sys::prune(dir, STATES, MOST) {
                events::debug!(error = &error, "records of states are not removed");
            }
        }
        Ok(found)
    }
}

/// A record, and what it says of a code.
struct Recorded {
    seen: Vec<Seen>,
    found: (Seen, bool),
}

/// What a record says of a code, if these sources of the function are adopted.
fn state_in(seen: Vec<Seen>, adopted: &[Digest], code: &Code) -> Recorded {
    let seen = record::in_force(seen, adopted);
    let is_adopted = adopted.contains(&code.source);
    let found =
        if is_adopted { record::adopted_state_of(&seen, code) } else { record::state_of(&seen, code) };
    Recorded { seen, found }
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// What a record tells; nothing if there is none, or it is damaged.
fn read(dir: &Dir, name: &str) -> Result<Vec<Seen>> {
    let Some((text, _)) = dir.read(name, LARGEST)? else { return Ok(Vec::new()) };
    Ok(std::str::from_utf8(&text).ok().and_then(record::read).unwrap_or_default())
}

/// The code of a function.
fn code(written: &Written<'_>, machine: &Machine) -> Code {
    let source = *written.source;
    Code { source, platform: machine.platform, machine: *machine.digest.as_ref().unwrap_or(&source) }
}

fn name(Identity(function): &Identity) -> String {
    let digits = record::hex(function);
    format!("{STATES}/{}", &digits[..32])
}

fn is_read_only(error: &Error) -> bool {
    let kind = error.io_error().map(std::io::Error::kind);
    matches!(kind, Some(ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied))
}

#[cfg(test)]
mod tests;
