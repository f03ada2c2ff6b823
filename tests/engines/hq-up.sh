#!/usr/bin/env bash
# Start a throw-away HyperQueue server and workers (MIT) from the PyPI wheel, which
# holds the real server and worker but no `hq` command: jobs go in through the
# Python client, or through an `hq` of the same version with the same server folder.
#   hq-up.sh [WORKERS] [CPUS_PER_WORKER]      default: 2 workers of 2 CPUs
#     HQ_TEST_DIR    (default $TMPDIR/hq-test)
#     HQ_TEST_VENV   where the wheel is installed (default $HQ_TEST_DIR/venv)
# Use:  eval "$(hq-up.sh)";  "$HQ_TEST_PYTHON" -c '
#         import os; from hyperqueue import Client, Job
#         job = Job()
#         for i in range(8): job.program(["/path/to/worker", str(i)])
#         c = Client(os.environ["HQ_SERVER_DIR"]); c.wait_for_jobs([c.submit(job)])'
# The server and its workers are threads of one process and listen on all addresses.
set -euo pipefail
workers=${1:-2}; cpus=${2:-2}
dir=${HQ_TEST_DIR:-${TMPDIR:-/tmp}/hq-test}
say() { echo "hq-up: $*" >&2; }
. "$(dirname "$0")/install.sh"
alive() { grep -qs "$2" "/proc/$(cat "$1" 2>/dev/null || echo none)/cmdline"; }
mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
venv=${HQ_TEST_VENV:-$dir/venv}
py=$venv/bin/python
(
    mkdir -p "$venv"; exec 9>"$venv.lock"; flock 9     # others may install it at the same time
    ! "$py" -c 'import hyperqueue' 2>/dev/null || exit 0
    say "installing hyperqueue"
    python3 -m venv --clear "$venv" || { need python-venv python3-venv && python3 -m venv --clear "$venv"; }
    "$venv/bin/pip" install -q --disable-pip-version-check "${HYPERQUEUE:-hyperqueue==0.27.0}" >&2
)
if ! alive "$dir/pid" hyperqueue; then
    rm -rf "$dir/server"; mkdir "$dir/server"
    nohup "$py" -c "# hyperqueue
import signal, sys
from hyperqueue.cluster import LocalCluster, WorkerConfig
c = LocalCluster(server_dir='$dir/server')
for _ in range($workers): c.start_worker(WorkerConfig(cores=$cpus))
signal.sigwait([signal.SIGTERM, signal.SIGINT])
" < /dev/null > "$dir/log" 2>&1 &
    echo $! > "$dir/pid"
fi
for _ in $(seq 100); do [ -e "$dir/server/hq-current/access.json" ] && up=1 && break; sleep 0.1; done
[ "${up:-}" ] || { say "did not start:"; tail "$dir/log" >&2; exit 1; }
say "up: pid $(cat "$dir/pid"), server folder $dir/server"
echo "export HQ_TEST_DIR='$dir' HQ_SERVER_DIR='$dir/server' HQ_TEST_PYTHON='$py'"
