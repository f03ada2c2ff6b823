//! Nodes that die, tasks that are cancelled or requeued, a controller that goes away.

use std::thread;
use std::time::Duration;

use crate::program::{Calls, Engine, Program, Slurm};
use crate::runner::Scenario;
use crate::running::Running;
use crate::scene::Scene;

pub const SCENARIOS: &[Scenario] = &[
    ("the_controller_stays_away", the_controller_stays_away),
    ("a_node_dies", a_node_dies),
    ("an_old_copy_lives_on_beside_its_successor", an_old_copy_lives_on_beside_its_successor),
    ("an_old_copy_lives_on_beside_the_requeued_one", an_old_copy_lives_on_beside_the_requeued_one),
    ("a_task_is_requeued", a_task_is_requeued),
    ("a_running_task_is_cancelled", a_running_task_is_cancelled),
    ("pending_tasks_are_cancelled", pending_tasks_are_cancelled),
    ("the_job_is_cancelled_once", the_job_is_cancelled_once),
    ("the_job_is_cancelled_each_time", the_job_is_cancelled_each_time),
    ("the_controller_is_killed_and_started", the_controller_is_killed_and_started),
    ("the_controller_forgets_the_job", the_controller_forgets_the_job),
];

/// Values are right, and what ended twice was lost on a node before it was stored: at most what one task ran at once.
#[track_caller]
fn expect_few_twice(scene: &Scene, count: usize, lost: usize) {
    let ends = scene.counts("ends");
    assert_eq!(ends.len(), count);
    let begun_twice = scene.counts("begins").values().filter(|times| **times > 1).count();
    assert!(begun_twice <= lost, "{begun_twice} calls were begun more than once");
    let ended_twice: Vec<_> = ends.iter().filter(|(_, times)| **times > 1).collect();
    assert!(ended_twice.len() <= lost, "{ended_twice:?}");
    assert!(scene.submissions() <= 3, "{}", scene.submissions());
    scene.expect_no_folders();
}

/// Slurm notices after half a minute.
fn a_node_dies() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Alike(60, 1_000)));
    scene.wait_for("ends", 8);
    scene.node("kill", "n1");
    running.ends(150).expect_values(60);
    expect_few_twice(&scene, 60, 4);
}

/// The daemon of a node dies, what it has started does not. The caller submits its calls again.
fn an_old_copy_lives_on_beside_its_successor() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Alike(60, 1_000)));
    old_copy_lives_on(&scene, running);
}

/// The same, where Slurm itself starts the task again elsewhere.
fn an_old_copy_lives_on_beside_the_requeued_one() {
    let scene = Scene::with_slurm();
    let running = scene.start(&requeued(&scene, Calls::Alike(60, 1_000)));
    old_copy_lives_on(&scene, running);
}

#[track_caller]
fn old_copy_lives_on(scene: &Scene, running: Running<'_>) {
    scene.wait_for("ends", 4);
    scene.kills("slurmd.n1.pid");
    scene.is_down("n1");
    running.ends(120).expect_values(60);
    expect_few_twice(scene, 60, 4);
}

fn requeued(scene: &Scene, calls: Calls) -> Program {
    let slurm = Slurm { options: vec!["--requeue".into()], ..Slurm::default() };
    scene.program(calls, Engine::Slurm(slurm))
}

fn a_task_is_requeued() {
    let scene = Scene::with_slurm();
    let running = scene.start(&requeued(&scene, Calls::Alike(60, 500)));
    scene.wait_for("ends", 4);
    let task = scene.tasks("R").swap_remove(0);
    scene.does(&["scontrol", "requeue", &task]);
    running.ends(90).expect_values(60);
    expect_few_twice(&scene, 60, 4);
}

fn a_running_task_is_cancelled() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Alike(60, 500)));
    scene.wait_for("ends", 4);
    scene.does(&["scancel", &scene.tasks("R")[0]]);
    running.ends(60).expect_values(60);
    expect_few_twice(&scene, 60, 4);
}

