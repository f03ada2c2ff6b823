//! The programs of `docs/types.md` are compiled and run with `cargo test`.

#[doc = include_str!("../../../docs/types.md")]
pub mod page {}
