//! Generated programs, edited in one place: a result that changes changes the digest.

mod generate;
mod items;

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use self::generate::{Random, Source};
use crate::build;
use crate::oracle::{self, Followed};
use crate::program::Compiled;

/// How the programs are compiled, in turn.
const SETTINGS: [&[&str]; 12] = [
    &["-Copt-level=0"],
    &["-Copt-level=2"],
    &["-Copt-level=3"],
    &["-Copt-level=1"],
    &["-Copt-level=s"],
    &["-Copt-level=z"],
    &["-Copt-level=3", "-Ctarget-cpu=x86-64-v3"],
    &["-Copt-level=2", "-Ccodegen-units=1"],
    &["-Copt-level=0", "-Cdebug-assertions=off"],
    &["-Copt-level=3", "-Cpanic=abort"],
    &["-Copt-level=2", "-Clto=fat"],
    &["-Copt-level=1", "-Cdebuginfo=2"],
];

/// How many edits are tried on each program.
const EDITS: usize = 4;

/// What came out of many programs.
#[derive(Debug, Default)]
struct Outcome {
    /// Programs that run to their end.
    programs: u64,
    /// Pairs of an edit and a function.
    pairs: usize,
    /// Of them, those whose result changed, and of those, those whose digest did not.
    changed: usize,
    missed: Vec<String>,
    /// Pairs of which the function does not reach the edited item, and those whose digest changed.
    unreached: usize,
    needless: Vec<String>,
    executed: u64,
    read: u64,
    outside: Vec<String>,
}

/// A program as it was compiled, and what its functions return.
struct Built {
    compiled: Compiled,
    results: BTreeMap<String, String>,
}

/// `None` if the program panics, on an overflow for instance.
fn build(dir: &Path, source: &Source, flags: &[&str]) -> Option<Built> {
    let path = build::rust(dir, &source.text(), flags);
    let compiled = Compiled::read(&path);
    let lines = compiled.try_run()?;
    let results = lines.lines().filter_map(|line| line.split_once(' ')).filter(|(name, _)| *name != "at");
    let results = results.map(|(name, result)| (name.to_owned(), result.to_owned())).collect();
    Some(Built { compiled, results })
}

fn try_program(seed: u64, outcome: &mut Outcome) {
    let temporary = TempDir::new().unwrap();
    let kept = std::env::var_os("REMEMO_TEST_KEEP").map(|dir| Path::new(&dir).join(seed.to_string()));
    let dir = kept.as_deref().unwrap_or(temporary.path());
    let mut random = Random::new(seed);
    let mut source = Source::generate(&mut random);
    let mut flags = SETTINGS[(seed % SETTINGS.len() as u64) as usize];
    if source.text().contains("catch_unwind") && flags.contains(&"-Cpanic=abort") {
        flags = &flags[..1];
    }
    let Some(mut before) = build(&dir.join("before"), &source, flags) else { return };
    outcome.programs += 1;
    let names: Vec<String> = before.results.keys().cloned().collect();
    let digests: Vec<_> = names.iter().map(|name| before.compiled.digest(name)).collect();
    for number in 0..EDITS {
        let edit = source.edit(&mut random);
        let Some(mut after) = build(&dir.join(format!("after{number}")), &source, flags) else {
            source.undo(edit);
            continue;
        };
        for (name, digest) in names.iter().zip(&digests) {
            let is_changed = before.results[name] != after.results[name];
            let is_seen = after.compiled.digest(name) != *digest;
            let what = || format!("seed {seed}, edit {number} ({}), {name}, {flags:?}", edit.what);
            outcome.pairs += 1;
            outcome.changed += usize::from(is_changed);
            if is_changed && !is_seen {
                outcome.missed.push(what());
            }
            if !source.reaches(name, edit.item) {
                assert!(!is_changed, "{} is not reached", what());
                outcome.unreached += 1;
                if is_seen {
                    outcome.needless.push(what());
                }
            }
        }
        source.undo(edit);
    }
    if seed.is_multiple_of(4) && oracle::is_installed() {
        follow(&mut before, &names, seed, outcome);
    }
}

fn follow(built: &mut Built, names: &[String], seed: u64, outcome: &mut Outcome) {
    let followed: Vec<Followed> = names
        .iter()
        .map(|name| Followed::new(built.compiled.address(name), &built.compiled.reach(name)))
        .collect();
    let caller = built.compiled.reach("call_all").pieces[0].ranges[0];
    let trace = oracle::follow(&built.compiled.path, built.compiled.address("f0"), caller, &followed);
    outcome.executed += trace.executed;
    outcome.read += trace.read;
    outcome
        .outside
        .extend(trace.outside.into_iter().map(|(what, n)| format!("seed {seed}: {what}, {n} times")));
}

/// `REMEMO_TEST_PROGRAMS=2000` tries more; `REMEMO_TEST_SEED` begins elsewhere; `REMEMO_TEST_KEEP` is a
/// directory in which sources and programs stay.
#[test]
fn an_edit_that_changes_a_result_changes_the_digest() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (first, count) =
        (number("REMEMO_TEST_SEED").unwrap_or(0), number("REMEMO_TEST_PROGRAMS").unwrap_or(50));
    let halves = std::thread::scope(|scope| {
        let half = |start: u64| {
            move || {
                let mut outcome = Outcome::default();
                (start..first + count).step_by(2).for_each(|seed| try_program(seed, &mut outcome));
                outcome
            }
        };
        let both = [scope.spawn(half(first)), scope.spawn(half(first + 1))];
        both.map(|half| half.join().unwrap())
    });
    let mut all = Outcome::default();
    for half in halves {
        all.programs += half.programs;
        all.pairs += half.pairs;
        all.changed += half.changed;
        all.unreached += half.unreached;
        all.executed += half.executed;
        all.read += half.read;
        all.missed.extend(half.missed);
        all.needless.extend(half.needless);
        all.outside.extend(half.outside);
    }
    println!(
        "{} programs: {} pairs of edit and function, {} results changed, {} missed; {} pairs unreached, {} needless; \
         {} instructions and {} reads followed, {} places outside",
        all.programs,
        all.pairs,
        all.changed,
        all.missed.len(),
        all.unreached,
        all.needless.len(),
        all.executed,
        all.read,
        all.outside.len()
    );
    for line in all.needless.iter().take(30) {
        println!("needless: {line}");
    }
    assert!(all.programs * 5 > count * 4, "most programs run to their end");
    assert!(all.missed.is_empty(), "{:#?}", all.missed);
    assert!(all.outside.is_empty(), "{:#?}", all.outside);
    assert!(all.changed * 10 > all.pairs, "edits change something");
    // Tables that lie beside each other are taken for one, and these programs are full of tables.
    assert!(all.needless.len() * 3 <= all.unreached, "too many needlessly: {:#?}", all.needless);
}
