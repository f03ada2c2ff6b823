//! `rememo show`: one entry, and who stored it.
//!
//! An entry tells the program that stored it, but not the run, and a run not which entries it stored. But the entry was stored
//! within the time of the run. Of an entry that does not tell its program, the runs of that time are all that is known.

use std::time::Duration;

use rememo::report::{Ending, Inspection, Run, one_line};
use rememo::{EntryInfo, Memory, Writer};
use serde_json::{Value, json};

use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::{stats, units};

pub(crate) fn run(memory: &Memory, asked: &str, output: &mut Output) -> Result<Verdict, Stop> {
    let key = find::entry(memory, asked)?;
    let Some(Inspection { entry, encoding, damage, .. }) = memory.inspect(&key)? else {
        return Err(find::no_entry(&key));
    };
    let runs = entry.as_ref().map(|info| Ok::<_, Stop>(of(memory.runs()?, info))).transpose()?;
    let runs = runs.unwrap_or_default();
    if output.json {
        output.object(&json!({
            "key": key.to_string(),
            "function": entry.as_ref().map(EntryInfo::function),
            "arguments": entry.as_ref().map(EntryInfo::arguments),
            "created": entry.as_ref().map(|info| units::timestamp(info.created())),
            "seconds": entry.as_ref().map(|info| info.compute_time().as_secs_f64()),
            "writer": entry.as_ref().and_then(EntryInfo::writer).map(as_json),
            "bytes": entry.as_ref().map(EntryInfo::bytes),
            "encoding": encoding,
            "damage": damage,
            "runs_then": runs.iter().map(stats::as_json).collect::<Vec<_>>(),
        }))?;
    } else {
        output.line(format_args!("key        {key}"))?;
        if let Some(info) = &entry {
            output.line(format_args!("function   {}", one_line(info.function())))?;
            output.line(format_args!("arguments  {}", one_line(info.arguments())))?;
            let created = info.created();
            output.line(format_args!("stored     {} ({})", units::date(created), units::ago(created)))?;
            let writer = info.writer().map_or_else(|| "unknown".into(), Writer::to_string);
            output.line(format_args!("by         {}", one_line(&writer)))?;
            output.line(format_args!("took       {}", units::span(info.compute_time())))?;
            output.line(format_args!("size       {}", units::size(info.bytes())))?;
            output.line(format_args!("encoding   {encoding}"))?;
        }
        let state = damage.as_deref().map_or("right", |_| "wrong: ");
        output.line(format_args!("checksum   {state}{}", one_line(damage.as_deref().unwrap_or_default())))?;
        let is_unknown = entry.as_ref().is_some_and(|info| info.writer().is_none());
        if is_unknown && !runs.is_empty() {
            output.line(format_args!("runs then  {}", one_line(&told(&runs))))?;
        }
    }
    Ok(if damage.is_none() { Verdict::Right } else { Verdict::Wrong })
}

/// A run that is killed is not heard of in its last second, and times of runs have no fractions.
const LATE: Duration = Duration::from_secs(2);

/// The runs that may have stored an entry: they computed something, were going on at that time by the clocks of their machines, and
/// were of its program, if that is known.
fn of(mut runs: Vec<Run>, info: &EntryInfo) -> Vec<Run> {
    runs.retain(|run| {
        let time = info.created();
        let is_over = run.ending != Ending::Running && time > run.last + LATE;
        let is_other = info
            .writer()
            .is_some_and(|writer| (writer.program(), writer.host()) != (&run.program, &run.host));
        run.usage.misses > 0 && run.started <= time && !is_over && !is_other
    });
    runs
}

fn as_json(writer: &Writer) -> Value {
    json!({ "program": writer.program(), "host": writer.host() })
}

/// So many are named.
const NAMED: usize = 3;

/// `tune on one, tune on two`.
fn told(runs: &[Run]) -> String {
    let mut names: Vec<_> = runs.iter().map(stats::program).collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    names.extend((more > 0).then(|| format!("{more} more")));
    names.join(", ")
}
