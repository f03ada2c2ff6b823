//! One worker process, as its parent sees it.
//!
//! # Invariants
//! 1. A worker has at most one message of jobs, and is read from until that is answered: neither side waits for the other to
//!    read.
//! 2. A worker that has not answered as it should is killed, and waited for: none is left behind as a zombie.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::frame::Connection;
use super::journal::{Journal, JournalEntries};
use super::output::{self, LastWords};
use super::process::Process;
use super::protocol::{self, Hello};
use super::settings::Settings;
use super::{ending, entry};
use crate::error::chain;
use crate::remote::{Failure, Job, Reply, reply};
use crate::task_error::TaskErrorKind;

/// Replies that a worker keeps back for so long are taken from its journal.
const HELD_BACK: Duration = Duration::from_millis(1);

/// How long a worker may take until it calls [`init`](super::init).
const GREETING: Duration = Duration::from_secs(30);

/// Numeric libraries start threads of their own, one for each core, unless one of these says how many.
const THREAD_VARIABLES: [&str; 8] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// Why there is no worker.
#[derive(Debug)]
pub(super) enum NoWorker {
    /// There can be none.
    Never(Failure),
    /// The system has no room for another process now.
    NotNow(Failure),
}

impl NoWorker {
    fn of_system(error: &io::Error) -> Self {
        let message = format!("a worker process cannot be started: {}", chain(error));
        let failure = Failure::new(TaskErrorKind::NotSent, message);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => NoWorker::Never(failure),
            _ => NoWorker::NotNow(failure),
        }
    }
}

/// A worker process.
#[derive(Debug)]
pub(super) struct Worker {
    /// With a group of its own, in which is what its tasks have started, unless that has left.
    process: Process,
    connection: Connection,
    last_words: Arc<LastWords>,
    memory_limit: Option<u64>,
    /// What it has begun and finished, if it writes that down.
    journal: Option<Journal>,
    /// Jobs that it has done.
    pub(super) done: usize,
}

impl Worker {
    /// Starts a worker, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// Fails if there can be none, or none now.
    pub(super) fn start(settings: &Settings) -> Result<Self, NoWorker> {
        let command = entry::command(settings.program.as_deref());
        let mut command =
            command.map_err(|reason| NoWorker::Never(Failure::new(TaskErrorKind::NotSent, reason)))?;
        let (child, here) = spawn(&mut command, settings).map_err(|error| NoWorker::of_system(&error))?;
        let process = Process::new(child);
        let mut worker = Worker {
            last_words: Arc::default(),
            connection: Connection::to(here, process.pidfd()),
            process,
            memory_limit: settings.memory_limit,
            journal: Journal::new().ok(),
            done: 0,
        };
        worker.last_words = output::take(&mut worker.process.child, settings.pass_output);
        worker.greet(settings.threads).map_err(NoWorker::Never)?;
        Ok(worker)
    }

