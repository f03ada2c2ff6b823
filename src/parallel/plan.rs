//! A dry run: what a batch would find and compute.

use std::collections::HashSet;
use std::time::Duration;

use super::Parallel;
use crate::call::Call;
use crate::function::Function;
use crate::key::Key;
use crate::memory::{KeyedCall, Memory, Miss, MissReason};
use crate::report::{Plan, PlannedFunction};

/// So many calls are looked up together.
const WINDOW: usize = 1024;

impl<R> Parallel<R> {
    /// Tells what [`run`](Self::run) would find and compute, and computes nothing.
    ///
    /// Calls are looked up as `run` does it, on this thread, but nothing counts as hit or miss, and large values are not read. Of
    /// each function, the first call that would run is explained as [`Memory::why`](crate::Memory::why) does it.
    ///
    /// # Panics
    ///
    /// Panics if the `Serialize` of an argument does.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, Parallel, memo};
    ///
    /// #[memo]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// let memory = Memory::open(dir.path())?;
    /// let parallel = Parallel::new().memory(&memory);
    /// parallel.run((0..8).map(|x| square::delayed(x)))?;
    ///
    /// let plan = parallel.plan((0..10).map(|x| square::delayed(x)));
    /// assert_eq!((plan.remembered, plan.to_compute), (8, 2));
    /// assert!(plan.to_string().starts_with("8 of 10 remembered, 2 to compute"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan<C: Call>(&self, calls: impl IntoIterator<Item = C>) -> Plan {
        let memory = self.current_memory();
        let mut planner = Planner::new(&memory);
        let mut calls = calls.into_iter();
        loop {
            let window: Vec<C> = calls.by_ref().take(WINDOW).collect();
            if window.is_empty() {
                return planner.finish(self.cores());
            }
            planner.look_at(&window);
        }
    }
}

/// What is known of the calls so far.
struct Planner<'m> {
    memory: &'m Memory,
    plan: Plan,
    times: Vec<Times>,
    /// The keys that are to be computed.
    missing: HashSet<Key>,
}

/// What is known of how long calls of a function take.
struct Times {
    function: &'static Function,
    /// Of entries that were found.
    remembered: Duration,
    /// Calls to be computed whose time under earlier code is known.
    told: u64,
    sum: Duration,
    longest: Duration,
}

impl<'m> Planner<'m> {
    fn new(memory: &'m Memory) -> Self {
        Planner { memory, plan: Plan::default(), times: Vec::new(), missing: HashSet::new() }
    }

    fn look_at<C: Call>(&mut self, calls: &[C]) {
        let looked = self.memory.look_ahead(calls);
        let mut missed = Vec::new();
        for (call, looked) in calls.iter().zip(looked) {
            self.plan.calls += 1;
            let Some(memo) = call.memo() else {
                self.plan.to_compute += 1;
                self.plan.closures += 1;
                continue;
            };
            let number = self.number_of(memo.call.function);
            match looked {
                Ok(time) => {
                    self.plan.remembered += 1;
                    self.plan.functions[number].remembered += 1;
                    self.times[number].remembered += time;
                }
                Err(miss) if miss.key.is_some_and(|key| !self.missing.insert(key)) => {
                    self.plan.duplicates += 1;
                }
                Err(miss) => {
                    self.note_missing(number, call, &miss);
                    missed.push((number, call));
                }
            }
        }
        let told = self.memory.earlier_times(missed.iter().map(|(_, call)| *call));
        for ((number, _), time) in missed.into_iter().zip(told) {
            self.times[number].tell(time);
        }
    }

    fn note_missing<C: Call>(&mut self, number: usize, call: &C, miss: &Miss) {
        self.plan.to_compute += 1;
        let function = &mut self.plan.functions[number];
        function.to_compute += 1;
        if function.why.is_none() {
            function.why = Some(self.memory.why_missed(call, miss));
        }
    }

    fn number_of(&mut self, function: &'static Function) -> usize {
        let is_it = |times: &Times| std::ptr::eq(times.function, function);
        self.times.iter().position(is_it).unwrap_or_else(|| {
            let name = function.name().to_owned();
            self.plan.functions.push(PlannedFunction {
                name,
                remembered: 0,
                to_compute: 0,
                why: None,
                compute_time: None,
            });
            let (none, told) = (Duration::ZERO, 0);
            self.times.push(Times { function, remembered: none, told, sum: none, longest: none });
            self.times.len() - 1
        })
    }

    fn finish(mut self, threads: usize) -> Plan {
        let (mut all, mut longest) = (Some(Duration::ZERO), Duration::ZERO);
        for (function, times) in self.plan.functions.iter_mut().zip(&self.times) {
            if function.to_compute == 0 {
                continue;
            }
            let rest = u32::try_from(function.to_compute - times.told).unwrap_or(u32::MAX);
            let mean = if rest == 0 { Some(Duration::ZERO) } else { times.mean(function, self.memory) };
            function.compute_time = mean.map(|mean| times.sum + mean * rest);
            all = all.zip(function.compute_time).map(|(all, time)| all + time);
            longest = longest.max(times.longest).max(mean.unwrap_or_default());
        }
        let threads = u32::try_from(threads).unwrap_or(u32::MAX).max(1);
        if self.plan.closures == 0 {
            self.plan.expected = all.map(|all| (all / threads).max(longest));
        }
        self.plan
    }
}

impl Times {
    fn tell(&mut self, time: Option<Duration>) {
        if let Some(time) = time {
            self.told += 1;
            self.sum += time;
            self.longest = self.longest.max(time);
        }
    }

    /// How long a call takes of which nothing is known.
    fn mean(&self, function: &PlannedFunction, memory: &Memory) -> Option<Duration> {
        let of = |sum: Duration, count: u64| sum.checked_div(u32::try_from(count).unwrap_or(u32::MAX));
        of(self.sum, self.told)
            .or_else(|| of(self.remembered, function.remembered))
            .or_else(|| memory.mean_time_of(self.function))
    }
}

impl Memory {
    /// Looks calls up and counts nothing: of each how long its value took to compute, or why there is none.
    fn look_ahead<C: Call>(&self, calls: &[C]) -> Vec<Result<Duration, Miss>> {
        let keyed: Vec<_> = calls.iter().map(|call| self.keyed(call).map(|keyed| keyed.call)).collect();
        let keys: Vec<Key> = keyed.iter().flatten().map(|keyed| keyed.key).collect();
        let mut entries = self.entries_of(&keys).into_iter();
        let look = |keyed: Result<KeyedCall<'_>, MissReason>| {
            let keyed = keyed?;
            entries
                .next()
                .map_or(Err(MissReason::Absent), |entry| keyed.peek(entry))
                .map_err(|reason| Miss { key: Some(keyed.key), reason })
        };
        keyed.into_iter().map(look).collect()
    }
}
