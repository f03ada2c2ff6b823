//! Text behind a first line that has a checksum of it: it is read as it was written, or not at all.

/// Lines behind a first one: `first`, then blake3 of them in hexadecimal digits.
pub(crate) fn with_checksum(first: &str, lines: &str) -> String {
    format!("{first}{}\n{lines}", blake3::hash(lines.as_bytes()).to_hex())
}

/// The lines behind the first, if they are as they were written.
pub(crate) fn checked<'t>(first: &str, text: &'t str) -> Option<&'t str> {
    let (head, lines) = text.split_once('\n')?;
    let checksum = blake3::Hash::from_hex(head.strip_prefix(first)?).ok()?;
    (blake3::hash(lines.as_bytes()) == checksum).then_some(lines)
}
