//! What is not computed: frozen memories, memories that are only read, and dry runs.

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rememo::{Error, Layout, Memory, Parallel, TaskErrorKind, Why, delayed, memo};

use crate::processes::{expect_success, start};
use crate::support::{TestCache, files_below, hit, miss};

#[memo]
fn cube(x: u64) -> u64 {
    x * x * x
}

#[memo]
fn slow(x: u64) -> u64 {
    thread::sleep(Duration::from_millis(20));
    x
}

#[memo]
fn table(length: usize) -> Vec<u64> {
    (0..length as u64).collect()
}

/// What nobody can make a key of.
struct Keyless;

impl serde::Serialize for Keyless {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no key"))
    }
}

#[memo]
fn keyless(_x: &Keyless) -> u64 {
    7
}

/// What a second process does in `role`, under `REMEMO=frozen`.
pub fn play(role: &str, cache: &Path) {
    assert_eq!(role, "environment");
    let memory = Memory::open(cache).unwrap();
    hit(&memory, cube::delayed(3));
    assert!(memory.try_call(cube::delayed(4)).is_err());
    memory.make_default();
    assert_eq!(cube(3), 27);
    assert!(catch_unwind(|| cube(4)).is_err());
}

/// A memory with some entries, and a frozen one on the same directory.
fn frozen() -> (TestCache, Memory) {
    let cache = TestCache::new();
    for x in 0..3 {
        miss(&cache.memory, cube::delayed(x));
    }
    let frozen = Memory::builder().dir(cache.root()).frozen(true).open().unwrap();
    (cache, frozen)
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().unwrap()
}

#[test]
fn a_frozen_memory_finds_what_is_there_and_refuses_the_rest() {
    let (cache, frozen) = frozen();
    let name = cube::info().name();
    let told =
        format!("`{name}(7)` is not computed, as the memory is frozen; new arguments: `{name}` has run");
    hit(&frozen, cube::delayed(2));
    let error: Error = frozen.try_call(cube::delayed(7)).unwrap_err();
    assert!(error.to_string().starts_with(&told), "{error}");
    assert_eq!(error.function(), Some(name));
    for refused in [
        catch_unwind(|| frozen.call(cube::delayed(7))),
        catch_unwind(|| frozen.call_info(cube::delayed(7)).value),
        catch_unwind(|| {
            let _entered = frozen.enter();
            cube(7)
        }),
        catch_unwind(|| frozen.recompute(cube::delayed(2))),
        catch_unwind(|| frozen.call(keyless::delayed(&Keyless))),
        catch_unwind(|| frozen.get_or_compute("a name", &1, || 1)),
    ] {
        let panic = refused.unwrap_err();
        assert!(
            text_of(&*panic).contains(" is not computed, as the memory is frozen; "),
            "{}",
            text_of(&*panic)
        );
    }
    assert_eq!(frozen.call(delayed(|| 5)), 5, "a closure runs");
    assert_eq!((frozen.stats().misses, cache.reopen().stats().entries), (0, 3));
    // What is known from elsewhere may be added.
    frozen.insert(&cube::delayed(7), &343).unwrap();
    hit(&frozen, cube::delayed(7));
}

#[test]
fn a_batch_of_a_frozen_memory_fails_at_what_is_missing_with_the_reason() {
    rememo::init();
    let (cache, frozen) = frozen();
    let parallel = Parallel::new().jobs(2).memory(&frozen);
    let calls = || (0..5).map(cube::delayed);
    assert_eq!(parallel.run((0..3).map(cube::delayed)).unwrap(), [0, 1, 8]);
    let error = parallel.run(calls()).unwrap_err();
    let task = error.task().unwrap();
    // Whichever was met first.
    assert!([(3, "3"), (4, "4")].contains(&(task.index(), task.arguments())), "{error}");
    assert_eq!(task.kind(), TaskErrorKind::Frozen);
    assert!(
        error.to_string().contains(" is not computed, as the memory is frozen: new arguments: "),
        "{error}"
    );
    for results in [
        parallel.run_all(calls()),
        parallel.clone().keep_going(true).stream(calls()).collect(),
        parallel.clone().retries(3).run_all(calls()),
        calls().map(|call| parallel.submit(call).wait()).collect(),
        #[cfg(target_os = "linux")]
        parallel.clone().executor(rememo::Executor::processes()).run_all(calls()),
    ] {
        let kinds: Vec<_> = results.into_iter().map(|result| result.map_err(|error| error.kind())).collect();
        assert_eq!(kinds, [Ok(0), Ok(1), Ok(8), Err(TaskErrorKind::Frozen), Err(TaskErrorKind::Frozen)]);
    }
    assert_eq!(cache.reopen().stats().entries, 3);
}

#[test]
fn rememo_frozen_freezes_every_memory() {
    let (cache, _) = frozen();
    miss(&cache.memory, cube::delayed(3));
    expect_success(start("frozen environment", &cache.root()).env("REMEMO", "frozen"));
}

