//! [`as_completed`]: many tasks, in the order in which they are done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Task;
use super::promise::Arrivals;
use crate::task_error::TaskError;

/// Yields what comes of tasks, each with its place among them, in the order in which they are done.
///
/// Nothing is polled: the iterator sleeps until a task is done. Inside a task, or a memoized call, it works at those that have
/// not started, as [`Task::wait`] does. The index of an error is that place, too. Tasks that are left when the iterator is dropped run on.
///
/// # Panics
///
/// The iterator panics at a task whose result was taken before.
///
/// # Examples
///
/// ```
/// use rememo::{Memory, Parallel, as_completed, delayed};
///
/// let parallel = Parallel::new().memory(&Memory::disabled());
/// let tasks: Vec<_> = (0..4_u64).map(|x| parallel.submit(delayed(move || x * x))).collect();
/// let mut squares: Vec<u64> = as_completed(tasks).map(|(_, result)| result).collect::<Result<_, _>>()?;
/// squares.sort();
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # Ok::<(), rememo::TaskError>(())
/// ```
pub fn as_completed<T>(tasks: impl IntoIterator<Item = Task<T>>) -> AsCompleted<T> {
    let arrivals = Arc::<Arrivals>::default();
    let watch = |(index, task): (usize, Task<T>)| {
        task.promise.watch(&arrivals, index);
        Some(task)
    };
    let tasks = tasks.into_iter().enumerate().map(watch).collect();
    AsCompleted { tasks, untried: 0, left: None, arrivals }
}

/// Tasks in the order in which they are done; [`as_completed`] makes it.
#[must_use = "iterators do nothing until they are asked"]
#[derive(Debug)]
pub struct AsCompleted<T> {
    /// By place; `None` once yielded.
    tasks: Vec<Option<Task<T>>>,
    /// Those before it were worked at by this iterator, or by others, or are done.
    untried: usize,
    /// How many are not yielded; not counted yet.
    left: Option<usize>,
    arrivals: Arc<Arrivals>,
}

impl<T> AsCompleted<T> {
    /// Works at one of the tasks, if this is a thread that helps and one waits; whether it did.
    fn work(&mut self) -> bool {
        let works_at = |task: &Option<Task<T>>| task.as_ref().is_some_and(|task| task.helps() && task.work());
        while let Some(index) = self.arrivals.woken() {
            if works_at(&self.tasks[index]) {
                return true;
            }
        }
        while let Some(task) = self.tasks.get(self.untried) {
            self.untried += 1;
            if works_at(task) {
                return true;
            }
        }
        false
    }
}

impl<T> Iterator for AsCompleted<T> {
    type Item = (usize, Result<T, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        let left = *self.left.get_or_insert(self.tasks.len());
        if left == 0 {
            return None;
        }
        loop {
            if let Some(index) = self.arrivals.next() {
                let result = self.tasks[index].take()?.promise.take()?;
                self.left = Some(left - 1);
                return Some((index, result.map_err(|error| error.at(index))));
            }
            if !self.work() {
                // Whichever comes first, sooner or later it waits for each.
                let _waiting = self.tasks.iter().flatten().next().and_then(Task::note_wait);
                let due = self.tasks.iter().flatten().filter_map(Task::next_turn).min();
                let patience = due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
                if !self.arrivals.bell.hear(patience) {
                    self.untried = 0;
                }
            }
        }
    }
}
