//! blake3 over large data, on several threads where that is faster and does no harm.
//!
//! # Invariants
//! 1. Never on several threads from a thread of a rayon pool: it would stop being a worker of its pool, or run other tasks of
//!    it while it waits; and where a pool is busy its cores are, too.
//! 2. The threads belong to this module and do nothing but hash. rayon's global pool would not do: its threads may be
//!    inside memoized functions that wait for this very key's value, and then nobody would ever hash.
//! 3. What hashes stays out of line: it is no part of the machine code that writes an argument, which states of
//!    the code are made of.

use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::{mem, process, thread};

use blake3::Hasher;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Identity;
use crate::idle;
use crate::lock::lock;

/// Fewer bytes are hashed by one thread. Two threads, which have to be woken, took 2.4 times as long as one for 64 KiB, about as long
/// for 256 KiB, and 0.7 times as long for 1 MiB.
const SPREAD: usize = 1024 * 1024;
/// Most threads: by then memory is the limit.
const THREADS: usize = 16;
/// How much of a stream is read while as much is hashed on several threads: large enough that handing it over (some 20 µs) does
/// not count, small enough for caches.
const LARGE_BLOCK: usize = 4 * 1024 * 1024;
/// The same on one thread: it stays in the nearest caches between reading and hashing.
const SMALL_BLOCK: usize = 128 * 1024;

/// Hands bytes to a hasher that is made when it is first wanted; with an identity, its digest is a key.
#[inline(never)]
pub(super) fn update(hasher: &mut Option<Box<Hasher>>, identity: Option<&Identity>, bytes: &[u8]) {
    let new = || Box::new(identity.map_or_else(Hasher::new, |identity| Hasher::new_keyed(&identity.0)));
    hasher.get_or_insert_with(new).update(bytes);
}

/// The digest of `bytes` under an identity: a key.
#[inline(never)]
pub(super) fn keyed(identity: &Identity, bytes: &[u8]) -> [u8; 32] {
    *blake3::keyed_hash(&identity.0, bytes).as_bytes()
}

/// The digest of all that a hasher was handed, and of the last `bytes`.
#[inline(never)]
pub(super) fn finish(hasher: Option<Box<Hasher>>, identity: Option<&Identity>, bytes: &[u8]) -> [u8; 32] {
    let digest = match (hasher, identity) {
        (Some(mut hasher), _) => hasher.update(bytes).finalize(),
        (None, Some(identity)) => return keyed(identity, bytes),
        (None, None) => blake3::hash(bytes),
    };
    *digest.as_bytes()
}

/// The blake3 digest of `bytes`.
#[inline(never)]
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    if bytes.len() < SPREAD {
        return *blake3::hash(bytes).as_bytes();
    }
    let mut hasher = Hasher::new();
    match threads() {
        Some(threads) => threads.install(|| hasher.update_rayon(bytes).finalize()),
        None => hasher.update(bytes).finalize(),
    }
    .into()
}

/// The blake3 digest of all that `source` gives, which is expected to be `length` bytes.
///
/// # Errors
///
/// As `source`.
pub(crate) fn digest_of_stream(source: impl Read, length: u64) -> io::Result<[u8; 32]> {
    if length < SPREAD as u64 {
        return digest_in_turn(source);
    }
    match threads() {
        Some(threads) => digest_ahead(source, &threads),
        None => digest_in_turn(source),
    }
}

/// Reads and hashes in turn.
fn digest_in_turn(mut source: impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = Hasher::new();
    let mut block = vec![0; SMALL_BLOCK];
    loop {
        match fill(&mut source, &mut block)? {
            0 => return Ok(hasher.finalize().into()),
            length => hasher.update(&block[..length]),
        };
    }
}

/// Reads one block on this thread (reading may take any time, and other keys want the threads) while they hash the one before it.
fn digest_ahead(mut source: impl Read, threads: &ThreadPool) -> io::Result<[u8; 32]> {
    let mut hasher = Hasher::new();
    let (mut block, mut next) = (vec![0; LARGE_BLOCK], vec![0; LARGE_BLOCK]);
    let mut length = fill(&mut source, &mut block)?;
    while length > 0 {
        let (hasher, whole) = (&mut hasher, &block[..length]);
        length = threads.in_place_scope(|scope| {
            scope.spawn(move |_| {
                hasher.update_rayon(whole);
            });
            fill(&mut source, &mut next)
        })?;
        mem::swap(&mut block, &mut next);
    }
    Ok(hasher.finalize().into())
}

/// Reads until `block` is full or nothing is left; how many bytes it read.
fn fill(source: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < block.len() {
        match source.read(&mut block[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// The threads that hash, if this thread may wait for them and there is more than one core. They are started when they are
/// wanted, and end when they are not any more.
fn threads() -> Option<Arc<ThreadPool>> {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from).min(THREADS));
    /// By process: in a forked one the threads are missing.
    static POOL: Mutex<(u32, Weak<ThreadPool>)> = Mutex::new((0, Weak::new()));
    if rayon::current_thread_index().is_some() || *CORES < 2 {
        return None;
    }
    let mut known = lock(&POOL);
    let pool = match known.1.upgrade() {
        Some(pool) if known.0 == process::id() => pool,
        _ => {
            let builder = ThreadPoolBuilder::new().num_threads(*CORES);
            // Where the system gives no more threads one does.
            let pool = builder.thread_name(|index| format!("rememo-hash-{index}")).build().ok()?;
            Arc::new(pool)
        }
    };
    *known = (process::id(), Arc::downgrade(&pool));
    idle::keep(&pool);
    Some(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|i| ((i * 7919) >> 5).to_le_bytes()[0]).collect()
    }

    #[test]
    fn a_digest_is_blake3_whatever_the_length_and_the_thread() {
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        for length in [0, 1, SMALL_BLOCK, SPREAD - 1, SPREAD, SPREAD + 1, 3 * LARGE_BLOCK + 5] {
            let bytes = bytes(length);
            let expected = *blake3::hash(&bytes).as_bytes();
            assert_eq!(digest(&bytes), expected, "{length} bytes");
            assert_eq!(pool.install(|| digest(&bytes)), expected, "{length} bytes, in a pool");
            assert_eq!(digest_of_stream(&bytes[..], length as u64).unwrap(), expected, "{length} bytes read");
            assert_eq!(digest_of_stream(&bytes[..], 0).unwrap(), expected, "{length} bytes, none expected");
            assert_eq!(
                pool.install(|| digest_of_stream(&bytes[..], length as u64)).unwrap(),
                expected,
                "{length} bytes read, in a pool"
            );
        }
    }

    /// Gives a few bytes at a time, interrupted, and fails in the end if it is told to.
    struct Slow<'a> {
        bytes: &'a [u8],
        fails: bool,
        interrupted: bool,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            if self.fails && self.bytes.is_empty() {
                return Err(ErrorKind::PermissionDenied.into());
            }
            let some = buffer.len().min(100_000);
            self.bytes.read(&mut buffer[..some])
        }
    }

    #[test]
    fn a_source_may_give_few_bytes_at_a_time_and_its_error_is_told() {
        let bytes = bytes(2 * LARGE_BLOCK + 77);
        for expected in [0, bytes.len() as u64] {
            let slow = |fails| Slow { bytes: &bytes, fails, interrupted: false };
            assert_eq!(digest_of_stream(slow(false), expected).unwrap(), *blake3::hash(&bytes).as_bytes());
            let error = digest_of_stream(slow(true), expected).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        }
    }

    #[test]
    fn threads_of_pools_hash_alone() {
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert!(pool.install(threads).is_none());
    }
}
