//! The root of a cache directory: what makes a directory one, and what makes it unacceptable.
//!
//! ```text
//! <root>/format  CACHEDIR.TAG  .gitignore ("*")
//!        functions/  blobs/  leases  tmp/
//!        log/  index          (log layout)
//! ```
//!
//! # Invariants
//! 1. A directory with somebody else's files in it is refused, and nothing is written there: `Memory::open(".")` must
//!    not turn a project into a cache (and hide it from git).
//! 2. `format` decides the layout. It appears whole, before anything else, and the first one stays: whoever makes the directory at
//!    the same time takes what the first decided.
//! 3. Everything else is made when it is missing. So a directory whose creation was killed anywhere is as good as a new one.
//!
//! | killed after | what the next opener sees | and does |
//! | --- | --- | --- |
//! | the directory | nothing | decides, as in a new directory |
//! | a file in `tmp/` | a file that nobody has locked | removes it, and decides |
//! | `format` | the layout | makes what is missing |
//!
//! Why (2): processes that made one directory together took two layouts, since one of them saw what
//! another had made halfway. `format` is written aside and linked to its name, which fails if that
//! is taken.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::Layout;
use crate::error::{Error, Result};
use crate::events;
use crate::sys::{self, Access, Dir, FileSystem, Temporary};

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
            Kind::Log => "rememo 3 log\n",
            Kind::Files => "rememo 3 files\n",
        }
    }
}

const FORMAT: &str = "format";

/// As <https://bford.info/cachedir/> has it: backup programs leave such directories out.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory is a cache made by rememo. It can be removed at any time.\n";

/// Everything that may stand in a cache directory; `lost+found` is there on a fresh file system.
const OURS: [&str; 18] = [
    "CACHEDIR.TAG",
    ".gitignore",
    FORMAT,
    "functions",
    "adopted",
    "states",
    "states.lock",
    "blobs",
    "leases",
    "locks",
    "tmp",
    "totals",
    "totals.lock",
    "runs",
    "sessions",
    "log",
    "index",
    "lost+found",
];

/// Makes `path` a cache directory, unless it is one already; returns it and its layout.
pub(super) fn prepare(path: &Path, wanted: Layout) -> Result<(Dir, Kind)> {
    let dir = create(path)?;
    let kind = match read_format(&dir)? {
        Format::Told(format) => existing(&dir, &format, wanted)?,
        Format::Lost(file) => decide(&dir, Some(file), wanted)?,
        Format::Missing => decide(&dir, None, wanted)?,
    };
    check_file_system(&dir, kind)?;
    complete(&dir)?;
    Ok((dir, kind))
}

/// Says again what a cache directory is that was removed and made again while it was in use.
pub(super) fn restore(dir: &Dir, kind: Kind) -> Result<()> {
    let file = Temporary::create(dir)?;
    file.write(|file| sys::write_at(file, kind.format().as_bytes(), 0))?;
    place_first(dir, file, kind)?;
    match read_format(dir)? {
        Format::Told(format) if format == kind.format() => complete(dir),
        _ => Err(Error::directory(dir.path(), "it was removed, and is now a cache of another layout")),
    }
}

/// The cache directory at `path` and its layout; `None` if there is none.
pub(super) fn find(path: &Path) -> Result<Option<(Dir, Kind)>> {
    let Some(dir) = Dir::open(path)? else { return Ok(None) };
    let Format::Told(format) = read_format(&dir)? else { return Ok(None) };
    let kind = existing(&dir, &format, Layout::Auto)?;
    check_file_system(&dir, kind)?;
    Ok(Some((dir, kind)))
}

/// That there is no cache at `path`.
pub(super) fn is_none(path: &Path) -> Error {
    let reason = if path.exists() { "there is no cache in it" } else { "it does not exist" };
    Error::directory(path, format!("{reason}; `Memory::open` makes one"))
}

fn create(path: &Path) -> Result<Dir> {
    match Dir::open(path) {
        Ok(Some(dir)) => Ok(dir),
        Ok(None) => {
            fs::create_dir_all(path).map_err(|error| Error::io("create cache directory", path, error))?;
            Dir::create(path)
        }
        Err(error) if error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotADirectory) => {
            Err(Error::directory(path, "it is not a directory"))
        }
        Err(error) => Err(error),
    }
}

/// What the directory says of its format.
#[derive(Debug)]
enum Format {
    Told(String),
    /// The file is there, but its bytes were lost in a power cut.
    Lost(File),
    Missing,
}

fn read_format(dir: &Dir) -> Result<Format> {
    let Some((file, _)) = dir.find(FORMAT, Access::Read)? else { return Ok(Format::Missing) };
    let mut bytes = Vec::with_capacity(64);
    (&file).take(1024).read_to_end(&mut bytes).map_err(|error| dir.error("read", FORMAT, error))?;
    let is_lost = bytes.iter().all(|&byte| byte == 0);
    Ok(if is_lost { Format::Lost(file) } else { Format::Told(String::from_utf8_lossy(&bytes).into_owned()) })
}

