//! `totals`, `runs` and `sessions/`: what all processes that have used a directory have counted. Specified in `docs/format.md`.
//!
//! # Invariants
//! 1. `totals` is changed under a lock, and put in place whole. It names the sessions in it whose files were there then, so that
//!    neither who adds them up nor who reads counts one twice, wherever a process is killed.
//! 2. A session whose file is locked goes on, and nobody else touches it.
//! 3. Both files are bounded: of too many rows those of one name are put together, of too many runs the oldest go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use super::text::{self, Rows};
use super::{Ending, Run};
use crate::error::Result;
use crate::events;
use crate::key::FunctionId;
use crate::sealed;
use crate::sys::{self, Access, Dir, Temporary};

const TOTALS: &str = "totals";
const RUNS: &str = "runs";
const SESSIONS: &str = "sessions";

/// Locked while the others change.
const LOCK: &str = "totals.lock";

/// The first lines.
const FIRST_OF_TOTALS: &str = "rememo totals 2 ";
const FIRST_OF_RUNS: &str = "rememo runs 1 ";
const FIRST_OF_SESSION: &str = "rememo session 2 ";

/// More rows than this are put together, where several states of a function's code have one each.
const MOST_ROWS: usize = 2000;

/// More runs are not kept.
const MOST_RUNS: usize = 500;

/// A longer file is none.
const LARGEST: u64 = 64 << 20;

/// A directory's counts.
#[derive(Debug)]
pub(crate) struct Ledger<'d> {
    dir: &'d Dir,
}

/// What one session has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) session: u64,
    /// `None` if it is not listed as a run of its own.
    pub(super) run: Option<Run>,
    pub(super) rows: Rows,
}

/// What is in `totals`.
#[derive(Debug, Default)]
struct Totals {
    rows: Rows,
    /// Sessions whose counts are in it, and whose files may still be there.
    settled: BTreeSet<u64>,
}

impl<'d> Ledger<'d> {
    pub(super) fn new(dir: &'d Dir) -> Self {
        Ledger { dir }
    }

    /// Writes what a session has counted so far; the file, locked. `None` if the directory is gone.
    pub(super) fn write_session(&self, record: &Record) -> Result<Option<File>> {
        if !self.is_there()? {
            return Ok(None);
        }
        let temporary = Temporary::create(self.dir)?;
        temporary.write(|file| sys::write_at(file, record.to_text().as_bytes(), 0))?;
        temporary.place(&name(record.session)).map(Some)
    }

    /// Adds what a session of this process has counted to the totals, and that of sessions that were killed.
    pub(super) fn settle(&self, own: Option<&Record>) -> Result<()> {
        if !self.is_there()? {
            return Ok(());
        }
        let _lock = sys::lock_file(self.dir, LOCK)?;
        let mut totals = self.read_totals()?;
        let mut runs = self.read_runs()?;
        let mut over = Vec::new();
        for session in self.sessions()? {
            let is_own = own.is_some_and(|own| own.session == session);
            if is_own || self.is_over(session)? {
                over.push(session);
                if !is_own && let Some(record) = self.read_session(session)? {
                    totals.add(&mut runs, record, Ending::Killed);
                }
            }
        }
        if let Some(own) = own {
            totals.add(&mut runs, own.clone(), Ending::Ended);
        }
        totals.settled = over.iter().copied().collect();
        totals.put_together();
        sys::replace(self.dir, TOTALS, &[totals.to_text().as_bytes()])?;
        // A kill right here leaves out a line, and no count.
        sys::replace(self.dir, RUNS, &[runs_to_text(runs).as_bytes()])?;
        over.iter().try_for_each(|session| self.dir.remove(&name(*session)).map(drop))
    }

    /// What was counted by all sessions but one, and the runs that are known.
    pub(super) fn read(&self, but: Option<u64>) -> Result<(Rows, Vec<Run>)> {
        // A session that is added to the totals meanwhile would be missed, or count twice.
        for _ in 0..10 {
            let before = self.read_totals()?;
            let mut sessions = Vec::new();
            for session in self.sessions()?.into_iter().filter(|session| Some(*session) != but) {
                if let Some(record) = self.read_session(session)? {
                    let ending = if self.is_over(session)? { Ending::Killed } else { Ending::Running };
                    sessions.push((record, ending));
                }
            }
            let mut runs = self.read_runs()?;
            let mut totals = self.read_totals()?;
            if (&totals.rows, &totals.settled) != (&before.rows, &before.settled) {
                continue;
            }
            for (record, ending) in sessions {
                totals.add(&mut runs, record, ending);
            }
            return Ok((totals.rows, runs));
        }
        // Many processes end here: what is settled is told, at least.
        Ok((self.read_totals()?.rows, self.read_runs()?))
    }

    /// Whether the directory is a cache, and was not removed: nothing is made again for a count.
    fn is_there(&self) -> Result<bool> {
        Ok(self.dir.stat("format")?.is_some())
    }

    fn sessions(&self) -> Result<Vec<u64>> {
        let names = self.dir.names(SESSIONS)?;
        Ok(names.iter().filter_map(|name| u64::from_str_radix(name, 16).ok()).collect())
    }

