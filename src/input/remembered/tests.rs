use std::cell::Cell;
use std::fs::{self, FileTimes, OpenOptions};
use std::path::PathBuf;
use std::thread::sleep;

use super::*;
use crate::input::kept::LEAST_BYTES;

/// Some minutes from now: no file of a test has been changed for a while then.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_mins(10)
}

/// A file, and what is remembered of it.
struct Case {
    dir: tempfile::TempDir,
    path: PathBuf,
    digests: Digests,
}

impl Case {
    fn new(content: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("input");
        fs::write(&path, content).unwrap();
        let digests = Digests::new(Some(Kept::at(dir.path().join("digests"))));
        Case { dir, path, digests }
    }

    /// The digest, and whether the file was read for it.
    #[track_caller]
    fn digest(&self, now: impl Fn() -> SystemTime) -> ([u8; 32], bool) {
        let read = Cell::new(false);
        let note = || {
            read.set(true);
            now()
        };
        (self.digests.digest_at(&self.path, note).unwrap(), read.get())
    }

    #[track_caller]
    fn expect_read(&self, now: impl Fn() -> SystemTime, content: &[u8]) {
        assert_eq!(self.digest(now), (*blake3::hash(content).as_bytes(), true));
    }

    #[track_caller]
    fn expect_remembered(&self, content: &[u8]) {
        assert_eq!(self.digest(later), (*blake3::hash(content).as_bytes(), false));
    }
}

#[test]
fn a_file_that_rested_is_read_once() {
    let case = Case::new(b"content");
    case.expect_read(later, b"content");
    case.expect_remembered(b"content");
}

/// The rule of git's index: a second change could have the times of the first.
#[test]
fn a_file_that_was_changed_a_moment_ago_is_read_again() {
    let case = Case::new(b"one");
    case.expect_read(SystemTime::now, b"one");
    fs::write(&case.path, b"two").unwrap(); // of equal size, perhaps within one tick of the clock
    case.expect_read(SystemTime::now, b"two");
    case.expect_read(later, b"two");
    case.expect_remembered(b"two");
}

#[test]
fn a_time_of_change_in_the_future_is_not_remembered() {
    let case = Case::new(b"content");
    let earlier = || SystemTime::now() - Duration::from_mins(10);
    case.expect_read(earlier, b"content");
    case.expect_read(later, b"content");
    case.expect_remembered(b"content");
}

#[test]
fn a_change_of_equal_size_whose_time_was_set_back_is_noticed() {
    let case = Case::new(b"one");
    case.expect_read(later, b"one");
    let before = fs::metadata(&case.path).unwrap();
    sleep(Duration::from_millis(30)); // longer than a tick of the kernel's clock
    fs::write(&case.path, b"two").unwrap();
    let times = FileTimes::new().set_modified(before.modified().unwrap());
    OpenOptions::new().write(true).open(&case.path).unwrap().set_times(times).unwrap();
    let after = fs::metadata(&case.path).unwrap();
    assert_eq!((before.len(), before.modified().unwrap()), (after.len(), after.modified().unwrap()));
    case.expect_read(later, b"two");
}

#[test]
fn another_file_under_the_same_name_is_read() {
    let case = Case::new(b"one");
    case.expect_read(later, b"one");
    let other = case.dir.path().join("other");
    fs::write(&other, b"two").unwrap();
    fs::rename(&other, &case.path).unwrap();
    case.expect_read(later, b"two");
}

#[test]
fn large_files_are_remembered_by_later_processes_and_small_ones_are_not() {
    for (bytes, kept) in [(LEAST_BYTES, true), (LEAST_BYTES - 1, false)] {
        let content = vec![7; usize::try_from(bytes).unwrap()];
        let case = Case::new(&content);
        case.expect_read(SystemTime::now, &content);
        assert!(!case.dir.path().join("digests").exists(), "changed a moment ago");
        case.expect_read(later, &content);
        let process = Case { digests: Digests::new(Some(Kept::at(case.dir.path().join("digests")))), ..case };
        assert_eq!(process.digest(later), (*blake3::hash(&content).as_bytes(), !kept));
        process.expect_remembered(&content);
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let case = Case::new(b"content");
    let reads = Cell::new(0);
    let grow = || {
        reads.set(reads.get() + 1);
        fs::write(&case.path, vec![1; reads.get()]).unwrap();
        later()
    };
    let error = case.digests.digest_at(&case.path, grow).unwrap_err();
    assert_eq!((error.to_string().as_str(), reads.get()), ("it changes while it is read", ATTEMPTS));
    // Once only: the next attempt succeeds.
    let once = Cell::new(true);
    let change = || {
        if once.take() {
            fs::write(&case.path, b"other content").unwrap();
        }
        later()
    };
    assert_eq!(
        case.digests.digest_at(&case.path, change).unwrap(),
        *blake3::hash(b"other content").as_bytes()
    );
}

#[test]
fn what_is_no_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let digests = Digests::new(None);
    let missing = dir.path().join("missing");
    let error = digests.digest(&missing).unwrap_err().to_string();
    assert!(error.contains(missing.to_str().unwrap()) && error.contains("No such file"), "{error}");
    let error = digests.digest(dir.path()).unwrap_err().to_string();
    assert!(error.contains(dir.path().to_str().unwrap()) && error.contains("InputDir"), "{error}");
    let error = digests.digest(Path::new("/dev/null")).unwrap_err().to_string();
    assert!(error.contains("no regular file"), "{error}");
}
