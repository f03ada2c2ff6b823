//! What stands in the tables: rememo in both layouts, and its peers.
//!
//! Nobody waits for the disk: a store is done when a process that is killed cannot lose it. (redb and `cached` keep what is not
//! flushed in the memory of the process, so they promise less; they flush before anybody else looks.)

mod cacache;
mod cached;
mod files;
mod lmdb;
mod map;
mod redb;
mod rememo;
mod sqlite;

use std::path::Path;

use crate::cache::Cache;

/// Opens the store in a directory that exists; an `Err` says why it does not.
type Open = fn(&Path, Sharing) -> Result<Box<dyn Cache>, String>;

/// Who uses a directory at one time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    OneProcess,
    Processes,
}

/// How many calls it can be given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Fast,
    /// Makes files for every entry: gets fewer entries.
    Slow,
}

/// A column of figures: a store that can be opened.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) pace: Pace,
    /// Whether there is anything after the process has ended.
    pub(crate) on_disk: bool,
    pub(crate) open: Open,
}

/// The one that all ratios are to.
pub(crate) const REFERENCE: &str = "rememo, log";
/// The floor for a hit.
pub(crate) const MAP: &str = "map in memory (papaya)";
/// The fastest of the peers on disk.
pub(crate) const LMDB: &str = "LMDB (heed)";

/// All that are written in Rust, in the order of the tables.
pub(crate) const PEERS: [Peer; 9] = [
    Peer { name: REFERENCE, pace: Pace::Fast, on_disk: true, open: rememo::open_log },
    Peer { name: "rememo, files", pace: Pace::Slow, on_disk: true, open: rememo::open_files },
    Peer { name: MAP, pace: Pace::Fast, on_disk: false, open: map::open },
    Peer { name: LMDB, pace: Pace::Fast, on_disk: true, open: lmdb::open },
    Peer { name: "redb", pace: Pace::Fast, on_disk: true, open: redb::open },
    Peer { name: "`cached` (redb)", pace: Pace::Fast, on_disk: true, open: cached::open },
    Peer { name: "SQLite (rusqlite, WAL)", pace: Pace::Fast, on_disk: true, open: sqlite::open },
    Peer { name: "file per entry", pace: Pace::Slow, on_disk: true, open: files::open },
    Peer { name: "cacache", pace: Pace::Slow, on_disk: true, open: cacache::open },
];

impl Peer {
    /// The peer of that name; children of this program are told whom to measure by name.
    pub(crate) fn named(name: &str) -> &'static Peer {
        PEERS.iter().find(|peer| peer.name == name).expect("the name of a peer")
    }

    /// Opens the store for this process alone.
    pub(crate) fn open(&self, dir: &Path) -> Box<dyn Cache> {
        (self.open)(dir, Sharing::OneProcess)
            .unwrap_or_else(|error| panic!("{} does not open: {error}", self.name))
    }
}
