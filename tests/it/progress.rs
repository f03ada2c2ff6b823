//! Who watches a batch is told what happens.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rememo::execute::Totals;
use rememo::{Memory, Parallel, Progress, delayed, memo};

use crate::processes;
use crate::support::TestCache;

/// Keeps all that it is told.
#[derive(Default)]
struct Recorder(Mutex<Vec<Totals>>);

impl Progress for Recorder {
    fn update(&self, totals: &Totals) {
        self.0.lock().unwrap().push(totals.clone());
    }
}

impl Recorder {
    fn all(&self) -> Vec<Totals> {
        self.0.lock().unwrap().clone()
    }

    /// The last totals. Checks that they are the only ones of their kind, and what holds of all.
    #[track_caller]
    fn last(&self) -> Totals {
        let all = self.all();
        assert_eq!(all[0].drawn, 0, "the first comes before anything is drawn: {:?}", all[0]);
        for totals in &all {
            assert!(totals.running <= totals.to_compute, "{totals:?}");
            assert!(totals.done() + totals.to_compute <= totals.drawn, "{totals:?}");
            assert!(totals.total.is_none_or(|total| totals.drawn <= total), "{totals:?}");
        }
        assert!(all.is_sorted_by_key(Totals::done), "{all:?}");
        let (last, others) = all.split_last().unwrap();
        assert!(last.finished && others.iter().all(|totals| !totals.finished), "{all:?}");
        assert_eq!((last.running, last.to_compute), (0, 0), "{last:?}");
        last.clone()
    }
}

/// What became of the inputs: remembered, computed, merged, failed.
fn counts(totals: &Totals) -> [u64; 4] {
    [totals.remembered, totals.computed, totals.merged, totals.failed]
}

#[memo]
fn square(x: u64) -> u64 {
    assert!(x % 100 != 13, "unlucky");
    thread::sleep(Duration::from_micros(x % 7 * 50));
    x * x
}

#[test]
fn totals_add_up_with_hits_duplicates_and_panics() {
    for jobs in [1, 2, 5] {
        let cache = TestCache::new();
        let parallel = Parallel::new().jobs(jobs).memory(&cache.memory);
        parallel.run((100..110).map(square::delayed)).unwrap();
        let recorder = Arc::new(Recorder::default());
        let watched = parallel.on_progress(Arc::clone(&recorder)).keep_going(true);
        // 100 to 110 twice and remembered; 3 of 290 panic, one of them twice; 7 are there three times.
        let inputs: Vec<u64> = (100..400).chain(100..110).chain([213, 207, 207]).chain(300..307).collect();
        let results = watched.run_all(inputs.iter().copied().map(square::delayed));
        let last = recorder.last();
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 4);
        assert_eq!(counts(&last), [20, 287, 9, 4], "{jobs} jobs: {last:?}");
        assert_eq!((last.total, last.drawn), (Some(320), 320));
        assert_eq!((last.to_look_up, last.remaining), (0, Some(Duration::ZERO)));
        assert!(
            last.to_string().starts_with("20 of 320 remembered, 287 computed, 9 merged, 4 failed, took ")
        );
    }
}

#[test]
fn what_is_tried_again_counts_once_and_an_err_of_try_run_as_a_failure() {
    static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);
    let recorder = Arc::new(Recorder::default());
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).on_progress(Arc::clone(&recorder));
    let calls = (0..5).map(|x| {
        let once_more = move || assert!(x != 3 || ATTEMPTS.fetch_add(1, SeqCst) >= 2, "busy");
        delayed(once_more).repeatable()
    });
    parallel.clone().retries(2).run(calls).unwrap();
    assert_eq!(ATTEMPTS.load(SeqCst), 3);
    assert_eq!(counts(&recorder.last()), [0, 5, 0, 0]);

    recorder.0.lock().unwrap().clear();
    let calls = (0..5_u64).map(|x| delayed(move || if x == 2 { Err("two") } else { Ok(x) }));
    assert!(parallel.keep_going(true).try_run(calls).is_err());
    assert_eq!(counts(&recorder.last()), [0, 4, 0, 1]);
}

#[test]
fn streams_and_plain_closures_are_counted_and_an_unknown_length_is_known_in_the_end() {
    for ordered in [true, false] {
        let recorder = Arc::new(Recorder::default());
        let parallel = Parallel::new().jobs(2).window(8).memory(&Memory::disabled());
        let parallel = parallel.on_progress(Arc::clone(&recorder));
        let calls = (0..100_u64).filter(|x| x % 2 == 0).map(|x| delayed(move || x));
        let stream: Box<dyn Iterator<Item = u64>> = if ordered {
            Box::new(parallel.stream(calls).map(Result::unwrap))
        } else {
            Box::new(parallel.stream_unordered(calls).map(|(_, result)| result.unwrap()))
        };
        assert!(recorder.all().is_empty(), "nothing before it is asked");
        assert_eq!(stream.sum::<u64>(), 2450);
        let last = recorder.last();
        assert_eq!((counts(&last), last.total), ([0, 50, 0, 0], Some(50)));
        assert_eq!(recorder.all()[0].total, None);
    }
}

