//! What `why` says of machine code: what differs, by name, and the way to it.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;

use crate::package::{Edit, Package, member, replace};

/// A program that asks why of calls, and makes them.
struct Asking(Package);

impl Asking {
    fn new(name: &'static str, source: &str, calls: &str) -> Self {
        let main = "fn main() {
            let memory = rememo::Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
            macro_rules! ask { ($call:expr) => { println!(\"{}\\t{}\", stringify!($call), memory.why(&$call)); memory.call($call); } }
            CALLS
        }";
        let source = format!("{source}\n{}", main.replace("CALLS", calls));
        Asking(Package::new(name).with_machine_code().file("src/main.rs", source))
    }

    /// Lets everything be computed.
    #[track_caller]
    fn start(mut self) -> Self {
        self.0.complete();
        for is_known in [false, true] {
            let printed = self.0.printed(&Edit::default());
            let is_hit = |line: &str| line.split_once('\t').unwrap().1.starts_with("hit: computed ");
            assert!(printed.lines().all(|line| is_hit(line) == is_known), "{printed}");
        }
        self
    }

    /// With `edit`, all calls are hits but for those that are named with what is said of them.
    #[track_caller]
    fn says(&self, edit: Edit, expected: &[(&str, &str)]) {
        let printed = self.0.printed(&edit);
        let lines = printed.lines().map(|line| line.split_once('\t').unwrap());
        let said: Vec<_> = lines.filter(|(_, why)| !why.starts_with("hit: computed ")).collect();
        let changed = "the code changed since this was computed: ";
        let said: Vec<_> =
            said.iter().map(|(call, why)| (*call, why.strip_prefix(changed).unwrap_or(why))).collect();
        assert_eq!(said, expected, "{edit}");
    }
}

fn edit(old: &str, new: &str) -> Edit {
    replace("src/main.rs", old, new)
}

/// Where the source shows an item, it is named as the source has it, and the machine code knows the way.
#[test]
fn why_names_items_of_the_source_and_the_way_to_them() {
    let source = "
        pub mod grid {
            pub struct Cell(u64);
            impl Cell { fn flux(&self) -> u64 { self.0 + 1 } }
            pub fn step(x: u64) -> u64 { (0..x).map(|x| Cell(x).flux()).sum() }
        }
        pub trait Shape { fn area(&self) -> u64; }
        pub struct Square(u64);
        pub struct Circle(u64);
        impl Shape for Square { fn area(&self) -> u64 { self.0 * self.0 } }
        impl Shape for Circle { fn area(&self) -> u64 { self.0 * 3 } }
        static TABLE: [u64; 4] = [2, 3, 5, 7];
        const RATE: u64 = 19; fn tax(x: u64) -> u64 { x * RATE }
        fn scaled<T: Into<u64>>(x: T) -> u64 { x.into() * 2 }
        #[derive(serde::Serialize, serde::Deserialize)]
        pub struct Point { x: u64 }

        #[rememo::memo] fn simulate(x: u64) -> u64 { grid::step(x) }
        #[rememo::memo] fn outer(x: u64) -> u64 { simulate(x) + 1 }
        #[rememo::memo] fn looked_up(x: usize) -> u64 { TABLE[x] }
        #[rememo::memo] fn taxed(x: u64) -> u64 { tax(x) }
        #[rememo::memo] fn area(x: u64) -> u64 {
            let shape: Box<dyn Shape> = if x > 5 { Box::new(Square(x)) } else { Box::new(Circle(x)) };
            shape.area()
        }
        #[rememo::memo] fn generic<T: Into<u64> + serde::Serialize + 'static>(x: T) -> u64 { scaled(x) }
        #[rememo::memo] fn point(x: u64) -> Point { Point { x } }";
    let calls = "ask!(simulate::delayed(4)); ask!(outer::delayed(4)); ask!(looked_up::delayed(2)); ask!(taxed::delayed(2));
        ask!(area::delayed(9)); ask!(generic::delayed(7_u32)); ask!(generic::delayed(7_u8)); ask!(point::delayed(1));";
    let mut asking = Asking::new("named_items", source, calls);
    asking.0 = asking.0.dependency("serde = { version = \"1\", features = [\"derive\"] }");
    let asking = asking.start();
    let flux = "named_items::grid::Cell::flux (src/main.rs:4) differs";
    asking.says(
        edit("self.0 + 1", "self.0 + 2"),
        &[
            ("simulate::delayed(4)", &format!("{flux} (simulate → grid::step → grid::Cell::flux)")),
            ("outer::delayed(4)", &format!("{flux} (outer → simulate → grid::step → grid::Cell::flux)")),
        ],
    );
    asking.says(
        edit("3, 5, 7", "3, 6, 7"),
        &[("looked_up::delayed(2)", "named_items::TABLE (src/main.rs:12) differs (looked_up → TABLE)")],
    );
    // A constant has no place in machine code; that the function which has it differs goes without saying.
    asking.says(
        edit("RATE: u64 = 19", "RATE: u64 = 7"),
        &[("taxed::delayed(2)", "named_items::RATE (src/main.rs:13) differs")],
    );
    asking.says(
        edit("self.0 * self.0", "self.0 * 7"),
        &[(
            "area::delayed(9)",
            "named_items::impl Shape for Square (src/main.rs:10) differs (area → <Square as Shape>::area)",
        )],
    );
    asking.says(
        edit("x.into() * 2", "x.into() * 3"),
        &[
            ("generic::delayed(7_u32)", "named_items::scaled (src/main.rs:14) differs (generic → scaled)"),
            ("generic::delayed(7_u8)", "named_items::scaled (src/main.rs:14) differs (generic → scaled)"),
        ],
    );
    asking.says(
        edit("Point { x: u64 }", "Point { #[serde(rename = \"y\")] x: u64 }"),
        &[(
            "point::delayed(1)",
            "named_items::Point (src/main.rs:16) differs (point → <Point as Serialize>::serialize)",
        )],
    );
    asking.says(
        edit("{ simulate(x) + 1 }", "{ simulate(x) + 8 }"),
        &[("outer::delayed(4)", "its own body differs")],
    );
    asking.says(
        edit("fn scaled<T", "fn doubled(x: u64) -> u64 { x * 2 }\nfn scaled<T")
            .and(edit("x.into() * 2", "doubled(x.into())")),
        &[
            (
                "generic::delayed(7_u32)",
                "named_items::scaled (src/main.rs:15) differs (generic → scaled), \
                 named_items::doubled (src/main.rs:14) is new (generic → scaled → doubled)",
            ),
            (
                "generic::delayed(7_u8)",
                "named_items::scaled (src/main.rs:15) differs (generic → scaled), \
                 named_items::doubled (src/main.rs:14) is new (generic → scaled → doubled)",
            ),
        ],
    );
}

/// Functions and statics that only the linker finds: in C, and in another crate, the `gauge`.
fn linked(name: &'static str, gauge: &str) -> Asking {
    let mut asking = Asking::new(
        name,
        &"use linked_gauge as _;
        unsafe extern \"C\" { safe fn scale(x: u64) -> u64; safe fn read_gauge(x: u64) -> u64; }
        #[rememo::memo] fn scaled(x: u64) -> u64 { scale(x) }
        #[rememo::memo] fn measured(x: u64) -> u64 { read_gauge(x) }
        #[rememo::memo] fn plain(x: u64) -> u64 { x + 1 }"
            .replace("linked_gauge", gauge),
        "ask!(scaled::delayed(5)); ask!(measured::delayed(6)); ask!(plain::delayed(7));",
    );
    asking.0 = asking
        .0
        .dependency(&format!("{gauge} = {{ path = \"gauge\" }}"))
        .manifest("[build-dependencies]\ncc = \"1\"\n")
        .file("build.rs", "fn main() { cc::Build::new().file(\"scale.c\").compile(\"scale\"); println!(\"cargo::rerun-if-changed=scale.c\"); }")
        .file("scale.c", "static unsigned long weight(unsigned long x) { return x * 3; }\nunsigned long scale(unsigned long x) { return weight(x) + 1; }\n")
        .file("gauge/Cargo.toml", member(gauge, ""))
        .file(
            "gauge/src/lib.rs",
            "#![allow(unused)]
            static OFFSETS: [u64; 3] = [4, 5, 6];
            fn corrected(x: u64) -> u64 { x + OFFSETS[x as usize % 3] }
            #[unsafe(export_name = \"read_gauge\")] extern \"C\" fn exported(x: u64) -> u64 { corrected(x * 2) }",
        );
    asking
}

#[test]
fn why_names_what_the_source_does_not_show() {
    let asking = linked("unseen_code", "linked_gauge").start();
    let gauge = |old, new| replace("gauge/src/lib.rs", old, new);
    asking.says(
        replace("scale.c", "x * 3", "x * 4"),
        &[("scaled::delayed(5)", "weight differs (scaled → scale → weight), files of unseen_code differs")],
    );
    asking.says(
        gauge("x * 2", "x * 3"),
        &[("measured::delayed(6)", "read_gauge differs (measured → read_gauge)")],
    );
    asking.says(
        gauge("x + OFFSETS", "x + 7 + OFFSETS"),
        &[(
            "measured::delayed(6)",
            "linked_gauge::corrected differs (measured → read_gauge → linked_gauge::corrected)",
        )],
    );
    asking.says(
        gauge("[4, 5, 6]", "[3, 5, 6]"),
        &[(
            "measured::delayed(6)",
            "linked_gauge::OFFSETS differs (measured → read_gauge → linked_gauge::corrected → linked_gauge::OFFSETS)",
        )],
    );
    asking.says(
        gauge("fn corrected", "fn checked(x: u64) -> u64 { x + 100 }\nfn corrected")
            .and(gauge("corrected(x * 2)", "checked(x * 2)")),
        &[(
            "measured::delayed(6)",
            "read_gauge differs (measured → read_gauge), \
             linked_gauge::checked is new (measured → read_gauge → linked_gauge::checked), \
             linked_gauge::corrected is gone (measured → read_gauge → linked_gauge::corrected)",
        )],
    );
}

/// Regression: programs whose code is equal had the names of the first that ran on this machine.
#[test]
fn names_are_those_of_the_own_program_and_of_its_last_build() {
    let asking = |name, helper: &str| {
        let source = "fn helper(x: u64) -> u64 { x * 7919 + 41 }
            #[rememo::memo] fn priced(x: u64) -> u64 { helper(x) }";
        Asking::new(name, &source.replace("helper", helper), "ask!(priced::delayed(5));").start()
    };
    let (first, second) = (asking("tax_named", "tax"), asking("levy_named", "levy"));
    let levied = "levy_named::levy (src/main.rs:1) differs (priced → levy)";
    second.says(edit("7919", "7907"), &[("priced::delayed(5)", levied)]);
    first.says(
        edit("7919", "7907"),
        &[("priced::delayed(5)", "tax_named::tax (src/main.rs:1) differs (priced → tax)")],
    );

    let asking = linked("renamed_code", "renamed_gauge").start();
    let renamed = || replace("gauge/src/lib.rs", "corrected", "adjusted");
    asking.says(renamed(), &[]);
    asking.says(
        renamed().and(replace("gauge/src/lib.rs", "x + OFFSETS", "x + 7 + OFFSETS")),
        &[(
            "measured::delayed(6)",
            "renamed_gauge::adjusted differs (measured → read_gauge → renamed_gauge::adjusted)",
        )],
    );
}

/// Another version of a crate from a registry.
#[test]
fn why_names_functions_of_other_crates_beside_their_version() {
    let mut asking = Asking::new(
        "other_versions",
        "#[rememo::memo] fn total(x: u64) -> u64 { shelved_sums::sum(0..x) }
        #[rememo::memo] fn largest(x: u64) -> u64 { shelved_sums::largest(x) }",
        "ask!(total::delayed(5)); ask!(largest::delayed(5));",
    );
    let library = "pub fn sum(values: impl Iterator<Item = u64>) -> u64 { values.map(weigh).sum() }
        fn weigh(x: u64) -> u64 { x * 2 }
        pub fn largest(x: u64) -> u64 { x }";
    asking.0 = asking
        .0
        .with_shelf()
        .shelved("shelved_sums", "1.0.1", "", library)
        .shelved("shelved_sums", "1.0.2", "", &library.replace("x * 2", "x * 3"))
        .dependency("shelved_sums = { version = \"=1.0.1\", registry = \"shelf\" }");
    asking.start().says(
        replace("Cargo.toml", "=1.0.1", "=1.0.2"),
        // What runs of `largest` is the same.
        &[(
            "total::delayed(5)",
            "shelved_sums::weigh differs (total → shelved_sums::sum → shelved_sums::weigh), \
             crate shelved_sums (version 1.0.2) differs",
        )],
    );
}

/// Lists of pieces are derived and may go: then the machine code is all that can be named.
#[test]
fn without_what_is_kept_of_machine_code_why_says_that_it_differs() {
    let caches = tempfile::tempdir().unwrap();
    let path: &'static str = Box::leak(caches.path().to_str().unwrap().to_owned().into_boxed_str());
    let mut asking = linked("forgotten_code", "forgotten_gauge");
    asking.0 = asking.0.variable("XDG_CACHE_HOME", path);
    let asking = asking.start();
    let lists = caches.path().join("rememo-programs/pieces");
    assert_eq!(fs::read_dir(&lists).unwrap().count(), 3);
    for list in fs::read_dir(&lists).unwrap() {
        fs::write(list.unwrap().path(), "rememo pieces 1 damaged").unwrap();
    }
    let nothing = "the machine code, where the source shows nothing, differs";
    let gauge = |new| replace("gauge/src/lib.rs", "x * 2", new);
    asking.says(gauge("x * 4"), &[("measured::delayed(6)", nothing)]);
    fs::remove_dir_all(&lists).unwrap();
    asking.says(gauge("x * 5"), &[("measured::delayed(6)", nothing)]);
    // What was kept since then is known.
    asking.says(gauge("x * 6"), &[("measured::delayed(6)", "read_gauge differs (measured → read_gauge)")]);
}
