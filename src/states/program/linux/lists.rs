//! Lists of what the machine code of functions consists of, kept for later builds. Specified in `docs/format.md`, "Pieces of
//! machine code".
//!
//! # Invariants
//! 1. A list is of one function and one fingerprint. Functions of two programs may have equal code, and call what it consists
//!    of by other names. Names are those of the last build that was followed.
//! 2. It explains, and decides nothing: one that is damaged or lost costs an explanation.
//!
//! They lie beside the fingerprints, not in a cache directory. A process of a known build does not
//! follow its code again, so in a new cache directory it would have no list to write. An entry that
//! comes from another machine has its state, but no list here: then the source explains.

use std::sync::Once;

use super::super::super::pieces::{Piece, Pieces};
use super::super::super::record::{self, Digest};
use super::{programs, read};
use crate::code::{Outside, Part};
use crate::error::Result;
use crate::events;
use crate::key::Identity;
use crate::sealed;
use crate::sys;

/// The first line of a list. Its number is also the version of what a digest in it is made of.
const FIRST: &str = "rememo pieces 2 ";

/// How lines begin of what the code can read or change of the outside world.
const READS: &str = "reads ";

/// The last line of a list that was cut off.
const CUT: &str = "more";

/// Where lists of pieces are.
const PIECES: &str = "pieces";

/// Lists that are kept, and those that one process adds.
const MOST_LISTS: usize = 1024;

/// The bytes of a list: a thousand pieces. The nearest come first, and most functions reach fewer.
const LIST: usize = 64 << 10;

/// The bytes of a name in a list.
const NAME: usize = 200;

/// Keeps what a fingerprint is made of, so that later builds can say what differs.
pub(super) fn keep(
    function: &Identity,
    fingerprint: &Digest,
    parts: &[Part],
    outside: &[Outside],
) -> Result<()> {
    static PRUNED: Once = Once::new();
    let Some(dir) = programs()? else { return Ok(()) };
    let (name, text) = (list_of(function, fingerprint), Pieces::of(parts, outside).print(LIST));
    if read(&dir, &name)?.as_ref() == Some(&text) {
        return Ok(());
    }
    // To look at all lists for each new one would take longer than to follow the code.
    let mut pruned = Ok(());
    PRUNED.call_once(|| pruned = sys::prune(&dir, PIECES, MOST_LISTS));
    pruned?;
    sys::replace(&dir, &name, &[text.as_bytes()])
}

/// What the fingerprint of a function is made of, if that is kept.
pub(in crate::states) fn pieces(function: &Identity, fingerprint: &Digest) -> Option<Pieces> {
    let name = list_of(function, fingerprint);
    let text = programs().and_then(|dir| dir.map_or(Ok(None), |dir| read(&dir, &name)));
    text.inspect_err(|error| events::debug!(error = &error, "what machine code consists of is not known"))
        .ok()
        .flatten()
        .and_then(|text| Pieces::parse(&text))
}

fn list_of(function: &Identity, fingerprint: &Digest) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&function.0).update(fingerprint);
    format!("{PIECES}/{}", &record::hex(hasher.finalize().as_bytes())[..32])
}

