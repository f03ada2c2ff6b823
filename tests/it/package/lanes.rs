//! Target directories in which packages are compiled.
//!
//! Cargo locks a target directory while it compiles. With a single one, the tests would compile one after the other. So each
//! thread that runs tests has a *lane*: a target directory of its own for as long as it lives. The library is compiled in the
//! *stock* only; a lane begins as a copy of the stock.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::thread;

use super::{command, library, member};

/// The target directory of this thread.
pub fn target() -> PathBuf {
    thread_local!(static LANE: OnceCell<Lane> = const { OnceCell::new() });
    LANE.with(|lane| {
        let lane = lane.get_or_init(Lane::enter);
        LANES.lock().unwrap()[lane.0].dir.clone()
    })
}

/// The lanes of this process. It makes no more than can compile at a time; then threads share.
static LANES: Mutex<Vec<Target>> = Mutex::new(Vec::new());

struct Target {
    dir: PathBuf,
    /// Keeps other processes from taking the directory.
    _lock: File,
    threads: usize,
}

/// A place in [`LANES`], which the thread leaves at its end.
struct Lane(usize);

impl Lane {
    fn enter() -> Self {
        let mut lanes = LANES.lock().unwrap_or_else(|error| panic!("no package can be compiled: {error}"));
        let most = thread::available_parallelism().map_or(1, usize::from);
        let least = (0..lanes.len()).min_by_key(|&lane| lanes[lane].threads);
        let shared = least.filter(|&lane| lanes[lane].threads == 0 || lanes.len() == most);
        let lane = shared.unwrap_or(lanes.len());
        if lane == lanes.len() {
            lanes.push(Target::copied());
        }
        lanes[lane].threads += 1;
        Lane(lane)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Ok(mut lanes) = LANES.lock() {
            lanes[self.0].threads -= 1;
        }
    }
}

impl Target {
    /// The first that no other process has, made anew: what is in it is of packages that are gone.
    fn copied() -> Self {
        let stock = stock();
        let unlocked = |number: usize| {
            let lock = File::create(below(&format!("lane-{number}.lock"))).unwrap();
            lock.try_lock().is_ok().then_some((number, lock))
        };
        let (number, lock) = (0..).find_map(unlocked).unwrap();
        let dir = below(&format!("lane-{number}"));
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        // Another process may be compiling there.
        let _alone = locked(&stock.with_extension("lock"));
        copy(stock, &dir);
        Target { dir, _lock: lock, threads: 0 }
    }
}

/// What every package needs, compiled: with and without derives of serde, since the library is compiled once for each.
fn stock() -> &'static Path {
    static STOCK: OnceLock<PathBuf> = OnceLock::new();
    STOCK.get_or_init(|| {
        let target = below("stock");
        let _alone = locked(&target.with_extension("lock"));
        for (name, serde) in [
            ("stock_plain", ""),
            ("stock_derives", "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n"),
        ] {
            let dir = below(name);
            fs::create_dir_all(dir.join("src")).unwrap();
            let rest = format!(
                "[dependencies]\nrememo = {{ path = \"{}\" }}\n{serde}[workspace]\n",
                library().display()
            );
            fs::write(dir.join("Cargo.toml"), member(name, &rest)).unwrap();
            fs::copy(library().join("Cargo.lock"), dir.join("Cargo.lock")).unwrap();
            fs::write(dir.join("src/main.rs"), "fn main() {}\n").unwrap();
            let output = command(&target).args(["build", "--quiet"]).current_dir(&dir).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        target
    })
}

fn below(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
    fs::create_dir_all(&dir).unwrap();
    dir.join(name)
}

fn locked(path: &Path) -> File {
    let file = File::create(path).unwrap();
    file.lock().unwrap();
    file
}

/// Copies files with their times, by which cargo knows what is up to date.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let copied = to.join(entry.file_name());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            copy(&entry.path(), &copied);
        } else {
            fs::copy(entry.path(), &copied).unwrap();
            let file = File::options().write(true).open(&copied).unwrap();
            file.set_modified(metadata.modified().unwrap()).unwrap();
        }
    }
}
