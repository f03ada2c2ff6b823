//! Compiles small programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Compiles `source` to a program in a new directory `dir`; panics with the compiler's words if it does
/// not compile.
#[track_caller]
pub fn rust(dir: &Path, source: &str, flags: &[&str]) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("small.rs"), source).unwrap();
    let program = dir.join("small");
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(["--edition=2024", "--crate-name=small", "--cap-lints=allow"]).args(flags);
    // The name of the file stands in the program.
    command.args(["-o", "small", "small.rs"]).current_dir(dir);
    succeed(command, source);
    program
}

/// Runs a command to its end; its standard output.
#[track_caller]
pub fn succeed(mut command: Command, source: &str) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}\n{source}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
