//! `rememo rm`: entries, or all entries of a function.

use rememo::Memory;
use rememo::report::one_line;
use serde_json::json;

use crate::find::{self, Meant};
use crate::output::{Output, Stop, Verdict};

pub(crate) fn run(memory: &Memory, what: &[String], output: &mut Output) -> Result<Verdict, Stop> {
    // All of it is understood before anything goes.
    let meant = what.iter().map(|word| find::either(memory, word)).collect::<Result<Vec<_>, _>>()?;
    let mut verdict = Verdict::Right;
    for meant in &meant {
        let removed = match meant {
            Meant::Function(name) => memory.clear_name(name)?,
            Meant::Entry(key) => memory.remove_key(key)?,
        };
        if !removed {
            verdict = Verdict::Wrong;
        }
        if output.json {
            output.object(&match meant {
                Meant::Function(name) => json!({"function": name, "removed": removed}),
                Meant::Entry(key) => json!({"key": key.to_string(), "removed": removed}),
            })?;
            continue;
        }
        let done = if removed { "removed" } else { "not there:" };
        match meant {
            Meant::Function(name) => output.line(format_args!("{done} all entries of {}", one_line(name)))?,
            Meant::Entry(key) => output.line(format_args!("{done} {key}"))?,
        }
    }
    Ok(verdict)
}
