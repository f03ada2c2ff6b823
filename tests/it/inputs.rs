//! Files and directories that change while calls that read them are under way: no value is kept under the key of another content.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use rememo::{Executor, InputDir, InputFile, Memory, Parallel, memo};

use crate::support::{TestCache, hit, miss};

/// What a body does to the file before it reads it, and after that.
fn read_amid(file: &Path, before: &str, after: &str) -> String {
    let write = |text: &str| {
        if !text.is_empty() {
            fs::write(file, text).unwrap();
        }
    };
    write(before);
    let text = fs::read_to_string(file).unwrap();
    write(after);
    text
}

/// The changes count for nothing, as if another program made them.
#[memo(ignore(before, after))]
fn text(file: &InputFile, before: &str, after: &str) -> String {
    read_amid(file, before, after)
}

#[memo(ignore(before))]
fn first_line(dir: &InputDir, before: &str) -> String {
    read_amid(&dir.join("file"), before, "")
}

/// A call before it changes a file.
#[memo]
fn change(path: PathBuf, text: String) -> usize {
    fs::write(path, &text).unwrap();
    text.len()
}

fn troubles(memory: &Memory) -> u64 {
    memory.stats().troubles
}

#[test]
fn a_file_that_changes_while_the_function_runs_leaves_no_entry() {
    for (before, after) in [("new", ""), ("new", "old"), ("", "new")] {
        let cache = TestCache::new();
        let file = InputFile::new(cache.beside("file"));
        fs::write(&file, "old").unwrap();
        let read = miss(&cache.memory, text::delayed(&file, before, after));
        assert_eq!(read, if before.is_empty() { "old" } else { before });
        assert_eq!(troubles(&cache.memory), 1, "{before} {after}");
        for content in ["old", "new"] {
            fs::write(&file, content).unwrap();
            assert_eq!(miss(&cache.memory, text::delayed(&file, "", "")), content);
            assert_eq!(hit(&cache.memory, text::delayed(&file, "", "")), content);
        }
        assert_eq!(troubles(&cache.memory), 1);
    }
}

#[test]
fn a_file_that_changes_before_the_turn_of_its_call_leaves_no_entry() {
    let cache = TestCache::new();
    let file = InputFile::new(cache.beside("file"));
    fs::write(&file, "old").unwrap();
    // Keys are made when calls are drawn: the first runs when the second has its key.
    let path = file.to_path_buf();
    let calls: Vec<rememo::BoxedCall<String>> = vec![
        rememo::BoxedCall::new(rememo::delayed(move || {
            fs::write(&path, "new").unwrap();
            String::new()
        })),
        rememo::BoxedCall::new(text::delayed(&file, "", "")),
    ];
    let read = Parallel::new().jobs(1).memory(&cache.memory).run(calls).unwrap();
    assert_eq!(read[1], "new");
    fs::write(&file, "old").unwrap();
    assert_eq!(miss(&cache.memory, text::delayed(&file, "", "")), "old");
}

#[test]
fn a_file_that_changes_while_a_worker_process_runs_leaves_no_entry() {
    rememo::init();
    let cache = TestCache::new();
    let file = InputFile::new(cache.beside("file"));
    fs::write(&file, "old").unwrap();
    let workers = Parallel::new().jobs(1).memory(&cache.memory).executor(Executor::processes());
    assert_eq!(workers.run([text::delayed(&file, "new", "")]).unwrap(), ["new"]);
    fs::write(&file, "old").unwrap();
    assert_eq!(miss(&cache.memory, text::delayed(&file, "", "")), "old");
    assert_eq!(workers.run([text::delayed(&file, "", "")]).unwrap(), ["old"]);
    hit(&cache.memory, text::delayed(&file, "", ""));
}

#[test]
fn a_directory_that_changes_while_the_function_runs_leaves_no_entry() {
    let cache = TestCache::new();
    let dir = InputDir::new(cache.beside("input"));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("file"), "old").unwrap();
    assert_eq!(miss(&cache.memory, first_line::delayed(&dir, "new")), "new");
    fs::write(dir.join("file"), "old").unwrap();
    assert_eq!(miss(&cache.memory, first_line::delayed(&dir, "")), "old");
    assert_eq!(hit(&cache.memory, first_line::delayed(&dir, "")), "old");
}

/// A value of a call that only writes is kept: it reads none.
#[test]
fn who_changes_a_file_of_others_is_kept() {
    let cache = TestCache::new();
    let path = cache.beside("file");
    miss(&cache.memory, change::delayed(path.clone(), "text".to_owned()));
    hit(&cache.memory, change::delayed(path, "text".to_owned()));
}

#[memo]
fn waits(n: u64) -> u64 {
    let told = STARTED.lock().unwrap().take();
    if let Some((started, go_on)) = told {
        started.send(()).unwrap();
        go_on.recv().unwrap();
    }
    n
}

type Told = (mpsc::Sender<()>, mpsc::Receiver<()>);
static STARTED: std::sync::Mutex<Option<Told>> = std::sync::Mutex::new(None);

/// Closed by this process, the file of leases would give up all that the process has.
#[test]
fn a_directory_above_the_cache_counts_without_it_and_leaves_the_leases_alone() {
    let cache = TestCache::new();
    let above = cache.root().parent().unwrap().to_owned();
    fs::write(above.join("file"), "old").unwrap();
    let dir = InputDir::new(&above);
    let (started, has_started) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    *STARTED.lock().unwrap() = Some((started, goes_on));
    let memory = cache.memory.clone();
    let computing = thread::spawn(move || miss(&memory, waits::delayed(7)));
    has_started.recv().unwrap();
    assert_eq!(miss(&cache.memory, first_line::delayed(&dir, "")), "old");
    // What was stored in the cache since is no change.
    hit(&cache.memory, first_line::delayed(&dir, ""));
    #[cfg(target_os = "linux")]
    assert_eq!(locks_of_this_process(&cache.root().join("leases")), 1);
    go_on.send(()).unwrap();
    assert_eq!(computing.join().unwrap(), 7);
}

/// How many locks this process has on a file, as the kernel tells.
#[cfg(target_os = "linux")]
fn locks_of_this_process(path: &Path) -> usize {
    use std::os::unix::fs::MetadataExt;

    let (inode, process) =
        (format!(":{}", fs::metadata(path).unwrap().ino()), std::process::id().to_string());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let is_ours = |line: &&str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.contains(&process.as_str()) && words.iter().any(|word| word.ends_with(&inode))
    };
    locks.lines().filter(is_ours).count()
}
