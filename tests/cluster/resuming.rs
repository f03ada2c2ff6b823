//! Bodies that save where they are, and go on from there in another job.

use std::thread;
use std::time::Duration;

use crate::program::{Calls, Engine, Slurm, destination};
use crate::runner::Scenario;
use crate::running::Ended;
use crate::scene::Scene;

pub const SCENARIOS: &[Scenario] = &[
    (
        "a_body_that_runs_out_of_time_goes_on_in_the_next_job",
        a_body_that_runs_out_of_time_goes_on_in_the_next_job,
    ),
    ("a_cancelled_body_saves_and_goes_on", a_cancelled_body_saves_and_goes_on),
    ("a_body_goes_on_on_another_node", a_body_goes_on_on_another_node),
];

#[track_caller]
fn expect_walked(ended: &Ended, scene: &Scene, steps: u32, kills: usize) {
    let value = destination(steps).to_string();
    assert_eq!(ended.values().get(&0), Some(&&*value), "{ended:?}");
    let counts = scene.counts("step");
    assert_eq!(counts.len(), steps as usize);
    for (step, times) in counts {
        assert!(times <= 1 + kills, "step {step} ran {times} times");
    }
    let left = scene.path("cache/checkpoints").read_dir().map_or(0, Iterator::count);
    assert_eq!(left, 0, "checkpoints are left");
    scene.expect_no_folders();
}

/// A minute is the least time that Slurm knows, and it looks twice a minute.
fn a_body_that_runs_out_of_time_goes_on_in_the_next_job() {
    let scene = Scene::with_slurm();
    let slurm = Slurm { seconds: Some(60), ..Slurm::default() };
    let ended = scene.run(&scene.program(Calls::Walk(240, 500), Engine::Slurm(slurm)), 240);
    expect_walked(&ended, &scene, 240, 1);
    assert_eq!(scene.submissions(), 2);
    assert_eq!(scene.counts("stopping").len(), 1);
    // Steps that were run a second time are those after the last `save`, which is at most a second old.
    let again = scene.counts("step").values().filter(|times| **times > 1).count();
    assert!(again <= 3, "{again} steps ran twice");
}

fn a_cancelled_body_saves_and_goes_on() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Walk(200, 100)));
    let told = || scene.counts("stopping").values().sum::<usize>();
    for time in 1..=2 {
        let steps_of_this_job = || {
            let mut processes: Vec<_> = scene.runs().into_iter().map(|[.., process]| process).collect();
            let last = processes.last().cloned().unwrap_or_default();
            let count = processes.iter().filter(|process| **process == last).count();
            processes.dedup();
            if processes.len() == time { count } else { 0 }
        };
        scene.wait_until(30, "it goes on", || steps_of_this_job() >= 20);
        scene.does(&["scancel", &scene.tasks("R")[0]]);
        scene.wait_until(10, "it is told", || told() == time);
        scene.wait_until(30, "it is submitted again", || scene.submissions() > time);
    }
    expect_walked(&running.ends(90), &scene, 200, 2);
    assert_eq!(scene.submissions(), 3);
}

fn a_body_goes_on_on_another_node() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Walk(100, 100)));
    scene.wait_for("step", 40);
    thread::sleep(Duration::from_millis(50));
    let node = scene.runs().swap_remove(0)[2].clone();
    scene.node("kill", &node);
    scene.is_down(&node);
    expect_walked(&running.ends(90), &scene, 100, 1);
    let nodes: std::collections::HashSet<_> = scene.runs().into_iter().map(|[_, _, node, ..]| node).collect();
    assert_eq!(nodes.len(), 2, "{nodes:?}");
}
