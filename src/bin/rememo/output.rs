//! What the command prints, and how it ends.

use std::fmt;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rememo::Error;
use serde_json::Value;

/// What came of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong,
}

/// Why a command did not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something could not be done.
    Failed(String),
    /// It makes no sense.
    Usage(String),
    /// What it printed could not be written.
    Output(io::Error),
}

impl Stop {
    /// What to tell; nothing of a reader that has seen enough, such as `head`.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Stop::Failed(message) | Stop::Usage(message) => Some(message.clone()),
            Stop::Output(error) if error.kind() == ErrorKind::BrokenPipe => None,
            Stop::Output(error) => Some(format!("cannot write the output: {error}")),
        }
    }

    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Stop::Usage(_) => ExitCode::from(2),
            Stop::Output(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Stop::Failed(_) | Stop::Output(_) => ExitCode::from(1),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(chain(&error))
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Output(error)
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The standard output. What is printed is held back for no longer than [`PROMPT`].
#[derive(Debug)]
pub(crate) struct Output {
    to: BufWriter<StdoutLock<'static>>,
    /// When it was passed on last; `None` if never.
    passed: Option<Instant>,
    pub(crate) json: bool,
}

/// A person sees no delay.
const PROMPT: Duration = Duration::from_millis(50);

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Output { to: BufWriter::new(io::stdout().lock()), passed: None, json }
    }

    pub(crate) fn line(&mut self, line: impl fmt::Display) -> io::Result<()> {
        writeln!(self.to, "{line}")?;
        self.pass_on()
    }

    /// Passes on what was printed, if it was held back for long enough. To be called while nothing is printed, too.
    pub(crate) fn pass_on(&mut self) -> io::Result<()> {
        let is_due = |passed: Instant| passed.elapsed() >= PROMPT;
        if self.to.buffer().is_empty() || !self.passed.is_none_or(is_due) {
            return Ok(());
        }
        self.passed = Some(Instant::now());
        self.to.flush()
    }

    /// One object, on one line.
    pub(crate) fn object(&mut self, value: &Value) -> io::Result<()> {
        self.line(value)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
