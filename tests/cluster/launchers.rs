//! Engines other than Slurm: whatever starts copies of a script.

use std::path::Path;

use crate::batches::expect_mixed;
use crate::program::{Calls, Engine};
use crate::runner::Scenario;
use crate::scene::{Scene, script, write_executable};

pub const SCENARIOS: &[Scenario] = &[
    ("under_mpirun", under_mpirun),
    ("under_hyperqueue", under_hyperqueue),
    ("one_copy_does_it_all", one_copy_does_it_all),
    ("a_launcher_that_fails_is_told_of", a_launcher_that_fails_is_told_of),
    ("a_launcher_that_does_nothing_is_told_of", a_launcher_that_does_nothing_is_told_of),
    ("a_launcher_that_is_missing_is_told_of", a_launcher_that_is_missing_is_told_of),
    ("copies_that_are_killed_are_started_again", copies_that_are_killed_are_started_again),
];

fn launcher(words: &[&str]) -> Engine {
    Engine::Launcher(words.iter().map(|&word| word.to_owned()).collect())
}

#[track_caller]
fn runs_mixed(scene: &Scene, engine: Engine) {
    let mut program = scene.program(Calls::Mixed(40, 500), engine);
    program.timeout = Some(3_000);
    expect_mixed(&scene.run(&program, 90), scene, 40);
    scene.expect_no_folders();
    // What had ended is remembered, and what had failed is tried again.
    let ended = scene.run(&program, 90);
    assert!(ended.out.contains("stats 34 hits"), "{ended:?}");
    assert!(scene.counts("ends").values().all(|times| *times == 1));
}

fn under_mpirun() {
    let scene = Scene::without_engine();
    runs_mixed(&scene, launcher(&[&script("mpi-run.sh").display().to_string(), "4"]));
}

fn under_hyperqueue() {
    let mut scene = Scene::without_engine();
    let dir = scene.path("hq");
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hyperqueue");
    scene.set("HQ_TEST_DIR", dir.display().to_string());
    scene.set("HQ_TEST_VENV", venv.display().to_string());
    scene.set("HQ_SERVER_DIR", dir.join("server").display().to_string());
    scene.does(&[&script("hq-up.sh").display().to_string(), "2", "2"]);
    scene.stops_with("hq-down.sh");
    let python = venv.join("bin/python").display().to_string();
    runs_mixed(&scene, launcher(&[&python, &script("hq-launch.py").display().to_string(), "4"]));
}

fn one_copy_does_it_all() {
    let scene = Scene::without_engine();
    scene.run(&scene.program(Calls::Alike(20, 10), launcher(&["bash"])), 30).expect_values(20);
    scene.expect_each_once(0..20);
    scene.expect_no_folders();
}

fn a_launcher_that_fails_is_told_of() {
    let scene = Scene::without_engine();
    let fails = scene.path("fails");
    write_executable(&fails, "#!/bin/sh\necho no licence is free >&2\nexit 7\n");
    let ended =
        scene.run(&scene.program(Calls::Alike(20, 10), launcher(&[&fails.display().to_string()])), 60);
    let refusal = ended.refusal();
    assert!(refusal.contains("no licence is free"), "{refusal}");
    assert!(scene.counts("begins").is_empty());
}

fn a_launcher_that_does_nothing_is_told_of() {
    let scene = Scene::without_engine();
    let ended = scene.run(&scene.program(Calls::Alike(20, 10), launcher(&["true"])), 60);
    assert!(ended.refusal().contains("true"), "{ended:?}");
}

fn a_launcher_that_is_missing_is_told_of() {
    let scene = Scene::without_engine();
    let ended =
        scene.run(&scene.program(Calls::Alike(20, 10), launcher(&["no-such-launcher", "-n", "4"])), 60);
    assert!(ended.refusal().contains("no-such-launcher"), "{ended:?}");
}

/// The first copy is killed in its first second; what it had not done is done by the next.
fn copies_that_are_killed_are_started_again() {
    let scene = Scene::without_engine();
    let kills = scene.path("kills");
    let text = format!(
        "#!/bin/sh\nif mkdir {}; then timeout -s KILL 1 bash \"$1\"; else exec bash \"$1\"; fi\n",
        scene.path("was here").display().to_string().replace(' ', "\\ ")
    );
    write_executable(&kills, &text);
    let ended =
        scene.run(&scene.program(Calls::Alike(60, 200), launcher(&[&kills.display().to_string()])), 60);
    ended.expect_values(60);
    assert!(scene.counts("ends").values().all(|times| *times <= 2));
}
