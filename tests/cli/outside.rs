//! What is told of functions that read the outside world, which is not in their keys.

use std::fs;
use std::thread;
use std::time::Duration;

use rememo::{Layout, memo};
use serde_json::json;

use crate::support::{Cache, Ran, layouts};

#[memo(name = "shop::discount")]
fn discount(day: u64) -> u64 {
    day + std::env::var("DISCOUNT").map_or(0, |text| text.len() as u64)
}

#[memo(name = "shop::double")]
fn double(day: u64) -> u64 {
    day * 2
}

/// The next version of the program, whose discount is an argument or nothing.
mod later {
    #[rememo::memo(name = "shop::discount")]
    pub fn discount(day: u64) -> u64 {
        day + 7
    }
}

/// The place of the first thing that `discount` reads, in a listing.
const READS: &str = "std::env::var (tests/cli/outside.rs:";

impl Cache {
    fn with_discount(layout: Layout) -> Self {
        let cache = Cache::new(layout);
        cache.memory.call(discount::delayed(3));
        cache.memory.call(double::delayed(4));
        cache
    }
}

/// The lines that begin so.
fn lines<'r>(ran: &'r Ran, beginning: &str) -> Vec<&'r str> {
    ran.lines().into_iter().filter(|line| line.starts_with(beginning)).collect()
}

#[test]
fn the_log_of_a_function_tells_what_it_reads_of_the_outside_world() {
    let cache = Cache::with_discount(Layout::Files);
    let ran = cache.rememo(&["log", "discount"]).right();
    let reads = lines(&ran, "    reads ");
    assert!(reads[0].starts_with(&format!("    reads {READS}")), "{}", ran.out);
    let object = &cache.rememo(&["log", "discount", "--json"]).right().objects()[0];
    assert_eq!(object["reads"][0][0], "std::env::var");
    assert_eq!(object["reads"].as_array().unwrap().len(), reads.len());
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        assert!(reads.iter().any(|line| line.starts_with("    reads getenv (")), "{}", ran.out);
    }
}

#[test]
fn the_doctor_names_functions_whose_latest_code_may_read_the_outside_world() {
    for layout in layouts() {
        let cache = Cache::with_discount(layout);
        // Nothing is wrong with it.
        let ran = cache.rememo(&["doctor"]).right();
        let notes = lines(&ran, " note ");
        let beginning = format!(" note function: `shop::discount` may read what is not in the key: {READS}");
        assert!(notes.len() == 1 && notes[0].starts_with(&beginning), "{}", ran.out);

        let objects = cache.rememo(&["doctor", "--json"]).right().objects();
        let notes: Vec<_> = objects.iter().filter(|object| object.get("reads").is_some()).collect();
        assert_eq!(notes.len(), 1, "{objects:?}");
        assert_eq!(
            [&notes[0]["subject"], &notes[0]["function"], &notes[0]["wrong"], &notes[0]["reads"][0][0]],
            [&json!("function"), &json!("shop::discount"), &json!(false), &json!("std::env::var")]
        );

        // Records are ordered by their time, which is that of a file.
        thread::sleep(Duration::from_millis(20));
        cache.memory.call(later::discount::delayed(3));
        let ran = cache.rememo(&["doctor"]).right();
        assert_eq!(lines(&ran, " note "), Vec::<&str>::new());
    }
}

#[test]
fn why_tells_what_the_value_of_an_entry_may_depend_on_beside_the_key() {
    for layout in layouts() {
        let cache = Cache::with_discount(layout);
        let ran = cache.rememo(&["why", &cache.key("3")[..12]]).right();
        let [call, why] = ran.lines()[..] else { panic!("{}", ran.out) };
        assert_eq!(call, "shop::discount(3)");
        assert!(why.starts_with("hit: computed ") && why.contains(" ago in "), "{why}");
        assert!(why.contains(&format!("; may read what is not in the key: {READS}")), "{why}");
        // As the program itself says it, but for ages.
        let told = |why: &str| why.split_once(';').map(|(_, told)| told.to_owned());
        assert_eq!(told(why), told(&cache.memory.why(&discount::delayed(3)).to_string()));

        let ran = cache.rememo(&["why", &cache.key("4")]).right();
        assert!(ran.lines()[1].starts_with("hit: computed ") && !ran.out.contains("key"), "{}", ran.out);

        let object = &cache.rememo(&["why", &cache.key("3"), "--json"]).right().objects()[0];
        assert_eq!((&object["hit"], &object["arguments"]), (&json!(true), &json!("3")));
        assert_eq!(object["reads"][0][0], "std::env::var");
        assert_eq!(
            (&object["why"].as_str().unwrap()[..5], &object["key"]),
            ("hit: ", &json!(cache.key("3")))
        );
    }
}

#[test]
fn why_tells_what_changed_since_an_entry_was_computed() {
    for layout in layouts() {
        let cache = Cache::with_discount(layout);
        let earlier = cache.key("3");
        thread::sleep(Duration::from_millis(20));
        cache.memory.call(later::discount::delayed(5));
        let ran = cache.rememo(&["why", &earlier]).right();
        let lines = ran.lines();
        assert!(lines[1].starts_with("the code changed since this was computed: "), "{}", ran.out);
        assert!(lines[1].contains("differs"), "{}", ran.out);
        assert!(lines[2].starts_with(&format!("    reads {READS}")), "{}", ran.out);
        let ran = cache.rememo(&["why", &cache.key("5")]).right();
        assert!(ran.lines().len() == 2 && ran.lines()[1].starts_with("hit: "), "{}", ran.out);
        let object = &cache.rememo(&["why", &earlier, "--json"]).right().objects()[0];
        assert_eq!(object["hit"], json!(false));
        assert_eq!(object["reads"][0][0], "std::env::var");
    }
}

#[test]
fn why_of_an_entry_that_is_damaged_or_missing_tells_that() {
    let cache = Cache::with_discount(Layout::Files);
    let key = cache.key("3");
    let file = cache.root().join("blobs").join(&key[..2]).join(&key[2..]);
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    let ran = cache.rememo(&["why", &key]).wrong();
    assert!(ran.out.contains("damaged"), "{}", ran.out);
    fs::remove_file(&file).unwrap();
    let ran = cache.rememo(&["why", &key]).wrong();
    assert_eq!(ran.err, format!("rememo: there is no entry of the key {key}\n"));
}
