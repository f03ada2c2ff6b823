//! The files layout: every entry a file of its own. Slower than a log, and works on every file system.
//!
//! # Invariants
//! 1. A file under `blobs/` was complete when it got its name: it is written under `tmp/`, then renamed. (After a
//!    power cut it may be empty or cut off all the same; the checksum sees that.)
//! 2. Two processes may store one key at once; either entry is valid, so the last rename wins harmlessly.
//! 3. No lock is taken, and directories that vanished are made again by the next store.
//! 4. What a killed writer left under `tmp/` harms nobody and is swept away when it is an hour old.

mod blob;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use super::entry::{self, MAX_HEAD};
use super::{Draft, EntryInfo, Extent, Limits, Lookup, Reduced, Store, Swept};
use crate::error::{Error, Result};
use crate::key::{FunctionId, Key};
use crate::payload::LARGE;
use crate::sys::{self, whole_file};

pub(super) use blob::Blob;

/// Entries in files below one directory.
#[derive(Debug)]
pub(crate) struct FilesStore {
    blobs: PathBuf,
    tmp: PathBuf,
    /// Whether files here can be mapped; looked up when it is first wanted.
    mappable: OnceLock<bool>,
}

/// What is read of an entry at first, in bytes: more than most have.
const FIRST_READ: usize = 32 * 1024;

/// No write takes this long between making its temporary file and renaming it.
const ABANDONED: Duration = Duration::from_hours(1);

impl FilesStore {
    /// Opens the store in `root`, which is a cache directory.
    pub(crate) fn open(root: &Path) -> Self {
        let store = FilesStore::at(root);
        store.sweep_tmp();
        store
    }

    /// The store in `root`, which is not looked at.
    pub(crate) fn at(root: &Path) -> Self {
        FilesStore { blobs: root.join("blobs"), tmp: root.join("tmp"), mappable: OnceLock::new() }
    }

    /// Whether values may be taken from mappings of files here: the file system is a local one.
    fn is_mappable(&self) -> bool {
        *self.mappable.get_or_init(|| sys::can_share_mappings(&self.blobs).unwrap_or(false))
    }

    /// Where the entry of `key` is.
    pub(super) fn path(&self, key: &Key) -> PathBuf {
        let hex = blake3::Hash::from_bytes(*key.as_bytes()).to_hex();
        let (shard, file) = hex.split_at(2);
        let mut path = PathBuf::with_capacity(self.blobs.as_os_str().len() + hex.len() + 2);
        path.push(&self.blobs);
        path.push(shard);
        path.push(file);
        path
    }

    /// Calls `visit` with the path of every entry file.
    fn walk(&self, visit: &mut dyn FnMut(PathBuf)) -> Result<()> {
        for shard in read_dir(&self.blobs)? {
            for file in read_dir(&shard)? {
                visit(file);
            }
        }
        Ok(())
    }

    /// Removes every entry that was drafted before `moment`, and what is damaged.
    pub(super) fn clear_until(&self, moment: SystemTime) -> Result<()> {
        self.remove_where(|info| info.created <= moment)?;
        // What cannot be listed is damaged, and goes here.
        self.sweep().map(drop)
    }

    fn remove_where(&self, mut goes: impl FnMut(&EntryInfo) -> bool) -> Result<()> {
        let mut keys = Vec::new();
        self.list(&mut |info| {
            if goes(&info) {
                keys.push(info.key);
            }
        })?;
        keys.iter().try_for_each(|key| self.remove(key).map(drop))
    }

    /// Removes what killed writers left. Failures do not matter: nothing reads there.
    fn sweep_tmp(&self) {
        let Ok(files) = read_dir(&self.tmp) else { return };
        for path in files {
            let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
            if age.is_some_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

impl Store for FilesStore {
    fn get(&self, key: &Key) -> Result<Lookup> {
        self.open_entry(&self.path(key), key, FIRST_READ, None)
    }

    fn holds(&self, key: &Key) -> Result<bool> {
        let path = self.path(key);
        path.try_exists().map_err(|error| Error::io("look for entry", path, error))
    }

    fn put(&self, draft: &Draft<'_>) -> Result<()> {
        // One system call for a small entry, no copy of a large one.
        if draft.payload.len() < LARGE {
            whole_file::write(&self.tmp, &self.path(&draft.key), &[&draft.whole()])
        } else {
            self.put_blob(draft).map(drop)
        }
    }

    fn remove(&self, key: &Key) -> Result<bool> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("remove entry", path, error)),
        }
    }

