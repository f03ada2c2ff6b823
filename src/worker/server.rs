//! Jobs that arrived, and the memories that they name.

use std::sync::{Arc, Mutex};

use super::{Request, Served, registry};
use crate::events;
use crate::lock::lock;
use crate::memory::{Manners, Memory};
use crate::panics;
use crate::remote::{Argument, Failure, Job, MemorySettings, Received, unpack};

/// Runs jobs, and keeps the memories open that they name.
#[derive(Debug)]
pub(crate) struct Server {
    stores_all: bool,
    memories: Mutex<Vec<(Arc<MemorySettings>, Memory)>>,
}

/// Memories that a server keeps open.
const MEMORIES: usize = 8;

impl Server {
    /// Stores large values. Small ones go back with the reply, and are stored there many at a time.
    #[cfg(target_os = "linux")]
    pub(crate) fn storing_large() -> Self {
        Server { stores_all: false, memories: Mutex::default() }
    }

    /// Stores all values that can be stored.
    pub(crate) fn storing_all() -> Self {
        Server { stores_all: true, memories: Mutex::default() }
    }

    pub(crate) fn serve(&self, job: &Job) -> Served {
        let registered = registry::find(job.function).ok_or_else(|| {
            Failure::not_sent("this program does not have the function, or has it with other code")
        })?;
        let memory = self.memory(job.memory.as_ref());
        let serve = || {
            let arguments = unpack(&job.arguments)?;
            (registered.serve)(Request {
                job,
                is_exact: arguments.iter().all(Argument::is_exact),
                arguments: Received::new(&arguments),
                memory: &memory,
                stores_all: self.stores_all,
            })
        };
        // What reads arguments and writes values is the user's code, too.
        panics::catch(serve).unwrap_or_else(|payload| Err(Failure::panicked(&payload)))
    }

    fn memory(&self, settings: Option<&Arc<MemorySettings>>) -> Memory {
        let Some(settings) = settings else { return Memory::disabled() };
        let mut memories = lock(&self.memories);
        if let Some((_, memory)) = memories.iter().find(|(known, _)| known == settings) {
            return memory.clone();
        }
        // Trouble costs no result: without a memory the value goes back with the reply.
        let memory =
            Memory::with_settings(Arc::clone(settings), Manners::of_worker()).unwrap_or_else(|error| {
                events::warn!(error = &error, "a job's values go back with its reply");
                Memory::disabled()
            });
        if memories.len() == MEMORIES {
            memories.remove(0);
        }
        memories.push((Arc::clone(settings), memory.clone()));
        memory
    }
}
