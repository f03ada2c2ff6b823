"""What do joblib's hit, store and dispatch cost? The same work as in calls.rs and dispatch.rs.

    pip install joblib && python3 benches/joblib_peer.py [FOLDER]

Prints the median of several rounds. FOLDER, where the cache is made and removed, should be on the file system that the Rust
benches use (they follow $TMPDIR).
"""

import shutil
import statistics
import sys
import tempfile
import time

import joblib
from joblib import Memory, Parallel, delayed

CALLS = 1000
ROUNDS = 5


def value(seed, label, size):
    return "x" * (size + seed % 2)


def per_call(round_of_calls):
    times = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        round_of_calls(number)
        times.append((time.perf_counter() - started) / CALLS)
    return f"{statistics.median(times) * 1e6:.1f} µs"


def plus_one(i):
    return i + 1


def main():
    folder = tempfile.mkdtemp(dir=sys.argv[1] if len(sys.argv) > 1 else None)
    cached = Memory(folder, verbose=0).cache(value)
    try:
        print(f"joblib {joblib.__version__}, Python {sys.version.split()[0]}")
        fresh = lambda number: [cached(number * CALLS + i, "wine", 100) for i in range(CALLS)]
        print("miss and store, 100 B:", per_call(fresh))
        print("hit, 100 B:", per_call(lambda _: [cached(i, "wine", 100) for i in range(CALLS)]))
        with Parallel(n_jobs=2, backend="threading") as parallel:
            trivial = lambda _: parallel(delayed(plus_one)(i) for i in range(CALLS))
            trivial(0)
            print("dispatch of a trivial call to a thread:", per_call(trivial))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
