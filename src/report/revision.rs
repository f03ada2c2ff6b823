//! What looking at a directory tells of its entries and functions.

use std::fmt;
use std::time::SystemTime;

use super::words::{Outside, one_line};
use super::{Change, FunctionRecord};
use crate::store::EntryInfo;

/// What [`Memory::inspect`](crate::Memory::inspect) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// What the entry says of itself; `None` if it is too damaged for that.
    pub entry: Option<EntryInfo>,
    /// How its value is encoded, for people; empty if that is not known.
    pub encoding: String,
    /// How it is damaged; `None` if it is sound.
    pub damage: Option<String>,
    /// The function, in the state of its code that computed the value, without counts; `None` if that is not recorded.
    pub function: Option<FunctionRecord>,
}

/// A state that a function's code was in; [`Memory::history`](crate::Memory::history) returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revision {
    /// The function as it was then.
    pub function: FunctionRecord,
    /// When it first stored a value, by the clock of the machine that stored it.
    pub recorded: SystemTime,
    /// What changed in the source since the state before; empty for the first, and where that is not known.
    pub changes: Vec<Change>,
}

/// What `Memory::export` has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Entries in the file.
    pub entries: u64,
    /// Their bytes, headers included.
    pub bytes: u64,
    /// Entries that are damaged, and not in the file.
    pub damaged: u64,
}

/// What `Memory::import` has stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Entries that were stored.
    pub entries: u64,
    /// Their bytes, headers included.
    pub bytes: u64,
    /// Entries that were there already.
    pub known: u64,
    /// Parts of the file that were refused, and why.
    pub refused: Vec<String>,
}

/// What [`Memory::diagnose`](crate::Memory::diagnose) found about one thing. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub text: String,
    /// Whether something should be done about it.
    pub is_wrong: bool,
    /// The function that it is about; empty if it is about none.
    pub function: String,
    /// What the function may read of the outside world, each with its place, as in [`FunctionRecord::reads`].
    pub reads: Vec<(String, String)>,
}

impl Finding {
    pub(crate) fn right(subject: &'static str, text: impl Into<String>) -> Self {
        Finding { subject, text: text.into(), is_wrong: false, function: String::new(), reads: Vec::new() }
    }

    pub(crate) fn wrong(subject: &'static str, text: impl Into<String>) -> Self {
        Finding { is_wrong: true, ..Finding::right(subject, text) }
    }

    /// That a function may read what is not in its key. That may be meant.
    pub(crate) fn reads(function: FunctionRecord) -> Self {
        let FunctionRecord { name, reads, .. } = function;
        let text = format!("`{name}` {}", Outside(&reads));
        Finding { function: name, reads, ..Finding::right("function", text) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { subject, text, is_wrong, reads, .. } = self;
        let judged = match is_wrong {
            true => "wrong",
            false if reads.is_empty() => "   ok",
            false => " note",
        };
        write!(f, "{judged} {subject}: {}", one_line(text))
    }
}
