use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicU64 as ShuttleU64, Ordering::SeqCst as ShuttleSeqCst};

use super::*;

impl Word for ShuttleU64 {
    fn load(&self) -> u64 {
        ShuttleU64::load(self, ShuttleSeqCst)
    }

    fn store(&self, value: u64) {
        ShuttleU64::store(self, value, ShuttleSeqCst);
    }

    fn add(&self, value: u64) {
        self.fetch_add(value, ShuttleSeqCst);
    }

    fn replace(&self, current: u64, new: u64) -> Result<(), u64> {
        self.compare_exchange(current, new, ShuttleSeqCst, ShuttleSeqCst).map(drop)
    }
}

fn words<W>(capacity: usize, new: impl Fn(u64) -> W) -> Vec<W> {
    (0..Table::<AtomicU64>::words(capacity)).map(|_| new(0)).collect()
}

fn hash(number: u64) -> Hash {
    Hash::of(&crate::store::suite::key(number))
}

/// The record of key `number`, version `version`: an address that tells both.
fn address(number: u64, version: u64) -> Address {
    Address(8 * (1 + number + 1000 * version))
}

fn number_at(address: Address) -> u64 {
    (address.0 / 8 - 1) % 1000
}

fn look_up<W: Word>(table: &Table<'_, W>, number: u64) -> Option<Address> {
    find(table, number, |address| (number_at(address) == number).then_some(address))
}

fn find<W: Word, R>(table: &Table<'_, W>, number: u64, visit: impl Fn(Address) -> Option<R>) -> Option<R> {
    let Ok(found) = table.find(hash(number), |_, address| Ok::<_, Infallible>(visit(address)));
    found
}

/// Publishes a record of key `number`, where `is_same` tells whether another record is of it.
fn publish_if<W: Word>(
    table: &Table<'_, W>,
    number: u64,
    address: Address,
    is_same: impl Fn(Address) -> bool,
) -> Published {
    let Ok(published) = table.publish(hash(number), address, 0, |other| Ok::<_, Infallible>(is_same(other)));
    published
}

fn publish<W: Word>(table: &Table<'_, W>, number: u64, address: Address) -> Published {
    publish_if(table, number, address, |other| number_at(other) == number)
}

#[test]
fn the_highest_address_of_each_key_is_found_until_the_table_is_full() {
    let words = words(768, AtomicU64::new);
    let table = Table::new(&words);
    let mut model = HashMap::new();
    for version in [1, 0, 2] {
        for number in 0..500 {
            let published = publish(&table, number, address(number, version));
            let expected = match model.get(&number) {
                None => Published::Inserted,
                Some(&old) if old > address(number, version) => Published::Newer,
                Some(&old) => Published::Replaced(old),
            };
            assert_eq!(published, expected);
            if published != Published::Newer {
                model.insert(number, address(number, version));
            }
        }
    }
    assert!((0..500).all(|number| look_up(&table, number) == Some(address(number, 2))));
    assert!((500..600).all(|number| look_up(&table, number).is_none()));
    assert_eq!((table.used(), table.entries().count(), table.should_grow_for(1)), (500, 500, false));
    let inserted = (500..768).filter(|&number| match publish(&table, number, address(number, 0)) {
        Published::Inserted => true,
        published => {
            assert_eq!(published, Published::Full);
            false
        }
    });
    let inserted: Vec<_> = inserted.collect();
    assert!(inserted.len() > 240, "{} are full", 500 + inserted.len());
    assert!((0..500).chain(inserted).all(|number| look_up(&table, number).is_some()));
    assert!(table.should_grow_for(1) && !table.should_grow_for(1000) && !table.should_grow_for(0));
}

/// What no slot has the tag of is lacking. What was added is found, and published as what was published before.
#[test]
fn keys_that_are_added_to_a_new_table_are_those_that_it_has() {
    let words = words(768, AtomicU64::new);
    let table = Table::new(&words);
    let added = (0..600).filter(|&number| {
        assert!(table.lacks(hash(number)), "{number}");
        table.add(hash(number), address(number, 1), 5)
    });
    assert_eq!((added.count(), table.used(), table.entries().count()), (600, 600, 600));
    for number in 0..600 {
        assert!(!table.lacks(hash(number)) && look_up(&table, number) == Some(address(number, 1)));
        assert_eq!(publish(&table, number, address(number, 1)), Published::Already);
        assert_eq!(publish(&table, number, address(number, 2)), Published::Replaced(address(number, 1)));
    }
    let more = (600..1000).filter(|&number| table.add(hash(number), address(number, 1), 5)).count();
    assert!((100..=168).contains(&more) && table.used() == 600 + more as u64, "{more} more");
}

