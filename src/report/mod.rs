//! What a memory says of itself: totals, the readable records of functions, and why a call is a hit or a miss.

mod changes;
mod items;
mod machine;
mod miss_reason;
mod records;
mod stats;
mod why;
mod words;

pub(crate) use changes::between;
pub use changes::{Change, ChangeKind};
pub use items::CodeItem;
pub(crate) use machine::{unseen, with_machine_code};
pub use miss_reason::MissReason;
pub use records::FunctionRecord;
pub(crate) use records::{Recorded, Records};
pub(crate) use stats::Counters;
pub use stats::{Stats, Verified};
pub use why::Why;
