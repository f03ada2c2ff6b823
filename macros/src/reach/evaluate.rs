//! What the compiler reads while it expands: paths of files, and environment variables.

use std::path::{Path, PathBuf};

use super::index::Crate;
use super::mentions::{string, top_level_comma};
use super::tokens::{Code, Kind};

/// The path that the argument of `include!` and its like spells, from the directory of the file it stands in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spelled {
    /// This file.
    File(PathBuf),
    /// Some file below this directory: the rest depends on what a macro is given.
    Below(PathBuf),
    Unknown,
}

pub(crate) fn path(code: Code<'_>, dir: &Path, of: &Crate) -> Spelled {
    let mut text = String::new();
    let is_whole = spell(code, of, &mut text).is_some();
    match text.rfind('/') {
        _ if is_whole => Spelled::File(dir.join(text)),
        _ if Path::new(&text).is_dir() => Spelled::Below(PathBuf::from(text)),
        Some(end) => Spelled::Below(dir.join(&text[..end])),
        // A variable of a macro alone: who invokes the macro gives it the path.
        None if code.is_punct(code.start, '$') => Spelled::Unknown,
        None => Spelled::Below(dir.to_owned()),
    }
}

/// The text of a string literal or of `concat!`; `None` if it depends on a macro.
pub(crate) fn text(code: Code<'_>, of: &Crate) -> Option<String> {
    let mut text = String::new();
    // What follows a comma is the message of `env!`.
    spell(code.range(code.start, top_level_comma(code)), of, &mut text)?;
    Some(text)
}

/// Adds the value of a string literal, `concat!(…)` of such, or `env!(…)`; `None` where that is not known.
fn spell(code: Code<'_>, of: &Crate, text: &mut String) -> Option<()> {
    let mut index = code.start;
    while let Some(token) = code.get(index) {
        if token.kind == Kind::Literal {
            text.push_str(plain(code.text(token))?);
        } else if code.is_punct(index + 1, '!') {
            let argument = code.group(index + 2)?;
            match code.word(index)? {
                "concat" => spell(argument, of, text)?,
                "env" => text.push_str(&variable(string(argument.text(argument.get(argument.start)?))?, of)?),
                _ => return None,
            }
            index += 2;
        } else if !code.is_punct(index, ',') && !code.is_punct(index, ':') {
            // `core::concat!` and such.
            code.word(index).filter(|word| matches!(*word, "core" | "std"))?;
        }
        index = code.after(index);
    }
    Some(())
}

/// What a literal puts into a path: the text of a string without escapes, or a number.
fn plain(literal: &str) -> Option<&str> {
    match string(literal) {
        Some(text) if literal.starts_with('"') && text.contains('\\') => None,
        Some(text) => Some(text),
        None => Some(literal).filter(|literal| literal.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

/// The value of a variable while `of` is compiled, as far as that is known.
pub(crate) fn variable(name: &str, of: &Crate) -> Option<String> {
    match name {
        "CARGO_MANIFEST_DIR" => Some(of.dir.to_string_lossy().into_owned()),
        "OUT_DIR" if !of.is_own => of.out_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned()),
        _ if name.starts_with("CARGO_PKG_") && !of.is_own => Some(of.about.clone()),
        _ => std::env::var(name).ok(),
    }
}

#[cfg(test)]
mod tests;
