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
        let is_mounted = cfg!(target_os = "linux") && disk.does(kind, size);
        if !is_mounted {
            skip(&format!("no {kind} can be mounted here, which needs root on Linux"));
        }
        is_mounted.then_some(disk)
    }

    pub fn path(&self) -> PathBuf {
        self.at.path().join(self.kind)
    }

    /// Has the script do something else to it.
    #[track_caller]
    pub fn is_now(&self, what: &str) {
        assert!(self.does(what, ""), "{what}");
    }

    fn does(&self, what: &str, size: &str) -> bool {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/small-disk.sh");
        let output = Command::new(script).arg(what).arg(self.path()).arg(size).output();
        output.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What could not be mounted has a directory and an image all the same.
        self.does("down", "");
    }
}
