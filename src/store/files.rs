//! The files layout: every entry a file of its own. Slower than a log, and works on every file system.
//!
//! # Invariants
//! 1. The name of a file is the key of its entry, so an entry is found without an index.
//! 2. Two processes may store one key at once; either entry is valid, so the last rename wins harmlessly.
//! 3. No lock is taken to read or to store, and directories that vanished are made again by the next store.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::blobs::{BLOBS, Blobs, FIRST_READ};
use super::entry::{self, MAX_HEAD};
use super::root;
use super::selection::{Candidate, Facts, Selected, Selection};
use super::{Draft, Durability, EntryInfo, Extent, Layout, Limits, Lookup, Options, Store, Swept};
use crate::error::{Error, Result};
use crate::events;
use crate::key::{FunctionId, Key};
use crate::lock::lock;
use crate::sys::{self, Access, Dir, Stamp};

/// Files take a multiple of this on the disk, with most file systems.
const BLOCK: u64 = 4096;

/// Entries in files below one directory.
#[derive(Debug)]
pub(crate) struct FilesStore {
    dir: Arc<Dir>,
    blobs: Blobs,
    budget: Option<u64>,
    /// Bytes stored since the directory was last seen to be within the budget.
    grown: AtomicU64,
    durability: Durability,
    /// Files to be brought to the disk when the store is closed.
    unsynced: Mutex<BTreeSet<String>>,
}

impl FilesStore {
    /// Opens the store in a cache directory.
    pub(crate) fn open(dir: &Arc<Dir>, options: &Options) -> Self {
        // What is left there harms nobody, so that failing to remove it is no trouble.
        if let Err(error) = sys::sweep(dir) {
            events::debug!(error = &error, "what killed processes left stays");
        }
        FilesStore {
            dir: Arc::clone(dir),
            blobs: Blobs::new(dir),
            budget: options.budget,
            // Not known to be within it.
            grown: AtomicU64::new(u64::MAX / 2),
            durability: options.durability,
            unsynced: Mutex::default(),
        }
    }

    fn put_one(&self, draft: &Draft<'_>) -> Result<()> {
        if self.dir.was_made_again() {
            root::restore(&self.dir, root::Kind::Files)?;
        }
        super::fits_budget(self.dir.path(), draft, self.budget)?;
        let name = name(&draft.key);
        let blob = self.blobs.put(&name, draft, self.durability == Durability::Each)?;
        if self.durability == Durability::OnClose {
            lock(&self.unsynced).insert(name);
        }
        // The entry is stored, whatever comes of that.
        if let Err(error) = self.keep_budget(blob.length) {
            events::debug!(error = &error, "the budget is not kept");
        }
        Ok(())
    }

    /// Reduces the directory if it may exceed the budget: when a sixteenth of it was stored since it was looked at last. Looking
    /// costs a read of each entry's head.
    fn keep_budget(&self, stored: u64) -> Result<()> {
        let Some(budget) = self.budget else { return Ok(()) };
        let grown = self.grown.fetch_add(stored, Relaxed).saturating_add(stored);
        // One thread looks; the others go on.
        if grown < budget / 16 || self.grown.compare_exchange(grown, 0, Relaxed, Relaxed).is_err() {
            return Ok(());
        }
        // What counts is what the files take, which is whole blocks.
        let selection = Selection::of(Limits::new().bytes(budget / 16 * 15));
        self.select_by(&selection, |info| info.bytes.next_multiple_of(BLOCK)).map(drop)
    }

