use super::*;

fn kind(path: &Path) -> Option<Kind> {
    find(path).unwrap().map(|(_, kind)| kind)
}

fn fresh() -> (tempfile::TempDir, std::path::PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("cache");
    (temporary, path)
}

#[test]
fn what_is_asked_for_first_stays() {
    let (_temporary, path) = fresh();
    assert_eq!(kind(&path), None);
    assert_eq!(prepare(&path, Layout::Files).unwrap().1, Kind::Files);
    assert_eq!(prepare(&path, Layout::Auto).unwrap().1, Kind::Files);
    let error = prepare(&path, Layout::Log).unwrap_err();
    assert!(error.path() == Some(&*path) && error.to_string().contains("files"), "{error}");
    assert_eq!(kind(&path), Some(Kind::Files));
}

/// Every state that a creation leaves which is killed after some of its steps, also those of a directory whose later steps came first.
#[test]
fn a_directory_whose_creation_was_killed_anywhere_is_completed() {
    for format in [None, Some(""), Some("\0\0\0"), Some("rememo 3 files\n"), Some("rememo 3 log\n")] {
        for made in 0..32 {
            let (_temporary, path) = fresh();
            fs::create_dir(&path).unwrap();
            let directories = ["tmp", "functions", "blobs"];
            for (bit, name) in directories.iter().enumerate().filter(|(bit, _)| made & 1 << bit != 0) {
                fs::create_dir(path.join(name)).unwrap_or_else(|error| panic!("{bit}: {error}"));
            }
            if made & 8 != 0 {
                fs::write(path.join("CACHEDIR.TAG"), TAG).unwrap();
            }
            if made & 16 != 0 {
                fs::create_dir_all(path.join("tmp")).unwrap();
                fs::write(path.join("tmp/left"), "remem").unwrap();
            }
            if let Some(format) = format {
                fs::write(path.join(FORMAT), format).unwrap();
            }
            let (dir, kind) = prepare(&path, Layout::Auto).unwrap();
            let expected = match format {
                Some("rememo 3 files\n") => Kind::Files,
                Some("rememo 3 log\n") => Kind::Log,
                _ if made & 4 != 0 || cfg!(not(target_os = "linux")) => Kind::Files,
                _ => Kind::Log,
            };
            assert_eq!(kind, expected, "format {format:?}, made {made:05b}");
            assert_eq!(find(&path).unwrap().unwrap().1, kind);
            for name in ["CACHEDIR.TAG", ".gitignore"] {
                assert!(dir.stat(name).unwrap().is_some(), "{name}");
            }
        }
    }
}

/// All who make a directory at the same time get the same layout, whatever each would have decided.
#[test]
fn the_first_format_decides_for_all() {
    for round in 0..50 {
        let (_temporary, path) = fresh();
        let wanted = [Layout::Auto, Layout::Files, Layout::Auto, Layout::Log];
        let start = std::sync::Barrier::new(wanted.len());
        let kinds: Vec<_> = std::thread::scope(|scope| {
            let open = |layout| {
                start.wait();
                prepare(&path, layout).ok().map(|(_, kind)| kind)
            };
            let threads = wanted.map(|layout| scope.spawn(move || open(layout)));
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        let decided = kind(&path).unwrap();
        assert!(kinds.len() >= 2 && kinds.iter().all(|&kind| kind == decided), "{round}: {kinds:?}");
    }
}

#[test]
fn a_directory_of_somebody_else_is_refused_and_left_alone() {
    let (_temporary, path) = fresh();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    let error = prepare(&path, Layout::Auto).unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    fs::write(path.join(FORMAT), "rememo 9 log\n").unwrap();
    let error = prepare(&path, Layout::Auto).unwrap_err();
    assert!(error.to_string().contains("rememo 9 log"), "{error}");
}
