//! `rememo stats`: totals.

use rememo::Memory;
use serde_json::json;

use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::units;

pub(crate) fn run(memory: &Memory, output: &mut Output) -> Result<Verdict, Stop> {
    let stats = memory.stats();
    if output.json {
        output.object(&json!({
            "dir": memory.root().map(|root| root.display().to_string()),
            "entries": stats.entries,
            "bytes": stats.bytes,
        }))?;
        return Ok(Verdict::Right);
    }
    let entries = units::count(stats.entries, "entry", "entries");
    output.line(format_args!("{entries}, {} in {}", units::size(stats.bytes), find::root(memory)))?;
    Ok(Verdict::Right)
}
