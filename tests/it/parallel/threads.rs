//! Free threads and calls that are ready meet: at any time in the life of a batch, beside other batches, inside of tasks.
//!
//! Calls that wait for one another at a barrier end only if as many threads come to them at the same time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rememo::{Memory, Parallel, as_completed, delayed};

use crate::support::within_a_minute;

fn uncached(jobs: usize) -> Parallel {
    Parallel::new().jobs(jobs).memory(&Memory::disabled())
}

/// Two calls that wait for each other.
fn meet(parallel: &Parallel) {
    let meet = Barrier::new(2);
    parallel.run((0..2).map(|_| delayed(|| meet.wait().is_leader()))).unwrap();
}

/// Regression: a batch that found the pool taken for 0.2 s was computed by its caller alone, to its end.
#[test]
fn a_batch_that_begins_on_a_full_pool_gets_threads_all_the_same() {
    within_a_minute(|| {
        // Sizes that no other test uses: the pools are shared.
        let parallel = uncached(14);
        let (begun, is_over) = (Barrier::new(15), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                let calls = (0..140).map(|x| {
                    let begun = &begun;
                    delayed(move || {
                        if x < 14 {
                            begun.wait();
                        }
                        thread::sleep(Duration::from_millis(500));
                    })
                });
                parallel.run(calls).unwrap();
                is_over.store(true, SeqCst);
            });
            begun.wait();
            meet(&parallel);
            assert!(!is_over.load(SeqCst), "they take turns");
        });
    });
}

/// Regression: a nested batch never got threads that became free after it had begun.
#[test]
fn a_nested_batch_gets_threads_that_become_free_after_it_began() {
    within_a_minute(|| {
        let parallel = uncached(2);
        let (begins, begun) = mpsc::channel();
        let (inner, begun) = (parallel.clone(), Mutex::new(begun));
        let calls = (0..2).map(|x| {
            let (inner, begun, begins) = (inner.clone(), &begun, begins.clone());
            delayed(move || {
                if x == 0 {
                    // Holds the other thread until the nested batch is on its way.
                    begun.lock().unwrap().recv().unwrap();
                    thread::sleep(Duration::from_millis(300));
                    return;
                }
                let meet = Barrier::new(2);
                let calls = (0..2).map(|_| {
                    begins.send(()).unwrap();
                    delayed(|| meet.wait().is_leader())
                });
                inner.run(calls).unwrap();
            })
        });
        parallel.run(calls).unwrap();
    });
}

/// The same of streams, of submitted calls, and of batches two levels deep.
#[test]
fn whatever_is_nested_gets_threads_that_become_free() {
    within_a_minute(|| {
        let parallel = uncached(2);
        for way in 0..4 {
            let (begun, held) = (Arc::new(Barrier::new(2)), AtomicBool::new(true));
            let inner = parallel.clone();
            let calls = (0..2).map(|x| {
                let (begun, inner, held) = (Arc::clone(&begun), inner.clone(), &held);
                delayed(move || {
                    begun.wait();
                    if x == 0 {
                        while held.load(SeqCst) {
                            thread::sleep(Duration::from_millis(1));
                        }
                        return;
                    }
                    let meet = Arc::new(Barrier::new(2));
                    let call = move || {
                        let meet = Arc::clone(&meet);
                        delayed(move || {
                            meet.wait();
                        })
                    };
                    // The other thread is taken until the first of the calls has been drawn for a while.
                    let letting_go = |held: &AtomicBool| {
                        thread::sleep(Duration::from_millis(50));
                        held.store(false, SeqCst);
                    };
                    match way {
                        0 => {
                            letting_go(held);
                            inner.stream((0..2).map(move |_| call())).for_each(|result| result.unwrap());
                        }
                        1 => {
                            let tasks = [inner.submit(call()), inner.submit(call())];
                            letting_go(held);
                            as_completed(tasks).for_each(|(_, result)| result.unwrap());
                        }
                        2 => {
                            let [one, other] = [inner.submit(call()), inner.submit(call())];
                            letting_go(held);
                            one.wait().unwrap();
                            other.wait().unwrap();
                        }
                        _ => {
                            let deep = inner.clone();
                            let nested = delayed(|| {
                                letting_go(held);
                                deep.run((0..2).map(|_| call())).unwrap();
                            });
                            inner.run([nested]).unwrap();
                        }
                    }
                })
            });
            parallel.run(calls).unwrap();
        }
    });
}

