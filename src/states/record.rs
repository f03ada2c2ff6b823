//! The states of one function's code that a cache directory has seen: which to take, and how they are
//! written. Specified in `docs/format.md`, "States of the code".
//!
//! # Invariants
//! 1. What was seen is believed as a whole or not at all: a line that is lost alone could have shown
//!    that a source ran as another machine code here. So a checksum covers all of them.
//! 2. The name of a new state is derived from what it is made of. Whoever loses the record, or never
//!    had it, names it the same.

use std::fmt::Write;

use crate::sealed::{checked, with_checksum};

/// A digest of 32 bytes.
pub(super) type Digest = [u8; 32];

/// What tells a program's code of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    /// The fingerprint of the source.
    pub(super) source: Digest,
    /// What must be equal for machine fingerprints to be comparable.
    pub(super) platform: Digest,
    /// The fingerprint of the machine code; where there is none, that of the source.
    pub(super) machine: Digest,
}

/// A code, and the state that it was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) state: Digest,
    pub(super) code: Code,
    /// The state that it would be in, if a user had not declared it equal to the one before.
    pub(super) own: Option<Digest>,
}

/// The first line of a record.
const FIRST: &str = "rememo states 2 ";

/// More codes than that are not remembered, see [`add`].
const MOST: usize = 1000;

/// Domain of blake3's key derivation; the number is the version of what is derived.
const STATE_CONTEXT: &str = "rememo key 4: state of the code";

impl Code {
    /// The name of the state that begins with this code.
    pub(super) fn new_state(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(STATE_CONTEXT);
        for digest in [&self.source, &self.platform, &self.machine] {
            hasher.update(digest);
        }
        *hasher.finalize().as_bytes()
    }
}

/// The state that a program of this code is in, and whether that is news.
///
/// 1. The same machine code on the same platform was seen: it is the same, whatever the source is.
/// 2. The same source was seen in one state alone, and nothing of this platform in it: it is the same
///    source elsewhere. Of a source that was adopted into the state, nothing of this source and platform.
/// 3. A new one. Also if the source is known, but ran as other machine code on this platform: the
///    source does not show what changed.
pub(super) fn state_of(seen: &[Seen], code: &Code) -> (Seen, bool) {
    let runs_as = |seen: &&Seen| seen.code.platform == code.platform && seen.code.machine == code.machine;
    if let Some(same) = seen.iter().find(runs_as) {
        let known = seen.iter().find(|seen| seen.code == *code);
        return known.map_or((Seen { code: *code, ..*same }, true), |known| (*known, false));
    }
    let with_source = || seen.iter().filter(|seen| seen.code.source == code.source);
    if let Some(first) = with_source().next()
        && with_source().all(|seen| seen.state == first.state)
    {
        let is_adopted = first.own.is_some();
        let is_of =
            |seen: &&Seen| seen.state == first.state && (!is_adopted || seen.code.source == code.source);
        if !seen.iter().filter(is_of).any(|seen| seen.code.platform == code.platform) {
            return (Seen { code: *code, ..*first }, true);
        }
    }
    (Seen { state: code.new_state(), code: *code, own: None }, true)
}

/// As [`state_of`], for a source that was declared to give the same values as the code before it: in place of a
/// state of its own it is in the one that was noted before that, if there is one. Once on each platform: what the
/// source does not show was not declared.
pub(super) fn adopted_state_of(seen: &[Seen], code: &Code) -> (Seen, bool) {
    let (found, is_news) = state_of(seen, code);
    let is_done = |seen: &Seen| {
        seen.own.is_some() && seen.code.source == code.source && seen.code.platform == code.platform
    };
    if found.own.is_some() || seen.iter().any(is_done) {
        return (found, is_news);
    }
    let before = seen.iter().take_while(|seen| seen.state != found.state);
    match before.last() {
        Some(before) => (Seen { state: before.state, code: *code, own: Some(found.state) }, true),
        None => (found, is_news),
    }
}

