//! What is left when a name is believed that means two things: the process notices.

use std::marker::PhantomData;

use rememo::{Memory, MissReason, Why, memo};

use crate::support::{TestCache, hit, miss};

/// Beside the function stands a struct of its name, which the macro wrote, and of which it does not
/// know.
#[memo]
fn step(x: u64) -> u64 {
    x + 1
}

trait Told {
    const NUMBER: u64;
}

impl<F: Fn(u64) -> u64> Told for F {
    const NUMBER: u64 = 1;
}

impl Told for step {
    const NUMBER: u64 = 2;
}

impl Told for u8 {
    const NUMBER: u64 = 3;
}

#[memo]
fn told<T: Told>(of: PhantomData<T>, x: u64) -> u64 {
    let _ = of;
    x + T::NUMBER
}

fn of<T>(_: T) -> PhantomData<T> {
    PhantomData
}

/// The value, and whether the memory says why it has no key.
fn call<T: Told>(memory: &Memory, of: PhantomData<T>) -> (u64, bool) {
    let call = || told::delayed(of, 10);
    let value = memory.call(call());
    let Why::Miss(MissReason::Unkeyed(how)) = memory.why(&call()) else { return (value, false) };
    assert!(how.contains("have one name"), "{how}");
    assert!(!memory.contains(&call()) && memory.try_call(call()).is_err());
    (value, true)
}

#[test]
fn a_process_that_meets_two_types_of_one_name_remembers_neither() {
    let cache = TestCache::new();
    assert_eq!(call(&cache.memory, of(step)), (11, false));
    assert_eq!(hit(&cache.memory, told::delayed(of(step), 10)), 11);
    let troubles = cache.memory.stats().troubles;
    for _ in 0..2 {
        assert_eq!(call(&cache.memory, PhantomData::<step>), (12, true));
        assert_eq!(call(&cache.memory, of(step)), (11, true));
    }
    assert!(cache.memory.stats().troubles >= troubles + 4, "each call is counted");
    miss(&cache.memory, told::delayed(PhantomData::<u8>, 10));
    assert_eq!(call(&cache.memory, PhantomData::<u8>), (13, false));
}
