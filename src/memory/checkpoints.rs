//! What the body of a memoized function can ask for: a seed, and where an earlier run of the same
//! call had come to.
//!
//! # Invariants
//! 1. What a body gets depends on nothing but the key of its call, and what a run of a call with this
//!    key has saved.
//! 2. A checkpoint costs one file, which appears whole. It goes when the value of the call is stored,
//!    and only then.
//! 3. Trouble with checkpoints is noted, and costs no more than the work that they would have saved.

use std::any::type_name;
use std::time::{Duration, Instant, SystemTime};

use super::Memory;

use super::current::{Body, body, with_body};
use super::inner::Inner;
use super::trouble::Trouble;
use super::turn::KeyedCall;
use crate::codec::{Encoded, Value};
use crate::dump::{decode_value, encode_value};
use crate::error::{Result, chain};
use crate::key::{FunctionId, Key};
use crate::store::{Author, Draft, Lookup, single};
use crate::sys::{self, Dir};

/// Domain of blake3's key derivation; the number is the version of what is derived.
const SEED_CONTEXT: &str = "rememo seed 1";

/// The same of what stands for a checkpoint of a type.
const CHECKPOINT_CONTEXT: &str = "rememo checkpoint 1: a value of a type";

/// Where they are.
const CHECKPOINTS: &str = "checkpoints";

/// More are not kept: those that were not used for longest go. Nobody else removes one whose call is
/// never made again.
const MOST: usize = 1024;

/// A body that saves more often is held up by it.
const SELDOM: Duration = Duration::from_secs(1);

/// Random bytes for the body of a memoized function: equal whenever and wherever this call runs, and others for every other call.
///
/// They are derived from the key of the call, so from the arguments and the code: the same on each machine and thread, in worker
/// processes, with the cache on or off (`REMEMO=off`). An edit of the function changes them. For `StdRng::from_seed` of the crate `rand`,
/// and all that takes a seed. Costs under a microsecond.
///
/// # Panics
///
/// Panics outside of the body of a call: in plain code, in a closure, on another thread that the body has started, and under
/// `f::uncached(…)`, which is no call (`Memory::disabled().call(f::delayed(…))` is one). Also if no key can be made
/// of the arguments.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
///
/// #[memo]
/// fn noise(n: usize, trial: u32) -> Vec<u8> {
///     rememo::seed().into_iter().cycle().take(n).collect() // in earnest: StdRng::from_seed(rememo::seed())
/// }
///
/// let memory = Memory::open(dir.path())?;
/// let first = memory.call(noise::delayed(32, 1));
/// assert_ne!(memory.call(noise::delayed(32, 2)), first);
/// assert_eq!(Memory::disabled().call(noise::delayed(32, 1)), first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn seed() -> [u8; 32] {
    let (_, key) = call("seed");
    seed_of(&key)
}

fn seed_of(key: &Key) -> [u8; 32] {
    blake3::derive_key(SEED_CONTEXT, key.as_bytes())
}

/// What an earlier run of this very call has [saved](save) before it was killed or failed; `None` if there is nothing, or nothing
/// that is an `S`.
///
/// For the body of a memoized function that takes long. Very call: the same function with the same code and the
/// same arguments. An [`Array`](crate::Array) or `Vec` of numbers is read as it lies there.
///
/// # Panics
///
/// Panics outside of the body of a call, as [`seed`] does.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
///
/// #[memo]
/// fn walk(steps: u64) -> u64 {
///     let (mut step, mut place) = rememo::checkpoint().unwrap_or((0, 1));
///     while step < steps {
///         place = place * 31 % 1_000_003; // minutes, in earnest
///         step += 1;
///         rememo::save(&(step, place)); // killed here, the next run goes on here
///     }
///     place
/// }
///
/// let memory = Memory::open(dir.path())?;
/// assert_eq!(memory.call(walk::delayed(2)), 31 * 31);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn checkpoint<S: Value + 'static>() -> Option<S> {
    let (memory, key) = call("checkpoint");
    let inner = memory.inner.as_deref()?;
    let found = single::get(&inner.dir, &name(&key), &derived(&key, type_name::<S>()));
    // What is damaged, or of another type, is none.
    let Lookup::Found(entry) = found.inspect_err(|error| inner.note_checkpoint(&chain(error))).ok()? else {
        return None;
    };
    let state = decode_value(&entry.value()).inspect_err(|error| inner.note_checkpoint(&chain(error))).ok();
    with_body(|_, body| body.has_checkpoint = true);
    state
}

