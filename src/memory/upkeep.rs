//! The doors of a [`Memory`] to its store as a whole: what is in it, what goes, and keeping it in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Memory;
use super::checkpoints;
use super::inner::Inner;
use super::trouble::Trouble;
use crate::error::Result;
use crate::function::FunctionInfo;
use crate::key::{FunctionId, Key};
use crate::report::{FunctionRecord, Run, Stats, Usage, Verified};
use crate::store::{Limits, Reduced};

impl Memory {
    /// Returns totals. Entries and bytes are kept by the log layout; with the files layout counting them walks the directory:
    /// one look at each entry. What all runs have counted is read from a small file, and one for each program that runs.
    pub fn stats(&self) -> Stats {
        let Some(inner) = &self.inner else { return Stats::default() };
        // A directory that cannot be walked is counted as empty; the calls themselves meet and report the trouble.
        let extent = inner.store.stat().unwrap_or_default();
        let [verified, mismatches] = inner.verification.counts();
        let (own, stored) = inner.session.sum();
        let all_runs = inner.session.totals().map(|totals| Usage::sum(totals.values()));
        Stats {
            hits: own.hits,
            misses: own.misses,
            joined: own.joined,
            stored,
            seconds_computed: own.computed.as_secs_f64(),
            seconds_saved: own.saved.as_secs_f64(),
            all_runs: all_runs.unwrap_or_default(),
            entries: extent.entries,
            bytes: extent.bytes,
            not_kept: inner.troubles.of(Trouble::Encode),
            troubles: inner.troubles.total(),
            verified,
            mismatches,
        }
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
        inner.records.read(&totals, &inner.usages())
    }

    /// Returns how often each function was called, whatever the state of its code, by all programs that have used the directory;
    /// by name, also of functions without entries or records.
    ///
    /// Of programs that run or were killed, all but the last second is known. [`clear`](Self::clear) leaves it as it is.
    ///
    /// # Errors
    ///
    /// Fails if what was counted cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo(name = "cube")]
    /// fn cube(x: u64) -> u64 {
    ///     x * x * x
    /// }
    ///
    /// for _ in 0..3 {
    ///     Memory::open(dir.path())?.call(cube::delayed(3)); // as three runs of a program would
    /// }
    /// let usage = Memory::open(dir.path())?.usage()?;
    /// assert_eq!((usage["cube"].misses, usage["cube"].hits), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn usage(&self) -> Result<BTreeMap<String, Usage>> {
        let Some(inner) = &self.inner else { return Ok(BTreeMap::new()) };
        let mut by_name: BTreeMap<String, Usage> = BTreeMap::new();
        for ((_, name), usage) in inner.session.totals()? {
            by_name.entry(name).or_default().add(&usage);
        }
        Ok(by_name)
    }

    /// Returns the runs of programs that have used the directory, the oldest first: the last five hundred.
    ///
    /// # Errors
    ///
    /// Fails if what was counted cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::report::Ending;
    ///
    /// let memory = rememo::Memory::open(dir.path())?;
    /// memory.get_or_compute("square", &7, || 49);
    /// let runs = memory.runs()?;
    /// assert_eq!((runs[0].usage.misses, runs[0].ending), (1, Ending::Running));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn runs(&self) -> Result<Vec<Run>> {
        self.inner.as_ref().map_or_else(|| Ok(Vec::new()), |inner| inner.session.runs())
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
        inner.store.clear()?;
        checkpoints::clear(&inner.dir)
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

    /// Removes every entry of the functions of one name, whatever the state of their code; whether one is recorded. For functions
    /// that the program has no more: [`functions`](Self::functions) and [`entries`](Self::entries) tell their names.
    ///
    /// # Errors
    ///
    /// Fails at the first entry that cannot be removed; those before it are gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let memory = rememo::Memory::open(dir.path())?;
    /// memory.get_or_compute("sum, first version", &[1, 2], || 3);
    /// assert!(memory.clear_name("sum, first version")?);
    /// assert_eq!(memory.stats().entries, 0);
    /// assert!(!memory.clear_name("sum, mistyped")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear_name(&self, name: &str) -> Result<bool> {
        let Some(inner) = &self.inner else { return Ok(false) };
        let ids = inner.records.ids_of(name)?;
        inner.store.clear_functions(&ids)?;
        Ok(!ids.is_empty())
    }

    /// Removes the entries of a function that its code of now does not find: those of earlier code, also under another
    /// `version` and other parameters. `memory.clear_older(f::info())`.
    ///
    /// What other source has left counts as of now if it is the same machine code, or was [adopted](Self::adopt). As long as
    /// the code of now has stored nothing and found nothing in this directory, it is not known what is older, and nothing goes.
    ///
    /// # Errors
    ///
    /// Fails at the first entry that cannot be removed, those before it are gone; or if a record cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo(name = "area")]
    /// fn area(radius: f64) -> f64 {
    ///     3.14 * radius * radius
    /// }
    ///
    /// // The next version of the program.
    /// mod later {
    ///     #[rememo::memo(name = "area")]
    ///     pub fn area(radius: f64) -> f64 {
    ///         std::f64::consts::PI * radius * radius
    ///     }
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// memory.call(area::delayed(1.0));
    /// memory.call(later::area::delayed(1.0));
    /// memory.clear_older(later::area::info())?;
    /// assert!(!memory.contains(&area::delayed(1.0)));
    /// assert!(memory.contains(&later::area::delayed(1.0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear_older(&self, function: FunctionInfo) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let function = function.function();
        let mut ids = inner.records.ids_of(function.name())?;
        if function.has_machine_code() {
            let alike = inner.states.alike(function.fingerprint())?;
            if alike.is_empty() {
                return Ok(());
            }
            let kept: Vec<_> = alike.iter().map(|source| function.id_with(source)).collect();
            ids.retain(|id| !kept.contains(id));
        } else {
            ids.retain(|id| *id != function.id());
        }
        inner.store.clear_functions(&ids)
    }

    /// Removes the entries of functions that nothing is recorded of, so that nobody knows whose they are. Records are lost by
    /// damage, or where somebody removed them.
    ///
    /// # Errors
    ///
    /// Fails at the first entry that cannot be removed, those before it are gone; or if the directory cannot be listed.
    pub fn clear_orphans(&self) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let mut ids = BTreeSet::new();
        inner.store.list(&mut |info| {
            ids.insert(info.function_id);
        })?;
        // Read behind the entries: a record is written after its first entry.
        let names = inner.records.names()?;
        let orphans: Vec<_> = ids.into_iter().filter(|id| !names.contains_key(id)).collect();
        inner.store.clear_functions(&orphans)
    }

    /// Removes the entry of a key, such as [`EntryInfo::key`](crate::EntryInfo::key) tells; whether there was one.
    ///
    /// # Errors
    ///
    /// Fails if the entry cannot be removed.
    pub fn remove_key(&self, key: &Key) -> Result<bool> {
        self.inner.as_ref().map_or(Ok(false), |inner| inner.store.remove(key))
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

impl Inner {
    /// How often functions were called in each state of their code; nothing, if that cannot be read.
    pub(super) fn usages(&self) -> HashMap<FunctionId, Usage> {
        let totals = self.session.totals().unwrap_or_default();
        totals.into_iter().map(|((id, _), usage)| (id, usage)).collect()
    }
}
