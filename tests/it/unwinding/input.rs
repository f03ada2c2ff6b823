//! An input that has ended is not asked again, though it may have more to say.

use std::cell::Cell;
use std::rc::Rc;

use rememo::{Call, Memory, Parallel, delayed};

/// Yields so many calls, then `None`, then more, and notes how often it was asked after its end.
struct Unfused {
    left: usize,
    asked_again: Rc<Cell<usize>>,
    has_ended: bool,
}

impl Unfused {
    fn new(length: usize) -> (Self, Rc<Cell<usize>>) {
        let asked_again = Rc::default();
        (Unfused { left: length, asked_again: Rc::clone(&asked_again), has_ended: false }, asked_again)
    }

    fn calls(self) -> impl Iterator<Item = impl Call<Output = usize> + Send + 'static> {
        // `map` passes on what follows a `None`.
        self.map(|x| delayed(move || x))
    }
}

impl Iterator for Unfused {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.has_ended {
            self.asked_again.set(self.asked_again.get() + 1);
            return (self.asked_again.get() < 100).then_some(1_000_000);
        }
        if self.left == 0 {
            self.has_ended = true;
            return None;
        }
        self.left -= 1;
        Some(self.left)
    }
}

#[test]
fn no_way_to_run_calls_asks_an_input_again_that_has_ended() {
    for jobs in [1, 2] {
        let parallel = Parallel::new().jobs(jobs).memory(&Memory::disabled());
        // Below, at and above what is drawn at a time.
        for length in [0, 1, 7, 8, 9, 511, 512, 513, 1023, 1024, 1025, 3000] {
            let expected: Vec<usize> = (0..length).rev().collect();
            let expect = |way: &str, run: &dyn Fn(Unfused) -> Vec<usize>| {
                let (input, asked_again) = Unfused::new(length);
                assert_eq!(run(input), expected, "{way} of {length} on {jobs}");
                assert_eq!(asked_again.get(), 0, "{way} of {length} on {jobs}");
            };
            expect("run", &|input| parallel.run(input.calls()).unwrap());
            expect("run_all", &|input| {
                parallel.run_all(input.calls()).into_iter().map(Result::unwrap).collect()
            });
            expect("try_run", &|input| {
                parallel.try_run(input.map(|x| delayed(move || Ok::<_, String>(x)))).unwrap()
            });
            for window in [0, 1, 8, 100] {
                let parallel = parallel.clone().window(window.max(1));
                expect("stream", &|input| parallel.stream(input.calls()).map(Result::unwrap).collect());
                expect("stream_unordered", &|input| {
                    let mut results: Vec<_> = parallel.stream_unordered(input.calls()).collect();
                    results.sort_by_key(|(index, _)| *index);
                    results.into_iter().map(|(_, result)| result.unwrap()).collect()
                });
            }
        }
    }
}

#[test]
fn a_stream_that_has_ended_stays_at_its_end() {
    let (input, asked_again) = Unfused::new(5);
    let parallel = Parallel::new().jobs(2).memory(&Memory::disabled());
    let mut stream = parallel.stream(input.calls());
    assert_eq!(stream.by_ref().map(Result::unwrap).collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
    assert!((0..10).all(|_| stream.next().is_none()));
    assert_eq!(asked_again.get(), 0);
}
