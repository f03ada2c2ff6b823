"""What does the fingerprint of `track = "reach"` add to a compile?

    python3 benches/compile_time.py [--rounds N] [--only debug|optimised] [--keep FOLDER]

Question: a package of 50,000 lines has 1, or 200, memoized functions. How much longer does its crate compile, because the
macro reads its sources and follows what the functions reach? The target is a second at most, once in a compile, flat in the
number of functions, with macros compiled as cargo does by default (without optimisation).

Baseline: the same package under `track = "none"`, where the macro does all but that. Two copies, whose attributes differ in
this one word, are compiled in alternation; the figure is the median of the differences within a pair.

Timed: `cargo check` after a touch of the root of the crate, incremental as by default and with nothing else changed: the
shortest compile in which the macro runs, so its share in others is smaller. CPU seconds are those of cargo and all that it
started, in user and system mode (less noisy than the clock, and the macro has one thread); seconds by the clock are beside.
Not timed: making the package, compiling dependencies, the first compile of the crate, reading from a disk (the files are in
memory after the first). The package is the same in every run: its only randomness is a generator with a fixed seed.

How much a function reaches was counted once: of the 200, half reach 42 items or fewer, a quarter 101 or more, one in ten
253 or more, one 823. Names are mostly unique here. Where traits in many modules share the name of a member, everything
that names it reaches all those traits: functions then reach a thousand items each, and cost more.

Needs cargo, and the dependencies of the repository at hand. FOLDER is used as it is and not removed, so that a second run
needs no compile of dependencies, and what was compiled can be looked at.
"""

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
LINES = 50_000
AREAS = ["units", "config", "grid", "mesh", "physics", "solver", "sampling", "analysis", "report", "study"]
PARTS = ["axis", "bounds", "cache", "delta", "edges", "field", "gauge", "halo", "inlet", "joint", "knots", "layer", "moment",
         "norms", "orbit", "phase"]
VERBS = ["scale", "shift", "blend", "fold", "trace", "limit", "measure", "smooth", "project", "weigh", "refine", "sample"]
FUNCTIONS = 9  # of a module
MEMOIZED = 200


class Module:
    def __init__(self, number):
        self.tier, part = divmod(number, len(PARTS))
        # The names of modules differ, for every module of a name is reached with it.
        self.area, self.name = AREAS[self.tier], f"{PARTS[part]}_{AREAS[self.tier]}"
        self.path = f"crate::{self.area}::{self.name}"
        self.type = self.name.title().replace("_", "")
        self.constant = self.name.upper()
        # As in real code, some names occur in several modules: of the verbs there are few.
        self.functions = [f"{VERBS[i]}_{PARTS[part] if i < 1 else self.name}" for i in range(FUNCTIONS)]


def function(rng, module, index, below):
    """A function of ten to thirty lines, which calls what stands before it and what the modules below offer."""
    name, ty = module.functions[index], module.type
    lines = [
        f"/// Computes the {name.replace('_', ' ')} of `x`, in so many steps.",
        "///",
        f"/// It is part of {module.area}, see [`{ty}`] for what the numbers mean.",
        f"pub fn {name}(x: f64, steps: u64) -> f64 {{",
        f"    let mut total = x * {rng.uniform(0.1, 2):.4}; // a first guess",
    ]
    pieces = [
        ["    for step in 0..steps.min(LIMIT) {",
         "        let weight = (step as f64 + 1.0).recip();",
         f"        if weight < {rng.uniform(0, 1):.4} {{",
         "            continue;",
         "        }",
         f"        total += weight * x.powi({rng.randint(2, 5)}) - TABLE[(step % 8) as usize];",
         "    }"],
        [f"    let values: Vec<f64> = (0..steps).map(|step| x + step as f64 * {rng.uniform(0, 1):.4}).collect();",
         "    total += values.iter().copied().filter(|value| value.is_finite()).sum::<f64>();",
         "    total -= values.first().copied().unwrap_or_default();"],
        [f"    let state = {ty} {{ mass: x, speed: total, label: String::from(\"{name}\"), steps }};",
         f"    total += state.energy() * state.damp_{module.name}();"],
        [f"    total = match Mode{ty}::of(steps) {{",
         f"        Mode{ty}::Coarse => total / 2.0,",
         f"        Mode{ty}::Fine(depth) => total * f64::from(depth),",
         f"        Mode{ty}::Adaptive {{ tolerance }} if tolerance > total => tolerance,",
         f"        Mode{ty}::Adaptive {{ .. }} => total,",
         "    };"],
        [f"    if total.abs() > {module.constant} {{",
         f"        let message = format!(\"{{total}} is beyond {{}}\", {module.constant});",
         "        total = message.len() as f64;",
         "    }"],
        ["    while total > 1.0e6 {",
         "        total = total.sqrt() + x.sin().abs();",
         "    }"],
    ]
    rng.shuffle(pieces)
    for piece in pieces[: rng.randint(1, 4)]:
        lines += piece
    if index and rng.random() < 0.5:
        lines.append(f"    total += {module.functions[rng.randrange(index)]}(total, steps / 2);")
    if below and rng.random() < 0.55:
        other = rng.choice(below)
        called = other.functions[rng.randrange(3, FUNCTIONS)]
        prefix = "" if rng.random() < 0.5 else f"{other.name}::"
        if prefix:
            lines.append(f"    total -= {other.path}::{called}(x, steps);")
        else:
            lines += [f"    use {other.path}::{called};", f"    total -= {called}(x, steps);"]
    lines += ["    total", "}", ""]
    return lines


