//! What the environment decides, each shown in a process of its own.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use rememo::{InputFile, Memory, MissReason, Parallel, Source, delayed, memo};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, hit, miss};

#[memo]
pub fn table(x: u64) -> Vec<u64> {
    (0..x % 5000).map(|i| i * x).collect()
}

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[memo]
fn length_of(file: &InputFile) -> u64 {
    std::fs::metadata(file).unwrap().len()
}

/// What a second process does in `role`; panics if it does not find what it should.
pub fn play(role: &str, cache: &Path) {
    match role {
        "write" => write_and_acknowledge(cache),
        role if role.starts_with("not kept") => crate::not_kept::play(role, cache),
        "off" => {
            let memory = Memory::open(cache).unwrap();
            assert_eq!(memory.call_info(square::delayed(3)).source, Source::Miss(MissReason::Disabled));
            assert_eq!(square(3), 9);
            assert_eq!(Memory::current().root(), None);
        }
        "default place" => {
            assert_eq!(square(3), 9);
            assert_eq!(Memory::current().root(), Some(cache));
            hit(&Memory::open_default().unwrap(), square::delayed(3));
            let other = tempfile::tempdir().unwrap();
            Memory::open(other.path()).unwrap().make_default();
            thread::spawn(|| square(3)).join().unwrap();
            hit(&Memory::open(other.path()).unwrap(), square::delayed(3));
        }
        #[cfg(target_os = "linux")]
        "cell" => {
            rememo::init();
            let memory = Memory::open(cache).unwrap();
            memory.make_default();
            assert_eq!(square(3), 9);
            hit(&memory, square::delayed(3));
            drop(memory.enter());
            let workers = Parallel::new().memory(&memory).executor(rememo::Executor::processes());
            let error = workers.run([square::delayed(4)]).unwrap_err().to_string();
            assert!(error.contains("a cell of a notebook cannot be started again"), "{error}");
            assert_eq!(Parallel::new().memory(&memory).run([square::delayed(4)]).unwrap(), [16]);
        }
        "no home" => {
            assert_eq!(square(3), 9);
            assert_eq!(Memory::current().root(), None);
        }
        "log" => {
            static LOGGER: Logger = Logger(Mutex::new(Vec::new()), log::Level::Warn);
            log::set_logger(&LOGGER).unwrap();
            log::set_max_level(log::LevelFilter::Trace);
            let memory = Memory::builder().dir(cache).layout(rememo::Layout::Files).open().unwrap();
            std::fs::remove_dir_all(cache).unwrap();
            std::fs::write(cache, "in the way").unwrap();
            for x in 0..10 {
                assert_eq!(memory.call(square::delayed(x)), x * x);
            }
            let warnings = LOGGER.0.lock().unwrap();
            // A lease is asked for once: the function turns out to be cheaper than one is worth.
            assert!(memory.stats().troubles >= 11, "{:?}", memory.stats());
            // No lease can be had, it cannot be stored: each is told once, with the path.
            assert_eq!(warnings.len(), 2, "{warnings:#?}");
            assert!(
                warnings.iter().all(|warning| warning.contains(cache.to_str().unwrap())),
                "{warnings:#?}"
            );
        }
        "causes" => {
            static LOGGER: Logger = Logger(Mutex::new(Vec::new()), log::Level::Debug);
            log::set_logger(&LOGGER).unwrap();
            log::set_max_level(log::LevelFilter::Trace);
            assert_eq!(square(3), 9);
            let memory = Memory::builder().dir(cache).layout(rememo::Layout::Files).open().unwrap();
            std::fs::remove_dir_all(cache).unwrap();
            std::fs::write(cache, "in the way").unwrap();
            let input = InputFile::new(env::var_os("REMEMO_TEST_INPUT").unwrap());
            assert!(memory.call(length_of::delayed(&input)) > 0);
            let lines = LOGGER.0.lock().unwrap();
            let about = |what: &str| lines.iter().filter(|line| line.contains(what)).collect::<Vec<_>>();
            for what in [
                "nothing will be remembered",
                "the digest of an input is not known",
                "the digest of an input is not kept",
                "the value cannot be stored",
            ] {
                assert!(!about(what).is_empty(), "{what}: {lines:#?}");
            }
            // Each tells what was asked of which path, and what the operating system said.
            for line in about("cannot ") {
                let is_whole = line.to_lowercase().contains("not a directory");
                assert!(line.contains("`/") && is_whole, "{line}");
            }
        }
        "cores" => {
            let expected: usize = env::var("REMEMO_TEST_CORES").unwrap().parse().unwrap();
            let names = Mutex::new(std::collections::BTreeSet::new());
            let task = |_| {
                delayed(|| {
                    names.lock().unwrap().insert(thread::current().name().unwrap().to_owned());
                    thread::sleep(Duration::from_millis(5));
                })
            };
            Parallel::new().memory(&Memory::disabled()).run((0..20).map(task)).unwrap();
            assert_eq!(names.into_inner().unwrap().len(), expected);
        }
        role => panic!("no such role: {role}"),
    }
}

