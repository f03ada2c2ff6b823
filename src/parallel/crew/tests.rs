//! Shuttle explores the interleavings of crews and lines: the code of [`super`] and of the real queue, on a model of a pool.
//!
//! The end of each exploration is that every item was run once and every thread has come back: shuttle fails a schedule in
//! which all threads wait.

mod model;

use std::sync::OnceLock;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;

use self::model::*;
use super::*;
use crate::key::Key;
use crate::memory::{Miss, MissReason};
use crate::parallel::attempt::Item;

fn nothing() -> Run {
    Box::new(|_, _| thread::yield_now())
}

/// Explores schedules: some thousands, or as many as are asked for.
fn explore(scenario: impl Fn() + Send + Sync + 'static) {
    let asked = std::env::var("REMEMO_TEST_SCHEDULES");
    let schedules = asked.map_or(2_000, |schedules| schedules.parse().unwrap());
    shuttle::check_random(scenario, schedules);
}

#[test]
fn two_batches_on_one_pool_end() {
    explore(|| {
        let pool = Pool::new(2);
        pool.while_open(|| {
            let others = Arc::clone(&pool);
            let other = thread::spawn(move || Model::new(&others, 2, nothing()).run_all(3, false));
            Model::new(&pool, 2, nothing()).run_all(3, false);
            other.join().unwrap();
        });
    });
}

/// Items run batches; some wait in rayon, where calls for other threads come to them.
#[test]
fn nested_batches_end_also_beside_waits_in_rayon() {
    explore(|| {
        let pool = Pool::new(2);
        pool.while_open(|| {
            let inner = Arc::clone(&pool);
            let run: Run = Box::new(move |_, item| {
                if item == 0 {
                    inner.wait_in_rayon();
                }
                Model::new(&inner, 2, nothing()).run_all(2, true);
                inner.wait_in_rayon();
            });
            Model::new(&pool, 2, run).run_all(3, false);
        });
    });
}

/// Two items that wait for each other: they end only if two threads come to them.
fn meeting() -> Run {
    let meet = Arc::new(shuttle::sync::Barrier::new(2));
    Box::new(move |_, _| {
        meet.wait();
    })
}

/// The other thread is taken when the nested batch begins, and is free later; or a call comes to it where it waits in rayon.
#[test]
fn a_nested_batch_gets_a_thread_that_is_free_at_any_time() {
    explore(|| {
        let pool = Pool::new(2);
        pool.while_open(|| {
            let inner = Arc::clone(&pool);
            let run: Run = Box::new(move |_, item| {
                if item == 0 {
                    inner.wait_in_rayon();
                    thread::yield_now();
                    inner.wait_in_rayon();
                } else {
                    Model::new(&inner, 2, meeting()).run_all(2, true);
                }
            });
            Model::new(&pool, 2, run).run_all(2, false);
        });
    });
}

/// The pool is full of another batch when a batch begins whose items need two threads.
#[test]
fn a_batch_gets_its_share_of_a_pool_that_was_full() {
    explore(|| {
        let pool = Pool::new(2);
        pool.while_open(|| {
            let others = Arc::clone(&pool);
            let other = thread::spawn(move || Model::new(&others, 2, nothing()).run_all(4, false));
            Model::new(&pool, 2, meeting()).run_all(2, false);
            other.join().unwrap();
        });
    });
}

#[test]
fn a_nested_batch_on_a_pool_of_one_thread_ends() {
    explore(|| {
        let pool = Pool::new(1);
        pool.while_open(|| {
            let inner = Arc::clone(&pool);
            let run: Run = Box::new(move |_, _| Model::new(&inner, 1, nothing()).run_all(2, true));
            Model::new(&pool, 1, run).run_all(2, false);
        });
    });
}

/// The consumer draws within a window, and takes results; now and then it stops to look.
fn stream(pool: &Arc<Pool>, window: usize, works: bool) {
    const ITEMS: u32 = 5;
    let model = Model::new(pool, 2, nothing());
    let (mut drawn, mut delivered) = (0, 0);
    while delivered < ITEMS as usize {
        delivered += model.crew.change(|queue| std::mem::take(&mut queue.results)).len();
        if drawn < ITEMS && (drawn as usize) - delivered < window {
            model.push(drawn);
            drawn += 1;
            continue;
        }
        if delivered == ITEMS as usize || works && model.work(false, || true) {
            continue;
        }
        let has_news: fn(&Items, Load) -> bool = |queue, _| !queue.results.is_empty();
        let or_work: fn(&Items, Load) -> bool =
            |queue, load| !queue.results.is_empty() || load.has_room() && queue.startable() > 0;
        model.crew.wait(Wish { is_met: if works { or_work } else { has_news }, works }, None);
    }
    model.expect_once(ITEMS);
}

