//! The lines of `totals`, `runs` and the files of sessions. Specified in `docs/format.md`, "Totals and runs".

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Ending, Run, Usage};
use crate::key::FunctionId;

/// What was counted, by the id and the name of the function.
pub(super) type Rows = BTreeMap<(FunctionId, String), Usage>;

/// The line of a function.
pub(super) fn row((id, name): &(FunctionId, String), usage: &Usage) -> String {
    format!("{id} {} {}\n", counts(usage), serde_json::Value::from(name.as_str()))
}

/// The function of a line; `None` if it is none.
pub(super) fn parse_row(line: &str) -> Option<((FunctionId, String), Usage)> {
    let mut fields = line.splitn(8, ' ');
    let id = FunctionId::from_hex(fields.next()?)?;
    let usage = parse_counts(&mut fields)?;
    Some(((id, serde_json::from_str(fields.next()?).ok()?), usage))
}

/// The line of a run.
pub(super) fn run(run: &Run) -> String {
    let ending = match run.ending {
        Ending::Running => "running",
        Ending::Ended => "ended",
        Ending::Killed => "killed",
    };
    let (started, last) = (seconds(Some(run.started)), seconds(Some(run.last)));
    let names = serde_json::Value::from(vec![run.program.as_str(), run.host.as_str()]);
    format!("{:016x} {started} {last} {ending} {} {names}\n", run.number, counts(&run.usage))
}

/// The run of a line; `None` if it is none.
pub(super) fn parse_run(line: &str) -> Option<Run> {
    let mut fields = line.splitn(11, ' ');
    let number = u64::from_str_radix(fields.next()?, 16).ok()?;
    let [started, last] = [time(fields.next()?)??, time(fields.next()?)??];
    let ending = match fields.next()? {
        "running" => Ending::Running,
        "ended" => Ending::Ended,
        "killed" => Ending::Killed,
        _ => return None,
    };
    let usage = parse_counts(&mut fields)?;
    let [program, host]: [String; 2] = serde_json::from_str(fields.next()?).ok()?;
    Some(Run { started, last, program, host, usage, ending, number })
}

/// Hits, misses, joined, nanoseconds computed and saved, seconds of the last use.
fn counts(usage: &Usage) -> String {
    let Usage { hits, misses, joined, computed, saved, last_use } = usage;
    let [computed, saved] = [computed, saved].map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    format!("{hits} {misses} {joined} {computed} {saved} {}", seconds(*last_use))
}

fn parse_counts<'t>(fields: &mut impl Iterator<Item = &'t str>) -> Option<Usage> {
    let mut number = || fields.next()?.parse::<u64>().ok();
    let [hits, misses, joined] = [number()?, number()?, number()?];
    let [computed, saved] = [number()?, number()?].map(Duration::from_nanos);
    Some(Usage { hits, misses, joined, computed, saved, last_use: time(fields.next()?)? })
}

/// Since 1970; zero stands for never.
fn seconds(time: Option<SystemTime>) -> u64 {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// The time of such a number, or never; `None` if it is none.
#[expect(clippy::option_option, reason = "no number is not never")]
fn time(seconds: &str) -> Option<Option<SystemTime>> {
    let seconds = seconds.parse().ok()?;
    if seconds == 0 {
        return Some(None);
    }
    Some(Some(UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let time = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let usage = Usage {
            hits: 1,
            misses: u64::MAX,
            joined: 3,
            computed: Duration::from_nanos(4),
            saved: Duration::from_secs(5),
            last_use: Some(time(1_800_000_000)),
        };
        let place = (FunctionId([7; 8]), "the \"price\" of\nall".to_owned());
        let line = row(&place, &usage);
        let text = "0707070707070707 1 18446744073709551615 3 4 5000000000 1800000000 ";
        assert_eq!(line, format!("{text}\"the \\\"price\\\" of\\nall\"\n"));
        assert_eq!(parse_row(line.trim_end()), Some((place, usage.clone())));
        let never = (FunctionId([0; 8]), String::new());
        let line = row(&never, &Usage::default());
        assert_eq!(parse_row(line.trim_end()), Some((never, Usage::default())));

        let one = Run {
            started: time(1_799_999_999),
            last: time(1_800_000_000),
            program: "a b".into(),
            host: String::new(),
            usage,
            ending: Ending::Killed,
            number: 0x00C0_FFEE,
        };
        let line = run(&one);
        let text =
            "0000000000c0ffee 1799999999 1800000000 killed 1 18446744073709551615 3 4 5000000000 1800000000 ";
        assert_eq!(line, format!("{text}[\"a b\",\"\"]\n"));
        assert_eq!(parse_run(line.trim_end()), Some(one));
        for no_line in ["", "x", "07 1 2", &text[..60]] {
            assert_eq!((parse_row(no_line), parse_run(no_line)), (None, None));
        }
    }
}
