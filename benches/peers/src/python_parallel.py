"""joblib and the pools of the standard library under the tasks of section `parallel`; started by rememo-peers, which says what to measure
and reads the lines it prints.

    python_parallel.py

Says `ready 0`, then takes orders, a line each, and prints `time` with the nanoseconds of all that was asked for, and `done`:

    WAY COUNT        one of WAYS below

Everything runs on two threads or processes. Pools are made and warm outside the timing, unless the order is to start them; values
are compared. Functions are sent by name, as those of an imported module are: joblib sends those of `__main__` by value, which takes longer.
"""

import sys
import time

WORKERS = 2
pools = {}


def succ(number):
    return number + 1


def burn(number, seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return number


def burn_10_ms(number):
    return burn(number, 0.010)


def nap_1_ms(number):
    time.sleep(0.001)
    return number


def joblib_pool(backend):
    """Entered, so that it is kept from call to call."""
    from joblib import Parallel

    return Parallel(n_jobs=WORKERS, backend=backend).__enter__()


def joblib_map(pool, function, numbers):
    from joblib import delayed

    return pool(delayed(function)(number) for number in numbers)


def fresh_joblib(backend):
    from joblib import Parallel

    return lambda function, numbers: joblib_map(Parallel(n_jobs=WORKERS, backend=backend), function, numbers)


def pool_of(kind):
    """The pool of this kind, made and warm."""
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    if kind not in pools:
        pool = pools[kind] = {
            "loky": lambda: joblib_pool("loky"),
            "threading": lambda: joblib_pool("threading"),
            "pool": lambda: get_context("fork").Pool(WORKERS),
            "futures": lambda: ProcessPoolExecutor(WORKERS),
            "threads": lambda: ThreadPoolExecutor(WORKERS),
        }[kind]()
        if kind in ("loky", "threading"):
            joblib_map(pool, nap_1_ms, range(20))
        else:
            list(pool.map(nap_1_ms, range(20)))
    return pools[kind]


def maps(kind, name="map"):
    """What maps a function over numbers with a warm pool."""
    pool = pool_of(kind)
    if kind in ("loky", "threading"):
        return lambda function, numbers: joblib_map(pool, function, numbers)
    return lambda function, numbers: list(getattr(pool, name)(function, numbers))


def loky_executor():
    from joblib.externals.loky import get_reusable_executor

    return get_reusable_executor(max_workers=WORKERS)


def one_by_one(call):
    return lambda function, numbers: [call(function, number) for number in numbers]


def start_loky(function, numbers):
    return fresh_joblib("loky")(function, numbers)


def start_pool(method):
    from multiprocessing import get_context

    def start(function, numbers):
        pools["started"] = get_context(method).Pool(WORKERS)
        return pools["started"].map(function, numbers, chunksize=1)

    return start


def start_futures(function, numbers):
    from concurrent.futures import ProcessPoolExecutor

    pools["started"] = ProcessPoolExecutor(WORKERS)
    return list(pools["started"].map(function, numbers))


def end_started():
    if "loky" in sys.modules or "joblib" in sys.modules:
        loky_executor().shutdown(wait=True)
    pool = pools.pop("started", None)
    if hasattr(pool, "terminate"):
        pool.terminate()
        pool.join()
    elif pool is not None:
        pool.shutdown(wait=True)


def serial(function, numbers):
    return [function(number) for number in numbers]


# What maps, over what, and what the values are.
WAYS = {
    "dispatch-joblib": lambda: (maps("threading"), succ),
    "dispatch-threads": lambda: (maps("threads"), succ),
    "cpu-serial": lambda: (serial, burn_10_ms),
    "cpu-loky": lambda: (maps("loky"), burn_10_ms),
    "cpu-pool": lambda: (maps("pool"), burn_10_ms),
    "cpu-futures": lambda: (maps("futures"), burn_10_ms),
    "trip-joblib": lambda: (one_by_one(lambda function, number: maps("loky")(function, [number])[0]), succ),
    "trip-loky": lambda: (one_by_one(lambda *call: loky_executor().submit(*call).result()), succ),
    "trip-pool": lambda: (one_by_one(lambda function, number: pool_of("pool").apply(function, (number,))), succ),
    "trip-futures": lambda: (one_by_one(lambda *call: pool_of("futures").submit(*call).result()), succ),
    "stream-loky": lambda: (maps("loky"), succ),
    "stream-imap": lambda: (maps("pool", "imap"), succ),
    "stream-map": lambda: (maps("pool", "map"), succ),
    "stream-futures": lambda: (maps("futures"), succ),
    "floor-threading": lambda: (fresh_joblib("threading"), nap_1_ms),
    "floor-loky": lambda: (fresh_joblib("loky"), nap_1_ms),
    "floor-threading-kept": lambda: (maps("threading"), nap_1_ms),
    "floor-loky-kept": lambda: (maps("loky"), nap_1_ms),
    "floor-threads": lambda: (maps("threads"), nap_1_ms),
    "floor-pool": lambda: (maps("pool"), nap_1_ms),
    "floor-futures": lambda: (maps("futures"), nap_1_ms),
    "start-loky": lambda: (start_loky, nap_1_ms),
    "start-fork": lambda: (start_pool("fork"), nap_1_ms),
    "start-spawn": lambda: (start_pool("spawn"), nap_1_ms),
    "start-futures": lambda: (start_futures, nap_1_ms),
}


def measure(way, count):
    run, function = WAYS[way]()
    expected = [number + (function is succ) for number in range(count)]
    batches = 1
    if way.startswith(("floor", "start")):
        expected, batches = list(range(WORKERS)), count
    starts = way.startswith("start")
    if starts:
        end_started()
    else:
        run(function, range(4))
    elapsed = 0
    for _ in range(batches):
        started = time.perf_counter_ns()
        values = run(function, range(len(expected)))
        elapsed += time.perf_counter_ns() - started
        assert values == expected, way
        if starts:
            end_started()
    return elapsed


def main():
    print("ready 0", flush=True)
    for line in sys.stdin:
        way, count = line.split()
        print("time", measure(way, int(count)))
        print("done", flush=True)
    end_started()
    for kind, pool in pools.items():
        if kind == "pool":
            pool.terminate()
            pool.join()
        elif kind in ("futures", "threads"):
            pool.shutdown()


if __name__ == "__main__":
    import python_parallel

    python_parallel.main()
