//! A program that runs, and what has come of it.

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::{BUSY, Scene};

/// A program that runs.
pub struct Running<'s> {
    pub(super) scene: &'s Scene,
    pub(super) child: Child,
    pub(super) out: PathBuf,
    pub(super) err: PathBuf,
    pub(super) started: Instant,
}

impl Running<'_> {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end, which is to come in so many seconds.
    #[track_caller]
    pub fn ends(mut self, limit: u64) -> Ended {
        let end = self.started + Duration::from_secs(BUSY * limit);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                let state = self.scene.state();
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("the program has not ended after {limit} s\n{state}");
            }
            thread::sleep(Duration::from_millis(20));
        };
        let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        Ended { status, took: self.started.elapsed(), out: read(&self.out), err: read(&self.err) }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What has come of a program.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub took: Duration,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The lines of one kind, as number and rest.
    fn lines(&self, kind: &str) -> HashMap<u64, &str> {
        let rests = self.out.lines().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
        let pairs = rests.filter_map(|rest| rest.split_once(' '));
        pairs.map(|(number, rest)| (number.parse().unwrap(), rest)).collect()
    }

    /// What was returned, by the number of the call.
    pub fn values(&self) -> HashMap<u64, &str> {
        self.lines("value")
    }

    /// Kind and message of the calls that failed.
    pub fn errors(&self) -> HashMap<u64, (&str, &str)> {
        self.lines("error")
            .into_iter()
            .map(|(number, rest)| (number, rest.split_once(' ').unwrap()))
            .collect()
    }

    /// Every call returned what it should.
    #[track_caller]
    pub fn expect_values(&self, count: u64) {
        assert!(self.status.success(), "{self:?}");
        let (values, errors) = (self.values(), self.errors());
        assert!(errors.is_empty(), "{errors:?}\n{}", self.err);
        for number in 0..count {
            let expected = crate::program::expected(number).to_string();
            assert_eq!(values.get(&number), Some(&&*expected), "call {number}\n{}", self.err);
        }
    }

    /// The batch was stopped by an error, which is returned, or every call failed by one and the same.
    #[track_caller]
    pub fn refusal(&self) -> String {
        assert_eq!(self.status.signal(), None, "{self:?}");
        let stopped = self.out.lines().find_map(|line| line.strip_prefix("stopped "));
        let first = || self.errors().remove(&0).map(|(_, message)| message.to_owned());
        let refusal = stopped.map(str::to_owned).or_else(first);
        refusal.unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}
