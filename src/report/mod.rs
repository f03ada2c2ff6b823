//! What a memory says of itself: totals, and the readable records of functions.

mod records;
mod stats;

pub use records::FunctionRecord;
pub(crate) use records::Records;
pub(crate) use stats::Counters;
pub use stats::{Stats, Verified};
