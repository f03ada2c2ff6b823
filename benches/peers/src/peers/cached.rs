//! `cached`: its cache on disk, which has redb inside; commits that do not wait for the disk.

use std::path::Path;

use cached::{ConcurrentCached, RedbCache, SerializeCached};

use super::Sharing;
use crate::cache::{Cache, KeyValue, Memoized};
use crate::work::Key;

struct Cached(RedbCache<Key, String>);

pub(super) fn open(dir: &Path, _: Sharing) -> Result<Box<dyn Cache>, String> {
    let cache = RedbCache::builder("entries").disk_dir(dir).durable(false).build();
    Ok(Box::new(Memoized(Cached(cache.map_err(|error| error.to_string())?))))
}

impl KeyValue for Cached {
    fn get(&self, key: &Key) -> Option<String> {
        self.0.cache_get(key).expect("our own database")
    }

    fn store(&self, key: &Key, value: &str) {
        self.0.cache_set_ref(key, &value.to_owned()).expect("room on the disk");
    }

    fn clear(&self) {
        self.0.cache_clear().expect("our own database");
    }

    fn flush(&self) {
        self.0.flush().expect("room on the disk");
    }
}