/// Decides the layout of a directory that has none, unless somebody else does so first.
fn decide(dir: &Dir, lost: Option<File>, wanted: Layout) -> Result<Kind> {
    refuse_foreign_files(dir)?;
    let kind = match wanted {
        Layout::Log => Kind::Log,
        Layout::Files => Kind::Files,
        Layout::Auto => kind_for(dir)?,
    };
    let file = Temporary::create(dir)?;
    file.write(|file| sys::write_at(file, kind.format().as_bytes(), 0))?;
    match lost {
        None => place_first(dir, file, kind)?,
        Some(lost) => {
            // One after the other: the first who gets the lock decides.
            while let Err(error) = lost.lock() {
                if error.kind() != ErrorKind::Interrupted {
                    return Err(dir.error("lock", FORMAT, error));
                }
            }
            if let Format::Lost(_) = read_format(dir)? {
                file.place(FORMAT)?;
            }
        }
    }
    match read_format(dir)? {
        Format::Told(format) => existing(dir, &format, wanted),
        Format::Lost(_) | Format::Missing => Err(dir.error("read", FORMAT, ErrorKind::UnexpectedEof.into())),
    }
}

/// Gives the file its name if it is the first to have it.
fn place_first(dir: &Dir, file: Temporary<'_>, kind: Kind) -> Result<()> {
    match file.place_new(FORMAT) {
        // Not all file systems have links. Then the file is made in place; whoever reads it too early finds it empty, and
        // decides by the same rules.
        Err(error) if error.io_error().is_some_and(|error| error.kind() != ErrorKind::StorageFull) => {
            if let Some(file) = dir.create_new(FORMAT)? {
                sys::write_at(&file, kind.format().as_bytes(), 0)
                    .map_err(|error| dir.error("write", FORMAT, error))?;
            }
            Ok(())
        }
        result => result.map(drop),
    }
}

/// The layout of a directory that does not tell it: that which its files have, else the one that suits its file system.
fn kind_for(dir: &Dir) -> Result<Kind> {
    if dir.stat("log")?.is_some() {
        return Ok(Kind::Log);
    }
    if dir.stat("blobs")?.is_some() || !can_be_log(dir)? {
        return Ok(Kind::Files);
    }
    Ok(Kind::Log)
}

/// Whether the log layout works on the file system of a directory.
fn can_be_log(dir: &Dir) -> Result<bool> {
    Ok(cfg!(target_os = "linux") && dir.file_system()? != FileSystem::Other)
}

/// Refuses a log where processes cannot share it: it was made elsewhere, and came here by a mount or a copy.
fn check_file_system(dir: &Dir, kind: Kind) -> Result<()> {
    if kind == Kind::Files || can_be_log(dir)? {
        return Ok(());
    }
    let reason = "its entries are in a log, which can be shared on a local file system of Linux alone, and this file system \
                  is not known to be one; use another directory here, which gets the files layout";
    Err(Error::directory(dir.path(), reason))
}

/// The layout of a directory that has a format.
fn existing(dir: &Dir, format: &str, wanted: Layout) -> Result<Kind> {
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.format() == format) else {
        let known = Kind::ALL.map(|kind| format!("`{}`", kind.format().trim())).join(" and ");
        let reason = format!(
            "its format is `{}`, and this version of rememo knows {known}; \
             remove the directory or choose another",
            format.trim().escape_debug(),
        );
        return Err(Error::directory(dir.path(), reason));
    };
    match (wanted, kind) {
        (Layout::Log, Kind::Files) | (Layout::Files, Kind::Log) => {
            let reason = format!(
                "its entries are in the layout `{}`, not in the one that is asked for; open it with `Layout::Auto`, \
                 remove the directory or choose another",
                kind.format().trim()
            );
            Err(Error::directory(dir.path(), reason))
        }
        _ => Ok(kind),
    }
}

fn refuse_foreign_files(dir: &Dir) -> Result<()> {
    match dir.names("")?.iter().find(|name| !OURS.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let reason = format!("it holds other files, such as `{name}`; give an empty or a new directory");
            Err(Error::directory(dir.path(), reason))
        }
    }
}

/// Makes what is missing beside the format. Who may only read the directory leaves that to others.
fn complete(dir: &Dir) -> Result<()> {
    for name in ["tmp", "blobs", "functions"] {
        if let Err(error) = dir.make(name) {
            events::debug!(error = &error, "a new cache directory is not complete");
        }
    }
    for (name, text) in [("CACHEDIR.TAG", TAG), (".gitignore", "*\n")] {
        if dir.stat(name)?.is_none() {
            let made = sys::replace(dir, name, &[text.as_bytes()]);
            if let Err(error) = made {
                events::debug!(error = &error, "a new cache directory is not complete");
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
