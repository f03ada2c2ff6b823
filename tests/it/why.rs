//! `Memory::why`: every reason that there is, in one line.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use rememo::report::{Change, ChangeKind};
use rememo::{EntryInfo, Memory, MissReason, Why, delayed, memo};
use serde::{Deserialize, Serialize, Serializer};

use crate::support::{TestCache, files_below, hit, miss};

#[memo(name = "shop::price")]
fn price(item: u64, day: u64) -> u64 {
    item * 10 + day
}

/// The same function in other states of the program.
mod later {
    use rememo::memo;

    #[memo(name = "shop::price")]
    pub fn price_with_discount(item: u64, day: u64) -> u64 {
        item * 10 - day
    }
}

/// A function whose code stays the same, in three states of its options.
mod options {
    pub mod first {
        #[rememo::memo(name = "shop::tax", track = "none")]
        pub fn tax(item: u64, day: u64) -> u64 {
            item + day
        }
    }

    pub mod versioned {
        #[rememo::memo(name = "shop::tax", track = "none", version = 2)]
        pub fn tax(item: u64, day: u64) -> u64 {
            item + day
        }
    }

    pub mod ignoring {
        #[rememo::memo(name = "shop::tax", track = "none", ignore(day))]
        pub fn tax(item: u64, day: u64) -> u64 {
            let _ = day;
            item
        }
    }
}

#[track_caller]
fn expect(why: &Why, line: &str) {
    assert_eq!(why.to_string(), line, "{why:?}");
}

#[test]
fn a_function_that_never_ran_was_never_computed() {
    let cache = TestCache::new();
    miss(&cache.memory, options::first::tax::delayed(3, 4));
    expect(
        &cache.memory.why(&price::delayed(3, 4)),
        "never computed: no value of `shop::price` is in this cache",
    );
}

#[test]
fn arguments_that_are_new_are_shown() {
    let cache = TestCache::new();
    miss(&cache.memory, price::delayed(1, 2));
    let why = cache.memory.why(&price::delayed(3, 4));
    expect(&why, "new arguments: `shop::price` has run with this code, but no value is kept for (3, 4)");
    assert!(matches!(why, Why::NewArguments { function, .. } if function == "shop::price"));
}

#[test]
fn of_a_generic_function_the_types_are_shown_and_of_a_method_the_receiver() {
    #[memo(name = "twice")]
    fn twice<T: Serialize + Into<f64>>(x: T) -> f64 {
        x.into() * 2.0
    }
    #[derive(Serialize)]
    struct Line {
        slope: f64,
    }
    impl Line {
        #[memo(name = "Line::at")]
        fn at(&self, x: f64) -> f64 {
            self.slope * x
        }
    }
    let cache = TestCache::new();
    miss(&cache.memory, twice::delayed(3.0f32));
    expect(
        &cache.memory.why(&twice::delayed(3u8)),
        "new arguments: `twice` has run with this code, but no value is kept for (3) under `<u8>`",
    );
    let line = Line { slope: 2.0 };
    miss(&cache.memory, line.at_delayed(1.0));
    expect(
        &cache.memory.why(&line.at_delayed(3.0)),
        "new arguments: `Line::at` has run with this code, but no value is kept for ({\"slope\":2.0}, 3.0)",
    );
}

#[test]
fn a_hit_tells_when_it_was_computed_and_how_long_that_took() {
    #[memo]
    fn slow() -> u64 {
        std::thread::sleep(Duration::from_millis(30));
        7
    }
    let cache = TestCache::new();
    miss(&cache.memory, slow::delayed());
    let why = cache.memory.why(&slow::delayed());
    assert!(matches!(why, Why::Hit { took, .. } if took >= Duration::from_millis(30)), "{why:?}");
    let line = why.to_string();
    assert!(line.starts_with("hit: computed ") && line.contains(" ago in ") && line.ends_with('s'), "{line}");
    cache.memory.insert(&slow::delayed(), &8).unwrap();
    assert!(cache.memory.why(&slow::delayed()).to_string().starts_with("hit: stored "));
}

