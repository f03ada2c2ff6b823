//! Which sources of a function a user has declared equal to the code before them. Specified in `docs/format.md`,
//! "Adopted code".
//!
//! # Invariants
//! 1. A declaration counts for the source that the program has when it is made, and for no later one.
//! 2. A list that is lost or damaged costs entries: each code is in its own state again.
//!
//! The list of a function stands beside the records of its instances, since an instance is not known
//! before a call of it is made. Records keep the state that a code was in before, so the list can be
//! taken back.

use super::record::{self, Digest};
use crate::error::Result;
use crate::key::FunctionId;
use crate::sealed;
use crate::sys::{self, Dir};

/// Where the lists are.
const ADOPTED: &str = "adopted";

/// The first line of a list.
const FIRST: &str = "rememo adopted 1 ";

/// A longer list is none: as many sources as a record has codes have 65 KB.
const LARGEST: u64 = 1 << 20;

/// The adopted sources of a function, the oldest first.
pub(super) fn read(dir: &Dir, function: FunctionId) -> Result<Vec<Digest>> {
    let Some((text, _)) = dir.read(&name(function), LARGEST)? else { return Ok(Vec::new()) };
    let lines = std::str::from_utf8(&text).ok().and_then(|text| sealed::checked(FIRST, text));
    let sources = lines.and_then(|lines| lines.lines().map(record::digest).collect());
    Ok(sources.unwrap_or_default())
}

/// Adds a source to those that are adopted.
pub(super) fn add(dir: &Dir, function: FunctionId, source: &Digest) -> Result<()> {
    let mut sources = read(dir, function)?;
    if sources.contains(source) {
        return Ok(());
    }
    sources.push(*source);
    let lines: Vec<_> = sources.iter().map(record::hex).collect();
    let text = sealed::with_checksum(FIRST, &(lines.join("\n") + "\n"));
    sys::replace(dir, &name(function), &[text.as_bytes()])
}

/// Takes all declarations about a function back.
pub(super) fn remove(dir: &Dir, function: FunctionId) -> Result<()> {
    dir.remove(&name(function)).map(drop)
}

fn name(function: FunctionId) -> String {
    format!("{ADOPTED}/{function}")
}
