"""joblib and diskcache under the work that the other peers do; started by rememo-peers, which reads the lines it prints.

    python_peers.py versions
    python_peers.py calls      PEER DIRECTORY ENTRIES PASSES   nanoseconds a call: hits and misses, on one thread and on two
    python_peers.py store      PEER DIRECTORY COUNT            nanoseconds for all: store, random hits
    python_peers.py clear      PEER DIRECTORY                  nanoseconds
    python_peers.py first      PEER DIRECTORY SEED             nanoseconds from here to the first hit, imports included
    python_peers.py beside     PEER DIRECTORY FIRST CALLS      one of several processes: ready, a line of input, done
    python_peers.py verify     PEER DIRECTORY FIRST CALLS      fails unless all are remembered
    python_peers.py sweep      PEER DIRECTORY CALLS EVERY MICROSECONDS ROUNDS   a sweep, one call in EVERY missing

Keys are those of the package: joblib's and diskcache's users have no others. Every value is compared, hits are asserted.
"""

import time

BEGAN = time.perf_counter_ns()

import random
import sys
import threading

LABEL = "wine"
THREADS = 2
ran = 0  # calls of the functions in this process


def text(seed, label):
    return f"{seed:016x}" * 6 + label


def value(seed, label):
    global ran
    ran += 1
    return text(seed, label)


def work(seed, label, cost):
    global ran
    ran += 1
    end = time.perf_counter() + cost
    while time.perf_counter() < end:
        pass
    return text(seed, label)


class Joblib:
    def __init__(self, directory):
        import joblib

        self.memory = joblib.Memory(directory, verbose=0)
        self.value = self.memory.cache(value)
        self.work = self.memory.cache(work, ignore=["cost"])

    def clear(self):
        self.memory.clear(warn=False)


class Diskcache:
    def __init__(self, directory):
        import diskcache

        # As for the others: nothing is evicted, nobody waits for the disk.
        self.cache = diskcache.Cache(directory, eviction_policy="none", size_limit=1 << 40, sqlite_synchronous=0)
        self.value = self.cache.memoize(name="value")(value)
        self.work = self.cache.memoize(name="work", ignore={"cost", 2})(work)

    def clear(self):
        self.cache.clear()


def open_peer(name, directory):
    return {"joblib": Joblib, "diskcache": Diskcache}[name](directory)


def timed(peer, seeds, runs):
    """Nanoseconds for all calls; `runs`: how often the function runs."""
    before = ran
    started = time.perf_counter_ns()
    values = [peer.value(seed, LABEL) for seed in seeds]
    elapsed = time.perf_counter_ns() - started
    assert values == [text(seed, LABEL) for seed in seeds]
    assert runs is None or ran - before == runs, f"{ran - before} runs, not {runs}"
    return elapsed


def on_threads(peer, seeds, runs):
    """Nanoseconds a call on each of the threads, each with its share; the mean."""
    times = []
    start = threading.Barrier(THREADS)

    def run(share):
        peer.value(share[0] + (1 << 40), LABEL)  # connections are made outside the timing
        start.wait()
        times.append(timed(peer, share, None) / len(share))

    threads = [threading.Thread(target=run, args=(seeds[place::THREADS],)) for place in range(THREADS)]
    before = ran
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == THREADS and ran - before in range(runs, runs + THREADS + 1), ran - before
    return sum(times) / THREADS


def shuffled(count):
    return random.Random(7).sample(range(count), count)


def calls(peer, entries, passes):
    first, second = list(range(entries)), list(range(entries, 2 * entries))
    timed(peer, [1 << 41], 1)  # what joblib does once for a function is outside the timing
    print("miss_1", timed(peer, first, entries) / entries)
    print("miss_2", on_threads(peer, second, entries))
    timed(peer, first, 0)
    hits = shuffled(entries) * passes
    print("hit_1", timed(peer, hits, 0) / len(hits))
    print("hit_2", on_threads(peer, hits, 0))


def store(peer, count):
    print("store", timed(peer, range(count), count))
    print("hits", timed(peer, shuffled(count), 0))


def clear(peer):
    started = time.perf_counter_ns()
    peer.clear()
    print("clear", time.perf_counter_ns() - started)


def first(peer, seed):
    found = peer.value(seed, LABEL)
    print("first", time.perf_counter_ns() - BEGAN)
    assert found == text(seed, LABEL) and ran == 0


def beside(peer, start, count):
    print("ready", flush=True)
    sys.stdin.readline()
    for seed in range(start, start + count):
        timed(peer, [seed], 1)
        timed(peer, [seed], 0)
    print("done", flush=True)


def verify(peer, start, count):
    timed(peer, range(start, start + count), 0)


opened = None  # of a worker process: the peer


def start_worker(name, directory):
    global opened
    opened = open_peer(name, directory)


def remembered(seed, cost):
    return opened.work(seed, LABEL, cost)


def alone(seed, cost):
    return work(seed, LABEL, cost)


def sweep(name, directory, count, every, microseconds, rounds):
    """joblib's calls run in its `Parallel`, diskcache's in the standard library's pool; the misses alone in the same."""
    if name == "joblib":
        import joblib

        pool = joblib.Parallel(n_jobs=THREADS)
        memory = open_peer(name, directory)
        run = lambda function, pairs: pool(joblib.delayed(function)(*pair) for pair in pairs)
        through, bare = memory.work, work
        pairs_of = lambda pairs: [(seed, LABEL, cost) for seed, cost in pairs]
    else:
        from concurrent.futures import ProcessPoolExecutor

        pool = ProcessPoolExecutor(THREADS, initializer=start_worker, initargs=(name, directory))
        run = lambda function, pairs: list(pool.map(function, *zip(*pairs), chunksize=16))
        through, bare = remembered, alone
        pairs_of = list
    cost = microseconds / 1e6
    run(through, pairs_of([(seed, 0.0) for seed in range(count) if seed % every]))
    for number in range(rounds):
        fresh = (number + 1) * (1 << 32)
        pairs = [(seed if seed % every else seed + fresh, cost) for seed in range(count)]
        missing = [pair for pair in pairs if pair[0] >= fresh]
        started = time.perf_counter_ns()
        run(bare, pairs_of(missing))
        print(f"alone_{number}", time.perf_counter_ns() - started)
        started = time.perf_counter_ns()
        values = run(through, pairs_of(pairs))
        print(f"sweep_{number}", time.perf_counter_ns() - started)
        assert values == [text(seed, LABEL) for seed, _ in pairs]


def versions():
    from importlib.metadata import version

    packages = ", ".join(f"{name} {version(name)}" for name in ("joblib", "diskcache", "numpy"))
    print(f"Python {sys.version.split()[0]}, {packages}")


def main():
    what, *rest = sys.argv[1:]
    if what == "versions":
        return versions()
    name, directory, *numbers = rest
    numbers = [int(number) for number in numbers]
    if what == "sweep":
        return sweep(name, directory, *numbers)
    run = {"calls": calls, "store": store, "clear": clear, "first": first, "beside": beside, "verify": verify}[what]
    run(open_peer(name, directory), *numbers)


if __name__ == "__main__":
    main()
