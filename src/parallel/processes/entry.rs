//! The way into a worker: [`init`], and how a program is started again so that it comes there.

use std::env;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use rustix::process::{getpid, getppid};
use rustix::stdio::dup2_stdin;

use super::worker;
use crate::notebook;
use crate::parallel::cluster::task;

/// Set for workers: the process id of the parent. A program that a worker starts inherits it, has another parent, and is none.
const VARIABLE: &str = "REMEMO_WORKER";

/// How this program comes to its call of [`init`].
static ENTRY_POINT: OnceLock<EntryPoint> = OnceLock::new();

#[derive(Clone, Debug)]
enum EntryPoint {
    /// By `main`, with no arguments.
    Main,
    /// By the test of this name, under the standard test harness.
    Test(String),
}

/// Makes this program able to be its own worker process. To be called first in `main`, on the main thread, by a program that
/// uses [`Executor::processes`](crate::Executor::processes); [`#[rememo::main]`](macro@crate::main) does that.
///
/// In the program itself this returns at once. In a worker it never returns: what stands behind it does not run there, and what
/// stands before it runs in every worker once more.
///
/// Under the test harness it is called first in each test that uses worker processes: workers are started as this test
/// executable with the test that called it first in the process.
///
/// # Examples
///
/// ```
/// use rememo::{Executor, Memory, Parallel, memo};
///
/// #[memo]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// fn main() -> rememo::Result<()> {
///     rememo::init();
///     let parallel = Parallel::new().jobs(2).memory(&Memory::disabled()).executor(Executor::processes());
///     assert_eq!(parallel.run((0..4).map(square::delayed))?, [0, 1, 4, 9]);
///     Ok(())
/// }
/// ```
pub fn init() {
    if let Some(stream) = called() {
        worker::serve(stream);
    }
    let current = thread::current();
    ENTRY_POINT.get_or_init(|| match current.name() {
        None | Some("main") => EntryPoint::Main,
        Some(test) => EntryPoint::Test(test.to_owned()),
    });
    if let Some(folder) = task::called() {
        task::serve(&folder);
    }
}

/// Whether this process was started as a worker.
pub(crate) fn is_worker() -> bool {
    let parent = getppid().map(|pid| pid.as_raw_nonzero().to_string());
    env::var(VARIABLE).ok().is_some_and(|variable| Some(variable) == parent)
}

/// The socket of a process that was started as a worker. Its place as standard input is taken by nothing.
fn called() -> Option<UnixStream> {
    if !is_worker() {
        return None;
    }
    let socket: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let nothing = std::fs::File::open("/dev/null").ok()?;
    dup2_stdin(nothing).ok()?;
    Some(socket.into())
}

/// The arguments with which this program comes to its call of [`init`].
///
/// # Errors
///
/// Fails, saying what to do, if it has not called it.
pub(in crate::parallel) fn arguments() -> Result<Vec<&'static str>, String> {
    let entry = ENTRY_POINT.get().ok_or(
        "this program has not called `rememo::init()`: put it first in `main` (in a test, first in the test), or write \
         `#[rememo::main]` on `main`",
    )?;
    Ok(match entry {
        EntryPoint::Main => Vec::new(),
        EntryPoint::Test(name) => {
            vec![name, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]
        }
    })
}

/// The command that starts this program, or `program`, as a worker.
///
/// # Errors
///
/// Fails, saying what to do, if this program has not called [`init`], or is a notebook.
pub(super) fn command(program: Option<&Path>) -> Result<Command, String> {
    if program.is_none() && notebook::is_cell() {
        return Err("a cell of a notebook cannot be started again as another process: run the calls on threads, without \
                    `executor(…)`, or move the functions to a program with `#[rememo::main]` and start that"
            .to_owned());
    }
    let arguments = arguments()?;
    // This very file, even if another has taken its name meanwhile.
    let mut command = Command::new(program.unwrap_or(Path::new("/proc/self/exe")));
    if program.is_none() {
        command.arg0(env::args_os().next().unwrap_or_else(|| OsString::from("rememo-worker")));
    }
    command.args(arguments);
    command.env(VARIABLE, getpid().as_raw_nonzero().to_string());
    Ok(command)
}