/// Whether this process is about to be ended: a task of [`Executor::slurm`](crate::Executor::slurm) or
/// [`Executor::launcher`](crate::Executor::launcher) whose time is over, or that is cancelled, has got SIGTERM. SIGKILL follows, with Slurm as
/// a rule after 30 seconds.
///
/// For the body of a memoized function that takes long: what it [saves](save) now, the next run of the call finds. It may
/// go on as it is; a body that does not ask loses what it did since it saved last. Always `false` in other processes. Costs a nanosecond.
///
/// # Examples
///
/// ```
/// use rememo::memo;
///
/// #[memo]
/// fn walk(steps: u64) -> u64 {
///     let (mut step, mut place) = rememo::checkpoint().unwrap_or((0, 1));
///     while step < steps {
///         place = place * 31 % 1_000_003;
///         step += 1;
///         if step % 1000 == 0 || rememo::stopping() {
///             rememo::save(&(step, place));
///         }
///     }
///     place
/// }
/// assert!(!rememo::stopping());
/// # let dir = tempfile::tempdir().unwrap();
/// # assert_eq!(rememo::Memory::open(dir.path()).unwrap().call(walk::delayed(1)), 31);
/// ```
pub fn stopping() -> bool {
    #[cfg(target_os = "linux")]
    return sys::terminate::is_wished();
    #[cfg(not(target_os = "linux"))]
    false
}

/// Saves where the body of a memoized function has come to, in place of what it saved before. [`checkpoint`] finds it if this
/// run does not come to its end.
///
/// It is written to one file of the cache directory, which appears whole, goes when the value of the call is stored, and is not counted by
/// a [budget](crate::MemoryBuilder::budget). Saving again
/// within a second of the last time does nothing, so a loop may save after each step; the first time that it is [`stopping`]
/// counts. With a disabled memory, or one that is only read, nothing is saved. Trouble, such as a full disk, is logged and costs nothing else. What would not come back as it is, is not saved.
///
/// # Panics
///
/// Panics outside of the body of a call, as [`seed`] does.
#[track_caller]
pub fn save<S: Value + 'static>(state: &S) {
    let (memory, key) = call("save");
    let Some(inner) = memory.inner.as_deref().filter(|inner| !inner.is_read_only()) else { return };
    let is_last = stopping();
    let is_due = |body: &Body| {
        let is_new = is_last && !body.saved_last;
        is_new || body.saved.is_none_or(|saved| saved.elapsed() >= SELDOM)
    };
    if with_body(|_, body| is_due(body)) != Some(true) {
        return;
    }
    match encode_value(state) {
        Ok(encoded) => inner.save(&key, encoded, type_name::<S>()),
        Err(error) => inner.note_checkpoint(&chain(&*error)),
    }
    // Behind the saving, which may take long.
    with_body(|_, body| {
        (body.saved, body.saved_last, body.has_checkpoint) = (Some(Instant::now()), is_last, true);
    });
}

/// The memory and the key of the call whose body runs.
#[track_caller]
fn call(what: &str) -> (Memory, Key) {
    let found = body().and_then(|(memory, body)| Some((memory, body.key?)));
    found.unwrap_or_else(|| {
        panic!(
            "`rememo::{what}` is for the body of a call of a memoized function, on the thread that runs it, and needs a key: not for \
             plain code, closures, `uncached`, or arguments that no key can be made of"
        )
    })
}

/// Whether the body that ends may leave a checkpoint.
pub(super) fn is_left() -> bool {
    with_body(|_, body| body.has_checkpoint) == Some(true)
}

/// The file of a call.
fn name(key: &Key) -> String {
    format!("{CHECKPOINTS}/{key}")
}

/// What tells that a file is of this call, and of this type.
fn derived(key: &Key, of_type: &str) -> Key {
    let named = [key.as_bytes(), of_type.as_bytes()].concat();
    Key::from_bytes(blake3::derive_key(CHECKPOINT_CONTEXT, &named))
}

impl Inner {
    fn save(&self, key: &Key, encoded: Encoded<'_>, of_type: &'static str) {
        let draft = Draft {
            key: derived(key, of_type),
            function: FunctionId([0; 8]),
            function_name: of_type,
            arguments: "".into(),
            created: SystemTime::now(),
            compute_time: Duration::ZERO,
            author: Author::Other(None),
            codec: encoded.codec,
            payload: encoded.bytes,
        };
        let saved = single::put(&self.dir, &name(key), &draft);
        if let Err(error) = saved.and_then(|()| sys::prune(&self.dir, CHECKPOINTS, MOST)) {
            self.note_checkpoint(&chain(&error));
        }
    }

    fn note_checkpoint(&self, error: &dyn std::fmt::Display) {
        self.troubles.note(Trouble::Checkpoint, "its call", error);
    }
}

impl KeyedCall<'_> {
    /// Removes the checkpoint of the call, if its value is in the store.
    pub(crate) fn drop_checkpoint(&self) {
        if self.entry().is_ok() {
            let removed = self.inner.dir.remove(&name(&self.key));
            let _ = removed.inspect_err(|error| self.note(Trouble::Checkpoint, &chain(error)));
        }
    }
}

/// Removes all checkpoints of a directory.
pub(super) fn clear(dir: &Dir) -> Result<()> {
    sys::prune(dir, CHECKPOINTS, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of `docs/format.md`.
    #[test]
    fn what_is_derived_of_a_key_stays_as_it_is_specified() {
        let key = Key::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(
            blake3::Hash::from_bytes(seed_of(&key)).to_string(),
            "1fe51bb6fe24e4da5b6c98ebc8bc0be084776b179d32b51e5858ee321ece9b37"
        );
        assert_eq!(
            derived(&key, "u64").to_string(),
            "ac64bbd3575d7453514226ff2aa99f80cf3af52e5c8238a604978868919b632b"
        );
    }
}
