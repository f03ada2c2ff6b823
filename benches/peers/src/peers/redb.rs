//! redb. One process: commits that do not wait for the disk, and one that does in `flush`. Several processes: the mode for several
//! writers, all of whose commits wait for the disk (redb refuses others there).

use std::path::Path;

use redb::{ConcurrencyMode, Database, Durability, ReadableDatabase, TableDefinition, WriteTransaction};

use super::Sharing;
use crate::cache::{Cache, KeyValue, Memoized};
use crate::work::Key;

const ENTRIES: TableDefinition<&[u8; 32], &str> = TableDefinition::new("entries");

struct Redb {
    database: Database,
    durability: Durability,
}

pub(super) fn open(dir: &Path, sharing: Sharing) -> Result<Box<dyn Cache>, String> {
    let (mode, durability) = match sharing {
        Sharing::OneProcess => (ConcurrencyMode::ExclusiveWriter, Durability::None),
        Sharing::Processes => (ConcurrencyMode::MultiWriter, Durability::Immediate),
    };
    let database = Database::builder()
        .set_concurrency_mode(mode)
        .create(dir.join("entries.redb"))
        .map_err(|error| error.to_string())?;
    let store = Redb { database, durability };
    store.write(store.durability, |_| ()); // makes the table
    Ok(Box::new(Memoized(store)))
}

impl Redb {
    fn write(&self, durability: Durability, change: impl FnOnce(&mut redb::Table<'_, &[u8; 32], &str>)) {
        let transaction = self.begin(durability);
        change(&mut transaction.open_table(ENTRIES).expect("our own table"));
        transaction.commit().expect("room on the disk");
    }

    fn begin(&self, durability: Durability) -> WriteTransaction {
        let mut transaction = self.database.begin_write().expect("our own database");
        transaction.set_durability(durability).expect("no savepoints");
        transaction
    }
}

impl KeyValue for Redb {
    const TRANSACTIONS: bool = true;

    fn get(&self, key: &Key) -> Option<String> {
        let transaction = self.database.begin_read().expect("our own database");
        let entries = transaction.open_table(ENTRIES).expect("our own table");
        let value = redb::ReadableTable::get(&entries, key.as_bytes()).expect("our own table");
        value.map(|value| value.value().to_owned())
    }

    fn store(&self, key: &Key, value: &str) {
        self.write(self.durability, |entries| {
            entries.insert(key.as_bytes(), value).expect("room on the disk");
        });
    }

    fn store_all(&self, all: &[(Key, String)]) {
        self.write(self.durability, |entries| {
            for (key, value) in all {
                entries.insert(key.as_bytes(), value.as_str()).expect("room on the disk");
            }
        });
    }

    fn clear(&self) {
        let transaction = self.begin(self.durability);
        transaction.delete_table(ENTRIES).expect("our own table");
        transaction.open_table(ENTRIES).expect("our own table");
        transaction.commit().expect("room on the disk");
    }

    fn flush(&self) {
        self.write(Durability::Immediate, |_| ());
    }
}
