//! What the tests share: directories to look at, and the command.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rememo::{Layout, Memory, memo};
use serde_json::Value;
use tempfile::TempDir;

#[memo(name = "shop::price", track = "body")]
pub fn price(item: u64, day: u64) -> u64 {
    item * 10 + day
}

#[memo(name = "shop::label")]
pub fn label(text: &str) -> String {
    format!("label of {text}")
}

/// Larger than what goes into the log.
#[memo(name = "shop::table")]
pub fn table(n: u64) -> Vec<u64> {
    (0..n).collect()
}

/// The next version of the program.
pub mod later {
    #[rememo::memo(name = "shop::price", track = "body")]
    pub fn price(item: u64, day: u64) -> u64 {
        item * 12 + day
    }
}

/// A fresh directory, removed on drop.
pub struct Cache {
    dir: TempDir,
    pub memory: Memory,
}

impl Cache {
    pub fn new(layout: Layout) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::builder().dir(dir.path().join("cache")).layout(layout).open().unwrap();
        Cache { dir, memory }
    }

    /// Two prices, three labels and a table.
    pub fn filled(layout: Layout) -> Self {
        let cache = Cache::new(layout);
        for day in 1..=2 {
            cache.memory.call(price::delayed(3, day));
        }
        for text in ["a", "b", "c"] {
            cache.memory.call(label::delayed(text));
        }
        cache.memory.call(table::delayed(20_000));
        cache
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// Runs the command on the directory.
    pub fn rememo(&self, arguments: &[&str]) -> Ran {
        rememo(&self.root(), arguments)
    }

    /// The key of the entry of a function with these arguments.
    #[track_caller]
    pub fn key(&self, arguments: &str) -> String {
        let entries = self.memory.entries().unwrap();
        let found = entries.iter().find(|info| info.arguments() == arguments);
        found.unwrap_or_else(|| panic!("no {arguments} in {entries:?}")).key().to_string()
    }
}

/// Both layouts, where both work.
pub fn layouts() -> impl Iterator<Item = Layout> {
    [Layout::Files, Layout::Log]
        .into_iter()
        .filter(|&layout| layout != Layout::Log || cfg!(target_os = "linux"))
}

/// What the command printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememo"));
    // What the person who runs the tests has set counts for nothing.
    for variable in ["REMEMO", "REMEMO_DIR", "REMEMO_QUIET"] {
        command.env_remove(variable);
    }
    command.arg("--dir").arg(dir);
    command
}

pub fn rememo<S: AsRef<OsStr>>(dir: &Path, arguments: &[S]) -> Ran {
    Ran::of(command(dir).args(arguments).output().unwrap())
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            status: output.status.code().expect("it was not killed"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// It did what it was asked.
    #[track_caller]
    pub fn right(self) -> Self {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{}", self.out);
        self
    }

    /// It found something wrong.
    #[track_caller]
    pub fn wrong(self) -> Self {
        assert_eq!(self.status, 1, "{self:?}");
        self
    }

    /// It was asked in a way that makes no sense.
    #[track_caller]
    pub fn refused(self) -> Self {
        assert_eq!((self.status, self.out.as_str()), (2, ""), "{self:?}");
        self
    }

    /// The lines.
    pub fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }

    /// The words of each line behind the first, which is the head.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        self.out.lines().skip(1).map(cells).collect()
    }

    /// The objects of `--json`.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// What stands between two or more spaces.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}
