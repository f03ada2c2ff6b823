//! The budget: kept, and spent on what is worth most.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::*;

#[test]
fn a_budget_is_kept_while_entries_of_mixed_sizes_are_stored() {
    const BUDGET: u64 = 24 << 20;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Options { budget: Some(BUDGET), ..options() }).unwrap().1;
    let mut most = 0;
    for number in 0..if is_long() { 100_000 } else { 20_000 } {
        let length = match number % 100 {
            0 => 100_000,
            n if n < 10 => 8_000,
            _ => 300,
        };
        store.put(&Draft { payload: vec![1; length].into(), ..draft(number) }).unwrap();
        if number % 1000 == 0 {
            most = most.max(on_disk(dir.path()));
        }
    }
    assert!(most <= BUDGET / 10 * 11, "{most}");
    assert!(on_disk(dir.path()) >= BUDGET / 10 * 7, "it evicts no more than it must");
    let mut listed = 0;
    store.list(&mut |_| listed += 1).unwrap();
    assert_eq!(store.stat().unwrap().entries, listed);
    // And what is left is found after a rebuild, too.
    drop(store);
    fs::remove_file(dir.path().join("index")).unwrap();
    assert_eq!(reopen(dir.path()).stat().unwrap().entries, listed);
}

#[test]
fn what_was_replaced_a_hundred_times_does_not_fill_the_disk() {
    let (dir, store) = fresh();
    for round in (0..=249).cycle().take(1500) {
        for number in 0..10 {
            let payload = vec![round; 10_000].into();
            store.put(&Draft { payload, ..draft(number) }).unwrap();
        }
    }
    assert!(on_disk(dir.path()) < 40 << 20, "{}", on_disk(dir.path()));
    assert_eq!(store.stat().unwrap().entries, 10);
}

/// A call in a trace.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: u64,
    seconds: f64,
    bytes: usize,
}

/// Numbers in 0..1, always the same.
struct Random(u64);

impl Random {
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// 40,000 accesses to 6,000 calls. How often a call occurs follows Zipf's law with exponent 0.8. A call takes 1 ms, 30 ms, 1 s or
/// 30 s, a quarter of them each, and returns 100 bytes to 25 kB, whose logarithm is uniform; none of the three depends
/// on another.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive numbers")]
fn trace() -> Vec<Call> {
    let mut random = Random(1);
    let mut weights = Vec::new();
    let calls: Vec<Call> = (0..6000_u32)
        .map(|number| {
            weights.push(weights.last().unwrap_or(&0.0) + f64::from(number + 1).powf(-0.8));
            let seconds = [0.001, 0.03, 1.0, 30.0][(random.next() * 4.0) as usize];
            Call { number: number.into(), seconds, bytes: (100.0 * 250_f64.powf(random.next())) as usize }
        })
        .collect();
    let all = weights[weights.len() - 1];
    let access = |at: f64| calls[weights.partition_point(|&weight| weight < at)];
    (0..40_000).map(|_| access(random.next() * all)).collect()
}

/// The least recently used goes first; the bytes of the entries count, and nothing else.
#[derive(Default)]
struct LeastRecentlyUsed {
    bytes: usize,
    entries: HashMap<u64, (usize, usize)>,
    by_use: BTreeMap<usize, u64>,
}

impl LeastRecentlyUsed {
    /// Whether it has the call; it has it afterwards.
    fn access(&mut self, call: Call, now: usize, capacity: usize) -> bool {
        let bytes = call.bytes + record::HEAD;
        let old = self.entries.insert(call.number, (now, bytes));
        match old {
            Some((used, _)) => drop(self.by_use.remove(&used)),
            None => self.bytes += bytes,
        }
        self.by_use.insert(now, call.number);
        while self.bytes > capacity {
            let (_, number) = self.by_use.pop_first().unwrap();
            self.bytes -= self.entries.remove(&number).unwrap().1;
        }
        old.is_some()
    }
}

/// The time of the test below, in milliseconds: an access a second, since uses are noted once in sixteen, and what was
/// used in the last minute stays.
static TIME: AtomicU64 = AtomicU64::new(1_800_000_000_000);

/// On one trace and with the same budget, of which the log takes its index and its garbage, too. `docs/benchmarks.md` has the figures.
#[test]
fn a_budget_saves_more_seconds_than_the_least_recently_used_would() {
    const BUDGET: usize = 8 << 20;
    let dir = tempfile::tempdir().unwrap();
    let options = Options { budget: Some(BUDGET as u64), ..options() };
    let mut store = open_log(dir.path(), &options);
    store.clock = || TIME.load(Relaxed);
    let mut other = LeastRecentlyUsed::default();
    let (mut saved, mut saved_by_other, mut all) = (0.0, 0.0, 0.0);
    let mut most = 0;
    for (now, call) in trace().into_iter().enumerate() {
        TIME.fetch_add(1000, Relaxed);
        all += call.seconds;
        if other.access(call, now, BUDGET) {
            saved_by_other += call.seconds;
        }
        if let Lookup::Found(entry) = store.get(&key(call.number)).unwrap() {
            assert_eq!(entry.value().whole().unwrap().len(), call.bytes);
            saved += call.seconds;
        } else {
            let compute_time = Duration::from_secs_f64(call.seconds);
            store
                .put(&Draft { compute_time, payload: vec![1; call.bytes].into(), ..draft(call.number) })
                .unwrap();
        }
        if now % 1000 == 0 {
            most = most.max(on_disk(dir.path()));
        }
    }
    println!("seconds saved of {all:.0}: {saved:.0}; by the least recently used {saved_by_other:.0}");
    assert!(saved > 1.1 * saved_by_other, "{saved} and {saved_by_other} of {all}");
    assert!(most <= BUDGET as u64 / 10 * 11, "{most}");
}
