"""Thirty tasks of a first week with joblib. first_week.rs does the same with rememo.

    pip install joblib numpy
    python first_week.py

Each task asserts what it shows, and prints its name. Both programs print the same names.
"""
import collections
import itertools
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import joblib
import numpy as np
from joblib import Memory, Parallel, delayed, expires_after

warnings.simplefilter("ignore")
directory = tempfile.mkdtemp()
memory = Memory(directory, verbose=0)
runs = collections.Counter()


@memory.cache
def cube(i):
    runs["cube"] += 1
    return i ** 3


def plain_cube(i):
    return i ** 3


@memory.cache(ignore=["verbose"])
def total(numbers, verbose=False):
    runs["total"] += 1
    return sum(numbers)


@memory.cache
def values_of(table):
    runs["values_of"] += 1
    return sorted(table.values())


@memory.cache
def parse(text):
    runs["parse"] += 1
    return int(text)


@memory.cache(cache_validation_callback=expires_after(seconds=1))
def rate(currency):
    runs["rate"] += 1
    return len(currency)


@memory.cache
def table(rows, columns):
    return np.full((rows, columns), 0.5)


def nap(seconds):
    time.sleep(seconds)
    return seconds


def crash(i):
    if i == 3:
        os._exit(1)
    return i


def printed(module, call):
    """The lines that a new process prints for a call of a function of a module."""
    code = f"import {module.stem}; print({module.stem}.{call})"
    run = subprocess.run([sys.executable, "-c", code], cwd=module.parent, capture_output=True, text=True, check=True)
    return run.stdout.split()


def raises(kind, act):
    try:
        act()
    except kind as error:
        return error
    raise AssertionError(f"no {kind}")


def computes(name, count, act):
    before = runs[name]
    result = act()
    assert runs[name] - before == count, (name, runs[name] - before)
    return result


def remember_what_a_function_returned():
    computes("cube", 1, lambda: [cube(5), cube(5)])


def find_it_again_in_another_process():
    module = pathlib.Path(tempfile.mkdtemp()) / "sums.py"
    module.write_text(f"from joblib import Memory\n@Memory({directory!r}, verbose=0).cache\n"
                      "def double(x):\n    print('computed')\n    return 2 * x\n")
    assert [printed(module, "double(4)") for _ in range(2)] == [["computed", "8"], ["8"]]


def see_whether_it_is_remembered():
    assert cube.check_call_in_cache(5) and not cube.check_call_in_cache(55)


def compute_it_again():
    computes("cube", 1, lambda: cube.call(5))


def leave_an_argument_out_of_the_key():
    computes("total", 1, lambda: [total([1, 2], verbose=True), total([1, 2], verbose=False)])


def pass_a_large_array():
    numbers = np.arange(1_000_000, dtype=float)
    computes("total", 1, lambda: [total(numbers), total(numbers.copy())])


def pass_a_map_in_any_order():
    computes("values_of", 1, lambda: [values_of({"a": 1, "b": 2}), values_of({"b": 2, "a": 1})])


def keep_no_failure():
    computes("parse", 2, lambda: [raises(ValueError, lambda: parse("a dozen")) for _ in range(2)])


def run_a_thousand_calls():
    assert Parallel(n_jobs=2)(delayed(plain_cube)(i) for i in range(1000))[999] == 997_002_999


def compute_only_what_is_missing():
    [cube(i) for i in range(100, 150)]
    batch = Parallel(n_jobs=2, backend="threading")
    computes("cube", 50, lambda: batch(delayed(cube)(i) for i in range(100, 200)))


def run_several_functions_at_once():
    assert Parallel(n_jobs=2)([delayed(plain_cube)(2), delayed(pow)(2, 4)]) == [8, 16]


def take_results_as_they_come():
    results = Parallel(n_jobs=2, return_as="generator")(delayed(plain_cube)(i) for i in range(50))
    assert list(results)[7] == 343


def take_them_in_any_order():
    results = Parallel(n_jobs=2, return_as="generator_unordered")(delayed(plain_cube)(i) for i in range(50))
    assert sorted(results)[7] == 343


def draw_few_inputs_ahead():
    drawn = itertools.count()
    batch = Parallel(n_jobs=2, backend="threading", return_as="generator", pre_dispatch=10)
    results = batch(delayed(plain_cube)(i) for i in drawn)
    assert [next(results) for _ in range(3)] == [0, 1, 8]
    assert next(drawn) < 1000
    results.close()


