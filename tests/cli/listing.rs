//! What is told of functions and entries.

use std::process::Command;

use rememo::{Layout, Memory};
use serde_json::json;

use crate::support::{Cache, later, layouts, price};

#[test]
fn functions_are_listed_with_what_is_kept_of_them() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let ran = cache.rememo(&["ls"]).right();
        let names: Vec<_> = ran.rows().iter().map(|row| row[row.len() - 1].to_owned()).collect();
        assert_eq!(names, ["shop::label", "shop::price", "shop::table"]);
        let entries: Vec<_> = ran.rows().iter().map(|row| row[0].to_owned()).collect();
        assert_eq!(entries, ["3", "2", "1"], "{}", ran.out);
        assert_eq!(ran.lines()[0], "entries       size  computed      hits     saved    last use  function");

        let sorted = cache.rememo(&["ls", "--sort", "size", "--limit", "1"]).right();
        assert!(sorted.lines()[1].ends_with("  shop::table"), "{}", sorted.out);
        assert!(sorted.lines()[1].contains("160"), "20,000 numbers take 160 kB: {}", sorted.out);

        let objects = cache.rememo(&["ls", "--json"]).right().objects();
        let bytes: u64 = objects.iter().map(|object| object["bytes"].as_u64().unwrap()).sum();
        assert_eq!(bytes, cache.memory.stats().bytes);
        assert_eq!((&objects[1]["function"], &objects[1]["entries"]), (&json!("shop::price"), &json!(2)));
    }
}

#[test]
fn entries_of_a_function_are_listed_by_the_end_of_its_name() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let ran = cache.rememo(&["ls", "label", "--sort", "name"]).right();
        assert_eq!(ran.lines()[0], "key               age     took       size  arguments");
        let rows = ran.rows();
        let arguments: Vec<_> = rows.iter().map(|row| row[4]).collect();
        assert_eq!(arguments, [r#""a""#, r#""b""#, r#""c""#]);
        for row in &rows {
            assert!(cache.key(row[4]).starts_with(row[0]) && row[0].len() == 12);
            assert!(row[3].ends_with(" B"), "{row:?}");
        }
        assert_eq!(cache.rememo(&["ls", "shop::label"]).right().lines().len(), 4);
        assert_eq!(cache.rememo(&["ls", "label", "--limit", "2"]).right().lines().len(), 3);

        let objects = cache.rememo(&["--json", "ls", "price", "--sort", "name"]).right().objects();
        assert_eq!(objects[1]["arguments"], "3, 2");
        assert_eq!(objects[1]["key"], json!(cache.key("3, 2")));
        assert!(objects[0]["created"].as_str().unwrap().ends_with('Z'));
    }
}

#[test]
fn an_entry_is_shown_by_the_beginning_of_its_key() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        for (arguments, name, encoding) in [
            ("3, 1", "shop::price", "serde, by position"),
            (r#""a""#, "shop::label", "text"),
            ("20000", "shop::table", "raw bytes"),
        ] {
            let key = cache.key(arguments);
            let ran = cache.rememo(&["show", &key[..9]]).right();
            let fields: Vec<_> = ran.lines().iter().map(|line| line.split_at(11)).collect();
            assert_eq!(fields[0], ("key        ", key.as_str()));
            assert_eq!(fields[1], ("function   ", name));
            assert_eq!(fields[2], ("arguments  ", arguments));
            assert!(fields[4].0 == "by         " && fields[4].1.starts_with("cli-"), "{}", ran.out);
            assert_eq!(fields[7], ("encoding   ", encoding));
            assert_eq!(fields[8], ("checksum   ", "right"));
            let object = &cache.rememo(&["show", &key, "--json"]).right().objects()[0];
            assert_eq!((&object["arguments"], &object["damage"]), (&json!(arguments), &json!(null)));
        }
    }
}

/// The other program of the next test, started by it under a name of its own.
#[test]
#[ignore = "it is the other process of a test, started by it"]
fn program() {
    let Some(dir) = std::env::var_os("REMEMO_TEST_CACHE") else { return };
    let name = std::env::current_exe().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let memory = Memory::open(dir).unwrap();
    memory.get_or_compute("by::name", &name, || name.clone());
    // A value in a file of its own in the log layout.
    memory.get_or_compute("by::table", &name, || vec![7_u64; 20_000]);
}