/// A million keys in a table that is about to grow, and in one that has just grown: how many lines a look-up reads.
#[test]
fn a_key_is_in_its_line_or_near_it_however_full_the_table_is() {
    const KEYS: u64 = 1_000_000;
    for (full, hit, miss, longest) in [(72, 120, 200, 20), (90, 160, 550, 100)] {
        let capacity = usize::try_from(KEYS * 100 / full).unwrap().next_multiple_of(LINE);
        let words = words(capacity, AtomicU64::new);
        let table = Table::new(&words);
        let hash = |number: u64| Hash(u32::try_from(blake3_word(number) >> 36).unwrap());
        let lines_until = |number: u64, is_it: &dyn Fn(u64) -> bool| {
            let mut lines = table.probe(hash(number));
            let found =
                |line: usize| table.lines[line].iter().step_by(2).any(|word| is_it(word.load(SeqCst)));
            1 + lines.position(found).expect("it is there")
        };
        for number in 0..KEYS {
            let published =
                table.publish(hash(number), Address(8 * (number + 1)), 1, |_| Ok::<_, Infallible>(false));
            assert_eq!(published, Ok(Published::Inserted));
        }
        let hits: Vec<_> = (0..KEYS)
            .step_by(10)
            .map(|number| lines_until(number, &|word| address_of(word) == Some(Address(8 * (number + 1)))))
            .collect();
        let misses: Vec<_> =
            (KEYS..KEYS * 11 / 10).map(|number| lines_until(number, &|word| word == 0)).collect();
        let hundredths = |lines: &[usize]| 100 * lines.iter().sum::<usize>() / lines.len();
        let (a_hit, a_miss, most) = (hundredths(&hits), hundredths(&misses), *hits.iter().max().unwrap());
        println!("{full} % full: {a_hit} hundredths of a line a hit, {most} lines at most, {a_miss} a miss");
        assert!(a_hit < hit && a_miss < miss && most < longest, "{full} % full: {a_hit}, {a_miss}, {most}");
    }
}

fn blake3_word(number: u64) -> u64 {
    u64::from_le_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes().first_chunk().unwrap())
}

/// A copy of a table, of a table that has grown several times, has each key where it is looked for, and nothing but the slots
/// was read for it.
#[test]
fn slots_tell_where_their_keys_belong_in_a_larger_table() {
    let mut words_of_one = words(LINE, AtomicU64::new);
    let mut number = 0;
    for capacity in [64, 80, 100, 1000, 100_000, 3 * LINE] {
        let larger = words(capacity, AtomicU64::new);
        {
            let (old, new) = (Table::new(&words_of_one), Table::new(&larger));
            for (slot, address) in old.entries() {
                let hash = old.told(slot).hash().expect("its note is written");
                let published = new.publish(hash, address, old.note(slot), |_| Ok::<_, Infallible>(false));
                assert!(matches!(published, Ok(Published::Inserted | Published::Full)), "{published:?}");
            }
            assert!(old.used().min(12) <= new.used());
            let is_there = |number| capacity < 64 || look_up(&new, number) == Some(address(number, 1));
            assert!((0..number).all(is_there), "{capacity}");
            while new.used() < (capacity as u64).min(900) * 3 / 4 {
                let published =
                    new.publish(hash(number), address(number, 1), 1, |_| Ok::<_, Infallible>(false));
                assert_eq!(published, Ok(Published::Inserted));
                number += 1;
            }
        }
        words_of_one = larger;
    }
    assert!(number >= 675, "{number}");
}

#[test]
fn a_slot_without_its_note_does_not_tell_its_hash() {
    let words = words(LINE, AtomicU64::new);
    let table = Table::new(&words);
    assert_eq!(publish(&table, 1, address(1, 0)), Published::Inserted);
    let slot = table.entries().next().unwrap().0;
    table.set_note(slot, 0);
    assert_eq!(table.told(slot).hash(), None);
    let published = table.publish(hash(1), address(1, 0), 9, |_| Ok::<_, Infallible>(true));
    assert_eq!((published, table.told(slot).hash()), (Ok(Published::Already), Some(hash(1))));
}

