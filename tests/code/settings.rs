//! Settings of the compiler and the linker: each has a right fingerprint, or none for the reason that is told.
//!
//! `docs/fingerprint.md` has the table.

use std::path::Path;
use std::process::Command;

use rememo::__private::code::Obstacle;
use tempfile::TempDir;

use crate::build::{rust, succeed};
use crate::program::Compiled;

/// A function that reaches a method, a generic function, a closure, a static, a `dyn` method and code of the standard library.
const SOURCE: &str = "
struct Cell(u64);
impl Cell { #[inline(never)] fn flux(&self) -> u64 { self.0.wrapping_add(11) } }
trait Shape { fn area(&self) -> u64; }
struct Square(u64);
struct Circle(u64);
impl Shape for Square { fn area(&self) -> u64 { self.0.wrapping_mul(13) } }
impl Shape for Circle { fn area(&self) -> u64 { self.0.wrapping_mul(17) } }
fn scaled<T: Into<u64>>(x: T) -> u64 { x.into().wrapping_mul(19) }
static TABLE: [u64; 3] = [23, 24, 25];
#[inline(never)] fn unrelated(x: u64) -> u64 { x.wrapping_mul(29) }

#[inline(never)] #[unsafe(no_mangle)] pub fn f(x: u64) -> u64 {
    let shape: Box<dyn Shape> = if x > 5 { Box::new(Circle(x)) } else { Box::new(Square(x)) };
    let mut words: Vec<String> = (0..x % 7).map(|n| (n ^ 31).to_string()).collect();
    words.sort();
    Cell(x).flux() ^ scaled(x as u32) ^ TABLE[x as usize % 3] ^ shape.area() ^ words.concat().len() as u64
}
fn main() {
    let x = std::env::args().len() as u64;
    println!(\"{} {}\", f(x), unrelated(x));
}
";

/// Edits that change what `f` does. Each is of another kind of item.
const EDITS: [(&str, &str); 6] = [
    ("wrapping_add(11)", "wrapping_add(12)"),
    ("wrapping_mul(13)", "wrapping_mul(14)"),
    ("wrapping_mul(19)", "wrapping_mul(20)"),
    ("[23, 24, 25]", "[23, 26, 25]"),
    ("(n ^ 31)", "(n ^ 30)"),
    ("words.sort();", ""),
];

/// Settings under which there is a right fingerprint.
const FOLLOWED: [&[&str]; 27] = [
    &[],
    &["-Copt-level=1"],
    &["-Copt-level=2"],
    &["-Copt-level=3"],
    &["-Copt-level=s"],
    &["-Copt-level=z"],
    &["-Copt-level=3", "-Ccodegen-units=1"],
    &["-Copt-level=3", "-Ccodegen-units=256"],
    &["-Ccodegen-units=256"],
    &["-Copt-level=3", "-Clto=fat"],
    &["-Copt-level=3", "-Clto=thin"],
    &["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1", "-Cpanic=abort"],
    &["-Copt-level=2", "-Cpanic=abort"],
    &["-Cpanic=abort"],
    &["-Copt-level=3", "-Ctarget-cpu=native"],
    &["-Copt-level=3", "-Ctarget-cpu=x86-64-v3"],
    &["-Copt-level=2", "-Cstrip=debuginfo"],
    &["-Copt-level=2", "-Cdebuginfo=2"],
    &["-Copt-level=2", "-Cdebuginfo=2", "-Csplit-debuginfo=packed"],
    &["-Copt-level=2", "-Cdebuginfo=2", "-Csplit-debuginfo=unpacked"],
    &["-Copt-level=2", "-Csymbol-mangling-version=v0"],
    &["-Copt-level=2", "-Coverflow-checks=on"],
    &["-Copt-level=2", "-Ctarget-feature=+crt-static"],
    &["-Copt-level=2", "-Cprefer-dynamic"],
    &["-Copt-level=2", "-Clink-arg=-Wl,-z,now"],
    &["-Copt-level=2", "-Clink-arg=-Wl,--emit-relocs"],
    &["-Copt-level=2", "-Clink-arg=-Wl,-z,pack-relative-relocs"],
];

struct Setting<'a> {
    flags: &'a [&'a str],
    dir: TempDir,
}

