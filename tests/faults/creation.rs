//! Processes that open a new directory at the same moment, killed at random or not.

use std::fs;
use std::thread;
use std::time::Duration;

use rememo::{Layout, Memory};

use crate::actor::{Play, hear_out};
use crate::calls::is_long;
use crate::model::Model;

const PROCESSES: u64 = 8;

#[test]
fn processes_that_open_a_new_directory_together_take_one_layout_and_lose_nothing() {
    let rounds = if is_long() { 500 } else { 12 };
    for round in 0..rounds {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("cache");
        let play = Play::new("store call", &root, Layout::Log);
        let mut children: Vec<_> = (0..PROCESSES)
            .map(|number| {
                let child = play.command(&[]).env("REMEMO_FAULTS_LAYOUT", "auto").spawn().unwrap();
                // At random distances, and all at once in every third round.
                let pause = if round % 3 == 0 { 0 } else { (round * 7919 + number * 104_729) % 3000 };
                thread::sleep(Duration::from_micros(pause));
                child
            })
            .collect();
        if round % 4 == 3 {
            // Half of them are killed while they make it.
            for child in &mut children[..4] {
                child.kill().unwrap();
            }
        }
        let mut model = Model::default();
        let context = format!("round {round}");
        for (number, child) in children.into_iter().enumerate() {
            let is_victim = round % 4 == 3 && number < 4;
            let mut own = Model::default();
            let status = hear_out(child, &mut own, &context);
            assert!(is_victim || status.success() && own.has_ended, "{context}: {status}");
            for (number, state) in own.entries {
                // All store the same: what one has acknowledged is there.
                let known = model.entries.entry(number).or_insert(state);
                if state == crate::model::State::There {
                    *known = state;
                }
            }
        }
        let format = fs::read_to_string(root.join("format")).unwrap();
        assert!(["rememo 3 log\n", "rememo 3 files\n"].contains(&&*format), "{format:?}");
        model.check(&root, &context);
        let entries = Memory::open(&root).unwrap().entries().unwrap().len();
        assert_eq!(entries, 60 + 2, "{context}: one directory, one layout");
    }
}
