//! Writers that are killed lose what they had not acknowledged, and nothing else.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;

#[test]
fn killed_writers_lose_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    // A bystander, so that the writers are never alone in the directory; and rounds without one.
    let mut bystander = None;
    let mut acknowledged = Vec::new();
    for round in 0..60_u64 {
        bystander = if round % 3 == 0 { None } else { bystander.or_else(|| Some(reopen(dir.path()))) };
        let mut writers: Vec<_> =
            (0..2).map(|n| start_writer(dir.path(), (2 * round + n) * 1_000_000)).collect();
        thread::sleep(Duration::from_micros(8_000 + round * 397 % 12_000));
        for writer in &mut writers {
            writer.kill().unwrap();
        }
        for mut writer in writers {
            writer.wait().unwrap();
            let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
            let number = |line: String| line.strip_prefix("stored ")?.parse::<u64>().ok();
            acknowledged.extend(lines.filter_map(|line| number(line.unwrap())));
        }
        if let Some(store) = &bystander {
            assert!(acknowledged.iter().all(|&number| get(&**store, number)), "round {round}");
        }
        let store = reopen(dir.path());
        assert!(acknowledged.iter().all(|&number| get(&*store, number)), "round {round}");
        store.put(&draft(u64::MAX - round)).unwrap();
        assert!(get(&*store, u64::MAX - round));
    }
    assert!(acknowledged.len() > 500, "{}", acknowledged.len());
    bystander = None;
    drop(bystander);
    fs::remove_file(dir.path().join("index")).unwrap();
    let store = reopen(dir.path());
    assert!(acknowledged.iter().all(|&number| get(&*store, number)), "after a rebuild");
}

/// Starts this binary again, for the test [`writer`].
fn start_writer(root: &Path, first: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "store::log::tests::killed::writer", "--nocapture"])
        .env("REMEMO_TEST_STORE", root)
        .env("REMEMO_TEST_FIRST", first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the other process of other tests, started by them"]
fn writer() {
    let Some(root) = env::var_os("REMEMO_TEST_STORE") else { return };
    let first: u64 = env::var("REMEMO_TEST_FIRST").unwrap().parse().unwrap();
    let store = reopen(Path::new(&root));
    let mut out = std::io::stdout();
    for number in first..first + 100_000 {
        store.put(&draft(number)).unwrap();
        // Acknowledged: a line of its own, at once.
        writeln!(out, "stored {number}").unwrap();
        if number % 40 == 0 {
            store.sweep().unwrap();
        }
    }
}
