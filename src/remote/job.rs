//! A call on its way.
//!
//! A job for a worker process has large arguments lent. One for a custom executor may go to another
//! machine, so all its arguments are in it. Large values are stored where they are computed.

use std::path::PathBuf;
use std::sync::Arc;

use super::arguments::{Sink, Unsent};
use super::lent::Lent;
use super::registry::{self, Registered};
use super::reply::{Failure, Lost, Reply};
use super::serve::Server;
use super::shelf::SHELF;
use crate::call::Memo;
use crate::key::{FunctionId, Key};
use crate::lock::lock;
use crate::memory::Memory;
use crate::payload::Level;
use crate::store::Options;
use crate::wire::{Reader, Writer};

/// A call that another process of the same program is asked to run: the function's id, the key, and the arguments as bytes.
#[derive(Clone, Debug)]
pub struct Job {
    pub(super) function: FunctionId,
    /// `None` if nothing is to be kept of it.
    pub(super) key: Option<Key>,
    /// The state of the function's code that is in the key: the sender found it in records that may be elsewhere.
    pub(super) state: [u8; 32],
    pub(super) memory: Option<Arc<MemoryPlace>>,
    pub(super) arguments: Vec<u8>,
    /// The large arguments that are not among those bytes.
    #[expect(dead_code, reason = "their files are there as long as the job is")]
    pub(super) lent: Vec<Arc<Lent>>,
}

/// Where a memory is, for other processes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MemoryPlace {
    pub(crate) root: PathBuf,
    pub(crate) options: Options,
    /// How values are compressed of functions that say nothing of it.
    pub(crate) compress: Option<Level>,
}

/// What the calls of a batch leave from: their memory, and how their large arguments go.
#[derive(Debug)]
pub(crate) struct Place {
    memory: Memory,
    shared: Option<Arc<MemoryPlace>>,
    route: Route,
}

/// How large arguments reach the process that they are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// It is on this machine, and is lent a file in memory.
    Lent,
    /// In the job, as small ones do: it may be anywhere.
    Inline,
}

impl Place {
    pub(crate) fn new(memory: &Memory, route: Route) -> Self {
        lock(&SHELF).enter();
        Place { memory: memory.clone(), shared: memory.place().map(Arc::new), route }
    }

    /// The call of `memo` as a job. All of it is in the job if it is to be `inline`.
    pub(crate) fn job<T>(&self, memo: &Memo<'_, T>, key: Option<Key>, inline: bool) -> Result<Job, Unsent> {
        lock(&SHELF).next_call();
        let mut sink = Sink::new(if inline { Route::Inline } else { self.route });
        memo.send(&mut sink)?;
        let state = self.memory.state(memo).filter(|_| key.is_some()).unwrap_or_default();
        let Sink { bytes, lent, .. } = sink;
        let memory = self.shared.clone();
        Ok(Job { function: memo.function.id(), key, state, memory, arguments: bytes.0, lent })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&SHELF).leave();
    }
}

impl Job {
    /// The name of the function, if this program has it.
    pub fn function(&self) -> Option<&'static str> {
        registry::find(self.function).map(Registered::name)
    }

    /// The key of the entry that is to be in the store when the job is done; `None` if its value is not to be kept.
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
        read(&mut reader).filter(|_| reader.is_empty()).ok_or_else(|| Lost::garbled().into())
    }

    /// Runs the job in this process, which must be one of the same program.
    ///
    /// Its value is in the store when this returns [`Reply::is_stored`]; it is not if its function does not keep it (an `Err`),
    /// or if it could not be stored.
    ///
    /// # Errors
    ///
    /// Fails if the function panics, if this program does not have it with this code, or if the arguments do not arrive as
    /// they were.
    pub fn run(&self) -> Result<Reply, Failure> {
        Server::to_the_store().serve(self).map_err(Failure::from)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> Option<&MemoryPlace> {
        self.memory.as_deref()
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.array(&self.function.0);
        to.option(self.key, |to, key| to.array(key.as_bytes()));
        to.array(&self.state);
        to.bytes(&self.arguments);
    }

    pub(crate) fn read(from: &mut Reader<'_>, memory: Option<&Arc<MemoryPlace>>) -> Option<Job> {
        Some(Job {
            function: FunctionId(from.array()?),
            key: from.option(|from| from.array().map(Key::from_bytes))?,
            state: from.array()?,
            arguments: from.bytes()?.to_vec(),
            memory: memory.cloned(),
            lent: Vec::new(),
        })
    }
}

pub(crate) fn write_memory(memory: Option<&MemoryPlace>, to: &mut Writer) {
    to.option(memory, |to, MemoryPlace { root, options, compress }| {
        to.bytes(root.as_os_str().as_encoded_bytes());
        options.write(to);
        to.option(*compress, |to, level| to.byte(level.number()));
    });
}

#[expect(clippy::option_option, reason = "garbled, disabled, or a memory")]
pub(crate) fn read_memory(from: &mut Reader<'_>) -> Option<Option<MemoryPlace>> {
    from.option(|from| {
        let root = path(from.bytes()?)?;
        let options = Options::read(from)?;
        let compress = from.option(|from| Level::new(from.byte()?.into()))?;
        Some(MemoryPlace { root, options, compress })
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