/// The record of a function of which these sources are adopted: codes of others are in their own states.
pub(super) fn in_force(mut seen: Vec<Seen>, adopted: &[Digest]) -> Vec<Seen> {
    for seen in &mut seen {
        if !adopted.contains(&seen.code.source)
            && let Some(own) = seen.own.take()
        {
            seen.state = own;
        }
    }
    seen
}

/// Adds a code that was not seen before, or in another state. Of too many the oldest goes that tells nothing but that its
/// source was of its state too; else the oldest other state, with all that was seen of it.
pub(super) fn add(all: &mut Vec<Seen>, news: Seen) {
    if let Some(known) = all.iter_mut().find(|seen| seen.code == news.code) {
        *known = news;
        return;
    }
    all.push(news);
    if all.len() <= MOST {
        return;
    }
    if let Some(spare) = (0..all.len()).find(|&at| is_spare(all, at)) {
        all.remove(spare);
    } else if let Some(oldest) = all.iter().map(|seen| seen.state).find(|state| *state != news.state) {
        all.retain(|seen| seen.state != oldest);
    }
}

/// Whether all conclusions about other sources are the same without a line, and those about its own lead to a new state.
fn is_spare(all: &[Seen], at: usize) -> bool {
    let Seen { state, code, .. } = all[at];
    let runs_as = |other: &Seen| {
        other.state == state && other.code.platform == code.platform && other.code.machine == code.machine
    };
    all[at + 1..].iter().any(runs_as)
        && all.iter().all(|other| other.code.source != code.source || other.state == state)
}

/// A line for each, behind a checksum of all.
pub(super) fn write(seen: &[Seen]) -> String {
    let mut lines = String::new();
    for Seen { state, code, own } in seen {
        let fields =
            [Some(state), Some(&code.source), Some(&code.platform), Some(&code.machine), own.as_ref()];
        let fields: Vec<String> = fields.into_iter().flatten().map(hex).collect();
        let _ = writeln!(lines, "{}", fields.join(" "));
    }
    with_checksum(FIRST, &lines)
}

/// What was seen; nothing, if the text is damaged in any place.
pub(super) fn read(text: &str) -> Option<Vec<Seen>> {
    checked(FIRST, text)?.lines().map(read_line).collect()
}

fn read_line(line: &str) -> Option<Seen> {
    let mut fields: Vec<Digest> = line.split(' ').map(digest).collect::<Option<_>>()?;
    let own = if fields.len() == 5 { fields.pop() } else { None };
    let [state, source, platform, machine] = fields.try_into().ok()?;
    Some(Seen { state, code: Code { source, platform, machine }, own })
}

pub(super) fn hex(digest: &Digest) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