#[test]
fn a_slot_whose_entry_is_gone_is_found_no_more_and_not_used_again() {
    let words = words(8, AtomicU64::new);
    let table = Table::new(&words);
    publish(&table, 1, address(1, 0));
    let slot = table.entries().next().unwrap().0;
    assert!(!table.change(slot, address(1, 5), None), "it tells another address");
    assert!(table.change(slot, address(1, 0), Some(address(1, 1))));
    assert_eq!(look_up(&table, 1), Some(address(1, 1)));
    assert!(table.change(slot, address(1, 1), None));
    assert_eq!(look_up(&table, 1), None);
    assert!(!table.change(slot, address(1, 1), Some(address(1, 2))));
    assert_eq!(publish_if(&table, 1, address(1, 3), |_| true), Published::Inserted);
    assert_eq!((look_up(&table, 1), table.used()), (Some(address(1, 3)), 2));
}

/// A reduction copies a record, makes the slot tell the copy and unlinks the old place, while somebody looks at that: he must not
/// take the key for absent, nor give it a second slot.
#[test]
fn a_record_that_is_moved_while_it_is_looked_at_is_found_in_its_new_place() {
    let words = words(8, AtomicU64::new);
    let table = Table::new(&words);
    publish(&table, 1, address(1, 0));
    let slot = table.entries().next().unwrap().0;
    let moved_from = |old: u64, seen: Address| {
        table.change(slot, address(1, old), Some(address(1, old + 1)));
        seen == address(1, old + 1)
    };
    assert_eq!(find(&table, 1, |seen| moved_from(0, seen).then_some(seen)), Some(address(1, 1)));
    let published = publish_if(&table, 1, address(1, 5), |seen| moved_from(1, seen));
    assert_eq!((published, table.used()), (Published::Replaced(address(1, 2)), 1));
}

#[test]
fn any_words_are_a_table_that_answers() {
    for seed in 0..50_u64 {
        let mut state = seed;
        let words = words(768, |_| AtomicU64::new(0));
        for word in &words {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word.store(if seed == 0 { u64::MAX } else { state }, SeqCst);
        }
        let table = Table::new(&words);
        for number in 0..100 {
            assert_eq!(find(&table, number, |_| None::<()>), None);
            assert_eq!(publish_if(&table, number, address(number, 0), |_| false), Published::Full);
        }
        assert!(table.entries().count() <= 768);
    }
}

