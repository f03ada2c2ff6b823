//! The doors of `Memory`.

use std::fs;
use std::path::Path;

use rememo::{EntryInfo, Memory, MissReason, Shelved, Source, delayed, memo};
use tempfile::tempdir;

use crate::support::{TestCache, files_below, hit, miss, miss_because};

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[memo]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[test]
fn look_ups_compute_nothing() {
    let cache = TestCache::new();
    assert!(!cache.memory.contains(&square::delayed(3)));
    assert_eq!(cache.memory.lookup(&square::delayed(3)), None);
    assert_eq!(cache.memory.stats().misses, 0);
    miss(&cache.memory, square::delayed(3));
    assert!(cache.memory.contains(&square::delayed(3)));
    assert_eq!(cache.memory.lookup(&square::delayed(3)), Some(9));
    assert_eq!(cache.memory.call(square::delayed(3)), 9);
    assert_eq!(cache.memory.try_call(square::delayed(4)).unwrap(), 16);
}

#[test]
fn insert_remove_and_recompute_change_what_is_found() {
    let cache = TestCache::new();
    let call = || square::delayed(3);
    cache.memory.insert(&call(), &10).unwrap();
    assert_eq!(hit(&cache.memory, call()), 10);
    assert_eq!(cache.memory.recompute(call()), 9);
    assert_eq!(hit(&cache.reopen(), call()), 9);
    assert!(cache.memory.remove(&call()).unwrap());
    assert!(!cache.memory.remove(&call()).unwrap());
    miss(&cache.memory, call());
}

#[test]
fn an_err_that_is_not_kept_cannot_be_inserted() {
    #[memo]
    fn fails(x: u64) -> Result<u64, String> {
        Err(x.to_string())
    }
    let cache = TestCache::new();
    let error = cache.memory.insert(&fails::delayed(1), &Err("no".into())).unwrap_err();
    assert!(error.function().unwrap().ends_with("fails"), "{error}");
    cache.memory.insert(&fails::delayed(1), &Ok(5)).unwrap();
    assert_eq!(hit(&cache.memory, fails::delayed(1)), Ok(5));
}

#[test]
fn clear_removes_everything_and_clear_function_one_function() {
    let cache = TestCache::new();
    for x in 0..5 {
        miss(&cache.memory, square::delayed(x));
        miss(&cache.memory, cube::delayed(x));
    }
    let other = cache.reopen();
    cache.memory.clear_function(square::info()).unwrap();
    miss(&other, square::delayed(1));
    hit(&other, cube::delayed(1));
    cache.memory.clear().unwrap();
    assert_eq!((other.stats().entries, other.stats().bytes), (0, 0));
    assert_eq!(cache.memory.stats().entries, 0);
    miss(&other, cube::delayed(1));
}

#[test]
fn entries_and_functions_tell_what_is_stored() {
    let cache = TestCache::files();
    miss(&cache.memory, square::delayed(12));
    miss(&cache.memory, cube::delayed(3));
    let mut entries = cache.memory.entries().unwrap();
    entries.sort_by_key(|entry| entry.arguments().to_owned());
    assert_eq!(entries.iter().map(EntryInfo::arguments).collect::<Vec<_>>(), ["12", "3"]);
    assert_eq!(entries[0].function(), square::info().name());
    assert!(entries[0].age().as_secs() < 60);
    let stats = cache.memory.stats();
    assert_eq!(stats.entries, 2);
    assert_eq!(stats.bytes, entries.iter().map(EntryInfo::bytes).sum::<u64>());
    let on_disk = cache.entry_files().iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>();
    assert_eq!(stats.bytes, on_disk);

    let functions = cache.memory.functions().unwrap();
    assert_eq!(
        functions.iter().map(|f| &*f.name).collect::<Vec<_>>(),
        [cube::info().name(), square::info().name()]
    );
    assert_eq!(functions[1].fingerprint, square::info().fingerprint().to_string());
    assert!(functions[1].file.ends_with("memory.rs") && functions[1].line == square::info().line());
}

#[test]
fn stats_count_hits_misses_and_what_was_stored() {
    let cache = TestCache::new();
    for x in [1, 2, 1, 1] {
        cache.memory.call(square::delayed(x));
    }
    let stats = cache.memory.stats();
    assert_eq!((stats.hits, stats.misses, stats.joined, stats.stored, stats.troubles), (2, 2, 0, 2, 0));
    assert!(stats.seconds_computed > 0.0 && stats.seconds_saved > 0.0);
}

#[test]
fn a_shelved_value_is_read_back_elsewhere() {
    let cache = TestCache::new();
    let shelved = cache.memory.shelve(square::delayed(9)).unwrap();
    assert_eq!(shelved.root(), Some(&*cache.root()));
    let sent = serde_json::to_string(&shelved).unwrap();
    assert!(sent.len() < 400, "{sent}");
    let received: Shelved<u64> = serde_json::from_str(&sent).unwrap();
    assert_eq!(received.get().unwrap(), 81);
    hit(&cache.memory, square::delayed(9));

    cache.memory.clear().unwrap();
    let error = received.get().unwrap_err();
    assert!(error.to_string().contains("removed"), "{error}");
    assert!(serde_json::from_str::<Shelved<u64>>("[\"f\",null,null]").is_err());
}

#[test]
fn a_value_shelved_where_nothing_is_stored_carries_itself() {
    let shelved = Memory::disabled().shelve(square::delayed(9)).unwrap();
    assert_eq!(shelved.root(), None);
    let sent = serde_json::to_string(&shelved).unwrap();
    assert_eq!(serde_json::from_str::<Shelved<u64>>(&sent).unwrap().get().unwrap(), 81);
}

