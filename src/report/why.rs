//! Why a call is a hit or a miss, for people.
//!
//! Each reason is said once. [`MissReason`] is what a look-up sees, and every miss has one. [`Why`]
//! adds what the records of functions tell of an absent entry, and has the other reasons as they are.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use super::words::{OneLine, Outside, Span};
use super::{Change, MissReason};

/// Why [`call`](crate::Memory::call) would return a value at once, or run the function; [`Memory::why`](crate::Memory::why)
/// returns it.
///
/// `Display` is one line that says it in words, such as
/// `the code changed since this was computed: shop::tax::rate (src/tax.rs:12) differs`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The call's entry is there, sound and valid.
    #[non_exhaustive]
    Hit {
        /// The time since the value was stored.
        age: Duration,
        /// How long the function took to compute it; zero for a value that was [inserted](crate::Memory::insert).
        took: Duration,
        /// Whether earlier code computed it, which [`adopt`](crate::Memory::adopt) declared equal.
        adopted: bool,
        /// What the function may read of the outside world, each with its place: the value may depend on it, and the key does not.
        /// As in [`FunctionRecord::reads`](crate::report::FunctionRecord::reads); empty if nothing is known.
        reads: Vec<(String, String)>,
    },
    /// No value of a function of this name was ever stored here, or all was cleared since.
    #[non_exhaustive]
    NeverComputed {
        /// The name of the function.
        function: String,
    },
    /// Values of the function were stored with this very code, but none that is still here for these arguments. (An `Err`,
    /// or a value that was cheaper than `min_cost`, is not kept.)
    #[non_exhaustive]
    NewArguments {
        /// The name of the function.
        function: String,
        /// The arguments in short, such as `7, {"depth":3}`; cut off with `…` when long.
        arguments: String,
        /// The type and const parameters, such as `<f64>`; empty if there are none.
        type_parameters: String,
    },
    /// The call was computed in this process, and its value could not be kept: neither of the encodings brings it back.
    /// (Of the first 4,096 such calls of a memory; another process has to compute the call to see it.)
    #[non_exhaustive]
    NotKept {
        /// The name of the function.
        function: String,
        /// The type of the value, why it cannot be kept, and what can be done.
        reason: String,
    },
    /// The function had other code when values of it were stored.
    #[non_exhaustive]
    CodeChanged {
        /// What changed since then, compared with the most similar earlier code; of those that have a value for this very
        /// call, if there are any. Empty if that is not recorded.
        changes: Vec<Change>,
        /// Whether that code has a value for this very call; `None` if it cannot be told, because other arguments were in
        /// the key then.
        computed_before: Option<bool>,
    },
    /// The function has the same code, but had another `version = …` when values of it were stored.
    #[non_exhaustive]
    Version {
        /// The version then; empty if there was none.
        was: String,
        /// The version now; empty if there is none.
        now: String,
        /// As in [`CodeChanged`](Self::CodeChanged).
        computed_before: Option<bool>,
    },
    /// The function has the same code and version, but other parameters were in the key when values of it were stored:
    /// `ignore(…)` has changed.
    #[non_exhaustive]
    Parameters {
        /// The parameters in the key then.
        was: Vec<String>,
        /// The parameters in the key now.
        now: Vec<String>,
        /// As in [`CodeChanged`](Self::CodeChanged).
        computed_before: Option<bool>,
    },
    /// The look-up tells all there is to tell, as [`call`](crate::Memory::call) would: for any reason but
    /// [`Absent`](MissReason::Absent), which the variants above take apart.
    Miss(MissReason),
}

impl Why {
    /// Whether the call's entry is there, sound and valid.
    pub fn is_hit(&self) -> bool {
        matches!(self, Why::Hit { .. })
    }
}

impl Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names and arguments are the user's, and may hold anything.
        let mut f = OneLine(f);
        match self {
            Why::Hit { age, took, adopted, reads } => {
                // No function takes no time at all.
                if took.is_zero() {
                    write!(f, "hit: stored {} ago", Span(*age))?;
                } else {
                    write!(f, "hit: computed {} ago in {}", Span(*age), Span(*took))?;
                }
                f.write_str(if *adopted { ", by earlier code that was adopted" } else { "" })?;
                if reads.is_empty() { Ok(()) } else { write!(f, "; {}", Outside(reads)) }
            }
            Why::NeverComputed { function } => {
                write!(f, "never computed: no value of `{function}` is in this cache")
            }
            Why::NotKept { function, reason } => {
                write!(f, "computed, but a value of `{function}` cannot be kept: {reason}")
            }
            Why::NewArguments { function, arguments, type_parameters } => {
                write!(
                    f,
                    "new arguments: `{function}` has run with this code, but no value is kept for ({arguments})"
                )?;
                if type_parameters.is_empty() { Ok(()) } else { write!(f, " under `{type_parameters}`") }
            }
            Why::CodeChanged { changes, computed_before } => {
                write!(f, "{}: {}", Changed("the code changed", *computed_before), Listed(changes))
            }
            Why::Version { was, now, computed_before } => {
                let [was, now] = [was, now].map(|version| if version.is_empty() { "none" } else { version });
                match computed_before {
                    Some(true) => write!(f, "computed by another version: {was}, now {now}"),
                    not => write!(f, "{}: {was}, now {now}", Changed("the version changed", *not)),
                }
            }
            Why::Parameters { was, now, computed_before } => {
                let what = Changed("the list of arguments in the key changed", *computed_before);
                write!(f, "{what}: ({}), now ({})", was.join(", "), now.join(", "))
            }
            Why::Miss(reason) => write!(f, "{reason}"),
        }
    }
}

