//! Running jobs in the process that they came to.

use std::sync::{Arc, Mutex};

use super::arguments::{self, Argument, Given};
use super::job::{Job, MemoryPlace};
use super::registry;
use super::reply::{Content, Lost, Reply};
use crate::call::{Call, FunctionCall};
use crate::events;
use crate::lock::lock;
use crate::memory::{Memory, chain};
use crate::panics::{self, Quiet};

/// What the code that `#[memo]` writes returns for a job.
pub type Served = Result<Reply, Lost>;

/// Which values are put into the store where they are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// All that can be.
    All,
    /// Large ones; small ones go back with the reply, and are stored there, many at a time.
    #[cfg(target_os = "linux")]
    Large,
}

/// Runs jobs, and keeps the memories open that they name.
#[derive(Debug)]
pub(crate) struct Server {
    share: Share,
    memories: Mutex<Vec<(Arc<MemoryPlace>, Memory)>>,
}

/// Memories that a server keeps open.
const MEMORIES: usize = 8;

impl Server {
    /// One that replies with small values, and stores large ones.
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> Self {
        Server { share: Share::Large, memories: Mutex::default() }
    }

    /// One that stores all that it can.
    pub(crate) fn to_the_store() -> Self {
        Server { share: Share::All, memories: Mutex::default() }
    }

    pub(crate) fn serve(&self, job: &Job) -> Served {
        let registered = registry::find(job.function).ok_or_else(|| {
            Lost::Refused("this program does not have the function, or has it with other code".into())
        })?;
        let memory = self.memory(job.memory.as_ref());
        let serve = || {
            let arguments = arguments::unpack(&job.arguments)?;
            let given = Given {
                is_exact: arguments.iter().all(Argument::is_exact),
                arguments: arguments.iter(),
                key: job.key,
                state: job.state,
                memory: &memory,
                share: self.share,
            };
            (registered.serve)(given)
        };
        // What reads arguments and writes values is the user's, too.
        panics::catch(serve).unwrap_or_else(|payload| Err(Lost::panicked(&payload)))
    }

    fn memory(&self, place: Option<&Arc<MemoryPlace>>) -> Memory {
        let Some(place) = place else { return Memory::disabled() };
        let mut memories = lock(&self.memories);
        if let Some((_, memory)) = memories.iter().find(|(known, _)| known == place) {
            return memory.clone();
        }
        // Trouble costs no result: without a memory the value goes back with the reply.
        let memory = Memory::at(place).unwrap_or_else(|error| {
            events::warn!("a job's values go back with its reply: {}", chain(&error));
            Memory::disabled()
        });
        if memories.len() == MEMORIES {
            memories.remove(0);
        }
        memories.push((Arc::clone(place), memory.clone()));
        memory
    }
}

impl Given<'_> {
    /// Runs the call that was made of the arguments. No API: for the code that `#[memo]` writes.
    #[doc(hidden)]
    pub fn run<A, T>(self, call: FunctionCall<A, T>) -> Served {
        if self.arguments.len() > 0 {
            return Err(Lost::garbled());
        }
        let memo = call.memo().ok_or(Lost::garbled())?;
        // A key takes as long as a look at all of the arguments.
        if let Some(key) = self.key
            && !self.is_exact
            && memo.key_in(&self.state).ok() != Some(key)
        {
            return Err(Lost::Refused(
                "its arguments do not arrive as they were: serde reads them back as others, or a file that \
                 they name has changed"
                    .into(),
            ));
        }
        let subject = memo.subject();
        let travel = call.travel().map_err(|reason| Lost::Refused(reason.into()))?;
        let run = panics::catch(|| self.memory.timed(call));
        let (value, took) = run.map_err(|payload| Lost::panicked(&payload))?;
        let value = Quiet::new(value);
        let reply = |content| Reply { content, took };
        let Some(encoded) = self.memory.encode(&subject, &value) else {
            return match whole(&travel, &value) {
                Ok(bytes) => Ok(reply(Content::Whole(bytes))),
                // It cannot travel. Of an error its text can.
                Err(refused) => Err((travel.error_text)(&value).map_or(refused, Lost::Returned)),
            };
        };
        let all = self.share == Share::All;
        let is_stored = self.key.is_some_and(|key| self.memory.put_value(key, &subject, &encoded, took, all));
        Ok(reply(if is_stored {
            Content::Stored
        } else {
            Content::Value { codec: encoded.codec, bytes: encoded.bytes.into_vec() }
        }))
    }
}

/// A value that is not kept, on its way back.
fn whole<A, T>(travel: &super::Travel<A, T>, value: &T) -> Result<Vec<u8>, Lost> {
    let refused = |why: String| Lost::Refused(format!("its value cannot be sent back: {why}"));
    let codec = travel.whole.as_ref().ok_or_else(|| {
        let of = std::any::type_name::<T>();
        refused(format!("`{of}` must implement `Serialize` and `Deserialize`, errors included"))
    })?;
    (codec.encode)(value).map_err(|error| refused(error.to_string()))
}