#[test]
fn get_or_compute_remembers_by_name_arguments_and_type() {
    let cache = TestCache::new();
    let get = |name: &str, x: u64, value: u64| cache.memory.get_or_compute(name, &x, || value);
    assert_eq!(get("a", 1, 10), 10);
    assert_eq!(get("a", 1, 20), 10);
    assert_eq!(get("a", 2, 20), 20);
    assert_eq!(get("b", 1, 30), 30);
    assert_eq!(cache.memory.get_or_compute("a", &1u64, || "text".to_owned()), "text");
    let fails = |ok: bool| cache.memory.get_or_compute("c", &1, || if ok { Ok(1) } else { Err(2) });
    assert_eq!(fails(false), Err(2));
    assert_eq!(fails(true), Ok(1), "an `Err` is not kept");
    assert_eq!(fails(false), Ok(1));
    let names: Vec<_> = cache.memory.functions().unwrap().into_iter().map(|function| function.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn guards_nest_and_may_be_dropped_in_any_order() {
    let (a, b) = (TestCache::new(), TestCache::new());
    let entered_a = a.memory.enter();
    let entered_b = b.memory.enter();
    square(1);
    drop(entered_a);
    square(2);
    drop(entered_b);
    assert_eq!((a.memory.stats().misses, b.memory.stats().misses), (0, 2));
}

#[test]
fn a_plain_closure_is_run_and_never_kept() {
    let cache = TestCache::new();
    assert_eq!(miss_because(&cache.memory, delayed(|| 7)), (7, MissReason::NotMemoized));
    assert!(cache.memory.insert(&delayed(|| 7), &7).unwrap_err().to_string().contains("plain closure"));
    assert!(cache.memory.shelve(delayed(|| 7)).is_err());
    assert_eq!(cache.memory.stats().entries, 0);
}

#[test]
fn verify_removes_what_is_damaged_or_foreign() {
    let cache = TestCache::files();
    for x in 0..4 {
        miss(&cache.memory, square::delayed(x));
    }
    let files = cache.entry_files();
    fs::write(&files[0], b"garbage").unwrap();
    fs::write(files[1].with_file_name("not a key"), b"x").unwrap();
    let verified = cache.memory.verify().unwrap();
    assert_eq!((verified.sound, verified.damaged.len()), (3, 2));
    assert_eq!(cache.entry_files().len(), 3);
    assert_eq!(cache.memory.verify().unwrap().damaged, Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_directory_with_other_files_is_refused_and_left_alone() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "years of work").unwrap();
    let error = Memory::open(dir.path()).unwrap_err();
    assert_eq!(error.path(), Some(dir.path()));
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(files_below(dir.path()).len(), 1);
}

#[test]
fn a_file_in_place_of_the_directory_is_an_error_with_its_path() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = Memory::open(&path).unwrap_err();
        assert!(error.path().unwrap().starts_with(&file), "{error}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "x");
}

#[test]
fn a_directory_of_an_unknown_format_is_refused() {
    let cache = TestCache::new();
    fs::write(cache.root().join("format"), "rememo 9 log\n").unwrap();
    let error = Memory::open(cache.root()).unwrap_err();
    assert!(error.to_string().contains("rememo 9 log"), "{error}");
}

/// A file that was renamed but not synced comes back empty after a power cut.
#[test]
fn a_directory_whose_files_a_power_cut_emptied_is_good_again() {
    let cache = TestCache::files();
    miss(&cache.memory, square::delayed(1));
    for file in files_below(&cache.root()) {
        fs::write(file, "").unwrap();
    }
    let memory = cache.reopen();
    assert!(matches!(miss_because(&memory, square::delayed(1)).1, MissReason::Damaged(_)));
    hit(&memory, square::delayed(1));
    assert_eq!(memory.functions().unwrap().len(), 1);
    assert_eq!(fs::read_to_string(cache.root().join("format")).unwrap(), "rememo 3 files\n");
}

#[test]
fn a_cache_directory_is_marked_as_one() {
    let cache = TestCache::new();
    let read = |name: &str| fs::read_to_string(cache.root().join(name)).unwrap();
    assert!(read("CACHEDIR.TAG").starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
    assert_eq!(read(".gitignore"), "*\n");
    assert!(["rememo 3 files\n", "rememo 3 log\n"].contains(&&*read("format")));
}

#[test]
fn a_relative_directory_stays_where_it_was() {
    let memory = Memory::builder().dir(Path::new("target").join("rememo-relative-test")).open().unwrap();
    assert!(memory.root().unwrap().is_absolute());
    fs::remove_dir_all(memory.root().unwrap()).unwrap();
}

#[test]
fn public_types_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Memory>();
    check::<rememo::Parallel>();
    check::<rememo::Error>();
    check::<rememo::TaskError>();
    check::<Shelved<std::rc::Rc<u8>>>();
    check::<rememo::FunctionCall<(u8,), std::rc::Rc<u8>>>();
    check::<rememo::report::FunctionInfo>();
    check::<rememo::report::FunctionRecord>();
    check::<rememo::Why>();
    check::<rememo::Outcome<u8>>();
}

#[test]
fn a_source_is_a_short_sentence() {
    let cache = TestCache::new();
    let source = || cache.memory.call_info(square::delayed(1)).source.to_string();
    assert_eq!(source(), "miss: not computed before with this code and these arguments");
    assert_eq!(source(), "hit");
    assert_eq!(Source::Joined.to_string(), "joined");
}

#[test]
fn a_function_is_listed_again_after_another_handle_has_cleared() {
    let cache = TestCache::new();
    miss(&cache.memory, square::delayed(1));
    cache.reopen().clear().unwrap();
    miss(&cache.memory, square::delayed(1));
    assert_eq!(cache.memory.functions().unwrap().len(), 1);
}
