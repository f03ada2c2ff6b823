use std::fs;
use std::io::Write;

use super::*;

/// In seconds since 1970.
const TIME: u32 = 1_800_000_000;

fn now() -> u32 {
    TIME
}

fn by(program: &str) -> Author {
    Author::Other(Writer::new(program, "one").map(Arc::new))
}

fn fresh() -> (tempfile::TempDir, Arc<Dir>) {
    let temporary = tempfile::tempdir().unwrap();
    let dir = Arc::new(Dir::create(temporary.path()).unwrap());
    (temporary, dir)
}

fn name(writers: &Writers, number: u16) -> Option<String> {
    writers.name(number).map(|writer| writer.to_string())
}

#[test]
fn each_writer_has_a_number_that_all_processes_know() {
    let (_temporary, dir) = fresh();
    let (here, there) = (Writers::new(&dir), Writers::new(&dir));
    let mut numbers = Vec::new();
    for program in ["tune", "train", "tune"] {
        let number = here.number(&by(program), now, false);
        assert_eq!(there.number(&by(program), now, true), number);
        assert_eq!(name(&there, number).unwrap(), format!("{program} on one"));
        numbers.push(number);
    }
    assert!(numbers[0] == numbers[2] && numbers[0] != numbers[1] && !numbers.contains(&0), "{numbers:?}");
    let own = here.number(&Author::This, now, false);
    assert_eq!(*there.name(own).unwrap(), **Writer::own().unwrap());
    assert_eq!(here.number(&Author::Other(None), now, false), 0);
    // Asked for before it is there, and after.
    let new = Writers::new(&dir).number(&by("late"), now, false);
    assert_eq!(name(&here, new).unwrap(), "late on one");
    assert_eq!((name(&here, 0), name(&here, new.wrapping_add(1).max(1))), (None, None));
}

#[test]
fn writers_that_come_at_once_get_numbers_of_their_own() {
    let (_temporary, dir) = fresh();
    let number = |n: usize| Writers::new(&dir).number(&by(&format!("program {}", n % 20)), now, false);
    let numbers: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..40).map(|n| scope.spawn(move || number(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let writers = Writers::new(&dir);
    for (n, &number) in numbers.iter().enumerate() {
        assert_eq!(name(&writers, number).unwrap(), format!("program {} on one", n % 20));
    }
    assert_eq!(fs::read_to_string(dir.at(WRITERS)).unwrap().lines().count(), 20);
}

#[test]
fn a_table_that_is_damaged_anywhere_tells_the_right_name_or_none() {
    let (_temporary, dir) = fresh();
    let number = Writers::new(&dir).number(&by("tune"), now, false);
    let other = Writers::new(&dir).number(&by("train"), now, false);
    let sound = fs::read(dir.at(WRITERS)).unwrap();
    for byte in 0..sound.len() {
        let mut broken = sound.clone();
        broken[byte] ^= 1;
        for damaged in [&broken[..], &sound[..byte]] {
            fs::write(dir.at(WRITERS), damaged).unwrap();
            let writers = Writers::new(&dir);
            let told = [name(&writers, number), name(&writers, other)];
            assert!(told[0].as_deref().is_none_or(|name| name == "tune on one"), "byte {byte}: {told:?}");
            assert!(told[1].as_deref().is_none_or(|name| name == "train on one"), "byte {byte}: {told:?}");
            let is_one_row = damaged.len() == sound.len() && sound[byte] != b'\n';
            assert!(told.iter().any(Option::is_some) || !is_one_row, "byte {byte}");
            // Who writes on gets the number again, on a line of its own.
            for (program, number) in [("train", other), ("tune", number)] {
                assert_eq!(writers.number(&by(program), now, false), number, "byte {byte}");
                assert_eq!(name(&Writers::new(&dir), number).unwrap(), format!("{program} on one"));
            }
        }
    }
}

#[test]
fn a_number_that_is_taken_is_given_to_nobody_else() {
    let (_temporary, dir) = fresh();
    let number = Writers::new(&dir).number(&by("tune"), now, false);
    let other = Writer::new("other", "one").unwrap();
    fs::write(dir.at(WRITERS), format!("{}\n", row(number, &other))).unwrap();
    let writers = Writers::new(&dir);
    assert_eq!(writers.number(&by("tune"), now, false), number.wrapping_add(1).max(1));
    assert_eq!(name(&writers, number).unwrap(), "other on one");
}

#[test]
fn a_full_table_leaves_further_writers_unknown() {
    let (_temporary, dir) = fresh();
    fs::create_dir(dir.at("log")).unwrap();
    let mut table = Vec::new();
    for number in 1..=u16::MAX {
        let writer = Writer::new(&format!("program {number}"), "one").unwrap();
        writeln!(table, "{}", row(number, &writer)).unwrap();
    }
    fs::write(dir.at(WRITERS), &table).unwrap();
    let writers = Writers::new(&dir);
    assert_eq!(writers.number(&by("one more"), now, false), 0);
    assert_eq!(name(&writers, u16::MAX).unwrap(), "program 65535 on one");
    assert_eq!(fs::read(dir.at(WRITERS)).unwrap(), table);
}

#[test]
fn a_table_that_cannot_be_locked_is_tried_again_later() {
    let (_temporary, dir) = fresh();
    let (file, _) = dir.find_or_create(WRITERS).unwrap();
    file.lock().unwrap();
    let writers = Writers::new(&dir);
    assert_eq!(writers.number(&by("tune"), now, false), 0);
    drop(file);
    assert_eq!(writers.number(&by("tune"), || TIME + 9, false), 0, "it rests");
    assert_ne!(writers.number(&by("tune"), || TIME + 10, false), 0);
}
