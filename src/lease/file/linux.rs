//! Locks on bytes of one file, `leases`: the byte of a key is told by its first four bytes.
//!
//! The locks are those of the process (see [`locks`]): a forked child has none of them, and the kernel tells who holds
//! one. In return, all of them go when the process closes the file. So a process opens each such file once, for all its memories,
//! and closes it when nobody uses it any more.
//!
//! Two keys may share a byte. Then one of two calls waits for the other, or, in one process, runs without a lease: with
//! a thousand calls at a time once in two thousand runs.
//!
//! Tried and dropped: a file for each key, locked and removed. It took 200 µs and a descriptor; at
//! 1,300 levels of a recursion the function's own files could not be opened any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::error::Result;
use crate::key::Key;
use crate::lock::lock;
use crate::sys::locks::{self, Lock, Owner};
use crate::sys::{Dir, Stat};

/// Where the file is.
const LEASES: &str = "leases";

#[derive(Clone, Debug)]
pub(super) struct Locks {
    dir: Arc<Dir>,
    opened: Arc<Mutex<Option<Arc<Opened>>>>,
}

/// The file, open, and the bytes that this process has locked.
#[derive(Debug)]
struct Opened {
    file: File,
    stat: Stat,
    locked: Mutex<BTreeSet<u32>>,
}

/// A lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    opened: Arc<Opened>,
    /// `None` if this process has locked the byte for another call.
    byte: Option<u32>,
}

/// What this process has open, by device and inode.
static OPENED: Mutex<BTreeMap<(u64, u64), Weak<Opened>>> = Mutex::new(BTreeMap::new());

/// A circle of processes that wait for one another is looked for by the kernel, which knows nothing of threads and may see one
/// where there is none. Then the lock is tried for this often.
const AGAIN: Duration = Duration::from_millis(10);

impl Locks {
    pub(super) fn new(dir: &Arc<Dir>) -> Self {
        Locks { dir: Arc::clone(dir), opened: Arc::default() }
    }

    /// Locks the byte of a key, if no other process has.
    pub(super) fn try_lock(&self, key: &Key) -> Result<Option<Held>> {
        let byte = byte_of(key);
        self.in_place(|opened| {
            let mut locked = lock(&opened.locked);
            if locked.contains(&byte) {
                return Ok(Some(None));
            }
            let is_taken = locks::try_lock(&opened.file, byte, Lock::Exclusive, Owner::Process)?;
            if is_taken {
                locked.insert(byte);
            }
            Ok(is_taken.then_some(Some(byte)))
        })
    }

    /// Locks the byte of a key, waiting for the process that has.
    pub(super) fn lock(&self, key: &Key) -> Result<Held> {
        let byte = byte_of(key);
        loop {
            let held = self.in_place(|opened| {
                let is_taken = locks::lock(&opened.file, byte, Lock::Exclusive, Owner::Process)?;
                // Another thread of this process may have it, too, by now.
                Ok(is_taken.then(|| lock(&opened.locked).insert(byte).then_some(byte)))
            })?;
            match held {
                Some(held) => return Ok(held),
                None => std::thread::sleep(AGAIN),
            }
        }
    }

    /// Waits until no other process has locked the byte of a key.
    pub(super) fn wait(&self, key: &Key) -> Result<()> {
        let byte = byte_of(key);
        loop {
            let is_over = self.in_place(|opened| {
                let is_taken = locks::lock(&opened.file, byte, Lock::Exclusive, Owner::Process)?;
                let locked = lock(&opened.locked);
                if is_taken && !locked.contains(&byte) {
                    locks::unlock(&opened.file, byte, Owner::Process);
                }
                Ok(is_taken.then_some(None))
            })?;
            if is_over.is_some() {
                return Ok(());
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Who has locked the byte of a key, for people.
    pub(super) fn holder(&self, key: &Key) -> String {
        let held = lock(&self.opened).as_ref().and_then(|opened| locks::holder(&opened.file, byte_of(key)));
        let Some(process) = held else { return "another process".into() };
        // `1234 (name) S …`: the state comes behind the last parenthesis.
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let is_stopped = stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['T', 't']));
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        let stopped = if is_stopped { ", which is stopped," } else { "" };
        format!("process {process} ({}){stopped}", name.trim())
    }

    /// Locks by `take`, which gives the byte that is locked, in the file that others lock, too.
    fn in_place(
        &self,
        take: impl Fn(&Opened) -> std::io::Result<Option<Option<u32>>>,
    ) -> Result<Option<Held>> {
        loop {
            let opened = self.opened()?;
            let taken = take(&opened).map_err(|error| self.dir.error("lock", LEASES, error))?;
            let Some(byte) = taken else { return Ok(None) };
            // Given back when it is dropped, whatever comes.
            let held = Held { opened, byte };
            if self.is_in_place(&held.opened)? {
                return Ok(Some(held));
            }
            // Somebody removed the file: others lock another.
            lock(&self.opened).take();
        }
    }

    /// Whether the file is the one that others open.
    fn is_in_place(&self, opened: &Opened) -> Result<bool> {
        Ok(self.dir.stat(LEASES)?.is_some_and(|stat| stat.is_same_file(&opened.stat)))
    }

    fn opened(&self) -> Result<Arc<Opened>> {
        let mut mine = lock(&self.opened);
        if let Some(opened) = &*mine {
            return Ok(Arc::clone(opened));
        }
        let mut all = lock(&OPENED);
        all.retain(|_, opened| opened.strong_count() > 0);
        loop {
            // Looked at before it is opened: closing it again would take the locks of those who have it open.
            let known = |stat: &Stat| all.get(&identity(stat)).and_then(Weak::upgrade);
            if let Some(opened) = self.dir.stat(LEASES)?.as_ref().and_then(known) {
                return Ok(Arc::clone(mine.insert(opened)));
            }
            let (file, stat) = self.dir.find_or_create(LEASES)?;
            if known(&stat).is_some() {
                // It was put there in the meantime.
                std::mem::forget(file);
                continue;
            }
            let opened = Arc::new(Opened { file, stat, locked: Mutex::default() });
            all.insert(identity(&stat), Arc::downgrade(&opened));
            return Ok(Arc::clone(mine.insert(opened)));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(byte) = self.byte {
            // Together: to this process the lock is free for whoever does not see the byte.
            let mut locked = lock(&self.opened.locked);
            locks::unlock(&self.opened.file, byte, Owner::Process);
            locked.remove(&byte);
        }
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    stat.stamp.map_or((0, 0), |stamp| (stamp.device, stamp.inode))
}

/// The byte of a key; below 2³¹, so that every file system has it.
fn byte_of(key: &Key) -> u32 {
    let first = std::array::from_fn(|i| key.as_bytes()[i]);
    u32::from_le_bytes(first) >> 1
}
