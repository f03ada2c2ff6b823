//! Batches that go well, as far as the engine is concerned.

use std::collections::{BTreeMap, HashSet};
use std::thread;
use std::time::Duration;

use crate::program::{Calls, Ending, Engine, Slurm, ending, expected};
use crate::runner::Scenario;
use crate::running::Ended;
use crate::scene::Scene;

pub const SCENARIOS: &[Scenario] = &[
    ("two_thousand_short_calls_are_one_job", two_thousand_short_calls_are_one_job),
    ("calls_that_panic_abort_or_hang_fail_alone", calls_that_panic_abort_or_hang_fail_alone),
    ("the_first_failure_ends_the_job", the_first_failure_ends_the_job),
    ("cancel_on_drop_ends_what_has_begun", cancel_on_drop_ends_what_has_begun),
    ("more_calls_compute_only_what_is_new", more_calls_compute_only_what_is_new),
    ("large_values_come_through_the_store", large_values_come_through_the_store),
    ("the_folder_may_have_any_name", the_folder_may_have_any_name),
    ("a_task_uses_its_cores", a_task_uses_its_cores),
    ("seeds_are_the_same_on_every_engine", seeds_are_the_same_on_every_engine),
];

fn two_thousand_short_calls_are_one_job() {
    let scene = Scene::with_slurm();
    let program = scene.on_slurm(Calls::Alike(2_000, 1));
    let ended = scene.run(&program, 60);
    eprintln!("2,000 calls of 1 ms on three nodes: {:.1} s", ended.took.as_secs_f64());
    ended.expect_values(2_000);
    scene.expect_each_once(0..2_000);
    assert_eq!(scene.submissions(), 1);
    scene.expect_no_folders();
    // Not by one node alone.
    let nodes: HashSet<_> = scene.runs().into_iter().map(|[_, _, node, ..]| node).collect();
    assert!(nodes.len() > 1, "{nodes:?}");

    let again = scene.run(&program, 10);
    again.expect_values(2_000);
    assert!(again.out.contains("stats 2000 hits 0 misses 0 troubles"), "{}", again.out);
    assert_eq!(scene.submissions(), 1);
    scene.expect_each_once(0..2_000);
}

/// The mixed batch has come out as it has to, on any engine.
#[track_caller]
pub fn expect_mixed(ended: &Ended, scene: &Scene, count: u64) {
    assert!(ended.status.success(), "{ended:?}");
    let (values, errors) = (ended.values(), ended.errors());
    for number in 0..count {
        let expect_error = |kind: &str, text: &str| {
            let (got, message) = errors.get(&number).unwrap_or_else(|| panic!("{number}: {ended:?}"));
            assert_eq!(*got, kind, "{number}: {message}");
            assert!(message.contains(text), "{number}: {message}");
            assert!(message.contains(&format!("task {number} ")), "{message}");
        };
        match ending(number) {
            Ending::Return => {
                assert_eq!(values.get(&number), Some(&&*expected(number).to_string()), "{number}: {ended:?}");
            }
            Ending::Panic => expect_error("Panicked", &format!("{number} is a bad number")),
            Ending::Abort => expect_error("Crashed", "SIGABRT"),
            Ending::Hang => expect_error("TimedOut", "3s"),
        }
    }
    let begun = scene.counts("begins");
    assert_eq!(begun.len() as u64, count);
    let twice: Vec<_> = begun.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "begun more than once: {twice:?}");
}

fn calls_that_panic_abort_or_hang_fail_alone() {
    let scene = Scene::with_slurm();
    let mut program = scene.on_slurm(Calls::Mixed(40, 1_000));
    program.timeout = Some(3_000);
    program.files_layout = true;
    let ended = scene.run(&program, 60);
    expect_mixed(&ended, &scene, 40);
    assert_eq!(scene.submissions(), 1);
    scene.expect_no_folders();
}

/// What has begun comes to its end, and nothing more is begun.
fn the_first_failure_ends_the_job() {
    let scene = Scene::with_slurm();
    let (begun, ended) = stops_at_the_first_failure(&scene, Slurm::default(), 500);
    assert_eq!(begun, ended + 1, "all but the one that panicked");
    // It is kept.
    let before = scene.counts("ends");
    let ended = scene.run(&scene.on_slurm(Calls::OneFails(12, 500)), 60);
    assert_eq!((ended.values().len(), ended.errors().len()), (11, 1), "{ended:?}");
    let after = scene.counts("ends");
    assert!(before.keys().all(|number| after[number] == 1), "{after:?}");
}

/// With `cancel_on_drop` what has begun is cancelled, too; calls that take longer than Slurm waits with SIGKILL do not end.
fn cancel_on_drop_ends_what_has_begun() {
    let scene = Scene::with_slurm();
    let slurm = Slurm { cancel_on_drop: true, ..Slurm::default() };
    let (begun, ended) = stops_at_the_first_failure(&scene, slurm, 5_000);
    assert!(begun > ended + 1, "{begun} begun, {ended} ended");
}

