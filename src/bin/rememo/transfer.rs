//! `rememo export` and `rememo import`: entries in one file.

use std::path::Path;

use rememo::Memory;
use rememo::report::one_line;
use serde_json::json;

use crate::output::{Output, Stop, Verdict};
use crate::{find, units};

pub(crate) fn export(
    memory: &Memory,
    file: &Path,
    function: Option<&str>,
    output: &mut Output,
) -> Result<Verdict, Stop> {
    let function = function.map(|function| find::function(memory, function)).transpose()?;
    let exported = memory.export(file, function.as_deref())?;
    let (entries, bytes, damaged) = (exported.entries, exported.bytes, exported.damaged);
    if output.json {
        output.object(&json!({"entries": entries, "bytes": bytes, "damaged": damaged}))?;
    } else {
        if damaged > 0 {
            output.line(format_args!(
                "left out: {}",
                units::count(damaged, "damaged entry", "damaged entries")
            ))?;
        }
        let entries = units::count(entries, "entry", "entries");
        output.line(format_args!("{entries}, {} in `{}`", units::size(bytes), file.display()))?;
    }
    Ok(if damaged == 0 { Verdict::Right } else { Verdict::Wrong })
}

pub(crate) fn import(memory: &Memory, file: &Path, output: &mut Output) -> Result<Verdict, Stop> {
    let imported = memory.import(file)?;
    let (entries, bytes, known) = (imported.entries, imported.bytes, imported.known);
    if output.json {
        output.object(
            &json!({"entries": entries, "bytes": bytes, "known": known, "refused": imported.refused}),
        )?;
    } else {
        for refused in &imported.refused {
            output.line(format_args!("refused: {}", one_line(refused)))?;
        }
        let (entries, known) = (units::count(entries, "entry", "entries"), units::grouped(known));
        output.line(format_args!("{entries}, {} stored; {known} were there", units::size(bytes)))?;
    }
    Ok(if imported.refused.is_empty() { Verdict::Right } else { Verdict::Wrong })
}
