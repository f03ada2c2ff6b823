//! A file per entry, by hand: written beside and renamed, read whole; 256 directories, no checksum.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Sharing;
use crate::cache::{Cache, KeyValue, Memoized};
use crate::work::Key;

struct Files {
    root: PathBuf,
    written: AtomicU64,
}

#[expect(clippy::unnecessary_wraps, reason = "as `Peer::open` has it")]
pub(super) fn open(dir: &Path, _: Sharing) -> Result<Box<dyn Cache>, String> {
    let store = Files { root: dir.to_owned(), written: AtomicU64::new(0) };
    store.make_directories();
    Ok(Box::new(Memoized(store)))
}

impl Files {
    fn make_directories(&self) {
        if self.root.join("ff").exists() {
            return;
        }
        for shard in 0..=u8::MAX {
            fs::create_dir_all(self.root.join(format!("{shard:02x}"))).expect("our own directory");
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        let digits = key.to_hex();
        let (shard, rest) = digits.split_at(2);
        let mut path = PathBuf::with_capacity(self.root.as_os_str().len() + digits.len() + 2);
        path.push(&self.root);
        path.push(shard);
        path.push(rest);
        path
    }
}

impl KeyValue for Files {
    fn get(&self, key: &Key) -> Option<String> {
        match fs::read_to_string(self.path(key)) {
            Ok(value) => Some(value),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("an entry cannot be read: {error}"),
        }
    }

    fn store(&self, key: &Key, value: &str) {
        let number = self.written.fetch_add(1, Relaxed);
        let temporary = self.root.join(format!("{}-{number}", process::id()));
        fs::write(&temporary, value).expect("room on the disk");
        fs::rename(&temporary, self.path(key)).expect("our own directory");
    }

    fn clear(&self) {
        for shard in fs::read_dir(&self.root).expect("our own directory") {
            fs::remove_dir_all(shard.expect("our own directory").path()).expect("our own directory");
        }
        self.make_directories();
    }
}