/// Keeps the lines of this level and above under the target `rememo`.
struct Logger(Mutex<Vec<String>>, log::Level);

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target() == "rememo" && record.level() <= self.1 {
            self.0.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Stores tables until killed, and writes down each that was stored.
fn write_and_acknowledge(cache: &Path) {
    let memory = Memory::open(cache).unwrap();
    let mut acknowledged =
        OpenOptions::new().append(true).create(true).open(env::var_os("REMEMO_TEST_RUNS").unwrap()).unwrap();
    let first: u64 = env::var("REMEMO_TEST_FIRST").unwrap().parse().unwrap();
    for x in first..first + 1000 {
        memory.call(table::delayed(x));
        acknowledged.write_all(format!("{x}\n").as_bytes()).unwrap();
    }
}

#[test]
fn rememo_off_disables_every_memory_and_touches_nothing() {
    let cache = TestCache::new();
    let untouched = cache.root().with_file_name("untouched");
    let mut command = start("off", &untouched);
    command.env("REMEMO", "off").env("REMEMO_DIR", &untouched);
    expect_success(&mut command);
    assert!(!untouched.exists());
}

#[test]
fn plain_calls_use_rememo_dir() {
    let cache = TestCache::new();
    let dir = cache.root().with_file_name("by environment");
    let mut command = start("default place", &dir);
    command.env("REMEMO_DIR", &dir);
    expect_success(&mut command);
    assert_eq!(Memory::open(&dir).unwrap().stats().entries, 1);
    hit(&Memory::open(&dir).unwrap(), square::delayed(3));
}

#[test]
fn a_tilde_in_rememo_dir_is_the_home_directory() {
    let cache = TestCache::new();
    let home = cache.root().with_file_name("home");
    let mut command = start("default place", &home.join("of rememo"));
    command.env("REMEMO_DIR", "~/of rememo").env("HOME", &home);
    expect_success(&mut command);
    assert_eq!(Memory::open(home.join("of rememo")).unwrap().stats().entries, 1);
}

#[test]
fn without_rememo_dir_plain_calls_use_the_users_cache_directory() {
    let cache = TestCache::new();
    let home = cache.root().with_file_name("home");
    let mut command = start("default place", &home.join("rememo"));
    command.env_remove("REMEMO_DIR").env("XDG_CACHE_HOME", &home);
    expect_success(&mut command);
    assert_eq!(Memory::open(home.join("rememo")).unwrap().stats().entries, 1);
}

#[test]
fn a_default_place_that_cannot_be_used_costs_no_result() {
    let cache = TestCache::new();
    miss(&cache.memory, square::delayed(1));
    let file = cache.root().join("format");
    let mut command = start("no home", &file);
    command.env("REMEMO_DIR", file.join("below a file"));
    expect_success(&mut command);
}

#[test]
fn trouble_is_logged_once_for_each_kind() {
    let cache = TestCache::new();
    expect_success(&mut start("log", &cache.root().with_file_name("another")));
}

#[test]
fn what_is_logged_of_an_error_has_its_causes() {
    let cache = TestCache::new();
    let below_a_file = cache.root().join("format").join("below");
    let input = cache.root().with_file_name("input");
    std::fs::write(&input, vec![7; 1 << 20]).unwrap();
    let mut command = start("causes", &cache.root().with_file_name("another"));
    command.env("REMEMO_DIR", &below_a_file).env("XDG_CACHE_HOME", &below_a_file);
    expect_success(command.env("REMEMO_TEST_INPUT", &input));
}

/// What runs the cells of a notebook is told by its name.
#[cfg(target_os = "linux")]
#[test]
fn in_a_cell_a_memory_that_ends_with_it_is_told_once_and_worker_processes_are_refused() {
    let cache = TestCache::new();
    let bin = tempfile::tempdir_in(env::current_exe().unwrap().parent().unwrap()).unwrap();
    let as_program = |name: &str| {
        let worker = start("cell", &cache.root());
        let program = bin.path().join(name);
        std::fs::hard_link(worker.get_program(), &program).unwrap();
        let mut started = Command::new(program);
        started.args(worker.get_args());
        for (name, value) in worker.get_envs() {
            started.env(name, value.unwrap());
        }
        started
    };
    let output = expect_success(&mut as_program("evcxr_jupyter"));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told.matches("for the current cell alone").count(), 1, "{told}");
    assert!(
        told.contains(&format!("set_var(\"REMEMO_DIR\", {:?})", cache.root().display().to_string())),
        "{told}"
    );
    // Any other program has nothing to be told, and its worker processes start.
    let other = as_program("shop").output().unwrap();
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(!said.contains("current cell"), "{said}");
    assert!(said.contains("`Result::unwrap_err()` on an `Ok` value: [16]"), "{said}");
}