/// The sixth call panics. How many calls were begun, and ended, when no task was left.
#[track_caller]
fn stops_at_the_first_failure(scene: &Scene, slurm: Slurm, millis: u64) -> (usize, usize) {
    let mut program = scene.program(Calls::OneFails(200, millis), Engine::Slurm(slurm));
    program.keep_going = false;
    let ended = scene.run(&program, 30);
    assert!(ended.refusal().contains("5 is a bad number"), "{ended:?}");
    scene.wait_until(15, "no task is left", || scene.tasks("PD,R,CG").is_empty());
    let begun = scene.counts("begins").len();
    assert!(begun < 100, "{begun} of 200 calls were begun");
    thread::sleep(Duration::from_secs(1));
    assert_eq!(scene.counts("begins").len(), begun, "calls are begun after the end");
    assert_eq!(scene.submissions(), 1);
    scene.expect_no_folders();
    (begun, scene.counts("ends").len())
}

fn more_calls_compute_only_what_is_new() {
    let scene = Scene::with_slurm();
    scene.run(&scene.program(Calls::Alike(50, 10), Engine::Threads), 30).expect_values(50);
    scene.run(&scene.on_slurm(Calls::Alike(100, 10)), 30).expect_values(100);
    scene.run(&scene.program(Calls::Alike(150, 10), Engine::Processes), 30).expect_values(150);
    scene.expect_each_once(0..150);
    assert_eq!(scene.submissions(), 1);
    let on_nodes = scene.runs().iter().filter(|[what, _, node, ..]| what == "ends" && node != "-").count();
    assert_eq!(on_nodes, 50);
}

fn seeds_are_the_same_on_every_engine() {
    let scene = Scene::with_slurm();
    let seeds = |engine: Engine, folder: &str| {
        let mut program = scene.program(Calls::Seeds(100), engine);
        program.place = scene.path(folder);
        program.is_off = folder == "off";
        let ended = scene.run(&program, 30);
        let values = ended.values().into_iter().map(|(number, seed)| (number, seed.to_owned()));
        values.collect::<BTreeMap<_, _>>()
    };
    let on_threads = seeds(Engine::Threads, "threads");
    assert_eq!(on_threads.values().collect::<HashSet<_>>().len(), 100);
    assert_eq!(seeds(Engine::Processes, "processes"), on_threads);
    assert_eq!(seeds(Engine::Slurm(Slurm::default()), "nodes"), on_threads);
    let slurm = Slurm { folder: Some(scene.path("jobs")), ..Slurm::default() };
    assert_eq!(seeds(Engine::Slurm(slurm), "off"), on_threads);
    assert_eq!(scene.submissions(), 2);
}

fn large_values_come_through_the_store() {
    for files_layout in [false, true] {
        let scene = Scene::with_slurm();
        let mut program = scene.on_slurm(Calls::Large(12));
        program.files_layout = files_layout;
        scene.run(&program, 60).expect_values(12);
        program.engine = Engine::Threads;
        let again = scene.run(&program, 60);
        assert!(again.out.contains("stats 12 hits 0 misses 0 troubles"), "{}", again.out);
        scene.expect_no_folders();
    }
}

/// What a shell, `sbatch` and a pattern of file names each read in their own way.
fn the_folder_may_have_any_name() {
    let scene = Scene::with_slurm();
    for (time, name) in [(1, "it's $HOME 100 %j \"quoted\" ü"), (2, "a\\s %a")] {
        let folder = scene.path(name);
        let slurm = Slurm { folder: Some(folder.clone()), ..Slurm::default() };
        let ended = scene.run(&scene.program(Calls::Alike(20 * time, 10), Engine::Slurm(slurm)), 30);
        ended.expect_values(20 * time);
        assert_eq!(scene.submissions() as u64, time);
        // Tasks that end after the caller remove them.
        scene.wait_until(10, "job folders are gone", || folder.read_dir().map_or(0, Iterator::count) == 0);
    }
}

/// Two processors of a node run two calls at a time.
fn a_task_uses_its_cores() {
    let scene = Scene::with_slurm();
    let slurm = Slurm { cpus_per_task: Some(2), tasks: Some(3), ..Slurm::default() };
    let ended = scene.run(&scene.program(Calls::Alike(24, 1_000), Engine::Slurm(slurm)), 60);
    ended.expect_values(24);
    scene.expect_each_once(0..24);
    let jobs: HashSet<_> = scene.runs().into_iter().map(|[_, _, _, job, _]| job).collect();
    let workers: HashSet<_> = scene.runs().into_iter().map(|[.., process]| process).collect();
    assert!(jobs.len() <= 3 && workers.len() > jobs.len(), "{jobs:?} {workers:?}");
}
