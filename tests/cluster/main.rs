//! Batches on real clusters: Slurm, `mpirun`, `HyperQueue`. Each scenario starts an engine of its own on this machine and runs a
//! [program] on it while something goes wrong. It looks at the values, at how often each call was computed, at what was
//! submitted and at what was left behind.
//!
//! The program is this very binary, started again. So `main` is like that of any program which uses a cluster. Scenarios mostly
//! wait, so they run side by side; `cargo test --test cluster -- NAME…` runs those whose names contain one of the words.
//!
//! They need root on Linux, and install what is missing of the engines. Elsewhere they say that they are skipped.

#![allow(missing_docs, unreachable_pub, reason = "tests are no interface")]
#![allow(
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests have functions of every shape"
)]

#[cfg(target_os = "linux")]
mod batches;
#[cfg(target_os = "linux")]
mod callers;
#[cfg(target_os = "linux")]
mod deaths;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "../engines/mod.rs"]
mod engines;
#[cfg(target_os = "linux")]
mod launchers;
mod program;
#[cfg(target_os = "linux")]
mod refusals;
#[cfg(target_os = "linux")]
mod resuming;
#[cfg(target_os = "linux")]
mod runner;
#[cfg(target_os = "linux")]
mod running;
#[cfg(target_os = "linux")]
mod scene;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    rememo::init();
    if program::is_asked_for() {
        program::play();
        return std::process::ExitCode::SUCCESS;
    }
    if !rustix::process::getuid().is_root() {
        engines::skip("the engines are installed and started by root");
        return std::process::ExitCode::SUCCESS;
    }
    // Those that take minutes come first.
    let scenarios = [
        resuming::SCENARIOS,
        deaths::SCENARIOS,
        refusals::SCENARIOS,
        launchers::SCENARIOS,
        callers::SCENARIOS,
        batches::SCENARIOS,
    ];
    runner::run(&scenarios.concat())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: the engines are those of Linux");
}
