//! [`as_completed`]: many tasks, in the order in which they are done.

use std::sync::Arc;
use std::time::Duration;

use super::Task;
use crate::parallel::feed::FORSAKEN;
use crate::parallel::outcome::Arrivals;
use crate::parallel::pool;
use crate::task_error::TaskError;

/// Yields what comes of tasks, each with its place among them, in the order in which they are done.
///
/// Nothing is polled: the iterator sleeps until a task is done. Inside a task it works at those that have not started, as [`Task::wait`]
/// does. The index of an error is that place, too. Tasks that are left when the iterator is dropped run on.
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
        task.outcome.watch(&arrivals, index);
        Some(task)
    };
    let tasks = tasks.into_iter().enumerate().map(watch).collect();
    AsCompleted { tasks, first: 0, arrivals }
}

/// Tasks in the order in which they are done; [`as_completed`] makes it.
#[must_use = "iterators do nothing until they are asked"]
#[derive(Debug)]
pub struct AsCompleted<T> {
    /// By place; `None` once yielded.
    tasks: Vec<Option<Task<T>>>,
    /// Those before it are yielded.
    first: usize,
    arrivals: Arc<Arrivals>,
}

impl<T> AsCompleted<T> {
    /// Works at one of the tasks, if one waits; whether it did.
    fn work(&self) -> bool {
        self.tasks[self.first..].iter().flatten().any(Task::work)
    }

    /// Waits until a task may be done, or works for it.
    fn wait(&self, first: &Task<T>) {
        let bell = &self.arrivals.bell;
        if pool::is_busy() && self.work() {
            return;
        }
        if !first.is_forsaken() {
            bell.hear(Duration::MAX);
        } else if !bell.hear(FORSAKEN) && first.is_forsaken() {
            first.work();
        }
    }
}

impl<T> Iterator for AsCompleted<T> {
    type Item = (usize, Result<T, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(index) = self.arrivals.next() {
                let result = self.tasks[index].take()?.outcome.take()?;
                return Some((index, result.map_err(|error| error.at(index))));
            }
            while self.tasks.get(self.first)?.is_none() {
                self.first += 1;
            }
            self.wait(self.tasks[self.first].as_ref()?);
        }
    }
}
