//! Hits that are computed again, to see whether the function still returns what is kept.
//!
//! A hit whose turn it is counts as a miss, for the reason [`Verified`](super::MissReason::Verified),
//! and goes the way of every miss: in batches, submitted calls and worker processes, too. When the
//! function has run, its value is compared with that of the entry. If they mean the same, the entry
//! stays. If not, the user is told, and the new value takes its place.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::compute::{Computation, Keyed};
use super::turn::Turn;
use crate::codec::Difference;
use crate::events;
use crate::lease::Shared;
use crate::store::Entry;
use crate::tell;

/// Which hits are computed again, and what came of it.
#[derive(Debug)]
pub(super) struct Verification {
    /// In 2^-32 of a hit; zero: none is.
    step: u64,
    /// Hits so far, times the step. It begins anywhere: else runs of a hundred calls would verify the
    /// same one every time.
    turn: AtomicU64,
    verified: AtomicU64,
    mismatches: AtomicU64,
    was_told: AtomicBool,
}

/// All hits.
const WHOLE: u64 = 1 << 32;

impl Verification {
    /// Of this share of the hits, from 0 to 1.
    pub(super) fn new(share: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^32")]
        let step = (share * 2f64.powi(WHOLE.ilog2().cast_signed())).ceil() as u64;
        let start = if step == 0 { 0 } else { RandomState::new().hash_one("verify") };
        Verification {
            step,
            turn: start.into(),
            verified: AtomicU64::new(0),
            mismatches: AtomicU64::new(0),
            was_told: AtomicBool::new(false),
        }
    }

    /// Whether there are hits that are computed again.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.step != 0
    }

    /// Whether it is this hit's turn.
    pub(super) fn is_due(&self) -> bool {
        if !self.is_on() {
            return false;
        }
        let before = self.turn.fetch_add(self.step, Relaxed);
        before.wrapping_add(self.step) / WHOLE != before / WHOLE
    }

    /// How many hits were computed again, and how many of these returned something else.
    pub(super) fn counts(&self) -> [u64; 2] {
        [&self.verified, &self.mismatches].map(|count| count.load(Relaxed))
    }
}

impl<T> Computation<'_, T> {
    /// The entry of a hit that was computed again, if it has the same value; those who wait get it
    /// from there.
    pub(super) fn confirmed(&mut self, value: &T) -> Option<Shared> {
        let entry = self.turn.before.take()?;
        // A value that cannot be read tells nothing; the new one takes its place.
        let before = Keyed { call: self.turn.call, codec: self.codec }.decode(&entry).ok()?;
        let difference = self.codec.difference(&before, value);
        self.turn.compared(*entry, difference)
    }
}

impl Turn<'_> {
    /// The entry that the value was compared with, if there is no difference.
    fn compared(&self, entry: Entry, difference: Option<Difference>) -> Option<Shared> {
        let verification = &self.call.inner.verification;
        verification.verified.fetch_add(1, Relaxed);
        if let Some(difference) = difference {
            verification.mismatches.fetch_add(1, Relaxed);
            self.tell(&difference);
            return None;
        }
        let shared = Shared::new(entry);
        self.land(&shared);
        Some(shared)
    }

    fn tell(&self, difference: &Difference) {
        let (inner, Difference { before, now }) = (self.call.inner, difference);
        let told = format!(
            "`{}({})` returned {before} when it was kept, and {now} when it was computed again: it depends on more \
             than its arguments and its code",
            self.function(),
            self.arguments
        );
        events::error!("{told}");
        if !inner.verification.was_told.swap(true, Relaxed) {
            let more = "(told once; `Stats::mismatches` counts all, the logger is told of each)";
            tell::beside_the_log(&format!("{told} {more}"), inner.manners.is_quiet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_to_one_hit() {
        for (share, hits, least, most) in
            [(0.0, 1_000, 0, 0), (1.0, 1_000, 1_000, 1_000), (0.25, 400, 99, 101), (0.01, 50, 0, 1)]
        {
            let verification = Verification::new(share);
            let due = (0..hits).filter(|_| verification.is_due()).count();
            assert!((least..=most).contains(&due), "{due} of {hits}");
        }
    }

    #[test]
    fn over_many_runs_every_hit_has_its_turn() {
        let firsts = (0..2_000).filter(|_| Verification::new(0.1).is_due()).count();
        assert!((100..400).contains(&firsts), "{firsts}");
    }
}
