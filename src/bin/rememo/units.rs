//! Sizes and times as people write and read them.

use std::time::{Duration, SystemTime};

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo, Timestamp, tz::TimeZone};
use rememo::report::{self, Usage};
use serde_json::{Value, json};

/// Reads `30d`, `12h`, `1w 2d`.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let example = "write it like `30d`, `12h` or `90min`";
    let span: Span = text.parse().map_err(|_| format!("it is no length of time; {example}"))?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let length = length.map_err(|_| format!("months and years have no fixed length; {example}"))?;
    length.try_into().map_err(|_| format!("it is negative; {example}"))
}

/// `1.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    ByteSize(bytes).display().si().to_string()
}

/// `3.1 s`.
pub(crate) fn span(length: Duration) -> String {
    report::Span(length).to_string()
}

/// How long ago something was: `2 h ago`.
pub(crate) fn ago(time: SystemTime) -> String {
    match time.elapsed() {
        Ok(age) if age < Duration::from_secs(1) => "now".into(),
        Ok(age) => format!("{} ago", span(age)),
        Err(ahead) => format!("in {}", span(ahead.duration())),
    }
}

/// `2026-05-01 13:07` in the zone of this machine.
pub(crate) fn date(time: SystemTime) -> String {
    let Ok(time) = Timestamp::try_from(time) else { return "?".into() };
    time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// As machines read it.
pub(crate) fn timestamp(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| String::new(), |time| time.to_string())
}

/// How many there are of something: `1 entry`, `1,234 entries`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

/// What was counted, as machines read it.
pub(crate) fn usage(usage: &Usage) -> Value {
    json!({
        "hits": usage.hits,
        "misses": usage.misses,
        "joined": usage.joined,
        "seconds_computed": usage.computed.as_secs_f64(),
        "seconds_saved": usage.saved.as_secs_f64(),
        "last_use": usage.last_use.map(timestamp),
    })
}
