//! Edits that change the code of a function and not its values: a user says so, and entries of before count.
//!
//! What is declared stands in the [`States`](crate::states::States) of the directory. Entries stay under the state
//! that they were computed in, so nothing is copied and a look-up costs what it did.

use super::Memory;
use crate::error::{Error, Result};
use crate::events;
use crate::function::FunctionInfo;

impl Memory {
    /// Declares that the function, as this program has it, returns what it returned before its last edit: entries of
    /// the newest earlier state of its code are hits. `memory.adopt(f::info())`.
    ///
    /// For an edit that you know to be harmless and that changes the code all the same: a faster algorithm, another
    /// text of a log line, a new release of a dependency. It counts for the code that the program has now, in this
    /// directory, also in later runs without the line, until [`forget`](Self::forget). *Remove the line when it has
    /// run*: while it stands in the program, it declares the same of each later edit.
    ///
    /// The earlier state is the one that was recorded last before that of now; if there is none, nothing changes. Values
    /// that were computed under the code of now, before the declaration, are not found until `forget`. A call that was
    /// found by this is told by [`why`](Self::why) and, once for each function, by an event of level `info`. A disabled
    /// memory does nothing.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written, or if the function is under `track = "body"` or `track = "none"`. Their code has
    /// no states.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo(name = "sum")]
    /// fn sum(to: u64) -> u64 {
    ///     (0..=to).sum()
    /// }
    ///
    /// // The next version of the program.
    /// mod later {
    ///     #[rememo::memo(name = "sum")]
    ///     pub fn sum(to: u64) -> u64 {
    ///         to * (to + 1) / 2
    ///     }
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// memory.call(sum::delayed(1000));
    /// assert!(!memory.contains(&later::sum::delayed(1000)));
    ///
    /// memory.adopt(later::sum::info())?;
    /// assert!(memory.contains(&later::sum::delayed(1000)));
    /// let why = memory.why(&later::sum::delayed(1000)).to_string();
    /// assert!(why.ends_with(", by earlier code that was adopted"));
    ///
    /// memory.forget(later::sum::info())?;
    /// assert!(!memory.contains(&later::sum::delayed(1000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adopt(&self, function: FunctionInfo) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let function = function.function();
        if !function.has_machine_code() {
            let reason = "under `track = \"body\"` and `track = \"none\"` code has no states";
            return Err(Error::value("adopt", function.name(), reason));
        }
        inner.states.adopt(function.codeless_id(), function.fingerprint())
    }

    /// Takes back all that [`adopt`](Self::adopt) has declared of a function in this directory.
    ///
    /// Each state of its code is one of its own again. Entries that adopted code has stored are removed, since they stand
    /// under the earlier code, for which they may be wrong. Programs that run meanwhile go on as they began.
    ///
    /// # Errors
    ///
    /// Fails if that cannot be written, or an entry cannot be removed. Then ask again: what was declared counts until
    /// all is done.
    pub fn forget(&self, function: FunctionInfo) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let function = function.function();
        let id = function.codeless_id();
        let sources = inner.states.adopted(id)?;
        if sources.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = sources.iter().map(|source| function.id_with(source)).collect();
        inner.store.clear_functions(&ids)?;
        inner.states.forget(id)?;
        events::info!("`{}`: what was adopted does not count any more", function.name());
        // What was stored between.
        inner.store.clear_functions(&ids)
    }
}
