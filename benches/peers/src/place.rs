//! Where stores are made, and how much of the disk they take.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{env, process};

/// Bytes of a block, as `stat` counts them.
const BLOCK: u64 = 512;

/// The directory in which all stores of a run are; removed when this is dropped.
///
/// No store of small entries is removed before: where many files have just been removed, ext4 was seen to take over a millisecond to make a new one
/// instead of a tenth, so that peers that make files would pay for those who came before them.
pub(crate) struct Places(PathBuf);

impl Places {
    /// A new directory in `parent`.
    pub(crate) fn new(parent: &Path) -> Self {
        let dir = parent.join(format!("stores-{}", process::id()));
        fs::create_dir_all(&dir).expect("a new directory");
        Places(dir.canonicalize().expect("our own directory"))
    }

    /// A new, empty directory for a store.
    pub(crate) fn place(&self) -> Place {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let dir = self.0.join(NUMBER.fetch_add(1, Relaxed).to_string());
        fs::create_dir(&dir).expect("a new directory");
        Place(dir)
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// The directory of a store.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes it before the end of the run, where it is a few large files, of which the disk cannot hold many.
    pub(crate) fn remove(self) {
        fs::remove_dir_all(&self.0).expect("our own directory");
    }

    /// Bytes that the file system has allocated for the directory and all below.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        bytes_on_disk(&self.0)
    }
}

/// Where things of this program are kept by default: the directory above the one it was built into, which is the target directory.
pub(crate) fn beside_the_program(name: &str) -> PathBuf {
    let program = env::current_exe().expect("the path of this program");
    let target = program.ancestors().nth(2).expect("a program lies in target/<profile>");
    target.join(name)
}

fn bytes_on_disk(path: &Path) -> u64 {
    let metadata = fs::symlink_metadata(path).expect("our own file");
    let below = if metadata.is_dir() {
        let entries = fs::read_dir(path).expect("our own directory");
        entries.map(|entry| bytes_on_disk(&entry.expect("our own directory").path())).sum()
    } else {
        0
    };
    metadata.blocks() * BLOCK + below
}
