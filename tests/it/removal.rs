//! What removes entries: by function, by name, by key, by age of the code.

use std::fs;

use rememo::{Layout, Memory, memo};

use crate::support::{TestCache, files_below, hit, miss};

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

#[memo(name = "cube")]
fn cube(x: u64) -> u64 {
    x * x * x
}

/// Later states of the program.
mod later {
    #[rememo::memo(name = "cube")]
    pub fn cube(x: u64) -> u64 {
        x.pow(3)
    }

    pub mod version {
        #[rememo::memo(name = "cube", version = 2)]
        pub fn cube(x: u64) -> u64 {
            x * x * x
        }
    }

    pub mod body {
        #[rememo::memo(name = "cube of its body", track = "body")]
        pub fn cube(x: u64) -> u64 {
            x * x * x
        }

        pub mod later {
            #[rememo::memo(name = "cube of its body", track = "body")]
            pub fn cube(x: u64) -> u64 {
                x.pow(3)
            }
        }
    }
}

fn caches() -> [TestCache; 2] {
    [TestCache::new(), TestCache::files()]
}

#[test]
fn functions_are_cleared_by_name_also_when_the_program_has_them_no_more() {
    for cache in caches() {
        let memory = &cache.memory;
        miss(memory, square::delayed(2));
        miss(memory, cube::delayed(2));
        miss(memory, later::cube::delayed(2));
        let another = cache.reopen();
        assert!(another.clear_name("cube").unwrap());
        assert!(!another.clear_name("tesseract").unwrap());
        assert_eq!(memory.stats().entries, 1);
        hit(memory, square::delayed(2));
    }
}

#[test]
fn older_code_is_cleared_and_what_the_code_of_now_finds_stays() {
    for cache in caches() {
        let memory = &cache.memory;
        miss(memory, square::delayed(2));
        miss(memory, cube::delayed(2));
        miss(memory, later::version::cube::delayed(2));
        // This code has not been here yet: what is older than it is not known.
        memory.clear_older(later::cube::info()).unwrap();
        assert_eq!(memory.stats().entries, 3);
        miss(memory, later::cube::delayed(2));
        memory.clear_older(later::cube::info()).unwrap();
        assert_eq!(memory.stats().entries, 2);
        hit(memory, later::cube::delayed(2));
        hit(memory, square::delayed(2));

        miss(memory, later::body::cube::delayed(2));
        miss(memory, later::body::later::cube::delayed(2));
        memory.clear_older(later::body::later::cube::info()).unwrap();
        hit(memory, later::body::later::cube::delayed(2));
        assert!(!memory.contains(&later::body::cube::delayed(2)));
    }
}

#[test]
fn code_that_was_adopted_is_not_older() {
    for cache in caches() {
        let memory = &cache.memory;
        miss(memory, cube::delayed(2));
        memory.adopt(later::cube::info()).unwrap();
        hit(memory, later::cube::delayed(2));
        memory.clear_older(later::cube::info()).unwrap();
        hit(memory, later::cube::delayed(2));
        // What the adopted code has stored goes when that is taken back, and the rest stays.
        miss(memory, later::cube::delayed(3));
        memory.forget(later::cube::info()).unwrap();
        assert!(!memory.contains(&later::cube::delayed(2)));
        hit(memory, cube::delayed(2));
        assert!(!memory.contains(&cube::delayed(3)));
    }
}

#[test]
fn only_code_that_has_states_is_adopted() {
    let cache = TestCache::new();
    let error = cache.memory.adopt(later::body::cube::info()).unwrap_err();
    assert_eq!(error.function(), Some("cube of its body"));
    assert!(Memory::disabled().adopt(cube::info()).is_ok());
}

#[test]
fn entries_are_removed_by_their_keys() {
    for cache in caches() {
        let memory = &cache.memory;
        miss(memory, square::delayed(2));
        miss(memory, square::delayed(3));
        let entries = memory.entries().unwrap();
        let entry = entries.iter().find(|entry| entry.arguments() == "2").unwrap();
        assert_eq!(square::delayed(2).key(memory).unwrap(), entry.key());
        assert!(memory.remove_key(&entry.key()).unwrap());
        assert!(!memory.remove_key(&entry.key()).unwrap());
        assert!(!memory.contains(&square::delayed(2)));
        hit(memory, square::delayed(3));
    }
}

#[test]
fn orphans_are_entries_without_a_record_and_nothing_else() {
    for cache in caches() {
        let memory = &cache.memory;
        miss(memory, square::delayed(2));
        miss(memory, cube::delayed(2));
        memory.clear_orphans().unwrap();
        assert_eq!(memory.stats().entries, 2);
        let of_cube =
            |path: &&std::path::PathBuf| fs::read_to_string(path).unwrap().contains("\"name\": \"cube\"");
        let records = files_below(&cache.root().join("functions"));
        fs::remove_file(records.iter().find(of_cube).unwrap()).unwrap();
        cache.reopen().clear_orphans().unwrap();
        assert!(!memory.contains(&cube::delayed(2)));
        hit(memory, square::delayed(2));
    }
}

#[test]
fn a_tilde_is_expanded_in_the_variable_and_refused_in_a_path() {
    assert!(Memory::open("").unwrap_err().to_string().contains("its path is empty"));
    for path in ["~", "~/cache"] {
        for error in [Memory::open(path).unwrap_err(), Memory::open_existing(path).unwrap_err()] {
            assert!(error.to_string().contains("is the home directory to shells alone"), "{error}");
        }
    }
    let cache = TestCache::new();
    let odd = cache.beside("~");
    Memory::builder().dir(&odd).layout(Layout::Files).open().unwrap();
    assert!(odd.join("format").exists());
}
