#!/usr/bin/env bash
# Start a throw-away Slurm cluster on loopback, without systemd, cgroups,
# containers or an accounting database.
#
#   slurm-up.sh [NODES] [CPUS_PER_NODE]      default: 2 nodes of 2 CPUs
#
# The nodes are virtual: one slurmd each (-N nX, its own port and spool
# folder), all on this machine, so more CPUs can be declared than exist.
# Running it again starts whatever has died (controller or node; the job queue
# is kept) and prints the same variables. Once the packages are there it runs as
# any user, whose jobs then run as that user.
#
#   SLURM_TEST_DIR   where keys, logs and state go   (default $TMPDIR/slurm-test)
#   SLURM_TEST_PORT  first TCP port used             (default 16817; uses 1+NODES)
#   SLURM_TEST_NODE_TIMEOUT, SLURM_TEST_REQUEUE_WAIT, SLURM_TEST_KILL_WAIT   seconds: half the time
#                    until a dead node is noticed (20), until a requeued job starts again (120),
#                    from SIGTERM to SIGKILL (5)
#
# Use:  eval "$(slurm-up.sh 2)"     then srun/sbatch/squeue/scancel as usual.
set -euo pipefail
nodes=${1:-2}; cpus=${2:-2}
dir=${SLURM_TEST_DIR:-${TMPDIR:-/tmp}/slurm-test}
port=${SLURM_TEST_PORT:-16817}
say() { echo "slurm-up: $*" >&2; }

. "$(dirname "$0")/install.sh"
need slurmctld slurmctld slurmd slurm-client munge

mkdir -p "$dir"; chmod 755 "$dir"; dir=$(cd "$dir" && pwd)
conf=$dir/slurm.conf
export SLURM_CONF=$conf
emit() {
    echo "export SLURM_CONF='$conf'"
    echo "export SLURM_TEST_DIR='$dir'"
}
# running, and the program meant (a pid can be reused, and a zombie has no command line)
alive() { grep -qs "$2" "/proc/$(cat "$1" 2>/dev/null || echo none)/cmdline"; }

# munge: a private key and socket, so that a machine-wide munged is left alone
mdir=$dir/munge; mkdir -p "$mdir"; chmod 755 "$mdir"
[ -s "$mdir/key" ] || { dd if=/dev/urandom bs=1024 count=1 status=none of="$mdir/key"; chmod 400 "$mdir/key"; }
if ! alive "$mdir/pid" munged; then
    rm -f "$mdir"/socket*
    # --force: run as root, and accept a folder below a world-writable /tmp
    munged --force --socket="$mdir/socket" --key-file="$mdir/key" --pid-file="$mdir/pid" \
        --log-file="$mdir/log" --seed-file="$mdir/seed" >&2
fi

# the number of nodes is fixed by the first call
if [ -s "$conf" ]; then
    nodes=$(grep -c '^NodeName=' "$conf"); cpus=$(sed -n 's/^NodeName=.* CPUs=\([0-9]*\).*/\1/p' "$conf" | head -n 1)
else
hn=$(hostname -s) me=$(id -un)
{
    cat <<CONF
ClusterName=test
SlurmctldHost=$hn(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
# the second is how long a requeued job waits
AuthInfo=socket=$mdir/socket,cred_expire=${SLURM_TEST_REQUEUE_WAIT:-120}
CredType=cred/munge
# listen on loopback only
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log
# no cgroups, no accounting database
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobcomp.log
MpiDefault=none
SwitchType=switch/none
# declared CPUs win over detected ones
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_min_interval=100000,batch_sched_delay=0
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=${SLURM_TEST_NODE_TIMEOUT:-20}
KillWait=${SLURM_TEST_KILL_WAIT:-5}
MinJobAge=3600
MaxArraySize=10001
MaxJobCount=20000
CONF
    for i in $(seq "$nodes"); do
        echo "NodeName=n$i NodeHostname=n$i NodeAddr=127.0.0.1 Port=$((port + i)) CPUs=$cpus RealMemory=1024 State=UNKNOWN"
    done
    echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO"
} > "$conf.new"
mv "$conf.new" "$conf"
fi
touch "$dir/jobcomp.log"

if ! alive "$dir/slurmctld.pid" slurmctld; then
    fresh=(); [ -d "$dir/state" ] || fresh=(-c)
    mkdir -p "$dir/state"
    slurmctld -f "$conf" ${fresh[@]+"${fresh[@]}"} >&2
fi
for i in $(seq "$nodes"); do
    mkdir -p "$dir/spool.n$i"
    alive "$dir/slurmd.n$i.pid" slurmd || slurmd -f "$conf" -N "n$i" >&2
done

for _ in $(seq 150); do
    up=$(sinfo -h -N -t idle,alloc,mix -o %N 2>/dev/null | sort -u | wc -l) || up=0
    [ "$up" -ge "$nodes" ] && break
    sleep 0.2
done
if [ "${up:-0}" -lt "$nodes" ]; then
    say "nodes did not come up; tails of the logs in $dir:"; sinfo -N -l >&2 || true
    tail -n 20 "$dir"/slurmctld.log "$dir"/slurmd.*.log >&2 || true
    exit 1
fi
say "up: $nodes nodes x $cpus CPUs, controller 127.0.0.1:$port, state in $dir"
emit