#[test]
fn a_batch_that_stops_and_a_stream_that_is_dropped_report_their_end() {
    let recorder = Arc::new(Recorder::default());
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).on_progress(Arc::clone(&recorder));
    let stopped = parallel.run((0..10_u64).map(|x| delayed(move || assert_ne!(x, 3))));
    assert!(stopped.is_err());
    let all = recorder.all();
    let last = all.last().unwrap();
    assert!(last.finished && last.failed == 1 && last.done() < 10, "{last:?}");

    recorder.0.lock().unwrap().clear();
    let mut stream = parallel.stream((0..).map(|x: u64| delayed(move || x)));
    stream.next().unwrap().unwrap();
    assert!(!recorder.all().last().unwrap().finished);
    drop(stream);
    let all = recorder.all();
    assert_eq!(all.iter().filter(|totals| totals.finished).count(), 1);
    assert!(all.last().unwrap().finished);

    recorder.0.lock().unwrap().clear();
    let drawing = (0..9_u64).map(|x| {
        assert_ne!(x, 5, "cannot be drawn");
        delayed(move || x)
    });
    assert!(catch_unwind(AssertUnwindSafe(|| parallel.run(drawing))).is_err());
    assert!(recorder.all().last().unwrap().finished);
}

#[test]
fn nobody_is_told_who_does_not_ask() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let parallel = Parallel::new().jobs(2).memory(&Memory::disabled());
    let asked = parallel.clone().on_progress(|_: &Totals| {
        CALLS.fetch_add(1, SeqCst);
    });
    let calls = || (0..50_u64).map(|x| delayed(move || x));
    parallel.run(calls()).unwrap();
    asked.clone().progress(false).run(calls()).unwrap();
    asked.stream(calls()).for_each(drop);
    let told = CALLS.load(SeqCst);
    assert!(told >= 2);
    parallel.stream(calls()).for_each(drop);
    assert_eq!(CALLS.load(SeqCst), told);
}

#[test]
fn a_panic_of_who_watches_costs_no_result_and_comes_once() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory).on_progress(|totals: &Totals| {
        CALLS.fetch_add(1, SeqCst);
        assert!(totals.drawn == 0, "cannot be shown");
    });
    let inputs = || (200..290).filter(|x| x % 100 != 13);
    let values = parallel.run(inputs().map(square::delayed)).unwrap();
    assert!(values.into_iter().eq(inputs().map(|x| x * x)));
    assert_eq!(CALLS.load(SeqCst), 2);
    assert_eq!(cache.memory.stats().stored, 89);
}

#[test]
fn while_a_long_task_runs_its_batch_tells_that_it_does() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let parallel = Parallel::new().jobs(1).memory(&Memory::disabled()).on_progress(|totals: &Totals| {
        if (totals.running, totals.to_compute) == (1, 1) {
            SEEN.fetch_add(1, SeqCst);
        }
    });
    let wait = || {
        for _ in 0..6000 {
            if SEEN.load(SeqCst) >= 2 {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    };
    assert_eq!(parallel.run([delayed(wait)]).unwrap(), [true]);
}

#[test]
fn what_runs_inside_a_task_is_told_to_its_own_watcher() {
    let recorder = Arc::new(Recorder::default());
    let outer = Parallel::new().jobs(2).memory(&Memory::disabled());
    let inner = outer.clone().on_progress(Arc::clone(&recorder));
    let sums = outer.run([1_u64].map(|x| {
        let inner = inner.clone();
        delayed(move || inner.run((0..10).map(|y| delayed(move || x + y))).unwrap().into_iter().sum::<u64>())
    }));
    assert_eq!(sums.unwrap(), [55]);
    assert_eq!(counts(&recorder.last()), [0, 10, 0, 0]);
}

/// Takes a while, whatever its argument.
#[memo]
fn slow(x: u64) -> u64 {
    thread::sleep(Duration::from_millis(60));
    x
}

#[test]
fn the_rest_is_estimated_from_earlier_entries_before_anything_is_computed() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    parallel.run((0..4).map(slow::delayed)).unwrap();
    let recorder = Arc::new(Recorder::default());
    let watched = parallel.clone().on_progress(Arc::clone(&recorder));
    watched.run((0..14).map(slow::delayed)).unwrap();
    recorder.last();
    let all = recorder.all();
    let early = all.iter().find(|totals| totals.to_compute > 0 && totals.remaining.is_some()).unwrap();
    assert_eq!((early.remembered, early.total), (4, Some(14)));
    let (count, remaining) = (early.to_compute as u32, early.remaining.unwrap());
    // Each took 60 ms and somewhat more; those that run have run for a while.
    assert!(remaining + Duration::from_millis(60) >= Duration::from_millis(60) * count / 2, "{early:?}");
    assert!(remaining <= Duration::from_secs(1) * count, "{early:?}");
}

