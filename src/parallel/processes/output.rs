//! What workers write: kept back but for the last of it, or passed through line by line.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::events;
use crate::screen::{self, Stream};

/// Bytes of the standard error that are kept for messages.
const KEPT: usize = 512;

/// A line that is longer is passed through in pieces.
const LINE: u64 = 64 * 1024;

/// How long the end of the standard error is waited for once its worker has ended: a program that the worker started may have it
/// open still.
const PATIENCE: Duration = Duration::from_millis(200);

/// The last that a worker wrote to its standard error.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    kept: Mutex<Kept>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Whether a line said that there is not enough memory.
    starved: bool,
    /// Whether these are lines of a backtrace, which would leave no room for anything else.
    in_backtrace: bool,
    ended: bool,
}

/// Takes the output of a worker over; `pass` it through, or keep it back.
pub(super) fn take(child: &mut Child, pass: bool) -> Arc<LastWords> {
    let words = Arc::new(LastWords::default());
    let prefix = format!("[worker {}] ", child.id());
    if let Some(stdout) = child.stdout.take() {
        let prefix = prefix.clone();
        start("rememo-stdout", move || lines(stdout, |line| write(Stream::Output, &prefix, line)));
    }
    if let Some(stderr) = child.stderr.take() {
        let kept = Arc::clone(&words);
        start("rememo-stderr", move || {
            lines(stderr, |line| {
                kept.keep(line);
                if pass {
                    write(Stream::Error, &prefix, line);
                }
            });
            kept.end();
        });
    }
    words
}

/// Without the thread the pipe fills up, and the worker waits: rather let it see a closed pipe, which `work` drops.
fn start(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = thread::Builder::new().name(name.into()).spawn(work) {
        events::warn!(error = &error, "what a worker writes is lost");
    }
}

fn lines(from: impl Read, mut each: impl FnMut(&[u8])) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(from.by_ref().take(LINE).read_until(b'\n', &mut line), Ok(1..)) {
        each(&line);
        line.clear();
    }
}

/// Writes a line, in one go so that lines of workers do not mix.
fn write(to: Stream, prefix: &str, line: &[u8]) {
    let mut whole = prefix.as_bytes().to_vec();
    whole.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        whole.push(b'\n');
    }
    screen::write(to, &whole);
}

impl LastWords {
    fn keep(&self, line: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.in_backtrace =
            line.starts_with(b"stack backtrace:") || kept.in_backtrace && line.starts_with(b" ");
        if kept.in_backtrace || line.starts_with(b"note: ") {
            return;
        }
        // What Rust says when an allocation fails, before it aborts.
        kept.starved |= line.starts_with(b"memory allocation of ");
        kept.bytes.extend_from_slice(line);
        let surplus = kept.bytes.len().saturating_sub(KEPT);
        kept.bytes.drain(..surplus);
    }

    fn end(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.ended.notify_all();
    }

    /// Forgets what belongs to earlier jobs.
    pub(super) fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes.clear();
        kept.starved = false;
    }

    /// What was written last by a worker that has ended, and whether it had not enough memory.
    pub(super) fn hear(&self) -> (String, bool) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.wait_timeout_while(kept, PATIENCE, |kept| !kept.ended);
        let (kept, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (String::from_utf8_lossy(&kept.bytes).trim().to_owned(), kept.starved)
    }
}
