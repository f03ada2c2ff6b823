//! What starts the tasks: Slurm, by its own commands, or a launcher, by the one that it is given.
//!
//! Both are asked for no more than this: start so many copies of a script; is any of them left, or to come; let none be left.
//! Jobs are known by the name of their folder, which no two have: Slurm gives ids a second time.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::folder::Folder;
use super::{Cluster, Engine, Slurm};

/// How long a controller that does not answer is asked to take a job.
const PATIENCE: Duration = Duration::from_mins(2);

/// The time between two such trials.
const PAUSE: Duration = Duration::from_secs(2);

/// What Slurm's commands say when nobody answers them.
const AWAY: [&str; 3] = ["Unable to contact slurm controller", "Socket timed out", "Connection refused"];

/// What is left of the tasks of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Runs,
    /// None runs, one is to come; why it does not run, as Slurm says.
    Waits(String),
    /// None is to come, and the last are about to be killed. Of a node that does not answer that lasts.
    Ends,
    Gone,
}

impl Engine {
    /// The kind, as folders name it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Engine::Slurm(_) => "slurm",
            Engine::Launcher(_) => "launcher",
        }
    }

    /// Starts `tasks` tasks of a folder.
    ///
    /// # Errors
    ///
    /// Fails with what the command says.
    pub(super) fn start(&self, cluster: &Cluster, folder: &Folder, tasks: usize) -> Result<(), String> {
        match self {
            Engine::Slurm(slurm) => submit(slurm, cluster, folder, tasks),
            Engine::Launcher(command) => launch(command, folder),
        }
    }

    /// What is left of the tasks of a folder.
    ///
    /// # Errors
    ///
    /// Fails if that cannot be known now.
    pub(super) fn life(&self, folder: &Folder) -> Result<Life, String> {
        match self {
            Engine::Slurm(_) => {
                let mut squeue = Command::new("squeue");
                squeue.args(["--noheader", "--format=%T %r"]).arg(format!("--name={}", name_of(folder)));
                let output = run(&mut squeue)?;
                Ok(life_of(&String::from_utf8_lossy(&output.stdout)))
            }
            Engine::Launcher(_) => {
                let Ok(file) = File::open(folder.path.join("launched")) else { return Ok(Life::Gone) };
                match file.try_lock() {
                    Ok(()) => Ok(Life::Gone),
                    Err(TryLockError::WouldBlock) => Ok(Life::Runs),
                    Err(TryLockError::Error(error)) => Err(error.to_string()),
                }
            }
        }
    }

    /// Ends the tasks of a folder: all, or those that do not run yet. A launcher is not asked: its tasks see that they are to
    /// stop.
    pub(super) fn cancel(&self, folder: &Folder, all: bool) {
        if let Engine::Slurm(_) = self {
            let mut scancel = Command::new("scancel");
            scancel.arg(format!("--name={}", name_of(folder)));
            if !all {
                scancel.arg("--state=PENDING");
            }
            let _ = run(&mut scancel);
        }
    }

    /// What is known of a job whose tasks have left no word.
    pub(super) fn fate(&self, folder: &Folder) -> String {
        let Engine::Slurm(_) = self else { return String::new() };
        let mut squeue = Command::new("squeue");
        squeue.args(["--noheader", "--states=all", "--format=%i %T %r"]);
        squeue.arg(format!("--name={}", name_of(folder)));
        let output = run(&mut squeue).map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        output.unwrap_or_default()
    }
}

/// What the lines of `squeue` say, a state and its reason each.
fn life_of(lines: &str) -> Life {
    let (mut waits, mut ends) = (None, false);
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (state, reason) = line.split_once(' ').unwrap_or((line, ""));
        match state {
            "PENDING" => waits = waits.or(Some(reason)),
            "COMPLETING" => ends = true,
            // Whatever else there may be is somebody who may yet reply.
            _ => return Life::Runs,
        }
    }
    match waits {
        Some(reason) => Life::Waits(reason.to_owned()),
        None if ends => Life::Ends,
        None => Life::Gone,
    }
}