#[test]
fn a_function_whose_body_changed_says_so_and_whether_this_call_was_computed_before() {
    let cache = TestCache::new();
    miss(&cache.memory, price::delayed(3, 4));
    let why = cache.memory.why(&later::price_with_discount::delayed(3, 4));
    expect(&why, "the code changed since this was computed: its own body differs");
    let Why::CodeChanged { changes, computed_before: Some(true), .. } = &why else { panic!("{why:?}") };
    assert!(matches!(changes.as_slice(), [Change { kind: ChangeKind::Body, .. }]), "{changes:?}");
    expect(
        &cache.memory.why(&later::price_with_discount::delayed(3, 5)),
        "the code changed, and this call was not computed before: its own body differs",
    );

    miss(&cache.memory, later::price_with_discount::delayed(3, 5));
    expect(
        &cache.memory.why(&later::price_with_discount::delayed(3, 4)),
        "the code changed since this was computed: its own body differs",
    );
    assert!(cache.memory.why(&price::delayed(3, 4)).is_hit(), "the edit undone");
}

#[test]
fn another_version_is_told_with_both() {
    let cache = TestCache::new();
    miss(&cache.memory, options::first::tax::delayed(3, 4));
    let versioned = options::versioned::tax::delayed;
    expect(&cache.memory.why(&versioned(3, 4)), "computed by another version: none, now 2");
    expect(
        &cache.memory.why(&versioned(3, 5)),
        "the version changed, and this call was not computed before: none, now 2",
    );
}

#[test]
fn other_arguments_in_the_key_are_told() {
    let cache = TestCache::new();
    let ignoring = options::ignoring::tax::delayed;
    miss(&cache.memory, ignoring(3, 4));
    expect(
        &cache.memory.why(&options::first::tax::delayed(3, 4)),
        "the list of arguments in the key changed since this was computed: (item), now (item, day)",
    );
    cache.memory.clear().unwrap();
    miss(&cache.memory, options::first::tax::delayed(3, 4));
    expect(
        &cache.memory.why(&ignoring(3, 4)),
        "the list of arguments in the key changed: (item, day), now (item)",
    );
    miss(&cache.memory, ignoring(3, 4));
    assert_eq!(cache.memory.functions().unwrap().len(), 2, "each has a record of its own");
}

#[test]
fn an_entry_that_is_too_old_or_turned_down_is_told() {
    #[memo(ttl = "1ms")]
    fn fleeting(x: u64) -> u64 {
        x
    }
    fn never(_: &EntryInfo) -> bool {
        false
    }
    #[memo(valid = never)]
    fn refused(x: u64) -> u64 {
        x
    }
    let cache = TestCache::new();
    miss(&cache.memory, fleeting::delayed(1));
    std::thread::sleep(Duration::from_millis(10));
    let why = cache.memory.why(&fleeting::delayed(1));
    assert!(
        matches!(why, Why::Miss(MissReason::Expired { age }) if age >= Duration::from_millis(10)),
        "{why:?}"
    );
    let line = why.to_string();
    assert!(line.starts_with("expired: it is ") && line.ends_with("s old"), "{line}");

    miss(&cache.memory, refused::delayed(1));
    expect(&cache.memory.why(&refused::delayed(1)), "turned down by the function's `valid`");
}

#[test]
fn an_entry_that_cannot_be_used_is_told_with_how() {
    let cache = TestCache::files();
    miss(&cache.memory, price::delayed(3, 4));
    let file = cache.entry_file();
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    expect(&cache.memory.why(&price::delayed(3, 4)), "damaged: its checksum does not match");
    assert_eq!(cache.memory.stats().troubles, 0, "to ask is no trouble");

    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let line = cache.memory.why(&price::delayed(3, 4)).to_string();
    let expected = format!("the store could not be read: cannot open `{}`: ", file.display());
    assert!(line.starts_with(&expected), "{line}");
}

