//! Submissions that cannot work, and folders that cannot be used: errors that say why, in bounded time.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::engines::Disk;
use crate::program::{Calls, Engine, Slurm};
use crate::runner::Scenario;
use crate::running::Ended;
use crate::scene::Scene;

pub const SCENARIOS: &[Scenario] = &[
    ("sbatch_is_missing", sbatch_is_missing),
    ("the_partition_does_not_exist", the_partition_does_not_exist),
    ("a_feature_that_no_node_has_is_refused", a_feature_that_no_node_has_is_refused),
    ("nodes_do_not_see_the_job_folder", nodes_do_not_see_the_job_folder),
    ("nodes_do_not_see_the_memory", nodes_do_not_see_the_memory),
    ("the_job_folder_goes_in_the_middle", the_job_folder_goes_in_the_middle),
    ("the_disk_is_full_before_submission", the_disk_is_full_before_submission),
    ("the_disk_fills_while_the_job_runs", the_disk_fills_while_the_job_runs),
    ("the_setup_fails", the_setup_fails),
];

fn on_slurm_in(scene: &Scene, calls: Calls, folder: &Path) -> crate::program::Program {
    let slurm = Slurm { folder: Some(folder.to_owned()), ..Slurm::default() };
    scene.program(calls, Engine::Slurm(slurm))
}

fn sbatch_is_missing() {
    let scene = Scene::without_engine();
    let empty = scene.path("bin").display().to_string();
    let ended = scene.start_with(&scene.on_slurm(Calls::Alike(6, 10)), &[("PATH", &empty)]).ends(20);
    let refusal = ended.refusal();
    assert!(refusal.contains("sbatch"), "{refusal}");
    scene.expect_no_folders();
    assert!(scene.counts("begins").is_empty());
}

fn the_partition_does_not_exist() {
    let scene = Scene::with_slurm();
    let slurm = Slurm { partition: Some("no-such-partition".into()), ..Slurm::default() };
    let ended = scene.run(&scene.program(Calls::Alike(6, 10), Engine::Slurm(slurm)), 30);
    let refusal = ended.refusal();
    assert!(refusal.contains("invalid partition"), "{refusal}");
    assert_eq!(scene.submissions(), 1);
    scene.expect_no_folders();
}

fn a_feature_that_no_node_has_is_refused() {
    let scene = Scene::with_slurm();
    let slurm = Slurm { options: vec!["--constraint=no-such-feature".into()], ..Slurm::default() };
    let ended = scene.run(&scene.program(Calls::Alike(6, 10), Engine::Slurm(slurm)), 30);
    let refusal = ended.refusal();
    assert!(refusal.contains("sbatch") && refusal.contains("feature"), "{refusal}");
    scene.expect_no_folders();
}

/// Nodes on which another file system lies over a directory.
fn hiding(dir: &Path) -> Scene {
    // What lies over a directory goes when that is removed.
    fs::write(dir.join("it is not empty"), []).unwrap();
    let text = r#"mount -t tmpfs tmpfs "$0" && exec "$@""#;
    Scene::with_slurm_behind(&["unshare", "--mount", "bash", "-c", text, &dir.display().to_string()])
}

fn nodes_do_not_see_the_job_folder() {
    let hidden = tempfile::tempdir().unwrap();
    let scene = hiding(hidden.path());
    let ended = scene.run(&on_slurm_in(&scene, Calls::Alike(6, 10), hidden.path()), 60);
    let refusal = ended.refusal();
    assert!(refusal.contains(&*hidden.path().display().to_string()), "{refusal}");
    assert!(scene.counts("begins").is_empty());
    scene.wait_until(15, "no task is left", || scene.tasks("PD,R,CG").is_empty());
}

/// Nobody is to think that values are remembered which lie on a node alone.
fn nodes_do_not_see_the_memory() {
    let hidden = tempfile::tempdir().unwrap();
    let scene = hiding(hidden.path());
    let mut program = on_slurm_in(&scene, Calls::Alike(6, 10), &scene.path("jobs"));
    hidden.path().clone_into(&mut program.place);
    let ended = scene.run(&program, 60);
    if ended.errors().is_empty() {
        ended.expect_values(6);
        program.engine = Engine::Threads;
        let again = scene.run(&program, 30);
        assert!(
            again.out.contains("stats 6 hits 0 misses"),
            "{}, and nothing was said: {}",
            again.out,
            ended.err
        );
    } else {
        let refusal = ended.refusal();
        assert!(refusal.contains(&*hidden.path().display().to_string()), "{refusal}");
    }
}

/// Somebody removes it. It ends in bounded time: with values, or with errors that name it.
fn the_job_folder_goes_in_the_middle() {
    let scene = Scene::with_slurm();
    let running = scene.start(&scene.on_slurm(Calls::Alike(60, 500)));
    scene.wait_for("ends", 8);
    for folder in scene.folders() {
        let _ = fs::remove_dir_all(folder);
    }
    expect_values_or_errors(&running.ends(120), "rememo-");
}

#[track_caller]
fn expect_values_or_errors(ended: &Ended, text: &str) {
    let (values, errors) = (ended.values(), ended.errors());
    assert_eq!(values.len() + errors.len(), 60, "{ended:?}");
    for (number, value) in values {
        assert_eq!(value, crate::program::expected(number).to_string());
    }
    for (number, (_, message)) in errors {
        assert!(message.contains(text), "{number}: {message}");
    }
}

fn the_disk_is_full_before_submission() {
    let Some(disk) = Disk::mount("tmpfs", "256k") else { return };
    let scene = Scene::with_slurm();
    let ended = scene.run(&on_slurm_in(&scene, Calls::Alike(6, 10), &disk.path()), 30);
    let refusal = ended.refusal();
    assert!(
        refusal.contains("No space left") && refusal.contains(&*disk.path().display().to_string()),
        "{refusal}"
    );
    assert_eq!(scene.submissions(), 0);
    let left: Vec<_> = fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// No reply can be written any more. Values are stored elsewhere, where there is room.
fn the_disk_fills_while_the_job_runs() {
    let Some(disk) = Disk::mount("tmpfs", "512m") else { return };
    let scene = Scene::with_slurm();
    let running = scene.start(&on_slurm_in(&scene, Calls::Alike(60, 500), &disk.path()));
    scene.wait_for("ends", 4);
    let mut filler = File::create(disk.path().join("filler")).unwrap();
    let block = vec![7; 1 << 20];
    while filler.write_all(&block).is_ok() {}
    let ended = running.ends(120);
    expect_values_or_errors(&ended, &disk.path().display().to_string());
    assert!(scene.counts("ends").values().all(|times| *times == 1), "{:?}", scene.counts("ends"));
    drop(filler);
}

fn the_setup_fails() {
    let scene = Scene::with_slurm();
    let setup = "echo no such module: fftw >&2; exit 3";
    let slurm = Slurm { setup: Some(setup.into()), ..Slurm::default() };
    let ended = scene.run(&scene.program(Calls::Alike(6, 10), Engine::Slurm(slurm)), 90);
    let refusal = ended.refusal();
    assert!(refusal.contains("no such module: fftw"), "{refusal}");
    assert!(refusal.contains("cache/jobs/rememo-"), "the folder is not named: {refusal}");
    assert!(scene.submissions() <= 3);
    assert!(scene.counts("begins").is_empty());
}
