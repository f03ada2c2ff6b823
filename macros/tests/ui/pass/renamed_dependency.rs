//! The library under another path, which the attribute is told.

#![deny(warnings)]

mod prelude {
    pub(crate) mod cache {
        pub(crate) use ::rememo::*;
    }
}

mod rememo {}

use prelude::cache::{Memory, memo};

#[memo(crate = crate::prelude::cache, ttl = "1h", valid = fresh)]
fn square(x: u64) -> u64 {
    x * x
}

fn fresh(entry: &prelude::cache::EntryInfo) -> bool {
    let _ = entry;
    true
}

struct Scale(u64);

impl Scale {
    #[memo(crate = prelude::cache, ignore(label))]
    fn times(&self, x: u64, label: &str) -> u64 {
        let _ = label;
        self.0 * x
    }
}

impl serde::Serialize for Scale {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

fn main() {
    let _memory = Memory::disabled().enter();
    assert_eq!(square(3) + Scale(2).times(2, "label"), 13);
}
