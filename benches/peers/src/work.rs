//! The work that all stores do: one function, its key, its values, and the order in which it is asked for.
//!
//! rememo makes its keys itself. The others get the key that rememo makes, blake3 over the same bytes of the same arguments, so
//! that all pay for it and a difference is one of the stores.

use std::time::{Duration, Instant};

use rememo::memo;

/// The second argument of every call.
pub(crate) const LABEL: &str = "wine";
/// Bytes of a value.
pub(crate) const VALUE_BYTES: usize = 100;
/// Stands for the identity of the function in the keys of the peers.
const IDENTITY: [u8; blake3::KEY_LEN] = *b"the function that is remembered.";

/// Address of an entry: what the peers store values under.
pub(crate) type Key = blake3::Hash;

/// The function that is remembered: a text of [`VALUE_BYTES`], made in nanoseconds, so that a miss costs what the store costs.
#[memo]
pub(crate) fn value(seed: u64, label: &str) -> String {
    text(seed, label)
}

/// As [`value`], but keeps a core busy for `cost`, which is not part of the key: what is prepared at no cost is found later.
#[memo(ignore(cost))]
pub(crate) fn work(seed: u64, label: &str, cost: Duration) -> String {
    let started = Instant::now();
    while started.elapsed() < cost {
        std::hint::spin_loop();
    }
    text(seed, label)
}

/// Sixteen hexadecimal digits of `seed`, six times, and the label.
#[expect(clippy::cast_possible_truncation, reason = "four bits are wanted")]
fn text(seed: u64, label: &str) -> String {
    let mut digits = [0; 16];
    for (place, digit) in digits.iter_mut().enumerate() {
        *digit = match (seed >> (60 - 4 * place)) as u8 & 15 {
            low @ 0..10 => b'0' + low,
            high => b'a' + high - 10,
        };
    }
    let digits = str::from_utf8(&digits).expect("hexadecimal digits are ASCII");
    let mut text = String::with_capacity(VALUE_BYTES);
    for _ in 0..6 {
        text.push_str(digits);
    }
    text.push_str(label);
    text
}

/// The key of a call, over the bytes that rememo hashes for the arguments `(u64, &str)` (docs/format.md, "Canonical bytes").
pub(crate) fn key(seed: u64, label: &str) -> Key {
    const U64: u8 = 0x29;
    const TEXT: u8 = 0x04;
    let mut bytes = [0; 32];
    let length = 11 + label.len();
    bytes[0] = U64;
    bytes[1..9].copy_from_slice(&seed.to_le_bytes());
    bytes[9] = TEXT;
    bytes[10] = u8::try_from(label.len()).expect("a short label");
    bytes[11..length].copy_from_slice(label.as_bytes());
    blake3::keyed_hash(&IDENTITY, &bytes[..length])
}

/// Fails unless `text` is what the function returns for `seed`.
pub(crate) fn check(store: &str, seed: u64, text: &str) {
    assert_eq!(text, value::uncached(seed, LABEL), "{store} returned a wrong value for {seed}");
}

/// The numbers `0..count` in an order that is random and always the same.
pub(crate) fn shuffled(count: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..count).collect();
    let mut state = 0x0bad_5eed_u64;
    for place in (1..numbers.len()).rev() {
        let other = splitmix(&mut state) % (place as u64 + 1);
        numbers.swap(place, usize::try_from(other).expect("below `place`"));
    }
    numbers
}

/// Splitmix64, by Sebastiano Vigna.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
