//! Compressed values that a program meets whose library has no feature `zstd`.

use rememo::{Layout, Memory, memo};

use crate::package::Package;

#[memo(track = "none", name = "text_of_both", compress)]
fn text(length: usize) -> String {
    "a".repeat(length)
}

/// The same function in the other program, which prints what it finds.
const PROGRAM: &str = r#"
use rememo::{Memory, memo};

#[memo(track = "none", name = "text_of_both")]
fn text(length: usize) -> String {
    "a".repeat(length)
}

fn main() {
    let memory = Memory::open(std::env::args_os().nth(1).unwrap()).unwrap();
    println!("contained {}", memory.contains(&text::delayed(5000)));
    println!("sound {}", memory.verify().unwrap().sound);
    println!("why {}", memory.why(&text::delayed(5000)));
    for _ in 0..2 {
        let outcome = memory.call_info(text::delayed(5000));
        println!("{:?} {}", outcome.source, outcome.value == text::uncached(5000));
    }
    println!("stored as it is {}", memory.entries().unwrap()[0].bytes() > 5000);
}
"#;

#[test]
fn a_program_without_the_feature_names_it_and_replaces_the_entry() {
    const REASON: &str = "its value is compressed with zstd: build with the feature `zstd`";
    for (name, layout) in [("without_zstd_log", Layout::Log), ("without_zstd_files", Layout::Files)] {
        let mut package = Package::new(name).file("src/main.rs", PROGRAM);
        let memory = Memory::builder().dir(package.dir().join("cache")).layout(layout).open().unwrap();
        memory.call(text::delayed(5000));
        assert!(memory.entries().unwrap()[0].bytes() < 1000, "it is compressed");
        drop(memory);
        let printed = package.print();
        let lines: Vec<_> = printed.lines().collect();
        let [contained, sound, why, first, second, stored] = lines[..] else { panic!("{printed}") };
        assert_eq!([contained, sound], ["contained false", "sound 1"], "it is not damaged");
        assert!(why.contains(REASON), "{why}");
        assert_eq!(first, format!("Miss(Unreadable({REASON:?})) true"));
        assert_eq!([second, stored], ["Hit true", "stored as it is true"]);
    }
}