    fn clear(&self) -> Result<()> {
        self.remove_where(|_| true)?;
        // What cannot be listed is damaged, and goes here.
        self.sweep().map(drop)
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

    #[expect(clippy::cast_precision_loss, reason = "a ratio to compare with others")]
    fn reduce(&self, limits: &Limits) -> Result<Reduced> {
        let mut entries = Vec::new();
        let (mut count, mut bytes) = (0, 0);
        self.list(&mut |info| {
            count += 1;
            bytes += info.bytes;
            let used = last_use(&self.path(&info.key));
            let worth = info.compute_time.as_secs_f64() / info.bytes.max(1) as f64;
            entries.push((worth, used, info.key, info.bytes));
        })?;
        entries.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut reduced = Reduced::default();
        let now = SystemTime::now();
        for pass in [true, false] {
            // First what is too old, then what is worth least.
            entries.retain(|&(_, used, key, size)| {
                let age = now.duration_since(used).unwrap_or_default();
                let goes = if pass {
                    limits.age.is_some_and(|limit| age >= limit)
                } else {
                    limits.bytes.is_some_and(|limit| bytes > limit)
                        || limits.items.is_some_and(|limit| count > limit)
                };
                if goes && self.remove(&key).is_ok_and(|removed| removed) {
                    count -= 1;
                    bytes -= size;
                    reduced.entries += 1;
                    reduced.bytes += size;
                }
                !goes
            });
        }
        (reduced.kept_entries, reduced.kept_bytes) = (count, bytes);
        Ok(reduced)
    }

    fn list(&self, visit: &mut dyn FnMut(EntryInfo)) -> Result<()> {
        self.walk(&mut |path| {
            // An entry that went, or cannot be read, is none to list.
            if let Ok(head) = read_head(&path)
                && let Some(info) = entry::read_info(&head)
            {
                visit(info);
            }
        })
    }

    fn sample(&self, most: usize, visit: &mut dyn FnMut(FunctionId, Duration)) -> Result<()> {
        let mut left = most;
        // The names of shards and files are hashes.
        for shard in read_dir(&self.blobs)? {
            for file in read_dir(&shard)?.into_iter().take(left) {
                left -= 1;
                if let Some(info) = read_head(&file).ok().and_then(|head| entry::read_info(&head)) {
                    visit(info.function_id, info.compute_time);
                }
            }
        }
        Ok(())
    }

    fn stat(&self) -> Result<Extent> {
        let mut extent = Extent::default();
        self.walk(&mut |path| {
            if let Ok(metadata) = fs::metadata(path) {
                extent.entries += 1;
                extent.bytes += metadata.len();
            }
        })?;
        Ok(extent)
    }

    fn check_writable(&self) -> Result<()> {
        whole_file::check_writable(&self.tmp)
    }

    fn sweep(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut failed = None;
        self.walk(&mut |path| {
            let state = |key: &Key| self.open_entry(&path, key, FIRST_READ, None).map(Lookup::check);
            // A second look at a damaged one: it may have been repaired meanwhile.
            let state = match key_of(&path) {
                Some(key) => match state(&key) {
                    Ok(Lookup::Damaged(_)) => state(&key),
                    state => state,
                },
                None => Ok(Lookup::Damaged("it has no key".into())),
            };
            match state {
                Ok(Lookup::Found(_)) => {
                    swept.sound += 1;
                    return;
                }
                Ok(Lookup::Damaged(_)) => {}
                Ok(Lookup::Absent) => return,
                Err(error) => {
                    failed.get_or_insert(error);
                    return;
                }
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    failed.get_or_insert(Error::io("remove", &path, error));
                }
                _ => swept.damaged.push(path),
            }
        })?;
        self.sweep_tmp();
        failed.map_or(Ok(swept), Err)
    }
}

/// When a file was last read or written, as far as the file system tells: many note a read once a day at most.
fn last_use(path: &Path) -> SystemTime {
    let times = |metadata: fs::Metadata| Some(metadata.modified().ok()?.max(metadata.accessed().ok()?));
    fs::metadata(path).ok().and_then(times).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The paths in a directory; none if it does not exist.
fn read_dir(dir: &Path) -> Result<Vec<PathBuf>> {
    let list = || fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    match list() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        result => result.map_err(|error| Error::io("list", dir, error)),
    }
}

/// The key that the name of an entry file spells.
fn key_of(path: &Path) -> Option<Key> {
    let shard = path.parent()?.file_name()?.to_str()?;
    Key::from_hex(&format!("{shard}{}", path.file_name()?.to_str()?))
}

fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    // Two steps: nearly every header fits the first.
    let mut head = Vec::with_capacity(1024);
    let mut file = File::open(path)?;
    Read::by_ref(&mut file).take(1024).read_to_end(&mut head)?;
    if head.len() == 1024 && entry::read_info(&head).is_none() {
        file.take(MAX_HEAD as u64).read_to_end(&mut head)?;
    }
    Ok(head)
}
