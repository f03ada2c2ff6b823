//! Small programs and edits of them: whether the digest of a function changes.

use std::path::Path;

use tempfile::TempDir;

use crate::build;
use crate::program::Compiled;

/// Optimized and not.
pub const LEVELS: [&str; 3] = ["-Copt-level=0", "-Copt-level=2", "-Copt-level=s"];

const MAIN: &str = "fn main() { let n = std::env::args().len() as u64; println!(\"{}\", f(n)); }\n";

/// A program whose function `f` is asked for.
pub struct Small {
    pub source: String,
    flags: Vec<&'static str>,
}

impl Small {
    pub fn new(source: &str) -> Self {
        let source = source.replace("fn f(", "#[inline(never)] #[unsafe(no_mangle)] pub fn f(");
        Small { source: source + MAIN, flags: Vec::new() }
    }

    pub fn flag(mut self, flag: &'static str) -> Self {
        self.flags.push(flag);
        self
    }

    pub fn compile(&self, dir: &Path, source: &str, level: &'static str) -> Compiled {
        let flags: Vec<_> = self.flags.iter().copied().chain([level]).collect();
        Compiled::read(&build::rust(dir, source, &flags))
    }

    /// Whether the digest of `f` changes with an edit, and whether what the program prints does, by level.
    pub fn changes(&self, from: &str, to: &str) -> Vec<(bool, bool)> {
        assert!(self.source.contains(from), "{from} is in the program");
        let edited = self.source.replacen(from, to, 1);
        let changes = LEVELS.map(|level| {
            let dir = TempDir::new().unwrap();
            let mut before = self.compile(&dir.path().join("a"), &self.source, level);
            let mut after = self.compile(&dir.path().join("b"), &edited, level);
            (before.digest("f") != after.digest("f"), before.run() != after.run())
        });
        changes.to_vec()
    }

    #[track_caller]
    pub fn sees(&self, from: &str, to: &str) {
        let changes = self.changes(from, to);
        assert!(changes.iter().all(|(is_seen, _)| *is_seen), "{from} -> {to}: {changes:?}");
    }

    #[track_caller]
    pub fn ignores(&self, from: &str, to: &str) {
        let changes = self.changes(from, to);
        assert!(changes.iter().all(|change| *change == (false, false)), "{from} -> {to}: {changes:?}");
    }
}
