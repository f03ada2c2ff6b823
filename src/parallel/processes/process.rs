//! A child process that nobody mistakes for another.
//!
//! The number of a process, and that of its group, go to another one as soon as it was waited for. So:
//! - Nothing here waits for it but [`Process::end`], which is the last that is done with it: to see whether it lives does not.
//! - Something else in the program may wait for any child (a handler of SIGCHLD, or SIGCHLD ignored). It is signalled and waited
//!   for through its pidfd, which never stands for another process; and its group only while it has not been waited for.
//!
//! Linux before 5.4 cannot wait for a pidfd. There the number is used, unless it is seen that somebody has waited for it.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group,
    pidfd_open, pidfd_send_signal, waitid,
};

/// Looks whether a process has ended, and does not wait for it.
const GLANCE: WaitIdOptions = WaitIdOptions::NOHANG.union(WaitIdOptions::NOWAIT);

/// A child process that leads a group of processes.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    pidfd: Option<Arc<OwnedFd>>,
    is_over: bool,
}

impl Process {
    /// `child` was just started, so its number is its own.
    pub(super) fn new(child: Child) -> Self {
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok().map(Arc::new);
        let mut process = Process { child, pidfd, is_over: false };
        if process.wait(GLANCE).is_err_and(|error| error == Errno::INVAL) {
            process.pidfd = None;
        }
        process
    }

    /// Is readable when the process has ended.
    pub(super) fn pidfd(&self) -> Option<Arc<OwnedFd>> {
        self.pidfd.clone()
    }

    /// Whether it is still there. Its number stays its own, whatever the answer is.
    pub(super) fn is_alive(&self) -> bool {
        !self.is_over && matches!(self.wait(GLANCE), Ok(None))
    }

    /// Sees that it has ended, with all that is left of its group; how it ended, if that can still be told. One that has ended by
    /// itself is not changed by it.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        if std::mem::replace(&mut self.is_over, true) {
            return None;
        }
        // Until it is waited for, the group has its number also if the process itself is dead.
        if !self.wait(GLANCE).is_err_and(|error| error == Errno::CHILD) {
            let _ = kill_process_group(self.id(), Signal::KILL);
            let _ = match &self.pidfd {
                Some(pidfd) => pidfd_send_signal(pidfd, Signal::KILL),
                None => kill_process(self.id(), Signal::KILL),
            };
        }
        self.wait(WaitIdOptions::empty()).ok().flatten().and_then(|status| status_of(&status))
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for its end; [`Errno::CHILD`] if somebody else has.
    fn wait(&self, options: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
        loop {
            let id = match &self.pidfd {
                Some(pidfd) => WaitId::PidFd(std::os::fd::AsFd::as_fd(&**pidfd)),
                None => WaitId::Pid(self.id()),
            };
            match waitid(id, options | WaitIdOptions::EXITED) {
                Err(Errno::INTR) => {}
                result => return result,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn status_of(status: &WaitIdStatus) -> Option<ExitStatus> {
    let exited = status.exit_status().map(|code| (code & 0xff) << 8);
    let dumped = if status.dumped() { 0x80 } else { 0 };
    let killed = status.terminating_signal().map(|signal| signal | dumped);
    exited.or(killed).map(ExitStatus::from_raw)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).process_group(0);
        Process::new(command.spawn().unwrap())
    }

    /// The number that the process writes first.
    fn number(process: &mut Process) -> Pid {
        let mut line = String::new();
        BufReader::new(process.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Pid::from_raw(line.trim().parse().unwrap()).unwrap()
    }

    /// Whether a process is there and no zombie.
    fn runs(pid: Pid) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    #[track_caller]
    fn expect_soon(is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_mins(1));
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn endings_are_told_as_the_standard_library_tells_them() {
        for script in ["exit 0", "exit 7", "exit 255", "kill -9 $$", "kill -15 $$"] {
            let mut process = shell(script);
            expect_soon(|| !process.is_alive());
            let expected = Command::new("sh").args(["-c", script]).status().unwrap();
            assert_eq!(process.end(), Some(expected), "{script}");
            assert_eq!(process.end(), None, "it was told");
        }
        assert_eq!(shell("sleep 600").end().unwrap().signal(), Some(9));
    }

    /// Regression: whoever asked whether a worker lives waited for it. Its number was free then, and was killed later.
    #[test]
    fn to_see_that_it_is_dead_leaves_its_number_with_it() {
        let mut process = shell("sleep 600 & echo $!; exit 3");
        let left = number(&mut process);
        expect_soon(|| !process.is_alive());
        assert!(fs::exists(format!("/proc/{}", process.id().as_raw_pid())).unwrap(), "it was waited for");
        assert!(runs(left));
        assert_eq!(process.end().and_then(|status| status.code()), Some(3));
        expect_soon(|| !runs(left));
    }

    /// As with a program that waits for any child: the number may be somebody else's by now. Here it is still that of a group,
    /// whose member stands for the stranger.
    #[test]
    fn a_number_that_somebody_else_has_freed_is_not_killed() {
        let mut process = shell("sleep 600 & echo $!; exit 3");
        let stranger = number(&mut process);
        waitid(WaitId::Pid(process.id()), WaitIdOptions::EXITED).unwrap();
        assert!(!process.is_alive());
        assert_eq!(process.end(), None);
        drop(process);
        assert!(runs(stranger));
        kill_process(stranger, Signal::KILL).unwrap();
    }
}
