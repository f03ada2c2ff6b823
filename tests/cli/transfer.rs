//! Entries leave a directory and come into another, of whatever layout; nothing is believed on the way in.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rememo::{Call, Layout};
use serde_json::json;

use crate::support::{Cache, label, layouts, price, table};

/// The name of a part, and its bytes.
type Part = (String, Vec<u8>);

/// What happens to a part on its way.
type Damage = fn(&mut Part);

/// The parts of a tar file.
fn parts(file: &Path) -> Vec<Part> {
    let mut archive = tar::Archive::new(Cursor::new(fs::read(file).unwrap()));
    let read = |part: std::io::Result<tar::Entry<'_, _>>| {
        let mut part: tar::Entry<'_, Cursor<Vec<u8>>> = part.unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        (part.path().unwrap().to_str().unwrap().to_owned(), bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

fn write(file: &Path, parts: &[Part]) {
    let mut builder = tar::Builder::new(fs::File::create(file).unwrap());
    for (name, bytes) in parts {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        // Not by `append_data`, which refuses what a malicious file would have.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.finish().unwrap();
}

#[track_caller]
fn expect_hit<C: Call<Output: PartialEq + std::fmt::Debug>>(cache: &Cache, call: C, value: &C::Output) {
    let outcome = cache.memory.call_info(call);
    assert!(outcome.is_hit());
    assert_eq!(&outcome.value, value);
}

#[test]
fn entries_go_from_one_layout_to_the_other_and_are_hits() {
    for from in layouts() {
        for to in layouts() {
            let (here, there) = (Cache::filled(from), Cache::new(to));
            let file = here.root().with_file_name("all.tar");
            let name = file.to_str().unwrap();
            let ran = here.rememo(&["export", name]).right();
            assert!(
                ran.lines()[0].starts_with("6 entries, ") && ran.lines()[0].ends_with(".tar`"),
                "{}",
                ran.out
            );
            let ran = there.rememo(&["import", name]).right();
            assert!(
                ran.lines()[0].starts_with("6 entries, ")
                    && ran.lines()[0].ends_with(" stored; 0 were there")
            );
            expect_hit(&there, price::delayed(3, 2), &32);
            expect_hit(&there, label::delayed("b"), &"label of b".to_owned());
            expect_hit(&there, table::delayed(20_000), &(0..20_000).collect());
            // When and how long it took came along.
            let (mut ours, mut theirs) = (here.memory.entries().unwrap(), there.memory.entries().unwrap());
            for entries in [&mut ours, &mut theirs] {
                entries.sort_by_key(rememo::EntryInfo::key);
            }
            for (our, their) in ours.iter().zip(&theirs) {
                assert_eq!((our.key(), our.arguments()), (their.key(), their.arguments()));
                assert_eq!((our.function(), our.writer()), (their.function(), their.writer()));
                // The log layout keeps 16 bits of a fraction of a second, and seven digits of how long it took.
                let created =
                    our.created().duration_since(their.created()).unwrap_or_else(|late| late.duration());
                assert!(created < Duration::from_micros(16), "{created:?}");
                let took = our.compute_time().abs_diff(their.compute_time());
                assert!(took <= our.compute_time() / 1_000_000, "{took:?}");
            }
            let again = &there.rememo(&["import", name, "--json"]).right().objects()[0];
            assert_eq!((&again["entries"], &again["known"]), (&json!(0), &json!(6)));
        }
    }
}

#[test]
fn one_function_goes_alone() {
    let (here, there) = (Cache::filled(Layout::Auto), Cache::new(Layout::Auto));
    let file = here.root().with_file_name("labels.tar");
    here.rememo(&["export", file.to_str().unwrap(), "label"]).right();
    there.rememo(&["import", file.to_str().unwrap()]).right();
    assert_eq!(there.memory.stats().entries, 3);
    assert_eq!(there.memory.functions().unwrap()[0].name, "shop::label");
    let ran = here.rememo(&["export", file.to_str().unwrap(), "prize"]).wrong();
    assert!(ran.err.contains("no function `prize`"), "{}", ran.err);
}

#[test]
#[cfg(unix)]
fn a_pipe_is_written_to_and_a_link_stays_a_link() {
    let (here, there) = (Cache::filled(Layout::Auto), Cache::new(Layout::Auto));
    let (file, link) = (here.root().with_file_name("all.tar"), here.root().with_file_name("link.tar"));
    fs::write(&file, "older").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    here.rememo(&["export", link.to_str().unwrap()]).right();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let whole = parts(&file);

    let pipe = here.root().with_file_name("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    here.rememo(&["export", pipe.to_str().unwrap()]).right();
    let through = here.root().with_file_name("through.tar");
    fs::write(&through, read.join().unwrap()).unwrap();
    assert_eq!(parts(&through).len(), whole.len());
    assert!(!fs::symlink_metadata(&pipe).unwrap().is_file());
    there.rememo(&["import", through.to_str().unwrap()]).right();
    assert_eq!(there.memory.stats().entries, 6);
}

#[test]
fn what_is_not_as_it_was_written_is_refused_and_the_rest_is_stored() {
    let here = Cache::filled(Layout::Auto);
    let file = here.root().with_file_name("all.tar");
    here.rememo(&["export", file.to_str().unwrap()]).right();
    let whole = parts(&file);
    assert_eq!((whole[0].0.as_str(), whole.last().unwrap().0.as_str()), ("manifest.json", "end.json"));
    let first = whole.iter().position(|(name, _)| name.starts_with("entries/")).unwrap();
    let damages: [(&str, Damage); 5] = [
        ("its checksum does not match", |part| *part.1.last_mut().unwrap() ^= 1),
        ("bytes where", |part| part.1.truncate(part.1.len() - 1)),
        ("it is no entry", |part| part.1.clear()),
        ("it is the entry of another call", |part| part.0.replace_range(8..12, "0000")),
        ("its name is no key", |part| part.0 = "entries/../../../evil".into()),
    ];
    for (told, damage) in damages {
        let there = Cache::new(Layout::Auto);
        let mut changed = whole.clone();
        damage(&mut changed[first]);
        write(&file, &changed);
        let ran = there.rememo(&["import", file.to_str().unwrap()]).wrong();
        assert!(
            ran.lines()[0].starts_with("refused: entries/") && ran.lines()[0].contains(told),
            "{}",
            ran.out
        );
        assert!(ran.lines()[1].starts_with("5 entries, "), "{}", ran.out);
        assert_eq!(there.memory.stats().entries, 5);
        assert!(!there.root().with_file_name("evil").exists());
    }
    // Entries of functions that the file does not describe.
    let there = Cache::new(Layout::Auto);
    let without: Vec<_> = whole.iter().filter(|(name, _)| !name.starts_with("functions/")).cloned().collect();
    write(&file, &without);
    assert_eq!(there.rememo(&["import", file.to_str().unwrap()]).wrong().lines().len(), 7);
    assert_eq!(there.memory.stats().entries, 0);
}

#[test]
fn what_is_no_exported_file_is_told() {
    let here = Cache::filled(Layout::Auto);
    let file = here.root().with_file_name("file");
    let name = file.to_str().unwrap();
    let there = Cache::new(Layout::Auto);
    let refuse = |told: &str| {
        let ran = there.rememo(&["import", name]).wrong();
        assert!(ran.err.contains(told) && ran.err.contains(name), "{}", ran.err);
    };
    refuse("No such file");
    fs::write(&file, "").unwrap();
    refuse("it is empty, or no tar file");
    fs::write(&file, "some text that is no tar file, and longer than nothing").unwrap();
    refuse("no tar file");
    write(&file, &[("photo.jpg".into(), vec![1; 2000])]);
    refuse("it was not written by `export`");
    write(&file, &[("manifest.json".into(), br#"{"format": "rememo export 9"}"#.to_vec())]);
    refuse("it is `rememo export 9`, and this version reads `rememo export 1`");
    assert_eq!(there.memory.stats().entries, 0);

    here.rememo(&["export", name]).right();
    let whole = fs::read(&file).unwrap();
    // At each block: a header, or the bytes of a part.
    for length in (2048..whole.len() - 2048).step_by(512 * 29) {
        fs::write(&file, &whole[..length]).unwrap();
        let ran = there.rememo(&["import", name]).wrong();
        assert!(ran.err.contains("it is cut off"), "{length}: {}", ran.err);
    }
    fs::write(&file, &whole).unwrap();
    there.rememo(&["import", name]).right();
    assert_eq!(there.memory.stats().entries, 6);
}

#[test]
fn a_damaged_entry_is_left_out_of_the_file_and_told() {
    let here = Cache::filled(Layout::Files);
    let largest = crate::verifying::files_below(&here.root().join("blobs"))
        .into_iter()
        .max_by_key(|file| file.metadata().unwrap().len())
        .unwrap();
    crate::verifying::damage(&largest, 8);
    let file = here.root().with_file_name("all.tar");
    let ran = here.rememo(&["export", file.to_str().unwrap()]).wrong();
    assert_eq!(ran.lines()[0], "left out: 1 damaged entry");
    assert!(ran.lines()[1].starts_with("5 entries, "), "{}", ran.out);
    let nowhere = here.root().with_file_name("missing").join("all.tar");
    let ran = here.rememo(&["export", nowhere.to_str().unwrap()]).wrong();
    assert!(ran.err.starts_with("rememo: cannot open ") && ran.err.contains("not found"), "{}", ran.err);
}
