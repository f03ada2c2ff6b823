//! Compressed bytes, from memory.

use super::engine::Level;
use super::{Attempt, BLOCK, COMPRESSED, compress};
use crate::payload::{ByteSource, Bytes, Content, LARGE, ReadError};

/// 5,000 times `a`, as docs/format.md has them. (Other frames may stand for the same bytes; these are always to be read.)
const GOLDEN: [u8; 31] = [
    0x88, 0x13, 0, 0, 0, 0, 0, 0, 0x13, 0, 0, 0, 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x88, 0x12, 0x4d, 0, 0, 0x10,
    0x61, 0x61, 1, 0, 0x83, 0xd3, 3, 0x2c,
];

fn whole(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let content = Content { codec: 1 | COMPRESSED, source: ByteSource::Memory(bytes) };
    content.whole().map(std::borrow::Cow::into_owned)
}

fn level(level: i32) -> Level {
    Level::new(level).unwrap()
}

/// Bytes that shrink to about a half, and differ everywhere.
fn halves(length: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28).to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Bytes that do not shrink.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

#[track_caller]
fn compressed(bytes: &[u8], at: i32) -> Vec<u8> {
    compress(bytes.to_vec().into(), level(at)).unwrap().expect("it shrinks").to_vec()
}

fn is_plain(attempt: &Attempt<'_>) -> bool {
    attempt.is_err()
}

#[test]
fn golden_bytes_are_read() {
    assert_eq!(whole(&GOLDEN).unwrap(), vec![b'a'; 5000]);
    assert_eq!(compressed(&[b'a'; 5000], 3)[..8], GOLDEN[..8], "the length");
}

#[test]
fn the_levels_are_those_of_zstd() {
    assert_eq!(*zstd::compression_level_range().end(), 22);
    for there_is_none in [i32::MIN, -1, 0, 23, i32::MAX] {
        assert!(Level::new(there_is_none).is_none());
    }
}

#[test]
fn bytes_come_back_at_every_length_and_level() {
    for length in [4096, 4097, 70_000, 600_000, BLOCK, BLOCK + 1, 3 * BLOCK - 1, 3 * BLOCK + 5] {
        let bytes = halves(length);
        assert!(whole(&compressed(&bytes, 3)).unwrap() == bytes, "{length} bytes");
    }
    let bytes = halves(BLOCK + 70_000);
    for at in [1, 9, 19, 22] {
        assert!(whole(&compressed(&bytes, at)).unwrap() == bytes, "level {at}");
    }
}

#[test]
fn parts_are_compressed_as_the_whole_is() {
    let bytes = halves(2 * BLOCK + 100);
    for cut in [1, 64, 5000, BLOCK - 1, BLOCK, 2 * BLOCK + 99] {
        let parts = Bytes::Parts(vec![bytes[..cut].into(), bytes[cut..].into()]);
        let parts = compress(parts, level(3)).unwrap().unwrap();
        assert!(parts.to_vec() == compressed(&bytes, 3), "cut at {cut}");
    }
}

#[test]
fn short_bytes_and_bytes_that_do_not_shrink_stay_as_they_are() {
    assert!(is_plain(&compress(vec![0; 4095].into(), level(3)).unwrap()));
    assert!(!is_plain(&compress(vec![0; 4096].into(), level(3)).unwrap()));
    for length in [5000, 70_000, 600_000, 3 * BLOCK] {
        let bytes = noise(length);
        let attempt = compress(bytes.clone().into(), level(3)).unwrap();
        assert!(attempt.expect_err("it does not shrink").to_vec() == bytes, "{length} bytes");
        let parts = Bytes::Parts(vec![bytes[..64].into(), bytes[64..].into()]);
        assert!(is_plain(&compress(parts, level(3)).unwrap()), "{length} bytes, borrowed");
    }
}

/// Of 600,000 bytes a sample decides, and sees both ends.
#[test]
fn a_sample_is_spread_over_all_bytes() {
    let (noise, zeros) = (noise(300_000), vec![0; 300_000]);
    for bytes in [[&noise[..], &zeros].concat(), [&zeros[..], &noise].concat()] {
        assert!(compressed(&bytes, 3).len() < 320_000);
        assert!(whole(&compressed(&bytes, 3)).unwrap() == bytes);
    }
}

#[test]
fn what_is_short_once_compressed_is_in_one_piece() {
    let zeros = compress(vec![0; 4 * BLOCK].into(), level(3)).unwrap().unwrap();
    assert!(matches!(zeros, Bytes::Owned(_)) && zeros.len() < LARGE);
    let halves = compress(halves(4 * BLOCK).into(), level(3)).unwrap().unwrap();
    assert!(matches!(halves, Bytes::Parts(_)) && halves.len() > LARGE);
}

#[test]
fn no_bytes_make_a_panic_or_a_value_of_another_length() {
    let plain = halves(5000);
    let sound = compressed(&plain, 3);
    for length in 0..sound.len() {
        assert!(whole(&sound[..length]).is_err(), "{length} bytes");
    }
    assert!(whole(&[&sound[..], &[0]].concat()).is_err(), "a byte too many");
    for at in 0..sound.len() {
        for flip in [1, 0x10, 0x80, 0xff] {
            let mut broken = sound.clone();
            broken[at] ^= flip;
            let read = whole(&broken);
            assert!(read.is_err() || read.is_ok_and(|read| read.len() == plain.len()), "{at}");
        }
    }
}
