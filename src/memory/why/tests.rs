//! Programs whose code has changed: functions of one name with items as the macro lists them.

use std::fs::{self, File};
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::call::FunctionCall;
use crate::codec::select;
use crate::function::{Compress, Definition, Function, Parameters};
use crate::key::{ArgumentError, Arguments};
use crate::remote::Remote;

/// A state of a program with the function `shop::price(item, day)`.
#[derive(Clone, Copy)]
struct Program {
    fingerprint: u8,
    items: &'static str,
    cfg: &'static [(&'static str, bool)],
    version: &'static str,
    parameters: &'static [&'static str],
}

const PROGRAM: Program =
    Program { fingerprint: 1, items: ITEMS, cfg: &[], version: "", parameters: &["item", "day"] };

const ITEMS: &str = "\
    00000000000000aa\tshop::Item\tsrc/item.rs:3\n\
    00000000000000bb\tshop::price\tsrc/shop.rs:7\n\
    00000000000000cc\tshop::tax::rate\tsrc/tax.rs:12";

const OTHER_RATE: &str = "\
    00000000000000aa\tshop::Item\tsrc/item.rs:3\n\
    00000000000000bb\tshop::price\tsrc/shop.rs:7\n\
    00000000000000c2\tshop::tax::rate\tsrc/tax.rs:14";

const OTHER_RATE_AND_ITEM: &str = "\
    00000000000000a3\tshop::Item\tsrc/item.rs:4\n\
    00000000000000bb\tshop::price\tsrc/shop.rs:7\n\
    00000000000000c3\tshop::tax::rate\tsrc/tax.rs:14";

const OTHER_BODY: &str = "\
    00000000000000aa\tshop::Item\tsrc/item.rs:3\n\
    00000000000000b4\tshop::price\tsrc/shop.rs:7\n\
    00000000000000cc\tshop::tax::rate\tsrc/tax.rs:12";

/// Which parameters are in the key, and the value of each.
type Values = (&'static [&'static str], [u64; 2]);

impl Program {
    /// A call in this state of the program.
    fn price(self, item: u64, day: u64) -> FunctionCall<Values, u64> {
        let definition = Definition {
            module_path: "shop",
            function: "price",
            method: false,
            ordinal: 0,
            name: None,
            package: "",
            types: b"",
            version: self.version,
            fingerprint: [self.fingerprint; 32],
            cfg: self.cfg,
            settings: "",
            items: self.items.as_bytes(),
            reads: b"",
            asks_for_key: false,
            parameters: self.parameters,
            ttl: None,
            valid: None,
            min_cost: Duration::ZERO,
            compress: Compress::AsMemory,
            file: "src/shop.rs",
            line: 7,
        };
        let function: &'static Function = Box::leak(Box::new(Function::new(definition)));
        let values = (self.parameters, [item, day]);
        let run = |(_, [item, day]): Values| item * 10 + day;
        let remote = || Remote::stays("it is a test");
        FunctionCall::new(
            function.named("shop::price"),
            &Parameters::<(), ()>::of(&()),
            values,
            show,
            run,
            select::value_codec(),
            remote,
        )
    }
}

fn show((parameters, [item, day]): &Values, sink: &mut Arguments<'_>) -> Result<(), ArgumentError> {
    for (parameter, value) in [("item", item), ("day", day)] {
        if parameters.contains(&parameter) {
            sink.argument(parameter, value)?;
        }
    }
    Ok(())
}

fn fresh() -> (TempDir, Memory) {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::open(dir.path().join("cache")).unwrap();
    (dir, memory)
}

#[track_caller]
fn expect(memory: &Memory, program: Program, line: &str) {
    assert_eq!(memory.why(&program.price(3, 4)).to_string(), line);
}

const RATE_SINCE: &str = "the code changed since this was computed: shop::tax::rate (src/tax.rs:14) differs";

