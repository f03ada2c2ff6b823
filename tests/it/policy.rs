//! What `Parallel` does about failures.

use std::panic::{panic_any, resume_unwind};

use rememo::{Memory, Parallel, TaskErrorKind, delayed, memo};

use crate::support::TestCache;

#[memo]
fn picky(x: u64, name: &str) -> u64 {
    assert!(x % 10 != 3, "{name} does not like {x}");
    x
}

#[test]
fn a_failure_carries_function_arguments_message_and_place() {
    let cache = TestCache::new();
    for memory in [&cache.memory, &Memory::disabled()] {
        let parallel = Parallel::new().jobs(2).memory(memory);
        let results = parallel.run_all((0..5).map(|x| picky::delayed(x, "Ada")));
        let error = results[3].as_ref().unwrap_err();
        assert_eq!((error.index(), error.kind()), (3, TaskErrorKind::Panicked));
        assert!(error.function().unwrap().ends_with("policy::picky"));
        assert_eq!(error.arguments(), r#"3, "Ada""#);
        assert_eq!(error.message(), "Ada does not like 3");
        let place = error.place().unwrap();
        assert!(place.starts_with(&format!("{}:11:", file!())), "{place}");
        let function = error.function().unwrap();
        let line = format!(r#"task 3 (`{function}(3, "Ada")`) panicked at {place}: Ada does not like 3"#);
        assert_eq!(error.to_string(), line);
    }
}

#[test]
fn a_panic_of_a_closure_has_a_place_if_it_began_on_this_thread() {
    let results = Parallel::new().jobs(1).memory(&Memory::disabled()).run_all((0..4).map(|i| {
        delayed(move || match i {
            0 => panic!("a text"),
            1 => panic_any(7_u8),
            2 => resume_unwind(Box::new("from elsewhere")),
            _ => (),
        })
    }));
    let told = |i: usize| {
        let error = results[i].as_ref().unwrap_err();
        assert_eq!((error.function(), error.arguments()), (None, ""));
        (error.message(), error.place().is_some())
    };
    assert_eq!(told(0), ("a text", true));
    assert_eq!(told(1), ("a panic whose payload is not text", true));
    assert_eq!(told(2), ("from elsewhere", false));
    assert_eq!(results[3], Ok(()));
}
