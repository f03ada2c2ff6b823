//! The peers in Python: `python_peers.py`, `python_large.py` and `python_parallel.py`, run in a virtual environment that is made once, below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::place;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/python_peers.py");
const LARGE_SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/python_large.py");
const PARALLEL_SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/python_parallel.py");
const PACKAGES: [&str; 3] = ["joblib", "diskcache", "numpy"];

/// The names that `python_peers.py` knows.
pub(crate) const PEERS: [&str; 2] = ["joblib", "diskcache"];

/// A Python that has the packages.
pub(crate) struct Python {
    program: PathBuf,
    /// Of Python and the packages.
    pub(crate) versions: String,
}

impl Python {
    /// Makes the virtual environment unless it is there; an `Err` is a reason for the tables.
    pub(crate) fn prepare() -> Result<Self, String> {
        let environment = place::beside_the_program("peers-python");
        let program = environment.join("bin/python");
        if let Ok(versions) = versions(&program) {
            return Ok(Python { program, versions });
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))
            .map_err(|error| format!("no Python: {error}"))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(&program).args(pip).args(PACKAGES)).map_err(|error| format!("no pip: {error}"))?;
        let versions = versions(&program)?;
        Ok(Python { program, versions })
    }

    /// A command for `what`, as the script has it.
    pub(crate) fn command(&self, what: &str, peer: &str, dir: &Path, numbers: &[u64]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(SCRIPT).args([what, peer]).arg(dir).args(numbers.iter().map(u64::to_string));
        command
    }

    /// A command for a child that has `count` numbers of this seed, and measures what it is told to.
    pub(crate) fn large_command(&self, seed: u64, count: usize) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(LARGE_SCRIPT).args([seed.to_string(), count.to_string()]);
        command
    }

    /// A command for a child that runs tasks in the ways that it is told. Its workers import it, which leaves a compiled file beside it:
    /// it is run outside of the sources.
    pub(crate) fn parallel_command(&self) -> Command {
        let script = self.program.with_file_name("python_parallel.py");
        fs::copy(PARALLEL_SCRIPT, &script).expect("our own directory");
        let mut command = Command::new(&self.program);
        command.arg(script);
        command
    }
}

fn versions(python: &Path) -> Result<String, String> {
    run(Command::new(python).args([SCRIPT, "versions"]))
}

/// What the command prints.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().last().unwrap_or("it failed").to_owned())
}