    fn greet(&mut self, threads: usize) -> Result<(), Failure> {
        let journal = self.journal.as_ref().map(Journal::path);
        let hello = Hello { threads, memory_limit: self.memory_limit, journal };
        let sent = self.connection.send(hello.message());
        let answer = sent.and_then(|()| self.connection.receive(Some(Instant::now() + GREETING)));
        let welcome = answer.map(|answer| protocol::read_welcome(&answer));
        let refused = match welcome {
            Ok(Some(has_journal)) => {
                self.journal.take_if(|_| !has_journal);
                return Ok(());
            }
            Ok(None) => "a worker process is of another program than this one: its memoized functions, or their code, \
                      are others"
                .to_owned(),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                "a worker process does not answer: is `rememo::init()` the first that its `main` calls?".to_owned()
            }
            Err(_) => {
                let ended = self.ended();
                format!(
                    "a worker process ended before it called `rememo::init()`, or could not get what it asked for: {}",
                    ended.message()
                )
            }
        };
        Err(Failure::new(TaskErrorKind::NotSent, refused))
    }

    /// Whether it is still there.
    pub(super) fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// How many jobs may travel together: one, if it would not be known which of them has ended the worker.
    pub(super) fn most_together(&self) -> usize {
        if self.journal.is_some() { usize::MAX } else { 1 }
    }

    /// Has jobs done, one after the other; `event` is told of each by its place, once, and with a `None` before it waits.
    ///
    /// # Errors
    ///
    /// Fails if the worker ends, or does not answer for as long as `timeout`; it has ended then. `event` was told of what was
    /// finished by then.
    pub(super) fn exchange<'j>(
        &mut self,
        jobs: impl ExactSizeIterator<Item = &'j Job> + Clone,
        timeout: Option<Duration>,
        event: &mut dyn FnMut(Option<Answer>),
    ) -> Result<(), Ended> {
        let is_one = jobs.len() == 1;
        let mut news = News { told: vec![false; jobs.len()], left: jobs.len(), event };
        self.last_words.forget();
        if self.connection.send(protocol::jobs(jobs)).is_err() {
            let failure = self.ended();
            return Err(Ended { failure, at: is_one.then_some(0) });
        }
        let deadline = || timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut until = deadline();
        // Whether the journal may have replies that are not sent: those of short jobs before a long one.
        let mut may_hold_back = self.journal.is_some() && !is_one;
        while news.left > 0 {
            (news.event)(None);
            let glance = may_hold_back.then(|| Instant::now() + HELD_BACK);
            let first = [until, glance].into_iter().flatten().min();
            let failure = match self.connection.receive(first) {
                Ok(message) => {
                    if let Some(taken) = take_replies(&message, &mut news) {
                        self.done += taken;
                        until = deadline();
                        may_hold_back = self.journal.is_some() && !is_one;
                        continue;
                    }
                    self.process.end();
                    Failure::new(TaskErrorKind::Crashed, "its worker process answered nonsense")
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    if until.is_none_or(|until| Instant::now() < until) {
                        may_hold_back = false;
                        for (place, result) in self.journal().replies {
                            self.done += usize::from(news.tell(place, result));
                        }
                        continue;
                    }
                    self.process.end();
                    let message = format!("it had not ended after {:?}", timeout.unwrap_or_default());
                    Failure::new(TaskErrorKind::TimedOut, message)
                }
                Err(_) => self.ended(),
            };
            let JournalEntries { replies, begun } = self.journal();
            for (place, result) in replies {
                news.tell(place, result);
            }
            let at = begun.or(is_one.then_some(0)).filter(|&at| news.told.get(at) == Some(&false));
            return Err(Ended { failure, at });
        }
        Ok(())
    }

    fn journal(&self) -> JournalEntries {
        self.journal.as_ref().map(Journal::read).unwrap_or_default()
    }

    /// The failure of the job that it was at when it ended by itself.
    fn ended(&mut self) -> Failure {
        let status = self.process.end();
        ending::failure(status, &self.last_words.hear(), self.memory_limit)
    }
}

/// How a worker ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) failure: Failure,
    /// The place of the job that it was at, if that is known.
    pub(super) at: Option<usize>,
}

/// What somebody is told of each job, once.
struct News<'e> {
    told: Vec<bool>,
    left: usize,
    event: &'e mut dyn FnMut(Option<Answer>),
}

/// What came of the job at a place.
pub(super) type Answer = (usize, Result<Reply, Failure>);

impl News<'_> {
    /// Tells of a reply, unless that was done; whether it was news.
    fn tell(&mut self, place: usize, result: Result<Reply, Failure>) -> bool {
        let Some(told @ false) = self.told.get_mut(place) else { return false };
        *told = true;
        self.left -= 1;
        (self.event)(Some((place, result)));
        true
    }
}

/// Tells of the replies in a message; how many of them were news. `None` if they make no sense.
fn take_replies(message: &[u8], news: &mut News<'_>) -> Option<usize> {
    let mut reader = protocol::read_replies(message)?;
    let mut taken = 0;
    while !reader.is_empty() {
        let index = usize::try_from(reader.number()?).ok()?;
        taken += usize::from(news.tell(index, reply::read(&mut reader)?));
    }
    Some(taken)
}

/// Starts the process with one end of a socket pair as its standard input; returns the other.
fn spawn(command: &mut Command, settings: &Settings) -> io::Result<(Child, UnixStream)> {
    let (here, there) = UnixStream::pair()?;
    command.stdin(Stdio::from(OwnedFd::from(there)));
    command.stdout(if settings.pass_output { Stdio::piped() } else { Stdio::null() });
    command.stderr(Stdio::piped());
    command.current_dir(&settings.directory);
    // Ctrl-C is for the parent; its workers end with it.
    command.process_group(0);
    for variable in THREAD_VARIABLES {
        if std::env::var_os(variable).is_none() {
            command.env(variable, settings.threads.to_string());
        }
    }
    let child = command.spawn()?;
    // The command keeps the child's end open until it is dropped, and the end of the child would not be seen.
    command.stdin(Stdio::null());
    Ok((child, here))
}
