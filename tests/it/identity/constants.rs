//! Const parameters of every kind, and types whose names differ only a little.

use std::borrow::Cow;
use std::fmt::Debug;
use std::marker::PhantomData;

use rememo::memo;

use crate::support::{TestCache, hit, miss};

#[memo]
fn of_char<const C: char, const N: i32>(x: u64) -> (u64, char, i32) {
    (x, C, N)
}

#[memo]
fn of_bool<const B: bool, const C: bool>(x: u64) -> (u64, bool, bool) {
    (x, B, C)
}

#[memo]
fn of_i128<const N: i128>(x: u64) -> (u64, i128) {
    (x, N)
}

#[memo]
fn of_u128<const N: u128>(x: u64) -> (u64, u128) {
    (x, N)
}

#[memo]
fn of_i8<const N: i8>(x: u64) -> (u64, i8) {
    (x, N)
}

#[memo]
fn of_u8<const N: u8, const M: u8>(x: u64) -> (u64, u8, u8) {
    (x, N, M)
}

#[memo]
fn of_usize<const N: usize>(x: u64) -> (u64, usize) {
    (x, N)
}

#[memo]
fn of_isize<const N: isize>(x: u64) -> (u64, isize) {
    (x, N)
}

/// A type with const parameters.
#[derive(serde::Serialize)]
struct Grid<const C: char, const N: i64>(u64);

impl<const C: char, const N: i64> Grid<C, N> {
    #[memo]
    fn fill(&self, x: u64) -> (u64, char, i64) {
        (self.0 + x, C, N)
    }
}

/// Expects that all these instances differ: each is computed once, and then found.
macro_rules! expect_apart {
    ($($function:ident[$($constant:expr),+]),+ $(,)?) => {{
        let cache = TestCache::new();
        $(
            let uncached = $function::uncached::<$({ $constant }),+>(7);
            assert_eq!(miss(&cache.memory, $function::delayed::<$({ $constant }),+>(7)), uncached);
        )+
        $(
            let uncached = $function::uncached::<$({ $constant }),+>(7);
            assert_eq!(hit(&cache.memory, $function::delayed::<$({ $constant }),+>(7)), uncached);
        )+
        assert_eq!(cache.memory.stats().troubles, 0);
    }};
}

#[test]
fn characters_that_stand_for_something_in_the_names_of_types() {
    expect_apart!(
        of_char['>', 1],
        of_char['>', 10],
        of_char['<', 1],
        of_char['<', 10],
        of_char['\'', 1],
        of_char['\'', 10],
        of_char['"', 1],
        of_char['"', 10],
        of_char['\\', 1],
        of_char['\\', 10],
        of_char[',', 1],
        of_char[',', 10],
        of_char['{', 1],
        of_char['{', 10],
        of_char['}', 1],
        of_char['}', 10],
        of_char['(', 1],
        of_char['(', 10],
        of_char[':', 1],
        of_char[':', 10],
        of_char['-', 1],
        of_char['-', 10],
        of_char['a', 1],
        of_char['a', 10],
        of_char['_', 1],
        of_char['_', 10],
        of_char[' ', 1],
        of_char['\n', 1],
        of_char['\0', 1],
        of_char['\u{301}', 1],
        of_char['\u{301}', 10],
        of_char['\u{202e}', 1],
        of_char['é', 1],
        of_char['é', 10],
        of_char['›', 1],
        of_char['🦀', 1],
        of_char['🦀', 10],
        of_char['🦀', i32::MIN],
        of_char['🦀', i32::MAX],
        of_char['🦀', -1],
    );
}

#[test]
fn numbers_and_truth_values() {
    expect_apart!(of_bool[true, false], of_bool[false, true], of_bool[true, true], of_bool[false, false]);
    expect_apart!(
        of_i128[0],
        of_i128[1],
        of_i128[-1],
        of_i128[i128::MIN],
        of_i128[i128::MIN + 1],
        of_i128[i128::MAX],
        of_i128[u64::MAX as i128],
        of_i128[u64::MAX as i128 + 1],
        of_i128[-(u64::MAX as i128)],
    );
    expect_apart!(of_u128[0], of_u128[u64::MAX as u128], of_u128[u64::MAX as u128 + 1], of_u128[u128::MAX]);
    expect_apart!(of_i8[1], of_i8[-1], of_i8[11], of_i8[i8::MIN], of_i8[i8::MAX]);
    expect_apart!(of_u8[1, 11], of_u8[11, 1], of_u8[1, 1], of_u8[u8::MAX, 0], of_u8[0, u8::MAX]);
    expect_apart!(of_usize[0], of_usize[1], of_usize[10], of_usize[usize::MAX]);
    expect_apart!(of_isize[0], of_isize[-1], of_isize[isize::MIN], of_isize[isize::MAX]);
}

