//! Closures, which have no names, and what stands inside of them.

use super::KINDS;
use crate::package::Package;

#[test]
fn named_types_in_closures_and_async_blocks_are_remembered_and_told_apart() {
    Package::new("closure_types")
        .calls(
            KINDS,
            r#"
            let first = || {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 1; }
                show_as!("closure_1", number::delayed::<Local>(10), number::uncached::<Local>(10));
            };
            let second = || {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 2; }
                show_as!("closure_2", number::delayed::<Local>(10), number::uncached::<Local>(10));
            };
            let third = async {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 3; }
                show_as!("async_3", number::delayed::<Local>(10), number::uncached::<Local>(10));
            };
            let fourth = async {
                struct Local;
                impl Kind for Local { const NUMBER: u64 = 4; }
                show_as!("async_4", number::delayed::<Local>(10), number::uncached::<Local>(10));
            };
            fn block_on(future: impl Future<Output = ()>) {
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(std::pin::pin!(future).poll(&mut context).is_ready());
            }
            if wants("closure_1") { first(); }
            if wants("closure_2") { second(); }
            if wants("async_3") { block_on(third); }
            if wants("async_4") { block_on(fourth); }
            "#,
        )
        .tells_apart(&["closure_1", "closure_2", "async_3", "async_4"]);
}