/// Two threads publish versions of the same keys; whatever the order, each key has one slot, with the highest address.
#[test]
fn threads_that_publish_one_key_meet_at_one_slot() {
    shuttle::check_random(
        || {
            let words = Arc::new(words(4, ShuttleU64::new));
            let threads: Vec<_> = (0..3)
                .map(|version| {
                    let words = Arc::clone(&words);
                    shuttle::thread::spawn(move || {
                        for number in 0..2 {
                            publish(&Table::new(&words), number, address(number, version));
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            let table = Table::new(&words);
            assert_eq!((table.used(), table.entries().count()), (2, 2));
            assert!((0..2).all(|number| look_up(&table, number) == Some(address(number, 2))));
        },
        2000,
    );
}

/// A table is copied while another thread publishes: what is acknowledged is in the copy, and so is what was there before and
/// nobody touches. (Without the second look at the seal, or without the slots that changed since the snapshot, shuttle finds a lost
/// record within a few of these runs; both was tried.)
#[test]
fn what_is_published_while_a_table_is_copied_is_in_the_copy() {
    shuttle::check_random(
        || {
            let tables = Arc::new([words(4, ShuttleU64::new), words(8, ShuttleU64::new)]);
            publish(&Table::new(&tables[0]), 3, address(3, 0));
            publish(&Table::new(&tables[0]), 0, address(0, 0));
            let writer = {
                let tables = Arc::clone(&tables);
                shuttle::thread::spawn(move || {
                    let [old, new] = [Table::new(&tables[0]), Table::new(&tables[1])];
                    for number in 0..3 {
                        publish(&old, number, address(number, 1));
                        if old.is_sealed() {
                            while !old.is_retired() {
                                shuttle::thread::yield_now();
                            }
                            publish(&new, number, address(number, 1));
                        }
                    }
                })
            };
            let [old, new] = [Table::new(&tables[0]), Table::new(&tables[1])];
            let snapshot = old.snapshot();
            for (_, address) in old.entries() {
                publish(&new, number_at(address), address);
            }
            old.set_sealed(true);
            for (_, address) in old.changed_since(&snapshot) {
                publish(&new, number_at(address), address);
            }
            old.retire();
            writer.join().unwrap();
            assert!((0..3).all(|number| look_up(&new, number) == Some(address(number, 1))));
            assert_eq!((look_up(&new, 3), new.used()), (Some(address(3, 0)), 4));
        },
        2000,
    );
}

/// A reduction copies an entry while it is replaced, and may be killed at any point: of all records in the log the one of the highest
/// address is the replacement, so a rebuild comes to that. (Without the announcement, or without the look at the slot after it,
/// shuttle finds a copy behind the replacement within a few of these runs; both was tried.)
#[test]
fn no_copy_of_an_entry_comes_after_what_replaced_it() {
    shuttle::check_random(
        || {
            let words = Arc::new(words(4, ShuttleU64::new));
            // Records are numbered by the order of their addresses.
            let (tail, copies) = (Arc::new(ShuttleU64::new(1)), Arc::new(ShuttleU64::new(0)));
            let log = Arc::new(shuttle::sync::Mutex::new(vec![(0, "original")]));
            publish(&Table::new(&words), 1, address(1, 0));
            let reducer = {
                let (words, tail, copies, log) =
                    (Arc::clone(&words), Arc::clone(&tail), Arc::clone(&copies), Arc::clone(&log));
                shuttle::thread::spawn(move || {
                    let table = Table::new(&words);
                    let Some((slot, from)) = table.entries().next() else { return };
                    if from != address(1, 0) {
                        return;
                    }
                    let to = tail.fetch_add(1, ShuttleSeqCst);
                    copies.fetch_max(to + 1, ShuttleSeqCst);
                    if table.address(slot) == Some(from) {
                        log.lock().unwrap().push((to, "copy"));
                        table.change(slot, from, Some(address(1, to)));
                    }
                })
            };
            let table = Table::new(&words);
            loop {
                let at = tail.fetch_add(1, ShuttleSeqCst);
                log.lock().unwrap().push((at, "replacement"));
                let published = publish(&table, 1, address(1, at));
                if published != Published::Newer && copies.load(ShuttleSeqCst) <= at {
                    break;
                }
            }
            // As a rebuild after a kill at this very point would find it.
            assert_eq!(log.lock().unwrap().iter().max().unwrap().1, "replacement");
            reducer.join().unwrap();
            let log = log.lock().unwrap();
            let &(last, what) = log.iter().max().unwrap();
            assert_eq!((what, look_up(&table, 1)), ("replacement", Some(address(1, last))));
        },
        if std::env::var_os("REMEMO_TEST_LONG").is_some() { 20_000 } else { 2_000 },
    );
}

/// A reduction moves an entry while it is replaced: the replacement stays, and the copy is known to be void.
#[test]
fn an_entry_that_is_replaced_while_it_is_moved_stays_replaced() {
    shuttle::check_random(
        || {
            let words = Arc::new(words(4, ShuttleU64::new));
            publish(&Table::new(&words), 1, address(1, 0));
            let reducer = {
                let words = Arc::clone(&words);
                shuttle::thread::spawn(move || {
                    let table = Table::new(&words);
                    let found = |slot, at| Ok::<_, Infallible>((at == address(1, 0)).then_some(slot));
                    let Ok(slot) = table.find(hash(1), found);
                    slot.is_some_and(|slot| table.change(slot, address(1, 0), Some(address(1, 1))))
                })
            };
            let table = Table::new(&words);
            let published = publish(&table, 1, address(1, 2));
            let moved = reducer.join().unwrap();
            let from = if moved { address(1, 1) } else { address(1, 0) };
            assert_eq!(published, Published::Replaced(from));
            assert_eq!(look_up(&table, 1), Some(address(1, 2)));
        },
        1000,
    );
}
