use std::collections::HashMap;

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
    table.find(hash(number), |_, address| (number_at(address) == number).then_some(address))
}

#[test]
fn the_highest_address_of_each_key_is_found_until_the_table_is_full() {
    let words = words(768, AtomicU64::new);
    let table = Table::new(&words);
    let mut model = HashMap::new();
    for version in [1, 0, 2] {
        for number in 0..500 {
            let published =
                table.publish(hash(number), address(number, version), 0, |other| number_at(other) == number);
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
    assert_eq!((table.used(), table.entries().count(), table.is_crowded()), (500, 500, false));
    for number in 500..768 {
        assert_eq!(
            table.publish(hash(number), address(number, 0), 0, |other| number_at(other) == number),
            Published::Inserted
        );
    }
    assert_eq!(table.publish(hash(999), address(999, 0), 0, |_| false), Published::Full);
    assert!((0..768).all(|number| look_up(&table, number).is_some()) && table.is_crowded());
}

#[test]
fn a_slot_whose_entry_is_gone_is_found_no_more_and_not_used_again() {
    let words = words(8, AtomicU64::new);
    let table = Table::new(&words);
    table.publish(hash(1), address(1, 0), 0, |_| false);
    let slot = table.entries().next().unwrap().0;
    assert!(!table.change(slot, address(1, 5), None), "it tells another address");
    assert!(table.change(slot, address(1, 0), Some(address(1, 1))));
    assert_eq!(look_up(&table, 1), Some(address(1, 1)));
    assert!(table.change(slot, address(1, 1), None));
    assert_eq!(look_up(&table, 1), None);
    assert!(!table.change(slot, address(1, 1), Some(address(1, 2))));
    assert_eq!(table.publish(hash(1), address(1, 3), 0, |_| true), Published::Inserted);
    assert_eq!((look_up(&table, 1), table.used()), (Some(address(1, 3)), 2));
}

/// A reduction copies a record, makes the slot tell the copy and unlinks the old place, while somebody looks at that: he must not
/// take the key for absent, nor give it a second slot.
#[test]
fn a_record_that_is_moved_while_it_is_looked_at_is_found_in_its_new_place() {
    let words = words(8, AtomicU64::new);
    let table = Table::new(&words);
    table.publish(hash(1), address(1, 0), 0, |_| false);
    let slot = table.entries().next().unwrap().0;
    let moved_from = |old: u64, seen: Address| {
        table.change(slot, address(1, old), Some(address(1, old + 1)));
        seen == address(1, old + 1)
    };
    assert_eq!(table.find(hash(1), |_, seen| moved_from(0, seen).then_some(seen)), Some(address(1, 1)));
    let published = table.publish(hash(1), address(1, 5), 0, |seen| moved_from(1, seen));
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
            assert_eq!(table.find(hash(number), |_, _| None::<()>), None);
            assert_eq!(table.publish(hash(number), address(number, 0), 0, |_| false), Published::Full);
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
                            Table::new(&words).publish(hash(number), address(number, version), 0, |other| {
                                number_at(other) == number
                            });
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

/// A table is copied while another thread publishes: what is acknowledged is in the copy. (Without the second look at the seal,
/// shuttle finds a lost record within a few of these runs; this was tried.)
#[test]
fn what_is_published_while_a_table_is_copied_is_in_the_copy() {
    shuttle::check_random(
        || {
            let tables = Arc::new([words(4, ShuttleU64::new), words(8, ShuttleU64::new)]);
            let writer = {
                let tables = Arc::clone(&tables);
                shuttle::thread::spawn(move || {
                    let [old, new] = [Table::new(&tables[0]), Table::new(&tables[1])];
                    for number in 0..3 {
                        let same = |other| number_at(other) == number;
                        old.publish(hash(number), address(number, 0), 0, same);
                        if old.is_sealed() {
                            while !old.is_retired() {
                                shuttle::thread::yield_now();
                            }
                            new.publish(hash(number), address(number, 0), 0, same);
                        }
                    }
                })
            };
            let [old, new] = [Table::new(&tables[0]), Table::new(&tables[1])];
            old.set_sealed(true);
            for (_, address) in old.entries() {
                let number = number_at(address);
                new.publish(hash(number), address, 0, |other| number_at(other) == number);
            }
            old.retire();
            writer.join().unwrap();
            assert!((0..3).all(|number| look_up(&new, number) == Some(address(number, 0))));
            assert_eq!(new.used(), 3);
        },
        2000,
    );
}

/// A reduction moves an entry while it is replaced: the replacement stays, and the copy is known to be void.
#[test]
fn an_entry_that_is_replaced_while_it_is_moved_stays_replaced() {
    shuttle::check_random(
        || {
            let words = Arc::new(words(4, ShuttleU64::new));
            Table::new(&words).publish(hash(1), address(1, 0), 0, |_| true);
            let reducer = {
                let words = Arc::clone(&words);
                shuttle::thread::spawn(move || {
                    let table = Table::new(&words);
                    let slot = table.find(hash(1), |slot, at| (at == address(1, 0)).then_some(slot));
                    slot.is_some_and(|slot| table.change(slot, address(1, 0), Some(address(1, 1))))
                })
            };
            let table = Table::new(&words);
            let published = table.publish(hash(1), address(1, 2), 0, |other| number_at(other) == 1);
            let moved = reducer.join().unwrap();
            let from = if moved { address(1, 1) } else { address(1, 0) };
            assert_eq!(published, Published::Replaced(from));
            assert_eq!(look_up(&table, 1), Some(address(1, 2)));
        },
        1000,
    );
}