/// The name of a folder, which that of its job is, too.
pub(super) fn name_of(folder: &Folder) -> String {
    folder.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn submit(slurm: &Slurm, cluster: &Cluster, folder: &Folder, tasks: usize) -> Result<(), String> {
    let started = Instant::now();
    loop {
        match run(&mut sbatch(slurm, cluster, folder, tasks)) {
            Ok(_) => return Ok(()),
            Err(why) if started.elapsed() > PATIENCE || !AWAY.iter().any(|away| why.contains(away)) => {
                return Err(why);
            }
            // It may have been taken all the same.
            Err(_) => {
                thread::sleep(PAUSE);
                if Engine::Slurm(Slurm::default()).life(folder).is_ok_and(|life| life != Life::Gone) {
                    return Ok(());
                }
            }
        }
    }
}

fn sbatch(slurm: &Slurm, cluster: &Cluster, folder: &Folder, tasks: usize) -> Command {
    let Slurm { partition, account, time, memory, options } = slurm;
    let mut sbatch = Command::new("sbatch");
    sbatch.args(["--parsable", "--no-requeue", "--open-mode=append", "--ntasks=1"]);
    sbatch.arg(format!("--job-name={}", name_of(folder)));
    // A job that is no array starts sooner.
    if tasks > 1 {
        sbatch.arg(format!("--array=0-{}", tasks - 1));
    }
    sbatch.arg(format!("--cpus-per-task={}", cluster.cores));
    sbatch.arg(output(folder, tasks));
    let texts = [("partition", partition), ("account", account)];
    for (option, text) in texts.into_iter().filter_map(|(option, text)| Some((option, text.as_ref()?))) {
        sbatch.arg(format!("--{option}={text}"));
    }
    if let Some(time) = time {
        // Whole minutes are what Slurm counts.
        sbatch.arg(format!("--time={}", time.as_secs().div_ceil(60).max(1)));
    }
    if let Some(memory) = memory {
        sbatch.arg(format!("--mem={}K", memory.div_ceil(1024).max(1)));
    }
    sbatch.args(options);
    sbatch.arg(folder.path.join("run"));
    sbatch
}

/// The option that gives each task a log. Slurm takes it for a pattern: of `%%` it makes `%`, and a backslash anywhere makes the rest
/// of it a plain path, so that all tasks share one log then.
fn output(folder: &Folder, tasks: usize) -> OsString {
    let path = folder.path.join("log").into_os_string().into_vec();
    let is_plain = path.contains(&b'\\');
    let mut option = b"--output=".to_vec();
    for byte in path {
        match byte {
            b'\\' => option.extend_from_slice(br"\\"),
            b'%' if !is_plain => option.extend_from_slice(b"%%"),
            byte => option.push(byte),
        }
    }
    option.extend_from_slice(match tasks {
        _ if is_plain => &b"/all"[..],
        0..=1 => b"/0",
        _ => b"/%a",
    });
    OsString::from_vec(option)
}

/// Starts the launcher. It holds a lock on the file that is its standard input, which tells of it even if this process is gone.
fn launch(command: &[OsString], folder: &Folder) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("a launcher needs a command".to_owned());
    };
    let start = || -> io::Result<()> {
        let lock = File::open(folder.path.join("launched"))?;
        lock.lock()?;
        let log = File::options().append(true).create(true).open(folder.path.join("log").join("all"))?;
        let mut launcher = Command::new(program);
        launcher.args(arguments).arg(folder.path.join("run"));
        launcher.stdin(lock).stdout(log.try_clone()?).stderr(log.try_clone()?);
        // Ctrl-C is for this process; the tasks go on.
        launcher.process_group(0);
        let mut child = launcher.spawn()?;
        let mut log = log;
        let name = program.clone();
        let wait = move || {
            // For errors; nobody else reads it.
            if let Ok(status) = child.wait() {
                let _ = writeln!(log, "`{}` has ended: {status}", name.display());
            }
        };
        let _ = thread::Builder::new().name("rememo-launcher".into()).spawn(wait);
        Ok(())
    };
    start().map_err(|error| format!("`{}` cannot be started: {error}", Path::new(program).display()))
}

/// Runs a command to its end.
fn run(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!(
                "the command `{program}` is not there: is this a machine from which Slurm jobs are submitted?"
            )
        }
        _ => format!("`{program}` cannot be started: {error}"),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{program}` fails ({}): {}", output.status, said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_that_runs_is_enough_and_a_reason_is_that_of_one_that_waits() {
        assert_eq!(life_of("\n"), Life::Gone);
        assert_eq!(life_of("COMPLETING None\n"), Life::Ends);
        let waits = Life::Waits("Nodes required for job are DOWN".to_owned());
        assert_eq!(life_of("COMPLETING None\nPENDING Nodes required for job are DOWN\n"), waits);
        assert_eq!(life_of("PENDING Priority\nRUNNING None\n"), Life::Runs);
        assert_eq!(life_of("SUSPENDED None"), Life::Runs);
    }
}
