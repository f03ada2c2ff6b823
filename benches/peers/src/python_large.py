"""joblib and numpy with large vectors; started by rememo-peers, which says what to measure and reads the lines it prints.

    python_large.py SEED COUNT

Says `ready` and the sum of the numbers, then takes orders, a line each with tabs between the words, and prints figures in nanoseconds and `done`:

    values PEER DIRECTORY HITS MOST ENOUGH
        the first store, hits, hits with the sum of all elements after each; of each HITS, or up to MOST within ENOUGH nanoseconds
    readings PEER DIRECTORY HITS
        the first store and the hits of a vector that compresses well
    keys DIRECTORY CALLS
        joblib's hits of a function of the vector, and of one of three thirds of it in a dictionary

The function has the vector ready, so that a miss costs what the store costs. joblib's figures are those of a call, with the key
of its arguments; numpy's files are named by hand. Hits are asserted; of each, some elements or the sum are compared.
"""

import os
import sys
import time

import joblib
import numpy

prepared = prepared_sum = prepared_readings = None
ran = 0  # calls of the functions in this process


def numbers(seed, count):
    """As data.rs makes them."""
    bits = numpy.arange(count, dtype=numpy.uint64)
    bits *= numpy.uint64(0x9E3779B97F4A7C15)
    bits += numpy.uint64(seed)
    bits >>= numpy.uint64(12)
    bits |= numpy.uint64(0x3FF0000000000000)
    made = bits.view(numpy.float64)
    made -= 1.0
    return made


def vector(seed, count):
    global ran
    ran += 1
    return prepared if count == len(prepared) else numbers(seed, count)


def readings(seed, count):
    global ran
    ran += 1
    return prepared_readings if count == len(prepared) else made_readings(seed, count)


def made_readings(seed, count):
    """As data.rs makes them."""
    bits = numpy.arange(count, dtype=numpy.uint64)
    bits *= numpy.uint64(0x9E3779B97F4A7C15)
    bits += numpy.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits ^= bits >> numpy.uint64(shift)
        bits *= numpy.uint64(factor)
    bits ^= bits >> numpy.uint64(31)
    return (bits >> numpy.uint64(52)).astype(numpy.float64)


def first_of(data):
    global ran
    ran += 1
    return float(data[0])


def first_of_three(data):
    global ran
    ran += 1
    return float(data["x"][0])


class Joblib:
    def __init__(self, directory, **options):
        self.vector = joblib.Memory(directory, verbose=0, **options).cache(vector)
        self.vector(0, 1)  # what joblib does once for a function is outside the timing

    def store(self, seed, count):
        self.vector(seed, count)

    def hit(self, seed, count):
        return self.vector(seed, count)


class Numpy:
    def __init__(self, directory, **options):
        self.path = os.path.join(directory, "numbers.npy")
        self.options = options

    def store(self, seed, count):
        numpy.save(self.path, vector(seed, count))

    def hit(self, seed, count):
        return numpy.load(self.path, **self.options)


PEERS = {
    "joblib": lambda directory: Joblib(directory),
    "joblib-compressed": lambda directory: Joblib(directory, compress=True),
    "joblib-mapped": lambda directory: Joblib(directory, mmap_mode="r"),
    "numpy": lambda directory: Numpy(directory),
    "numpy-mapped": lambda directory: Numpy(directory, mmap_mode="r"),
}


def elements(data):
    return len(data), data[0], data[len(data) // 2], data[-1]


def values(seed, name, directory, hits, most_hits, enough):
    global ran
    count = len(prepared)
    peer = PEERS[name](directory)
    ran = 0
    started = time.perf_counter_ns()
    peer.store(seed, count)
    print("store", time.perf_counter_ns() - started)
    assert ran == 1, "the first call is a miss"
    for summing in (False, True):
        begun = time.perf_counter_ns()
        for number in range(int(most_hits)):
            if number >= int(hits) and time.perf_counter_ns() - begun > int(enough):
                break
            started = time.perf_counter_ns()
            found = peer.hit(seed, count)
            hit = time.perf_counter_ns() - started
            if summing:
                total = found.sum()
                print("sum", time.perf_counter_ns() - started)
                assert total == prepared_sum
            print("cold" if summing else "hit", hit)
            assert elements(found) == elements(prepared)
            del found
    assert ran == 1, "all others are hits"


def values_of_readings(seed, name, directory, hits):
    global ran, prepared_readings
    if prepared_readings is None:
        prepared_readings = made_readings(seed, len(prepared))
    count = len(prepared)
    options = {"joblib": {}, "joblib-compressed-3": {"compress": 3}}[name]
    function = joblib.Memory(directory, verbose=0, **options).cache(readings)
    function(0, 1)  # what joblib does once for a function is outside the timing
    ran = 0
    started = time.perf_counter_ns()
    function(seed, count)
    print("store", time.perf_counter_ns() - started)
    assert ran == 1, "the first call is a miss"
    for _ in range(int(hits)):
        started = time.perf_counter_ns()
        found = function(seed, count)
        print("hit", time.perf_counter_ns() - started)
        assert elements(found) == elements(prepared_readings)
        del found
    assert ran == 1, "all others are hits"


def keys(directory, calls):
    global ran
    memory = joblib.Memory(directory, verbose=0)
    third = len(prepared) // 3
    three = {name: prepared[place * third : (place + 1) * third] for place, name in enumerate("xyz")}
    for name, function, data in (("slice", first_of, prepared), ("struct", first_of_three, three)):
        function = memory.cache(function)
        function(data)
        ran = 0
        for _ in range(int(calls)):
            started = time.perf_counter_ns()
            found = function(data)
            print(name, time.perf_counter_ns() - started)
            assert found == prepared[0] and ran == 0


def main():
    global prepared, prepared_sum
    seed, count = (int(argument) for argument in sys.argv[1:])
    prepared = numbers(seed, count)
    prepared_sum = prepared.sum()
    print("ready", float(prepared_sum), flush=True)
    for line in sys.stdin:
        what, *rest = line.rstrip("\n").split("\t")
        if what == "values":
            values(seed, *rest)
        elif what == "readings":
            values_of_readings(seed, *rest)
        else:
            keys(*rest)
        print("done", flush=True)


if __name__ == "__main__":
    main()
