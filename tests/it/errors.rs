//! Errors as people use them, out of a task and up by `?`.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use rememo::{Memory, Parallel, TaskErrorKind, TryRunError, delayed, memo};

/// An error of a program's own, with another behind it.
#[derive(Debug)]
enum FetchError {
    Read { page: u64, source: io::Error },
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FetchError::Read { page, .. } = self;
        write!(f, "cannot read page {page}")
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let FetchError::Read { source, .. } = self;
        Some(source)
    }
}

fn read(page: u64) -> Result<u64, FetchError> {
    let source = || io::Error::other("the disk is gone");
    if page == 3 { Err(FetchError::Read { page, source: source() }) } else { Ok(10 * page) }
}

#[memo]
fn by_own(page: u64) -> Result<u64, FetchError> {
    read(page)
}

#[memo]
fn by_boxed_own(page: u64) -> Result<u64, Box<FetchError>> {
    read(page).map_err(Box::new)
}

#[memo]
fn by_anyhow(page: u64) -> Result<u64, anyhow::Error> {
    read(page).context("while fetching")
}

#[memo]
fn by_eyre(page: u64) -> eyre::Result<u64> {
    read(page).map_err(|error| eyre::Report::new(error).wrap_err("while fetching"))
}

#[memo]
fn by_box(page: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    Ok(read(page)?)
}

#[memo]
fn by_arc(page: u64) -> Result<u64, Arc<dyn Error + Send + Sync>> {
    read(page).map_err(|error| Arc::new(error) as _)
}

#[memo]
fn by_string(page: u64) -> Result<u64, String> {
    read(page).map_err(|error| error.to_string())
}

/// The texts of an error and of what lies behind it.
fn texts(error: &(dyn Error + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |error| (*error).source()).map(ToString::to_string).collect()
}

/// Passes what `try_run` returns on by `?`, in each of the usual ways, and checks what is said of it.
macro_rules! passes_on {
    ($function:ident, $($text:expr),+) => {{
        let parallel = Parallel::new().jobs(2).memory(&Memory::disabled());
        let calls = |last: u64| (0..last).map($function::delayed);
        let anyhow = |last| -> anyhow::Result<Vec<u64>> { Ok(parallel.try_run(calls(last))?) };
        let eyre = |last| -> eyre::Result<Vec<u64>> { Ok(parallel.try_run(calls(last))?) };
        let sync = |last| -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> { Ok(parallel.try_run(calls(last))?) };
        let plain = |last| -> Result<Vec<u64>, Box<dyn Error>> { Ok(parallel.try_run(calls(last))?) };
        assert_eq!(anyhow(3).unwrap(), [0, 10, 20]);
        assert_eq!(eyre(3).unwrap(), sync(3).unwrap());
        assert_eq!(plain(3).unwrap(), [0, 10, 20]);

        let mut expected = [$($text.to_owned()),+].to_vec();
        let name = $function::info().name();
        expected[0] = format!("task 3 (`{name}(3)`) failed: {}", expected[0]);
        let error = anyhow(5).unwrap_err();
        assert_eq!(error.chain().map(ToString::to_string).collect::<Vec<_>>(), expected);
        assert_eq!(format!("{error:#}"), expected.join(": "));
        let error = eyre(5).unwrap_err();
        assert_eq!(error.chain().map(ToString::to_string).collect::<Vec<_>>(), expected);
        assert_eq!(texts(&*sync(5).unwrap_err()), expected);
        assert_eq!(texts(&*plain(5).unwrap_err()), expected);
    }};
}

#[test]
fn whatever_calls_return_goes_up_with_call_arguments_and_causes() {
    let (page, disk) = ("cannot read page 3", "the disk is gone");
    passes_on!(by_own, page, disk);
    passes_on!(by_boxed_own, page, disk);
    passes_on!(by_anyhow, "while fetching", page, disk);
    passes_on!(by_eyre, "while fetching", page, disk);
    passes_on!(by_box, page, disk);
    passes_on!(by_arc, page, disk);
    passes_on!(by_string, page);
}

#[test]
fn what_a_call_returned_is_there_in_its_own_type() {
    let parallel = Parallel::new().jobs(2).memory(&Memory::disabled());
    let Err(TryRunError::Returned { index, function, arguments, error, .. }) =
        parallel.try_run([by_own::delayed(3)])
    else {
        panic!("it was refused")
    };
    assert_eq!((index, function, arguments.as_str()), (0, Some(by_own::info().name()), "3"));
    let FetchError::Read { page: 3, source } = error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "the disk is gone");

    let Err(TryRunError::Returned { error, .. }) = parallel.try_run([by_anyhow::delayed(3)]) else {
        panic!("it was refused")
    };
    assert!(error.downcast_ref::<FetchError>().is_some());

    let sync = || -> anyhow::Result<()> {
        parallel.try_run([delayed(|| Err::<(), &'static str>("no"))])?;
        Ok(())
    };
    assert_eq!(sync().unwrap_err().to_string(), "task 0 failed: no");
    let refused = parallel.try_run([delayed(|| Err::<(), Cow<'static, str>>("no".into()))]).unwrap_err();
    assert_eq!(refused.to_string(), "task 0 failed: no");
    let refused = parallel.try_run([delayed(|| Err::<(), _>(anyhow::anyhow!("no")))]).unwrap_err();
    assert_eq!((refused.function(), refused.arguments()), (None, ""));
    assert_eq!(refused.to_string(), "task 0 failed: no");
}

#[expect(clippy::unnecessary_wraps, reason = "it panics in place of an `Err`")]
#[memo]
fn panics(page: u64) -> anyhow::Result<u64> {
    assert!(page != 3, "not {page}");
    Ok(page)
}

#[test]
fn a_panic_goes_up_as_it_is() {
    let parallel = Parallel::new().jobs(2).memory(&Memory::disabled());
    let run = || -> anyhow::Result<Vec<u64>> { Ok(parallel.try_run((0..5).map(panics::delayed))?) };
    let error = run().unwrap_err();
    let error: &TryRunError<anyhow::Error> = error.downcast_ref().unwrap();
    let TryRunError::Task(task) = error else { panic!("{error:?}") };
    assert_eq!((task.kind(), error.arguments(), error.index()), (TaskErrorKind::Panicked, "3", 3));
    assert!(error.to_string().ends_with(": not 3"), "{error}");
}

#[memo(cache_err)]
fn remembered(page: u64) -> Result<u64, String> {
    Err(format!("no page {page}"))
}

#[test]
fn a_remembered_err_and_that_of_a_duplicate_name_their_call() {
    let cache = crate::support::TestCache::new();
    let parallel = Parallel::new().jobs(1).memory(&cache.memory);
    let name = remembered::info().name();
    for _ in ["computed", "remembered"] {
        let error = parallel.try_run([remembered::delayed(7), remembered::delayed(7)]).unwrap_err();
        assert_eq!(error.to_string(), format!("task 0 (`{name}(7)`) failed: no page 7"));
    }
    assert_eq!(cache.memory.stats().misses, 1);
}
