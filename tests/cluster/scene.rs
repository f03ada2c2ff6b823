//! Where a scenario plays: a folder with a cache, an engine of its own, and programs that are watched while they run.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::program::{Calls, Engine, Program, Slurm};
use crate::running::{Ended, Running};

/// All limits are those of a machine that does nothing else; a busy one takes so many times longer.
pub(crate) const BUSY: u64 = 2;

/// One of the scripts beside these tests.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines").join(name)
}

/// A folder with a cache, the environment of its programs, and, unless it is without, a Slurm of its own.
pub struct Scene {
    guard: Option<Guard>,
    dir: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// A process that stops an engine when it is dropped or this process dies: its standard input ends then.
struct Guard {
    process: Child,
    input: Option<ChildStdin>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

impl Scene {
    /// Three nodes of two processors each.
    pub fn with_slurm() -> Self {
        Scene::with_slurm_behind(&[])
    }

    /// The same, where the daemons are started by a command: they then see what that lets them see.
    pub fn with_slurm_behind(prefix: &[&str]) -> Self {
        let mut scene = Scene::without_engine();
        let slurm = scene.path("slurm");
        scene.variables.extend([
            ("SLURM_TEST_DIR", slurm.display().to_string()),
            ("SLURM_CONF", slurm.join("slurm.conf").display().to_string()),
            ("SLURM_TEST_PORT", free_ports(4).to_string()),
            ("SLURM_TEST_NODE_TIMEOUT", "4".into()),
            ("SLURM_TEST_REQUEUE_WAIT", "5".into()),
            ("SLURM_TEST_KILL_WAIT", "3".into()),
        ]);
        scene.stops_with("slurm-down.sh");
        let up = script("slurm-up.sh").display().to_string();
        scene.does(&[prefix, &[&up, "3", "2"]].concat());
        scene
    }

    pub fn without_engine() -> Self {
        let dir = tempfile::Builder::new().prefix("rememo-cluster-").tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        Scene { dir, variables: Vec::new(), guard: None }
    }

