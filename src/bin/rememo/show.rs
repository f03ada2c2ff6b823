//! `rememo show`: one entry, and the runs that may have stored it.
//!
//! An entry does not tell who stored it, and a run not which entries it stored. But it stood within the time of the run.

use std::time::{Duration, SystemTime};

use rememo::report::{Ending, Inspection, Run, one_line};
use rememo::{EntryInfo, Memory};
use serde_json::json;

use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::{stats, units};

pub(crate) fn run(memory: &Memory, asked: &str, output: &mut Output) -> Result<Verdict, Stop> {
    let key = find::entry(memory, asked)?;
    let Some(Inspection { entry, encoding, damage, .. }) = memory.inspect(&key)? else {
        return Err(find::no_entry(&key));
    };
    let runs = entry.as_ref().map(|info| Ok::<_, Stop>(at(memory.runs()?, info.created()))).transpose()?;
    let runs = runs.unwrap_or_default();
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
            "runs_then": runs.iter().map(stats::as_json).collect::<Vec<_>>(),
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
        if !runs.is_empty() {
            output.line(format_args!("runs then  {}", one_line(&told(&runs))))?;
        }
    }
    Ok(if damage.is_none() { Verdict::Right } else { Verdict::Wrong })
}

/// A run that is killed is not heard of in its last second, and times of runs have no fractions.
const LATE: Duration = Duration::from_secs(2);

/// The runs that computed something, and were going on at this time by the clocks of their machines.
fn at(mut runs: Vec<Run>, time: SystemTime) -> Vec<Run> {
    runs.retain(|run| {
        let is_over = run.ending != Ending::Running && time > run.last + LATE;
        run.usage.misses > 0 && run.started <= time && !is_over
    });
    runs
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
