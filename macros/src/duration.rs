//! Durations in options: a number and a unit, such as `"1.5h"`.

use std::time::Duration;

/// The units, each with its length in nanoseconds.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
    ("w", 604_800 * SECOND),
];

const SECOND: u128 = 1_000_000_000;

/// Most digits on either side of the decimal point: far more than a duration needs, and few enough for the
/// arithmetic below to stay within `u128`.
const MAX_DIGITS: usize = 18;

/// Parses a duration exactly; floating point would turn `0.1s` into something else.
///
/// # Errors
///
/// Fails with the text of a compile error, lower case and without a full stop.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[number.len()..];
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(format!("`{text}` is not a duration: write a number and a unit, such as `\"1.5h\"`"));
    }
    let Some((_, length)) = UNITS.into_iter().find(|(name, _)| *name == unit) else {
        let known = UNITS.map(|(name, _)| format!("`{name}`")).join(", ");
        let problem =
            if unit.is_empty() { "has no unit".to_owned() } else { format!("has unknown unit `{unit}`") };
        return Err(format!("`{text}` {problem}: write one of {known} after the number"));
    };
    nanoseconds(whole, fraction, length).map_err(|problem| format!("`{text}` is {problem}"))
}

fn nanoseconds(whole: &str, fraction: &str, length: u128) -> Result<Duration, &'static str> {
    const TOO_LONG: &str = "too long for a duration";
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > MAX_DIGITS {
        return Err(TOO_LONG);
    }
    let whole: u128 = whole.parse().map_err(|_| TOO_LONG)?;
    if fraction.len() > MAX_DIGITS {
        return Err("finer than a nanosecond");
    }
    let scale = 10u128.pow(u32::try_from(fraction.len()).map_err(|_| TOO_LONG)?);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| TOO_LONG)? };
    if !(fraction * length).is_multiple_of(scale) {
        return Err("finer than a nanosecond");
    }
    let nanoseconds = whole * length + fraction * length / scale;
    let seconds = u64::try_from(nanoseconds / SECOND).map_err(|_| TOO_LONG)?;
    let subsecond = u32::try_from(nanoseconds % SECOND).map_err(|_| TOO_LONG)?;
    Ok(Duration::new(seconds, subsecond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_has_its_length() {
        for (text, nanoseconds) in [
            ("7ns", 7),
            ("7us", 7_000),
            ("7ms", 7_000_000),
            ("7s", 7_000_000_000),
            ("7m", 420_000_000_000),
            ("7h", 25_200_000_000_000),
            ("7d", 604_800_000_000_000),
            ("7w", 4_233_600_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(parse("1.5h"), Ok(Duration::from_mins(90)));
        assert_eq!(parse("0.1s"), Ok(Duration::from_millis(100)));
        assert_eq!(parse("0.000000001s"), Ok(Duration::from_nanos(1)));
        assert_eq!(parse("2.50ms"), Ok(Duration::from_micros(2_500)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_not_a_number_and_a_unit_is_refused() {
        for text in
            ["", "s", "-1s", "+1s", "1 s", " 1s", "1.s", ".5s", "1e3s", "1_000s", "1.2.3s", "1,5s", "一s"]
        {
            assert!(parse(text).unwrap_err().contains("write"), "{text}");
        }
    }

    #[test]
    fn an_unknown_or_missing_unit_lists_the_known_ones() {
        let units = "write one of `ns`, `us`, `ms`, `s`, `m`, `h`, `d`, `w` after the number";
        assert_eq!(parse("7"), Err(format!("`7` has no unit: {units}")));
        assert_eq!(parse("7days"), Err(format!("`7days` has unknown unit `days`: {units}")));
        assert_eq!(parse("7S"), Err(format!("`7S` has unknown unit `S`: {units}")));
    }

    #[test]
    fn what_a_duration_cannot_hold_is_refused() {
        assert_eq!(parse("0.5ns"), Err("`0.5ns` is finer than a nanosecond".to_owned()));
        assert_eq!(
            parse("0.0000000000000000001s"),
            Err("`0.0000000000000000001s` is finer than a nanosecond".to_owned())
        );
        assert_eq!(
            parse("999999999999999999w"),
            Err("`999999999999999999w` is too long for a duration".to_owned())
        );
        assert_eq!(
            parse("1000000000000000000s"),
            Err("`1000000000000000000s` is too long for a duration".to_owned())
        );
        assert_eq!(parse("999999999999999999s"), Ok(Duration::from_secs(999_999_999_999_999_999)));
    }
}
