use super::*;

fn directory() -> (tempfile::TempDir, Dir) {
    let temporary = tempfile::tempdir().unwrap();
    let dir = Dir::create(&temporary.path().join("dir")).unwrap();
    (temporary, dir)
}

fn write(dir: &Dir, name: &str, bytes: &[u8]) {
    let (file, _) = dir.find_or_create(name).unwrap();
    crate::sys::write_at(&file, bytes, 0).unwrap();
}

#[test]
fn what_is_missing_is_none_and_everything_else_an_error_that_names_the_path() {
    let (temporary, dir) = directory();
    assert!(dir.find("file", Access::Read).unwrap().is_none());
    assert!(dir.stat("sub/file").unwrap().is_none());
    assert!(!dir.remove("file").unwrap());
    assert_eq!(dir.names("sub").unwrap(), Vec::<String>::new());
    assert!(Dir::open(&temporary.path().join("nowhere")).unwrap().is_none());
    write(&dir, "file", b"text");
    for failed in [
        dir.find("file/below", Access::Read).map(drop),
        dir.remove("file/below").map(drop),
        dir.names("file").map(drop),
        dir.create_new("file/below/name").map(drop),
    ] {
        let error = failed.unwrap_err();
        assert!(error.path().unwrap().starts_with(dir.at("file")), "{error}");
        assert!(error.io_error().is_some(), "{error}");
    }
}

#[test]
fn directories_on_the_way_are_made_and_names_that_are_taken_are_told() {
    let (_temporary, dir) = directory();
    assert!(dir.create_new("a/b/file").unwrap().is_some());
    assert!(dir.create_new("a/b/file").unwrap().is_none());
    assert!(dir.link("a/b/file", "c/other").unwrap());
    assert!(!dir.link("a/b/file", "c/other").unwrap());
    dir.rename("c/other", "d/other").unwrap();
    assert_eq!((dir.names("c").unwrap().len(), dir.names("d").unwrap().len()), (0, 1));
    assert!(dir.remove("d/other").unwrap() && !dir.remove("d/other").unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn a_directory_that_was_moved_keeps_its_files() {
    let (temporary, dir) = directory();
    write(&dir, "file", b"mine");
    std::fs::rename(dir.path(), temporary.path().join("elsewhere")).unwrap();
    std::fs::create_dir(dir.path()).unwrap();
    write(&dir, "other", b"mine, too");
    assert!(dir.find("file", Access::Read).unwrap().is_some());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(temporary.path().join("elsewhere")).unwrap().count(), 2);
}

#[test]
fn a_directory_that_was_removed_is_made_again_by_whoever_creates_something() {
    let (_temporary, dir) = directory();
    write(&dir, "sub/file", b"before");
    std::fs::remove_dir_all(dir.path()).unwrap();
    assert!(dir.find("sub/file", Access::Read).unwrap().is_none() && !dir.was_made_again());
    write(&dir, "sub/file", b"after");
    assert!(dir.was_made_again() && !dir.was_made_again());
    assert_eq!(std::fs::read(dir.path().join("sub/file")).unwrap(), b"after");
}

#[test]
fn a_file_in_place_of_the_directory_is_an_error() {
    let (_temporary, dir) = directory();
    std::fs::remove_dir_all(dir.path()).unwrap();
    std::fs::write(dir.path(), "in the way").unwrap();
    for failed in [dir.create_new("file").map(drop), dir.find_or_create("sub/file").map(drop)] {
        let error = failed.unwrap_err();
        assert_eq!(error.io_error().unwrap().kind(), ErrorKind::NotADirectory, "{error}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn links_and_pipes_are_no_files_and_nobody_waits_for_them() {
    let (temporary, dir) = directory();
    let target = temporary.path().join("target");
    std::fs::write(&target, "somebody else's").unwrap();
    std::os::unix::fs::symlink(&target, dir.at("link")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(dir.at("pipe")).status().unwrap();
    assert!(pipe.success());
    for name in ["link", "pipe"] {
        for access in [Access::Read, Access::Write] {
            let error = dir.find(name, access).unwrap_err();
            assert_eq!(error.path(), Some(&*dir.at(name)));
        }
        assert!(dir.find_or_create(name).is_err());
    }
    assert_eq!(std::fs::read(target).unwrap(), b"somebody else's");
}