def memoized(rng, module, number, track):
    attribute = f"#[memo(track = \"{track}\")]" if track else "#[inline(never)]"
    one, other = rng.sample(module.functions, 2)
    return ["/// Takes long, in earnest.", attribute, f"pub fn study_{number}(seed: u64, step: f64) -> f64 {{",
            f"    let start = {one}(step, seed);", f"    start + {other}(start, seed % 7)", "}", ""]


def source(rng, module, below, functions):
    ty, constant = module.type, module.constant
    lines = f"""//! The {module.name} of {module.area}.
//!
//! What is here knows nothing of files; numbers are in the units of `{AREAS[0]}`.

use std::collections::BTreeMap;
use std::fmt;

use rememo::memo;

/// More steps than this are never taken.
const LIMIT: u64 = {rng.randint(10, 99)};

/// Where {module.name} ends.
pub const {constant}: f64 = {rng.uniform(1, 9):.5};

static TABLE: [f64; 8] = [{", ".join(f"{rng.random():.6}" for _ in range(8))}];

/// Half of what is given.
macro_rules! half_of_{module.name} {{
    ($value:expr) => {{
        $value / 2.0
    }};
}}

/// A state of {module.name}.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct {ty} {{
    /// In kilograms.
    pub mass: f64,
    pub speed: f64,
    pub label: String,
    pub(crate) steps: u64,
}}

/// How {module.name} is refined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode{ty} {{
    Coarse,
    Fine(u32),
    Adaptive {{ tolerance: f64 }},
}}

impl Mode{ty} {{
    /// The mode for so many steps.
    pub fn of(steps: u64) -> Self {{
        match steps {{
            0..=3 => Self::Coarse,
            4..=LIMIT => Self::Fine(steps as u32),
            _ => Self::Adaptive {{ tolerance: {constant} }},
        }}
    }}
}}

/// What can be damped in {module.area}.
pub trait Damped{ty} {{
    const RATE_{constant}: f64;

    fn damp_{module.name}(&self) -> f64;

    /// Twice the damping, by default.
    fn twice_{module.name}(&self) -> f64 {{
        self.damp_{module.name}() * 2.0 * Self::RATE_{constant}
    }}
}}

impl {ty} {{
    /// At rest.
    pub fn new(mass: f64) -> Self {{
        {ty} {{ mass, ..Self::default() }}
    }}

    pub fn energy(&self) -> f64 {{
        half_of_{module.name}!(self.mass * self.speed * self.speed)
    }}

    /// By label, the last of each.
    pub fn by_label(states: &[Self]) -> BTreeMap<&str, &Self> {{
        states.iter().map(|state| (state.label.as_str(), state)).collect()
    }}

    fn advance(&mut self, steps: u64) -> &mut Self {{
        self.steps += steps;
        self.speed *= self.damp_{module.name}();
        self
    }}
}}

impl Damped{ty} for {ty} {{
    const RATE_{constant}: f64 = {rng.random():.4};

    fn damp_{module.name}(&self) -> f64 {{
        1.0 - Self::RATE_{constant} / (1.0 + self.speed.abs())
    }}
}}

impl fmt::Display for {ty} {{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
        write!(f, "{{}}: {{:.3}} kg at {{:.3}}", self.label, self.mass, self.speed)
    }}
}}

impl From<f64> for {ty} {{
    fn from(mass: f64) -> Self {{
        Self::new(mass)
    }}
}}
""".splitlines()
    lines.append("")
    for index in range(FUNCTIONS):
        lines += function(rng, module, index, below)
    for number, track in functions:
        lines += memoized(rng, module, number, track)
    lines += f"""#[cfg(test)]
mod tests {{
    use super::*;

    #[test]
    fn it_comes_to_rest() {{
        let mut state = {ty}::from(1.0);
        state.advance(3);
        assert_eq!(state.speed, 0.0, "{{state}}");
        assert!(state.twice_{module.name}() <= 2.0);
    }}

    #[test]
    fn labels_are_kept() {{
        let states = [{ty}::new(1.0), {ty}::new(2.0)];
        assert_eq!({ty}::by_label(&states).len(), 1);
        assert!({module.functions[0]}(1.0, 2).is_finite());
    }}
}}""".splitlines()
    # What projects have besides: tables, and comments that explain them.
    number = 0
    while len(lines) < LINES // (len(AREAS) * len(PARTS)):
        lines += ["", f"// Coefficients of order {number}, from the fit of last year; the order of the rows matters,",
                  "// since `shift` and `blend` take them two by two.",
                  f"pub const ORDER_{number}_{constant}: &[(&str, f64)] = &["]
        lines += [f"    (\"{word} {module.name}\", {rng.random():.6})," for word in VERBS] + ["];"]
        number += 1
    return lines


