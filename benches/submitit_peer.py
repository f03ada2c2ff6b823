"""Short calls on Slurm: rememo beside submitit, on a Slurm of three nodes of two processors on this machine.

    python3 benches/submitit_peer.py            # as root on Linux; takes some ten minutes, most of them submitit's
    python3 benches/submitit_peer.py --quick    # without 2,000 jobs of submitit

submitit comes from PyPI into an environment of its own. All start with nothing remembered. `sbatch` is one that counts and calls the
real one. Medians of eleven rounds, in which all take turns, but for the 2,000 jobs: one round. This Slurm looks for what it can start
about once a second, so a random time passes before each start. rememo's first value is that of a stream, the rest is of `run`; its calls
of `sbatch` are those of both.
"""

import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CALLS = 2_000
ROUNDS = 11

SUBMITIT = """
import sys, time
import submitit

def square(number):
    time.sleep(0.001)
    return number * number

def squares(numbers):
    return [square(number) for number in numbers]

folder, count, jobs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
executor = submitit.AutoExecutor(folder=folder, cluster="slurm")
executor.update_parameters(timeout_min=30, slurm_array_parallelism=1000, cpus_per_task=1)
started = time.perf_counter()
if jobs == count:
    handles = executor.map_array(square, range(count))
else:
    handles = executor.map_array(squares, [range(at, count, jobs) for at in range(jobs)])
# Its own `as_completed` and `result` look less often.
left, first = set(range(len(handles))), None
while left:
    done = {at for at in left if handles[at].paths.result_pickle.exists()}
    if done and first is None:
        handles[min(done)].result()
        first = time.perf_counter() - started
    left -= done
    time.sleep(0.01)
values = [handle.result() for handle in handles]
total = time.perf_counter() - started
assert (sum(values) if jobs == count else sum(map(sum, values))) == sum(n * n for n in range(count))
print(f"{count} calls: first {first:.3f} s, all {total:.3f} s")
"""


def main():
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        environment = place / "python"
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "submitit==1.5.4"], check=True)
        script = place / "peer.py"
        script.write_text(SUBMITIT)
        os.environ["SLURM_TEST_DIR"] = str(place / "slurm")
        os.environ["SLURM_TEST_PORT"] = "24817"
        exports = subprocess.run([ROOT / "tests/engines/slurm-up.sh", "3", "2"], check=True, stdout=subprocess.PIPE, text=True)
        os.environ.update(re.findall(r"export (\w+)='(.*)'", exports.stdout))
        try:
            measure(place, [python, script], bench(), quick)
        finally:
            subprocess.run([ROOT / "tests/engines/slurm-down.sh"], check=True)


def bench():
    """The compiled bench `cluster`."""
    build = ["cargo", "bench", "--locked", "--bench", "cluster", "--no-run"]
    said = subprocess.run(build, cwd=ROOT, check=True, stderr=subprocess.PIPE, text=True).stderr
    return Path(ROOT / re.findall(r"Executable.*\((.*)\)", said)[-1])


def measure(place, submitit, rememo, quick):
    submissions = place / "submissions"
    (place / "bin").mkdir()
    wrapper = place / "bin" / "sbatch"
    wrapper.write_text(f'#!/bin/sh\necho >> {submissions}\nPATH="${{PATH#*:}}" exec sbatch "$@"\n')
    wrapper.chmod(0o755)
    os.environ["PATH"] = f"{place / 'bin'}:{os.environ['PATH']}"

    def run(command):
        """When the first value came and when all were there, and the calls of `sbatch`."""
        submissions.write_text("")
        time.sleep(random.uniform(1.5, 2.5))
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        first, total = map(float, re.search(r"first (\S+) s, all (\S+) s", said).groups())
        return first, total, submissions.read_text().count("\n")

    def peer(name, count, jobs):
        return run([*submitit, place / f"{name} {time.time()}", str(count), str(jobs)])

    rows = {
        "sbatch of touch": lambda: touch(place, []),
        "sbatch of an array of 6 touch": lambda: touch(place, ["--array=0-5"]),
        "rememo, 1 call": lambda: run(["env", "CALLS=1", rememo]),
        "submitit, 1 call": lambda: peer("one", 1, 1),
        f"rememo, {CALLS} calls": lambda: run([rememo]),
        f"submitit, {CALLS} calls, a list in each of 6 jobs": lambda: peer("chunks", CALLS, 6),
    }
    figures = {name: [] for name in rows}
    for number in range(ROUNDS):
        for name, measured in rows.items():
            figures[name].append(measured())
        print(f"round {number}", file=sys.stderr)
    if not quick:
        figures[f"submitit, {CALLS} calls"] = [peer("all", CALLS, CALLS)]
    for name, results in figures.items():
        first, total, calls = map(statistics.median, zip(*results))
        print(f"{name}: first {first:.2f} s, all {total:.2f} s, sbatch {calls:.0f}; all from {min(r[1] for r in results):.2f} "
              f"to {max(r[1] for r in results):.2f} s")


def touch(place, options):
    """Seconds from `sbatch` to what its job has done."""
    file = place / f"touched {time.time()}"
    time.sleep(random.uniform(1.5, 2.5))
    started = time.perf_counter()
    subprocess.run(["sbatch", "-Q", "--output=/dev/null", *options, f"--wrap=touch '{file}'"], check=True)
    while not file.exists():
        time.sleep(0.001)
    taken = time.perf_counter() - started
    return taken, taken, 1


main()
