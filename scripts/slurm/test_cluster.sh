#!/usr/bin/env bash
# A real SLURM cluster of two nodes on this machine, for tests and trials; everything below one directory, on loopback.
#
#   test_cluster.sh up DIR       starts munged, slurmctld and two slurmd; DIR/env holds what `sbatch` needs: `. DIR/env`
#   test_cluster.sh down DIR     cancels all jobs and stops the daemons
#
# Needs root and Debian's slurm-wlm and munge (or the like). Partition `low` (default) can be preempted by `high`: its
# jobs are requeued. Nodes have 4 CPUs each, whatever the machine has; nothing is bound and no cgroup is made. Not
# covered: what needs several machines, GPUs, cgroups or accounting.
set -euo pipefail

say() { printf 'test_cluster: %s\n' "$*" >&2; }

free_ports() { # COUNT
    python3 -c 'import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in sockets: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))' "$1"
}

configure() { # DIR
    local dir=$1 host ctld first second
    host=$(hostname -s)
    read -r ctld first second < <(free_ports 3)
    cat > "$dir/slurm.conf" <<CONF
ClusterName=codesieve-test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld
SlurmUser=$(id -un)
AuthType=auth/munge
# A requeued job waits until its old credential has expired.
AuthInfo=socket=$dir/munge.sock,cred_expire=5
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdSpoolDir=$dir/spool-%n
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmdLogFile=$dir/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobs.txt
JobRequeue=1
KillWait=10
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$first CPUs=4 RealMemory=4000 State=UNKNOWN
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$second CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 MaxTime=INFINITE DefaultTime=10 OverSubscribe=NO
PartitionName=high Nodes=ALL PriorityTier=10 MaxTime=INFINITE DefaultTime=10 OverSubscribe=NO
CONF
    printf 'export SLURM_CONF=%q\n' "$dir/slurm.conf" > "$dir/env"
}

up() { # DIR
    local dir=$1 tool
    for tool in munged slurmctld slurmd sbatch; do
        command -v "$tool" > /dev/null || { say "$tool is missing; on Debian: apt-get install slurm-wlm munge"; exit 2; }
    done
    [[ $(id -u) == 0 ]] || { say "slurmd needs root"; exit 2; }
    mkdir -p "$dir/state" "$dir/spool-node1" "$dir/spool-node2"
    chmod 755 "$dir" # munged wants to be reached by everybody
    configure "$dir"
    # shellcheck disable=SC1091
    . "$dir/env"
    (umask 077 && head -c 1024 /dev/urandom > "$dir/munge.key")
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" --pid-file="$dir/munged.pid" \
        --log-file="$dir/munged.log" --seed-file="$dir/munge.seed"
    slurmctld -c
    slurmd -N node1
    slurmd -N node2
    for _ in $(seq 60); do
        [[ $(sinfo -h -o %T 2> /dev/null | sort -u) == idle ]] && return
        sleep 0.5
    done
    say "the nodes did not come up; see the logs in $dir"
    down "$dir"
    exit 1
}

down() { # DIR
    local dir=$1 name pid
    export SLURM_CONF=$dir/slurm.conf
    scancel --state=PENDING,RUNNING --me > /dev/null 2>&1 || true
    for _ in $(seq 30); do # slurmstepd outlives slurmd, so the jobs end first
        [[ -z $(squeue -h 2> /dev/null) ]] && break
        sleep 0.5
    done
    for name in slurmd-node1 slurmd-node2 slurmctld munged; do
        pid=$(cat "$dir/$name.pid" 2> /dev/null) || continue
        kill "$pid" 2> /dev/null || true
        for _ in $(seq 40); do
            kill -0 "$pid" 2> /dev/null || break
            sleep 0.25
        done
    done
}

case "${1:-} ${2:+dir}" in
    "up dir") up "$(realpath -m "$2")" ;;
    "down dir") down "$(realpath -m "$2")" ;;
    *) say "usage: test_cluster.sh up|down DIR"; exit 2 ;;
esac
