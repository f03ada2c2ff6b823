//! Callers that die, are interrupted, or ask for the same at the same time.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::Signal;

use crate::program::Calls;
use crate::runner::Scenario;
use crate::scene::Scene;

pub const SCENARIOS: &[Scenario] = &[
    ("a_killed_caller_joins_its_job_when_started_again", a_killed_caller_joins_its_job_when_started_again),
    ("a_killed_caller_finds_what_was_done_without_it", a_killed_caller_finds_what_was_done_without_it),
    ("an_interrupted_caller_leaves_its_job", an_interrupted_caller_leaves_its_job),
    ("another_batch_joins_what_it_shares", another_batch_joins_what_it_shares),
    ("two_callers_at_once_compute_each_call_once", two_callers_at_once_compute_each_call_once),
];

fn a_killed_caller_joins_its_job_when_started_again() {
    let scene = Scene::with_slurm();
    let program = scene.on_slurm(Calls::Alike(60, 500));
    let running = scene.start(&program);
    scene.wait_for("ends", 8);
    running.signal(Signal::KILL);
    assert_eq!(running.ends(60).status.signal(), Some(9));
    // And once more.
    let running = scene.start(&program);
    scene.wait_for("ends", 20);
    running.signal(Signal::KILL);
    running.ends(60);
    scene.run(&program, 60).expect_values(60);
    scene.expect_each_once(0..60);
    assert_eq!(scene.submissions(), 1);
    scene.expect_no_folders();
}

fn a_killed_caller_finds_what_was_done_without_it() {
    let scene = Scene::with_slurm();
    let program = scene.on_slurm(Calls::Alike(30, 300));
    let running = scene.start(&program);
    scene.wait_for("ends", 2);
    running.signal(Signal::KILL);
    running.ends(60);
    scene.wait_for("ends", 30);
    scene.wait_until(30, "the job ends by itself", || scene.tasks("PD,R,CG").is_empty());
    let ended = scene.run(&program, 20);
    ended.expect_values(30);
    assert!(ended.out.contains("stats 30 hits 0 misses"), "{ended:?}");
    scene.expect_each_once(0..30);
    assert_eq!(scene.submissions(), 1);
}

fn an_interrupted_caller_leaves_its_job() {
    let scene = Scene::with_slurm();
    let program = scene.on_slurm(Calls::Alike(60, 500));
    let running = scene.start(&program);
    scene.wait_for("ends", 4);
    running.signal(Signal::INT);
    let ended = running.ends(30);
    assert!(ended.status.signal() == Some(2) || ended.status.code() == Some(130), "{ended:?}");
    assert!(ended.err.contains("scancel"), "how to cancel is not said: {:?}", ended.err);
    assert!(!scene.tasks("R").is_empty(), "the job does not run on");
    scene.run(&program, 60).expect_values(60);
    scene.expect_each_once(0..60);
    assert_eq!(scene.submissions(), 1);
}

/// The second batch has calls of the first, which are on their way, and others.
fn another_batch_joins_what_it_shares() {
    let scene = Scene::with_slurm();
    let first = scene.start(&scene.on_slurm(Calls::Alike(30, 500)));
    scene.wait_for("ends", 4);
    let second = scene.start(&scene.on_slurm(Calls::Alike(40, 500)));
    first.ends(60).expect_values(30);
    second.ends(60).expect_values(40);
    scene.expect_each_once(0..40);
    assert_eq!(scene.submissions(), 2);
    scene.expect_no_folders();
}

fn two_callers_at_once_compute_each_call_once() {
    let scene = Scene::with_slurm();
    let program = scene.on_slurm(Calls::Alike(40, 300));
    let (one, other) = (scene.start(&program), scene.start(&program));
    one.ends(60).expect_values(40);
    other.ends(60).expect_values(40);
    scene.expect_each_once(0..40);
    std::thread::sleep(Duration::from_secs(1));
    assert!(scene.submissions() <= 2);
    scene.expect_no_folders();
}
