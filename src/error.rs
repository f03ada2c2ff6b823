//! One opaque error for everything that can go wrong outside the user's own functions.
//!
//! `Display` is lower case, without a full stop, and describes its own layer; [`source`](std::error::Error::source)
//! carries the rest. A damaged or missing entry is never an error: it is a miss, with its reason in
//! [`MissReason`](crate::MissReason).

use std::fmt;
use std::io;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::task_error::TaskError;

/// The result of an operation on a [`Memory`](crate::Memory) or of a [`Parallel`](crate::Parallel) run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the cache or of a task, saying what was asked, and of which path or function.
///
/// One word wide, so that `Result<T>` stays small; a clone is the same error once more, for others that it concerns.
#[derive(Clone, Debug)]
pub struct Error(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    /// An operating system call failed.
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// A directory cannot serve as a cache, for a reason that is not an I/O error.
    Directory { path: PathBuf, reason: String },
    /// A file does not hold what was asked of it.
    File { path: PathBuf, reason: String },
    /// Arguments could not be turned into a key.
    Key { function: String, source: Cause },
    /// A value could not be turned into bytes, or bytes into a value.
    Value { action: &'static str, function: String, source: Cause },
    /// A call has no entry, or none that may be used.
    NoEntry { function: String, reason: String },
    /// A call is not in a frozen memory.
    Frozen { function: String, arguments: String, why: String },
    /// Something that only a memoized function has was asked of a plain closure.
    NotMemoized { action: &'static str },
    /// Data does not fit the shape of an array.
    Shape(String),
    /// A task of a batch failed.
    Task(TaskError),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Error(Arc::new(Kind::Io { action, path: path.into(), source }))
    }

    pub(crate) fn directory(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Error(Arc::new(Kind::Directory { path: path.into(), reason: reason.into() }))
    }

    pub(crate) fn file(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Error(Arc::new(Kind::File { path: path.into(), reason: reason.into() }))
    }

    pub(crate) fn key(function: &str, source: impl Into<Cause>) -> Self {
        Error(Arc::new(Kind::Key { function: function.to_owned(), source: source.into() }))
    }

    pub(crate) fn value(action: &'static str, function: &str, source: impl Into<Cause>) -> Self {
        Error(Arc::new(Kind::Value { action, function: function.to_owned(), source: source.into() }))
    }

    pub(crate) fn no_entry(function: &str, reason: impl fmt::Display) -> Self {
        Error(Arc::new(Kind::NoEntry { function: function.to_owned(), reason: reason.to_string() }))
    }

    pub(crate) fn frozen(function: &str, arguments: &str, why: impl fmt::Display) -> Self {
        let [function, arguments] = [function, arguments].map(str::to_owned);
        Error(Arc::new(Kind::Frozen { function, arguments, why: why.to_string() }))
    }

    pub(crate) fn not_memoized(action: &'static str) -> Self {
        Error(Arc::new(Kind::NotMemoized { action }))
    }

    pub(crate) fn shape(reason: String) -> Self {
        Error(Arc::new(Kind::Shape(reason)))
    }

    /// The file or directory that the operation was about, if it was about one.
    pub fn path(&self) -> Option<&Path> {
        match &*self.0 {
            Kind::Io { path, .. } | Kind::Directory { path, .. } | Kind::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The name of the memoized function that the operation was about, if it was about one.
    pub fn function(&self) -> Option<&str> {
        match &*self.0 {
            Kind::Key { function, .. }
            | Kind::Value { function, .. }
            | Kind::NoEntry { function, .. }
            | Kind::Frozen { function, .. } => Some(function),
            Kind::Task(error) => error.function(),
            _ => None,
        }
    }

    /// The operating system's error, if that was the cause.
    pub fn io_error(&self) -> Option<&io::Error> {
        match &*self.0 {
            Kind::Io { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The task that failed, if this is the error of a batch.
    pub fn task(&self) -> Option<&TaskError> {
        match &*self.0 {
            Kind::Task(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TaskError> for Error {
    fn from(error: TaskError) -> Self {
        Error(Arc::new(Kind::Task(error)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Io { action, path, .. } => write!(f, "cannot {action} `{}`", path.display()),
            Kind::Directory { path, reason } => {
                write!(f, "cannot use `{}` as a cache directory: {reason}", path.display())
            }
            Kind::File { path, reason } => write!(f, "cannot use the file `{}`: {reason}", path.display()),
            Kind::Key { function, .. } => write!(f, "cannot make a key of the arguments of `{function}`"),
            Kind::Value { action, function, .. } => write!(f, "cannot {action} a value of `{function}`"),
            Kind::NoEntry { function, reason } => {
                write!(f, "no entry for this call of `{function}`: {reason}")
            }
            Kind::Frozen { function, arguments, why } => {
                write!(f, "`{function}({arguments})` is not computed, as the memory is frozen; {why}")
            }
            Kind::NotMemoized { action } => {
                write!(f, "cannot {action} a call of a plain closure: only memoized functions have entries")
            }
            Kind::Shape(reason) => write!(f, "cannot make an array: {reason}"),
            Kind::Task(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::Io { source, .. } => Some(source),
            Kind::Key { source, .. } | Kind::Value { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

/// An error with its causes, on one line. Whatever an error turns into text does it by this.
pub(crate) fn chain(error: &dyn std::error::Error) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut causes = iter::successors(error.source(), |cause| cause.source());
        causes.try_for_each(|cause| write!(f, ": {cause}"))
    })
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    /// One error of each kind, with a cause where the kind has one.
    fn errors() -> Vec<Error> {
        let cause = || -> Cause { Box::new(Error::io("read", "/x", io::Error::other("a disk is gone"))) };
        let task = TaskError::panicked(crate::task_error::TaskSubject::unknown(3), &"no data", None);
        vec![
            Error::io("write entry", "/x/y", io::Error::other("its tail is out of bounds")),
            Error::directory("/x", "it is full"),
            Error::key("shop::price", cause()),
            Error::value("encode", "shop::price", cause()),
            Error::no_entry("shop::price", "it has been removed"),
            Error::not_memoized("insert"),
            Error::shape("3 by 4".into()),
            Error::from(task),
        ]
    }

    #[test]
    fn a_clone_has_the_whole_text_and_every_cause() {
        for error in errors() {
            let clone = error.clone();
            assert_eq!(format!("{clone:?}"), format!("{error:?}"));
            let (mut of_clone, mut of_error) = (Some(&clone as &dyn std::error::Error), Some(&error as _));
            while let Some(cause) = of_error {
                let cause: &dyn std::error::Error = cause;
                assert_eq!(of_clone.map(ToString::to_string), Some(cause.to_string()));
                (of_clone, of_error) = (of_clone.and_then(|clone| clone.source()), cause.source());
            }
            assert!(of_clone.is_none());
            let io = |error: &Error| error.io_error().map(ToString::to_string);
            assert_eq!(
                (clone.path(), clone.function(), io(&clone)),
                (error.path(), error.function(), io(&error))
            );
        }
    }

    #[test]
    fn an_error_as_text_has_every_cause() {
        let texts: Vec<_> = errors().iter().map(|error| chain(error).to_string()).collect();
        assert_eq!(texts[0], "cannot write entry `/x/y`: its tail is out of bounds");
        let key = "cannot make a key of the arguments of `shop::price`: cannot read `/x`: a disk is gone";
        assert_eq!(texts[2], key);
        assert_eq!(texts[5], errors()[5].to_string());
    }

    #[test]
    fn an_io_error_names_action_and_path_and_keeps_its_cause() {
        let error = Error::io("write entry", "/x/y", io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(error.to_string(), "cannot write entry `/x/y`");
        assert_eq!(error.path(), Some(Path::new("/x/y")));
        assert!(error.source().is_some_and(|cause| !error.to_string().contains(&cause.to_string())));
    }
}
