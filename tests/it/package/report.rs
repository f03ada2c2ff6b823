//! What a program printed: a line for each call, `function hit|miss value uncached_value`, with tabs between.

use std::collections::BTreeMap;

/// The calls of each function, in order.
#[derive(Debug)]
pub struct Report(BTreeMap<String, Vec<Called>>);

#[derive(Debug)]
struct Called {
    hit: bool,
    value: String,
    uncached: String,
}

impl Report {
    #[track_caller]
    pub fn parse(printed: &str) -> Self {
        let mut functions = BTreeMap::<String, Vec<Called>>::new();
        // `cargo test` prints empty lines, too.
        for line in printed.lines().filter(|line| !line.is_empty()) {
            let [name, source, value, uncached] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not a call: {line}")
            };
            let called =
                Called { hit: source == "hit", value: value.to_owned(), uncached: uncached.to_owned() };
            functions.entry(name.replace(' ', "")).or_default().push(called);
        }
        Report(functions)
    }

    pub fn functions(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The functions of which a call was a miss.
    pub fn missed(&self) -> Vec<&str> {
        self.those(|calls| calls.iter().any(|call| !call.hit))
    }

    /// The functions that came back with a value which they do not return now.
    pub fn stale(&self) -> Vec<&str> {
        self.those(|calls| calls.iter().any(|call| call.value != call.uncached))
    }

    /// What the calls of `function` return: the value from the cache, and the right one.
    pub fn values(&self, function: &str) -> Vec<(&str, &str)> {
        self.0[function].iter().map(|call| (call.value.as_str(), call.uncached.as_str())).collect()
    }

    /// Whether `function` returns for each call what it did in `other`.
    #[track_caller]
    pub fn same_values(&self, other: &Report, function: &str) -> bool {
        let (now, then) = (&self.0[function], &other.0[function]);
        now.iter().map(|call| &call.uncached).eq(then.iter().map(|call| &call.uncached))
    }

    #[track_caller]
    pub fn assert_sound(&self, what: &str) {
        assert_eq!(self.stale(), [""; 0], "stale in {what}: {self:?}");
    }

    fn those(&self, is: impl Fn(&[Called]) -> bool) -> Vec<&str> {
        self.0.iter().filter(|(_, calls)| is(calls)).map(|(name, _)| name.as_str()).collect()
    }
}
