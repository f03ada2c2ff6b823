//! What a slot notes of the use of its entry, in one word.
//!
//! | bits | |
//! | --- | --- |
//! | 0–31 | when it was last used (or stored, if never), in seconds since 1970; up to the year 2106 |
//! | 32–39 | in how many spells of [`SPELL`] it was used, up to 255; 0 if it was only stored |
//! | 40–47 | high bits of the hash of its key: the other word of the slot has no room for them |
//! | 48–63 | the clock of the reduction at that time: the high half of an `f32` |

/// Uses that lie so many seconds apart are noted; those between are not, so that most hits write nothing.
pub(in crate::store::log) const SPELL: u32 = 16;

/// Where in the word the bits of the hash are.
const HASH: u64 = 0xFF << 40;

/// When and how often an entry was used.
///
/// The bits of the hash are no part of it. They stay when another note is written: see [`in_place_of`](Note::in_place_of).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store::log) struct Note {
    /// In seconds since 1970.
    pub(in crate::store::log) last_use: u32,
    pub(in crate::store::log) uses: u8,
    pub(in crate::store::log) clock: f64,
}

impl Note {
    /// The note of an entry that is being stored.
    pub(in crate::store::log) fn stored(now: u32, clock: f64) -> Self {
        Note { last_use: now, uses: 0, clock }
    }

    /// Whether a use is to be noted: in place of the note that this word is.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it takes the word apart")]
    pub(in crate::store::log) fn is_due(word: u64, now: u32) -> bool {
        let (last_use, uses) = (word as u32, (word >> 32) as u8);
        uses == 0 || now.abs_diff(last_use) >= SPELL
    }

    /// The note after a use.
    pub(in crate::store::log) fn used(self, now: u32, clock: f64) -> Self {
        Note { last_use: now, uses: self.uses.saturating_add(1), clock }
    }

    /// How many seconds ago it was last used; the most there are, if that lies in the future, so that nobody knows: the clock of
    /// the machine was set back since.
    pub(in crate::store::log) fn age(self, now: u32) -> u32 {
        now.saturating_add(SPELL).checked_sub(self.last_use).map_or(u32::MAX, |age| age.saturating_sub(SPELL))
    }

    /// Whether it was used, not only stored, in the `seconds` before `now`.
    pub(in crate::store::log) fn was_used_within(self, seconds: u32, now: u32) -> bool {
        self.uses > 0 && self.age(now) < seconds + SPELL
    }

    /// Whether it tells more than another note of the same entry: a use, or a later one.
    pub(in crate::store::log) fn tells_more_than(self, other: Note) -> bool {
        let rank = |note: Note| (note.uses > 0, note.last_use, note.uses);
        rank(self) > rank(other)
    }

    #[expect(clippy::cast_possible_truncation, reason = "it takes the word apart")]
    pub(in crate::store::log) fn of_word(word: u64) -> Self {
        let [last_use, high] = [word as u32, (word >> 32) as u32];
        let clock = f64::from(f32::from_bits(high & 0xFFFF_0000));
        Note { last_use, uses: high as u8, clock: if clock.is_finite() { clock.max(0.0) } else { 0.0 } }
    }

    #[expect(clippy::cast_possible_truncation, reason = "eight bits of precision are enough")]
    pub(in crate::store::log) fn to_word(self) -> u64 {
        let clock = (self.clock as f32).to_bits() & 0xFFFF_0000;
        u64::from(clock | u32::from(self.uses)) << 32 | u64::from(self.last_use)
    }

    /// The word of this note in place of `word`, with the bits of the hash that are in that.
    pub(in crate::store::log) fn in_place_of(self, word: u64) -> u64 {
        self.to_word() | word & HASH
    }

    /// How many bits of the hash there are.
    pub(super) const HASH_BITS: u32 = HASH.count_ones();

    /// A word with these bits of a hash.
    pub(super) fn with_hash(word: u64, bits: u32) -> u64 {
        word & !HASH | u64::from(bits) << HASH.trailing_zeros() & HASH
    }

    /// The bits of the hash.
    #[expect(clippy::cast_possible_truncation, reason = "it takes the word apart")]
    pub(super) fn hash(word: u64) -> u32 {
        ((word & HASH) >> HASH.trailing_zeros()) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_fits_a_word() {
        let note = Note { last_use: u32::MAX - 7, uses: 255, clock: 0.375 };
        assert_eq!(Note::of_word(note.to_word()), note);
        let word = Note::with_hash(note.to_word(), 0xA5);
        assert_eq!((Note::of_word(word), Note::hash(word)), (note, 0xA5));
        let used = Note::stored(7, 0.0).in_place_of(word);
        assert_eq!((Note::of_word(used), Note::hash(used)), (Note::stored(7, 0.0), 0xA5));
        let rough = Note { clock: 1e-7, ..note };
        let clock = Note::of_word(rough.to_word()).clock;
        assert!((clock / 1e-7 - 1.0).abs() < 0.01, "{clock}");
        assert!(Note::of_word(u64::MAX).clock.abs() < f64::MIN_POSITIVE);
    }

    #[test]
    fn a_use_is_noted_once_in_a_spell() {
        let stored = Note::stored(1000, 0.0);
        assert!(!stored.was_used_within(60, 1000), "storing is no use");
        assert!(Note::is_due(stored.to_word(), 1000));
        let used = stored.used(1000, 0.5);
        let is_due = |now| Note::is_due(Note::with_hash(used.to_word(), 0xFF), now);
        assert_eq!(used, Note { last_use: 1000, uses: 1, clock: 0.5 });
        assert!(!is_due(1015) && is_due(1016));
        assert_eq!(used.used(1016, 0.5).uses, 2);
        assert!(used.was_used_within(60, 1075) && !used.was_used_within(60, 1076));
        assert!(is_due(900), "the clock of the machine was set back");
        assert_eq!([used.age(1010), used.age(1000), used.age(990), used.age(900)], [10, 0, 0, u32::MAX]);
        assert!(used.was_used_within(60, 990) && !used.was_used_within(60, 900), "used in the future");
    }
}
