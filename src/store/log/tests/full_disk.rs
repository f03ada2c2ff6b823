//! A disk that gets full at any moment: calls fail with an error, never by a signal, and the store is sound afterwards.
//!
//! They need small file systems of their own, and are skipped where none can be mounted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

use super::engines::Disk;
use super::*;

/// What is known of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    There,
    Gone,
    /// A call that failed, or was asked to reduce, may have removed it or not.
    Either,
}

type Model = BTreeMap<u64, State>;

/// Something that is done while so much space is left. What fails may fail; what is done must be in the model.
type Deed = fn(&LogStore, &mut Model);

const DEEDS: [(&str, Deed); 9] = [
    ("store", |store, model| (1000..1040).for_each(|number| put(store, model, number))),
    ("store large values", |store, model| (2000..2004).for_each(|number| put(store, model, number))),
    ("replace", |store, model| (0..200).for_each(|number| put(store, model, number))),
    ("grow", |store, model| {
        let _ = store.grow(&store.view.load_full());
        (1000..1200).for_each(|number| put(store, model, number));
    }),
    ("reduce", |store, model| {
        let _ = move_oldest(store);
        // The first hundred cost nothing to compute.
        let _ = store.reduce(&Limits::new().items(ENTRIES - 100));
        model.extend((0..100).map(|number| (number, State::Either)));
    }),
    ("remove", |store, model| {
        for number in (0..ENTRIES).step_by(3) {
            let removed = store.remove(&key(number)).is_ok();
            model.insert(number, if removed { State::Gone } else { State::Either });
        }
    }),
    ("clear a function", |store, model| {
        let function = draft(1).function;
        let state = store.clear_functions(&[function]).map_or(State::Either, |()| State::Gone);
        model
            .iter_mut()
            .filter(|(number, _)| draft(**number).function == function)
            .for_each(|entry| *entry.1 = state);
    }),
    ("clear", |store, model| {
        let state = store.clear().map_or(State::Either, |()| State::Gone);
        for entry in model.values_mut() {
            *entry = state;
        }
    }),
    ("sweep", |store, _| drop(store.sweep())),
];

/// Entries that are there before; the index of the smallest size grows at 576.
const ENTRIES: u64 = 560;

fn drafted(number: u64) -> Draft<'static> {
    let payload = match number {
        7 | 2000..3000 => vec![u8::try_from(number % 251).unwrap(); 70_000].into(),
        _ => draft(number).payload,
    };
    let compute_time = if number < 100 { Duration::ZERO } else { Duration::from_secs(1) };
    Draft { compute_time, payload, ..draft(number) }
}

fn put(store: &LogStore, model: &mut Model, number: u64) {
    match (store.put(&drafted(number)), model.get(&number)) {
        (Ok(()), _) => model.extend([(number, State::There)]),
        // A blob is in place before its record; what was there before is the same value.
        (Err(_), None) => model.extend([(number, State::Either)]),
        (Err(_), Some(_)) => {}
    }
}

#[track_caller]
fn expect(store: &LogStore, model: &Model, context: &str) {
    for (&number, &state) in model {
        let there = match store.get(&key(number)).unwrap() {
            Lookup::Found(entry) => {
                assert_eq!(
                    *entry.value().whole().unwrap(),
                    drafted(number).payload.to_vec(),
                    "{number}, {context}"
                );
                true
            }
            Lookup::Absent => false,
            Lookup::Damaged(how) => panic!("{number}: {how}, {context}"),
        };
        let expected = State::Either == state || there == (state == State::There);
        assert!(expected, "{number} is {state:?}, {context}");
    }
}

/// Fills a file system but for so many pages.
struct Ballast(PathBuf);

impl Ballast {
    fn leaving(disk: &Path, pages: u64) -> Self {
        let path = disk.join("ballast");
        let mut file = File::create(&path).unwrap();
        for chunk in [64 * 1024, 4096, 512, 1] {
            while file.write_all(&vec![1; chunk]).is_ok() {}
        }
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(4096 * pages)).unwrap();
        // ext4 gives space back when it commits.
        file.sync_all().unwrap();
        Ballast(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let file = File::options().write(true).open(&self.0).unwrap();
        file.set_len(0).unwrap();
        file.sync_all().unwrap();
        fs::remove_file(&self.0).unwrap();
    }
}

/// A store with entries, all of them stored twice, in a directory that is removed afterwards.
fn filled(disk: &Path) -> (tempfile::TempDir, LogStore, Model) {
    let dir = tempfile::tempdir_in(disk).unwrap();
    let store = open_log(dir.path(), &options());
    let mut model = Model::new();
    (0..ENTRIES).chain(0..ENTRIES).for_each(|number| put(&store, &mut model, number));
    assert!(model.values().all(|&state| state == State::There));
    (dir, store, model)
}

/// Runs a test on small file systems of two kinds.
fn on_each_disk(test: impl Fn(&Path)) {
    for (kind, size) in [("tmpfs", "2m"), ("ext4", "8m")] {
        if let Some(disk) = Disk::mount(kind, size) {
            test(&disk.path());
        }
    }
}

#[test]
fn a_disk_that_gets_full_at_any_stage_of_anything_leaves_a_sound_store() {
    on_each_disk(|disk| {
        for pages in [0, 1, 2, 4, 8, 14, 24] {
            for (name, deed) in DEEDS {
                let context = format!("{name} with {pages} pages left on {}", disk.display());
                let (dir, store, mut model) = filled(disk);
                let ballast = Ballast::leaving(disk, pages);
                deed(&store, &mut model);
                expect(&store, &model, &context);
                drop(ballast);
                expect_sound(dir.path(), store, model, &context);
            }
        }
    });
}

#[test]
fn a_store_that_is_opened_on_a_full_disk_without_its_index_has_all_entries() {
    on_each_disk(|disk| {
        for pages in [0, 1, 4, 8, 16] {
            let context = format!("{pages} pages left on {}", disk.display());
            let (dir, store, mut model) = filled(disk);
            drop(store);
            fs::remove_file(dir.path().join("index")).unwrap();
            let ballast = Ballast::leaving(disk, pages);
            let store = open_log(dir.path(), &options());
            expect(&store, &model, &context);
            (1000..1010).for_each(|number| put(&store, &mut model, number));
            drop((ballast, store));
            let store = open_log(dir.path(), &options());
            expect_sound(dir.path(), store, model, &context);
        }
    });
}

/// There is space again: what is known holds, the store works, and a rebuild comes to the same.
#[track_caller]
fn expect_sound(root: &Path, store: LogStore, mut model: Model, context: &str) {
    expect(&store, &model, context);
    for number in 3000..3020 {
        store.put(&drafted(number)).unwrap();
        model.insert(number, State::There);
    }
    (1000..1300).for_each(|number| put(&store, &mut model, number));
    drop(store);
    fs::remove_file(root.join("index")).unwrap();
    let store = open_log(root, &options());
    expect(&store, &model, &format!("{context}, rebuilt"));
    let mut listed = 0;
    store.list(&mut |_| listed += 1).unwrap();
    assert_eq!(store.stat().unwrap().entries, listed, "{context}");
    store.sweep().unwrap();
    expect(&store, &model, &format!("{context}, swept"));
}
