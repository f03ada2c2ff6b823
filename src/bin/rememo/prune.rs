//! `rememo prune`: what goes, and why.

use std::path::Path;

use rememo::Memory;
use rememo::report::{self, PruneReason, Pruned, PrunedPart, one_line};
use serde_json::json;

use crate::args::Prune;
use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::{place, units};

pub(crate) fn run(dir: Option<&Path>, asked: &Prune, output: &mut Output) -> Result<Verdict, Stop> {
    let memory = if asked.dry_run { place::to_read(dir)? } else { place::to_write(dir)? };
    let pruned = memory.prune(&wanted(&memory, asked)?)?;
    if output.json {
        print_json(&pruned, asked, output)?;
    } else {
        print(&pruned, asked, output)?;
    }
    Ok(Verdict::Right)
}

fn wanted(memory: &Memory, asked: &Prune) -> Result<report::Prune, Stop> {
    let mut prune = report::Prune::new().dry_run(asked.dry_run);
    if let Some(bytes) = asked.bytes {
        prune = prune.bytes(bytes.as_u64());
    }
    if let Some(items) = asked.items {
        prune = prune.items(items);
    }
    if let Some(age) = asked.age {
        prune = prune.age(age);
    }
    if let Some(unused) = asked.unused {
        prune = prune.unused(unused);
    }
    if let Some(unused) = asked.stale {
        prune = prune.stale(unused);
    }
    if let Some(function) = &asked.function {
        prune = prune.function(find::function(memory, function)?);
    }
    Ok(prune)
}

fn print(pruned: &Pruned, asked: &Prune, output: &mut Output) -> Result<(), Stop> {
    for PrunedPart { function, reason, entries, bytes, .. } in &pruned.parts {
        let (entries, size) = (units::count(*entries, "entry", "entries"), units::size(*bytes));
        output.line(format_args!("{}: {entries}, {size}: {}", one_line(function), why(*reason, asked)))?;
    }
    if pruned.spared_states > 0 {
        let states = units::count(pruned.spared_states, "state", "states");
        let unused = units::span(asked.stale.unwrap_or_default());
        output.line(format_args!("{states} of earlier code stay: used within the last {unused}"))?;
    }
    let verb = if asked.dry_run { "would go" } else { "removed" };
    let entries = units::count(pruned.entries, "entry", "entries");
    let kept = units::count(pruned.kept_entries, "entry", "entries");
    let (bytes, kept_bytes) = (units::size(pruned.bytes), units::size(pruned.kept_bytes));
    Ok(output.line(format_args!("{entries}, {bytes} {verb}; {kept}, {kept_bytes} left"))?)
}

fn why(reason: PruneReason, asked: &Prune) -> String {
    let span = |time: Option<std::time::Duration>| units::span(time.unwrap_or_default());
    match reason {
        PruneReason::Stale => format!("earlier code, not used for {}", span(asked.stale)),
        PruneReason::Old => format!("older than {}", span(asked.age)),
        PruneReason::Unused => format!("not used for {}", span(asked.unused)),
        PruneReason::WorthLeast => "worth least".into(),
        _ => "no longer wanted".into(),
    }
}

fn print_json(pruned: &Pruned, asked: &Prune, output: &mut Output) -> Result<(), Stop> {
    let part = |part: &PrunedPart| {
        let reason = format!("{:?}", part.reason).to_lowercase();
        json!({"function": part.function, "entries": part.entries, "bytes": part.bytes, "reason": reason})
    };
    Ok(output.object(&json!({
        "dry_run": asked.dry_run,
        "entries": pruned.entries,
        "bytes": pruned.bytes,
        "kept_entries": pruned.kept_entries,
        "kept_bytes": pruned.kept_bytes,
        "spared_states": pruned.spared_states,
        "parts": pruned.parts.iter().map(part).collect::<Vec<_>>(),
    }))?)
}