/// As many threads as cores that the affinity mask allows.
#[test]
fn jobs_follow_the_affinity_mask() {
    if !cfg!(target_os = "linux") || Command::new("taskset").arg("--version").output().is_err() {
        crate::engines::skip("taskset is not there");
        return;
    }
    let worker = start("cores", Path::new("unused"));
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(worker.get_program()).args(worker.get_args());
    for (name, value) in worker.get_envs() {
        pinned.env(name, value.unwrap());
    }
    pinned.env("REMEMO_TEST_CORES", "1").stdout(std::process::Stdio::null());
    expect_success(&mut pinned);
}

/// As many threads as the CPU quota of the control group allows; needs root and a `cpu` controller to write to.
#[test]
fn jobs_follow_the_quota_of_the_control_group() {
    let Some(group) = QuotaGroup::of_one_core() else {
        crate::engines::skip("no control group can be made here");
        return;
    };
    let script = format!("echo $$ > '{}' && exec \"$@\"", group.procs.display());
    let worker = start("cores", Path::new("unused"));
    let mut confined = Command::new("sh");
    confined.args(["-c", &script, "sh"]).arg(worker.get_program()).args(worker.get_args());
    for (name, value) in worker.get_envs() {
        confined.env(name, value.unwrap());
    }
    confined.env("REMEMO_TEST_CORES", "1").stdout(std::process::Stdio::null());
    expect_success(&mut confined);
}

/// A control group whose processes may use one core; removed on drop.
struct QuotaGroup {
    dir: std::path::PathBuf,
    procs: std::path::PathBuf,
}

impl QuotaGroup {
    fn of_one_core() -> Option<Self> {
        let name = format!("rememo-test-{}", std::process::id());
        let v2 = Path::new("/sys/fs/cgroup").join(&name);
        let v1 = Path::new("/sys/fs/cgroup/cpu").join(&name);
        let made = |dir: &Path, settings: &[(&str, &str)]| {
            std::fs::create_dir(dir).ok()?;
            let group = QuotaGroup { dir: dir.to_owned(), procs: dir.join("cgroup.procs") };
            for (file, value) in settings {
                // A plain write: creating a file in a control group is refused.
                let mut file = OpenOptions::new().write(true).open(dir.join(file)).ok()?;
                file.write_all(value.as_bytes()).ok()?;
            }
            group.procs.exists().then_some(group)
        };
        if v1.parent().is_some_and(|cpu| cpu.join("cpu.cfs_quota_us").exists()) {
            made(&v1, &[("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "100000")])
        } else {
            made(&v2, &[("cpu.max", "100000 100000")])
        }
    }
}

impl Drop for QuotaGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.dir);
    }
}
