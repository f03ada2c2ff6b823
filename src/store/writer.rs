//! Who stored an entry: a program on a machine.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::sys;

/// The program that stored an entry, and the machine that it ran on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    program: String,
    host: String,
}

impl Writer {
    /// `None` if nothing is known of either.
    pub(crate) fn new(program: &str, host: &str) -> Option<Self> {
        let is_known = !program.is_empty() || !host.is_empty();
        is_known.then(|| Writer { program: clip(program), host: clip(host) })
    }

    /// This program on this machine.
    pub(crate) fn own() -> Option<&'static Arc<Self>> {
        static OWN: OnceLock<Option<Arc<Writer>>> = OnceLock::new();
        OWN.get_or_init(|| Writer::new(&sys::program_name(), &sys::host_name()).map(Arc::new)).as_ref()
    }

    /// The name of the program's file.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The name of the machine; empty if the system did not tell.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Both names, with a zero byte between them: no file and no machine has one in its name.
    pub(crate) fn to_text(&self) -> String {
        format!("{}\0{}", self.program, self.host)
    }

    /// The writer of a text that [`to_text`](Self::to_text) made.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (program, host) = text.split_once('\0')?;
        Writer::new(program, host)
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_str() {
            "" => f.write_str(&self.program),
            host => write!(f, "{} on {host}", self.program),
        }
    }
}

/// Who stores an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// This process.
    This,
    /// Whoever stored the entry that this one is a copy of; `None` if that is not known.
    Other(Option<Arc<Writer>>),
}

impl Author {
    pub(crate) fn writer(&self) -> Option<&Arc<Writer>> {
        match self {
            Author::This => Writer::own(),
            Author::Other(writer) => writer.as_ref(),
        }
    }
}

/// Longest name, in bytes; as long as that of a file may be.
const LONGEST: usize = 255;

fn clip(name: &str) -> String {
    name[..name.floor_char_boundary(name.len().min(LONGEST))].replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_the_names_and_nothing_else_is_one() {
        let long = "é".repeat(200);
        for (program, host) in [("tune", "one"), ("tune", ""), ("", "one"), ("a\nb", "\u{1}"), (&long, &long)]
        {
            let writer = Writer::new(program, host).unwrap();
            assert_eq!(Writer::of_text(&writer.to_text()), Some(writer));
        }
        assert_eq!((Writer::new("", ""), Writer::of_text(""), Writer::of_text("\0")), (None, None, None));
        assert_eq!(Writer::of_text("tune"), None);
        let own = Writer::own().unwrap();
        assert!(own.program().starts_with("rememo-") && own.to_string().starts_with(own.program()));
    }
}