/// What the other process does.
pub fn play(role: &str, cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    let parallel = Parallel::new().jobs(2).memory(&memory);
    match role {
        "silent" => {
            parallel.run((0..3).map(slow::delayed)).unwrap();
        }
        "shown" => {
            parallel.run((0..6).map(slow::delayed)).unwrap();
            // More than a second, so that there is a line before the last.
            let inner = parallel.clone().progress(true);
            let long = (0..44).map(slow::delayed);
            let nested = delayed(|| inner.run((40..46).map(slow::delayed)).unwrap().len());
            parallel.clone().progress(true).run(long).unwrap();
            assert_eq!(parallel.run([nested]).unwrap(), [6]);
        }
        role => panic!("nobody plays {role}"),
    }
}

#[test]
fn lines_go_to_a_pipe_at_intervals_and_only_when_asked() {
    let cache = TestCache::new();
    for (role, shown) in [("silent", false), ("shown", true)] {
        let child = processes::start(&format!("progress {role}"), &cache.root())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let text = String::from_utf8(child.stderr).unwrap();
        assert!(child.status.success(), "{text}");
        let lines: Vec<_> = text.lines().collect();
        if !shown {
            assert!(lines.is_empty(), "{text}");
            continue;
        }
        let (last, before) = lines.split_last().unwrap();
        assert!(last.starts_with("6 of 44 remembered, 38 computed, took "), "{text}");
        assert!(!before.is_empty(), "{text}");
        for line in before {
            assert!(line.starts_with("6 of 44 remembered, ") && line.ends_with(" left"), "{text}");
        }
        assert!(!text.contains(['\r', '\x1b']), "{text:?}");
    }
}

/// What a process writes to its output and its standard error where both are a terminal of 100 columns; `None` if there
/// is nothing to make one.
pub fn on_a_terminal(child: &Command) -> Option<String> {
    // Starts its arguments, and copies what appears.
    let script = "
import fcntl, os, struct, subprocess, sys, termios
here, there = os.openpty()
fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 100, 0, 0))
child = subprocess.Popen(sys.argv[1:], stderr=there, stdout=there)
os.close(there)
while True:
    try:
        seen = os.read(here, 65536)
    except OSError:
        break
    if not seen:
        break
    sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(child.wait())
";
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(child.get_program()).args(child.get_args());
    python.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    let Ok(mut python) = python.stdout(Stdio::piped()).spawn() else {
        crate::engines::skip("there is no python3 to make a terminal");
        return None;
    };
    let mut text = String::new();
    python.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(python.wait().unwrap().success(), "{text:?}");
    Some(text)
}

/// What a terminal shows in the end.
pub fn screen(written: &str) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::new()], 0, 0);
    let mut left = written.chars();
    while let Some(next) = left.next() {
        match next {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\x1b' => {
                let mut number = String::new();
                let command = loop {
                    match left.next() {
                        Some('[') => {}
                        Some(digit @ '0'..='9') => number.push(digit),
                        command => break command,
                    }
                };
                match command {
                    Some('A') => row -= number.parse().unwrap_or(1),
                    Some('B') => row += number.parse().unwrap_or(1),
                    Some('K') => lines[row].clear(),
                    command => panic!("a terminal that does not know {command:?}"),
                }
            }
            next => {
                let line: &mut Vec<char> = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = next;
                column += 1;
            }
        }
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn on_a_terminal_it_is_one_line_with_the_feature_and_lines_without() {
    let cache = TestCache::new();
    let Some(text) = on_a_terminal(&processes::start("progress shown", &cache.root())) else { return };
    let last = "6 of 44 remembered, 38 computed, took ";
    assert!(text.contains(last), "{text:?}");
    if cfg!(feature = "progress") {
        // Written over, and the cursor is below it in the end.
        assert!(text.contains("\r\x1b[2K[") && text.contains(" left"), "{text:?}");
        let shown = screen(&text);
        let lines: Vec<_> = shown.iter().filter(|line| line.contains("remembered")).collect();
        assert_eq!(lines.len(), 1, "{shown:#?}");
        assert!(lines[0].starts_with("[========================] 6 of 44 ") && lines[0].contains(last));
    } else {
        assert!(!text.contains('\x1b') && text.lines().count() >= 2, "{text:?}");
    }
}
