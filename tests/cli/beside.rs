//! The command beside programs that run, and on directories of somebody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rememo::{Layout, Memory};
use tempfile::TempDir;

use crate::support::{Cache, Ran, label, layouts, rememo};

/// The other process of tests here, started by them.
#[test]
#[ignore = "it is the other process of tests, started by them"]
fn writer() {
    let Some(dir) = std::env::var_os("REMEMO_TEST_CACHE") else { return };
    let memory = Memory::open(dir).unwrap();
    for number in 0_u64.. {
        memory.call(label::delayed(&"x".repeat(number as usize % 300)));
        memory.get_or_compute("beside::number", &number, || vec![number; number as usize % 2000]);
    }
}

fn start_writer(dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "beside::writer"])
        .env("REMEMO_TEST_CACHE", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn a_directory_is_looked_at_while_its_writers_work_and_are_killed() {
    for layout in layouts() {
        let cache = Cache::new(layout);
        for _ in 0..3 {
            let mut writer = start_writer(&cache.root());
            let started = Instant::now();
            let mut seen = 0;
            let mut stored = false;
            while !stored || started.elapsed() < Duration::from_millis(400) {
                assert!(started.elapsed() < Duration::from_secs(30), "it stores nothing");
                let stats = cache.rememo(&["stats", "--json"]).right().objects();
                let entries = stats[0]["entries"].as_u64().unwrap();
                assert!(entries >= seen, "{entries} after {seen}");
                seen = entries;
                stored = cache.rememo(&["ls"]).right().out.contains("beside::number");
                cache.rememo(&["doctor"]).right();
                cache.rememo(&["verify"]).right();
            }
            // SIGKILL.
            writer.kill().unwrap();
            writer.wait().unwrap();
            let ran = cache.rememo(&["verify"]).right();
            assert!(ran.out.ends_with(" sound, 0 damaged\n"), "{}", ran.out);
            let functions = cache.rememo(&["ls", "--json"]).right().objects();
            let number = functions.iter().find(|object| object["function"] == "beside::number").unwrap();
            assert!(number["entries"].as_u64().unwrap() > 1);
        }
    }
}

/// Somebody who may read a directory, and no more.
pub struct Reader {
    dir: TempDir,
}

impl Reader {
    /// Somebody who may read a copy of this directory; `None` if this user cannot be another one.
    pub fn of(cache: &Cache) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can be somebody else");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        // Whoever runs it may see nothing of the directory that it was compiled to. Not copied by this process: a program that is
        // open for writing, be it in a child that another test starts just now, cannot be run.
        let from = [cache.root(), PathBuf::from(env!("CARGO_BIN_EXE_rememo"))];
        let copied = Command::new("cp").arg("-r").args(from).arg(dir.path()).status().unwrap();
        assert!(copied.success());
        Some(Reader { dir })
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    pub fn rememo(&self, arguments: &[&str]) -> Ran {
        const NOBODY: u32 = 65_534;
        let mut command = Command::new(self.dir.path().join("rememo"));
        command.arg("--dir").arg(self.root()).args(arguments).current_dir("/").uid(NOBODY).gid(NOBODY);
        Ran::of(command.output().unwrap())
    }
}

#[test]
fn a_directory_of_somebody_else_is_read() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let Some(reader) = Reader::of(&cache) else { return };
        for arguments in [&["ls"][..], &["ls", "label", "--sort", "name"], &["verify"], &["log", "price"]] {
            let theirs = reader.rememo(arguments).right();
            let ours = rememo(&reader.root(), arguments).right();
            // Ages differ.
            assert_eq!(theirs.lines().len(), ours.lines().len());
        }
        let ran = reader.rememo(&["doctor"]).wrong();
        assert!(
            ran.out.contains("   ok reading: works\n") && ran.out.contains("wrong writing: cannot "),
            "{}",
            ran.out
        );
        let ran = reader.rememo(&["rm", "label"]).wrong();
        assert!(ran.err.contains("ermission denied"), "{}", ran.err);
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let parts = if layout == Layout::Log { &["functions", "log"][..] } else { &["functions", "blobs"] };
        for part in parts {
            let Some(reader) = Reader::of(&cache) else { return };
            fs::set_permissions(reader.root().join(part), Permissions::from_mode(0o700)).unwrap();
            for arguments in [["ls"], ["stats"], ["verify"]] {
                let ran = reader.rememo(&arguments).wrong();
                assert!(
                    ran.err.contains("ermission denied") && ran.err.contains(part),
                    "{part}: {}",
                    ran.err
                );
                assert_eq!(ran.out, "");
            }
        }
    }
}

#[test]
fn entries_are_printed_as_they_are_found() {
    let cache = Cache::new(Layout::Auto);
    for number in 0..2000 {
        cache.memory.get_or_compute("number", &number, || number);
    }
    // The same entries, whoever asks, and each once.
    let mut listed: Vec<_> = cache
        .rememo(&["ls", "number", "--json"])
        .right()
        .objects()
        .iter()
        .map(|object| object["arguments"].as_str().unwrap().parse::<u32>().unwrap())
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, (0..2000).collect::<Vec<_>>());
}
