//! Which entries go when a store is reduced: those that are told to go, then those that were not used for too long, then those
//! that are worth least. Both layouts choose by this; they differ in what they know of an entry's worth.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::{Extent, Limits, Reduced};
use crate::key::FunctionId;

/// Why an entry goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PruneReason {
    /// It is of earlier code, which was not used lately.
    Stale,
    /// It was stored too long ago.
    Old,
    /// It was not used for too long.
    Unused,
    /// There were too many entries, or bytes, and it was worth least.
    WorthLeast,
}

/// What is known of an entry that may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) function: FunctionId,
    pub(crate) created: SystemTime,
    /// How long it was not used (or, if never used, stored).
    pub(crate) unused: Duration,
    pub(crate) bytes: u64,
}

/// What is said of an entry before the limits are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is no part of what is looked at: it stays, and does not count.
    Stays,
    /// The limits decide.
    MayGo,
    Goes(PruneReason),
}

/// What is to go.
#[derive(Clone, Copy)]
pub(crate) struct Selection<'v> {
    pub(crate) limits: Limits,
    pub(crate) verdict: &'v dyn Fn(&Facts) -> Verdict,
    /// Whether it is only counted.
    pub(crate) dry_run: bool,
}

/// An entry that may go, and its place in the store.
#[derive(Debug)]
pub(super) struct Candidate<P> {
    pub(super) facts: Facts,
    /// What it saves: what is worth least goes first.
    pub(super) worth: f64,
    /// Whether it was used a moment ago: then it stays.
    pub(super) in_use: bool,
    pub(super) place: P,
}

/// An entry that is to go.
#[derive(Debug)]
pub(super) struct Chosen<P> {
    pub(super) facts: Facts,
    pub(super) reason: PruneReason,
    pub(super) place: P,
}

/// What went, and why.
#[derive(Debug, Default)]
pub(crate) struct Selected {
    pub(crate) reduced: Reduced,
    pub(crate) parts: BTreeMap<(FunctionId, PruneReason), Extent>,
}

impl Selection<'_> {
    /// Only the limits decide.
    pub(crate) fn of(limits: Limits) -> Selection<'static> {
        Selection { limits, verdict: &|_| Verdict::MayGo, dry_run: false }
    }

    /// The entries that go. Of several that are worth the same, those that were not used for longest go first, then those that
    /// come first.
    pub(super) fn choose<P>(&self, candidates: Vec<Candidate<P>>) -> Vec<Chosen<P>> {
        let (mut count, mut bytes) = (0, 0);
        let mut chosen = Vec::new();
        let mut rest = Vec::new();
        for candidate in candidates {
            let verdict = self.judge(&candidate);
            let Candidate { facts, worth, in_use, place } = candidate;
            match verdict {
                Verdict::Stays => continue,
                Verdict::Goes(reason) => {
                    chosen.push(Chosen { facts, reason, place });
                    continue;
                }
                Verdict::MayGo => {}
            }
            count += 1;
            bytes += facts.bytes;
            if !in_use {
                rest.push((worth, facts, place));
            }
        }
        rest.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.unused.cmp(&a.1.unused)));
        for (_, facts, place) in rest {
            let is_over = self.limits.bytes.is_some_and(|limit| bytes > limit)
                || self.limits.items.is_some_and(|limit| count > limit);
            if !is_over {
                break;
            }
            count -= 1;
            bytes -= facts.bytes;
            chosen.push(Chosen { facts, reason: PruneReason::WorthLeast, place });
        }
        chosen
    }

    /// What is said of a candidate, whatever is said of others.
    fn judge<P>(&self, candidate: &Candidate<P>) -> Verdict {
        let unused = candidate.facts.unused.as_secs();
        let is_unused = self.limits.age.is_some_and(|limit| unused >= limit.as_secs().max(1));
        match (self.verdict)(&candidate.facts) {
            Verdict::Goes(_) if candidate.in_use => Verdict::MayGo,
            Verdict::MayGo if is_unused && !candidate.in_use => Verdict::Goes(PruneReason::Unused),
            verdict => verdict,
        }
    }
}

impl Selected {
    /// Counts an entry that is gone.
    pub(super) fn add<P>(&mut self, chosen: &Chosen<P>) {
        let Chosen { facts, reason, .. } = chosen;
        self.reduced.entries += 1;
        self.reduced.bytes += facts.bytes;
        let extent = self.parts.entry((facts.function, *reason)).or_default();
        extent.entries += 1;
        extent.bytes += facts.bytes;
    }

    /// Notes what is left of so much.
    pub(super) fn left_of(&mut self, all: Extent) {
        self.reduced.kept_entries = all.entries.saturating_sub(self.reduced.entries);
        self.reduced.kept_bytes = all.bytes.saturating_sub(self.reduced.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of ten bytes: their worth, and for how many seconds they were not used.
    fn choose(selection: &Selection<'_>, entries: &[(f64, u64)]) -> Vec<(usize, PruneReason)> {
        let candidate = |(place, &(worth, unused)): (usize, &(f64, u64))| Candidate {
            facts: Facts {
                function: FunctionId([u8::try_from(place).unwrap(); 8]),
                created: SystemTime::UNIX_EPOCH,
                unused: Duration::from_secs(unused),
                bytes: 10,
            },
            worth,
            in_use: unused == 0,
            place,
        };
        let chosen = selection.choose(entries.iter().enumerate().map(candidate).collect());
        chosen.iter().map(|chosen| (chosen.place, chosen.reason)).collect()
    }

    #[test]
    fn what_is_worth_least_goes_until_the_limits_hold() {
        let entries = [(3.0, 5), (1.0, 5), (1.0, 9), (2.0, 5)];
        let go = |limits| choose(&Selection::of(limits), &entries);
        assert_eq!(go(Limits::new()), []);
        assert_eq!(go(Limits::new().items(3)), [(2, PruneReason::WorthLeast)]);
        let two = [(2, PruneReason::WorthLeast), (1, PruneReason::WorthLeast)];
        assert_eq!(go(Limits::new().bytes(29)), two);
        assert_eq!(go(Limits::new().bytes(20)), two);
        let unused = [(2, PruneReason::Unused), (1, PruneReason::WorthLeast)];
        assert_eq!(go(Limits::new().items(2).age(Duration::from_secs(9))), unused);
    }

    #[test]
    fn what_is_in_use_stays_and_counts() {
        let limits = Limits::new().items(1).age(Duration::ZERO);
        let chosen = choose(&Selection::of(limits), &[(1.0, 0), (2.0, 1)]);
        assert_eq!(chosen, [(1, PruneReason::Unused)]);
    }

    #[test]
    fn what_is_out_of_scope_stays_and_does_not_count() {
        let verdict = |facts: &Facts| match facts.function.0[0] {
            0 => Verdict::Stays,
            1 => Verdict::Goes(PruneReason::Stale),
            _ => Verdict::MayGo,
        };
        let selection = Selection { limits: Limits::new().items(1), verdict: &verdict, dry_run: true };
        let chosen = choose(&selection, &[(0.0, 5), (9.0, 5), (2.0, 5), (1.0, 5)]);
        assert_eq!(chosen, [(1, PruneReason::Stale), (3, PruneReason::WorthLeast)]);
    }
}