impl Pieces {
    fn of(parts: &[Part], outside: &[Outside]) -> Self {
        let piece = |part: &Part| {
            let name = memoized(&part.name);
            let end = (0..=NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
            Piece { name: name[..end.unwrap_or(0)].to_owned(), digest: part.digest, parent: part.parent }
        };
        let read = |found: &Outside| (found.name.to_owned(), found.way.join(" → "));
        let reads = outside.iter().map(read).collect();
        Pieces { all: parts.iter().map(piece).collect(), is_cut: false, reads }
    }

    /// Reads a list; `None` if it is damaged in any place.
    fn parse(text: &str) -> Option<Self> {
        let lines = sealed::checked(FIRST, text)?;
        let whole = lines.strip_suffix(&format!("{CUT}\n"));
        let (reads, pieces): (Vec<_>, Vec<_>) =
            whole.unwrap_or(lines).lines().partition(|line| line.starts_with(READS));
        let read = |line: &str| {
            let (name, way) = line.strip_prefix(READS)?.split_once(' ')?;
            Some((name.to_owned(), way.to_owned()))
        };
        let pieces = pieces.into_iter().enumerate();
        let all = pieces.map(|(number, line)| Piece::parse(line, number)).collect::<Option<_>>()?;
        let reads = reads.into_iter().map(read).collect::<Option<_>>()?;
        Some(Pieces { all, is_cut: whole.is_some(), reads })
    }

    /// The list as text: as many lines as there is room for.
    fn print(&self, room: usize) -> String {
        let mut lines: String = self
            .reads
            .iter()
            .map(|(name, way)| format!("{READS}{name} {way}\n"))
            .collect::<Vec<_>>()
            .concat();
        let mut is_cut = self.is_cut;
        for piece in &self.all {
            let line = piece.print();
            is_cut |= lines.len() + line.len() > room;
            if is_cut {
                break;
            }
            lines += &line;
        }
        if is_cut {
            lines = lines + CUT + "\n";
        }
        sealed::with_checksum(FIRST, &lines)
    }
}

impl Piece {
    fn parse(line: &str, number: usize) -> Option<Self> {
        let mut fields = line.splitn(3, ' ');
        let digest = u64::from_str_radix(fields.next().filter(|digits| digits.len() == 16)?, 16).ok()?;
        let parent = match fields.next()? {
            "-" => None,
            parent => Some(parent.parse().ok().filter(|parent| *parent < number)?),
        };
        Some(Piece { name: fields.next()?.to_owned(), digest: digest.to_be_bytes(), parent })
    }

    fn print(&self) -> String {
        let parent = self.parent.map_or_else(|| "-".to_owned(), |parent| parent.to_string());
        format!("{:016x} {parent} {}\n", u64::from_be_bytes(self.digest), self.name)
    }
}

/// The name of the memoized function for the functions that `#[memo]` writes beside it.
fn memoized(name: &str) -> &str {
    const BESIDE: [&str; 3] = ["::uncached", "::delayed", "::__call"];
    const OF_METHODS: [&str; 2] = ["_uncached", "_delayed"];
    let found = BESIDE.iter().chain(&OF_METHODS).find_map(|suffix| name.strip_suffix(suffix));
    found.filter(|rest| !rest.ends_with("::")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Pieces {
        let piece = |name: &str, parent| Piece { name: name.to_owned(), digest: [0xfe; 8], parent };
        let all =
            vec![piece("", None), piece("<shop::Square as Shape>::area", Some(0)), piece("scale", Some(1))];
        let reads = vec![("getenv".to_owned(), "<shop::Square as Shape>::area".to_owned())];
        Pieces { all, is_cut: false, reads }
    }

    #[test]
    fn a_list_is_read_as_it_was_written_or_not_at_all() {
        let text = pieces().print(LIST);
        let lines: Vec<_> = text.lines().skip(1).collect();
        let expected = [
            "reads getenv <shop::Square as Shape>::area",
            "fefefefefefefefe - ",
            "fefefefefefefefe 0 <shop::Square as Shape>::area",
            "fefefefefefefefe 1 scale",
        ];
        assert_eq!(lines, expected);
        assert_eq!(Pieces::parse(&text), Some(pieces()));
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] ^= 1;
            assert!(String::from_utf8(damaged).ok().and_then(|text| Pieces::parse(&text)).is_none(), "{at}");
            assert!(Pieces::parse(&text[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn of_a_long_list_the_nearest_pieces_are_kept() {
        let room = pieces().print(LIST).len() - 90;
        let cut = Pieces::parse(&pieces().print(room)).unwrap();
        assert_eq!(cut, Pieces { all: pieces().all[..2].to_vec(), is_cut: true, ..pieces() });
    }

    #[test]
    fn functions_that_the_macro_writes_have_the_name_of_the_users() {
        for name in ["shop::price::uncached", "shop::price::delayed", "shop::price::__call", "shop::price"] {
            assert_eq!(memoized(name), "shop::price");
        }
        assert_eq!(memoized("shop::Model::fit_uncached"), "shop::Model::fit");
        assert_eq!(memoized("shop::_delayed"), "shop::_delayed");
    }
}
