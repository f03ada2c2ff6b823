//! Compressed entries, found by programs with and without the feature `zstd`.

use std::time::{Duration, SystemTime};

use crate::call::Call;
use crate::store::{Author, Draft, Layout};
use crate::{Memory, Source, memo};

#[memo(name = "text")]
fn text(length: usize) -> String {
    "a".repeat(length)
}

/// What a program with the feature has stored of `text(5000)`: 5,000 times `a`, compressed.
const STORED: [u8; 31] = [
    0x88, 0x13, 0, 0, 0, 0, 0, 0, 0x13, 0, 0, 0, 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x88, 0x12, 0x4d, 0, 0, 0x10,
    0x61, 0x61, 1, 0, 0x83, 0xd3, 3, 0x2c,
];

fn stored() -> Vec<(tempfile::TempDir, Memory)> {
    let layouts = [Layout::Files, Layout::Auto];
    layouts
        .map(|layout| {
            let dir = tempfile::tempdir().unwrap();
            let memory = Memory::builder().dir(dir.path()).layout(layout).open().unwrap();
            let call = text::delayed(5000);
            let memo = call.memo().unwrap().call;
            let draft = Draft {
                key: memo.key(&memory.inner.as_ref().unwrap().states).unwrap(),
                function: memo.function.id(),
                function_name: memo.function.name(),
                arguments: memo.preview().to_string().into(),
                created: SystemTime::now(),
                compute_time: Duration::ZERO,
                author: Author::This,
                codec: 0x85,
                payload: STORED.to_vec().into(),
            };
            memory.inner.as_ref().unwrap().store.put(&draft).unwrap();
            (dir, memory)
        })
        .into()
}

#[cfg(feature = "zstd")]
#[test]
fn with_the_feature_a_compressed_entry_is_a_hit() {
    for (_dir, memory) in stored() {
        assert!(memory.contains(&text::delayed(5000)));
        let outcome = memory.call_info(text::delayed(5000));
        assert_eq!((outcome.source, outcome.value), (Source::Hit, text::uncached(5000)));
    }
}

#[cfg(not(feature = "zstd"))]
#[test]
fn without_the_feature_a_compressed_entry_is_a_miss_that_names_it_and_is_replaced() {
    for (_dir, memory) in stored() {
        let reason = "its value is compressed with zstd: build with the feature `zstd`";
        assert!(!memory.contains(&text::delayed(5000)));
        assert!(memory.why(&text::delayed(5000)).to_string().contains(reason));
        assert_eq!(memory.verify().unwrap().sound, 1, "it is not damaged");
        let outcome = memory.call_info(text::delayed(5000));
        assert_eq!(outcome.source, Source::Miss(crate::MissReason::Unreadable(reason.into())));
        assert_eq!(outcome.value, text::uncached(5000));
        assert_eq!(memory.call_info(text::delayed(5000)).source, Source::Hit);
        assert!(memory.entries().unwrap()[0].bytes() > 5000, "stored as it is");
    }
}
