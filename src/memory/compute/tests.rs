//! Entries from the future: stored while a clock was ahead.

use std::time::SystemTime;

use super::*;
use crate::report::Why;
use crate::store::{Draft, Layout};
use crate::{Parallel, memo};

#[memo(ttl = "1h")]
fn fresh(x: u64) -> u64 {
    x + 1
}

#[memo]
fn lasting(x: u64) -> u64 {
    x + 1
}

/// Puts `value` into the store as the entry of a call, made at this time.
fn put<C: Call<Output = u64>>(memory: &Memory, call: &C, value: u64, created: SystemTime) {
    let (inner, memo) = (memory.inner.as_ref().unwrap(), call.memo().unwrap());
    let encoded = memo.codec.encode(&value, memo.call.function.values()).unwrap().unwrap();
    let arguments = memo.call.preview();
    let draft = memory.keyed(call).unwrap().call.draft(encoded, &arguments, Duration::ZERO);
    inner.try_store(memo.call.function, &Draft { created, ..draft }).unwrap();
}

fn memories() -> Vec<(tempfile::TempDir, Memory)> {
    let open = |layout| {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::builder().dir(dir.path()).layout(layout).open().unwrap();
        (dir, memory)
    };
    [Layout::Files, Layout::Auto].map(open).into()
}

#[test]
fn an_entry_whose_age_is_not_known_is_expired_where_there_is_a_ttl() {
    const EXPIRED: MissReason = MissReason::Expired { age: Duration::ZERO };
    for (_dir, memory) in memories() {
        // To follow the machine code for the first key takes longer than what is in the near future stays there.
        assert!(!memory.contains(&fresh::delayed(0)));
        for (x, ahead) in [(1, 2), (2, 3600), (3, 1 << 30)] {
            let call = || fresh::delayed(x);
            put(&memory, &call(), 1000, SystemTime::now() + Duration::from_secs(ahead));
            assert!(!memory.contains(&call()) && memory.lookup(&call()).is_none());
            let why = memory.why(&call());
            assert_eq!(why, Why::Miss(EXPIRED));
            assert!(why.to_string().contains("from the future"), "{why}");
            let outcome = memory.call_info(call());
            assert_eq!((outcome.value, outcome.source), (x + 1, Source::Miss(EXPIRED)));
            assert!(memory.call_info(call()).is_hit(), "it was replaced");
        }
    }
}

#[test]
fn in_a_batch_it_is_computed_anew_too() {
    for (_dir, memory) in memories() {
        for x in 0..10 {
            put(&memory, &fresh::delayed(x), 1000, SystemTime::now() + Duration::from_mins(10));
        }
        let values = Parallel::new().memory(&memory).run((0..10).map(fresh::delayed)).unwrap();
        assert_eq!(values, (1..11).collect::<Vec<_>>());
        assert_eq!(memory.stats().misses, 10);
    }
}

#[test]
fn without_a_ttl_age_does_not_matter() {
    for (_dir, memory) in memories() {
        put(&memory, &lasting::delayed(1), 1000, SystemTime::now() + Duration::from_hours(1));
        assert_eq!(memory.lookup(&lasting::delayed(1)), Some(1000));
        // Nor does one that is not too old.
        put(&memory, &fresh::delayed(1), 1000, SystemTime::now() - Duration::from_mins(59));
        assert_eq!(memory.lookup(&fresh::delayed(1)), Some(1000));
        put(&memory, &fresh::delayed(1), 1000, SystemTime::now() - Duration::from_mins(61));
        assert_eq!(memory.lookup(&fresh::delayed(1)), None);
    }
}
