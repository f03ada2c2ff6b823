//! `rememo doctor`: whether the directory is in order, and which functions may read what is not in their keys.

use std::env;
use std::path::Path;

use serde_json::json;

use crate::output::{Output, Stop, Verdict};
use crate::place;

/// Variables of the environment that programs with the library look at.
const VARIABLES: [&str; 3] = ["REMEMO", "REMEMO_DIR", "REMEMO_QUIET"];

pub(crate) fn run(dir: Option<&Path>, output: &mut Output) -> Result<Verdict, Stop> {
    let findings = place::to_write(dir)?.diagnose();
    for finding in &findings {
        if output.json {
            let mut object =
                json!({"subject": finding.subject, "finding": finding.text, "wrong": finding.is_wrong});
            if !finding.reads.is_empty() {
                object["function"] = finding.function.as_str().into();
                object["reads"] = json!(finding.reads);
            }
            output.object(&object)?;
        } else {
            output.line(finding)?;
        }
    }
    for variable in VARIABLES {
        let Some(value) = env::var_os(variable) else { continue };
        let value = value.to_string_lossy();
        if output.json {
            output.object(&json!({"subject": variable, "finding": value, "wrong": false}))?;
        } else {
            output.line(format_args!("   ok environment: {variable}={value}"))?;
        }
    }
    let is_wrong = findings.iter().any(|finding| finding.is_wrong);
    Ok(if is_wrong { Verdict::Wrong } else { Verdict::Right })
}