impl Setting<'_> {
    fn of<'a>(flags: &'a [&'a str]) -> Setting<'a> {
        Setting { flags, dir: TempDir::new().unwrap() }
    }

    /// The digest of `f` in the program of this source, compiled in a directory of its own and moved to another.
    fn digest(&self, source: &str) -> Result<[u8; 32], Obstacle> {
        let made = TempDir::new_in(self.dir.path()).unwrap();
        let program = rust(made.path(), source, self.flags);
        let moved = TempDir::new_in(self.dir.path()).unwrap();
        let path = moved.path().join("moved");
        std::fs::rename(program, &path).unwrap();
        digest_in(&path)
    }

    /// What is wrong with the digests of programs that differ as said.
    fn problems<'e>(&self, edits: impl IntoIterator<Item = &'e (&'e str, &'e str)>) -> Vec<String> {
        let digest = |source: &str| self.digest(source).map_err(|obstacle| obstacle.to_string());
        let base = match digest(SOURCE) {
            Ok(base) => base,
            Err(obstacle) => return vec![format!("{:?}: {obstacle}", self.flags)],
        };
        let mut problems = Vec::new();
        let unrelated = SOURCE.replacen("struct Cell", "// A line more.\n\nstruct Cell", 1).replacen(
            "wrapping_mul(29)",
            "wrapping_mul(30)",
            1,
        );
        // Built again, in another place, and where `f` does not lead it is another program.
        if digest(&unrelated) != Ok(base) {
            problems.push(format!("{:?}: another digest after an unrelated edit", self.flags));
        }
        for (from, to) in edits {
            assert!(SOURCE.contains(from), "{from} is in the program");
            if digest(&SOURCE.replacen(from, to, 1)).is_ok_and(|edited| edited == base) {
                problems.push(format!("{:?}: the same digest: {from} -> {to}", self.flags));
            }
        }
        problems
    }
}

fn digest_in(path: &Path) -> Result<[u8; 32], Obstacle> {
    Compiled::try_read(path)?.try_reach("f").map(|reach| reach.digest)
}

/// An edit for each setting, all of them in turn; for every fifth setting, in the short form.
#[test]
fn each_setting_has_a_right_fingerprint() {
    let step = if std::env::var_os("REMEMO_TEST_LONG").is_some() { 1 } else { 5 };
    let problems: Vec<_> = FOLLOWED
        .iter()
        .enumerate()
        .step_by(step)
        .flat_map(|(number, flags)| Setting::of(flags).problems([&EDITS[number % EDITS.len()]]))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_edit_is_seen_in_debug_and_in_release() {
    let flags: [&[&str]; 2] = [&["-g"], &["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1"]];
    let problems: Vec<_> = flags.iter().flat_map(|flags| Setting::of(flags).problems(&EDITS)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Position-independent and static: the C library is musl's. Where its target is installed.
#[test]
fn a_program_with_musl_has_a_right_fingerprint() {
    const TARGET: &str = "x86_64-unknown-linux-musl";
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(["--print=target-libdir", "--target", TARGET]);
    if !Path::new(succeed(command, "").trim()).is_dir() {
        eprintln!("skipped: the target {TARGET} is not installed");
        return;
    }
    let problems = Setting::of(&["--target", TARGET, "-Copt-level=2"]).problems(&EDITS);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn settings_that_cannot_be_followed_say_why() {
    for (flags, expected) in [
        (&["-Cstrip=symbols"][..], "the program has no symbol table"),
        (&["-Crelocation-model=static"], "the program is not position-independent"),
        (
            &["-Crelocation-model=static", "-Ctarget-feature=+crt-static"],
            "the program is not position-independent",
        ),
        (
            &["-Ccode-model=large", "-Copt-level=2"],
            "`f` has instructions or addresses that cannot be followed",
        ),
    ] {
        let told = Setting::of(flags).digest(SOURCE).map_err(|obstacle| obstacle.to_string());
        assert_eq!(told, Err(expected.to_owned()), "{flags:?}");
    }
}
