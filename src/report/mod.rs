//! What a memory says of itself: totals, the readable records of functions, and why a call is a hit or a miss.

mod changes;
mod items;
mod machine;
pub(crate) mod miss_reason;
mod plan;
mod prune;
mod records;
mod revision;
pub(crate) mod stats;
pub(crate) mod why;
pub(crate) mod words;

pub(crate) use changes::between;
pub use changes::{Change, ChangeKind};
pub use items::CodeItem;
pub(crate) use machine::{unseen, with_machine_code};
pub(crate) use miss_reason::MissReason;
pub use plan::{Plan, PlannedFunction};
pub use prune::{Prune, PruneReason, Pruned, PrunedPart};
pub use records::FunctionRecord;
pub(crate) use records::{Recorded, Records, reads};
pub use revision::{Exported, Finding, Imported, Inspection, Revision};
pub(crate) use stats::Stats;
pub use stats::Verified;
pub(crate) use why::Why;
pub use words::{Span, one_line};

pub use crate::function::{Code, Fingerprint, FunctionInfo, InstanceCode};
pub use crate::store::Reduced;
pub use crate::usage::{Ending, Run, Usage};
