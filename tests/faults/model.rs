//! What is known of a cache, and whether it is so.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rememo::Memory;

use crate::actor::value;

/// What is known of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was acknowledged that it is stored.
    There,
    /// It was acknowledged that it is removed.
    Gone,
    /// An operation on it began, and was not acknowledged.
    Either,
}

/// What an actor has said.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub entries: BTreeMap<u64, State>,
    /// Whether it said that it has ended.
    pub has_ended: bool,
}

impl Model {
    /// The same of an actor that has not begun.
    pub fn before(&self) -> Self {
        Model { entries: self.entries.clone(), has_ended: false }
    }

    /// Takes a line of an actor; see [`actor`](crate::actor) for what it says.
    pub fn hear(&mut self, line: &str) {
        let (what, number) = line.split_once(' ').unwrap_or((line, ""));
        let state = match what {
            "stores" | "removes" | "clears" => State::Either,
            "stored" => State::There,
            "calls" => {
                // What was there stays; what was not may be stored.
                let known = number.parse().ok().and_then(|number| self.entries.get_mut(&number));
                if let Some(state @ State::Gone) = known {
                    *state = State::Either;
                }
                return;
            }
            "removed" | "cleared" => State::Gone,
            "end" => {
                self.has_ended = true;
                return;
            }
            "wrong" => panic!("a wrong value: {number}"),
            _ => return,
        };
        match number.parse() {
            Ok(number) => drop(self.entries.insert(number, state)),
            // Of all that it knows of.
            Err(_) => self.entries.values_mut().for_each(|known| {
                if state == State::Gone || *known == State::There {
                    *known = state;
                }
            }),
        }
    }

    /// Opens the cache and compares: values must be right, what was acknowledged must be there or gone. Then the cache must work.
    #[track_caller]
    pub fn check(&self, root: &Path, context: &str) {
        let memory = Memory::open(root).unwrap_or_else(|error| panic!("{context}: {error}"));
        self.check_in(&memory, context);
        for number in [3, 50, 10_000, 10_050] {
            let value = value::uncached(number);
            memory.insert(&value::delayed(number), &value).unwrap_or_else(|error| {
                panic!(
                    "{context}: it does not store any more: {error}: {:?}",
                    std::error::Error::source(&error)
                )
            });
            assert!(memory.contains(&value::delayed(number)), "{context}: {number} was stored after it");
        }
    }

    #[track_caller]
    pub fn check_in(&self, memory: &Memory, context: &str) {
        for (&number, &state) in &self.entries {
            let found = memory.lookup(&value::delayed(number));
            if let Some(found) = &found {
                assert!(*found == value::uncached(number), "{context}: {number} is wrong");
            }
            match state {
                State::There => assert!(found.is_some(), "{context}: {number} is lost"),
                State::Gone => assert!(found.is_none(), "{context}: {number} was removed and is back"),
                State::Either => {}
            }
        }
    }
}

/// Copies a directory tree.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
