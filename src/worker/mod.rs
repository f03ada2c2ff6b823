//! Runs calls that other processes of the same program send: an encoded call in, its value's entry
//! or the reason for a failure out.
//!
//! [`registry`] finds the function of a job by its id, among those that were registered when the
//! program was linked. [`Server`] opens the memory that the job names. The code that `#[memo]`
//! writes reads the arguments, makes the call, and gives it to [`Request::run`]. The module knows
//! nothing of threads, pipes and pools: whatever brings a job here calls [`Server::serve`].
//!
//! # Invariants
//! 1. A job is run as the call that was sent, or not at all: the key is made again from the
//!    arguments as they arrived, and must be equal. Only arguments whose types are known to arrive
//!    as they were sent are believed without that.
//! 2. An id stands for a function with its code. A program with other code does not know it, and
//!    says so.

mod registry;
mod server;

use std::time::Instant;

pub use registry::Registered;
#[cfg(target_os = "linux")]
pub(crate) use registry::code_digest;
pub(crate) use server::Server;

use crate::call::{FunctionCall, Memo, MemoizedCall};
use crate::codec::Encoded;
use crate::error::chain;
use crate::function::Function;
use crate::key::Key;
use crate::memory::{KeyedCall, Memory, Miss, MissReason, Part, Ran};
use crate::panics::{self, Quiet};
use crate::remote::{Failure, Job, Lead, Received, Reply, ReplyValue, Travel};
use crate::task_error::TaskErrorKind;

/// What the code that `#[memo]` writes returns for a job.
pub type Served = Result<Reply, Failure>;

/// A job as the code that `#[memo]` writes gets it. No API.
#[derive(Debug)]
pub struct Request<'b> {
    job: &'b Job,
    arguments: Received<'b>,
    /// Whether all of them are known to arrive as they were sent.
    is_exact: bool,
    memory: &'b Memory,
    /// Whether small values are stored here too, not by the process that sent the job.
    stores_all: bool,
}

impl Job {
    /// The name of the function, if this program has it.
    pub fn function(&self) -> Option<&'static str> {
        registry::find(self.function).map(Registered::name)
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
        Server::storing_all().serve(self)
    }
}

impl<'b> Request<'b> {
    /// The arguments that were not taken yet.
    #[doc(hidden)]
    pub fn arguments(&mut self) -> &mut Received<'b> {
        &mut self.arguments
    }

    /// Runs the call that was made of the arguments.
    #[doc(hidden)]
    pub fn run<A, T>(self, call: FunctionCall<A, T>) -> Served {
        let Memo { call: memoized, codec } = call.as_memo();
        self.check(&memoized)?;
        let travel = call.travel().map_err(Failure::not_sent)?;
        if let (Some(key), Lead::Runner { newer, whole }) = (self.job.key, self.job.lead) {
            return run_as_own(self.memory, call, key, newer, whole, &travel);
        }
        let (function, arguments) = (memoized.function, memoized.preview());
        let key = self.job.key.or_else(|| memoized.key_asked_for());
        let inputs = memoized.inputs(|| memoized.key_in(&self.job.state));
        let run = panics::catch(|| self.memory.timed(call, key));
        let (value, ran) = run.map_err(|payload| Failure::panicked(&payload))?;
        let value = Quiet::new(value);
        let is_current = inputs.is_none_or(|(inputs, _)| inputs.changed().is_none());
        let value = match self.memory.encode(function, &codec, &value) {
            // Who sent the job sees that, too, and does not store it.
            Some(Encoded { codec, bytes }) if !is_current => {
                ReplyValue::Encoded { codec, bytes: bytes.into_vec() }
            }
            Some(encoded) => self.reply_with(function, encoded, &arguments, ran),
            None => whole_reply(&travel, function, &value)?,
        };
        Ok(Reply { value, took: ran.took })
    }

    /// Fails unless all arguments arrived as they were sent.
    fn check(&self, call: &MemoizedCall<'_>) -> Result<(), Failure> {
        if !self.arguments.is_empty() {
            return Err(Failure::garbled());
        }
        // To make a key takes as long as a look at all of the arguments.
        if let Some(key) = self.job.key
            && !self.is_exact
            && call.key_in(&self.job.state).ok() != Some(key)
        {
            return Err(Failure::not_sent(
                "its arguments do not arrive as they were: serde reads them back as others, or a file that \
                 they name has changed",
            ));
        }
        Ok(())
    }

    /// Stores a value here, if it is not to be stored by who sent the job.
    fn reply_with(
        &self,
        function: &'static Function,
        encoded: Encoded<'_>,
        arguments: &str,
        Ran { took, left_checkpoint, .. }: Ran,
    ) -> ReplyValue {
        let keyed = self.job.key.and_then(|key| self.memory.keyed_by_sender(function, key));
        // Who has the value stored has the checkpoint removed.
        let stores = self.stores_all || left_checkpoint;
        let is_stored = keyed.is_some_and(|keyed| keyed.store_for_sender(&encoded, arguments, took, stores));
        if is_stored && left_checkpoint {
            keyed.iter().for_each(KeyedCall::drop_checkpoint);
        }
        if is_stored {
            ReplyValue::Stored
        } else {
            ReplyValue::Encoded { codec: encoded.codec, bytes: encoded.bytes.into_vec() }
        }
    }
}

