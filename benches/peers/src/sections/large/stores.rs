//! What keeps a large vector: [`Store`], and all of them that are written in Rust.

use std::path::Path;
use std::time::Duration;

use super::{array, by_hand, lmdb, rememo};

/// Something that can keep one vector and find it again.
pub(super) trait Store {
    /// How long it takes to keep the vector, which a function has just returned; for rememo, a miss whose function has it ready.
    fn store(&mut self, numbers: Vec<f64>) -> Duration;

    /// What has to come before a hit, outside its timing.
    fn before_hit(&mut self) {}

    /// Finds the vector and shows it; drops it after that.
    fn hit(&self, see: &mut dyn FnMut(&[f64]));
}

/// Opens a store for `count` numbers in a fresh directory.
type Open = fn(&Path, usize) -> Box<dyn Store>;

/// A row of the table.
pub(super) struct Candidate {
    pub(super) name: &'static str,
    pub(super) open: Open,
    /// Whether its store is one of its own, and whether it has hits.
    pub(super) stores: bool,
    pub(super) hits: bool,
}

impl Candidate {
    const fn new(name: &'static str, open: Open) -> Self {
        Candidate { name, open, stores: true, hits: true }
    }
}

/// The one that all ratios are to.
pub(super) const VEC: &str = "rememo, `Vec<f64>`";
pub(super) const ARRAY: &str = "rememo, `Array<f64>`";
/// The baselines of a store.
pub(super) const WRITE: &str = "one `write`, one `read`";
pub(super) const PREALLOCATED: &str = "one `write` into a file with space";

pub(super) const CANDIDATES: [Candidate; 8] = [
    Candidate::new(VEC, rememo::open_vec),
    Candidate::new(ARRAY, array::open_array),
    Candidate { stores: false, ..Candidate::new("the same, its file touched before", array::open_touched) },
    Candidate::new(WRITE, by_hand::open_plain),
    Candidate { hits: false, ..Candidate::new(PREALLOCATED, by_hand::open_preallocated) },
    Candidate::new("bincode to a file", by_hand::open_bincode),
    Candidate::new("LMDB (heed), copied", lmdb::open_copied),
    Candidate::new("LMDB (heed), seen in its map", lmdb::open_mapped),
];
