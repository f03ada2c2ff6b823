//! Every item of a realistic package changed, one at a time: none of the changes may bring back an old value, and few may
//! cost one that is still right.

mod table;

use self::table::MUTATIONS;
use crate::package::{Edit, Package, Report, program, replace};

fn package() -> Package {
    Package::new("mutation")
        .dependency("serde = { version = \"1\", features = [\"derive\"] }")
        .file("src/main.rs", program(include_str!("package/root.rs"), CALLS))
        .file("src/macros.rs", include_str!("package/macros.rs"))
        .file("src/numbers.rs", include_str!("package/numbers.rs"))
        .file("src/geometry.rs", include_str!("package/geometry.rs"))
        .file("src/text.rs", include_str!("package/text.rs"))
        .file("src/statistics.rs", include_str!("package/statistics.rs"))
        .file("src/simulation.rs", include_str!("package/simulation.rs"))
}

/// Arguments for which every mutation of what a function uses shows.
const CALLS: &str = r#"
    show!(numbers::residues(20));
    show!(numbers::harmonic(6));
    show!(numbers::largest(9));
    show!(numbers::flight(7));
    show!(geometry::covered(2.0));
    show!(geometry::regular(5));
    show!(geometry::fence(30.0));
    let text = "The making of a box: boxes, an axe. Making a Yes by a key! So many of them.";
    show!(text::frequencies(text));
    show!(text::difficulty(text, &Default::default()));
    let exact = text::Reading { fold_case: false, shortest: 1 };
    show!(text::difficulty(text, &exact));
    show!(statistics::summary(vec![1.0, 2.5, 9.0, 4.0, 5.5, 30.0, 2.0]));
    show!(statistics::interval(1));
    show!(simulation::trajectory(simulation::Particle { place: 0.5, speed: 1.75 }, 9));
    show!(simulation::energy(3));
    show!(simulation::events(15));
"#;

#[test]
fn no_mutation_brings_back_an_old_value_and_few_cost_one_that_is_right() {
    let mut package = package();
    let base = package.start();
    let mut tally = Tally::default();
    // One in ten, which say little of how many are needless; all with `REMEMO_TEST_LONG=1`.
    let (step, most) = if std::env::var_os("REMEMO_TEST_LONG").is_some() { (1, 10.0) } else { (10, 25.0) };
    let mutations: Vec<_> = MUTATIONS.iter().step_by(step).collect();
    for (file, old, new) in mutations.iter().copied() {
        let edit = replace(file, old, new);
        tally.take(&edit, &base, &package.edited(&edit));
    }
    let (functions, pairs) = (base.functions().len(), tally.unchanged);
    let (stale, needless) = (tally.stale.len(), tally.needless.len());
    let rate = 100.0 * needless as f64 / pairs as f64;
    tally.needless.iter().for_each(|pair| println!("needless: {pair}"));
    println!(
        "{} mutations × {functions} functions: {stale} stale, {needless} needless of {pairs} pairs = {rate:.1} %",
        mutations.len()
    );
    assert!(tally.idle.is_empty(), "mutations that change nothing:\n{}", tally.idle.join("\n"));
    assert!(tally.stale.is_empty(), "stale:\n{}", tally.stale.join("\n"));
    assert!(rate < most, "{rate:.1} % of the values that did not change were computed anew");
}

/// What came of the mutations, for each pair of a mutation and a function.
#[derive(Default)]
struct Tally {
    /// Pairs that brought back an old value, or would have with other arguments.
    stale: Vec<String>,
    /// Pairs of which the value did not change, and those of them that were computed anew.
    unchanged: usize,
    needless: Vec<String>,
    /// Mutations that show nothing, for no value changed.
    idle: Vec<String>,
}

impl Tally {
    fn take(&mut self, edit: &Edit, base: &Report, mutated: &Report) {
        assert_eq!(mutated.functions(), base.functions(), "{edit}");
        let (missed, stale) = (mutated.missed(), mutated.stale());
        let mut changed = 0;
        for function in base.functions() {
            let pair = || format!("{edit}: {function}");
            let is_miss = missed.contains(&function);
            if mutated.same_values(base, function) {
                self.unchanged += 1;
                self.needless.extend(is_miss.then(pair));
            } else {
                changed += 1;
                self.stale.extend((!is_miss || stale.contains(&function)).then(pair));
            }
        }
        self.idle.extend((changed == 0).then(|| edit.to_string()));
    }
}
