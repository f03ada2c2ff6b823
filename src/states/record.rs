//! The states of one function's code that a cache directory has seen: which to take, and how they are
//! written. Specified in `docs/format.md`, "States of the code".
//!
//! # Invariants
//! 1. What was seen is believed as a whole or not at all: a line that is lost alone could have shown
//!    that a source ran as another machine code here. So a checksum covers all of them.
//! 2. The name of a new state is derived from what it is made of. Whoever loses the record, or never
//!    had it, names it the same.

use std::fmt::Write;

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
}

/// The first line of a record.
const FIRST: &str = "rememo states 1 ";

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
///    source elsewhere.
/// 3. A new one. Also if the source is known, but ran as other machine code on this platform: the
///    source does not show what changed.
pub(super) fn state_of(seen: &[Seen], code: &Code) -> (Digest, bool) {
    let runs_as = |seen: &&Seen| seen.code.platform == code.platform && seen.code.machine == code.machine;
    if let Some(same) = seen.iter().find(runs_as) {
        let is_known = seen.iter().any(|seen| seen.code == *code);
        return (same.state, !is_known);
    }
    let with_source = || seen.iter().filter(|seen| seen.code.source == code.source);
    if let Some(first) = with_source().next()
        && with_source().all(|seen| seen.state == first.state)
        && !seen.iter().any(|seen| seen.state == first.state && seen.code.platform == code.platform)
    {
        return (first.state, true);
    }
    (code.new_state(), true)
}

/// Adds a code that was not seen before. Of too many the oldest goes that tells nothing but that its source was of its
/// state too; else the oldest other state, with all that was seen of it.
pub(super) fn add(all: &mut Vec<Seen>, news: Seen) {
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
    let Seen { state, code } = all[at];
    let runs_as = |other: &Seen| {
        other.state == state && other.code.platform == code.platform && other.code.machine == code.machine
    };
    all[at + 1..].iter().any(runs_as)
        && all.iter().all(|other| other.code.source != code.source || other.state == state)
}

/// A line for each, behind a checksum of all.
pub(super) fn write(seen: &[Seen]) -> String {
    let mut lines = String::new();
    for Seen { state, code } in seen {
        let fields = [state, &code.source, &code.platform, &code.machine].map(hex);
        let _ = writeln!(lines, "{}", fields.join(" "));
    }
    format!("{FIRST}{}\n{lines}", hex(blake3::hash(lines.as_bytes()).as_bytes()))
}

/// What was seen; nothing, if the text is damaged in any place.
pub(super) fn read(text: &str) -> Option<Vec<Seen>> {
    let (first, lines) = text.split_once('\n')?;
    let checksum = digest(first.strip_prefix(FIRST)?)?;
    if *blake3::hash(lines.as_bytes()).as_bytes() != checksum {
        return None;
    }
    lines.lines().map(read_line).collect()
}

fn read_line(line: &str) -> Option<Seen> {
    let fields: Vec<Digest> = line.split(' ').map(digest).collect::<Option<_>>()?;
    let [state, source, platform, machine] = fields.try_into().ok()?;
    Some(Seen { state, code: Code { source, platform, machine } })
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
            let (state, is_news) = state_of(&seen, code);
            if is_news {
                add(&mut seen, Seen { state, code: *code });
            }
            state
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
            .map(|number| Seen { state: [number + 10; 32], code: code(number, DEBUG, number + 20) })
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
            add(&mut seen, Seen { state: [u8::from(number > 1); 32], code });
        }
        assert_eq!(seen.len(), MOST - 1);
        assert!(seen.iter().all(|seen| seen.state == [1; 32]));
    }

    #[test]
    fn of_too_many_sources_of_one_state_the_oldest_go_and_the_state_stays() {
        let mut seen = Vec::new();
        let edited = |number| numbered(code(0, DEBUG, 7), |code| &mut code.source, number);
        let first = state_of(&seen, &edited(0)).0;
        for number in 0..2 * MOST {
            let (state, is_news) = state_of(&seen, &edited(number));
            assert_eq!((state, is_news), (first, true));
            add(&mut seen, Seen { state, code: edited(number) });
        }
        assert_eq!(seen.len(), MOST);
        // A source that was forgotten is not believed elsewhere, one that is known is.
        assert_ne!(state_of(&seen, &Code { platform: [RELEASE; 32], ..edited(0) }).0, first);
        assert_eq!(state_of(&seen, &Code { platform: [RELEASE; 32], ..edited(2 * MOST - 1) }).0, first);
    }

    #[test]
    fn a_source_of_two_states_is_kept_as_such() {
        let mut seen = Vec::new();
        // It ran as two codes.
        for machine in [8, 7] {
            let code = code(1, DEBUG, machine);
            let (state, _) = state_of(&seen, &code);
            add(&mut seen, Seen { state, code });
        }
        for number in 0..2 * MOST {
            let code = numbered(code(0, DEBUG, 7), |code| &mut code.source, number);
            let (state, _) = state_of(&seen, &code);
            add(&mut seen, Seen { state, code });
        }
        let elsewhere = code(1, RELEASE, 70);
        assert_eq!(state_of(&seen, &elsewhere).0, elsewhere.new_state());
    }
}
