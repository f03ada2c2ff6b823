//! cacache: contents by their digest, and an index of files with a line for each key.

use std::path::{Path, PathBuf};

use super::Sharing;
use crate::cache::{Cache, KeyValue, Memoized};
use crate::work::Key;

struct Cacache(PathBuf);

#[expect(clippy::unnecessary_wraps, reason = "as `Peer::open` has it")]
pub(super) fn open(dir: &Path, _: Sharing) -> Result<Box<dyn Cache>, String> {
    Ok(Box::new(Memoized(Cacache(dir.to_owned()))))
}

impl KeyValue for Cacache {
    fn get(&self, key: &Key) -> Option<String> {
        match cacache::read_sync(&self.0, key.to_hex()) {
            Ok(bytes) => Some(String::from_utf8(bytes).expect("a text was stored")),
            Err(cacache::Error::EntryNotFound(..)) => None,
            Err(error) => panic!("an entry cannot be read: {error}"),
        }
    }

    fn store(&self, key: &Key, value: &str) {
        cacache::write_sync(&self.0, key.to_hex(), value).expect("room on the disk");
    }

    fn clear(&self) {
        cacache::clear_sync(&self.0).expect("our own directory");
    }
}