def nest_batches():
    def inner(i):
        return sum(Parallel(n_jobs=2, backend="threading")(delayed(plain_cube)(j) for j in range(i)))

    assert Parallel(n_jobs=2, backend="threading")(delayed(inner)(i) for i in range(4)) == [0, 0, 1, 9]


def use_worker_processes():
    pids = Parallel(n_jobs=2, backend="loky")(delayed(os.getpid)() for _ in range(4))
    assert os.getpid() not in pids


def run_a_closure_in_a_worker():
    offset = 7
    assert Parallel(n_jobs=2, backend="loky")(delayed(lambda i: i + offset)(i) for i in range(3)) == [7, 8, 9]


def limit_the_time_of_a_task():
    batch = Parallel(n_jobs=2, timeout=0.5)
    raises(multiprocessing.TimeoutError, lambda: batch(delayed(nap)(seconds) for seconds in (0.01, 5)))  # the whole batch


def survive_a_task_that_crashes():
    raises(Exception, lambda: Parallel(n_jobs=2)(delayed(crash)(i) for i in range(10)))  # the whole batch


def notice_that_a_helper_has_changed():
    module = pathlib.Path(tempfile.mkdtemp()) / "shop.py"
    values = []
    for rate in (2, 3):
        module.write_text(f"from joblib import Memory\ndef helper(x): return x * {rate}\n"
                          f"@Memory({directory!r}, verbose=0).cache\ndef price(x): return helper(x)\n")
        values += printed(module, "price(10)")
    assert values == ["20", "20"]  # the second is wrong: it should be 30


def map_a_large_result():
    mapped = Memory(directory, mmap_mode="r", verbose=0).cache(table.func)
    mapped(1000, 100)
    assert isinstance(mapped(1000, 100), np.memmap)


def compress_what_is_kept():
    plain, small = tempfile.mkdtemp(), tempfile.mkdtemp()
    Memory(plain, verbose=0).cache(table.func)(1000, 100)
    Memory(small, verbose=0, compress=3).cache(table.func)(1000, 100)
    size = lambda folder: sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*") if file.is_file())
    assert size(small) < size(plain) / 10


def hand_on_a_token_of_a_result():
    assert cube.call_and_shelve(9).get() == 729


def write_one_value_to_a_file():
    path = os.path.join(directory, "value")
    joblib.dump({"a": [1.5, 2.5]}, path, compress=3)
    assert joblib.load(path) == {"a": [1.5, 2.5]}


def name_a_value_by_its_content():
    assert joblib.hash([1.5, 2.5]) == joblib.hash([1.5, 2.5]) != joblib.hash([2.5, 1.5])


def let_a_result_count_for_a_while():
    computes("rate", 1, lambda: [rate("EUR"), rate("EUR")])
    time.sleep(1.1)
    computes("rate", 1, lambda: rate("EUR"))


def remember_a_function_of_somebody_else():
    assert memory.cache(os.path.basename)("a/b") == "b"


def remove_what_is_used_least():
    small = Memory(tempfile.mkdtemp(), verbose=0)
    squares = small.cache(plain_cube)
    [squares(i) for i in range(20)]
    small.reduce_size(items_limit=5)
    assert sum(squares.check_call_in_cache(i) for i in range(20)) == 5


def forget_a_function():
    cube.clear(warn=False)
    assert not cube.check_call_in_cache(5)


def remember_nothing():
    assert Memory(None).cache(plain_cube)(3) == 27


TASKS = [
    remember_what_a_function_returned, find_it_again_in_another_process, see_whether_it_is_remembered,
    compute_it_again, leave_an_argument_out_of_the_key, pass_a_large_array, pass_a_map_in_any_order,
    keep_no_failure, run_a_thousand_calls, compute_only_what_is_missing, run_several_functions_at_once,
    take_results_as_they_come, take_them_in_any_order, draw_few_inputs_ahead, nest_batches, use_worker_processes,
    run_a_closure_in_a_worker, limit_the_time_of_a_task, survive_a_task_that_crashes,
    notice_that_a_helper_has_changed, map_a_large_result, compress_what_is_kept, hand_on_a_token_of_a_result,
    write_one_value_to_a_file, name_a_value_by_its_content, let_a_result_count_for_a_while,
    remember_a_function_of_somebody_else, remove_what_is_used_least, forget_a_function, remember_nothing,
]

if __name__ == "__main__":
    for number, task in enumerate(TASKS, 1):
        task()
        print(number, task.__name__.replace("_", " "), flush=True)
