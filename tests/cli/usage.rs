//! Wrong usage, directories that are missing or somebody else's, and the ways in which a directory is found.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use rememo::Layout;

use crate::support::{Cache, Ran, command, rememo};

#[test]
fn wrong_usage_is_told_with_status_2() {
    let cache = Cache::filled(Layout::Auto);
    for (arguments, told) in [
        (&["lst"][..], "unrecognized subcommand 'lst'"),
        (&[], "Usage: rememo"),
        (&["ls", "--limit", "many"], "invalid digit"),
        (&["prune"], "required arguments were not provided"),
        (&["prune", "--dry-run"], "required arguments were not provided"),
        (&["prune", "--age", "soon"], "write it like `30d`"),
        (&["prune", "--age", "2mo"], "months and years have no fixed length"),
        (&["prune", "--bytes", "-1"], "--bytes"),
        (&["ls", "--sort", "age"], "functions cannot be sorted by `age`"),
        (&["ls", "label", "--sort", "entries"], "entries cannot be sorted by `entries`"),
        (&["why", "label"], "`label` is no key"),
        (&["show", "xyz"], "`xyz` is no key"),
        (&["completions", "cmd.exe"], "invalid value"),
    ] {
        let ran = cache.rememo(arguments).refused();
        assert!(ran.err.contains(told), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn names_and_keys_that_are_not_there_are_told() {
    let cache = Cache::filled(Layout::Auto);
    for arguments in [["ls", "prize"], ["log", "prize"], ["rm", "prize"]] {
        let ran = cache.rememo(&arguments).wrong();
        let root = cache.root();
        let told = format!(
            "rememo: no function `prize` is recorded in `{}`; `rememo ls` lists those that are\n",
            root.display()
        );
        assert_eq!(ran.err, told);
    }
    let ran = cache.rememo(&["show", "0000000"]).wrong();
    assert_eq!(ran.err, "rememo: no entry has a key that begins with `0000000`\n");
    cache.memory.get_or_compute("other::price", &1, || 1);
    let ran = cache.rememo(&["ls", "price"]).refused();
    assert_eq!(ran.err, "rememo: `price` may be any of other::price, shop::price: write more of its name\n");
}

#[test]
fn a_directory_without_a_cache_is_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.tex"), "years of work").unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "no directory").unwrap();
    let newer = dir.path().join("newer");
    fs::create_dir(&newer).unwrap();
    fs::write(newer.join("format"), "rememo 7 log\n").unwrap();
    for arguments in [
        &["ls"][..],
        &["stats"],
        &["verify", "--remove"],
        &["prune", "--items", "0"],
        &["rm", "x"],
        &["doctor"],
    ] {
        for (place, told) in [
            (&missing, "it does not exist"),
            (&foreign, "there is no cache in it"),
            (&file, "Not a directory"),
            (&newer, "its format is `rememo 7 log`"),
        ] {
            let ran = rememo(place, arguments).refused();
            assert!(ran.err.starts_with("rememo: ") && ran.err.contains(told), "{arguments:?}: {}", ran.err);
            assert!(ran.err.contains(place.to_str().unwrap()), "{}", ran.err);
        }
    }
    assert!(!missing.exists());
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&newer).unwrap().count(), 1);
}

#[test]
fn the_directory_of_the_environment_is_looked_at_whatever_switch_is_set() {
    let cache = Cache::filled(Layout::Auto);
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememo"));
    let ran =
        Ran::of(command.arg("ls").env("REMEMO_DIR", cache.root()).env("REMEMO", "off").output().unwrap());
    assert_eq!(ran.right().lines().len(), 4);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let cache = Cache::new(Layout::Auto);
    for number in 0..5000 {
        cache.memory.get_or_compute("number", &number, || number);
    }
    for arguments in [&["ls", "number"][..], &["ls", "number", "--json"], &["ls", "number", "--sort", "name"]]
    {
        let mut child = command(&cache.root())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut some = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut some).unwrap();
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    }
}

#[test]
fn completions_are_scripts_for_shells() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let ran = rememo(dir.path(), &["completions", shell]).right();
        assert!(ran.out.contains("rememo") && ran.out.contains("doctor"), "{shell}");
    }
    let help = rememo(dir.path(), &["--help"]).right();
    assert!(
        help.out.contains("rememo prune --stale --dry-run") && !help.out.contains('\u{1b}'),
        "{}",
        help.out
    );
}
