//! [`Memory`]: a handle on a store, and the doors to it.
//!
//! The doors are a few lines each: those to calls are here, those to the whole store in [`look`], [`upkeep`] and
//! [`prune`].
//! The one path behind them is in [`compute`].
//!
//! A disabled memory accepts everything: `insert` does nothing, and `shelve` keeps the bytes in the
//! token. So a program under `REMEMO=off` runs as it would otherwise.

mod adopt;
mod checkpoints;
mod compute;
mod current;
mod diagnose;
mod earlier;
mod inner;
mod lazy_entry;
mod look;
mod mean_time;
mod not_kept;
mod open;
mod outbox;
mod outcome;
mod prune;
mod remote;
mod serve;
mod shelved;
mod switch;
#[cfg(feature = "cli")]
mod transfer;
mod trouble;
mod turn;
mod upkeep;
mod usable;
mod verification;
mod why;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use checkpoints::{checkpoint, save, seed, stopping};
use compute::Keyed;
pub(crate) use compute::{Computation, NotLed, Ran};
pub use current::Entered;
#[cfg(target_os = "linux")]
pub(crate) use diagnose::JOBS;
pub(crate) use earlier::WORTH_ORDERING;
use inner::Inner;
pub(crate) use inner::Manners;
pub use open::MemoryBuilder;
pub(crate) use outbox::Outbox;
pub(crate) use outcome::{Computed, Miss};
pub use outcome::{Outcome, Source};
pub(crate) use remote::Sender;
pub use shelved::Shelved;
pub(crate) use turn::{KeyedCall, Part};

pub(crate) use crate::report::MissReason;

use crate::call::{Call, FunctionCall, Memo, MemoizedCall, NamedCall};
use crate::codec::{Value, select};
use crate::error::{Error, Result};
use crate::function::Function;
use crate::key::{Arguments, Key};
use crate::states::States;

/// A directory of results, shared by threads and processes.
///
/// Cloning is cheap, and clones share everything. Trouble with the cache (a full disk, a missing permission, a damaged
/// entry) never fails a call: the function runs, and the trouble is counted in [`Stats::troubles`](crate::Stats::troubles) and logged once for
/// each kind.
#[derive(Clone)]
pub struct Memory {
    /// `None`: disabled.
    inner: Option<Arc<Inner>>,
}

impl Memory {
    /// The directory, absolute; `None` if the memory is disabled.
    pub fn root(&self) -> Option<&Path> {
        self.inner.as_deref().map(|inner| &*inner.settings.root)
    }

    /// Returns the value of `call`: from its entry if there is a sound one, else by running the function and storing
    /// what it returns.
    ///
    /// Threads and processes that ask for the same call at the same time share one computation. A hit of a
    /// small value costs under a microsecond with the log layout, a file read with the files layout.
    ///
    /// # Panics
    ///
    /// Panics if the function does; nothing is stored then. Also if the call is a miss and the memory is
    /// [frozen](MemoryBuilder::frozen), or if the value cannot be kept and the memory is
    /// [strict](MemoryBuilder::strict).
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn cube(x: u64) -> u64 {
    ///     x * x * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// assert_eq!(memory.call(cube::delayed(3)), 27); // computed and stored
    /// assert_eq!(memory.call(cube::delayed(3)), 27); // read back
    /// assert_eq!((memory.stats().misses, memory.stats().hits), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn call<C: Call>(&self, call: C) -> C::Output {
        match self.look_up(&call) {
            Ok(value) => value,
            Err(miss) => self.compute_and_insist(call, miss).value,
        }
    }

    /// Returns the value of `call`, as [`call`](Self::call) does, unless the cache is seen to be out of order before the
    /// function runs, or is [frozen](MemoryBuilder::frozen).
    ///
    /// For runs so long that nobody wants to start them if their results cannot be kept. A disabled memory is in order.
    ///
    /// # Errors
    ///
    /// Fails, with nothing computed, if the arguments cannot be made into a key, or there is no entry and none could be
    /// stored now. Once the function has run its value is returned, whether it could be stored or not; but
    /// a [strict](MemoryBuilder::strict) memory also fails if it cannot be kept.
    ///
    /// # Panics
    ///
    /// Panics if the function does.
    pub fn try_call<C: Call>(&self, call: C) -> Result<C::Output> {
        if let Some(inner) = &self.inner
            && let Some(memo) = call.memo()
        {
            let keyed = Keyed::new(self, inner, &memo, key_of(&memo.call, &inner.states)?);
            let miss = match keyed.read(keyed.call.get()) {
                Ok(value) => return Ok(value),
                Err(miss) => miss,
            };
            if inner.manners.is_frozen {
                return Err(compute::frozen(Some(memo.call), &self.why_missed(&call, &miss)));
            }
            inner.store.check_writable()?;
            let function = memo.call.function.name();
            let outcome = self.compute(call, miss, Part::All);
            return self.accepted(function, outcome).map(|outcome| outcome.value);
        }
        Ok(self.outcome_of(call).value)
    }

