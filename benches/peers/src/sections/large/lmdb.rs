//! LMDB through heed, without waits for the disk: the numbers as one entry, copied out or seen in the map while a transaction lasts.

use std::path::Path;
use std::time::{Duration, Instant};

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions};

use super::data::SEED;
use super::stores::Store;
use crate::work::{self, LABEL};

/// Address space beside that for the numbers.
const MAP_BYTES: usize = 64 << 20;

struct Lmdb {
    env: Env,
    entries: Database<Bytes, Bytes>,
    /// Whether a hit is a vector of its own.
    copies: bool,
}

pub(super) fn open_copied(dir: &Path, count: usize) -> Box<dyn Store> {
    Box::new(open(dir, count, true).expect("a fresh directory"))
}

pub(super) fn open_mapped(dir: &Path, count: usize) -> Box<dyn Store> {
    Box::new(open(dir, count, false).expect("a fresh directory"))
}

#[expect(unsafe_code, reason = "LMDB maps its file")]
fn open(dir: &Path, count: usize, copies: bool) -> heed::Result<Lmdb> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES + (8 * count).next_multiple_of(1 << 20));
    // SAFETY: the directory is ours, and nobody but LMDB writes in it while it is open. Without a sync a power cut could damage
    // the file; it does not outlive the run.
    let env = unsafe { options.flags(EnvFlags::NO_SYNC).open(dir)? };
    let mut transaction = env.write_txn()?;
    let entries = env.create_database(&mut transaction, None)?;
    transaction.commit()?;
    Ok(Lmdb { env, entries, copies })
}

impl Store for Lmdb {
    fn store(&mut self, numbers: Vec<f64>) -> Duration {
        let started = Instant::now();
        let key = work::key(SEED, LABEL);
        let mut transaction = self.env.write_txn().expect("our own database");
        let bytes = bytemuck::cast_slice(&numbers);
        self.entries.put(&mut transaction, key.as_bytes(), bytes).expect("room in the map");
        transaction.commit().expect("room on the disk");
        started.elapsed()
    }

    fn hit(&self, see: &mut dyn FnMut(&[f64])) {
        let key = work::key(SEED, LABEL);
        let transaction = self.env.read_txn().expect("a free place in the table of readers");
        let bytes = self.entries.get(&transaction, key.as_bytes()).expect("our own database");
        let numbers: &[f64] = bytemuck::cast_slice(bytes.expect("what was stored"));
        if self.copies {
            let numbers = numbers.to_vec();
            drop(transaction);
            see(&numbers);
        } else {
            see(numbers);
        }
    }
}
