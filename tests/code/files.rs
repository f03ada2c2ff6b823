//! Files that are no programs, or not such as can be followed; and the running file.

use std::fs;
use std::process::Command;

use rememo::__private::code::{Boundary, Loaded, Obstacle, Running};
use tempfile::TempDir;

use crate::build::{rust, succeed};
use crate::program::Compiled;

const SOURCE: &str = "#[inline(never)] #[unsafe(no_mangle)] pub fn f(x: u64) -> u64 { x.to_string().len() as u64 + TABLE[x as usize % 3] }
static TABLE: [u64; 3] = [1, 2, 3];
fn main() { println!(\"{}\", f(std::env::args().len() as u64)); }
";

fn obstacle(flags: &[&str]) -> Option<Obstacle> {
    let dir = TempDir::new().unwrap();
    let path = rust(dir.path(), SOURCE, flags);
    Compiled::try_read(&path).and_then(|mut compiled| compiled.try_reach("f")).err()
}

#[test]
fn programs_without_symbols_or_with_fixed_addresses_have_no_fingerprint() {
    assert!(matches!(obstacle(&["-Cstrip=symbols"]), Some(Obstacle::NoSymbols)));
    assert!(matches!(obstacle(&["-Crelocation-model=static"]), Some(Obstacle::FixedAddresses)));
    assert!(obstacle(&["-Cstrip=debuginfo"]).is_none());
    // Addresses that are counted from a base.
    for model in ["-Ccode-model=large", "-Ccode-model=medium"] {
        assert!(matches!(obstacle(&[model, "-Copt-level=2"]), Some(Obstacle::Unreadable(_))), "{model}");
    }
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("text"), "no program").unwrap();
    assert!(matches!(Compiled::try_read(&dir.path().join("text")), Err(Obstacle::OtherPlatform)));
    fs::write(dir.path().join("empty"), "").unwrap();
    assert!(matches!(Compiled::try_read(&dir.path().join("empty")), Err(Obstacle::OtherPlatform)));
}

#[test]
fn debug_information_and_where_the_program_lies_change_nothing() {
    let dir = TempDir::new().unwrap();
    let digest =
        |name: &str, flags: &[&str]| Compiled::read(&rust(&dir.path().join(name), SOURCE, flags)).digest("f");
    let plain = digest("plain", &["-Copt-level=2"]);
    assert_eq!(digest("again", &["-Copt-level=2"]), plain);
    assert_eq!(digest("debug", &["-Copt-level=2", "-Cdebuginfo=2"]), plain);
    assert_eq!(digest("split", &["-Copt-level=2", "-Cdebuginfo=2", "-Csplit-debuginfo=unpacked"]), plain);
    assert_eq!(digest("stripped", &["-Copt-level=2", "-Cdebuginfo=2", "-Cstrip=debuginfo"]), plain);
    assert_ne!(digest("size", &["-Copt-level=s"]), plain);
}

#[test]
fn a_static_program_is_followed_into_the_c_library() {
    let dir = TempDir::new().unwrap();
    let path = rust(dir.path(), SOURCE, &["-Ctarget-feature=+crt-static", "-Copt-level=1"]);
    let reach = Compiled::read(&path).reach("f");
    assert!(
        reach
            .pieces
            .iter()
            .any(|piece| piece.is_code && piece.symbol == "malloc" || piece.symbol == "__libc_malloc")
    );
}

#[test]
fn a_damaged_file_is_an_obstacle_or_a_fingerprint_and_never_a_panic() {
    let dir = TempDir::new().unwrap();
    let path = rust(dir.path(), SOURCE, &["-Copt-level=1", "-Cstrip=debuginfo"]);
    let whole = fs::read(&path).unwrap();
    let damaged = dir.path().join("damaged");
    let mut compiled = 0;
    let mut try_bytes = |bytes: &[u8]| {
        fs::write(&damaged, bytes).unwrap();
        let read = Compiled::try_read(&damaged);
        compiled += u32::from(read.is_ok());
        if let Ok(mut read) = read
            && let Some(address) = read.find("f")
        {
            let _ = read.try_reach_at(address);
        }
    };
    for length in (0..whole.len()).step_by(whole.len() / 60) {
        try_bytes(&whole[..length]);
    }
    let mut state = 1_u64;
    let mut random = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let headers = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
    for round in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..=random(3) {
            // The header, section headers, or anywhere.
            let at = match round % 4 {
                0 => random(64),
                1 => headers + random(bytes.len() - headers),
                _ => random(bytes.len()),
            };
            bytes[at] = if random(2) == 0 { 0xff } else { random(256) as u8 };
        }
        try_bytes(&bytes);
    }
    assert!(compiled > 100, "{compiled} of the damaged files are read");
}