pub(super) fn digest(digits: &str) -> Option<Digest> {
    blake3::Hash::from_hex(digits).ok().map(|hash| *hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: u8, platform: u8, machine: u8) -> Code {
        Code { source: [source; 32], platform: [platform; 32], machine: [machine; 32] }
    }

    /// A directory that programs of these codes ran on, one after the other: the state of each.
    fn history(codes: &[Code]) -> Vec<Digest> {
        let mut seen = Vec::new();
        let visit = |code: &Code| {
            let (found, is_news) = state_of(&seen, code);
            if is_news {
                add(&mut seen, found);
            }
            found.state
        };
        codes.iter().map(visit).collect()
    }

    const DEBUG: u8 = 1;
    const RELEASE: u8 = 2;

    #[test]
    fn the_same_machine_code_is_the_same_whatever_the_source() {
        let states = history(&[code(1, DEBUG, 7), code(2, DEBUG, 7), code(3, DEBUG, 7)]);
        assert!(states.iter().all(|state| *state == states[0]));
    }

    #[test]
    fn other_machine_code_of_one_source_and_platform_is_another_state() {
        let states = history(&[code(1, DEBUG, 7), code(1, DEBUG, 8), code(1, DEBUG, 7), code(1, DEBUG, 8)]);
        assert_ne!(states[0], states[1]);
        assert_eq!([states[0], states[1]], [states[2], states[3]]);
    }

    #[test]
    fn the_same_source_goes_on_elsewhere_and_an_edit_that_it_does_not_show_ends_that() {
        let states = history(&[code(1, DEBUG, 7), code(1, RELEASE, 70), code(1, RELEASE, 71)]);
        assert_eq!(states[0], states[1]);
        assert_ne!(states[1], states[2]);
        // The source is of two states now: which of them it is elsewhere, nobody can tell.
        let elsewhere =
            history(&[code(1, DEBUG, 7), code(1, RELEASE, 70), code(1, RELEASE, 71), code(1, 3, 9)]);
        assert!(!elsewhere[..3].contains(&elsewhere[3]));
    }

    #[test]
    fn an_edit_that_is_undone_is_the_old_state() {
        let states = history(&[code(1, DEBUG, 7), code(2, DEBUG, 8), code(1, DEBUG, 7)]);
        assert_ne!(states[0], states[1]);
        assert_eq!(states[0], states[2]);
    }

    #[test]
    fn whoever_loses_the_record_names_a_state_as_before() {
        let (first, second) = (code(1, DEBUG, 7), code(1, DEBUG, 8));
        let kept = history(&[first, second]);
        assert_eq!(kept, [history(&[first])[0], history(&[second])[0]]);
    }

    #[test]
    fn a_record_is_read_as_it_was_written_or_not_at_all() {
        let seen: Vec<_> = (0..3)
            .map(|number| Seen {
                state: [number + 10; 32],
                code: code(number, DEBUG, number + 20),
                own: (number == 1).then_some([5; 32]),
            })
            .collect();
        let text = write(&seen);
        assert_eq!(read(&text), Some(seen));
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(String::from_utf8(damaged).ok().and_then(|text| read(&text)), None, "{at}");
            assert_eq!(read(&text[..at]), None, "{at}");
        }
    }

    /// A code whose source, or machine code, has this number.
    fn numbered(mut code: Code, what: fn(&mut Code) -> &mut Digest, number: usize) -> Code {
        what(&mut code)[..8].copy_from_slice(&number.to_le_bytes());
        code
    }

    #[test]
    fn of_too_many_states_the_oldest_go_whole() {
        let mut seen = Vec::new();
        for number in 0..=MOST {
            let code = numbered(code(0, DEBUG, 0), |code| &mut code.machine, number);
            // The first two are one state.
            add(&mut seen, Seen { state: [u8::from(number > 1); 32], code, own: None });
        }
        assert_eq!(seen.len(), MOST - 1);
        assert!(seen.iter().all(|seen| seen.state == [1; 32]));
    }

    #[test]
    fn of_too_many_sources_of_one_state_the_oldest_go_and_the_state_stays() {
        let mut seen = Vec::new();
        let edited = |number| numbered(code(0, DEBUG, 7), |code| &mut code.source, number);
        let first = state_of(&seen, &edited(0)).0.state;
        for number in 0..2 * MOST {
            let (found, is_news) = state_of(&seen, &edited(number));
            assert_eq!((found.state, is_news), (first, true));
            add(&mut seen, found);
        }
        assert_eq!(seen.len(), MOST);
        // A source that was forgotten is not believed elsewhere, one that is known is.
        assert_ne!(state_of(&seen, &Code { platform: [RELEASE; 32], ..edited(0) }).0.state, first);
        assert_eq!(state_of(&seen, &Code { platform: [RELEASE; 32], ..edited(2 * MOST - 1) }).0.state, first);
    }

    #[test]
    fn a_source_of_two_states_is_kept_as_such() {
        let mut seen = Vec::new();
        // It ran as two codes.
        for machine in [8, 7] {
            let code = code(1, DEBUG, machine);
            let (found, _) = state_of(&seen, &code);
            add(&mut seen, found);
        }
        for number in 0..2 * MOST {
            let code = numbered(code(0, DEBUG, 7), |code| &mut code.source, number);
            let (found, _) = state_of(&seen, &code);
            add(&mut seen, found);
        }
        let elsewhere = code(1, RELEASE, 70);
        assert_eq!(state_of(&seen, &elsewhere).0.state, elsewhere.new_state());
    }
}