#[test]
fn eight_idle_threads_come_to_a_nested_batch() {
    within_a_minute(|| {
        let parallel = uncached(9);
        let inner = parallel.clone();
        let meet = Barrier::new(8);
        let nested = delayed(|| inner.run((0..8).map(|_| delayed(|| meet.wait().is_leader()))).unwrap());
        let leaders = parallel.run([nested]).unwrap().remove(0);
        assert_eq!(leaders.into_iter().filter(|is_leader| *is_leader).count(), 1);
    });
}

/// A thread of the pool that waits in the user's own rayon code turns away what comes to it: another one must get it.
#[test]
fn calls_reach_the_free_thread_past_one_that_waits_in_rayon() {
    within_a_minute(|| {
        for _ in 0..20 {
            let parallel = uncached(3);
            let inner = parallel.clone();
            let outer = delayed(|| {
                // One piece here and one on another thread, each of which waits inside rayon at its end.
                let nested = || meet(&inner);
                rayon::join(nested, nested);
            });
            parallel.run([outer]).unwrap();
        }
    });
}

/// Batches and submitted calls on one pool take turns, whoever came first.
#[test]
fn a_batch_does_not_wait_for_a_long_queue_of_submitted_calls() {
    within_a_minute(|| {
        let parallel = uncached(1);
        let done = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..400)
            .map(|_| {
                let done = Arc::clone(&done);
                parallel.submit(delayed(move || {
                    thread::sleep(Duration::from_millis(15));
                    done.fetch_add(1, SeqCst);
                }))
            })
            .collect();
        parallel.run((0..20).map(|_| delayed(|| thread::sleep(Duration::from_millis(15))))).unwrap();
        let before = done.load(SeqCst);
        assert!(before < 200, "{before} submitted calls ran before 20 of a batch");
        for task in tasks {
            task.wait().unwrap();
        }
    });
}

/// Regression: whoever waited for a submitted call was woken whenever a thread ran out of work: 200,000 of them took two minutes
/// beside batches.
#[test]
fn very_many_submitted_calls_beside_batches_take_no_more_than_their_time() {
    within_a_minute(|| {
        let parallel = uncached(2);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let batches = scope.spawn(|| {
                while !over.load(SeqCst) {
                    parallel
                        .run((0..20).map(|_| delayed(|| thread::sleep(Duration::from_micros(50)))))
                        .unwrap();
                }
            });
            let tasks: Vec<_> = (0..100_000_u64).map(|x| parallel.submit(delayed(move || x))).collect();
            for (x, task) in (0..).zip(tasks) {
                assert_eq!(task.wait().unwrap(), x);
            }
            over.store(true, SeqCst);
            batches.join().unwrap();
        });
    });
}

/// Regression: calls that were drawn were kept back while the input was asked for another.
#[test]
fn an_input_may_wait_for_what_an_earlier_call_of_it_does() {
    within_a_minute(|| {
        let parallel = uncached(2);
        // Each call lets go of the next one.
        let chain = || {
            let (sends, receives) = mpsc::channel();
            sends.send(0_u64).unwrap();
            (0..20_u64).map(move |x| {
                assert_eq!(receives.recv().unwrap(), x);
                let sends = sends.clone();
                delayed(move || {
                    // The last one has nobody to let go.
                    let _ = sends.send(x + 1);
                    x
                })
            })
        };
        let expected: Vec<u64> = (0..20).collect();
        assert_eq!(parallel.run(chain()).unwrap(), expected);
        assert!(parallel.run_all(chain()).into_iter().all(|result| result.is_ok()));
        assert_eq!(parallel.stream(chain()).collect::<Result<Vec<_>, _>>().unwrap(), expected);
        assert_eq!(parallel.stream_unordered(chain()).count(), 20);
        let inner = parallel.clone();
        assert_eq!(parallel.run([delayed(|| inner.run(chain()).unwrap())]).unwrap(), [expected]);
    });
}

/// On a pool of one thread, which is the one that draws.
#[test]
fn an_input_may_wait_for_an_earlier_call_though_its_thread_is_the_only_one() {
    within_a_minute(|| {
        let parallel = uncached(1);
        let inner = parallel.clone();
        let nested = delayed(|| {
            let (sends, receives) = mpsc::channel();
            let calls = (0..3_u64).map(|x| {
                if x > 0 {
                    receives.recv().unwrap();
                }
                let sends = sends.clone();
                delayed(move || sends.send(x).map(|()| x).unwrap())
            });
            inner.run(calls).unwrap()
        });
        assert_eq!(parallel.run([nested]).unwrap(), [[0, 1, 2]]);
    });
}

