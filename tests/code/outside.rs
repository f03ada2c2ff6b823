//! What of the outside world code can read, as far as machine code tells.

use tempfile::TempDir;

use crate::build;
use crate::program::Compiled;

const LEVELS: [&str; 2] = ["-Copt-level=0", "-Copt-level=2"];

/// What `f` of a program can come to, optimized and not.
fn outside(source: &str) -> [Vec<String>; 2] {
    let source = source.replace("fn f(", "#[inline(never)] #[unsafe(no_mangle)] pub fn f(");
    let source = source + "fn main() { println!(\"{:?}\", f(std::env::args().len() as u64)); }\n";
    LEVELS.map(|level| {
        let dir = TempDir::new().unwrap();
        Compiled::read(&build::rust(dir.path(), &source, &[level])).outside("f")
    })
}

#[track_caller]
fn expect(source: &str, name: &str, way: &str) {
    for found in outside(source) {
        let is_there = found.iter().any(|line| line.starts_with(name) && line.contains(way));
        assert!(is_there, "{source}: {found:?}");
    }
}

#[test]
fn code_that_may_panic_allocate_format_and_hash_reads_nothing() {
    for source in [
        "fn f(x: u64) -> u64 { [1, 2, 3][x as usize % 5] + x }",
        "fn f(x: u64) -> String { format!(\"{x:?} {:.3} {}\", x as f64, vec![x; 3].len()) }",
        "use std::collections::*;\nfn f(x: u64) -> usize { (0..x).map(|i| (i, i)).collect::<HashMap<_, _>>().len() + \
         (0..x).collect::<BTreeSet<_>>().len() }",
        "fn f(x: u64) -> Result<u64, std::num::ParseIntError> { x.to_string().parse::<u64>() }",
        "fn f(x: u64) -> Vec<u64> { let mut v: Vec<u64> = (0..x).rev().collect(); v.sort(); v.sort_unstable(); v }",
        "fn f(x: u64) -> u64 { assert!(x > 0, \"{x}\"); x.checked_mul(3).unwrap() }",
        "use std::sync::*;\nstatic M: Mutex<u64> = Mutex::new(1);\nfn f(x: u64) -> u64 { *M.lock().unwrap() + x }",
    ] {
        for found in outside(source) {
            assert_eq!(found, Vec::<String>::new(), "{source}");
        }
    }
}

#[test]
fn what_it_reads_is_told_with_the_way_there() {
    let helper =
        "#[inline(never)] fn helper(x: u64) -> u64 { READ + x }\nfn f(x: u64) -> u64 { helper(x) }\n";
    for (read, name) in [
        ("std::env::var(\"X\").map_or(0, |x| x.len() as u64)", "getenv"),
        ("std::fs::read(\"x\").map_or(0, |x| x.len() as u64)", "open64"),
        ("std::time::SystemTime::now().elapsed().map_or(0, |x| x.as_secs())", "clock_gettime"),
        ("std::process::id() as u64", "getpid"),
        ("std::net::TcpStream::connect(\"127.0.0.1:1\").map_or(0, |_| 1)", "socket"),
        ("std::path::Path::new(\"x\").exists() as u64", "stat"),
    ] {
        expect(&helper.replace("READ", read), name, "helper");
    }
}

#[test]
fn what_only_a_value_of_dyn_leads_to_is_told_too() {
    let source = "trait Read { fn read(&self) -> u64; }\nstruct A;\n\
                  impl Read for A { fn read(&self) -> u64 { std::env::var(\"X\").map_or(0, |x| x.len() as u64) } }\n\
                  #[inline(never)] fn made(_: u64) -> Box<dyn Read> { Box::new(A) }\nfn f(x: u64) -> u64 { made(x).read() }\n";
    expect(source, "getenv", "");
}