#[test]
fn a_plan_tells_what_a_batch_would_do_and_does_nothing() {
    let cache = TestCache::new();
    let parallel = Parallel::new().jobs(2).memory(&cache.memory);
    let empty = parallel.plan((0..4).map(slow::delayed));
    assert_eq!((empty.calls, empty.remembered, empty.to_compute, empty.expected), (4, 0, 4, None));
    assert!(matches!(empty.functions[0].why, Some(Why::NeverComputed { .. })), "{empty}");
    parallel.run((0..4).map(slow::delayed)).unwrap();
    let before = cache.memory.stats();

    let plan = parallel.plan([0, 1, 2, 3, 4, 5, 6, 4, 4].map(slow::delayed));
    assert_eq!((plan.calls, plan.remembered, plan.to_compute, plan.duplicates), (9, 4, 3, 2));
    let function = &plan.functions[0];
    assert_eq!((function.name.as_str(), function.remembered), (slow::info().name(), 4));
    assert!(matches!(&function.why, Some(Why::NewArguments { arguments, .. }) if arguments == "4"), "{plan}");
    // Three calls of 20 ms at least, on two threads.
    assert!(function.compute_time.unwrap() >= Duration::from_millis(60), "{plan:?}");
    assert!(plan.expected.unwrap() >= Duration::from_millis(30), "{plan:?}");
    let first = plan.to_string().lines().next().unwrap().to_owned();
    assert!(first.starts_with("4 of 9 remembered, 3 to compute, 2 equal to others in about "), "{first}");
    assert_eq!(cache.memory.stats(), before, "nothing was counted, computed or stored");

    let closures = parallel.plan((0..3).map(|x| delayed(move || x)));
    assert_eq!((closures.to_compute, closures.closures, closures.expected), (3, 3, None));
    // More than one window.
    let many = parallel.plan((0..3000).map(slow::delayed));
    assert_eq!((many.remembered, many.to_compute), (4, 2996));
}

/// The content of all files below a directory.
fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(dir).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn what_is_opened_to_be_read_is_not_changed_by_anything() {
    rememo::init();
    for layout in [Layout::Log, Layout::Files] {
        let cache = TestCache::new();
        let dir = cache.beside("read");
        let writer = Memory::builder().dir(&dir).layout(layout).open().unwrap();
        miss(&writer, cube::delayed(3));
        miss(&writer, table::delayed(100_000));
        drop(writer);
        let before = content(&dir);

        let reader = Memory::open_existing(&dir).unwrap();
        assert_eq!(hit(&reader, cube::delayed(3)), 27);
        assert_eq!(hit(&reader, table::delayed(100_000)).len(), 100_000);
        miss(&reader, cube::delayed(4));
        miss(&reader, cube::delayed(4));
        miss(&reader, slow::delayed(4));
        miss(&reader, table::delayed(200_000));
        let parallel = Parallel::new().jobs(2).memory(&reader);
        assert_eq!(parallel.run((3..9).map(cube::delayed)).unwrap()[5], 512);
        #[cfg(target_os = "linux")]
        {
            let parallel = parallel.executor(rememo::Executor::processes());
            assert_eq!(parallel.run((3..9).map(slow::delayed)).unwrap()[5], 8);
            assert_eq!(parallel.run([table::delayed(300_000)]).unwrap()[0].len(), 300_000);
        }
        assert_eq!(reader.stats().troubles, 0, "not to store is no trouble");
        assert_eq!(reader.stats().entries, 2);
        assert!(reader.why(&cube::delayed(3)).is_hit());
        assert_eq!(reader.functions().unwrap().len(), 2);
        for refused in [
            reader.insert(&cube::delayed(5), &125),
            reader.remove(&cube::delayed(3)).map(drop),
            reader.remove_key(&cube::delayed(3).key(&reader).unwrap()).map(drop),
            reader.clear(),
            reader.clear_function(cube::info()),
            reader.reduce(rememo::Limits::new().items(1)).map(drop),
            reader.adopt(cube::info()),
        ] {
            let error = refused.unwrap_err();
            assert!(error.path().is_some_and(|path| path.starts_with(&dir)), "{error}");
        }
        drop(reader);
        assert!(content(&dir) == before, "{layout:?}");
    }
}

/// Who reads sees what others store meanwhile.
#[test]
fn a_reader_sees_what_a_writer_stores() {
    for layout in [Layout::Log, Layout::Files] {
        let cache = TestCache::new();
        let dir = cache.beside("shared");
        let writer = Memory::builder().dir(&dir).layout(layout).open().unwrap();
        let reader = Memory::open_existing(&dir).unwrap();
        for x in 0..5000 {
            assert!(!reader.contains(&cube::delayed(x)));
            miss(&writer, cube::delayed(x));
            hit(&reader, cube::delayed(x));
        }
        // The value of a reader is not what a writer waits for.
        miss(&reader, cube::delayed(7777));
        miss(&writer, cube::delayed(7777));
    }
}

#[test]
fn only_what_is_there_is_opened_to_be_read() {
    let cache = TestCache::new();
    let missing = cache.beside("missing");
    let error = Memory::open_existing(&missing).unwrap_err();
    assert!(error.to_string().contains("it does not exist; `Memory::open` makes one"), "{error}");
    assert!(!missing.exists());
    fs::create_dir(&missing).unwrap();
    fs::write(missing.join("notes.txt"), "mine").unwrap();
    let error = Memory::open_existing(&missing).unwrap_err();
    assert!(error.to_string().contains("there is no cache in it"), "{error}");
    assert_eq!(files_below(&missing).len(), 1);
    assert!(Memory::open_existing(missing.join("notes.txt")).is_err());
}