/// They vanish without a trace. The others do their calls.
fn pending_tasks_are_cancelled() {
    let scene = Scene::with_slurm();
    let slurm = Slurm { tasks: Some(12), ..Slurm::default() };
    let running = scene.start(&scene.program(Calls::Alike(60, 300), Engine::Slurm(slurm)));
    scene.wait_for("ends", 4);
    let pending = scene.tasks("PD");
    assert!(!pending.is_empty());
    for task in &pending {
        scene.does(&["scancel", task]);
    }
    running.ends(60).expect_values(60);
    scene.expect_each_once(0..60);
    assert_eq!(scene.submissions(), 1);
    scene.expect_no_folders();
}

#[track_caller]
fn cancel_all(scene: &Scene) {
    let jobs: Vec<_> =
        scene.tasks("PD,R").iter().map(|task| task.split('_').next().unwrap().to_owned()).collect();
    scene.does(&["scancel", &jobs[0]]);
}

fn the_job_is_cancelled_once() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Alike(60, 500)));
    scene.wait_for("ends", 4);
    cancel_all(&scene);
    running.ends(60).expect_values(60);
    expect_few_twice(&scene, 60, 12);
    assert_eq!(scene.submissions(), 2);
}

/// It is submitted three times, and then its calls fail, with what the job has left.
fn the_job_is_cancelled_each_time() {
    let scene = Scene::with_slurm();
    let slurm = Slurm { setup: Some("echo this is the setup".into()), ..Slurm::default() };
    let running = scene.start(&scene.program(Calls::Alike(6, 20_000), Engine::Slurm(slurm)));
    for time in 1..=3 {
        scene.wait_until(30, "it runs", || scene.submissions() == time && !scene.tasks("R").is_empty());
        scene.wait_until(20, "calls run", || scene.runs().len() >= time);
        thread::sleep(Duration::from_millis(500));
        cancel_all(&scene);
        scene.wait_until(20, "it is gone", || scene.tasks("R,CG").is_empty() || scene.submissions() > time);
    }
    let ended = running.ends(120);
    let errors = ended.errors();
    assert_eq!(errors.len(), 6, "{ended:?}");
    for (number, (kind, message)) in errors {
        assert_eq!(kind, "Crashed", "{number}: {message}");
        assert!(message.contains("cache/jobs/rememo-"), "the folder is not named: {message}");
        assert!(message.contains("this is the setup"), "no end of the log: {message}");
    }
    assert_eq!(scene.submissions(), 3);
}

fn the_controller_is_killed_and_started() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Alike(90, 1_000)));
    // By then it has written down what it was told.
    scene.wait_for("ends", 30);
    scene.kills("slurmctld.pid");
    thread::sleep(Duration::from_secs(4));
    scene.restarts_slurm();
    running.ends(120).expect_values(90);
    expect_few_twice(&scene, 90, 12);
}

/// A controller that is killed right after a submission does not know of it afterwards, and its nodes end what it has started.
fn the_controller_forgets_the_job() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Alike(60, 1_000)));
    scene.wait_until(30, "it is submitted", || scene.submissions() == 1);
    scene.wait_for("begins", 1);
    scene.kills("slurmctld.pid");
    thread::sleep(Duration::from_secs(2));
    scene.restarts_slurm();
    running.ends(120).expect_values(60);
    expect_few_twice(&scene, 60, 12);
}

/// Who submits to a controller that does not answer is told so, after some time.
fn the_controller_stays_away() {
    let scene = Scene::with_slurm();
    scene.kills("slurmctld.pid");
    let ended = scene.run(&scene.on_slurm(Calls::Alike(6, 10)), 200);
    let refusal = ended.refusal();
    assert!(refusal.contains("sbatch"), "{refusal}");
    assert!(scene.counts("begins").is_empty());
    assert!(scene.folders().is_empty() || refusal.contains("cache/jobs/rememo-"), "{refusal}");
}
