//! `rememo show`: one entry.

use rememo::report::{Inspection, one_line};
use rememo::{EntryInfo, Memory};
use serde_json::json;

use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::units;

pub(crate) fn run(memory: &Memory, asked: &str, output: &mut Output) -> Result<Verdict, Stop> {
    let key = find::entry(memory, asked)?;
    let Some(Inspection { entry, encoding, damage, .. }) = memory.inspect(&key)? else {
        return Err(Stop::Failed(format!("there is no entry of the key {key}")));
    };
    if output.json {
        output.object(&json!({
            "key": key.to_string(),
            "function": entry.as_ref().map(EntryInfo::function),
            "arguments": entry.as_ref().map(EntryInfo::arguments),
            "created": entry.as_ref().map(|info| units::timestamp(info.created())),
            "seconds": entry.as_ref().map(|info| info.compute_time().as_secs_f64()),
            "bytes": entry.as_ref().map(EntryInfo::bytes),
            "encoding": encoding,
            "damage": damage,
        }))?;
    } else {
        output.line(format_args!("key        {key}"))?;
        if let Some(info) = &entry {
            output.line(format_args!("function   {}", one_line(info.function())))?;
            output.line(format_args!("arguments  {}", one_line(info.arguments())))?;
            let created = info.created();
            output.line(format_args!("stored     {} ({})", units::date(created), units::ago(created)))?;
            output.line(format_args!("took       {}", units::span(info.compute_time())))?;
            output.line(format_args!("size       {}", units::size(info.bytes())))?;
            output.line(format_args!("encoding   {encoding}"))?;
        }
        let state = damage.as_deref().map_or("right", |_| "wrong: ");
        output.line(format_args!("checksum   {state}{}", one_line(damage.as_deref().unwrap_or_default())))?;
    }
    Ok(if damage.is_none() { Verdict::Right } else { Verdict::Wrong })
}