/// A value of at most so many bytes comes with the reply though it is in the store: who sent the job may see the entry of
/// another machine later than its reply.
const SMALL: usize = 1 << 20;

/// Runs a call whose lease is taken here; or finds its value, if a `newer` one is not asked for. It comes with the reply if it is
/// small, or is to come `whole`.
fn run_as_own<A, T>(
    memory: &Memory,
    call: FunctionCall<A, T>,
    key: Key,
    newer: bool,
    whole: bool,
    travel: &Travel<A, T>,
) -> Served {
    let Memo { call: MemoizedCall { function, .. }, codec } = call.as_memo();
    let reason = if newer { MissReason::Recomputed } else { MissReason::Absent };
    let started = Instant::now();
    let run = panics::catch(|| memory.compute(call, Miss { key: Some(key), reason }, Part::Serves));
    let value = Quiet::new(run.map_err(|payload| Failure::panicked(&payload))?.value);
    let took = memory.keyed_by_sender(function, key).and_then(|keyed| keyed.compute_time());
    let value = match memory.encode(function, &codec, &value) {
        Some(encoded) => own_reply(encoded, took.is_some(), whole),
        None => whole_reply(travel, function, &value)?,
    };
    Ok(Reply { value, took: took.unwrap_or_else(|| started.elapsed()) })
}

/// A value whose lease was taken here.
fn own_reply(Encoded { codec, bytes }: Encoded<'_>, is_stored: bool, whole: bool) -> ReplyValue {
    let is_small = bytes.len() <= SMALL;
    match is_stored {
        true if is_small || whole => ReplyValue::Kept { codec, bytes: bytes.into_vec() },
        true => ReplyValue::Stored,
        false => ReplyValue::Encoded { codec, bytes: bytes.into_vec() },
    }
}

/// A value that its function does not keep.
fn whole_reply<A, T>(travel: &Travel<A, T>, function: &Function, value: &T) -> Result<ReplyValue, Failure> {
    match whole(travel, function, value) {
        Ok(Encoded { codec, bytes }) => Ok(ReplyValue::Whole { codec, bytes: bytes.into_vec() }),
        // It cannot travel. The text of an error can.
        Err(failure) => Err(returned(travel, value).unwrap_or(failure)),
    }
}

/// A value that is not stored, as bytes.
fn whole<A, T>(travel: &Travel<A, T>, function: &Function, value: &T) -> Result<Encoded<'static>, Failure> {
    let refused = |why: String| Failure::not_sent(format!("its value cannot be sent back: {why}"));
    let codec = travel.whole.as_ref().ok_or_else(|| {
        let of = std::any::type_name::<T>();
        refused(format!("`{of}` must implement `Serialize` and `Deserialize`, errors included"))
    })?;
    (codec.encode)(value, function.values()).map_err(|error| refused(chain(&*error).to_string()))
}

/// The failure of a call that returned an error.
fn returned<A, T>(travel: &Travel<A, T>, value: &T) -> Option<Failure> {
    (travel.error_text)(value).map(|text| Failure::new(TaskErrorKind::Returned, text))
}
