//! What all runs have counted, whoever is killed.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rememo::report::{Ending, Usage};
use rememo::{Layout, Memory, Parallel, memo};
use serde_json::json;

use crate::support::{Cache, layouts};

#[memo(name = "totals::slow", track = "none")]
fn slow(x: u64) -> u64 {
    thread::sleep(Duration::from_millis(20));
    x
}

#[memo(name = "totals::fast", track = "none")]
fn fast(x: u64) -> u64 {
    x + 1
}

/// The runs of the tests here, started by them: what they do, and how they end, stands in the environment.
#[test]
#[ignore = "the other process of tests, started by them"]
fn run() {
    let Some(dir) = env::var_os("REMEMO_TEST_CACHE") else { return };
    let memory = Memory::open(dir).unwrap();
    let (calls, hits): (u64, u64) = (number("REMEMO_TEST_CALLS"), number("REMEMO_TEST_HITS"));
    (0..calls).for_each(|x| assert_eq!(memory.call(slow::delayed(x)), x));
    (0..hits).for_each(|x| assert_eq!(memory.call(fast::delayed(x % 10)), x % 10 + 1));
    match env::var("REMEMO_TEST_ENDING").unwrap().as_str() {
        "closes" => drop(memory),
        "exits" => {
            // Never dropped.
            memory.make_default();
            std::process::exit(0);
        }
        "waits" => {
            println!("done");
            thread::sleep(Duration::from_mins(5));
        }
        ending => panic!("{ending}"),
    }
}

fn number(variable: &str) -> u64 {
    env::var(variable).unwrap().parse().unwrap()
}

fn start(dir: &Path, calls: u64, hits: u64, ending: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "totals::run", "--nocapture"])
        .env("REMEMO_TEST_CACHE", dir)
        .env("REMEMO_TEST_CALLS", calls.to_string())
        .env("REMEMO_TEST_HITS", hits.to_string())
        .env("REMEMO_TEST_ENDING", ending)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Waits until the run has done its work.
fn wait_until_done(child: &mut Child) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("done")), "it never came so far");
}

fn counts(usage: &Usage) -> [u64; 3] {
    [usage.hits, usage.misses, usage.joined]
}

#[test]
fn runs_that_close_exit_and_are_killed_add_up() {
    for layout in layouts() {
        let cache = Cache::new(layout);
        // 10 misses of each, then 90 hits of the fast one.
        assert!(start(&cache.root(), 10, 100, "closes").wait().unwrap().success());
        // 10 hits and 5 misses of the slow one, 50 hits of the fast one.
        assert!(start(&cache.root(), 15, 50, "exits").wait().unwrap().success());
        let mut killed = start(&cache.root(), 15, 200, "waits");
        wait_until_done(&mut killed);
        // All that was counted is written by then.
        thread::sleep(Duration::from_millis(2500));
        killed.kill().unwrap();
        killed.wait().unwrap();
        for _ in 0..2 {
            let usage = cache.memory.usage().unwrap();
            assert_eq!(counts(&usage["totals::slow"]), [10 + 15, 10 + 5, 0]);
            assert_eq!(counts(&usage["totals::fast"]), [90 + 50 + 200, 10, 0]);
            let slow = &usage["totals::slow"];
            assert!(slow.computed >= Duration::from_millis(15 * 20), "{slow:?}");
            assert!(
                slow.saved >= Duration::from_millis(25 * 20) && slow.saved < 3 * slow.computed,
                "{slow:?}"
            );
            assert!(slow.last_use.unwrap().elapsed().unwrap_or_default() < Duration::from_mins(1));
            let endings: Vec<_> = cache.memory.runs().unwrap().iter().map(|run| run.ending).collect();
            assert_eq!(endings, [Ending::Ended, Ending::Ended, Ending::Killed]);
            // The next run settles what the killed one has left, and changes nothing of it.
            assert!(start(&cache.root(), 0, 0, "closes").wait().unwrap().success());
        }
        let all = cache.memory.stats().all_runs;
        assert_eq!(counts(&all), [25 + 340, 15 + 10, 0]);
    }
}

#[test]
fn a_run_that_was_killed_is_settled_once_by_those_that_come_after_it() {
    for layout in layouts() {
        let cache = Cache::new(layout);
        let mut killed = start(&cache.root(), 0, 30, "waits");
        wait_until_done(&mut killed);
        thread::sleep(Duration::from_millis(2500));
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert_eq!(std::fs::read_dir(cache.root().join("sessions")).unwrap().count(), 1);
        // All of them end at once.
        let mut later: Vec<_> = (0..6).map(|_| start(&cache.root(), 0, 10, "closes")).collect();
        assert!(later.iter_mut().all(|run| run.wait().unwrap().success()));
        assert_eq!(std::fs::read_dir(cache.root().join("sessions")).unwrap().count(), 0);
        let usage = cache.memory.usage().unwrap();
        assert_eq!(counts(&usage["totals::fast"]), [20 + 60, 10, 0]);
        assert_eq!(cache.memory.runs().unwrap().len(), 7);
    }
}

