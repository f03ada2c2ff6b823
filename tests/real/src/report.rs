//! What the program printed of its calls.

use std::collections::BTreeMap;

use crate::Result;

/// The calls of each function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report(BTreeMap<String, Vec<Called>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Called {
    is_hit: bool,
    value: String,
    truth: String,
}

impl Report {
    pub(crate) fn parse(printed: &str) -> Result<Self> {
        let mut functions = BTreeMap::<String, Vec<Called>>::new();
        for line in printed.lines() {
            let [name, _, source, value, truth] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(format!("not a call: {line}").into());
            };
            let called = Called { is_hit: source == "hit", value: value.to_owned(), truth: truth.to_owned() };
            functions.entry(name.to_owned()).or_default().push(called);
        }
        Ok(Report(functions))
    }

    /// Whether any call of a function was computed.
    pub(crate) fn is_missed(&self, function: &str) -> bool {
        self.0[function].iter().any(|call| !call.is_hit)
    }

    /// Whether a function came back with what it does not return.
    pub(crate) fn is_stale(&self, function: &str) -> bool {
        self.0[function].iter().any(|call| call.value != call.truth)
    }

    /// Whether a function returns what it did in `other`.
    pub(crate) fn has_values_of(&self, other: &Report, function: &str) -> bool {
        let truths = |report: &Report| -> Vec<String> {
            report.0[function].iter().map(|call| call.truth.clone()).collect()
        };
        truths(self) == truths(other)
    }

    /// The functions that do what `is` says.
    pub(crate) fn those(&self, is: impl Fn(&str) -> bool) -> Vec<String> {
        self.0.keys().filter(|function| is(function)).cloned().collect()
    }

    pub(crate) fn values(&self, function: &str) -> String {
        let values = self.0[function].iter().map(|call| format!("{} for {}", call.value, call.truth));
        values.collect::<Vec<_>>().join(", ")
    }
}
