//! Damage is found, told and removed.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rememo::Layout;
use serde_json::json;

use crate::support::{Cache, layouts};

pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Flips the bits of a byte near the end of a file.
pub fn damage(file: &Path, from_end: u64) {
    let file = fs::File::options().read(true).write(true).open(file).unwrap();
    let at = file.metadata().unwrap().len() - from_end;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[!byte[0]], at).unwrap();
}

#[test]
fn sound_entries_are_counted() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        assert_eq!(cache.rememo(&["verify"]).right().out, "6 entries sound, 0 damaged\n");
        assert_eq!(cache.rememo(&["verify", "--remove"]).right().out, "6 entries sound, 0 damaged\n");
    }
}

#[test]
fn a_damaged_file_is_told_and_removed_only_if_that_is_asked() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let files = files_below(&cache.root().join("blobs"));
        let largest = files.iter().max_by_key(|file| file.metadata().unwrap().len()).unwrap();
        damage(largest, 8);
        let key = cache.key("20000");
        for _ in 0..2 {
            let ran = cache.rememo(&["verify"]).wrong();
            assert_eq!(
                ran.lines(),
                [&format!("damaged: {}", largest.display()), "5 entries sound, 1 damaged"]
            );
        }
        let shown = cache.rememo(&["show", &key]).wrong();
        assert_eq!(shown.lines().last().unwrap(), &"checksum   wrong: its checksum does not match");
        let object = &cache.rememo(&["verify", "--json"]).wrong().objects()[0];
        assert_eq!((&object["sound"], object["damaged"].as_array().unwrap().len()), (&json!(5), 1));
        let ran = cache.rememo(&["verify", "--remove"]).wrong();
        assert_eq!(ran.lines()[1], "5 entries sound, 1 damaged, removed");
        assert!(!largest.exists());
        assert_eq!(cache.rememo(&["verify"]).right().out, "5 entries sound, 0 damaged\n");
    }
}

#[test]
fn a_damaged_record_of_the_log_is_told() {
    if !cfg!(target_os = "linux") {
        return;
    }
    for from_end in [8, 60, 100] {
        let cache = Cache::new(Layout::Log);
        cache.memory.get_or_compute("number", &1, || 1);
        cache.memory.get_or_compute("number", &2, || 2);
        damage(&cache.root().join("log/0000"), from_end);
        let ran = cache.rememo(&["verify"]).wrong();
        let file = cache.root().join("log/0000");
        assert_eq!(ran.lines(), [&format!("damaged: {}", file.display()), "1 entry sound, 1 damaged"]);
    }
}

#[test]
fn a_directory_that_is_in_order_is_told_to_be() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let ran = cache.rememo(&["doctor"]).right();
        let lines = ran.lines();
        assert_eq!(lines[0], format!("   ok directory: {}", cache.root().display()));
        let kind = if layout == Layout::Log { "log: small entries" } else { "files: one for each entry" };
        assert!(lines[1].starts_with(&format!("   ok layout: {kind}")), "{}", ran.out);
        for works in ["reading: works", "writing: works", "locks: work", "clock: as that of the file system"]
        {
            assert!(lines.contains(&format!("   ok {works}").as_str()), "{works} in {}", ran.out);
        }
        let objects = cache.rememo(&["doctor", "--json"]).right().objects();
        assert!(objects.iter().all(|object| object["wrong"] == false) && objects.len() >= 6);
    }
}

#[test]
fn job_folders_that_are_left_are_told_of() {
    let cache = Cache::filled(Layout::Files);
    let folder = cache.root().join("jobs/rememo-0123456789abcdef");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(cache.root().join("jobs/lock"), []).unwrap();
    let users = std::fs::File::create(folder.join("callers")).unwrap();
    let told = |what: &str| {
        let out = cache.rememo(&["doctor"]).right().out;
        let line = out.lines().find(|line| line.contains("job folder")).expect("it is told of").to_owned();
        assert!(line.contains("jobs/rememo-0123456789abcdef") && line.contains(what), "{line}");
        assert_eq!(out.matches("job folder").count(), 1);
    };
    told("left behind");
    users.lock_shared().unwrap();
    told("in use");
}