    /// Whether nobody adds to a session any more.
    fn is_over(&self, session: u64) -> Result<bool> {
        match self.dir.find(&name(session), Access::Read)? {
            // A file that was replaced meanwhile has lost its name before its lock.
            Some((file, stat)) if sys::is_abandoned(&file, &stat) => {
                sys::is_named(&file).map_err(|error| self.dir.error("look at", &name(session), error))
            }
            _ => Ok(false),
        }
    }

    fn read_session(&self, session: u64) -> Result<Option<Record>> {
        let text = self.text(&name(session))?;
        let lines = text.as_deref().and_then(|text| sealed::checked(FIRST_OF_SESSION, text));
        Ok(lines.and_then(|lines| Record::parse(session, lines)))
    }

    fn read_totals(&self) -> Result<Totals> {
        let Some(text) = self.text(TOTALS)? else { return Ok(Totals::default()) };
        let totals = sealed::checked(FIRST_OF_TOTALS, &text).and_then(Totals::parse);
        if totals.is_none() {
            events::warn!("`{}` is damaged: what was counted begins anew", self.dir.at(TOTALS).display());
        }
        Ok(totals.unwrap_or_default())
    }

    fn read_runs(&self) -> Result<Vec<Run>> {
        let Some(text) = self.text(RUNS)? else { return Ok(Vec::new()) };
        let runs = sealed::checked(FIRST_OF_RUNS, &text)
            .and_then(|lines| lines.lines().map(text::parse_run).collect::<Option<_>>());
        Ok(runs.unwrap_or_default())
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let read = self.dir.read(name, LARGEST)?;
        Ok(read.map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// Where the file of a session is.
fn name(session: u64) -> String {
    format!("{SESSIONS}/{session:016x}")
}

impl Record {
    fn to_text(&self) -> String {
        let run = self.run.as_ref().map_or_else(|| "\n".to_owned(), text::run);
        let rows = self.rows.iter().map(|(place, usage)| text::row(place, usage));
        sealed::with_checksum(FIRST_OF_SESSION, &(run + &rows.collect::<String>()))
    }

    fn parse(session: u64, lines: &str) -> Option<Self> {
        let (run, rows) = lines.split_once('\n')?;
        let run = if run.is_empty() { None } else { Some(text::parse_run(run)?) };
        let rows = rows.lines().map(text::parse_row).collect::<Option<_>>()?;
        Some(Record { session, run, rows })
    }
}

impl Totals {
    fn to_text(&self) -> String {
        let settled: Vec<_> = self.settled.iter().map(|session| format!("{session:016x}")).collect();
        let rows = self.rows.iter().map(|(place, usage)| text::row(place, usage));
        sealed::with_checksum(FIRST_OF_TOTALS, &(settled.join(" ") + "\n" + &rows.collect::<String>()))
    }

    fn parse(lines: &str) -> Option<Self> {
        let (settled, rows) = lines.split_once('\n')?;
        let settled = settled.split_whitespace().map(|session| u64::from_str_radix(session, 16).ok());
        Some(Totals {
            settled: settled.collect::<Option<_>>()?,
            rows: rows.lines().map(text::parse_row).collect::<Option<_>>()?,
        })
    }

    /// Adds what a session has counted, unless it is in it.
    fn add(&mut self, runs: &mut Vec<Run>, record: Record, ending: Ending) {
        if self.settled.contains(&record.session) {
            return;
        }
        for (place, usage) in record.rows {
            self.rows.entry(place).or_default().add(&usage);
        }
        if let Some(run) = record.run {
            Run { ending, ..run }.add_to(runs);
        }
    }

    /// Of too many rows, puts those together that have one name, but for the latest of each. Their place has no id.
    fn put_together(&mut self) {
        const EARLIER: FunctionId = FunctionId([0; 8]);
        if self.rows.len() <= MOST_ROWS {
            return;
        }
        let mut latest: BTreeMap<String, FunctionId> = BTreeMap::new();
        let mut by_use: Vec<_> = self.rows.iter().collect();
        by_use.sort_by_key(|(_, usage)| usage.last_use);
        for ((id, name), _) in by_use {
            latest.insert(name.clone(), *id);
        }
        let mut rows = Rows::new();
        for ((id, name), usage) in std::mem::take(&mut self.rows) {
            let id = if latest.get(&name) == Some(&id) { id } else { EARLIER };
            rows.entry((id, name)).or_default().add(&usage);
        }
        self.rows = rows;
    }
}

impl Run {
    /// Adds it to the runs, or to the line of the same process.
    pub(super) fn add_to(self, runs: &mut Vec<Run>) {
        match runs.iter_mut().find(|run| run.number == self.number) {
            Some(run) => {
                run.usage.add(&self.usage);
                run.started = run.started.min(self.started);
                run.last = run.last.max(self.last);
                run.ending = self.ending;
            }
            None => runs.push(self),
        }
    }
}

fn runs_to_text(mut runs: Vec<Run>) -> String {
    runs.sort_by_key(|run| run.last);
    let oldest = runs.len().saturating_sub(MOST_RUNS);
    sealed::with_checksum(FIRST_OF_RUNS, &runs[oldest..].iter().map(text::run).collect::<String>())
}
