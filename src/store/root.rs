//! The root of a cache directory: what makes a directory one, and what makes it unacceptable.
//!
//! ```text
//! <root>/CACHEDIR.TAG  .gitignore ("*")  format
//!        functions/  blobs/  leases/  tmp/
//!        log/  index          (log layout)
//! ```
//!
//! # Invariants
//! 1. A directory with somebody else's files in it is refused, and nothing is written there: `Memory::open(".")` must
//!    not turn a project into a cache (and hide it from git).
//! 2. Every file appears whole. Two processes may prepare one directory at once.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::Layout;
use crate::error::{Error, Result};
use crate::sys::whole_file;

/// Which layout the entries of a directory have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Log,
    Files,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Files, Kind::Log];

    /// Says which program made the directory, which version, and which layout its entries have.
    fn format(self) -> &'static str {
        match self {
            Kind::Log => "rememo 1 log\n",
            Kind::Files => "rememo 1 files\n",
        }
    }
}

/// As <https://bford.info/cachedir/> has it: backup programs leave such directories out.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory is a cache made by rememo. It can be removed at any time.\n";

/// Everything that may stand in a cache directory; `lost+found` is there on a fresh file system.
const OURS: [&str; 10] = [
    "CACHEDIR.TAG",
    ".gitignore",
    "format",
    "functions",
    "blobs",
    "leases",
    "tmp",
    "log",
    "index",
    "lost+found",
];

/// Makes `root` a cache directory, unless it is one already; returns its layout.
pub(super) fn prepare(root: &Path, wanted: Layout) -> Result<Kind> {
    match fs::read_to_string(root.join("format")) {
        // Renamed, but its bytes lost in a power cut.
        Ok(format) if format.is_empty() => {}
        Ok(format) => return existing(root, &format, wanted),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(Error::directory(root, "it is not a directory"));
        }
        Err(error) => return Err(Error::io("read", root.join("format"), error)),
    }
    fs::create_dir_all(root).map_err(|error| Error::io("create cache directory", root, error))?;
    refuse_foreign_files(root)?;
    let kind = match wanted {
        Layout::Log => Kind::Log,
        Layout::Files => Kind::Files,
        Layout::Auto => kind_for(root),
    };
    write_root(root, kind)?;
    Ok(kind)
}

/// The layout of a directory that does not tell it: that which its files have, else the one that suits its file system.
fn kind_for(root: &Path) -> Kind {
    if root.join("log").exists() {
        return Kind::Log;
    }
    #[cfg(target_os = "linux")]
    if !root.join("blobs").exists() && crate::sys::can_share_mappings(root).unwrap_or(false) {
        return Kind::Log;
    }
    Kind::Files
}

/// The layout of the cache in `root`; `None` if there is none.
pub(super) fn kind(root: &Path) -> Option<Kind> {
    let format = fs::read_to_string(root.join("format")).ok()?;
    Kind::ALL.into_iter().find(|kind| kind.format() == format)
}

/// The layout of a directory that has a format.
fn existing(root: &Path, format: &str, wanted: Layout) -> Result<Kind> {
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.format() == format) else {
        let known = Kind::ALL.map(|kind| format!("`{}`", kind.format().trim())).join(" and ");
        let reason = format!(
            "its format is `{}`, and this version of rememo knows {known}; \
             remove the directory or choose another",
            format.trim().escape_debug(),
        );
        return Err(Error::directory(root, reason));
    };
    match (wanted, kind) {
        (Layout::Log, Kind::Files) | (Layout::Files, Kind::Log) => {
            let reason = format!(
                "its entries are in the layout `{}`, not in the one that is asked for; open it with `Layout::Auto`, \
                 remove the directory or choose another",
                kind.format().trim()
            );
            Err(Error::directory(root, reason))
        }
        _ => Ok(kind),
    }
}

fn refuse_foreign_files(root: &Path) -> Result<()> {
    let entries = fs::read_dir(root).map_err(|error| Error::io("list", root, error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| OURS.contains(&name)) {
            let reason = format!(
                "it holds other files, such as `{}`; give an empty or a new directory",
                name.to_string_lossy()
            );
            return Err(Error::directory(root, reason));
        }
    }
    Ok(())
}

fn write_root(root: &Path, kind: Kind) -> Result<()> {
    let log: &[&str] = if kind == Kind::Log { &["log"] } else { &[] };
    for directory in ["functions", "blobs", "leases", "tmp"].iter().chain(log) {
        let path = root.join(directory);
        fs::create_dir_all(&path).map_err(|error| Error::io("create", path, error))?;
    }
    // `format` last, so that a directory that has it is complete.
    for (name, text) in [("CACHEDIR.TAG", TAG), (".gitignore", "*\n"), ("format", kind.format())] {
        whole_file::write(&root.join("tmp"), &root.join(name), &[text.as_bytes()])?;
    }
    Ok(())
}
