//! The side of a task: claims chunks of jobs, has them run in worker processes, and writes replies, until there are none left.
//!
//! SIGTERM says that its time is over: it claims no more, and its workers are told, so that bodies can save where they are. What they
//! finish until SIGKILL comes counts.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, getppid, kill_process};

use super::folder::{self, Contents, Folder, TASKS};
use super::replies::{Answer, ReplyWriter};
use super::script::VARIABLE;
use crate::lock::lock;
use crate::parallel::pool;
use crate::parallel::processes::{Processes, Workers};
use crate::remote::{Execute, Failure};
use crate::screen::{self, Stream};
use crate::task_error::TaskErrorKind;
use crate::{sys, worker};

/// How often it is looked whether the time is over.
const GLANCE: Duration = Duration::from_millis(100);

/// How long bodies whose values nobody wants have to save where they are.
const SAVING: Duration = Duration::from_millis(500);

/// What numbers a copy, for the engines that say so: they count from 0 or 1, and there may be gaps.
const NUMBERS: [&str; 9] = [
    "SLURM_ARRAY_TASK_ID",
    "SLURM_PROCID",
    "OMPI_COMM_WORLD_RANK",
    "PMI_RANK",
    "HQ_TASK_ID",
    "JOB_COMPLETION_INDEX",
    "SGE_TASK_ID",
    "PBS_ARRAY_INDEX",
    "AWS_BATCH_JOB_ARRAY_INDEX",
];

/// The folder of which this process was started as a task.
pub(in crate::parallel) fn called() -> Option<PathBuf> {
    let variable = env::var_os(VARIABLE)?;
    folder_for(getpid(), &variable)
}

/// Whether this process was started by a task.
pub(in crate::parallel) fn is_near() -> bool {
    getppid()
        .zip(env::var_os(VARIABLE))
        .is_some_and(|(parent, variable)| folder_for(parent, &variable).is_some())
}

fn folder_for(pid: Pid, variable: &OsStr) -> Option<PathBuf> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let prefix = format!("{}:", pid.as_raw_nonzero());
    let folder = variable.as_bytes().strip_prefix(prefix.as_bytes())?;
    Some(OsString::from_vec(folder.to_vec()).into())
}

/// Works as a task of the folder.
pub(in crate::parallel) fn serve(folder: &Path) -> ! {
    sys::terminate::note();
    let folder = Folder { path: folder.to_owned() };
    let status = match work(&folder) {
        Ok(()) => 0,
        // It is over: the caller has all that it needs.
        Err(_) if !folder.path.exists() => 0,
        Err(error) => {
            let message = format!("rememo: a task of {} ends: {error}\n", folder.path.display());
            screen::write(Stream::Error, message.as_bytes());
            1
        }
    };
    process::exit(status);
}

/// What the threads of a task share.
struct Task<'t> {
    folder: &'t Folder,
    contents: Contents,
    name: String,
    workers: Workers,
    replies: Mutex<ReplyWriter>,
    /// The first chunk that nobody of this task has looked at.
    next: AtomicUsize,
}

fn work(folder: &Folder) -> io::Result<()> {
    let users = folder.enter(TASKS)?;
    let contents = folder.contents()?;
    let contents = contents.filter(|contents| contents.digest == worker::code_digest());
    let contents = contents.ok_or_else(|| io::Error::other("its jobs are of another program, or damaged"))?;
    let name = name();
    let cores = contents.cores.max(1);
    let replies = Mutex::new(ReplyWriter::create(&folder.replies(), &name)?);
    pool::set_cores(pool::cores().min(cores));
    if contents.directory.is_dir() {
        env::set_current_dir(&contents.directory)?;
    }
    let workers = Processes::default().for_batch(cores);
    let next = AtomicUsize::new(0);
    let task = Task { folder, contents, name, workers, replies, next };
    let is_over = AtomicBool::new(false);
    let result = thread::scope(|scope| {
        scope.spawn(|| pass_signal_on(folder, &is_over));
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| task.serve())).collect();
        let results: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, SeqCst);
        results
            .into_iter()
            .try_for_each(|result| result.unwrap_or_else(|_| Err(io::Error::other("it panicked"))))
    });
    // Who stopped it may be gone.
    drop(users);
    if folder.is_stopped() {
        folder::remove_if_left(folder, task.contents.memory.as_ref().map(|memory| &*memory.root));
    }
    result
}