#[inline(never)]
fn reached(x: u64) -> u64 {
    x.pow(3) + std::hint::black_box(5)
}

/// Prints the digest of [`reached`] when it is run as a process of its own.
#[test]
fn child_prints_its_own_digest() {
    if std::env::var_os("REMEMO_TEST_CHILD").is_none() {
        return;
    }
    // The parent replaces the file before it says so.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    println!("digest {:?}", own_digest());
}

fn own_digest() -> [u8; 32] {
    let loaded = Loaded::find().unwrap();
    let mut running =
        Running::read(&loaded, &Boundary::OF_THIS).unwrap_or_else(|obstacle| panic!("{obstacle}"));
    let address = loaded.address(reached as fn(u64) -> u64 as usize).unwrap();
    running.program.reach(&[address]).unwrap_or_else(|obstacle| panic!("{obstacle}")).digest
}

#[test]
fn the_running_file_is_read_also_when_it_was_moved_replaced_or_removed() {
    use std::io::Write;
    let dir = TempDir::new().unwrap();
    let copy = dir.path().join("copy");
    let expected = format!("digest {:?}", own_digest());
    for after in ["nothing", "moved", "replaced", "removed"] {
        fs::copy("/proc/self/exe", &copy).unwrap();
        let mut child = Command::new(&copy)
            .args(["--exact", "files::child_prints_its_own_digest", "--nocapture"])
            .env("REMEMO_TEST_CHILD", "1")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        match after {
            "moved" => fs::rename(&copy, dir.path().join("moved")).unwrap(),
            "replaced" => {
                fs::remove_file(&copy).unwrap();
                fs::copy("/bin/true", &copy).unwrap();
            }
            "removed" => fs::remove_file(&copy).unwrap(),
            _ => {}
        }
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        let output = child.wait_with_output().unwrap();
        let output = String::from_utf8_lossy(&output.stdout);
        assert!(output.contains(&expected), "{after}: {output}");
        let _ = fs::remove_file(&copy);
    }
}

#[test]
fn a_function_of_another_file_is_an_obstacle() {
    let loaded = Loaded::find().unwrap();
    let mut running = Running::read(&loaded, &Boundary::default()).unwrap();
    // Of the C library.
    assert_eq!(loaded.address(libc_function()), None);
    assert!(matches!(running.program.reach(&[u64::MAX - 4096]), Err(Obstacle::NoFunction(_))));
    // In the middle of a function.
    let middle = loaded.address(reached as fn(u64) -> u64 as usize).unwrap() + 1;
    assert!(matches!(running.program.reach(&[middle]), Err(Obstacle::NoFunction(_))));
    // Data.
    let data = loaded.address((&raw const DATA).addr()).unwrap();
    assert!(running.program.reach(&[data]).is_err());
}

static DATA: [u64; 4] = [1; 4];

fn libc_function() -> usize {
    // The first mapping of the C library that can be executed.
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains("libc.so") && line.contains("r-xp")).unwrap();
    usize::from_str_radix(line.split('-').next().unwrap(), 16).unwrap() + 0x1000
}

#[test]
fn under_a_loader_that_was_started_by_name_there_is_no_fingerprint() {
    let loader = "/lib64/ld-linux-x86-64.so.2";
    if !std::path::Path::new(loader).exists() {
        return;
    }
    let mut command = Command::new(loader);
    command.arg(std::env::current_exe().unwrap()).args([
        "--exact",
        "files::child_says_whether_it_has_one",
        "--nocapture",
    ]);
    command.env("REMEMO_TEST_CHILD", "1");
    assert!(succeed(command, "").contains("obstacle: "));
}

#[test]
fn child_says_whether_it_has_one() {
    if std::env::var_os("REMEMO_TEST_CHILD").is_none() {
        return;
    }
    let loaded = Loaded::find().unwrap();
    let result = Running::read(&loaded, &Boundary::default()).and_then(|mut running| {
        let address = loaded.address(reached as fn(u64) -> u64 as usize).unwrap_or(0);
        running.program.reach(&[address])
    });
    match result {
        Ok(_) => println!("a fingerprint"),
        Err(obstacle) => println!("obstacle: {obstacle}"),
    }
}