/// Two types of one name, as after an edit of a type that the function does not track.
#[test]
fn bytes_that_are_no_value_of_the_type_any_more_are_told() {
    static IS_CHANGED: AtomicBool = AtomicBool::new(false);
    #[derive(Serialize, Deserialize)]
    #[serde(try_from = "u8")]
    struct Receipt(u8);
    impl TryFrom<u8> for Receipt {
        type Error = &'static str;
        fn try_from(number: u8) -> Result<Self, Self::Error> {
            if IS_CHANGED.load(SeqCst) { Err("a receipt has a name now") } else { Ok(Receipt(number)) }
        }
    }
    #[memo(name = "receipt", track = "none")]
    fn receipt() -> Receipt {
        Receipt(7)
    }
    let cache = TestCache::new();
    miss(&cache.memory, receipt::delayed());
    IS_CHANGED.store(true, SeqCst);
    let why = cache.memory.why(&receipt::delayed());
    let Why::Miss(MissReason::Unreadable(how)) = &why else { panic!("{why:?}") };
    expect(&why, &format!("not readable as a value of the output type: {how}"));
}

#[test]
fn calls_without_a_key_say_why_they_have_none() {
    struct Unfit;
    impl Serialize for Unfit {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no\nway"))
        }
    }
    #[memo]
    fn takes(unfit: &Unfit) -> u64 {
        let Unfit = unfit;
        1
    }
    let cache = TestCache::new();
    expect(
        &cache.memory.why(&takes::delayed(&Unfit)),
        "the arguments could not be made into a key: argument `unfit` cannot be serialized: no way",
    );
    assert_eq!(cache.memory.why(&delayed(|| 7)), Why::Miss(MissReason::NotMemoized));
    expect(&Why::Miss(MissReason::NotMemoized), "a plain closure is never remembered");
    let why = Memory::disabled().why(&price::delayed(3, 4));
    assert_eq!(why, Why::Miss(MissReason::Disabled));
    expect(&why, "the memory is disabled");
}

#[test]
fn to_ask_why_changes_nothing() {
    let cache = TestCache::new();
    miss(&cache.memory, price::delayed(3, 4));
    let files = || {
        let mut files = files_below(&cache.root());
        // What is counted is written once a second, whatever is asked.
        files.retain(|file| !file.starts_with(cache.root().join("sessions")));
        files.sort();
        files
    };
    let before = (files(), cache.memory.stats());
    for day in 4..7 {
        cache.memory.why(&price::delayed(3, day));
        cache.memory.why(&later::price_with_discount::delayed(3, day));
        cache.memory.why(&options::first::tax::delayed(3, day));
    }
    assert_eq!((files(), cache.memory.stats()), before);
    hit(&cache.memory, price::delayed(3, 4));
    miss(&cache.memory, price::delayed(3, 5));
}

/// A record as it might be left by an editor, by hand: nothing but a poorer explanation comes of it.
#[test]
fn a_record_edited_by_hand_is_taken_as_it_is() {
    let cache = TestCache::new();
    miss(&cache.memory, price::delayed(3, 4));
    let record = files_below(&cache.root().join("functions")).pop().unwrap();
    let text = fs::read_to_string(&record).unwrap();
    assert!(text.contains("\"name\": \"shop::price\",\n") && text.contains("\"items\": ["), "{text}");
    fs::write(&record, text.replace("shop::price", "shop::cost")).unwrap();
    expect(
        &cache.memory.why(&price::delayed(3, 5)),
        "never computed: no value of `shop::price` is in this cache",
    );
    fs::write(&record, "{").unwrap();
    assert!(cache.memory.why(&price::delayed(3, 4)).is_hit());
    assert!(matches!(cache.memory.why(&price::delayed(3, 5)), Why::NeverComputed { .. }));
    assert_eq!(cache.memory.functions().unwrap(), []);
}
