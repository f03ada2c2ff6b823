//! What one memory counts, from its first call until it is closed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, SystemTime};

use super::ledger::{Ledger, Record};
use super::text::Rows;
use super::{Counters, Ending, Run, Slot, Usage, keeper};
use crate::error::Result;
use crate::events;
use crate::key::FunctionId;
use crate::lock::lock;
use crate::sys::{self, Dir};

/// The session of a memory, under a number that tells it from all others of this process: every hit compares it.
#[derive(Debug)]
pub(crate) struct NumberedSession {
    number: u64,
    session: Arc<Session>,
}

impl Deref for NumberedSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl NumberedSession {
    /// That of a memory on a directory, which is not written if it is only to be read. One that is not listed is part of the
    /// totals, and no run.
    pub(crate) fn new(dir: &Arc<Dir>, is_written: bool, is_listed: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(Slot::FREE + 1);
        let number = NEXT.fetch_add(1, Relaxed);
        let session = Arc::new(Session {
            // Random, since process numbers repeat.
            id: RandomState::new().hash_one((process::id(), number)),
            dir: Arc::clone(dir),
            is_written,
            process: process::id(),
            started: SystemTime::now(),
            is_listed,
            functions: RwLock::default(),
            written: Mutex::default(),
        });
        NumberedSession { number, session }
    }

    /// Adds to the counters of a function, whose slot this is. `named` tells its id and name.
    #[inline]
    pub(crate) fn count<'n>(
        &self,
        slot: &'static Slot,
        named: impl FnOnce() -> (FunctionId, &'n str),
        add: impl Fn(&Counters),
    ) {
        match slot.get(self.number) {
            Some(counters) => add(counters),
            None => self.session.find(self.number, slot, named(), &add),
        }
    }
}

/// The counters of a memory, by function, and what of them is on the disk.
#[derive(Debug)]
pub(crate) struct Session {
    /// Tells it from all others that use the directory.
    id: u64,
    dir: Arc<Dir>,
    /// Whether what is counted is written.
    is_written: bool,
    /// Whose counts they are: not those of a child after `fork`.
    process: u32,
    started: SystemTime,
    /// Whether it is a run of its own: those of worker processes are not.
    is_listed: bool,
    functions: RwLock<HashMap<FunctionId, Counted>>,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Counted {
    name: String,
    place: Place,
}

/// Where the counters of a function are.
#[derive(Debug)]
enum Place {
    Slot(&'static Slot),
    /// Another session has the slot.
    Own(Box<Counters>),
}

impl Counted {
    fn counters(&self) -> &Counters {
        match &self.place {
            Place::Slot(slot) => slot.counters(),
            Place::Own(counters) => counters,
        }
    }
}

/// What was seen of the counters, and what of it is on the disk.
#[derive(Debug, Default)]
struct Written {
    seen: Rows,
    rows: Rows,
    /// Held for its lock: as long as that is held, the session is not over.
    file: Option<File>,
    is_over: bool,
}

impl Session {
    /// Adds to counters that are not those of the slot, or not yet.
    #[cold]
    fn find(
        self: &Arc<Self>,
        number: u64,
        slot: &'static Slot,
        (id, name): (FunctionId, &str),
        add: &dyn Fn(&Counters),
    ) {
        if let Some(known) = self.functions.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return add(known.counters());
        }
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        let is_first = functions.is_empty();
        let new = || {
            let place =
                if slot.take(number) { Place::Slot(slot) } else { Place::Own(Box::new(Counters::new())) };
            Counted { name: name.to_owned(), place }
        };
        add(functions.entry(id).or_insert_with(new).counters());
        drop(functions);
        if is_first && self.is_written {
            keeper::keep(self);
        }
    }

    /// What was counted so far, of all functions, and how many values were stored.
    pub(crate) fn sum(&self) -> (Usage, u64) {
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        let usages: Vec<_> = functions.values().map(|counted| counted.counters().read()).collect();
        let stored = functions.values().map(|counted| counted.counters().read_stored()).sum();
        (Usage::sum(&usages), stored)
    }

