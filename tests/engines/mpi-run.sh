#!/usr/bin/env bash
# Run PROG as N processes under Open MPI's mpirun, on this machine only.
#   mpi-run.sh N PROG [ARG...]
# The processes need not be linked with MPI: rank and count are in the variables
# OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE. The first process that exits with
# a status other than 0 makes mpirun kill the rest and exit with that status.
set -euo pipefail
n=${1:?number of processes}; shift
. "$(dirname "$0")/install.sh"
need mpirun openmpi-bin
root=(); [ "$(id -u)" != 0 ] || root=(--allow-run-as-root)
exec mpirun "${root[@]}" --oversubscribe --bind-to none -n "$n" \
    --mca oob_tcp_if_include lo --mca btl self,vader --mca plm isolated "$@"
