//! Memoized functions of this very program: the library's own code is no part of what they reach.

use std::sync::atomic::{AtomicU64, Ordering};

use rememo::__private::code::{Boundary, Loaded, Reach, Running};
use rememo::memo;

#[memo]
fn cubed(x: u64) -> u64 {
    helper_of_cubed(x) + 1
}

#[inline(never)]
fn helper_of_cubed(x: u64) -> u64 {
    std::hint::black_box(x).pow(3)
}

#[memo]
fn other(x: u64) -> u64 {
    helper_of_other(x)
}

#[inline(never)]
fn helper_of_other(x: u64) -> u64 {
    std::hint::black_box(x) * 77
}

/// What code that runs before `main` may write counts, but nothing before `main` calls a memoized function.
static SHARED: AtomicU64 = AtomicU64::new(0);

#[memo]
fn counted(x: u64) -> u64 {
    helper_of_counted(x)
}

#[inline(never)]
fn helper_of_counted(x: u64) -> u64 {
    SHARED.fetch_add(1, Ordering::Relaxed);
    std::hint::black_box(x) * 3
}

#[memo]
fn also_counted(x: u64) -> u64 {
    helper_of_also_counted(x)
}

#[inline(never)]
fn helper_of_also_counted(x: u64) -> u64 {
    SHARED.fetch_add(2, Ordering::Relaxed);
    std::hint::black_box(x) * 5
}

/// Calls a memoized function.
#[inline(never)]
fn calls_cubed(x: u64) -> u64 {
    cubed(x) * 2
}

fn reach(function: fn(u64) -> u64) -> Reach {
    let loaded = Loaded::find().unwrap();
    let mut running =
        Running::read(&loaded, &Boundary::OF_THIS).unwrap_or_else(|obstacle| panic!("{obstacle}"));
    let address = loaded.address(function as usize).unwrap();
    running.program.reach(&[address]).unwrap_or_else(|obstacle| panic!("{obstacle}"))
}

fn has(reach: &Reach, name: &str) -> bool {
    reach.pieces.iter().any(|piece| piece.name().contains(name))
}

#[test]
fn the_registry_of_memoized_functions_draws_none_of_them_into_another() {
    let of_cubed = reach(cubed::uncached);
    assert!(has(&of_cubed, "helper_of_cubed"));
    assert!(!has(&of_cubed, "helper_of_other"));
    assert!(!has(&of_cubed, "rememo::"));
    assert!(has(&reach(other), "helper_of_other"));
}

#[test]
fn functions_that_write_the_same_static_are_not_drawn_into_each_other() {
    let of_counted = reach(counted);
    assert!(has(&of_counted, "helper_of_counted"));
    assert!(!has(&of_counted, "helper_of_also_counted"));
    assert!(has(&reach(also_counted), "helper_of_also_counted"));
}

#[test]
fn a_memoized_function_that_is_called_is_reached_and_the_library_is_only_named() {
    let reach = reach(calls_cubed);
    assert!(has(&reach, "helper_of_cubed"));
    assert!(!has(&reach, "helper_of_other"));
    // What writes and reads values and arguments leads to what their types say.
    let is_followed =
        |name: &str| ["rememo::codec::", "rememo::key::"].iter().any(|path| name.starts_with(path));
    let is_named = |name: &str| name.starts_with("rememo::") && !is_followed(name);
    let named: Vec<_> = reach.pieces.iter().filter(|piece| is_named(&piece.name())).collect();
    assert!(!named.is_empty());
    for piece in &named {
        let number = reach.pieces.iter().position(|other| std::ptr::eq(other, *piece));
        let leads_on = reach.pieces.iter().any(|other| other.parent == number);
        assert!(!leads_on, "{} is followed", piece.symbol);
    }
}