#[test]
fn a_run_is_seen_while_it_goes_on() {
    let cache = Cache::new(Layout::Auto);
    let mut running = start(&cache.root(), 3, 0, "waits");
    wait_until_done(&mut running);
    let started = Instant::now();
    loop {
        let object = &cache.rememo(&["stats", "--json"]).right().objects()[0];
        if object["misses"] == 3 {
            assert_eq!(object["runs"][0]["ending"], "running");
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{object}");
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let ran = cache.rememo(&["stats"]).right();
    assert_eq!(ran.lines()[3], "started           ending       hits    misses  computed     saved  program");
    assert!(ran.lines()[4].contains("  killed          0         3  "), "{}", ran.out);
    assert!(ran.lines()[1].starts_with("0 hits, 3 misses, 0 joined; computed "), "{}", ran.out);
}

#[test]
fn calls_of_all_threads_and_memories_of_one_process_are_counted() {
    for layout in layouts() {
        let cache = Cache::new(layout);
        for round in 1..=3 {
            let memory = Memory::open(cache.root()).unwrap();
            let calls = (0..1000).map(|x| fast::delayed(x % 100));
            Parallel::new().jobs(4).memory(&memory).run(calls).unwrap();
            let [hits, misses, joined] = counts(&memory.usage().unwrap()["totals::fast"]);
            assert_eq!(hits + misses + joined, 1000 * round);
            drop(memory);
            let [hits, misses, joined] = counts(&cache.memory.usage().unwrap()["totals::fast"]);
            assert_eq!((hits + misses + joined, misses), (1000 * round, 100));
        }
        assert_eq!(cache.memory.runs().unwrap().len(), 1, "it is one process");
    }
}

#[test]
fn a_directory_that_was_removed_is_not_made_again_for_a_count() {
    for layout in layouts() {
        let cache = Cache::new(layout);
        cache.memory.call(fast::delayed(1));
        let root = cache.root();
        std::fs::remove_dir_all(&root).unwrap();
        thread::sleep(Duration::from_millis(1500));
        assert!(!root.exists());
        drop(cache);
        assert!(!root.exists());
    }
}

#[test]
fn what_was_counted_is_damaged_and_begins_anew() {
    let cache = Cache::new(Layout::Auto);
    assert!(start(&cache.root(), 0, 100, "closes").wait().unwrap().success());
    let totals = cache.root().join("totals");
    std::fs::write(&totals, &std::fs::read(&totals).unwrap()[1..]).unwrap();
    assert!(start(&cache.root(), 0, 30, "closes").wait().unwrap().success());
    assert_eq!(counts(&cache.memory.usage().unwrap()["totals::fast"]), [30, 0, 0]);
}

#[test]
fn the_command_shows_what_a_function_has_saved() {
    for layout in layouts() {
        let cache = Cache::new(layout);
        assert!(start(&cache.root(), 10, 0, "closes").wait().unwrap().success());
        assert!(start(&cache.root(), 10, 0, "closes").wait().unwrap().success());
        let rows = cache.rememo(&["ls"]).right();
        let row = &rows.rows()[0];
        assert_eq!((row[0], row[3], row[6]), ("10", "10", "totals::slow"), "{}", rows.out);
        assert!(row[2].ends_with(" ms") && row[4].ends_with(" ms"), "{}", rows.out);
        let object = &cache.rememo(&["ls", "--json"]).right().objects()[0];
        assert_eq!((&object["hits"], &object["misses"]), (&json!(10), &json!(10)));
        // Clearing takes entries, not what they have saved.
        cache.memory.clear().unwrap();
        assert_eq!(cache.rememo(&["stats", "--json"]).right().objects()[0]["hits"], json!(10));
    }
}

#[test]
fn an_entry_is_shown_with_the_run_that_was_going_on_when_it_was_stored() {
    let cache = Cache::new(Layout::Auto);
    assert!(start(&cache.root(), 2, 0, "closes").wait().unwrap().success());
    // What a run was not heard of in its last second counts as its time, too, and times of runs have no fractions.
    thread::sleep(Duration::from_millis(4200));
    let mut killed = start(&cache.root(), 3, 100, "waits");
    wait_until_done(&mut killed);
    thread::sleep(Duration::from_millis(1500));
    killed.kill().unwrap();
    killed.wait().unwrap();

    let runs = cache.memory.runs().unwrap();
    assert_eq!(runs.len(), 2, "{runs:?}");
    let program = if runs[0].host.is_empty() {
        runs[0].program.clone()
    } else {
        format!("{} on {}", runs[0].program, runs[0].host)
    };
    let entries = cache.memory.entries().unwrap();
    let slow: Vec<_> = entries.iter().filter(|info| info.function() == "totals::slow").collect();
    assert_eq!(slow.len(), 3);
    for info in slow {
        let key = info.key().to_string();
        let ran = cache.rememo(&["show", &key]).right();
        assert_eq!(ran.lines()[4], format!("by         {program}"), "{}", ran.out);
        let object = &cache.rememo(&["show", &key, "--json"]).right().objects()[0];
        let then: Vec<_> = object["runs_then"].as_array().unwrap().iter().collect();
        // Of the first run the entries of 0 and 1, of the second that of 2.
        let expected = if info.arguments() == "2" { "killed" } else { "ended" };
        assert_eq!(then.len(), 1, "{object}");
        assert_eq!((&then[0]["ending"], &then[0]["program"]), (&json!(expected), &json!(runs[0].program)));
    }
}
