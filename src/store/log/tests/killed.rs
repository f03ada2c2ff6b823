//! Writers that are killed lose what they had not acknowledged, and nothing else.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use super::*;

/// What a writer does beside storing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    /// Copies the index, as it does when that is crowded.
    Growing,
    Sweeping,
    /// Copies what is in the oldest segment and removes that; evicts nothing.
    Reducing,
    /// Stores values of 64 KiB and more, and replaces them.
    Large,
}

impl Manner {
    const ALL: [Manner; 4] = [Manner::Growing, Manner::Sweeping, Manner::Reducing, Manner::Large];

    /// The manner of the writer of a number; each has a million numbers.
    fn of(number: u64) -> Self {
        Manner::ALL[usize::try_from(number / 1_000_000).unwrap() % Manner::ALL.len()]
    }
}

fn drafted(number: u64) -> Draft<'static> {
    if Manner::of(number) == Manner::Large && number.is_multiple_of(2) {
        return Draft { payload: vec![u8::try_from(number % 251).unwrap(); 65_536].into(), ..draft(number) };
    }
    draft(number)
}

#[track_caller]
fn there(store: &dyn Store, number: u64) -> bool {
    match store.get(&key(number)).unwrap() {
        Lookup::Found(entry) => {
            assert_eq!(*entry.value().whole().unwrap(), drafted(number).payload.to_vec(), "{number}");
            true
        }
        Lookup::Absent => false,
        Lookup::Damaged(how) => panic!("{number}: {how}"),
    }
}

#[test]
fn two_hundred_killed_writers_lose_nothing_that_was_acknowledged() {
    const ROUNDS: u64 = 50;
    let dir = tempfile::tempdir().unwrap();
    // A bystander, so that the writers are never alone in the directory; and rounds without one.
    let mut bystander = None;
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        bystander = if round % 3 == 0 { None } else { bystander.or_else(|| Some(reopen(dir.path()))) };
        let checked = if round % 10 == 0 { 0 } else { acknowledged.len() };
        let mut writers: Vec<_> =
            (0..4).map(|n| start_writer(dir.path(), (4 * round + n) * 1_000_000)).collect();
        let mut outputs: Vec<_> = writers
            .iter_mut()
            .map(|writer| BufReader::new(writer.stdout.take().unwrap()).lines())
            .map(|lines| lines.filter_map(|line| line.unwrap().strip_prefix("stored ")?.parse::<u64>().ok()))
            .collect();
        // One round in four they are killed while they start; in the others all have begun to store.
        if round % 4 != 0 {
            acknowledged.extend(outputs.iter_mut().filter_map(Iterator::next));
        }
        thread::sleep(Duration::from_micros(round * 7919 % 25_000));
        for writer in &mut writers {
            writer.kill().unwrap();
            thread::sleep(Duration::from_micros(round * 397 % 2_000));
        }
        for (mut writer, output) in writers.into_iter().zip(outputs) {
            writer.wait().unwrap();
            acknowledged.extend(output);
        }
        let store = reopen(dir.path());
        for store in bystander.iter().chain([&store]) {
            for &number in &acknowledged[checked..] {
                assert!(there(&**store, number), "{number} in round {round}");
            }
        }
        store.put(&draft(u64::MAX - round)).unwrap();
        assert!(get(&*store, u64::MAX - round));
    }
    for manner in Manner::ALL {
        let count = acknowledged.iter().filter(|&&number| Manner::of(number) == manner).count();
        assert!(count > 20, "{manner:?}: {count}");
    }
    drop(bystander);
    for step in ["as it is", "rebuilt"] {
        let store = reopen(dir.path());
        for &number in &acknowledged {
            assert!(there(&*store, number), "{number}, {step}");
        }
        drop(store);
        fs::remove_file(dir.path().join("index")).unwrap();
    }
}

fn start_writer(root: &Path, first: u64) -> Child {
    let first = ("REMEMO_TEST_FIRST", first.to_string().into());
    start_again("store::log::tests::killed::writer", root, &[first])
}

#[test]
#[ignore = "the other process of another test, started by it"]
fn writer() {
    let Some(root) = env::var_os("REMEMO_TEST_STORE") else { return };
    let first: u64 = env::var("REMEMO_TEST_FIRST").unwrap().parse().unwrap();
    let store = open_log(Path::new(&root), &options());
    let mut out = std::io::stdout();
    for number in first.. {
        store.put(&drafted(number)).unwrap();
        // Acknowledged: a line of its own, at once.
        writeln!(out, "stored {number}").unwrap();
        if number % 10 != 0 {
            continue;
        }
        match Manner::of(number) {
            Manner::Growing => store.grow(&store.view.load_full()).unwrap(),
            Manner::Sweeping => drop(store.sweep().unwrap()),
            Manner::Reducing => move_oldest(&store).unwrap(),
            Manner::Large => {
                (first..number).step_by(7).for_each(|number| store.put(&drafted(number)).unwrap());
            }
        }
    }
}
