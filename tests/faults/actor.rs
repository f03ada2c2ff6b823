//! The actor: a process that works on a cache by a script, while something goes wrong.
//!
//! It says what it does, a line each, at once: `stores 7`, then `stored 7` once that was acknowledged; likewise `removes` and
//! `removed`, `clears` and `cleared` (of everything), `calls 7`, `wrong 7` for a value that is not what the function returns; `begin` before
//! the first operation on the cache and `end` at the end. What fails is passed over: nothing is known of it then.

use std::env;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rememo::{Durability, Layout, Limits, Memory, memo};

use crate::model::Model;

/// Every tenth is large: a file of its own, whatever the layout.
#[memo(name = "faults::value", track = "none")]
pub fn value(number: u64) -> Vec<u8> {
    let length = if number.is_multiple_of(10) { 66_000 + number % 1000 } else { number * 37 % 900 };
    (0..length).map(|i| (number.wrapping_mul(31) + i) as u8).collect()
}

/// Values that are replaced again and again.
#[memo(name = "faults::litter", track = "none")]
fn litter(number: u64) -> Vec<u8> {
    vec![number as u8; 10_000]
}

/// How an actor is to work.
#[derive(Clone, Debug)]
pub struct Play<'p> {
    pub script: &'p str,
    pub root: &'p Path,
    pub layout: Layout,
    pub durability: Durability,
    /// What it may have, by name; see [`limits`](crate::limits).
    pub limit: Option<(&'p str, u64)>,
}

impl<'p> Play<'p> {
    pub fn new(script: &'p str, root: &'p Path, layout: Layout) -> Self {
        Play { script, root, layout, durability: Durability::None, limit: None }
    }

    /// The command that starts the actor, behind a prefix such as `strace`.
    pub fn command(&self, prefix: &[String]) -> Command {
        let this = env::current_exe().unwrap();
        let mut command = match prefix {
            [] => Command::new(this),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(this);
                command
            }
        };
        command
            .args(["--ignored", "--exact", "actor::act", "--nocapture", "--test-threads=1"])
            .env("REMEMO_FAULTS_SCRIPT", self.script)
            .env("REMEMO_FAULTS_ROOT", self.root)
            .env("REMEMO_FAULTS_LAYOUT", if self.layout == Layout::Files { "files" } else { "log" })
            .env(
                "REMEMO_FAULTS_DURABILITY",
                if self.durability == Durability::Each { "each" } else { "none" },
            )
            .env_remove("REMEMO_FAULTS_LIMIT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some((name, limit)) = self.limit {
            command.env("REMEMO_FAULTS_LIMIT", format!("{name} {limit}"));
        }
        command
    }

    /// Runs the actor to its end.
    #[track_caller]
    pub fn run(&self, prefix: &[String], model: &mut Model) -> ExitStatus {
        hear_out(self.command(prefix).spawn().unwrap(), model, &format!("{self:?} {prefix:?}"))
    }

    /// Runs the actor where nothing goes wrong.
    #[track_caller]
    pub fn run_well(&self, model: &mut Model) {
        let status = self.run(&[], model);
        assert!(status.success() && model.has_ended, "{self:?}: {status}");
    }
}

