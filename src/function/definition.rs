//! What the macro states about a function.

use std::time::Duration;

use super::printed::without_arguments;
use crate::payload::Level;
use crate::store::EntryInfo;

/// What `#[memo]` states about a function. No API: written by the macro of this very version.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Path of the module.
    pub module_path: &'static str,
    /// Name of the function.
    pub function: &'static str,
    /// Whether it is in an impl block, so that its name is that of the type, then the function's.
    pub method: bool,
    /// How many functions of this name and text the macro has seen before in this crate.
    pub ordinal: u32,
    /// `name = "…"`.
    pub name: Option<&'static str>,
    /// The package, and of several of its name which, where the fingerprint does not cover all that
    /// could tell the function from one of equal path in another; else empty.
    pub package: &'static str,
    /// The paths of types that mean one type each in every program that has the function, as the
    /// compiler prints them: see `printed::Known`. A text, as [`items`](Self::items) is.
    pub types: &'static [u8],
    /// `version = …`, as text; empty without.
    pub version: &'static str,
    /// Digest of the code, whatever `cfg` makes of it.
    pub fingerprint: [u8; 32],
    /// The text of each `cfg` predicate in that code, and whether it holds in this build.
    pub cfg: &'static [(&'static str, bool)],
    /// How the crate was compiled, in short: part of the platform that machine code is of. Empty if
    /// machine code does not count.
    pub settings: &'static str,
    /// What the fingerprint covers, by path; a line for each item: 16 hexadecimal digits of its digest, a tab, its path, a
    /// tab, its place. Empty if that is nothing but the body, or nothing. A text in a static of its own, so that machine
    /// code which refers to a constant beside it is not taken to refer to it.
    pub items: &'static [u8],
    /// What it reads or changes of the outside world, as far as its source tells; a line each: what, a tab, the place. A text,
    /// as [`items`](Self::items) is.
    pub reads: &'static [u8],
    /// Whether it may ask for its key, by `rememo::seed` or a checkpoint.
    pub asks_for_key: bool,
    /// Names of the parameters in the key.
    pub parameters: &'static [&'static str],
    /// `ttl = "…"`.
    pub ttl: Option<Duration>,
    /// `valid = …`.
    pub valid: Option<fn(&EntryInfo) -> bool>,
    /// `min_cost = "…"`.
    pub min_cost: Duration,
    /// `compress = …`.
    pub compress: Compress,
    /// Source file.
    pub file: &'static str,
    /// Line in it.
    pub line: u32,
}

/// Whether values of a function are stored compressed. No API: written by the macro of this very version.
#[derive(Clone, Copy, Debug)]
pub enum Compress {
    /// As its memory says.
    AsMemory,
    /// Never.
    Never,
    /// At this level, where that is worth it.
    At(Level),
}

impl Definition {
    /// The name of the function by its place. `of` is the name of the type that carries it.
    pub(super) fn path(&self, of: &str) -> String {
        let carrier = without_arguments(of);
        // Beside its carrier in a module, there is one function of the name; in bodies, blocks may have one each.
        let in_module = carrier
            .strip_prefix(self.module_path)
            .and_then(|rest| rest.strip_prefix("::"))
            .is_some_and(|rest| !rest.contains("::"));
        let path = if self.method { format!("{carrier}::{}", self.function) } else { carrier };
        if in_module || self.ordinal == 0 { path } else { format!("{path}#{}", self.ordinal + 1) }
    }

    /// The lines of [`reads`](Self::reads): what, and its place.
    pub(crate) fn reads(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        text(self.reads).lines().filter_map(|line| line.split_once('\t'))
    }

    /// The lines of [`items`](Self::items).
    pub(crate) fn lines(&self) -> std::str::Lines<'static> {
        text(self.items).lines()
    }

    /// The path of the function among [`items`](Self::items): crate, modules (for a method its type) and name.
    pub(super) fn item_path(&self, of: &str) -> String {
        let parent = if self.method { without_arguments(of) } else { self.module_path.to_owned() };
        format!("{parent}::{}", self.function)
    }

    /// What is known of a function that has nothing but a name and one argument, as behind `get_or_compute`.
    pub(super) fn without_code() -> Self {
        Definition {
            module_path: "",
            function: "",
            method: false,
            ordinal: 0,
            name: None,
            package: "",
            types: b"",
            version: "",
            fingerprint: [0; 32],
            cfg: &[],
            settings: "",
            items: b"",
            reads: b"",
            asks_for_key: true,
            parameters: &["args"],
            ttl: None,
            valid: None,
            min_cost: Duration::ZERO,
            compress: Compress::AsMemory,
            file: "",
            line: 0,
        }
    }
}

/// What the macro wrote as bytes.
pub(super) fn text(bytes: &'static [u8]) -> &'static str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