/// What changed, and what that means for this very call.
struct Changed(&'static str, Option<bool>);

impl Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        f.write_str(match self.1 {
            Some(true) => " since this was computed",
            Some(false) => ", and this call was not computed before",
            None => "",
        })
    }
}

/// Changes on one line: the first few, and how many more there are.
struct Listed<'a>(&'a [Change]);

/// How many changes are named: with their places, about what two lines of a terminal take.
const NAMED: usize = 5;

impl Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("what changed is not recorded");
        }
        for (i, change) in self.0.iter().take(NAMED).enumerate() {
            write!(f, "{}{change}", if i == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, ", {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ChangeKind;

    const HOUR: Duration = Duration::from_hours(1);

    /// As many changes as asked for, of different kinds.
    fn changes(number: usize) -> Vec<Change> {
        let change = |kind, path: &str, place: &str| Change {
            kind,
            path: path.into(),
            place: place.into(),
            way: Vec::new(),
        };
        let mut changes = vec![
            change(ChangeKind::Body, "shop::price", "src/lib.rs:7"),
            change(ChangeKind::Differs, "shop::tax::rate", "src/tax.rs:12"),
            change(ChangeKind::New, "crate rand 0.8.6", ""),
            change(ChangeKind::Gone, "shop::old", "src/old.rs:1"),
        ];
        changes.resize(number, change(ChangeKind::Differs, "shop::Item", ""));
        changes
    }

    #[track_caller]
    fn expect(why: &Why, line: &str) {
        assert_eq!(why.to_string(), line);
    }

    #[test]
    fn a_hit_tells_age_and_cost() {
        let took = Duration::from_millis(3_100);
        let hit = |age, took, adopted| Why::Hit { age, took, adopted, reads: Vec::new() };
        expect(&hit(2 * HOUR, took, false), "hit: computed 2 h ago in 3.1 s");
        expect(&hit(HOUR / 2, Duration::ZERO, false), "hit: stored 30 min ago");
        let adopted = "hit: computed 2 h ago in 3.1 s, by earlier code that was adopted";
        expect(&hit(2 * HOUR, took, true), adopted);
    }

    #[test]
    fn a_hit_tells_what_its_value_may_depend_on_beside_the_key() {
        let reads = vec![("std::env::var".to_owned(), "src/tax.rs:12".to_owned())];
        let why = Why::Hit { age: HOUR, took: HOUR, adopted: false, reads };
        let line =
            "hit: computed 1 h ago in 1 h; may read what is not in the key: std::env::var (src/tax.rs:12)";
        expect(&why, line);
    }

    #[test]
    fn changes_are_named_up_to_five() {
        let line = |number, computed_before| {
            Why::CodeChanged { changes: changes(number), computed_before }.to_string()
        };
        assert_eq!(line(1, Some(true)), "the code changed since this was computed: its own body differs");
        let five = "its own body differs, shop::tax::rate (src/tax.rs:12) differs, crate rand 0.8.6 is new, \
                    shop::old (src/old.rs:1) is gone, shop::Item differs";
        assert_eq!(line(5, None), format!("the code changed: {five}"));
        let not_before = "the code changed, and this call was not computed before";
        assert_eq!(line(12, Some(false)), format!("{not_before}: {five}, 7 more"));
        assert_eq!(line(0, None), "the code changed: what changed is not recorded");
    }

    #[test]
    fn a_version_that_was_not_given_is_none() {
        let version = |computed_before| Why::Version { was: String::new(), now: "3".into(), computed_before };
        expect(&version(Some(true)), "computed by another version: none, now 3");
        let line = "the version changed, and this call was not computed before: none, now 3";
        expect(&version(Some(false)), line);
    }

    #[test]
    fn whatever_is_in_it_it_is_one_line() {
        let why = Why::NewArguments {
            function: "line\nbreak".into(),
            arguments: "3".into(),
            type_parameters: "<f64>".into(),
        };
        let line =
            "new arguments: `line break` has run with this code, but no value is kept for (3) under `<f64>`";
        expect(&why, line);
    }
}