#[test]
fn an_entry_tells_the_program_and_the_host_that_stored_it_and_so_does_a_copy() {
    let programs = tempfile::tempdir().unwrap();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    for layout in layouts() {
        let cache = Cache::new(layout);
        for name in ["tune", "train \u{1b}"] {
            let program = programs.path().join(name);
            std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
            let mut command = Command::new(program);
            command.args(["--ignored", "--exact", "listing::program"]).env("REMEMO_TEST_CACHE", cache.root());
            assert!(command.output().unwrap().status.success());
        }
        let file = programs.path().join("export");
        cache.rememo(&["export", file.to_str().unwrap()]).right();
        let copies = layouts().map(Cache::new).collect::<Vec<_>>();
        for copy in &copies {
            copy.rememo(&["import", file.to_str().unwrap()]).right();
        }
        for cache in copies.iter().chain([&cache]) {
            assert_eq!(cache.memory.entries().unwrap().len(), 4);
            for info in cache.memory.entries().unwrap() {
                let name = info.arguments().trim_matches('"').replace("\\u001b", "\u{1b}");
                let writer = info.writer().unwrap();
                assert_eq!((writer.program(), writer.host()), (name.as_str(), host.trim()));
                let key = info.key().to_string();
                let object = &cache.rememo(&["show", &key, "--json"]).right().objects()[0];
                assert_eq!(object["writer"], json!({ "program": name, "host": host.trim() }));
                let ran = cache.rememo(&["show", &key]).right();
                let shown = name.replace('\u{1b}', " ");
                assert!(ran.lines()[4].starts_with(&format!("by         {shown}")), "{}", ran.out);
            }
        }
    }
}

/// The table of writers is for people: without it entries are what they were.
#[cfg(target_os = "linux")]
#[test]
fn an_entry_whose_writer_is_not_known_says_so() {
    let cache = Cache::filled(Layout::Log);
    let key = cache.key("3, 1");
    std::fs::write(cache.root().join("log/writers"), "garbage\n").unwrap();
    let ran = cache.rememo(&["show", &key]).right();
    assert_eq!(ran.lines()[4], "by         unknown", "{}", ran.out);
    let object = &cache.rememo(&["show", &key, "--json"]).right().objects()[0];
    assert_eq!((&object["writer"], &object["damage"]), (&json!(null), &json!(null)));
    cache.rememo(&["verify"]).right();
    // A process that begins to store now notes it again.
    let again = Memory::open(cache.root()).unwrap();
    again.call(price::delayed(3, 7));
    let object = &cache.rememo(&["show", &cache.key("3, 7"), "--json"]).right().objects()[0];
    assert!(object["writer"]["program"].as_str().unwrap().starts_with("cli-"), "{object}");
}

#[test]
fn the_log_of_a_function_tells_what_changed_and_what_is_left() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        // Records are ordered by their time, which is that of a file.
        std::thread::sleep(std::time::Duration::from_millis(20));
        cache.memory.call(later::price::delayed(3, 1));
        let ran = cache.rememo(&["log", "price"]).right();
        let lines = ran.lines();
        assert_eq!(lines.len(), 4, "{}", ran.out);
        assert!(lines[0].contains("  2 entries, ") && lines[2].contains("  1 entry, "), "{}", ran.out);
        assert!(lines[1].starts_with("    first seen, tests/cli/support.rs:"), "{}", ran.out);
        assert_eq!(lines[3], "    price differs");
        let objects = cache.rememo(&["log", "price", "--json"]).right().objects();
        assert_eq!((&objects[1]["changes"], &objects[1]["entries"]), (&json!(["price differs"]), &json!(1)));
    }
}

#[test]
fn totals_are_those_of_the_directory() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let ran = cache.rememo(&["stats"]).right();
        assert!(
            ran.lines()[0].starts_with("6 entries, ") && ran.lines()[0].contains(" kB in `"),
            "{}",
            ran.out
        );
        let object = &cache.rememo(&["stats", "--json"]).right().objects()[0];
        assert_eq!(object["entries"], json!(6));
    }
}

#[test]
fn entries_and_functions_go_by_name_and_key() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        let key = cache.key("3, 1");
        let ran = cache.rememo(&["rm", "label", &key[..8]]).right();
        assert_eq!(ran.lines(), ["removed all entries of shop::label", &format!("removed {key}")]);
        assert_eq!(cache.memory.stats().entries, 2);
        assert!(cache.memory.contains(&price::delayed(3, 2)));
        let again = cache.rememo(&["rm", &key]).wrong();
        assert_eq!(again.lines(), [format!("not there: {key}")]);
    }
}

#[test]
fn nothing_that_controls_a_terminal_comes_out_of_a_name() {
    let cache = Cache::new(Layout::Auto);
    cache.memory.get_or_compute("red \u{1b}[31m\nname", &1, || 1);
    let ran = cache.rememo(&["ls"]).right();
    assert!(ran.lines()[1].ends_with("  red  [31m name") && !ran.out.contains('\u{1b}'), "{:?}", ran.out);
}
