//! `rememo verify`: every entry against its checksum.

use std::path::Path;

use serde_json::json;

use crate::output::{Output, Stop, Verdict};
use crate::{place, units};

pub(crate) fn run(dir: Option<&Path>, remove: bool, output: &mut Output) -> Result<Verdict, Stop> {
    let verified = if remove { place::to_write(dir)?.verify()? } else { place::to_read(dir)?.check()? };
    let damaged = verified.damaged.len() as u64;
    if output.json {
        let files: Vec<_> = verified.damaged.iter().map(|file| file.display().to_string()).collect();
        output.object(&json!({"sound": verified.sound, "damaged": files, "removed": remove}))?;
    } else {
        for file in &verified.damaged {
            output.line(format_args!("damaged: {}", file.display()))?;
        }
        let sound = units::count(verified.sound, "entry", "entries");
        let removed = if remove && damaged > 0 { ", removed" } else { "" };
        output.line(format_args!("{sound} sound, {} damaged{removed}", units::grouped(damaged)))?;
    }
    Ok(if damaged == 0 { Verdict::Right } else { Verdict::Wrong })
}
