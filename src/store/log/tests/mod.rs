//! What only the log can get wrong: damage, growth, killed writers, many processes, full disks, reductions under way.

mod budget;
mod damage;
#[path = "../../../../tests/engines/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "other test programs use it, too, and more of it")]
mod engines;
mod full_disk;
mod killed;
mod lent;
mod many;
mod processes;
mod reduction;
mod upkeep;
mod vanished;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::UNIX_EPOCH;
use std::{env, fs, thread};

use super::index::Note;
use super::view::TICK;
use super::*;
use crate::store::suite::{draft, get, is_lent, key};
use crate::store::{Author, Layout, Limits, Writer, open, root};

fn options() -> Options {
    Options { layout: Layout::Log, ..Options::default() }
}

fn fresh() -> (tempfile::TempDir, Arc<dyn Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = reopen(dir.path());
    (dir, store)
}

fn reopen(root: &Path) -> Arc<dyn Store> {
    open(root, &options()).unwrap().1
}

/// As [`reopen`], for what the trait does not tell.
fn open_log(root: &Path, options: &Options) -> LogStore {
    let (dir, _) = root::prepare(root, options.layout).unwrap();
    LogStore::open(&Arc::new(dir), options)
}

/// Whether the entry is there and right; damage is a miss, a wrong value fails.
#[track_caller]
fn right_or_missed(store: &dyn Store, number: u64) -> bool {
    is_lent(store, number);
    match store.get(&key(number)).unwrap() {
        Lookup::Found(entry) => {
            assert_eq!(*entry.value().whole().unwrap(), draft(number).payload.to_vec(), "{number}");
            true
        }
        Lookup::Absent | Lookup::Damaged(_) => false,
    }
}

fn on_disk(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(
            |path: PathBuf| {
                if path.is_dir() { on_disk(&path) } else { fs::metadata(path).map_or(0, |file| file.len()) }
            },
        )
        .sum()
}

/// A step of a reduction that evicts nothing: what is in the oldest segment is copied to the tail.
fn move_oldest(store: &LogStore) -> Result<()> {
    let (_upkeep, view) = store.lock_for_upkeep()?;
    store.reduce_oldest(&view, store.now(), |_, _| false).map(drop)
}

/// Whether the tests that have a short and a long form are to take their time.
fn is_long() -> bool {
    env::var_os("REMEMO_TEST_LONG").is_some()
}

/// Starts this binary again, for one test alone, which the environment tells where its store is.
fn start_again(test: &str, root: &Path, variables: &[(&str, OsString)]) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", test, "--nocapture"])
        .env("REMEMO_TEST_STORE", root)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Drafts of one write that replace each other, and such as were there before.
#[test]
fn entries_of_one_write_are_counted_once_for_each_key() {
    let (_dir, store) = fresh();
    store.put(&draft(3)).unwrap();
    let one = store.stat().unwrap();
    assert!(store.put_all(&[draft(3), draft(3), draft(3)]).iter().all(Result::is_ok));
    assert_eq!(store.stat().unwrap(), one);
    // Of three functions in turn, and more than the smallest index has room for.
    let drafts: Vec<_> = (0..1000).chain(500..1000).map(draft).collect();
    assert!(store.put_all(&drafts).iter().all(Result::is_ok));
    assert_eq!(store.stat().unwrap().entries, 1000);
    let mut functions = store.functions().unwrap();
    functions.sort_by_key(|(function, _)| function.0);
    assert_eq!(functions.iter().map(|(_, extent)| extent.entries).collect::<Vec<_>>(), [334, 333, 333]);
    assert!((0..1000).all(|number| get(&*store, number) && !store.lacks(&key(number))));
    assert!(store.lacks(&key(2000)));
}

#[test]
fn golden_bytes() {
    let (dir, store) = fresh();
    let author = Author::Other(Writer::new("tune", "one").map(Arc::new));
    let created = UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_001);
    let draft = Draft { author, created, payload: b"value".to_vec().into(), ..draft(7) };
    store.put(&draft).unwrap();
    store.remove(&key(7)).unwrap();
    let log = fs::read(dir.path().join("log/0000")).unwrap();
    let digest = blake3::hash(&log).to_hex();
    assert_eq!((log.len(), &digest[..32]), (144, "2dedeae4296f4e46e43b13aa9eef39e5"));
    let key = key(7);
    let head = [
        &[0x05, 0, 1, 0x01][..],
        &7_000_000_f32.to_le_bytes(),
        key.as_bytes(),
        &draft.function.0,
        &1_700_000_000_u32.to_le_bytes(),
        &[0x00, 0x40],
        &31_172_u16.to_le_bytes(),
        b"value7\0\0",
    ];
    assert_eq!(log[16..80], head.concat());
    let writers = fs::read_to_string(dir.path().join("log/writers")).unwrap();
    assert_eq!(writers, "6e19a1721d64c07b 31172 [\"tune\",\"one\"]\n");
}

#[test]
fn the_index_grows_again_and_again_while_it_is_used() {
    let (dir, store) = fresh();
    let path = dir.path().join("index");
    let mut sizes = vec![fs::metadata(&path).unwrap().len()];
    let other = reopen(dir.path());
    for number in 0..40_000 {
        store.put(&draft(number)).unwrap();
        let size = fs::metadata(&path).unwrap().len();
        if sizes.last() != Some(&size) {
            sizes.push(size);
            assert!((0..=number).all(|number| get(&*other, number)), "after growth at {number}");
        }
    }
    assert_eq!(sizes.len(), 7, "{sizes:?}");
}

/// Of a million in the long form.
#[test]
fn an_entry_of_a_hundred_bytes_takes_two_hundred_on_the_disk() {
    let entries = if is_long() { 1_000_000 } else { 70_000 };
    let (dir, store) = fresh();
    for start in (0..entries).step_by(1000) {
        let draft = |number: u64| Draft {
            arguments: format!("{number}, \"ab\"").into(),
            payload: vec![7; 100].into(),
            ..draft(number)
        };
        let drafts: Vec<_> = (start..start + 1000).map(draft).collect();
        assert!(store.put_all(&drafts).iter().all(Result::is_ok));
    }
    assert!((0..entries).step_by(77).all(|number| store.holds(&key(number)).unwrap()));
    let (bytes, index) = (on_disk(dir.path()), fs::metadata(dir.path().join("index")).unwrap().len());
    println!("{entries} entries take {bytes} bytes, {index} of them the index");
    assert!(bytes <= 200 * entries, "{} bytes each", bytes / entries);
}