    /// Returns the value of `call`, as [`call`](Self::call) does, and where it is from.
    ///
    /// # Panics
    ///
    /// Panics if the function does.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn cube(x: u64) -> u64 {
    ///     x * x * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// let first = memory.call_info(cube::delayed(3));
    /// assert_eq!(first.value, 27);
    /// let reason = "miss: not computed before with this code and these arguments";
    /// assert_eq!(first.source.to_string(), reason);
    /// assert!(memory.call_info(cube::delayed(3)).is_hit());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn call_info<C: Call>(&self, call: C) -> Outcome<C::Output> {
        match self.look_up(&call) {
            Ok(value) => Outcome::new(value, Source::Hit),
            Err(miss) => self.compute_and_insist(call, miss),
        }
    }

    /// Computes a call that missed; see [`insist`](Self::insist).
    #[track_caller]
    fn compute_and_insist<C: Call>(&self, call: C, miss: Miss) -> Outcome<C::Output> {
        let function = name_of(&call);
        let outcome = self.compute(call, miss, Part::All);
        self.insist(function, outcome)
    }

    /// The value of a call, and where it is from; one that was not kept, too.
    fn outcome_of<C: Call>(&self, call: C) -> Outcome<C::Output> {
        match self.look_up(&call) {
            Ok(value) => Outcome::new(value, Source::Hit),
            Err(miss) => self.compute(call, miss, Part::All),
        }
    }

    /// Runs the function of `call` and stores what it returns, in place of any entry. If another thread is computing the call,
    /// waits for it first.
    ///
    /// # Panics
    ///
    /// Panics if the function does; an entry that is there stays. A [strict](MemoryBuilder::strict) memory
    /// panics if the value cannot be kept.
    #[track_caller]
    pub fn recompute<C: Call>(&self, call: C) -> C::Output {
        let (function, key) = (name_of(&call), self.keyed(&call).ok().map(|keyed| keyed.call.key));
        let outcome = self.compute(call, Miss { key, reason: MissReason::Recomputed }, Part::All);
        self.insist(function, outcome).value
    }

    /// Returns the value of `call` if its entry is there, and counts it as a hit; computes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn cube(x: u64) -> u64 {
    ///     x * x * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// assert_eq!(memory.lookup(&cube::delayed(3)), None);
    /// memory.call(cube::delayed(3));
    /// assert_eq!(memory.lookup(&cube::delayed(3)), Some(27));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lookup<C: Call>(&self, call: &C) -> Option<C::Output> {
        let keyed = self.keyed(call).ok()?;
        keyed.hit(&keyed.call.entry().ok()?).ok()
    }

    /// Whether [`call`](Self::call) would find the entry of `call`, sound and not expired. Reads the entry, and counts
    /// as neither hit nor miss.
    pub fn contains<C: Call>(&self, call: &C) -> bool {
        self.keyed(call).is_ok_and(|keyed| keyed.call.contains())
    }

    /// Stores `value` as what the function returns for `call`, in place of any entry; a disabled memory ignores it.
    ///
    /// # Errors
    ///
    /// Fails if `call` is of a plain closure, no key can be made of its arguments, or the value cannot be encoded or
    /// stored, or is an `Err` that the function does not keep.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn cube(x: u64) -> u64 {
    ///     x * x * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// memory.insert(&cube::delayed(3), &27)?; // known from elsewhere
    /// assert!(memory.call_info(cube::delayed(3)).is_hit());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert<C: Call>(&self, call: &C, value: &C::Output) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let (memo, key) = memo_and_key(self, call, "insert")?;
        let MemoizedCall { function, .. } = memo.call;
        let encoded = inner::encode(&memo.codec, value, function, inner.level(function))
            .map_err(|error| Error::value("encode", function.name(), error))?
            .ok_or_else(|| Error::value("store", function.name(), DECLINED))?;
        let keyed = Keyed::new(self, inner, &memo, key);
        inner.try_store(function, &keyed.call.draft(encoded, &memo.call.preview(), Duration::ZERO))
    }

    /// Removes the entry of `call`; whether there was one.
    ///
    /// # Errors
    ///
    /// Fails if `call` is of a plain closure, no key can be made of its arguments, or the entry cannot be removed.
    pub fn remove<C: Call>(&self, call: &C) -> Result<bool> {
        let Some(inner) = &self.inner else { return Ok(false) };
        let (_, key) = memo_and_key(self, call, "remove")?;
        inner.store.remove(&key)
    }

    /// Returns the value stored under `name` for `args`, else what `function` returns: memoization without the macro.
    ///
    /// The name and the output type stand for the function, and *its code is not part of the key*:
    /// change the name when the code changes. A `Result` is kept only if it is `Ok`. Names are kept
    /// for the life of the process: they are for functions, not for values. Output types of your
    /// own are told apart by the compiler's numbers for them, so that a build with another
    /// compiler, profile or flags computes them anew; functions under [`#[memo]`](crate::memo) do
    /// not have this limit.
    ///
    /// # Panics
    ///
    /// Panics if `function` does.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let memory = rememo::Memory::open(dir.path())?;
    /// let sum = memory.get_or_compute("sum, first version", &[1, 2, 3], || 1 + 2 + 3);
    /// assert_eq!(sum, 6);
    /// let again: i32 = memory.get_or_compute("sum, first version", &[1, 2, 3], || unreachable!());
    /// assert_eq!(again, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or_compute<T: Value>(
        &self,
        name: &str,
        args: &(impl Serialize + ?Sized),
        function: impl FnOnce() -> T,
    ) -> T {
        let show = |sink: &mut Arguments<'_>| sink.argument("args", args);
        self.call(NamedCall::new(Function::by_name(name), show, function, select::value_codec()))
    }

    /// Whether `other` is a clone of this one, or both are disabled.
    pub(crate) fn is(&self, other: &Memory) -> bool {
        match (&self.inner, &other.inner) {
            (Some(inner), Some(other)) => Arc::ptr_eq(inner, other),
            (None, None) => true,
            _ => false,
        }
    }

    /// Where values of a batch wait to be stored together; `None` if the memory is disabled.
    pub(crate) fn outbox(&self) -> Option<Outbox<'_>> {
        self.inner.as_deref().map(Outbox::new)
    }
}

