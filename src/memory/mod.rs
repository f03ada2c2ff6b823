//! [`Memory`]: a handle on a store, and the doors to it.
//!
//! The doors are a few lines each, those to calls here and those to the store as a whole in [`upkeep`]; the one path behind them is in
//! [`inner`].
//!
//! A disabled memory accepts everything: `insert` does nothing, and `shelve` keeps the bytes in the
//! token. So a program under `REMEMO=off` runs as it would otherwise.

mod begin;
mod current;
mod earlier;
mod inner;
mod keep;
mod open;
mod outbox;
mod outcome;
mod probe;
mod remote;
mod shelved;
mod stored;
mod trouble;
mod upkeep;
mod usual;
mod why;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub(crate) use begin::{Begun, Ticket};
pub use current::Entered;
pub(crate) use earlier::WORTH_ORDERING;
pub(crate) use inner::{Attempt, Computed, Inner, Panic, Terms};
pub use open::MemoryBuilder;
pub(crate) use outbox::Outbox;
pub use outcome::{MissReason, Outcome, Source};
pub(crate) use probe::Probe;
pub(crate) use remote::{RemoteMiss, Sender};
pub use shelved::Shelved;
pub(crate) use trouble::chain;

use crate::call::{Call, Memo, NamedCall};
use crate::codec::{Value, select};
use crate::error::{Error, Result};
use crate::function::Function;
use crate::key::{Arguments, Key};
use crate::lease::Shared;
use crate::panics;
use crate::states::States;

/// A directory of results, shared by threads and processes.
///
/// Cloning is cheap, and clones share everything. Trouble with the cache (a full disk, a missing permission, a damaged
/// entry) never fails a call: the function runs, and the trouble is counted in [`Stats::troubles`](crate::Stats::troubles) and logged once for
/// each kind.
#[derive(Clone)]
pub struct Memory {
    /// `None`: disabled.
    pub(crate) inner: Option<Arc<Inner>>,
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
    /// Panics if the function does; nothing is stored then.
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
    pub fn call<C: Call>(&self, call: C) -> C::Output {
        self.call_info(call).value
    }

    /// Returns the value of `call`, as [`call`](Self::call) does, unless the cache is seen to be out of order before the
    /// function runs.
    ///
    /// For runs so long that nobody wants to start them if their results cannot be kept. A disabled memory is in order.
    ///
    /// # Errors
    ///
    /// Fails, with nothing computed, if the arguments cannot be made into a key, or there is no entry and none could be
    /// stored now. Once the function has run its value is returned, whether it could be stored or not.
    ///
    /// # Panics
    ///
    /// Panics if the function does.
    pub fn try_call<C: Call>(&self, call: C) -> Result<C::Output> {
        if let (Some(inner), Some(memo)) = (&self.inner, call.memo()) {
            let key = memo.key(&inner.states).map_err(|error| Error::key(memo.function.name(), error))?;
            if let Ok(value) = inner.take(inner.store.get(&key), &key, &memo) {
                return Ok(value);
            }
            inner.store.check_writable()?;
        }
        Ok(self.call(call))
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
    pub fn call_info<C: Call>(&self, call: C) -> Outcome<C::Output> {
        match self.probe(&call) {
            Probe::Hit(value) => Outcome::new(value, Source::Hit),
            Probe::Miss(key, reason) => self.compute(key, reason, call),
            Probe::Plain(reason) => self.run_plain(call, reason),
        }
    }

    /// Runs the function of `call` and stores what it returns, in place of any entry. If another thread is computing the call,
    /// waits for it first.
    ///
    /// # Panics
    ///
    /// Panics if the function does; an entry that is there stays.
    pub fn recompute<C: Call>(&self, call: C) -> C::Output {
        let key = self.inner.as_ref().zip(call.memo()).and_then(|(inner, memo)| inner.key(&memo));
        match key {
            Some(key) => self.compute(key, MissReason::Recomputed, call).value,
            None => self.run_plain(call, MissReason::Recomputed).value,
        }
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
        match self.probe(call) {
            Probe::Hit(value) => Some(value),
            Probe::Miss(..) | Probe::Plain(_) => None,
        }
    }

    /// Whether [`call`](Self::call) would find the entry of `call`, sound and not expired. Reads the entry, and counts
    /// as neither hit nor miss.
    pub fn contains<C: Call>(&self, call: &C) -> bool {
        let (Some(inner), Some(memo)) = (&self.inner, call.memo()) else { return false };
        inner
            .key(&memo)
            .is_some_and(|key| inner.holds(&key, memo.function.definition(), memo.function.name()))
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
        let subject = memo.subject();
        let draft = keep::try_draft(key, &subject, value, Duration::ZERO, inner.level(memo.function))?
            .ok_or_else(|| {
                let reason = "it is an `Err`, which only functions under `cache_err` keep";
                Error::value("store", memo.function.name(), reason)
            })?;
        inner.try_store(memo.function, &draft)
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
        args: &impl Serialize,
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

    /// Computes a miss, or waits for whoever computes it already.
    fn compute<C: Call>(&self, key: Key, reason: MissReason, call: C) -> Outcome<C::Output> {
        match self.attempt(key, reason, call, Terms::Single) {
            Attempt::Done(computed) => Outcome::new(computed.value, computed.source),
            Attempt::Panicked(panic) => panics::resume(panic.payload),
            Attempt::Busy(call, _) => self.run_plain(call, MissReason::Absent),
        }
    }

    /// Computes a miss.
    pub(crate) fn attempt<'m, C: Call>(
        &'m self,
        key: Key,
        reason: MissReason,
        call: C,
        terms: Terms<'_, 'm>,
    ) -> Attempt<C> {
        if let Some(inner) = &self.inner {
            return inner.compute(self, key, reason, call, terms);
        }
        let Outcome { value, source } = self.run_plain(call, MissReason::Disabled);
        Attempt::Done(Computed { value, source, shared: None })
    }

    /// Where values of a batch wait to be stored together; there is none if the memory is disabled.
    pub(crate) fn outbox(&self) -> Option<Outbox<'_>> {
        self.inner.as_deref().map(Outbox::new)
    }

    /// The value of a call that another thread has computed.
    pub(crate) fn take_shared<C: Call>(&self, call: &C, shared: Shared) -> Option<C::Output> {
        let (inner, memo) = (self.inner.as_ref()?, call.memo()?);
        inner.take_shared(&memo, shared).map(|computed| computed.value)
    }

    /// Runs a call that has no entry and gets none.
    pub(crate) fn run_plain<C: Call>(&self, call: C, reason: MissReason) -> Outcome<C::Output> {
        let (value, took) = inner::timed(self, call);
        if let Some(inner) = &self.inner
            && reason != MissReason::NotMemoized
        {
            inner.counters.miss(took);
        }
        Outcome::new(value, Source::Miss(reason))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("root", &self.root()).finish()
    }
}

/// What an operation on the entry of `call` needs.
fn memo_and_key<'c, C: Call>(
    memory: &Memory,
    call: &'c C,
    action: &'static str,
) -> Result<(Memo<'c, C::Output>, Key)> {
    let memo = call.memo().ok_or_else(|| Error::not_memoized(action))?;
    let states = memory.inner.as_ref().map_or_else(|| States::nowhere(), |inner| &inner.states);
    let key = memo.key(states).map_err(|error| Error::key(memo.function.name(), error))?;
    Ok((memo, key))
}