#[test]
fn constants_of_the_type_that_a_method_is_of() {
    let cache = TestCache::new();
    for expect in [miss, hit] {
        assert_eq!(expect(&cache.memory, Grid::<'>', 1>(5).fill_delayed(2)), (7, '>', 1));
    }
    for expect in [miss, hit] {
        assert_eq!(expect(&cache.memory, Grid::<'>', 10>(5).fill_delayed(2)), (7, '>', 10));
    }
    for expect in [miss, hit] {
        assert_eq!(expect(&cache.memory, Grid::<'<', -1>(5).fill_delayed(2)), (7, '<', -1));
    }
    for expect in [miss, hit] {
        assert_eq!(expect(&cache.memory, Grid::<'<', { i64::MIN }>(5).fill_delayed(2)), (7, '<', i64::MIN));
    }
}

/// What a value of a type would be, told by the type alone.
trait Told {
    const NUMBER: u64;
}

/// Gives each of these types a number, and writes a test that calls a memoized function of each and
/// expects all to be told apart.
macro_rules! types_apart {
    (fn $name:ident() { $($number:literal: $of:ty),+ $(,)? }) => {
        $(
            #[allow(coherence_leak_check, reason = "that they are different types is the point")]
            impl Told for PhantomData<$of> {
                const NUMBER: u64 = $number;
            }
        )+

        #[test]
        fn $name() {
            let cache = TestCache::new();
            for expect in [miss, hit] {
                $( assert_eq!(expect(&cache.memory, told::delayed::<$of>(100)), 100 + $number, stringify!($of)); )+
            }
            assert_eq!(cache.memory.stats().troubles, 0);
        }
    };
}

#[memo]
fn told<T: ?Sized>(x: u64) -> u64
where
    PhantomData<T>: Told,
{
    x + PhantomData::<T>::NUMBER
}

struct Lent<'a>(#[expect(dead_code, reason = "only the type counts")] &'a u8);

trait Visit<'a> {}

trait Open {
    type Out;
}

types_apart! {
    fn types_that_borrow_pointers_to_functions_and_trait_objects() {
        1: str,
        2: String,
        3: &'static str,
        4: Cow<'static, str>,
        5: [u8],
        6: [u8; 3],
        7: [u8; 30],
        8: &'static [u8],
        9: Lent<'static>,
        10: Option<Lent<'static>>,
        11: fn(u8) -> u8,
        12: fn(u8),
        13: unsafe fn(u8),
        14: extern "C" fn(u8),
        15: dyn Debug,
        16: dyn Debug + Send,
        17: dyn Debug + Send + Sync,
        18: dyn Open<Out = u8>,
        19: dyn Open<Out = u16>,
        20: dyn Open<Out = fn(u8) -> u8>,
        21: dyn Fn(u8) -> u8,
        22: dyn Fn(u8),
        23: *const u8,
        24: *mut u8,
        25: (u8,),
        26: (u8, u8),
        27: ((u8,), u8),
        28: (u8, (u8,)),
        29: Box<dyn Debug>,
        30: Box<dyn Debug + Send>,
    }
}

// The compiler calls them almost, or exactly, alike.
types_apart! {
    fn types_that_differ_in_which_lifetimes_they_take() {
        31: for<'a> fn(&'a u16),
        32: fn(&'static u16),
        33: for<'a> fn(Lent<'a>),
        34: fn(Lent<'static>),
        35: dyn for<'a> Visit<'a>,
        36: dyn Visit<'static>,
        37: for<'a> fn(&'a u16) -> for<'b> fn(&'b u16),
        38: for<'a> fn(&'a u16) -> fn(&'static u16),
        39: Box<dyn for<'a> Fn(Lent<'a>)>,
        40: Box<dyn Fn(Lent<'static>)>,
    }
}