def package(folder, name, count, track):
    """Writes the package; `count` functions of it are memoized."""
    rng = random.Random(50_000)
    modules = [Module(number) for number in range(len(AREAS) * len(PARTS))]
    step = MEMOIZED / count
    tracked = {int(number * step + step / 2) for number in range(count)}
    src = folder / "src"
    shutil.rmtree(folder, ignore_errors=True)
    src.mkdir(parents=True)
    (folder / "Cargo.toml").write_text(
        f"[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n"
        f"[dependencies]\nrememo = {{ path = {str(REPOSITORY)!r} }}\n\n[workspace]\n")
    shutil.copy(REPOSITORY / "Cargo.lock", folder)
    total = 0
    for number, module in enumerate(modules):
        below = rng.sample([other for other in modules if other.tier == module.tier - 1], 3) if module.tier else []
        here = [n for n in range(MEMOIZED) if n % len(modules) == number]
        functions = [(n, track if n in tracked else None) for n in here]
        lines = source(rng, module, below, functions)
        total += len(lines)
        file = src / module.area / f"{module.name}.rs"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(lines) + "\n")
    for area in AREAS:
        modules_here = "".join(f"pub mod {part}_{area};\n" for part in PARTS)
        (src / area / "mod.rs").write_text(f"//! All of {area}.\n\n{modules_here}")
        total += 2 + len(PARTS)
    (src / "lib.rs").write_text(
        "//! Made by compile_time.py.\n#![allow(dead_code, unused_imports, unused_variables)]\n\n"
        + "".join(f"pub mod {area};\n" for area in AREAS))
    return total


def compile_once(folder, environment):
    """CPU seconds and seconds by the clock of one check after a touch."""
    os.utime(folder / "src/lib.rs")
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(["cargo", "check", "--quiet", "--offline"], cwd=folder, env=environment, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def measure(base, count, optimised, rounds):
    """Medians of the differences and of the whole compile, each as CPU seconds and seconds by the clock."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(base / "target"))
    if optimised:
        environment["CARGO_PROFILE_DEV_BUILD_OVERRIDE_OPT_LEVEL"] = "3"
    folders = {track: base / f"{track}-{count}" for track in ("none", "reach")}
    for folder in folders.values():
        compile_once(folder, environment)
        compile_once(folder, environment)
    added, whole = [], []
    for number in range(rounds):
        # Whichever is first changes, too.
        order = ["none", "reach"][:: 1 if number % 2 else -1]
        times = {track: compile_once(folders[track], environment) for track in order}
        added.append([reach - none for reach, none in zip(times["reach"], times["none"])])
        whole.append(times["reach"])
    return [[statistics.median(times) for times in zip(*list)] for list in (added, whole)]


def main():
    parser = argparse.ArgumentParser(description="What does the fingerprint add to a compile?")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=["debug", "optimised"])
    parser.add_argument("--keep", metavar="FOLDER")
    arguments = parser.parse_args()
    base = Path(arguments.keep or tempfile.mkdtemp()).resolve()
    kinds = [kind for kind in ("debug", "optimised") if arguments.only in (None, kind)]
    try:
        for count in (1, MEMOIZED):
            for track in ("none", "reach"):
                lines = package(base / f"{track}-{count}", f"{track}{count}", count, track)
        print(f"{lines} lines, median of {arguments.rounds} pairs; seconds added by the fingerprint / of the whole check")
        print(f"{'':16}" + "".join(f"{kind + ' macros, CPU':>26}{'clock':>16}" for kind in kinds))
        for count in (1, MEMOIZED):
            row = f"{count} function{'s' if count > 1 else ''}".ljust(16)
            for kind in kinds:
                added, whole = measure(base, count, kind == "optimised", arguments.rounds)
                row += f"{added[0]:18.2f} / {whole[0]:5.2f}{added[1]:8.2f} / {whole[1]:5.2f}"
            print(row, flush=True)
    finally:
        if not arguments.keep:
            shutil.rmtree(base)


if __name__ == "__main__":
    main()
