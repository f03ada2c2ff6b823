//! Small file systems for the tests that need one, mounted by the test itself, and gone when it ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Says what is left out and why, where `cargo test` shows it: what passing tests print is not shown.
pub fn skip(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped in {name}: {why}");
}

/// A file system of its own, made by `small-disk.sh`. It is unmounted on drop, also of a test that panics.
pub struct Disk {
    at: TempDir,
    kind: &'static str,
}

impl Disk {
    /// Mounts one; `kind` and `size` as the script takes them. `None`, with a word about it, where that cannot be done: it needs
    /// root on Linux, and some containers have no loop devices.
    pub fn mount(kind: &'static str, size: &str) -> Option<Self> {
        let disk = Disk { at: tempfile::tempdir().unwrap(), kind };
        if !cfg!(target_os = "linux") {
            skip(&format!("no {kind} can be mounted here, which needs Linux"));
            return None;
        }
        let mounted = disk.does(kind, size).inspect_err(|said| {
            skip(&format!("no {kind} can be mounted here, which needs root on Linux: {said}"));
        });
        mounted.is_ok().then_some(disk)
    }

    pub fn path(&self) -> PathBuf {
        self.at.path().join(self.kind)
    }

    /// Has the script do something else to it.
    #[track_caller]
    pub fn is_now(&self, what: &str) {
        self.does(what, "").unwrap_or_else(|said| panic!("{what}: {said}"));
    }

    /// Runs the script; what it said, if it failed.
    fn does(&self, what: &str, size: &str) -> Result<(), String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/small-disk.sh");
        let output = Command::new(script).arg(what).arg(self.path()).arg(size).output();
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What could not be mounted has a directory and an image all the same.
        let _ = self.does("down", "");
    }
}
