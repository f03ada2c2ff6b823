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
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::frame::Connection;
use super::output::{self, LastWords};
use super::protocol::{self, Hello};
use super::settings::Settings;
use super::{ending, entry};
use crate::remote::{Failure, Job, Lost, Reply, reply};
use crate::task_error::TaskErrorKind;

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

/// A worker process.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    connection: Connection,
    last_words: Arc<LastWords>,
    memory_limit: Option<u64>,
    /// Jobs that it has done.
    pub(super) done: usize,
}

impl Worker {
    /// Starts a worker, and waits until it is ready.
    pub(super) fn start(settings: &Settings) -> Result<Self, Failure> {
        let command = entry::command(settings.program.as_deref());
        let mut command = command.map_err(|reason| Failure::new(TaskErrorKind::NotSent, reason))?;
        let (child, here) = spawn(&mut command, settings).map_err(|error| {
            Failure::new(TaskErrorKind::NotSent, format!("a worker process cannot be started: {error}"))
        })?;
        let mut worker = Worker {
            last_words: Arc::default(),
            child,
            connection: Connection::new(here),
            memory_limit: settings.memory_limit,
            done: 0,
        };
        worker.last_words = output::take(&mut worker.child, settings.pass_output);
        worker.greet(settings.threads)?;
        Ok(worker)
    }

    fn greet(&mut self, threads: usize) -> Result<(), Failure> {
        let hello = Hello { threads, memory_limit: self.memory_limit };
        let sent = self.connection.send(hello.message());
        let answer = sent.and_then(|()| self.connection.receive(Some(Instant::now() + GREETING)));
        let refused = match answer {
            Ok(answer) if protocol::is_welcome(&answer) => return Ok(()),
            Ok(_) => "a worker process is of another program than this one: its memoized functions, or their code, \
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
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Has jobs done, one after the other; `done` is told of each by its place.
    ///
    /// # Errors
    ///
    /// Fails if the worker ends, or does not answer for as long as `timeout`; it has ended then. The job that it was at is the
    /// first that `done` was not told of, or one of those behind it, whose answers were on their way.
    pub(super) fn exchange<'j>(
        &mut self,
        jobs: impl ExactSizeIterator<Item = &'j Job> + Clone,
        timeout: Option<Duration>,
        mut done: impl FnMut(usize, Result<Reply, Lost>),
    ) -> Result<(), Failure> {
        let mut left = jobs.len();
        self.last_words.forget();
        if self.connection.send(protocol::jobs(jobs)).is_err() {
            return Err(self.ended());
        }
        while left > 0 {
            let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            let message = match self.connection.receive(deadline) {
                Ok(message) => message,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    self.end();
                    let message = format!("it had not ended after {:?}", timeout.unwrap_or_default());
                    return Err(Failure::new(TaskErrorKind::TimedOut, message));
                }
                Err(_) => return Err(self.ended()),
            };
            let taken = take_replies(&message, &mut done);
            let Some(taken) = taken else {
                self.end();
                return Err(Failure::new(TaskErrorKind::Crashed, "its worker process answered nonsense"));
            };
            left = left.saturating_sub(taken);
            self.done += taken;
        }
        Ok(())
    }

    /// The failure of the job that it was at when it ended by itself.
    fn ended(&mut self) -> Failure {
        let status = self.end();
        ending::failure(status, &self.last_words.hear(), self.memory_limit)
    }

    /// Sees that it has ended: by itself if it has closed its socket, else by force.
    fn end(&mut self) -> Option<ExitStatus> {
        // One that has crashed is dead before its socket closes; killing it changes nothing of how it ended.
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        let _ = self.child.kill();
        self.child.wait().ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells `done` of the replies in a message; how many they were. `None` if they make no sense.
fn take_replies(message: &[u8], done: &mut impl FnMut(usize, Result<Reply, Lost>)) -> Option<usize> {
    let mut reader = protocol::read_replies(message)?;
    let mut taken = 0;
    while !reader.is_empty() {
        let index = usize::try_from(reader.number()?).ok()?;
        done(index, reply::read(&mut reader)?);
        taken += 1;
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
