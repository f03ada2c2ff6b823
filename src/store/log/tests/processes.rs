//! Eight processes against a model: what each knows of its own keys must hold, whatever the others do.
//!
//! Processes race, so the model states what must hold in any order:
//! - *Own* keys are stored, replaced and removed by one process alone, under a function that nobody clears. What was removed is
//!   absent; what was stored is there, unless all was cleared since.
//! - Reductions, at random and down to nothing, may take whatever was not used in the last minute. So own keys are read once they are
//!   stored, and no run is longer than a minute: then no later reduction may take one. One under way may have decided before
//!   the use: a key is *young* until none is, and what is known of it begins there. A key that is missed before its first use is stored again;
//!   that is a fault, if nobody reduced meanwhile.
//! - Before and after a clear of everything, shared counters are raised. What was acknowledged while none was under way must be
//!   there until the next begins, and be gone once that has ended.
//! - Keys of a function that one process alone stores and clears are gone after each clear.
//! - *Shared* keys are stored, removed and cleared by all: there and right, or absent.
//! - Entries that nobody reads are there for the reductions.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::key::FunctionId;
use crate::sys::map::Words;

const PROCESSES: u64 = 8;

/// How long it takes: not more than a minute, see above.
fn length() -> Duration {
    Duration::from_secs(if is_long() { 60 } else { 3 })
}

/// Words that the processes of one run share.
mod at {
    pub(super) const CLEARS_BEGUN: usize = 0;
    pub(super) const CLEARS_ENDED: usize = 1;
    pub(super) const REDUCTIONS_BEGUN: usize = 2;
    pub(super) const REDUCTIONS_ENDED: usize = 3;
    pub(super) const GROWTHS: usize = 4;
}

const CLEARS: [usize; 2] = [at::CLEARS_BEGUN, at::CLEARS_ENDED];
const REDUCTIONS: [usize; 2] = [at::REDUCTIONS_BEGUN, at::REDUCTIONS_ENDED];

