//! `rememo log`: the states that the code of a function was in, and what each was seen to read of the outside world.

use rememo::Memory;
use rememo::report::{Revision, one_line};
use serde_json::json;

use crate::find;
use crate::output::{Output, Stop, Verdict};
use crate::units;

pub(crate) fn run(memory: &Memory, asked: &str, output: &mut Output) -> Result<Verdict, Stop> {
    let function = find::function(memory, asked)?;
    for (number, revision) in memory.history(&function)?.iter().enumerate() {
        let Revision { function, recorded, changes, .. } = revision;
        if output.json {
            output.object(&json!({
                "function": function.name,
                "fingerprint": function.fingerprint,
                "version": function.version,
                "file": function.file,
                "line": function.line,
                "recorded": units::timestamp(*recorded),
                "entries": function.entries,
                "bytes": function.bytes,
                "changes": changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "reads": function.reads.iter().map(|(what, place)| json!([what, place])).collect::<Vec<_>>(),
            }))?;
            continue;
        }
        let entries = units::count(function.entries, "entry", "entries");
        let size = units::size(function.bytes);
        output.line(format_args!("{}  {entries}, {size}", units::date(*recorded)))?;
        match (number, changes.as_slice()) {
            (0, _) => {
                let place = if function.file.is_empty() {
                    "a name of its own".to_owned()
                } else {
                    format!("{}:{}", function.file, function.line)
                };
                output.line(format_args!("    first seen, {}", one_line(&place)))?;
            }
            (_, []) => output.line("    what changed is not recorded")?,
            (_, changes) => changes
                .iter()
                .try_for_each(|change| output.line(format_args!("    {}", one_line(&change.to_string()))))?,
        }
        for (what, place) in &function.reads {
            output.line(format_args!("    reads {} ({})", one_line(what), one_line(place)))?;
        }
    }
    Ok(Verdict::Right)
}