#[test]
fn a_helper_that_changed_is_named_with_its_place() {
    let (_dir, memory) = fresh();
    memory.call(PROGRAM.price(3, 4));
    let edited = Program { fingerprint: 2, items: OTHER_RATE, ..PROGRAM };
    expect(&memory, edited, RATE_SINCE);
    let line =
        "the code changed, and this call was not computed before: shop::tax::rate (src/tax.rs:14) differs";
    assert_eq!(memory.why(&edited.price(5, 4)).to_string(), line);
    let edited = Program { fingerprint: 4, items: OTHER_BODY, ..PROGRAM };
    expect(&memory, edited, "the code changed since this was computed: its own body differs");
    assert!(memory.why(&PROGRAM.price(3, 4)).is_hit(), "undone, it is a hit");
}

#[test]
fn code_that_has_computed_this_call_is_nearer_than_similar_code() {
    let (_dir, memory) = fresh();
    memory.call(PROGRAM.price(3, 4));
    memory.call(Program { fingerprint: 2, items: OTHER_RATE, ..PROGRAM }.price(3, 5));
    let edited = Program { fingerprint: 3, items: OTHER_RATE_AND_ITEM, ..PROGRAM };
    let two = "shop::Item (src/item.rs:4) differs, shop::tax::rate (src/tax.rs:14) differs";
    expect(&memory, edited, &format!("the code changed since this was computed: {two}"));
}

#[test]
fn of_two_codes_that_have_computed_this_call_the_more_similar_is_told() {
    let (_dir, memory) = fresh();
    memory.call(Program { fingerprint: 3, items: OTHER_RATE_AND_ITEM, ..PROGRAM }.price(3, 4));
    memory.call(PROGRAM.price(3, 4));
    memory.call(Program { fingerprint: 5, items: "", ..PROGRAM }.price(3, 4));
    expect(&memory, Program { fingerprint: 2, items: OTHER_RATE, ..PROGRAM }, RATE_SINCE);
}

#[test]
fn earlier_code_that_computed_this_call_explains_more_than_new_arguments() {
    let (_dir, memory) = fresh();
    let edited = Program { fingerprint: 2, items: OTHER_RATE, ..PROGRAM };
    memory.call(PROGRAM.price(3, 4));
    memory.call(edited.price(3, 5));
    expect(&memory, edited, RATE_SINCE);
    let line = "new arguments: `shop::price` has run with this code, but no value is kept for (7, 7)";
    assert_eq!(memory.why(&edited.price(7, 7)).to_string(), line);
}

#[test]
fn a_build_in_which_a_predicate_holds_no_more_has_a_key_of_its_own() {
    let (_dir, memory) = fresh();
    let fast = Program { cfg: &[("feature = \"fast\"", true)], ..PROGRAM };
    let slow = Program { cfg: &[("feature = \"fast\"", false)], ..PROGRAM };
    memory.call(fast.price(3, 4));
    assert!(memory.why(&fast.price(3, 4)).is_hit());
    expect(&memory, slow, "the code changed since this was computed: cfg(feature = \"fast\") differs");
    assert!(!memory.call_info(slow.price(3, 4)).is_hit());

    let functions = memory.functions().unwrap();
    assert_ne!(functions[0].fingerprint, functions[1].fingerprint);
    let last = functions[0].items.last().unwrap();
    assert_eq!((last.path.as_str(), last.place.as_str()), ("cfg(feature = \"fast\")", ""));
    assert_eq!(functions[0].items[2].path, "shop::tax::rate");
    assert_eq!(functions[0].items[2].place, "src/tax.rs:12");
}

