//! Follows a run instruction by instruction: does what a function executes and reads lie in its reach?
//!
//! Valgrind's lackey prints each instruction and each access to memory. A function is active from its
//! first instruction to the next one of its caller, which must not be in its reach. What the caller
//! passes by reference is read by right; the functions of the tests take numbers. What a panic reads from
//! where it begins to where code of the program goes on (places, texts, tables for unwinding) is in no value.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rememo::__private::code::Reach;

/// A function that is followed.
pub struct Followed {
    pub root: u64,
    pub code: Ranges,
    pub data: Ranges,
    /// Code that panics, and code that is not of the standard library.
    panics: Ranges,
    own: Ranges,
}

/// Sorted ranges that do not overlap.
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    fn new(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.sort_unstable();
        ranges.dedup_by(|next, first| {
            let joins = next.0 <= first.1;
            if joins {
                first.1 = first.1.max(next.1);
            }
            joins
        });
        Ranges(ranges)
    }

    fn hold(&self, address: u64) -> bool {
        let next = self.0.partition_point(|range| range.0 <= address);
        next > 0 && address < self.0[next - 1].1
    }
}

impl Followed {
    pub fn new(root: u64, reach: &Reach) -> Self {
        let ranges = |is_code: bool| {
            // Behind a function's own range stand the tables and constants that belong to it.
            let own = reach
                .pieces
                .iter()
                .filter(move |piece| piece.is_code)
                .flat_map(|piece| piece.ranges.iter().take(1));
            let inner = reach
                .pieces
                .iter()
                .filter(move |piece| piece.is_code)
                .flat_map(|piece| piece.ranges.iter().skip(1));
            let data = reach.pieces.iter().filter(|piece| !piece.is_code).flat_map(|piece| &piece.ranges);
            Ranges::new(if is_code { own.copied().collect() } else { data.chain(inner).copied().collect() })
        };
        let named = |is_wanted: fn(&str) -> bool| {
            let functions = reach.pieces.iter().filter(|piece| piece.is_code && is_wanted(&piece.name()));
            Ranges::new(functions.flat_map(|piece| piece.ranges.iter().take(1)).copied().collect())
        };
        let panics = named(|name| name.contains("core::panicking"));
        // What the standard library is made of, stubs of the linker, and impls, whose crate is not told apart.
        let own = named(|name| {
            const STANDARD: [&str; 13] = [
                "core::",
                "alloc::",
                "std::",
                "__rust",
                "rust_",
                "rustc_demangle::",
                "gimli::",
                "addr2line::",
                "memchr::",
                "hashbrown::",
                "miniz_oxide::",
                "<",
                "code at ",
            ];
            !STANDARD.iter().any(|of| name.starts_with(of))
        });
        Followed { root, code: ranges(true), data: ranges(false), panics, own }
    }
}

/// What a run showed.
#[derive(Debug, Default)]
pub struct Trace {
    /// Instructions of the program within followed functions.
    pub executed: u64,
    /// Reads of the program's data within them.
    pub read: u64,
    /// What lies outside of the reach, and how often it was met.
    pub outside: BTreeMap<String, u64>,
}

pub fn is_installed() -> bool {
    let version =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Runs the program, which first prints the address of the function at `first` in hexadecimal.
/// `caller` is the range of the function that calls those that are followed.
pub fn follow(path: &Path, first: u64, caller: (u64, u64), functions: &[Followed]) -> Trace {
    let sections = Sections::read(path);
    let mut child = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes", "--log-fd=1"])
        .arg(path)
        .arg("traced")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut trace = Trace::default();
    let mut bias = None;
    let mut active: Option<&Followed> = None;
    let mut is_panicking = false;
    let mut at = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = line.unwrap();
        if bias.is_none() {
            if let Some(address) = line.strip_prefix(b"at ") {
                let address = std::str::from_utf8(address).unwrap();
                bias = Some(u64::from_str_radix(address, 16).unwrap() - first);
            }
            continue;
        }
        let Some((kind, address)) = access(&line) else { continue };
        let address = address.wrapping_sub(bias.unwrap());
        let is_code = kind == b'I';
        if is_code {
            if caller.0 <= address && address < caller.1 {
                active = None;
            }
            if active.is_none() {
                active = functions.iter().find(|function| function.root == address);
            }
        }
        let Some(function) = active else {
            is_panicking = false;
            continue;
        };
        if is_code {
            at = address;
            is_panicking = (is_panicking || function.panics.hold(address)) && !function.own.hold(address);
        } else if is_panicking {
            continue;
        }
        let (what, own, reached) = if is_code {
            ("code", &sections.code, &function.code)
        } else {
            ("data", &sections.data, &function.data)
        };
        if !own.hold(address) {
            continue;
        }
        *if is_code { &mut trace.executed } else { &mut trace.read } += 1;
        if !reached.hold(address) {
            let place = format!("{what} at {address:#x} of {:#x}, by {at:#x}", function.root);
            *trace.outside.entry(place).or_default() += 1;
        }
    }
    assert!(child.wait().unwrap().success());
    assert!(bias.is_some(), "the program prints where it is");
    trace
}

/// `I  0401000,3`, ` L 1ffe,8`, ` S …`, ` M …`.
fn access(line: &[u8]) -> Option<(u8, u64)> {
    let (kind, rest) = match line {
        [b'I', b' ', b' ', rest @ ..] => (b'I', rest),
        [b' ', kind @ (b'L' | b'M'), b' ', rest @ ..] => (*kind, rest),
        _ => return None,
    };
    let end = rest.iter().position(|byte| *byte == b',')?;
    let digits = std::str::from_utf8(&rest[..end]).ok()?;
    Some((kind, u64::from_str_radix(digits, 16).ok()?))
}

/// Where a program has code and data of its own, the tables of the loader left out.
struct Sections {
    code: Ranges,
    data: Ranges,
}

impl Sections {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let number = |at: usize, size: usize| {
            let mut value = [0; 8];
            value[..size].copy_from_slice(&bytes[at..at + size]);
            u64::from_le_bytes(value)
        };
        let (table, count, names) = (number(40, 8) as usize, number(60, 2) as usize, number(62, 2) as usize);
        let names = number(table + names * 64 + 24, 8) as usize;
        let (mut code, mut data) = (Vec::new(), Vec::new());
        for at in (0..count).map(|n| table + n * 64) {
            let name = &bytes[names + number(at, 4) as usize..];
            let name = name.split(|byte| *byte == 0).next().unwrap();
            let (flags, start, size) = (number(at + 8, 8), number(at + 16, 8), number(at + 32, 8));
            let range = (start, start + size);
            let is_content = [&b".rodata"[..], b".data", b".bss"].iter().any(|known| name.starts_with(known));
            let is_loaded = flags & 2 != 0 && flags & 0x400 == 0;
            if is_loaded && name == b".text" {
                code.push(range);
            } else if is_loaded && (is_content || !name.starts_with(b".") && flags & 4 == 0) {
                data.push(range);
            }
        }
        Sections { code: Ranges::new(code), data: Ranges::new(data) }
    }
}
