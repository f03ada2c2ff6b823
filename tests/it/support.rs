//! What the tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rememo::{Call, Memory, MissReason, Source};
use tempfile::TempDir;

/// A memory in a fresh directory, removed on drop.
pub struct TestCache {
    pub memory: Memory,
    dir: TempDir,
}

impl TestCache {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        TestCache { memory: Memory::open(dir.path().join("cache")).unwrap(), dir }
    }

    /// One whose entries are files of their own, for tests that look at them.
    pub fn files() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let builder = Memory::builder().dir(dir.path().join("cache")).layout(rememo::Layout::Files);
        TestCache { memory: builder.open().unwrap(), dir }
    }

    /// The place of a file that is none of the memory's.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// The directory anew, as another process would see it.
    pub fn reopen(&self) -> Memory {
        Memory::open(self.root()).unwrap()
    }

    /// The files of all entries.
    pub fn entry_files(&self) -> Vec<PathBuf> {
        files_below(&self.root().join("blobs"))
    }

    /// The file of the only entry.
    #[track_caller]
    pub fn entry_file(&self) -> PathBuf {
        let files = self.entry_files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().unwrap()
    }

    /// Nothing that was being written, and no lease, is left.
    #[track_caller]
    pub fn expect_tidy(&self) {
        for directory in ["tmp", "leases"] {
            assert_eq!(files_below(&self.root().join(directory)), Vec::<PathBuf>::new());
        }
    }
}

pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

/// Calls, expecting a hit; returns the value.
#[track_caller]
pub fn hit<C: Call>(memory: &Memory, call: C) -> C::Output {
    let outcome = memory.call_info(call);
    assert_eq!(outcome.source, Source::Hit);
    outcome.value
}

/// Calls, expecting a miss because there is no entry; returns the value.
#[track_caller]
pub fn miss<C: Call>(memory: &Memory, call: C) -> C::Output {
    let (value, reason) = miss_because(memory, call);
    assert_eq!(reason, MissReason::Absent);
    value
}

/// Calls, expecting a miss; returns the value and the reason.
#[track_caller]
pub fn miss_because<C: Call>(memory: &Memory, call: C) -> (C::Output, MissReason) {
    let outcome = memory.call_info(call);
    let Source::Miss(reason) = outcome.source else {
        panic!("{:?} where a miss was expected", outcome.source)
    };
    (outcome.value, reason)
}

/// Runs `test` on a thread of its own and fails if it takes too long, rather than hang.
#[track_caller]
pub fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    let done = finished.recv_timeout(Duration::from_mins(1));
    assert!(done.is_ok() || thread.is_finished(), "it hangs");
    thread.join().unwrap();
}