#[test]
fn eight_processes_lose_nothing_and_read_nothing_wrong() {
    let (dir, store) = fresh();
    let run = tempfile::tempdir().unwrap();
    File::create(run.path().join("words")).unwrap().set_len(4096).unwrap();
    let mut workers: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let variables =
                [("REMEMO_TEST_RUN", run.path().into()), ("REMEMO_TEST_NUMBER", number.to_string().into())];
            start_again("store::log::tests::processes::worker", dir.path(), &variables)
        })
        .collect();
    let words = shared_words(run.path());
    let index = dir.path().join("index");
    let (mut growths, mut size) = (0, 0);
    while workers.iter_mut().any(|worker| worker.try_wait().unwrap().is_none()) {
        let now = fs::metadata(&index).unwrap().len();
        growths += u64::from(now > size && size > 0);
        words.words()[at::GROWTHS].store(growths, SeqCst);
        size = now;
        let failed = |worker: &mut Child| worker.try_wait().unwrap().is_some_and(|status| !status.success());
        if workers.iter_mut().any(failed) {
            for worker in &mut workers {
                worker.kill().unwrap();
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    // Those that failed of themselves first: the others were killed for it.
    let mut outputs: Vec<_> = workers.into_iter().map(|worker| worker.wait_with_output().unwrap()).collect();
    outputs.sort_by_key(|output| output.status.code().is_none());
    for output in outputs {
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let clears = words.words()[at::CLEARS_BEGUN].load(Relaxed);
    assert_eq!(clears, 4);
    assert!(growths >= 5, "{growths}");
    let models: Vec<Model> = (0..PROCESSES).map(|number| Model::read(run.path(), number)).collect();
    let check = |store: &dyn Store| models.iter().map(|model| model.expect_in(store, clears)).sum::<u64>();
    let there = check(&*store);
    println!(
        "{growths} growths, {clears} clears, {} reductions; {there} entries at the end",
        words.words()[at::REDUCTIONS_ENDED].load(SeqCst)
    );
    assert!(there > 100, "{there}");
    // What it finds damaged are blobs that were stored while they were removed, evicted or cleared: their files are gone.
    store.sweep().unwrap();
    assert_eq!(check(&*store), there);
    drop(store);
    fs::remove_file(index).unwrap();
    let store = reopen(dir.path());
    assert_eq!(check(&*store), there);
    let mut listed = 0;
    store.list(&mut |_| listed += 1).unwrap();
    assert_eq!(store.stat().unwrap().entries, listed);
}

#[test]
#[ignore = "one of the processes of another test, started by it"]
fn worker() {
    let Some(root) = env::var_os("REMEMO_TEST_STORE") else { return };
    let run = PathBuf::from(env::var_os("REMEMO_TEST_RUN").unwrap());
    let number: u64 = env::var("REMEMO_TEST_NUMBER").unwrap().parse().unwrap();
    let mut worker = Worker {
        store: reopen(Path::new(&root)),
        words: shared_words(&run),
        number,
        random: number + 1,
        stored: 0,
        young: Vec::new(),
        model: Model::default(),
    };
    let worker_words = shared_words(&run);
    let (started, length) = (Instant::now(), length());
    let mut clears = 0;
    // On a slow machine until all clears are done, the index has grown enough, and there is something to compare at the end.
    let count = |at: usize| worker_words.words()[at].load(SeqCst);
    let is_short = |model: &Model| {
        count(at::GROWTHS) < 5
            || count(at::CLEARS_ENDED) < 4
            || model.keys.values().filter(|state| **state == Some(4)).count() < 50
    };
    while started.elapsed() < length || is_short(&worker.model) && started.elapsed() < Duration::from_mins(1)
    {
        (0..50).for_each(|_| worker.step());
        // The first process clears, four times in a run but not at its end.
        if number == 0 && started.elapsed() > length * (clears + 1) / 6 && clears < 4 {
            worker.clear_all();
            clears += 1;
        }
    }
    while !worker.young.is_empty() {
        worker.settle();
    }
    worker.model.write(&run, number);
}

fn shared_words(run: &Path) -> Words {
    let file = File::options().read(true).write(true).open(run.join("words")).unwrap();
    Words::shared(&file, 4096).unwrap()
}

/// What a process knows of its own keys.
#[derive(Debug, Default)]
struct Model {
    /// The keys that it has stored and seen, with the number of clears before; `None` for those that it has removed.
    keys: HashMap<u64, Option<u64>>,
}

impl Model {
    /// Fails unless `store` has what must be there and nothing that must be gone; how many entries were there.
    #[track_caller]
    fn expect_in(&self, store: &dyn Store, clears: u64) -> u64 {
        let mut there = 0;
        for (&number, &state) in &self.keys {
            assert_eq!(look(store, number), state == Some(clears), "{number}: {state:?} of {clears} clears");
            there += u64::from(state == Some(clears));
        }
        there
    }

    fn write(&self, run: &Path, number: u64) {
        let mut text = String::new();
        for (number, state) in &self.keys {
            writeln!(text, "{number} {}", state.map_or_else(String::new, |clears| clears.to_string()))
                .unwrap();
        }
        fs::write(run.join(format!("model-{number}")), text).unwrap();
    }

    fn read(run: &Path, number: u64) -> Self {
        let text = fs::read_to_string(run.join(format!("model-{number}"))).unwrap();
        let keys = text.lines().map(|line| {
            let (number, state) = line.split_once(' ').unwrap();
            (number.parse().unwrap(), state.parse().ok())
        });
        Model { keys: keys.collect() }
    }
}

struct Worker {
    store: Arc<dyn Store>,
    words: Words,
    number: u64,
    random: u64,
    /// How many keys it has made.
    stored: u64,
    /// Keys that were stored while a reduction was under way, with the number of clears before.
    young: Vec<(u64, u64)>,
    model: Model,
}

/// The value under a number: every two hundredth is a blob.
fn value(number: u64) -> Vec<u8> {
    let length = match number {
        _ if number % 200 == 7 => 66_000,
        _ if number < 1000 => 8000,
        _ => number % 300,
    };
    (0..length).map(|i| number.wrapping_mul(31).wrapping_add(i).to_le_bytes()[0]).collect()
}

/// Whether the entry is there; it must be right, and sound.
#[track_caller]
fn look(store: &dyn Store, number: u64) -> bool {
    match store.get(&key(number)).unwrap() {
        Lookup::Found(entry) => {
            assert_eq!(*entry.value().whole().unwrap(), value(number), "{number}");
            true
        }
        Lookup::Absent => false,
        Lookup::Damaged(how) => panic!("{number}: {how}"),
    }
}

impl Worker {
    /// One thing at random.
    fn step(&mut self) {
        self.settle();
        match self.below(20_000) {
            0..2 => self.reduce(Limits::new().age(Duration::from_secs(1))),
            2..4 => self.reduce(Limits::new().bytes(0)),
            4 => drop(self.store.sweep().unwrap()),
            5..15 => self.clear_own_function(),
            15..20 => self.store.clear_functions(&[FunctionId([2; 8])]).unwrap(),
            20..8_000 => {
                self.stored += 1;
                self.store_own(self.own(self.stored));
            }
            8_000..12_000 => {
                let number = self.any_own();
                self.check(number);
            }
            12_000..13_000 => self.remove_own(),
            13_000..14_000 => {
                let number = self.any_own();
                self.store_own(number);
            }
            14_000..17_000 => self.use_shared(),
            17_000..18_000 => {
                // What nobody reads.
                self.stored += 1;
                let number = self.own(self.stored) + 500_000_000;
                self.put(number, 1);
            }
            _ => {
                let other = self.below(PROCESSES);
                let number = (other + 1) * 1_000_000_000 + self.below(self.stored + 1);
                right_or_absent(&*self.store, number);
            }
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    fn own(&self, number: u64) -> u64 {
        (self.number + 1) * 1_000_000_000 + number
    }

    fn any_own(&mut self) -> u64 {
        let number = self.below(self.stored + 1);
        self.own(number)
    }

    fn word(&self, at: usize) -> u64 {
        self.words.words()[at].load(SeqCst)
    }

    /// How many clears there were, if none is under way; likewise of reductions.
    fn quiet(&self, [begun, ended]: [usize; 2]) -> Option<u64> {
        let ended = self.word(ended);
        (self.word(begun) == ended).then_some(ended)
    }

    fn put(&self, number: u64, function: u8) {
        let draft = Draft {
            function: FunctionId([function; 8]),
            created: SystemTime::now(),
            payload: value(number).into(),
            ..draft(number)
        };
        self.store.put(&draft).unwrap();
    }

    /// Stores an own key, and reads it, so that it is in use.
    fn store_own(&mut self, number: u64) {
        self.forget(number);
        for _ in 0..1000 {
            let clears = self.quiet(CLEARS);
            let reductions = self.quiet(REDUCTIONS);
            self.put(number, 100);
            let there = look(&*self.store, number);
            let cleared = clears.is_none() || clears != Some(self.word(at::CLEARS_BEGUN));
            let reduced = reductions.is_none() || reductions != Some(self.word(at::REDUCTIONS_BEGUN));
            assert!(there || cleared || reduced, "{number} was lost at once");
            if cleared {
                // It may be there or not.
                return;
            }
            if there {
                self.young.extend(clears.map(|clears| (number, clears)));
                return;
            }
        }
        panic!("{number} is reduced away each time");
    }

    /// Takes the young keys into the model, if no reduction is under way.
    fn settle(&mut self) {
        if self.young.is_empty() || self.quiet(REDUCTIONS).is_none() {
            return;
        }
        for (number, clears) in std::mem::take(&mut self.young) {
            if look(&*self.store, number) {
                self.model.keys.insert(number, Some(clears));
            }
        }
    }

    /// Knows nothing of an own key any more.
    fn forget(&mut self, number: u64) {
        self.young.retain(|&(young, _)| young != number);
        self.model.keys.remove(&number);
    }

    /// Compares an own key with the model.
    #[track_caller]
    fn check(&mut self, number: u64) {
        let Some(&state) = self.model.keys.get(&number) else { return };
        let ended = self.word(at::CLEARS_ENDED);
        let there = look(&*self.store, number);
        let begun = self.word(at::CLEARS_BEGUN);
        match state {
            None => assert!(!there, "{number} was removed and is back"),
            Some(clears) if ended > clears => assert!(!there, "{number} was cleared and is back"),
            Some(clears) => assert!(there || begun > clears, "{number} was lost"),
        }
    }

    fn remove_own(&mut self) {
        let number = self.any_own();
        self.check(number);
        self.forget(number);
        self.store.remove(&key(number)).unwrap();
        assert!(!look(&*self.store, number), "{number} was removed");
        self.model.keys.insert(number, None);
    }

    /// Stores, reads or removes what all do.
    fn use_shared(&mut self) {
        let number = self.below(300);
        match self.below(4) {
            0 | 1 => self.put(number, 2),
            2 => drop(self.store.remove(&key(number)).unwrap()),
            _ => {}
        }
        right_or_absent(&*self.store, number);
    }

    fn clear_own_function(&mut self) {
        let function = 200 + u8::try_from(self.number).unwrap();
        let first = self.own(900_000_000);
        (first..first + 20).for_each(|number| self.put(number, function));
        self.store.clear_functions(&[FunctionId([function; 8])]).unwrap();
        assert!((first..first + 20).all(|number| !look(&*self.store, number)), "its function was cleared");
    }

    fn clear_all(&mut self) {
        self.words.words()[at::CLEARS_BEGUN].fetch_add(1, SeqCst);
        self.store.clear().unwrap();
        self.words.words()[at::CLEARS_ENDED].fetch_add(1, SeqCst);
    }

    fn reduce(&mut self, limits: Limits) {
        self.words.words()[at::REDUCTIONS_BEGUN].fetch_add(1, SeqCst);
        self.store.reduce(&limits).unwrap();
        self.words.words()[at::REDUCTIONS_ENDED].fetch_add(1, SeqCst);
    }
}

/// An entry that others store and remove meanwhile: what is found must be right.
#[track_caller]
fn right_or_absent(store: &dyn Store, number: u64) {
    if let Lookup::Found(entry) = store.get(&key(number)).unwrap() {
        assert_eq!(*entry.value().whole().unwrap(), value(number), "{number}");
    }
}
