//! An executor that panics fails what it has not told of, and nothing else.

use std::time::Duration;

use rememo::execute::{Execute, Failure, Job, Reply};
use rememo::{Executor, Memory, Parallel, TaskErrorKind, as_completed, memo};

use crate::support::{TestCache, within_a_minute};

/// Runs the first jobs of those that come together here, then panics.
#[derive(Debug)]
struct Explosive {
    after: usize,
}

impl Execute for Explosive {
    fn run(&self, jobs: &[Job], _: Option<Duration>, done: &mut dyn FnMut(usize, Result<Reply, Failure>)) {
        for (index, job) in jobs.iter().enumerate() {
            assert!(index < self.after, "nowhere to run");
            done(index, job.run());
        }
    }
}

#[memo]
fn square(x: u64) -> u64 {
    x * x
}

fn parallel(after: usize, memory: &Memory) -> Parallel {
    Parallel::new().jobs(2).memory(memory).executor(Executor::custom(Explosive { after }))
}

#[test]
fn what_an_executor_has_told_of_stays() {
    within_a_minute(|| {
        for after in [0, 1, 3] {
            let cache = TestCache::new();
            // Known to be cheap, so that many go together.
            cache.memory.call(square::delayed(1000));
            let results = parallel(after, &cache.memory).run_all((0..40).map(square::delayed));
            assert_eq!(results.len(), 40);
            let mut told = 0;
            for (x, result) in (0..).zip(results) {
                match result {
                    Ok(value) => {
                        assert_eq!(value, x * x);
                        told += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), TaskErrorKind::Panicked);
                        assert!(error.message().contains("nowhere to run"), "{error}");
                    }
                }
            }
            assert_eq!(told > 0, after > 0, "{told} of 40 were told of");
            assert_eq!(cache.memory.stats().entries, told + 1);
        }
    });
}

#[test]
fn no_wait_hangs() {
    within_a_minute(|| {
        let parallel = parallel(0, &Memory::disabled());
        let task = |x| parallel.submit(square::delayed(x));
        assert!(task(3).wait().unwrap_err().message().contains("nowhere to run"));
        assert!(as_completed((0..10).map(task)).all(|(_, result)| result.is_err()));
        assert!(parallel.stream((0..10).map(square::delayed)).next().unwrap().is_err());
    });
}