    /// Has a script run when the scenario or this process ends.
    pub fn stops_with(&mut self, name: &str) {
        // In a session of its own: Ctrl-C of a person who runs the tests is not meant for it.
        let text = r#"cat > /dev/null; exec "$0""#;
        let mut command = self.command(&["setsid", "bash", "-c", text, &script(name).display().to_string()]);
        let mut process = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let input = process.stdin.take();
        self.guard = Some(Guard { process, input });
    }

    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.push((name, value.into()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command in the environment of this scene. Only its own `sbatch` comes before those of the machine.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        let path = format!("{}:{}", self.path("bin").display(), env::var("PATH").unwrap());
        command.args(&words[1..]).env("PATH", path).envs(self.variables.iter().map(|(k, v)| (*k, v)));
        command
    }

    /// Runs a command to its good end; what it printed.
    #[track_caller]
    pub fn does(&self, words: &[&str]) -> String {
        let output = self.command(words).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{words:?}: {}\n{}", output.status, text(&output.stderr));
        text(&output.stdout)
    }

    #[track_caller]
    pub fn node(&self, what: &str, node: &str) {
        self.does(&[&script("slurm-node.sh").display().to_string(), what, node]);
    }

    /// Slurm learns at once that a node is dead.
    #[track_caller]
    pub fn is_down(&self, node: &str) {
        let name = format!("nodename={node}");
        self.does(&["scontrol", "update", &name, "state=down", "reason=test"]);
    }

    /// Starts what has died of the engine.
    #[track_caller]
    pub fn restarts_slurm(&self) {
        self.does(&[&script("slurm-up.sh").display().to_string()]);
    }

    /// Kills a daemon of the engine, whose process id is in a file.
    pub fn kills(&self, daemon: &str) {
        let pid = fs::read_to_string(self.path("slurm").join(daemon)).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }

    /// Job ids of array tasks in a state, as `squeue` names them, such as `7_2`.
    #[track_caller]
    pub fn tasks(&self, states: &str) -> Vec<String> {
        let said = self.does(&["squeue", "--noheader", "--array", "--format=%i", "--states", states]);
        said.split_whitespace().map(str::to_owned).collect()
    }

    /// The job folders that are there.
    pub fn folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("cache/jobs")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Nothing is left of jobs, when the last task has removed it.
    #[track_caller]
    pub fn expect_no_folders(&self) {
        self.wait_until(10, "job folders are gone", || self.folders().is_empty());
    }

    /// How often `sbatch` was called by programs.
    pub fn submissions(&self) -> usize {
        fs::read_to_string(self.path("submissions")).map_or(0, |text| text.lines().count())
    }

    /// How often each call got to a point.
    pub fn counts(&self, what: &str) -> HashMap<u64, usize> {
        let mut counts = HashMap::new();
        for [noted, number, ..] in self.runs() {
            if noted == what {
                *counts.entry(number.parse().unwrap()).or_default() += 1;
            }
        }
        counts
    }

    /// Lines of runs: point, number, node, job, process.
    pub fn runs(&self) -> Vec<[String; 5]> {
        let text = fs::read_to_string(self.path("runs")).unwrap_or_default();
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        text.lines().filter_map(|line| words(line).try_into().ok()).collect()
    }

    /// Each of so many calls was begun and ended once.
    #[track_caller]
    pub fn expect_each_once(&self, numbers: std::ops::Range<u64>) {
        let count = usize::try_from(numbers.end - numbers.start).unwrap();
        for what in ["begins", "ends"] {
            let counts = self.counts(what);
            let twice: Vec<_> = counts.iter().filter(|(_, times)| **times != 1).collect();
            assert!(twice.is_empty(), "of {count}: {what} more than once: {twice:?}");
            assert_eq!(counts.len(), count, "{what}");
        }
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn wait_until(&self, limit: u64, what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(BUSY * limit);
        while !is_so() {
            assert!(Instant::now() < end, "not within {limit} s: {what}\n{}", self.state());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until so many calls got to a point.
    #[track_caller]
    pub fn wait_for(&self, what: &str, count: usize) {
        self.wait_until(60, &format!("{count} × {what}"), || self.counts(what).len() >= count);
    }

    pub fn program(&self, calls: Calls, engine: Engine) -> Program {
        let place = self.dir.path().to_owned();
        Program { place, calls, engine, files_layout: false, is_off: false, keep_going: true, timeout: None }
    }

    pub fn on_slurm(&self, calls: Calls) -> Program {
        self.program(calls, Engine::Slurm(Slurm::default()))
    }

    /// Starts a program. Its calls of `sbatch` are counted.
    pub fn start(&self, program: &Program) -> Running<'_> {
        let wrapper = self.path("bin/sbatch");
        if !wrapper.exists() {
            let text = format!(
                "#!/bin/sh\necho \"$*\" >> {}\nPATH=\"${{PATH#*:}}\" exec sbatch \"$@\"\n",
                self.path("submissions").display()
            );
            write_executable(&wrapper, &text);
        }
        self.start_with(program, &[])
    }

    /// The same, with variables of its own and no wrapper.
    pub fn start_with(&self, program: &Program, variables: &[(&str, &str)]) -> Running<'_> {
        static NUMBER: Mutex<u32> = Mutex::new(0);
        let number = {
            let mut number = NUMBER.lock().unwrap();
            *number += 1;
            *number
        };
        let file = |name: &str| self.path(&format!("{name}.{number}"));
        let (name, value) = program.variable();
        // An interrupt ends it, even where this process was told to ignore that.
        let this = env::current_exe().unwrap().display().to_string();
        let child = self
            .command(&["/usr/bin/env", "--default-signal=INT", &this])
            .env(name, value)
            .env("RUST_BACKTRACE", "0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(file("out")).unwrap())
            .stderr(File::create(file("err")).unwrap())
            .spawn()
            .unwrap();
        Running { scene: self, child, out: file("out"), err: file("err"), started: Instant::now() }
    }

    /// Runs a program to its end.
    #[track_caller]
    pub fn run(&self, program: &Program, limit: u64) -> Ended {
        self.start(program).ends(limit)
    }

    /// What helps to understand a failure.
    pub fn state(&self) -> String {
        let mut text = String::new();
        for (name, command) in [
            ("queue", &["squeue", "--array", "--states=all"][..]),
            ("nodes", &["sinfo", "-N", "-l"]),
            (
                "jobs",
                &[
                    "bash",
                    "-c",
                    "tail -n 30 cache/jobs/*/*.log cache/jobs/*/*.out; ls -lR cache/jobs | head -n 80",
                ],
            ),
            ("submissions", &["cat", "submissions"]),
            ("controller", &["tail", "-n", "30", "slurm/slurmctld.log"]),
            ("programs", &["tail", "-n", "30", "--", "."]),
        ] {
            let mut command = self.command(command);
            if name == "programs" {
                command = self.command(&["bash", "-c", "tail -n 30 out.* err.*"]);
            }
            let output = command.current_dir(self.dir.path()).stdin(Stdio::null()).output();
            let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            text.extend(["-- ", name, "\n", &output.unwrap_or_default(), "\n"]);
        }
        text
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "{}", self.state());
        }
    }
}

pub fn write_executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The first of so many neighbouring ports that nobody uses, each time others.
fn free_ports(count: u16) -> u16 {
    static NEXT: Mutex<u16> = Mutex::new(0);
    let mut next = NEXT.lock().unwrap();
    if *next == 0 {
        // Below the ports that the kernel gives to those who ask for any.
        *next = 10_000 + u16::try_from(std::process::id() % 200).unwrap() * 100;
    }
    loop {
        let first = *next;
        *next += count;
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}
