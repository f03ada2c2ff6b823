//! Programs as cargo builds and installs them, and libraries that programs load: which code has a machine fingerprint.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::Path;
use std::process::Command;

use crate::package::{Edit, Package, Report, cargo, library, member, program, replace, run_as};

/// On one platform, a hit of another program is one by machine code: of other machine code the source is not believed.
#[test]
fn programs_of_a_package_share_what_a_function_of_its_library_returned() {
    let main = |call: &str| program("use several_targets::*;", call);
    let calls = "show!(shared(4)); show_as!(\"generic\", generic::delayed(4_u32), generic::uncached(4_u32));";
    Package::new("several_targets")
        .with_machine_code()
        .dependency("serde = \"1\"")
        .manifest("[[test]]\nname = \"third\"\nharness = false\n")
        .file(
            "src/lib.rs",
            "fn helper(x: u64) -> u64 { x * 3 }
            fn other(x: u64) -> u64 { x * 5 }
            #[rememo::memo] pub fn shared(x: u64) -> u64 { (0..x).map(|x| helper(x)).sum() }
            #[rememo::memo] pub fn generic<T: Into<u64> + serde::Serialize + 'static>(x: T) -> u64 { x.into() + 1 }
            #[rememo::memo] pub fn elsewhere(x: u64) -> u64 { other(x) }",
        )
        .file("src/bin/first.rs", main(calls))
        .file("src/bin/second.rs", main(&format!("let _ = elsewhere(1); {calls}")))
        .file("tests/third.rs", main(calls))
        .file("examples/fourth.rs", main(calls))
        .run_as(&["run", "--bin", "first"])
        .expect([
            run_as(&["run", "--bin", "second"]).hits(),
            run_as(&["test", "--test", "third"]).hits(),
            run_as(&["run", "--example", "fourth"]).hits(),
            replace("src/lib.rs", "x * 3", "x * 4").misses(&["shared"]),
            run_as(&["run", "--bin", "second"]).and(replace("src/lib.rs", "x * 3", "x * 7")).misses(&["shared"]),
            run_as(&["test", "--test", "third"]).and(replace("src/lib.rs", "x * 5", "x * 6")).hits(),
        ]);
}

#[test]
fn a_program_that_is_installed_and_moved_finds_everything() {
    let mut package = Package::new("installed_program").with_machine_code().main(
        "fn helper(x: u64) -> u64 { x * 3 }
        #[rememo::memo] fn scaled(x: u64) -> u64 { helper(x) }",
        "show!(scaled(5));",
    );
    let base = package.start();
    let installed = package.dir().join("installed/bin/installed_program");
    // Otherwise cargo takes other versions of dependencies, and compiles them.
    let install = cargo(&["install", "--locked", "--debug", "--path", ".", "--root", "installed"]);
    package.edited(&install).assert_sound("the package that is installed");
    let run = |program: &Path| {
        let output = Command::new(program).arg(package.dir().join("cache")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Report::parse(&String::from_utf8(output.stdout).unwrap())
    };
    let report = run(&installed);
    assert_eq!((report.functions(), report.missed()), (base.functions(), vec![]));
    let moved = package.dir().join("moved");
    std::fs::rename(&installed, &moved).unwrap();
    assert_eq!(run(&moved).missed(), [""; 0]);

    let edit = replace("src/main.rs", "x * 3", "x * 4");
    package.edited(&edit.and(cargo(&[
        "install",
        "--locked",
        "--debug",
        "--path",
        ".",
        "--root",
        "installed",
        "--force",
    ])));
    run(&installed).assert_sound("the edited program that was installed");
    assert_eq!(run(&moved).missed(), [""; 0], "the old one");
}

const HOST: &str = r#"
use std::ffi::{CString, c_char, c_int, c_void};
unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}
#[rememo::memo] fn of_the_program(x: u64) -> u64 { x * 2 }
fn main() {
    let cache = std::env::args().nth(1).unwrap();
    rememo::Memory::open(&cache).unwrap().call(of_the_program::delayed(1));
    println!("{}", of_the_program::info().code());
    let library = std::env::current_exe().unwrap().with_file_name("libloaded_plugin.so");
    let library = CString::new(library.to_str().unwrap()).unwrap();
    let ask: extern "C" fn(*const u8, usize) = unsafe {
        let library = dlopen(library.as_ptr(), 2);
        assert!(!library.is_null());
        std::mem::transmute(dlsym(library, c"ask".as_ptr()))
    };
    ask(cache.as_ptr(), cache.len());
}
"#;

const PLUGIN: &str = r#"
fn helper(x: u64) -> u64 { x * 3 }
pub fn unrelated(x: u64) -> u64 { x * 5 }
#[rememo::memo] fn of_the_library(x: u64) -> u64 { helper(x) }
#[unsafe(no_mangle)] pub extern "C" fn ask(cache: *const u8, length: usize) {
    let cache = unsafe { std::str::from_utf8(std::slice::from_raw_parts(cache, length)).unwrap() };
    let memory = rememo::Memory::open(cache).unwrap();
    let outcome = memory.call_info(of_the_library::delayed(7));
    println!("{}", of_the_library::info().code());
    println!("{} {}", if outcome.is_hit() { "hit" } else { "miss" }, outcome.value);
}
"#;

/// The source alone tells what a function in a library that the program loads does.
#[test]
fn a_function_of_a_library_that_is_loaded_has_no_machine_fingerprint() {
    let dependency = format!(
        "[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\nrememo.path = \"{}\"\n",
        library().display()
    );
    let mut package = Package::new("loading")
        .with_machine_code()
        .manifest("members = [\"plugin\"]\n")
        .file("src/main.rs", HOST)
        .file("plugin/Cargo.toml", member("loaded_plugin", &dependency))
        .file("plugin/src/lib.rs", PLUGIN);
    package.complete();
    let build = || cargo(&["build", "--package", "loaded_plugin"]);
    let expect = |edit: Edit, value: &str| {
        let printed = package.printed(&build().and(edit));
        let lines: Vec<_> = printed.lines().collect();
        let [program, library, called] = lines[..] else { panic!("{printed}") };
        assert!(program.contains("; machine code "), "{program}");
        let reason = "; no machine fingerprint: its code is not in the program's file";
        assert!(library.starts_with("source ") && library.ends_with(reason), "{library}");
        assert_eq!(called, value);
    };
    let edit = |from, to| replace("plugin/src/lib.rs", from, to);
    expect(Edit::default(), "miss 21");
    expect(Edit::default(), "hit 21");
    expect(edit("x * 3", "x * 4"), "miss 28");
    expect(edit("x * 5", "x * 6"), "hit 21");
}
