//! Two types, two functions, two crates that are not the same never share an entry, whatever the
//! compiler calls them: neither in one run of a program nor over several.

mod associated;
mod blocks;
mod closures;
mod constants;
mod crates;
mod edits;
mod rebuilt;
mod twins;

use crate::package::{Package, Report, add_variable};

/// What a program begins with whose calls are told by the variable `CALL`, each by its label or
/// `all` of them.
const WANTS: &str = "
    let wanted = std::env::var(\"CALL\").unwrap();
    let wants = |label: &str| wanted == label || wanted == \"all\";
";

/// A trait for types that are told apart by a number, and memoized functions of every shape that
/// take such a type.
const KINDS: &str = r"
    pub trait Kind { const NUMBER: u64; }

    #[rememo::memo]
    pub fn number<T: Kind>(x: u64) -> u64 { x + T::NUMBER }
";

impl Package {
    /// Expects of calls that they are told apart: made one after the other, each in a run of its
    /// own, none finds what another has left, each its own in a second round; and none does so in
    /// one run either.
    #[track_caller]
    fn tells_apart(mut self, labels: &[&'static str]) {
        self.complete();
        for is_first in [true, false] {
            for label in labels {
                let report = self.called(label);
                assert_eq!(report.functions(), [*label]);
                let missed: &[&str] = if is_first { &[label] } else { &[] };
                assert_eq!(report.missed(), missed, "a run of {label} alone, first: {is_first}");
            }
        }
        self.empty_cache();
        for is_first in [true, false] {
            let report = self.called("all");
            let missed = if is_first { report.functions() } else { Vec::new() };
            assert_eq!(report.functions().len(), labels.len());
            assert_eq!(report.missed(), missed, "a run of all calls, first: {is_first}");
        }
    }

    /// Runs the program for the calls of a label; every value must be right.
    #[track_caller]
    fn called(&self, label: &'static str) -> Report {
        let report = self.edited(&add_variable("CALL", label));
        report.assert_sound(label);
        report
    }

    /// Adds `src/main.rs`, where `wants(label)` tells whether a call is to be made.
    fn calls(self, source: &str, body: &str) -> Self {
        self.main(source, &format!("{WANTS}{body}"))
    }
}