/// Hears what an actor says until it ends; fails if it hangs.
#[track_caller]
pub fn hear_out(mut child: Child, model: &mut Model, context: &str) -> ExitStatus {
    let mut output = child.stdout.take().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        said.send(text).unwrap();
    });
    let complaints = thread::spawn(move || {
        let mut text = Vec::new();
        errors.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    // Under strace, with every write synchronized, on a busy machine, some scripts take a minute.
    let Ok(text) = heard.recv_timeout(Duration::from_mins(5)) else {
        child.kill().unwrap();
        panic!("{context}: it hangs");
    };
    text.lines().for_each(|line| model.hear(line));
    let status = child.wait().unwrap();
    let complaints = complaints.join().unwrap();
    assert!(!complaints.contains("panicked at"), "{context}: {complaints}");
    status
}

#[test]
#[ignore = "the other process of other tests, started by them"]
fn act() {
    let Ok(script) = env::var("REMEMO_FAULTS_SCRIPT") else { return };
    let root = PathBuf::from(env::var_os("REMEMO_FAULTS_ROOT").unwrap());
    let layout =
        if env::var("REMEMO_FAULTS_LAYOUT").as_deref() == Ok("files") { Layout::Files } else { Layout::Log };
    let durability = match env::var("REMEMO_FAULTS_DURABILITY").as_deref() {
        Ok("each") => Durability::Each,
        _ => Durability::None,
    };
    outnumber_the_start_of_the_program();
    crate::limits::early();
    say("begin");
    let opened = Memory::builder().dir(&root).layout(layout).durability(durability).open();
    // A directory that cannot be opened is told to the program; it computes all the same.
    let memory = opened.unwrap_or_else(|_| Memory::disabled());
    crate::limits::late();
    let actor = Actor { memory };
    for step in script.split(' ') {
        actor.play(step);
    }
    drop(actor);
    say("end");
}

/// Makes the calls often with which a program starts. strace counts for each thread of its own: what it is to hit here has a number
/// by which no other thread is hit.
fn outnumber_the_start_of_the_program() {
    for _ in 0..100 {
        let file = std::fs::File::open("/dev/zero").unwrap();
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut [0; 8], 0).unwrap();
        (&file).read_exact(&mut [0; 8]).unwrap();
        rustix::fs::fstat(&file).unwrap();
        file.metadata().unwrap();
        let (access, flags) = (rustix::mm::ProtFlags::READ, rustix::mm::MapFlags::PRIVATE);
        // SAFETY: It is mapped where there is room, used by nobody, and unmapped.
        unsafe {
            let mapped = rustix::mm::mmap_anonymous(std::ptr::null_mut(), 4096, access, flags).unwrap();
            rustix::mm::munmap(mapped, 4096).unwrap();
        }
    }
}

fn say(line: &str) {
    // One write, so that nothing of it is heard too late.
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

struct Actor {
    memory: Memory,
}

impl Actor {
    fn play(&self, step: &str) {
        let memory = &self.memory;
        match step {
            "store" => (0..60).for_each(|number| self.store(number)),
            "replace" => (0..60).rev().step_by(3).for_each(|number| self.store(number)),
            "grow" => (100..720).for_each(|number| self.store(number)),
            "call" => (0..60).for_each(|number| self.call(number)),
            "remove" => (0..60).step_by(4).for_each(|number| self.remove(number)),
            "litter" => {
                for round in 0..1_800 {
                    let _ = memory.insert(&litter::delayed(round % 4), &litter::uncached(round));
                }
            }
            // What is in use stays: all that was stored was looked up.
            "reduce" => drop(memory.reduce(Limits::new().age(Duration::from_hours(1)))),
            "verify" => drop(memory.verify()),
            "clear" => {
                say("clears");
                if memory.clear().is_ok() {
                    say("cleared");
                }
            }
            "forget" => {
                say("clears");
                if memory.clear_function(value::info()).is_ok() {
                    say("cleared");
                }
            }
            "list" => drop((memory.entries(), memory.functions(), memory.stats())),
            other => panic!("no step `{other}`"),
        }
    }

    fn store(&self, number: u64) {
        say(&format!("stores {number}"));
        // A disabled memory accepts everything, and keeps nothing.
        let is_open = self.memory.root().is_some();
        if self.memory.insert(&value::delayed(number), &value::uncached(number)).is_ok() && is_open {
            say(&format!("stored {number}"));
        }
    }

    fn remove(&self, number: u64) {
        say(&format!("removes {number}"));
        if self.memory.remove(&value::delayed(number)).is_ok() && self.memory.root().is_some() {
            say(&format!("removed {number}"));
        }
    }

    fn call(&self, number: u64) {
        say(&format!("calls {number}"));
        if self.memory.call(value::delayed(number)) != value::uncached(number) {
            say(&format!("wrong {number}"));
        }
    }
}
