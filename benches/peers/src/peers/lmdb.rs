//! LMDB through heed, without waits for the disk (`MDB_NOSYNC`).

use std::path::Path;

use heed::types::{Bytes, Str};
use heed::{Database, Env, EnvFlags, EnvOpenOptions};

use super::Sharing;
use crate::cache::{Cache, KeyValue, Memoized};
use crate::work::Key;

/// Address space: room for a million entries, several times over.
const MAP_BYTES: usize = 4 << 30;

struct Lmdb {
    env: Env,
    entries: Database<Bytes, Str>,
}

pub(super) fn open(dir: &Path, _: Sharing) -> Result<Box<dyn Cache>, String> {
    Ok(Box::new(Memoized(try_open(dir).map_err(|error| error.to_string())?)))
}

#[expect(unsafe_code, reason = "LMDB maps its file")]
fn try_open(dir: &Path) -> heed::Result<Lmdb> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES);
    // SAFETY: the directory is ours, and nobody but LMDB writes in it while it is open. Without a sync a power cut could damage
    // the file; it does not outlive the run.
    let env = unsafe { options.flags(EnvFlags::NO_SYNC).open(dir)? };
    let mut transaction = env.write_txn()?;
    let entries = env.create_database(&mut transaction, None)?;
    transaction.commit()?;
    Ok(Lmdb { env, entries })
}

impl KeyValue for Lmdb {
    const TRANSACTIONS: bool = true;

    fn get(&self, key: &Key) -> Option<String> {
        let transaction = self.env.read_txn().expect("a free place in the table of readers");
        self.entries.get(&transaction, key.as_bytes()).expect("our own database").map(str::to_owned)
    }

    fn store(&self, key: &Key, value: &str) {
        let mut transaction = self.env.write_txn().expect("our own database");
        self.entries.put(&mut transaction, key.as_bytes(), value).expect("room in the map");
        transaction.commit().expect("room on the disk");
    }

    fn store_all(&self, entries: &[(Key, String)]) {
        let mut transaction = self.env.write_txn().expect("our own database");
        for (key, value) in entries {
            self.entries.put(&mut transaction, key.as_bytes(), value).expect("room in the map");
        }
        transaction.commit().expect("room on the disk");
    }

    fn clear(&self) {
        let mut transaction = self.env.write_txn().expect("our own database");
        self.entries.clear(&mut transaction).expect("our own database");
        transaction.commit().expect("room on the disk");
    }
}
