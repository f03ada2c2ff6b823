//! The failure of one task of a batch.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The failure of one task: which, and how it ended.
///
/// `Display` is one line: ``task 3 (`fit(7, "wine")`) panicked at src/fit.rs:10:5: no data``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError(Box<TaskFailure>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct TaskFailure {
    subject: TaskSubject,
    kind: TaskErrorKind,
    message: String,
    place: Option<String>,
}

/// What a failure is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskSubject {
    /// The place of the task in the input, from 0.
    pub(crate) index: usize,
    /// The name of the memoized function; `None` for a plain closure.
    pub(crate) function: Option<&'static str>,
    /// The arguments in short; empty for a plain closure.
    pub(crate) arguments: Arc<str>,
}

impl TaskSubject {
    /// A task of which only the index is known.
    pub(crate) fn unknown(index: usize) -> Self {
        TaskSubject { index, function: None, arguments: Arc::default() }
    }
}

impl fmt::Display for TaskSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskSubject { index, function, arguments } = self;
        write!(f, "task {index}")?;
        function.map_or(Ok(()), |function| write!(f, " (`{function}({arguments})`)"))
    }
}

/// How a task failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// It panicked.
    Panicked,
    /// The process that it ran in ended: by a signal, by an abort, by `exit`.
    Crashed,
    /// It took longer than it was given.
    TimedOut,
    /// It wanted more memory than it was given.
    OutOfMemory,
    /// It ran on a worker process and returned an `Err` that cannot be sent back: the message is its text.
    Returned,
    /// The call could not be given to the executor, or the executor could not run it: nothing has run.
    NotSent,
    /// It has no entry, and its memory is [frozen](crate::MemoryBuilder::frozen): nothing has run. The message says why it
    /// would be computed.
    Frozen,
    /// [`Task::cancel`](crate::Task::cancel) came before it had started.
    Cancelled,
    /// It returned a value that cannot be kept, and the memory is [strict](crate::MemoryBuilder::strict).
    NotKept,
}

impl TaskErrorKind {
    /// Whether another attempt may end otherwise.
    pub(crate) fn is_retryable(self) -> bool {
        match self {
            TaskErrorKind::Panicked
            | TaskErrorKind::Crashed
            | TaskErrorKind::TimedOut
            | TaskErrorKind::OutOfMemory => true,
            TaskErrorKind::Returned
            | TaskErrorKind::NotSent
            | TaskErrorKind::Frozen
            | TaskErrorKind::Cancelled
            | TaskErrorKind::NotKept => false,
        }
    }
}

impl TaskError {
    pub(crate) fn new(
        subject: TaskSubject,
        kind: TaskErrorKind,
        message: impl Into<String>,
        place: Option<String>,
    ) -> Self {
        TaskError(Box::new(TaskFailure { subject, kind, message: message.into(), place }))
    }

    /// The error of a task that panicked with `payload`.
    pub(crate) fn panicked(subject: TaskSubject, payload: &(dyn Any + Send), place: Option<String>) -> Self {
        TaskError::new(subject, TaskErrorKind::Panicked, message_of(payload), place)
    }

    /// The same failure for a task that is a duplicate of the one that failed.
    pub(crate) fn at(&self, index: usize) -> Self {
        let mut error = self.clone();
        error.0.subject.index = index;
        error
    }

    /// The place of the task in the input, from 0.
    pub fn index(&self) -> usize {
        self.0.subject.index
    }

    /// The name of the memoized function; `None` for a plain closure.
    pub fn function(&self) -> Option<&'static str> {
        self.0.subject.function
    }

    /// The arguments in short, such as `7, "wine"`, cut off with `…` when long. Empty for a plain closure, and where a panic
    /// came from the arguments themselves: from their `Serialize`, say.
    pub fn arguments(&self) -> &str {
        &self.0.subject.arguments
    }

    /// How the task failed.
    pub fn kind(&self) -> TaskErrorKind {
        self.0.kind
    }

    /// The text of the panic, or how else the task ended.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it panicked: file, line and column, such as `src/fit.rs:10:5`.
    ///
    /// `None` where that is not known: the task did not panic, or it took a panic over from another thread; or the program has
    /// set a panic hook of its own after its first batch, and that hook does not call the one before it.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }
}

impl fmt::Display for TaskErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskErrorKind::Panicked => "panicked",
            TaskErrorKind::Crashed => "crashed",
            TaskErrorKind::TimedOut => "timed out",
            TaskErrorKind::OutOfMemory => "ran out of memory",
            TaskErrorKind::Returned => "returned an error",
            TaskErrorKind::NotSent => "could not be run",
            TaskErrorKind::Frozen => "is not computed, as the memory is frozen",
            TaskErrorKind::Cancelled => "was cancelled",
            TaskErrorKind::NotKept => "returned a value that cannot be kept",
        })
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskFailure { subject, kind, message, place } = &*self.0;
        write!(f, "{subject} {kind}")?;
        if let Some(place) = place {
            write!(f, " at {place}")?;
        }
        if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
    }
}

impl std::error::Error for TaskError {}

/// What is told of a panic.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> &str {
    text_of(payload).unwrap_or("a panic whose payload is not text")
}

/// The text that a panic was given, if it was given one.
pub(crate) fn text_of(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(function: Option<&'static str>, arguments: &str) -> TaskSubject {
        TaskSubject { index: 3, function, arguments: arguments.into() }
    }

    #[test]
    fn a_task_error_is_one_word_wide() {
        assert_eq!(size_of::<TaskError>(), size_of::<usize>());
        assert_eq!(size_of::<Result<Box<u8>, TaskError>>(), 2 * size_of::<usize>());
    }

    #[test]
    fn an_error_tells_in_one_line_which_call_failed_where_and_how() {
        let place = Some("src/a.rs:10:5".to_owned());
        let panicked = TaskError::panicked(subject(Some("fit"), "7, \"wine\""), &"no data", place);
        assert_eq!(panicked.to_string(), "task 3 (`fit(7, \"wine\")`) panicked at src/a.rs:10:5: no data");
        let message = "killed by signal 11 (SIGSEGV)";
        let crashed = TaskError::new(subject(Some("fit"), "7"), TaskErrorKind::Crashed, message, None);
        assert_eq!(crashed.to_string(), "task 3 (`fit(7)`) crashed: killed by signal 11 (SIGSEGV)");
        assert_eq!(crashed.at(5).to_string(), "task 5 (`fit(7)`) crashed: killed by signal 11 (SIGSEGV)");
        let closure = TaskError::panicked(subject(None, ""), &7_u8, None);
        assert_eq!(closure.to_string(), "task 3 panicked: a panic whose payload is not text");
    }

    #[test]
    fn what_was_never_sent_is_not_tried_again() {
        use TaskErrorKind::{Crashed, NotSent, OutOfMemory, Panicked, TimedOut};
        assert!([Panicked, Crashed, TimedOut, OutOfMemory].iter().all(|kind| kind.is_retryable()));
        assert!(!NotSent.is_retryable());
    }
}