impl Task<'_> {
    /// Takes chunks until there are none.
    fn serve(&self) -> io::Result<()> {
        while let Some(chunk) = self.claim()? {
            let places = self.contents.chunk(chunk);
            let jobs = self.folder.jobs(&self.contents, chunk)?;
            let mut result = Ok(());
            let mut answer = |event: Option<(usize, Result<_, Failure>)>| {
                if let Some((index, reply)) = event {
                    let written = self.reply(&(places.start + index, reply));
                    result = std::mem::replace(&mut result, Ok(())).and(written);
                }
                ControlFlow::Continue(())
            };
            self.workers.run_in_steps(&jobs, self.contents.timeout, &mut answer);
            result?;
        }
        Ok(())
    }

    /// A chunk that nobody has taken.
    fn claim(&self) -> io::Result<Option<usize>> {
        loop {
            let chunk = self.next.fetch_add(1, SeqCst);
            if chunk >= self.contents.chunks() || self.folder.is_stopped() || sys::terminate::is_wished() {
                return Ok(None);
            }
            if self.folder.claim(chunk, &self.name)? {
                return Ok(Some(chunk));
            }
        }
    }

    /// Writes a reply; where there is no room for it, several times.
    fn reply(&self, answer: &Answer) -> io::Result<()> {
        // A worker that was ended with this task is no failure of its call, which is to be run again. An engine that kills all
        // processes of a task may come to the worker first.
        if answer.1.as_ref().is_err_and(|failure| failure.kind() == TaskErrorKind::Crashed) {
            thread::sleep(TOGETHER);
            if sys::terminate::is_wished() {
                return Ok(());
            }
        }
        let mut pause = GLANCE;
        loop {
            match lock(&self.replies).write(answer) {
                Ok(()) => return Ok(()),
                Err(error) if pause > LONGEST => return Err(error),
                Err(_) => thread::sleep(pause),
            }
            pause *= 2;
        }
    }
}

/// Processes that are killed within this time were killed together.
const TOGETHER: Duration = Duration::from_millis(500);

/// The longest pause between two trials to write a reply.
const LONGEST: Duration = Duration::from_secs(5);

/// Tells workers of SIGTERM: an engine may send it to this process alone. If nobody wants their values any more, they are killed a moment
/// later.
fn pass_signal_on(folder: &Folder, is_over: &AtomicBool) {
    let is_to_go_on = |until: &dyn Fn() -> bool| {
        while !is_over.load(SeqCst) && !until() {
            thread::sleep(GLANCE);
        }
        !is_over.load(SeqCst)
    };
    let tell = |signal| {
        for child in children() {
            let _ = kill_process(child, signal);
        }
    };
    if is_to_go_on(&sys::terminate::is_wished) {
        tell(Signal::TERM);
        if is_to_go_on(&|| folder.is_stopped()) {
            thread::sleep(SAVING);
            // Also those that are started in their place.
            while is_to_go_on(&|| true) {
                tell(Signal::KILL);
                thread::sleep(GLANCE);
            }
        }
    }
}

/// The processes that this one has started: its workers.
fn children() -> impl Iterator<Item = Pid> {
    let me = getpid().as_raw_nonzero().to_string();
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    names.filter_map(move |entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        // Behind the name of the program, which may hold anything, come its state and its parent.
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
        (parent == me).then(|| Pid::from_raw(pid)).flatten()
    })
}

/// A name that no other task has: its number, by which its log is known, the machine, and the process.
fn name() -> String {
    let number = NUMBERS.iter().find_map(|name| env::var(name).ok());
    let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let host: String = sys::host_name().chars().filter(char::is_ascii_alphanumeric).collect();
    let restart = env::var("SLURM_RESTART_COUNT").unwrap_or_else(|_| "0".to_owned());
    format!("{}-{host}-{}-{restart}", number.as_deref().unwrap_or("all"), process::id())
}
