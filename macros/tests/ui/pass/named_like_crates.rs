//! Functions with the name of a crate that they use, and methods with names of primitive types.

#![deny(warnings)]

use ::serde::Serialize;
use rememo::{Memory, memo};

#[derive(Serialize)]
struct Text(String);

#[memo]
fn serde(x: u64) -> u64 {
    fn same<T: ::serde::Serialize>(value: T) -> T {
        value
    }
    if x == 0 { 0 } else { same(serde::uncached(x - 1)) + 1 }
}

/// Nothing here means the crate.
#[memo]
fn std(x: u64) -> u64 {
    x
}

/// Here the crate is meant, and not the function outside.
mod inner {
    pub(crate) fn size(x: u64) -> usize {
        std::mem::size_of_val(&x)
    }
}

impl Text {
    #[memo]
    fn str(&self) -> String {
        self.0.clone()
    }

    #[memo]
    fn u64(text: &str) -> u64 {
        text.parse().unwrap_or_default()
    }
}

fn main() {
    let _memory = Memory::disabled().enter();
    assert_eq!(serde(3) + std(1), 4);
    assert_eq!(inner::size(1), 8);
    assert_eq!(Text("a".to_owned()).str(), "a");
    assert_eq!(Text::u64("7"), 7);
}
