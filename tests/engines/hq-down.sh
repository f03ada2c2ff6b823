#!/usr/bin/env bash
# Stop the server and the workers that hq-up.sh started; its folder stays.
set -euo pipefail
dir=${HQ_TEST_DIR:-${TMPDIR:-/tmp}/hq-test}
pid=$(cat "$dir/pid" 2>/dev/null) || { echo "hq-down: nothing in $dir" >&2; exit 0; }
grep -qs hyperqueue "/proc/$pid/cmdline" || exit 0
kill "$pid"
for _ in $(seq 50); do grep -qs hyperqueue "/proc/$pid/cmdline" || exit 0; sleep 0.1; done
kill -9 "$pid"