#[test]
fn streams_of_any_window_end_outside_and_inside_of_a_task() {
    explore(|| {
        let window = thread_rng().gen_range(1..=8);
        let pool = Pool::new(2);
        pool.while_open(|| {
            let inner = Arc::clone(&pool);
            let run: Run = Box::new(move |_, _| stream(&inner, window, true));
            let outer = Arc::clone(&pool);
            let batch = thread::spawn(move || Model::new(&outer, 2, run).run_all(1, false));
            stream(&pool, window, false);
            batch.join().unwrap();
        });
    });
}

/// A submitted call: it may be run by a thread of the pool, or by the task that waits for it.
#[derive(Default)]
struct Task {
    has_begun: Mutex<bool>,
    is_done: Mutex<bool>,
    changed: Condvar,
}

impl Task {
    fn run(&self) -> bool {
        if std::mem::replace(&mut *self.has_begun.lock().unwrap(), true) {
            return false;
        }
        thread::yield_now();
        *self.is_done.lock().unwrap() = true;
        self.changed.notify_all();
        true
    }

    fn wait(&self) {
        if !self.run() {
            let mut is_done = self.is_done.lock().unwrap();
            while !*is_done {
                is_done = self.changed.wait(is_done).unwrap();
            }
        }
    }
}

#[test]
fn tasks_that_submit_and_wait_end() {
    explore(|| {
        let pool = Pool::new(2);
        pool.while_open(|| {
            let tasks = Arc::new([Task::default(), Task::default(), Task::default(), Task::default()]);
            let theirs = Arc::clone(&tasks);
            let submitted = Model::new(
                &pool,
                2,
                Box::new(move |_, item| {
                    theirs[item as usize].run();
                }),
            );
            let (puts, waits) = (Arc::clone(&submitted), Arc::clone(&tasks));
            let run: Run = Box::new(move |_, item| {
                puts.push(2 * item);
                puts.push(2 * item + 1);
                waits[2 * item as usize + 1].wait();
                waits[2 * item as usize].wait();
            });
            Model::new(&pool, 2, run).run_all(2, false);
            assert!(tasks.iter().all(|task| *task.is_done.lock().unwrap()));
        });
    });
}

/// A key that somebody outside computes: the item is put away, and its waking may come before that.
#[test]
fn an_item_that_is_left_to_others_comes_back_whenever_they_are_done() {
    explore(|| {
        let works = thread_rng().gen_bool(0.5);
        let pool = Pool::new(2);
        let key = Key::from_bytes([7; 32]);
        let watcher = Arc::new((OnceLock::<Arc<Model>>::new(), Mutex::new((false, 0)), Condvar::new()));
        // How often the key was asked for while it was computed elsewhere: each has its waking.
        let theirs = Arc::clone(&watcher);
        let elsewhere = thread::spawn(move || {
            thread::yield_now();
            let (model, state, changed) = &*theirs;
            let waiting = {
                let mut state = state.lock().unwrap();
                while state.1 == 0 && !state.0 {
                    state = changed.wait(state).unwrap();
                }
                state.0 = true;
                state.1
            };
            for _ in 0..waiting {
                model.get().unwrap().crew.change(|queue| queue.wake(key));
            }
        });
        pool.while_open(|| {
            let asks = Arc::clone(&watcher);
            let run: Run = Box::new(move |model, item| {
                if item != 1 {
                    return;
                }
                let (_, state, changed) = &*asks;
                let mut state = state.lock().unwrap();
                if !state.0 {
                    state.1 += 1;
                    drop(state);
                    changed.notify_all();
                    thread::yield_now();
                    *model.runs.lock().unwrap().get_mut(&1).unwrap() -= 1;
                    let item = Item::new(0, 1, Miss { key: Some(key), reason: MissReason::Absent });
                    model.crew.change(|queue| queue.put_away(key, item, None));
                }
            });
            let model = Model::new(&pool, 2, run);
            let _ = watcher.0.set(Arc::clone(&model));
            if works {
                let outer = Model::new(&pool, 2, Box::new(move |_, _| model.run_all(3, true)));
                outer.run_all(1, false);
            } else {
                model.run_all(3, false);
            }
        });
        elsewhere.join().unwrap();
    });
}
