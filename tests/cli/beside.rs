//! The command beside programs that run, and on directories of somebody else.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rememo::{Layout, Memory};
use tempfile::TempDir;

use crate::support::{Cache, Ran, command, label, layouts, rememo};

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

#[test]
fn the_first_entries_are_printed_before_the_last_are_looked_at() {
    const ENTRIES: u64 = 6000;
    for layout in layouts() {
        let cache = Cache::new(layout);
        for number in 0..ENTRIES {
            cache.memory.get_or_compute("number", &number, || number);
        }
        for arguments in [&["ls", "number"][..], &["ls", "number", "--json"]] {
            let mut child = command(&cache.root()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
            let mut out = child.stdout.take().unwrap();
            let mut text = vec![0; 1];
            out.read_exact(&mut text).unwrap();
            // It writes no more than a pipe and a buffer take, a third of all lines at most, until it is read from again.
            for info in cache.memory.entries().unwrap() {
                cache.memory.remove_key(&info.key()).unwrap();
            }
            out.read_to_end(&mut text).unwrap();
            assert!(child.wait().unwrap().success());
            let lines = String::from_utf8(text).unwrap().lines().count() as u64;
            assert!((1..ENTRIES / 2).contains(&lines), "{arguments:?}: {lines} lines of {ENTRIES} entries");
            for number in 0..ENTRIES {
                cache.memory.get_or_compute("number", &number, || number);
            }
        }
    }
}

#[test]
fn the_names_of_functions_are_found_without_their_entries() {
    let cache = Cache::filled(Layout::Files);
    fs::remove_dir_all(cache.root().join("blobs")).unwrap();
    let names = cache.memory.function_names().unwrap();
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        ["shop::label", "shop::price", "shop::table"]
    );
}

#[test]
fn of_many_entries_those_that_come_first_are_listed() {
    let cache = Cache::new(Layout::Auto);
    for number in 0..10_000_u64 {
        cache.memory.get_or_compute("number", &(number * 7919 % 10_000), || number);
    }
    let ran = cache.rememo(&["ls", "number", "--sort", "name", "--limit", "3"]).right();
    let arguments: Vec<_> = ran.rows().iter().map(|row| row[4].to_owned()).collect();
    assert_eq!(arguments, ["0", "1", "10"]);
}