#[test]
fn another_version_is_told_and_the_latest_of_several() {
    let (dir, memory) = fresh();
    let version = |version| Program { version, ..PROGRAM };
    for (age, program) in [(0, version("1")), (2, version("2")), (1, version(""))] {
        memory.call(program.price(3, 4));
        let id = program.price(0, 0).memo().unwrap().call.function.id();
        let record = File::options().append(true).open(record_path(&dir, &id.to_string())).unwrap();
        record.set_modified(SystemTime::now() - Duration::from_secs(60 - age)).unwrap();
    }
    expect(&memory, version("3"), "computed by another version: 2, now 3");
    let line = "the version changed, and this call was not computed before: 2, now 3";
    assert_eq!(memory.why(&version("3").price(5, 5)).to_string(), line);
    memory.call(version("1").price(5, 5));
    let line = "computed by another version: 1, now none";
    assert_eq!(memory.why(&version("").price(5, 5)).to_string(), line);
}

#[test]
fn code_and_version_that_changed_both_are_told_both() {
    let (_dir, memory) = fresh();
    memory.call(PROGRAM.price(3, 4));
    let edited = Program { fingerprint: 2, items: OTHER_RATE, version: "2", ..PROGRAM };
    expect(&memory, edited, &format!("{RATE_SINCE}, `version = …` differs"));
}

#[test]
fn other_arguments_in_the_key_are_told() {
    let (_dir, memory) = fresh();
    let ignoring = Program { parameters: &["item"], ..PROGRAM };
    memory.call(ignoring.price(3, 4));
    let changed = "the list of arguments in the key changed";
    expect(&memory, PROGRAM, &format!("{changed} since this was computed: (item), now (item, day)"));
    let line = format!("{changed}, and this call was not computed before: (item), now (item, day)");
    assert_eq!(memory.why(&PROGRAM.price(5, 4)).to_string(), line);
    assert_eq!(memory.functions().unwrap()[0].parameters, ["item"]);
}

/// What was ignored is not shown any more, so nobody can tell which entry this call had.
#[test]
fn whether_a_call_was_computed_before_is_not_made_up() {
    let (_dir, memory) = fresh();
    memory.call(PROGRAM.price(3, 4));
    let ignoring = Program { parameters: &["day"], ..PROGRAM };
    expect(&memory, ignoring, "the list of arguments in the key changed: (item, day), now (day)");
}

#[test]
fn a_record_without_items_or_sense_costs_an_explanation_and_nothing_else() {
    let (dir, memory) = fresh();
    memory.call(PROGRAM.price(3, 4));
    let id = PROGRAM.price(0, 0).memo().unwrap().call.function.id().to_string();
    let edited = Program { fingerprint: 2, items: OTHER_RATE, ..PROGRAM };
    let text = fs::read_to_string(record_path(&dir, &id)).unwrap();
    let (head, _) = text.split_once(",\n  \"items\"").unwrap();
    let never = "never computed: no value of `shop::price` is in this cache";
    let unknown = "the code changed since this was computed: what changed is not recorded";
    for (damaged, line) in [
        (format!("{head}}}"), unknown),
        (format!("{head}, \"items\": [7, {{}}]}}"), unknown),
        (text.replace("0101", "no digits"), "the code changed: shop::tax::rate (src/tax.rs:14) differs"),
        (text.replace("parameters", "x"), never),
        (text.replace("shop::price", "shop::cost"), never),
        ("[]".into(), never),
        (String::new(), never),
    ] {
        fs::write(record_path(&dir, &id), &damaged).unwrap();
        expect(&memory, edited, line);
        assert!(memory.why(&PROGRAM.price(3, 4)).is_hit());
    }
}

#[test]
fn records_that_cannot_be_listed_are_told() {
    let (dir, memory) = fresh();
    let functions = dir.path().join("cache/functions");
    fs::remove_dir(&functions).unwrap();
    fs::write(&functions, "").unwrap();
    let line = memory.why(&PROGRAM.price(3, 4)).to_string();
    assert!(line.starts_with("the store could not be read: ") && line.contains("functions"), "{line}");
}

fn record_path(dir: &TempDir, id: &str) -> std::path::PathBuf {
    dir.path().join("cache/functions").join(format!("{id}.json"))
}
