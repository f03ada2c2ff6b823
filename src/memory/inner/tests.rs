//! Compressed entries with bytes that stay readable for good.

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

#[test]
fn with_the_feature_a_compressed_entry_is_a_hit() {
    for (_dir, memory) in stored() {
        assert!(memory.contains(&text::delayed(5000)));
        let outcome = memory.call_info(text::delayed(5000));
        assert_eq!((outcome.source, outcome.value), (Source::Hit, text::uncached(5000)));
    }
}
