//! `rememo why`: whether an entry is still a hit, and what its value may depend on beside the key.

use rememo::report::{FunctionRecord, one_line};
use rememo::{EntryInfo, Memory};
use serde_json::json;

use crate::find;
use crate::output::{Output, Stop, Verdict};

pub(crate) fn run(memory: &Memory, asked: &str, output: &mut Output) -> Result<Verdict, Stop> {
    let key = find::entry(memory, asked)?;
    let (Some(inspected), Some(why)) = (memory.inspect(&key)?, memory.why_entry(&key)?) else {
        return Err(find::no_entry(&key));
    };
    let reads = inspected.function.map_or_else(Vec::new, |FunctionRecord { reads, .. }| reads);
    if output.json {
        output.object(&json!({
            "key": key.to_string(),
            "function": inspected.entry.as_ref().map(EntryInfo::function),
            "arguments": inspected.entry.as_ref().map(EntryInfo::arguments),
            "hit": why.is_hit(),
            "why": why.to_string(),
            "reads": reads,
        }))?;
    } else {
        if let Some(info) = &inspected.entry {
            let call = format!("{}({})", info.function(), info.arguments());
            output.line(one_line(&call))?;
        }
        output.line(&why)?;
        // A hit tells that itself, in short.
        for (what, place) in reads.iter().filter(|_| !why.is_hit()) {
            output.line(format_args!("    reads {} ({})", one_line(what), one_line(place)))?;
        }
    }
    Ok(if inspected.damage.is_none() { Verdict::Right } else { Verdict::Wrong })
}