/// Regression: it was asked again after it had said that there is nothing more.
#[test]
fn an_input_is_not_asked_after_its_end() {
    struct Once(bool);
    impl Iterator for Once {
        type Item = rememo::execute::Delayed<fn() -> u8>;
        fn next(&mut self) -> Option<Self::Item> {
            assert!(!std::mem::replace(&mut self.0, true), "asked after the end");
            None
        }
    }
    let one = || delayed((|| 1) as fn() -> u8);
    for jobs in [1, 3] {
        let parallel = uncached(jobs);
        assert_eq!(parallel.run([one(), one()].into_iter().chain(Once(false))).unwrap(), [1, 1]);
        assert_eq!(parallel.stream([one()].into_iter().chain(Once(false))).count(), 1);
        assert_eq!(parallel.stream_unordered(Once(false)).count(), 0);
        let inner = parallel.clone();
        assert_eq!(parallel.run([delayed(|| inner.run(Once(false)).unwrap().len())]).unwrap(), [0]);
    }
}

#[test]
fn a_stream_that_is_made_outside_is_worked_at_by_the_task_that_takes_its_results() {
    within_a_minute(|| {
        let parallel = uncached(1);
        let stream = parallel.stream((0..200_u64).map(|x| delayed(move || x)));
        // At a fifth of a second for each result it would take forty.
        let sum = delayed(move || stream.map(Result::unwrap).sum::<u64>());
        assert_eq!(parallel.run([sum]).unwrap(), [19_900]);
    });
}

/// A thousand batches inside one another, or a hundred where nothing is optimised.
#[test]
fn batches_nest_deep() {
    fn deep(parallel: &Parallel, depth: u32) -> u32 {
        if depth == 0 {
            return 0;
        }
        parallel.run([delayed(|| deep(parallel, depth - 1) + 1)]).unwrap()[0]
    }
    let depth = if cfg!(debug_assertions) { 200 } else { 1_000 };
    within_a_minute(move || assert_eq!(deep(&uncached(2), depth), depth));
    let large = uncached(2).stack_size(8 * 8 * 1024 * 1024);
    within_a_minute(move || assert_eq!(deep(&large, 6 * depth), 6 * depth));
}

#[test]
fn threads_have_the_stack_that_they_are_given() {
    /// Uses some bytes of the stack, far more than it was given by default.
    #[expect(clippy::large_stack_arrays, reason = "to fill it")]
    fn fill(depth: u32) -> u64 {
        let here = std::hint::black_box([1_u8; 64 * 1024]);
        let below = if depth == 0 { 0 } else { fill(depth - 1) };
        below + u64::from(here[depth as usize])
    }
    let parallel = uncached(2).stack_size(64 * 1024 * 1024);
    assert_eq!(parallel.run([delayed(|| fill(500))]).unwrap(), [501]);
    assert_eq!(parallel.submit(delayed(|| fill(500))).wait().unwrap(), 501);
    assert_eq!(parallel.stream([delayed(|| fill(500))]).next().unwrap().unwrap(), 501);
}

/// The names of this process's threads, as far as Linux keeps them.
#[cfg(target_os = "linux")]
fn names_of_threads() -> Vec<String> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).collect()
}

/// Regression: the threads of each cell of a notebook stayed, since each has a copy of this library.
#[cfg(target_os = "linux")]
#[test]
fn threads_that_nobody_uses_end_and_are_there_when_they_are_used_again() {
    within_a_minute(|| {
        // A size that no other test uses.
        let parallel = uncached(29);
        let count = || names_of_threads().iter().filter(|name| name.starts_with("rememo-29-")).count();
        let begun = Barrier::new(29);
        for _ in 0..2 {
            let counted = parallel.run((0..29).map(|_| {
                delayed(|| {
                    begun.wait();
                    count()
                })
            }));
            assert_eq!(counted.unwrap(), [29; 29]);
            while count() > 0 {
                thread::sleep(Duration::from_millis(50));
            }
        }
        // One that is used is kept, however long a call of it takes.
        let slow = parallel.submit(delayed(move || {
            thread::sleep(Duration::from_secs(3));
            count()
        }));
        assert_eq!(slow.wait().unwrap(), 29);
    });
}