// A panic of the user's code is caught wherever it passes, and what it leaves behind is as if the call had not been made.
impl UnwindSafe for Memory {}
impl RefUnwindSafe for Memory {}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("root", &self.root()).finish()
    }
}

impl<A, T> FunctionCall<A, T> {
    /// The key of the call in `memory`: the address of its entry, and what names the call from process to process.
    ///
    /// It contains the arguments and the function with the state of its code, so an edit of the function changes it. Two
    /// memories may know different states of a function.
    ///
    /// # Errors
    ///
    /// Fails if no key can be made of the arguments.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn cube(x: u64) -> u64 {
    ///     x * x * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// memory.call(cube::delayed(3));
    /// let key = cube::delayed(3).key(&memory)?;
    /// assert_eq!(memory.entries()?[0].key(), key);
    /// assert!(memory.remove_key(&key)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn key(&self, memory: &Memory) -> Result<Key> {
        memo_and_key(memory, self, "make a key of").map(|(_, key)| key)
    }
}

/// Why a value is not kept.
const DECLINED: &str = "it is an `Err`, which only functions under `cache_err` keep";

/// The name of the function that is called, for errors about it.
fn name_of<C: Call>(call: &C) -> &'static str {
    call.memo().map_or("", |memo| memo.call.function.name())
}

/// The memoized side of a call, and its key. `action` is told of if it has none.
fn memo_and_key<'c, C: Call>(
    memory: &Memory,
    call: &'c C,
    action: &'static str,
) -> Result<(Memo<'c, C::Output>, Key)> {
    let memo = call.memo().ok_or_else(|| Error::not_memoized(action))?;
    let states = memory.inner.as_ref().map_or_else(|| States::nowhere(), |inner| &inner.states);
    let key = key_of(&memo.call, states)?;
    Ok((memo, key))
}

fn key_of(call: &MemoizedCall<'_>, states: &States) -> Result<Key> {
    call.key(states).map_err(|error| Error::key(call.function.name(), error))
}
