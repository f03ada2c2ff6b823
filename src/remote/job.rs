//! A call on its way.
//!
//! A job for a worker process has large arguments lent. One for a custom executor may go to another
//! machine, so all its arguments are in it. Large values are stored where they are computed.

use std::path::PathBuf;
use std::sync::Arc;

use super::lent::Lent;
use super::reply::Failure;
use crate::key::{FunctionId, Key};
use crate::payload::Level;
use crate::store::Options;
use crate::wire::{Reader, Writer};

/// A call that another process of the same program is asked to run: the function's id, the key, and the arguments as bytes.
#[derive(Clone, Debug)]
pub struct Job {
    pub(crate) function: FunctionId,
    /// `None` if its value is not to be stored.
    pub(crate) key: Option<Key>,
    /// The state of the function's code that is in the key. The sender found it in records that the
    /// receiver may not have.
    pub(crate) state: [u8; 32],
    pub(crate) lead: Lead,
    pub(crate) memory: Option<Arc<MemorySettings>>,
    pub(crate) arguments: Vec<u8>,
    /// The large arguments that are not among those bytes.
    #[expect(dead_code, reason = "their files are there as long as the job is")]
    pub(crate) lent: Vec<Arc<Lent>>,
}

/// Who sees to it that the key of a job is computed once, and its value stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// The sender, which holds the lease, and stores small values.
    Sender,
    /// Who runs the job, as for a call of its own: the sender may be gone by then.
    Runner {
        /// Whether a value that is there already will not do.
        newer: bool,
        /// Whether the value is to come with the reply, however large: its entry could not be found.
        whole: bool,
    },
}

/// What a process needs to open a memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MemorySettings {
    pub(crate) root: PathBuf,
    pub(crate) options: Options,
    /// How values are compressed whose functions do not say how.
    pub(crate) compress: Option<Level>,
}

/// How large arguments reach the process that they are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// It is on this machine, and is lent a file in memory.
    Lent,
    /// In the job, as small ones do: it may be anywhere.
    Inline,
}

impl Lead {
    fn number(self) -> u8 {
        match self {
            Lead::Sender => 0,
            Lead::Runner { newer, whole } => 1 + u8::from(newer) + 2 * u8::from(whole),
        }
    }

    fn of_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Lead::Sender),
            1..=4 => Some(Lead::Runner { newer: (number - 1) & 1 == 1, whole: (number - 1) & 2 == 2 }),
            _ => None,
        }
    }
}

impl Job {
    /// The key of the entry that is to be in the store when the job is done; `None` if its value is not to be stored.
    pub fn key(&self) -> Option<Key> {
        self.key
    }

    /// The arguments, as bytes.
    pub fn arguments(&self) -> &[u8] {
        &self.arguments
    }

    /// All of the job as bytes, for another process of the same program.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        write_memory(self.memory.as_deref(), &mut writer);
        self.write(&mut writer);
        writer.0
    }

    /// The job that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are no job.
    pub fn from_bytes(bytes: &[u8]) -> Result<Job, Failure> {
        let mut reader = Reader(bytes);
        let read = |reader: &mut Reader<'_>| {
            let memory = read_memory(reader)?.map(Arc::new);
            Job::read(reader, memory.as_ref())
        };
        read(&mut reader).filter(|_| reader.is_empty()).ok_or_else(Failure::garbled)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> Option<&MemorySettings> {
        self.memory.as_deref()
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.array(&self.function.0);
        to.option(self.key, |to, key| to.array(key.as_bytes()));
        to.array(&self.state);
        to.byte(self.lead.number());
        to.bytes(&self.arguments);
    }

    pub(crate) fn read(from: &mut Reader<'_>, memory: Option<&Arc<MemorySettings>>) -> Option<Job> {
        Some(Job {
            function: FunctionId(from.array()?),
            key: from.option(|from| from.array().map(Key::from_bytes))?,
            state: from.array()?,
            lead: Lead::of_number(from.byte()?)?,
            arguments: from.bytes()?.to_vec(),
            memory: memory.cloned(),
            lent: Vec::new(),
        })
    }
}

pub(crate) fn write_memory(memory: Option<&MemorySettings>, to: &mut Writer) {
    to.option(memory, |to, MemorySettings { root, options, compress }| {
        to.bytes(root.as_os_str().as_encoded_bytes());
        options.write(to);
        to.option(*compress, |to, level| to.byte(level.number()));
    });
}

#[expect(clippy::option_option, reason = "garbled, disabled, or a memory")]
pub(crate) fn read_memory(from: &mut Reader<'_>) -> Option<Option<MemorySettings>> {
    from.option(|from| {
        let root = path(from.bytes()?)?;
        let options = Options::read(from)?;
        let compress = from.option(|from| Level::new(from.byte()?.into()))?;
        Some(MemorySettings { root, options, compress })
    })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "on other systems not all bytes are a path")]
fn path(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(std::ffi::OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}
