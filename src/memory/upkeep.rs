//! The doors of a [`Memory`] to its store as a whole: what is in it, and keeping it in order.

use super::Memory;
use super::trouble::Trouble;
use crate::error::Result;
use crate::function::FunctionInfo;
use crate::report::{FunctionRecord, Stats, Verified};
use crate::store::{EntryInfo, Limits, Reduced};

impl Memory {
    /// Returns totals. Entries and bytes are kept by the log layout; with the files layout counting them walks the directory:
    /// one look at each entry.
    pub fn stats(&self) -> Stats {
        let Some(inner) = &self.inner else { return Stats::default() };
        // A directory that cannot be walked is counted as empty; the calls themselves meet and report the trouble.
        let extent = inner.store.stat().unwrap_or_default();
        Stats {
            entries: extent.entries,
            bytes: extent.bytes,
            not_kept: inner.troubles.of(Trouble::Encode),
            troubles: inner.troubles.total(),
            ..inner.counters.read()
        }
    }

    /// Returns what is known of every entry, in no particular order. Reads the head of each.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be listed.
    pub fn entries(&self) -> Result<Vec<EntryInfo>> {
        let mut entries = Vec::new();
        if let Some(inner) = &self.inner {
            inner.store.list(&mut |info| entries.push(info))?;
            if entries.iter().any(|info: &EntryInfo| info.function.is_empty()) {
                let names = inner.records.names()?;
                for info in entries.iter_mut().filter(|info| info.function.is_empty()) {
                    let name = names.get(&info.function_id).cloned();
                    info.function = name.unwrap_or_else(|| info.function_id.to_string());
                }
            }
        }
        Ok(entries)
    }

    /// Returns the functions that have stored values since the last [`clear`](Self::clear), by name; one record for each
    /// state of a function's code.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be listed.
    pub fn functions(&self) -> Result<Vec<FunctionRecord>> {
        let Some(inner) = &self.inner else { return Ok(Vec::new()) };
        // Without totals the records are worth reading all the same.
        let totals = inner.store.functions().unwrap_or_default().into_iter().collect();
        inner.records.read(&totals)
    }

    /// Removes every entry, and what killed processes left. Values that are being computed are stored when they are done.
    ///
    /// # Errors
    ///
    /// Fails at the first entry that cannot be removed; those before it are gone.
    pub fn clear(&self) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        // The records first: whoever stores a value after the entries are gone sees that they are, and writes its record again.
        inner.records.clear()?;
        inner.store.clear()
    }

    /// Removes every entry of a function, whatever the state of its code: `memory.clear_function(f::info())`.
    ///
    /// # Errors
    ///
    /// Fails at the first entry that cannot be removed; those before it are gone.
    pub fn clear_function(&self, function: FunctionInfo) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let mut ids = inner.records.ids_of(function.name())?;
        ids.push(function.id());
        inner.store.clear_functions(&ids)
    }

    /// Removes entries until the limits hold: first those that were not used for too long, then those that are worth least, by
    /// the seconds of computing that they save per byte. With the log layout, use counts too, and what was used in the last
    /// minute stays whatever the limits.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be listed or written.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Limits, Memory};
    ///
    /// let memory = Memory::open(dir.path())?;
    /// for seed in 0..10_u64 {
    ///     memory.get_or_compute("square", &seed, || seed * seed);
    /// }
    /// let reduced = memory.reduce(Limits::new().items(4))?;
    /// assert_eq!((reduced.entries, reduced.kept_entries), (6, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reduce(&self, limits: Limits) -> Result<Reduced> {
        self.inner.as_ref().map_or(Ok(Reduced::default()), |inner| inner.store.reduce(&limits))
    }

    /// Reads every entry in full, removes those that are damaged, and sweeps away what killed processes left.
    ///
    /// # Errors
    ///
    /// Fails, after looking at all entries, if some could not be read or removed.
    pub fn verify(&self) -> Result<Verified> {
        let Some(inner) = &self.inner else { return Ok(Verified::default()) };
        let swept = inner.store.sweep()?;
        Ok(Verified { sound: swept.sound, damaged: swept.damaged })
    }
}
