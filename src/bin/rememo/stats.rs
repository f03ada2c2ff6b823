//! `rememo stats`: totals over all runs, and the last of them.

use std::io;

use rememo::Memory;
use rememo::report::{Ending, Run, one_line};
use serde_json::Value;

use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::units;

/// So many runs are shown to people.
const SHOWN: usize = 10;

pub(crate) fn run(memory: &Memory, output: &mut Output) -> Result<Verdict, Stop> {
    let stats = memory.stats();
    let runs = memory.runs()?;
    if output.json {
        let mut object = units::usage(&stats.all_runs);
        object["dir"] = memory.root().map(|root| root.display().to_string()).into();
        object["entries"] = stats.entries.into();
        object["bytes"] = stats.bytes.into();
        object["runs"] = runs.iter().map(as_json).collect();
        output.object(&object)?;
        return Ok(Verdict::Right);
    }
    let entries = units::count(stats.entries, "entry", "entries");
    output.line(format_args!("{entries}, {} in {}", units::size(stats.bytes), find::root(memory)))?;
    let all = &stats.all_runs;
    output.line(format_args!(
        "{}, {}, {} joined; computed {}, saved {}",
        units::count(all.hits, "hit", "hits"),
        units::count(all.misses, "miss", "misses"),
        units::grouped(all.joined),
        units::span(all.computed),
        units::span(all.saved),
    ))?;
    if !runs.is_empty() {
        output.line("")?;
        output.line("started           ending       hits    misses  computed     saved  program")?;
    }
    runs.iter().rev().take(SHOWN).try_for_each(|run| line(run, output))?;
    Ok(Verdict::Right)
}

fn line(run: &Run, output: &mut Output) -> io::Result<()> {
    let usage = &run.usage;
    let (started, ending) = (units::date(run.started), ending(run.ending));
    let (hits, misses) = (units::grouped(usage.hits), units::grouped(usage.misses));
    let (computed, saved) = (units::span(usage.computed), units::span(usage.saved));
    output.line(format_args!(
        "{started}  {ending:<7}  {hits:>8}  {misses:>8}  {computed:>8}  {saved:>8}  {}",
        one_line(&program(run))
    ))
}

/// `tune on host`.
pub(crate) fn program(run: &Run) -> String {
    let host = if run.host.is_empty() { String::new() } else { format!(" on {}", run.host) };
    format!("{}{host}", run.program)
}

pub(crate) fn as_json(run: &Run) -> Value {
    let mut object = units::usage(&run.usage);
    object["started"] = units::timestamp(run.started).into();
    object["last"] = units::timestamp(run.last).into();
    object["ending"] = ending(run.ending).into();
    object["program"] = run.program.as_str().into();
    object["host"] = run.host.as_str().into();
    object
}

pub(crate) fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Running => "running",
        Ending::Ended => "ended",
        Ending::Killed => "killed",
        _ => "unknown",
    }
}
