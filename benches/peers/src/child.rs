//! Children: this program started again, or Python, and how they and their parent talk, in lines.
//!
//! A child that measures says `name figure` for each figure. A child that works beside others says `ready` (or `refused why`), waits
//! for a line, works, and says `done`. A child that is told what to measure says `ready`, and after each order its figures and `done`.

use std::collections::HashMap;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::peers::{Peer, Sharing};
use crate::work;

/// First argument of a child.
const FIRST_HIT: &str = "--first-hit";
const BESIDE_OTHERS: &str = "--beside-others";

/// A command for a child that opens `peer` in `dir` and asks for `seed`, which is there.
pub(crate) fn first_hit(peer: &Peer, dir: &Path, seed: u64) -> Command {
    this_program(&[FIRST_HIT.as_ref(), peer.name.as_ref(), dir.as_ref(), seed.to_string().as_ref()])
}

/// A command for a child that stores the calls from `first` on and asks for them again.
pub(crate) fn beside_others(peer: &Peer, dir: &Path, first: u64, calls: u64) -> Command {
    let (first, calls) = (first.to_string(), calls.to_string());
    this_program(&[BESIDE_OTHERS.as_ref(), peer.name.as_ref(), dir.as_ref(), first.as_ref(), calls.as_ref()])
}

fn this_program(arguments: &[&std::ffi::OsStr]) -> Command {
    let mut command = Command::new(env::current_exe().expect("the path of this program"));
    command.args(arguments);
    command
}

/// Does a child's work, if this process is one.
pub(crate) fn run_as_child(main_began: Instant) -> bool {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((what, rest)) = arguments.split_first() else { return false };
    let number = |place: usize| -> u64 { rest[place].parse().expect("a number from the parent") };
    match what.as_str() {
        FIRST_HIT => find_first(main_began, Peer::named(&rest[0]), rest[1].as_ref(), number(2)),
        BESIDE_OTHERS => {
            work_beside_others(Peer::named(&rest[0]), rest[1].as_ref(), number(2), number(3));
        }
        _ => return false,
    }
    true
}

fn find_first(main_began: Instant, peer: &Peer, dir: &Path, seed: u64) {
    let cache = peer.open(dir);
    let answer = cache.call(seed);
    let time = main_began.elapsed();
    assert!(answer.hit, "{}: what another process has stored is found", peer.name);
    work::check(peer.name, seed, &answer.value);
    println!("first {}", time.as_nanos());
}

fn work_beside_others(peer: &Peer, dir: &Path, first: u64, calls: u64) {
    let cache = match (peer.open)(dir, Sharing::Processes) {
        Ok(cache) => cache,
        Err(why) => return println!("refused {why}"),
    };
    println!("ready");
    io::stdin().read_line(&mut String::new()).expect("a line from the parent");
    for seed in first..first + calls {
        for hit in [false, true] {
            let answer = cache.call(seed);
            assert!(answer.hit == hit, "{}: hit is {} for {seed}", peer.name, answer.hit);
            work::check(peer.name, seed, &answer.value);
        }
    }
    cache.flush();
    println!("done");
}

/// What a child says that measures.
pub(crate) fn figures(command: &mut Command) -> HashMap<String, f64> {
    let output = command.stderr(Stdio::inherit()).output().expect("a child can be started");
    assert!(output.status.success(), "a child failed: {command:?}");
    let text = String::from_utf8(output.stdout).expect("lines of text");
    text.lines().map(figure).collect()
}

/// A figure and its name.
fn figure(line: &str) -> (String, f64) {
    let (name, figure) = line.split_once(' ').expect("a name and a figure");
    (name.to_owned(), figure.parse().expect("a number"))
}

/// A child that measures what it is told to.
pub(crate) struct Measuring(Waiting);

impl Measuring {
    /// Starts it and waits until it is ready; it may say a number with that.
    pub(crate) fn start(command: Command) -> (Self, f64) {
        let mut child = Waiting::start(command);
        let (word, number) = figure(&child.line());
        assert_eq!(word, "ready", "a child says that it is ready");
        (Measuring(child), number)
    }

    /// All figures of one order; a name may come more than once.
    pub(crate) fn order(&mut self, order: &str) -> Vec<(String, f64)> {
        writeln!(self.0.input, "{order}").expect("a child that waits");
        let mut figures = Vec::new();
        loop {
            match &*self.0.line() {
                "done" => return figures,
                line => figures.push(figure(line)),
            }
        }
    }

    /// Ends it.
    pub(crate) fn end(mut self) {
        drop(self.0.input);
        assert!(self.0.child.wait().expect("our own child").success(), "a child ended well");
    }
}

/// A child that waits for a start signal.
struct Waiting {
    child: Child,
    input: ChildStdin,
    lines: BufReader<ChildStdout>,
}

/// Starts the children, and has them begin together once all are ready: how long until the last is done. An `Err` says what one that
/// refused to work beside the others said.
pub(crate) fn together(commands: Vec<Command>) -> Result<Duration, String> {
    let mut children: Vec<Waiting> = commands.into_iter().map(Waiting::start).collect();
    let words: Vec<String> = children.iter_mut().map(Waiting::line).collect();
    if let Some(why) = words.iter().find_map(|word| word.strip_prefix("refused ")) {
        for mut child in children {
            drop(child.input);
            child.child.kill().expect("our own child");
            child.child.wait().expect("our own child");
        }
        return Err(why.to_owned());
    }
    assert!(words.iter().all(|word| word == "ready"), "children say that they are ready: {words:?}");
    let started = Instant::now();
    for child in &mut children {
        child.input.write_all(b"go\n").expect("a child that waits");
    }
    for child in &mut children {
        assert_eq!(child.line(), "done", "a child that worked beside others");
    }
    let time = started.elapsed();
    for mut child in children {
        assert!(child.child.wait().expect("our own child").success(), "a child ended well");
    }
    Ok(time)
}

impl Waiting {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a child can be started");
        let input = child.stdin.take().expect("a pipe");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Waiting { child, input, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line from a child");
        line.truncate(line.trim_end().len());
        line
    }
}
