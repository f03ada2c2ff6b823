//! Addresses that lie outside of the object that is meant: ends, and places before a table from which its index counts.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::assembly::probe;
use crate::build;
use crate::program::Compiled;
use crate::small::Small;

#[test]
fn the_end_of_a_table_is_passed_to_a_function_that_goes_back() {
    let program = |table: &str, others: &str| {
        Small::new(&format!(
            "static BEFORE: [u32; 4] = [9, 9, 9, 9];
            {table}
            static BEHIND: [u32; 4] = [7, 7, 7, 7];
            #[inline(never)]
            fn sum_back(end: *const u32, n: u64) -> u64 {{
                (1..=n as usize).map(|i| u64::from(unsafe {{ *end.sub(i) }})).sum()
            }}
            #[inline(never)]
            fn others(n: u64) -> u64 {{
                {others}
                sum_back(std::hint::black_box(&BEFORE).as_ptr_range().end, n) + u64::from(BEHIND[n as usize])
            }}
            #[unsafe(no_mangle)] pub fn keep(n: u64) -> u64 {{ others(n) }}
            #[used] static KEEP: fn(u64) -> u64 = keep;
            fn f(n: u64) -> u64 {{ sum_back(TABLE.as_ptr_range().end, n + 2) }}\n"
        ))
    };
    let table = "static TABLE: [u32; 4] = [1, 2, 3, 4];";
    program(table, "").sees("2, 3, 4", "2, 30, 4");
    // Where another function points to it, too.
    program(table, "std::hint::black_box(&TABLE);").sees("2, 3, 4", "2, 30, 4");
}

#[test]
fn an_index_counts_from_before_its_table() {
    let data = |between: &str| {
        format!(
            ".type before, @object
            before: .quad 1, 2, 3
            .size before, 24
            {between}
            .type table, @object
            table: .quad 4, 5, 6
            .size table, 24"
        )
    };
    // The last two are of another function, which points into the table itself.
    let others = ".globl other
            .type other, @function
            other: lea rax, [rip + table]
            mov rax, [rax + rdi]
            ret
            .size other, . - other";
    let code = "lea rax, [rip + table - 8]
        mov rax, [rax + 8*rdi]
        ret";
    for others in ["", others] {
        probe(&data(""), code, others).sees("4, 5, 6", "4, 55, 6");
        probe(&data(".quad 0"), code, others).sees("4, 5, 6", "4, 55, 6");
    }
}

/// As `inftrees.c` of zlib had it until 1.2.11.
const C: &str = "
static const unsigned short lengths[8] = {3, 4, 5, 6, 7, 8, 9, 10};
unsigned long length_of(unsigned long symbol) {
    const unsigned short *base = lengths;
    base -= 257;
    return base[symbol + 256];
}";

#[test]
fn c_counts_from_far_before_its_table() {
    let digests = ["3, 4, 5", "3, 44, 5"].map(|edited| {
        let dir = TempDir::new().unwrap();
        let object = compile_c(dir.path(), &C.replace("3, 4, 5", edited));
        let source = "unsafe extern \"C\" { safe fn length_of(symbol: u64) -> u64; }
            #[inline(never)] #[unsafe(no_mangle)] pub fn f(n: u64) -> u64 { length_of(n) }
            fn main() { println!(\"{}\", f(std::env::args().len() as u64)); }";
        let flag = format!("-Clink-arg={}", object.display());
        Compiled::read(&build::rust(&dir.path().join("rust"), source, &[&flag])).digest("f")
    });
    assert_ne!(digests[0], digests[1]);
}

fn compile_c(dir: &Path, source: &str) -> std::path::PathBuf {
    let (file, object) = (dir.join("table.c"), dir.join("table.o"));
    fs::write(&file, source).unwrap();
    let mut command = Command::new("cc");
    command.args(["-O2", "-fPIC", "-c", "-o"]).args([&object, &file]);
    build::succeed(command, source);
    object
}
