//! Every way that a value goes, and what must come of it: the same value, or a refusal that is told.

use std::fmt::Debug;
use std::path::PathBuf;
use std::thread;

use rememo::{Call, Executor, FunctionCall, Memory, Parallel, Shelved, TaskError, TaskErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::same::Same;
use crate::samples::{Keeps, SLOW, Sample, is_huge, place_of};

/// What was tried, and what was wrong.
pub struct Ways {
    root: PathBuf,
    round: u64,
    problems: usize,
    kept: usize,
    refused: usize,
}

impl Ways {
    pub fn new(root: PathBuf) -> Self {
        Ways { root, round: 0, problems: 0, kept: 0, refused: 0 }
    }

    /// Prints what came of it.
    pub fn finish(self) {
        println!("{} problems, {} kept, {} refused", self.problems, self.kept, self.refused);
    }

    /// A memory as another process would open it.
    pub fn open(&self) -> Memory {
        Memory::open(&self.root).unwrap()
    }

    fn next_round(&mut self) -> u64 {
        self.round += 1;
        self.round
    }

    fn problem(&mut self, of: &Of<'_>, problem: String) {
        self.problems += 1;
        let problem: String = problem.chars().take(400).collect();
        println!("{}, {}, {}: {problem}", of.name, of.what, of.way);
    }

    pub fn expect_same<T: Same + Debug>(&mut self, of: &Of<'_>, value: &T, expected: &T) {
        if !value.same(expected) {
            self.problem(of, format!("{value:?} where {expected:?} was expected"));
        }
    }

    /// Takes note of a refusal, which has to say something, and must not be where all are kept.
    fn refused(&mut self, of: &Of<'_>, why: &str) {
        self.refused += 1;
        if of.keeps == Keeps::All || why.is_empty() {
            self.problem(of, format!("refused: {why}"));
        }
    }

    /// Has the values of a function go every way, or those that differ where errors are kept.
    pub fn values<C>(
        &mut self,
        all_ways: bool,
        what: &'static str,
        name: &dyn Fn(usize) -> &'static str,
        count: usize,
        call: fn(usize, u64) -> C,
        uncached: fn(usize, u64) -> C::Output,
        keeps: &dyn Fn(usize) -> Keeps,
    ) where
        C: Call + Send,
        C::Output: Same + Debug + Serialize + DeserializeOwned + Send,
    {
        let values: Vec<_> = (0..count).map(|index| uncached(index, 0)).collect();
        let of = |index| Of { name: name(index), what, way: "", keeps: keeps(index) };
        let function = Function { values: &values, call, of: &of };
        self.twice(&function);
        self.sent_back(&function);
        if all_ways {
            self.at_the_same_time(&function);
            self.shelved(&function);
            self.inserted(&function);
        }
    }

    /// Computed, then asked for in another memory.
    fn twice<C: Call>(&mut self, function: &Function<'_, C>)
    where
        C::Output: Same + Debug,
    {
        let round = self.next_round();
        let (first, second) = (self.open(), self.open());
        for (index, expected) in function.values.iter().enumerate() {
            let before = first.stats().not_kept;
            let value = first.call((function.call)(index, round));
            self.expect_same(&function.of(index, "first call"), &value, expected);
            let told = first.stats().not_kept > before;
            let again = second.call_info((function.call)(index, round));
            let of = function.of(index, "second call");
            self.expect_same(&of, &again.value, expected);
            match (again.is_hit(), of.keeps) {
                (true, Keeps::None) => self.problem(&of, "an `Err` was kept".into()),
                (true, _) => self.kept += 1,
                (false, Keeps::None) => {}
                (false, _) => self.refused(&of, if told { "told as not kept" } else { "" }),
            }
        }
    }

    /// Asked for by several at the same time.
    fn at_the_same_time<C>(&mut self, function: &Function<'_, C>)
    where
        C: Call + Send,
        C::Output: Same + Debug + Send,
    {
        let round = self.next_round();
        let memory = self.open();
        let count = function.values.len();
        let calls = (0..3 * count).map(|i| (function.call)(i / 3, round));
        let values = Parallel::new().jobs(2).memory(&memory).run_all(calls);
        for (i, value) in values.into_iter().enumerate() {
            self.expect_same(&function.of(i / 3, "duplicate"), &value.unwrap(), &function.values[i / 3]);
        }
        let round = self.next_round() | SLOW;
        let call = function.call;
        let ask = || (0..count).map(|index| memory.call(call(index, round))).collect::<Vec<_>>();
        let threads = thread::scope(|scope| {
            let threads = [scope.spawn(ask), scope.spawn(ask), scope.spawn(ask)];
            threads.map(|thread| thread.join().unwrap())
        });
        for values in threads {
            for (index, value) in values.iter().enumerate() {
                self.expect_same(&function.of(index, "waiting thread"), value, &function.values[index]);
            }
        }
    }

    /// Left in the cache, and taken by a token, and by one that went through serde.
    fn shelved<C: Call>(&mut self, function: &Function<'_, C>)
    where
        C::Output: Same + Debug + Serialize + DeserializeOwned,
    {
        let round = self.next_round();
        for (way, memory) in [("token", self.open()), ("token with the value", Memory::disabled())] {
            for (index, expected) in function.values.iter().enumerate() {
                let of = function.of(index, way);
                let token = match memory.shelve((function.call)(index, round)) {
                    Ok(token) => token,
                    Err(error) => {
                        self.refused(&of, &error.to_string());
                        continue;
                    }
                };
                let mut tokens = vec![token];
                // The bytes of a huge value take long as JSON.
                if !(is_huge(index) && memory.root().is_none()) {
                    let sent = serde_json::to_string(&tokens[0]).unwrap();
                    tokens.push(serde_json::from_str::<Shelved<C::Output>>(&sent).unwrap());
                }
                for token in tokens {
                    match token.get() {
                        Ok(value) => self.expect_same(&of, &value, expected),
                        Err(error) => self.refused(&of, &error.to_string()),
                    }
                }
            }
        }
    }

    fn inserted<C: Call>(&mut self, function: &Function<'_, C>)
    where
        C::Output: Same + Debug,
    {
        let round = self.next_round();
        let (first, second) = (self.open(), self.open());
        for (index, expected) in function.values.iter().enumerate() {
            let of = function.of(index, "inserted");
            let refused = first.insert(&(function.call)(index, round), expected).err();
            match (second.lookup(&(function.call)(index, round)), refused) {
                (Some(value), None) => self.expect_same(&of, &value, expected),
                (None, Some(error)) => self.refused(&of, &error.to_string()),
                (found, refused) => {
                    self.problem(&of, format!("{refused:?}, and then found: {}", found.is_some()));
                }
            }
        }
    }

    /// Computed in worker processes.
    fn sent_back<C>(&mut self, function: &Function<'_, C>)
    where
        C: Call + Send,
        C::Output: Same + Debug + Send,
    {
        let round = self.next_round();
        for (way, memory) in [("worker", self.open()), ("worker without a memory", Memory::disabled())] {
            let calls = (0..function.values.len()).map(|index| (function.call)(index, round));
            let results = workers(&memory).run_all(calls);
            let second = self.open();
            for (index, (result, expected)) in results.iter().zip(function.values).enumerate() {
                match result {
                    Ok(value) => self.expect_same(&function.of(index, way), value, expected),
                    // An `Err` that cannot be sent comes back as its text.
                    Err(error) if error.kind() == TaskErrorKind::Returned => {
                        self.refused(&function.of(index, way), error.message());
                    }
                    Err(error) => self.not_sent(&function.of(index, way), error, "cannot be sent back"),
                }
                if let Some(value) = second.lookup(&(function.call)(index, round)) {
                    self.expect_same(&function.of(index, "stored by a worker"), &value, expected);
                }
            }
        }
    }

    /// Given to a function that says which it was, here and in worker processes. `call` is the call
    /// with a sample and the number of a round.
    pub fn arguments<T: Sample>(&mut self, call: for<'a> fn(&'a T, u64) -> Takes<'a, T>) {
        let round = self.next_round();
        let memory = self.open();
        for sample in T::samples() {
            let of = Of { name: sample.name(), what: "argument", way: "here", keeps: Keeps::of(sample) };
            self.expect_same(&of, &memory.call(call(sample, round)), &place_of(sample));
        }
        let round = self.next_round();
        self.sent("argument", |sample, _| call(sample, round));
    }

    /// The same where it is not in the key.
    pub fn ignored_arguments<T: Sample>(&mut self, call: for<'a> fn(&'a T, u64) -> Takes<'a, T>) {
        let first = self.round + 1;
        self.round += T::samples().len() as u64;
        self.sent("ignored argument", |sample, index| call(sample, first + index as u64));
    }

    fn sent<T: Sample>(&mut self, what: &'static str, call: impl Fn(&'static T, usize) -> Takes<'static, T>) {
        for (way, memory) in [("sent", self.open()), ("sent without a memory", Memory::disabled())] {
            let calls = T::samples().iter().enumerate().map(|(index, sample)| call(sample, index));
            let results = workers(&memory).run_all(calls);
            for (result, sample) in results.iter().zip(T::samples()) {
                let of = Of { name: sample.name(), what, way, keeps: Keeps::of(sample) };
                match result {
                    Ok(value) => self.expect_same(&of, value, &place_of(sample)),
                    Err(error) => self.not_sent(&of, error, "its argument `value`"),
                }
            }
        }
    }

    pub fn not_sent(&mut self, of: &Of<'_>, error: &TaskError, says: &str) {
        if error.kind() != TaskErrorKind::NotSent || !error.message().contains(says) {
            self.problem(of, error.to_string());
        }
        self.refused(of, error.message());
    }

    /// Without the macro.
    pub fn by_name<T: Sample>(&mut self) {
        for round in 0..2 {
            let memory = self.open();
            for (index, sample) in T::samples().iter().enumerate() {
                let misses = memory.stats().misses;
                let value: Result<T, u8> =
                    memory.get_or_compute("by name", &(index, sample), || Ok(sample.clone()));
                let of = Of { name: sample.name(), what: "value", way: "by name", keeps: Keeps::of(sample) };
                self.expect_same(&of, &value, &Ok(sample.clone()));
                if round == 1 && memory.stats().misses > misses {
                    self.refused(&of, "computed again");
                }
            }
        }
    }
}

/// A call with a borrowed sample, of a function that says which it was.
pub type Takes<'a, T> = FunctionCall<(&'a T, u64), Option<usize>>;

/// A function whose values are tried.
struct Function<'a, C: Call> {
    /// Its values, by index.
    values: &'a [C::Output],
    /// Makes the call for an index, in a round.
    call: fn(usize, u64) -> C,
    of: &'a dyn Fn(usize) -> Of<'static>,
}

impl<C: Call> Function<'_, C> {
    fn of(&self, index: usize, way: &'static str) -> Of<'static> {
        Of { way, ..(self.of)(index) }
    }
}

/// What is tried.
pub struct Of<'a> {
    /// The name of the type.
    pub name: &'a str,
    pub what: &'a str,
    pub way: &'a str,
    pub keeps: Keeps,
}

pub fn workers(memory: &Memory) -> Parallel {
    Parallel::new().jobs(2).memory(memory).executor(Executor::processes())
}
