//! The doors through which people look at what is in a directory: entries, one at a time or all, and the states of functions.
//!
//! # Invariants
//! 1. Nothing is computed, counted or changed.
//! 2. However many entries there are, no memory is taken but for what is returned.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use super::Memory;
use crate::codec;
use crate::error::{Error, Result, chain};
use crate::key::Key;
use crate::payload::ReadError;
use crate::report::{self, FunctionRecord, Inspection, Revision, Verified};
use crate::store::{EntryInfo, Layout, Lookup};

impl Memory {
    /// Returns what is known of every entry, in no particular order. Reads the head of each.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be listed.
    pub fn entries(&self) -> Result<Vec<EntryInfo>> {
        let mut entries = Vec::new();
        self.each_entry(|info| {
            entries.push(info);
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    /// Calls `visit` with what is known of every entry, in no particular order, until it breaks. Reads the head of each, and
    /// takes no memory that grows with their number. What is stored meanwhile may be among them or not.
    ///
    /// # Errors
    ///
    /// Fails, after visiting all others, if some could not be read.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use std::ops::ControlFlow;
    ///
    /// let memory = rememo::Memory::open(dir.path())?;
    /// for seed in 0..10_u64 {
    ///     memory.get_or_compute("square", &seed, || seed * seed);
    /// }
    /// let mut some = Vec::new();
    /// memory.each_entry(|info| {
    ///     some.push(info.arguments().to_owned());
    ///     if some.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// })?;
    /// assert_eq!(some.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each_entry(&self, mut visit: impl FnMut(EntryInfo) -> ControlFlow<()>) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let mut names = HashMap::new();
        let mut failed = Ok(());
        let scanned = inner.store.scan(&mut |mut info| {
            if info.function.is_empty() {
                if names.is_empty() {
                    match inner.records.names() {
                        Ok(recorded) => names = recorded,
                        Err(error) => failed = Err(error),
                    }
                }
                let id = info.function_id;
                info.function.clone_from(names.entry(id).or_insert_with(|| id.to_string()));
            }
            visit(info)
        });
        scanned.and(failed)
    }

    /// Reads an entry in full and says whether it is sound; `None` if there is none of this key.
    ///
    /// # Errors
    ///
    /// Fails if the entry cannot be read.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// let memory = rememo::Memory::open(dir.path())?;
    /// memory.get_or_compute("square", &7_u64, || 49_u64);
    /// let key = memory.entries()?[0].key();
    /// let inspection = memory.inspect(&key)?.expect("it was stored");
    /// assert_eq!(inspection.damage, None);
    /// assert_eq!(inspection.entry.expect("it is sound").function(), "square");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inspect(&self, key: &Key) -> Result<Option<Inspection>> {
        let Some(inner) = &self.inner else { return Ok(None) };
        let entry = match inner.store.get(key)? {
            Lookup::Found(entry) => entry,
            Lookup::Absent => return Ok(None),
            Lookup::Damaged(how) => {
                return Ok(Some(Inspection { damage: Some(how), ..Inspection::default() }));
            }
        };
        let value = entry.value();
        let damage = match value.check() {
            Ok(()) => None,
            Err(ReadError::Damaged(how)) => Some(how),
            Err(error) => return Err(Error::no_entry("", chain(&error))),
        };
        let mut info = inner.store.info(&entry, "");
        let recorded = inner.records.all()?.into_iter().find(|recorded| recorded.id == info.function_id);
        let function = recorded.map(|recorded| recorded.record);
        info.function =
            function.as_ref().map_or_else(|| info.function_id.to_string(), |record| record.name.clone());
        let mut encoding = codec::name(value.encoding()).to_owned();
        if value.is_compressed() {
            encoding.push_str(", compressed");
        }
        Ok(Some(Inspection { entry: Some(info), encoding, damage, function }))
    }

    /// Reads every entry in full, as [`verify`](Self::verify) does, and removes nothing.
    ///
    /// # Errors
    ///
    /// Fails, after looking at all entries, if some could not be read.
    pub fn check(&self) -> Result<Verified> {
        let Some(inner) = &self.inner else { return Ok(Verified::default()) };
        let checked = inner.store.check()?;
        Ok(Verified { sound: checked.sound, damaged: checked.damaged })
    }

    /// Fails if what is in the directory cannot be read, as in a cache of somebody else: its entries seem to be missing then.
    ///
    /// # Errors
    ///
    /// Fails, with the path, if a file cannot be read. Looks at one of each kind.
    pub fn check_readable(&self) -> Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        inner.records.names()?;
        inner.store.check_readable()
    }

    /// The layout of the directory; `None` if the memory is disabled.
    pub fn layout(&self) -> Option<Layout> {
        self.inner.as_ref().map(|inner| inner.store.layout())
    }

    /// Returns the names of the functions that [`functions`](Self::functions) returns, without looking at their entries.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be listed.
    pub fn function_names(&self) -> Result<BTreeSet<String>> {
        let Some(inner) = &self.inner else { return Ok(BTreeSet::new()) };
        Ok(inner.records.names()?.into_values().collect())
    }

    /// Returns the states that the code of a function was in when it stored values, the oldest first, and what changed from
    /// one to the next.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be listed.
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
    /// let history = memory.history("area")?;
    /// assert_eq!(history.len(), 2);
    /// assert!(history[1].changes[0].to_string().ends_with("differs"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn history(&self, name: &str) -> Result<Vec<Revision>> {
        let Some(inner) = &self.inner else { return Ok(Vec::new()) };
        let mut recorded = inner.records.of_name(name)?;
        recorded.sort_by_key(|recorded| recorded.written);
        let totals: HashMap<_, _> = inner.store.functions()?.into_iter().collect();
        let usages = inner.usages();
        let mut revisions: Vec<Revision> = Vec::new();
        for recorded in recorded {
            let extent = totals.get(&recorded.id).copied().unwrap_or_default();
            let usage = usages.get(&recorded.id).cloned().unwrap_or_default();
            let (entries, bytes) = (extent.entries, extent.bytes);
            let function = FunctionRecord { entries, bytes, usage, ..recorded.record };
            let changes = revisions.last().map(|was| report::between(&was.function, &function));
            let changes = changes.unwrap_or_default();
            revisions.push(Revision { function, recorded: recorded.written, changes });
        }
        Ok(revisions)
    }
}