    /// The heads of all entries, with the names of their files, until `visit` wants no more. Fails, after looking at all, if one
    /// could not be read.
    fn visit(&self, mut visit: impl FnMut(&str, EntryInfo) -> ControlFlow<()>) -> Result<()> {
        let mut failed = None;
        // One directory at a time: the names of a million files would take a hundred megabytes.
        for shard in self.blobs.shards()? {
            for name in self.blobs.names_in(&shard)? {
                match self.read_head(&name) {
                    Ok(Some(info)) => {
                        if visit(&name, info).is_break() {
                            return Ok(());
                        }
                    }
                    // It went, or is no entry: verifying tells.
                    Ok(None) => {}
                    Err(error) => drop(failed.get_or_insert(error)),
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// What the head of a file says of the entry; `None` if there is none.
    fn read_head(&self, name: &str) -> Result<Option<EntryInfo>> {
        let Some((file, stat)) = self.dir.find(name, Access::Look)? else { return Ok(None) };
        let read = |most: usize| {
            let mut head = vec![0; most];
            let count =
                sys::read_into(&file, &mut head, 0).map_err(|error| self.dir.error("read", name, error))?;
            Ok::<_, Error>(entry::read_info(&head[..count]))
        };
        // Two steps: nearly every header fits the first.
        let info = match read(1024)? {
            None if stat.size > 1024 => read(MAX_HEAD)?,
            info => info,
        };
        Ok(info.map(|info| EntryInfo { last_use: Some(stat.used), ..info }))
    }

    /// Removes what is to go. `size` tells what an entry takes.
    fn select_by(&self, selection: &Selection<'_>, size: impl Fn(&EntryInfo) -> u64) -> Result<Selected> {
        let mut candidates = Vec::new();
        let mut all = Extent::default();
        let now = SystemTime::now();
        let visited = self.visit(|name, info| {
            let bytes = size(&info);
            all.entries += 1;
            all.bytes += bytes;
            candidates.push(candidate(name, &info, bytes, now));
            ControlFlow::Continue(())
        });
        let mut selected = Selected::default();
        for chosen in selection.choose(candidates) {
            if selection.dry_run || self.dir.remove(&chosen.place)? {
                selected.add(&chosen);
            }
        }
        selected.left_of(all);
        visited.map(|()| selected)
    }

    fn remove_where(&self, goes: impl Fn(&EntryInfo) -> bool) -> Result<()> {
        let mut names = Vec::new();
        let visited = self.visit(|name, info| {
            if goes(&info) {
                names.push(name.to_owned());
            }
            ControlFlow::Continue(())
        });
        names.iter().try_for_each(|name| self.dir.remove(name).map(drop))?;
        visited
    }

    /// Checks all entries in full, and removes those that are damaged if they are to go.
    fn check_all(&self, remove: bool) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut failed: Option<Error> = None;
        for shard in self.blobs.shards()? {
            for name in self.blobs.names_in(&shard)? {
                if let Err(error) = self.check_one(&name, remove, &mut swept) {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(swept), Err)
    }

    /// Checks an entry in full, and removes it if it is damaged and to go.
    fn check_one(&self, name: &str, remove: bool, swept: &mut Swept) -> Result<()> {
        let look = |key: &Key| self.blobs.check(name, key);
        // A second look at a damaged one: it may have been repaired meanwhile.
        let found = match key_of(name) {
            Some(key) => match look(&key)? {
                Lookup::Damaged(_) => look(&key)?,
                found => found,
            },
            None => Lookup::Damaged("it has no key".into()),
        };
        match found {
            Lookup::Found(_) => swept.sound += 1,
            Lookup::Absent => {}
            Lookup::Damaged(_) => {
                if remove {
                    self.dir.remove(name)?;
                }
                swept.damaged.push(self.dir.at(name));
            }
        }
        Ok(())
    }
}

impl Store for FilesStore {
    fn get(&self, key: &Key) -> Result<Lookup> {
        self.blobs.open(&name(key), key, FIRST_READ, None)
    }

    fn holds(&self, key: &Key) -> Result<bool> {
        Ok(self.dir.stat(&name(key))?.is_some())
    }

    fn put(&self, draft: &Draft<'_>) -> Result<()> {
        self.put_one(draft)
    }

    fn put_all(&self, drafts: &[Draft<'_>]) -> Vec<Result<()>> {
        drafts.iter().map(|draft| self.put_one(draft)).collect()
    }

    fn mark_verified(&self, key: &Key, stamp: &Stamp) {
        self.blobs.mark_verified(key, stamp);
    }

    fn remove(&self, key: &Key) -> Result<bool> {
        self.dir.remove(&name(key))
    }

    fn clear(&self) -> Result<()> {
        self.blobs.names()?.iter().try_for_each(|name| self.dir.remove(name).map(drop))?;
        sys::sweep(&self.dir)
    }

    fn clear_functions(&self, functions: &[FunctionId]) -> Result<()> {
        self.remove_where(|info| functions.contains(&info.function_id))
    }

    fn functions(&self) -> Result<Vec<(FunctionId, Extent)>> {
        let mut functions: HashMap<FunctionId, Extent> = HashMap::new();
        self.list(&mut |info| {
            let extent = functions.entry(info.function_id).or_default();
            extent.entries += 1;
            extent.bytes += info.bytes;
        })?;
        Ok(functions.into_iter().collect())
    }

    fn select(&self, selection: &Selection<'_>) -> Result<Selected> {
        self.select_by(selection, |info| info.bytes)
    }

    fn scan(&self, visit: &mut dyn FnMut(EntryInfo) -> ControlFlow<()>) -> Result<()> {
        self.visit(|_, info| visit(info))
    }

    fn sample(&self, most: usize, visit: &mut dyn FnMut(FunctionId, Duration)) -> Result<()> {
        // The names of files are hashes.
        for name in self.blobs.names()?.iter().take(most) {
            if let Some(info) = self.read_head(name)? {
                visit(info.function_id, info.compute_time);
            }
        }
        Ok(())
    }

    fn stat(&self) -> Result<Extent> {
        let mut extent = Extent::default();
        for name in self.blobs.names()? {
            if let Some(stat) = self.dir.stat(&name)? {
                extent.entries += 1;
                extent.bytes += stat.size;
            }
        }
        Ok(extent)
    }

    fn check_writable(&self) -> Result<()> {
        sys::check_writable(&self.dir)
    }

    fn check_readable(&self) -> Result<()> {
        self.blobs.shards()?.first().map_or(Ok(()), |shard| self.blobs.names_in(shard).map(drop))
    }

    fn check(&self) -> Result<Swept> {
        self.check_all(false)
    }

    fn sweep(&self) -> Result<Swept> {
        let swept = self.check_all(true);
        sys::sweep(&self.dir)?;
        swept
    }

    fn layout(&self) -> Layout {
        Layout::Files
    }
}

impl Drop for FilesStore {
    /// What cannot be brought to the disk may be lost in a power cut, at worst.
    fn drop(&mut self) {
        for name in std::mem::take(&mut *lock(&self.unsynced)) {
            if let Err(error) = self.blobs.sync(&name) {
                events::warn!(error = &error, "an entry may not outlive a power cut");
            }
        }
    }
}

/// What is known of an entry that may go, and the name of its file.
#[expect(clippy::cast_precision_loss, reason = "a ratio to compare with others")]
fn candidate(name: &str, info: &EntryInfo, bytes: u64, now: SystemTime) -> Candidate<String> {
    let used = info.last_use.unwrap_or(info.created);
    // How long what was used in the future was not used is not known: as if it were any time.
    let unused = now.duration_since(used).unwrap_or(Duration::MAX);
    Candidate {
        facts: Facts { function: info.function_id, created: info.created, unused, bytes },
        worth: info.compute_time.as_secs_f64() / info.bytes.max(1) as f64,
        in_use: false,
        place: name.to_owned(),
    }
}

/// Where the entry of `key` is.
fn name(key: &Key) -> String {
    let hex = blake3::Hash::from_bytes(*key.as_bytes()).to_hex();
    let (shard, file) = hex.split_at(2);
    format!("{BLOBS}/{shard}/{file}")
}

/// The key that the name of an entry file spells.
fn key_of(name: &str) -> Option<Key> {
    let hex: String = name.strip_prefix(BLOBS)?.split('/').collect();
    Key::from_hex(&hex)
}