    /// What was counted so far, by function. What has changed since it was looked at last was used just now.
    fn rows(&self, written: &mut Written) -> Rows {
        let before = std::mem::take(&mut written.seen);
        let now = Some(SystemTime::now());
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        let rows = functions.iter().filter_map(|(id, counted)| {
            let usage = counted.counters().read();
            let place = (*id, counted.name.clone());
            let last_use = match before.get(&place) {
                Some(was) if (Usage { last_use: None, ..was.clone() }) == usage => was.last_use,
                _ => now,
            };
            (!usage.is_nothing()).then_some((place, Usage { last_use, ..usage }))
        });
        written.seen = rows.collect();
        written.seen.clone()
    }

    fn record(&self, rows: Rows, ending: Ending) -> Record {
        let run = || Run {
            started: self.started,
            last: SystemTime::now(),
            program: sys::program_name(),
            host: sys::host_name(),
            usage: Usage::sum(rows.values()),
            ending,
            number: number_of_run(),
        };
        Record { session: self.id, run: self.is_listed.then(run), rows }
    }

    /// Writes what was counted, if that has changed.
    pub(super) fn write(&self) {
        if !self.is_own() {
            return;
        }
        let mut written = lock(&self.written);
        let rows = self.rows(&mut written);
        if written.is_over || rows == written.rows {
            return;
        }
        match Ledger::new(&self.dir).write_session(&self.record(rows.clone(), Ending::Running)) {
            // The old file goes with its lock, now that the new one is in place.
            Ok(Some(file)) => (written.rows, written.file) = (rows, Some(file)),
            Ok(None) => {}
            Err(error) => events::debug!(error = &error, "what was counted is not written"),
        }
    }

    /// Adds what was counted to that of all runs. Nothing that is counted later is written.
    pub(crate) fn close(&self) {
        if let Err(error) = self.settle(&mut lock(&self.written)) {
            events::debug!(error = &error, "what was counted is not in the totals yet");
        }
    }

    /// As [`close`](Self::close), in a process that is exiting: other threads may hold any lock for ever.
    pub(super) fn close_at_exit(&self) {
        for _ in 0..100 {
            match self.written.try_lock() {
                Ok(mut written) => return drop(self.settle(&mut written)),
                Err(TryLockError::Poisoned(written)) => return drop(self.settle(&mut written.into_inner())),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn settle(&self, written: &mut Written) -> Result<()> {
        if !self.is_own() {
            return Ok(());
        }
        let rows = self.rows(written);
        if std::mem::replace(&mut written.is_over, true) || rows.is_empty() {
            return Ok(());
        }
        let record = self.record(rows, Ending::Ended);
        let settled = Ledger::new(&self.dir).settle(Some(&record));
        // Only now: until then it is not taken for one that was killed.
        written.file = None;
        settled
    }

    /// Whether it is written, and by this process.
    fn is_own(&self) -> bool {
        self.is_written && self.process == process::id()
    }

    /// What all runs have counted, this one included, by function.
    pub(crate) fn totals(&self) -> Result<BTreeMap<(FunctionId, String), Usage>> {
        let (mut totals, _, own) = self.read()?;
        for (place, usage) in own {
            totals.entry(place).or_default().add(&usage);
        }
        Ok(totals)
    }

    /// The runs that are known, this one included, the oldest first.
    pub(crate) fn runs(&self) -> Result<Vec<Run>> {
        let (_, mut runs, own) = self.read()?;
        if !own.is_empty()
            && let Some(run) = self.record(own, Ending::Running).run
        {
            run.add_to(&mut runs);
        }
        runs.sort_by_key(|run| run.started);
        Ok(runs)
    }

    /// What others have counted, and what this one has.
    fn read(&self) -> Result<(Rows, Vec<Run>, Rows)> {
        let mut written = lock(&self.written);
        let own = if written.is_over { Rows::new() } else { self.rows(&mut written) };
        let (rows, runs) = Ledger::new(&self.dir).read((!written.is_over).then_some(self.id))?;
        Ok((rows, runs, own))
    }
}

/// Tells this process from all others, also from those that it forks.
fn number_of_run() -> u64 {
    static NUMBER: Mutex<Option<(u32, u64)>> = Mutex::new(None);
    let process = process::id();
    let mut known = lock(&NUMBER);
    match *known {
        Some((of, number)) if of == process => number,
        _ => known.insert((process, RandomState::new().hash_one(process))).1,
    }
}
