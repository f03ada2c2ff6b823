//! Which functions of the C library that read or change the outside world a function's code can come to.
//!
//! Ways through panics, failed allocations and the seeds of hash maps do not count: nearly all code
//! has them, and they are in no value. It explains, and decides nothing. What it finds *can* be run;
//! whether it is, and with what, is not known.

use std::collections::{HashMap, VecDeque};

use super::reach::{Graph, Id, What};
use super::{Outside, names};

/// The functions, by name. Those that only use a file or socket that is open are not listed: who opened it is.
const READ: [&str; 46] = [
    "accept",
    "bind",
    "clock",
    "clock_gettime",
    "connect",
    "creat",
    "creat64",
    "execve",
    "execvp",
    "fopen",
    "fopen64",
    "fork",
    "getaddrinfo",
    "getauxval",
    "getcwd",
    "getentropy",
    "getenv",
    "gethostname",
    "getpid",
    "getppid",
    "getrandom",
    "getrusage",
    "gettimeofday",
    "getuid",
    "lstat64",
    "mkdir",
    "open",
    "open64",
    "openat",
    "openat64",
    "opendir",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "rand",
    "random",
    "readlink",
    "rename",
    "sched_getaffinity",
    "secure_getenv",
    "setenv",
    "socket",
    "stat64",
    "statx",
    "time",
    "unlink",
];

/// Parts of the names of functions whose ways do not count.
const NO_WAY: [&str; 5] =
    ["handle_alloc_error", "hashmap_random_keys", "rust_oom", "_Unwind_", "std::rt::cleanup"];

impl Graph {
    /// The listed functions that the code of `root` can come to, with a shortest way to each: the names that people have for
    /// what is on it.
    pub(super) fn outside(&mut self, root: Id) -> Vec<Outside> {
        let mut before: HashMap<Id, Option<Id>> = HashMap::from([(root, None)]);
        let mut waiting = VecDeque::from([root]);
        let mut found = Vec::new();
        while let Some(id) = waiting.pop_front() {
            if let Some(name) = self.listed(id) {
                found.push((name, id));
                continue;
            }
            let Some(described) = &self.pieces[id as usize].1 else { continue };
            if id != root && self.is_no_way(id) {
                continue;
            }
            for (target, _) in &described.targets {
                before.entry(*target).or_insert_with(|| {
                    waiting.push_back(*target);
                    Some(id)
                });
            }
        }
        found.into_iter().map(|(name, id)| Outside { name, way: self.way(id, &before) }).collect()
    }

    fn listed(&self, id: Id) -> Option<&'static str> {
        let symbol = match &self.pieces[id as usize].0 {
            What::Named(name) => name.split(['@', ' ']).next()?,
            What::Function(number) => self.function_name(*number)?,
            _ => return None,
        };
        READ.iter().find(|listed| **listed == symbol).copied()
    }

    fn is_no_way(&self, id: Id) -> bool {
        let What::Function(number) = self.pieces[id as usize].0 else { return self.is_panic(id) };
        let is_listed = |name: &str| NO_WAY.iter().any(|part| names::readable(name).contains(part));
        self.is_panic(id) || self.function_name(number).is_some_and(is_listed)
    }

    fn way(&mut self, to: Id, before: &HashMap<Id, Option<Id>>) -> Vec<String> {
        let mut way = Vec::new();
        let from = |id: Id| before.get(&id).copied().flatten();
        let mut next = from(to);
        // What it begins with goes without saying.
        while let Some(id) = next.filter(|id| from(*id).is_some()) {
            let name = self.told_name(id).map(|name| name.to_string());
            way.extend(name.filter(|name| way.last() != Some(name)));
            next = from(id);
        }
        way.reverse();
        way
    }
}
