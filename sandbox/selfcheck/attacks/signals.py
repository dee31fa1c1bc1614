"""Signals: none reaches a process that is not the program's own, by whatever way the kernel delivers them."""

from __future__ import annotations

from sandbox.selfcheck.attack import Attack, cpp_held, denies, ends, held

ATTACKS: tuple[Attack, ...] = (
    held(
        "signals/server",
        "kill, stop and continue its server",
        "held(all(refused(lambda n=n: os.kill(os.getppid(), n)) for n in (9, 15, 19, 18, 0)))",
    ),
    held("signals/init", "kill process 1", "held(all(refused(lambda n=n: os.kill(1, n)) for n in (9, 15, 19)))"),
    held(
        "signals/others",
        "kill the victim, the driver, and look for processes by signal 0",
        "held(all(refused(lambda p=p: os.kill(p, 9)) for p in (@VICTIM@, @DRIVER@))\n"
        "     and all(refused(lambda p=p: os.kill(p, 0)) for p in range(2, 4000) if p != os.getpid()))",
    ),
    held("signals/everybody", "kill all it may", "held(refused(lambda: os.kill(-1, 9)))"),
    held(
        "signals/groups",
        "kill the process groups of others",
        "held(all(refused(lambda p=p: os.killpg(p, 9)) for p in (1, os.getppid() or 1, @VICTIM@, @DRIVER@)))",
    ),
    ends(
        "signals/join-group",
        "join the process group of its server, and kill the group",
        """
import os
try: os.setpgid(0, os.getpgid(os.getppid()))
except OSError: pass
os.kill(0, 9)""",
        "RTE MLE",
    ),
    held(
        "signals/groups-of-others",
        "change process groups and sessions",
        "held(refused(lambda: os.setpgid(0, 1)) and refused(lambda: os.setpgid(0, @VICTIM@)) and refused(os.setsid)\n"
        "     and refused(lambda: os.setpgid(0, os.getpgid(os.getppid()) or 1)))",
    ),
    denies(
        "signals/by-number",
        "signal threads and queue signals to others",
        "tgkill, 1, 1, 9",
        "tgkill, @VICTIM@, @VICTIM@, 9",
        "tkill, @VICTIM@, 9",
        "rt_sigqueueinfo, @VICTIM@, 9, ctypes.create_string_buffer(128)",
        "rt_tgsigqueueinfo, @VICTIM@, @VICTIM@, 9, ctypes.create_string_buffer(128)",
    ),
    denies(
        "signals/pidfd",
        "signal by process descriptor, and take a descriptor from another process",
        "pidfd_open, @VICTIM@, 0",
        "pidfd_send_signal, 0, 9, 0, 0",
        "pidfd_getfd, 0, 0, 0",
        "process_mrelease, 0, 0",
    ),
    held(
        "signals/setown",
        "have the kernel signal another process when a descriptor is ready",
        """
import fcntl, socket, struct
a, b = socket.socketpair()
held(all(refused(lambda p=p: fcntl.fcntl(a, fcntl.F_SETOWN, p), errno.EPERM) for p in (1, @VICTIM@))
     and refused(lambda: fcntl.fcntl(a, fcntl.F_SETSIG, 9), errno.EPERM)
     and refused(lambda: fcntl.fcntl(a, 15, struct.pack('ii', 1, @VICTIM@)), errno.EPERM)
     and all(refused(lambda n=n: fcntl.ioctl(a, n, struct.pack('i', @VICTIM@)), errno.EPERM)
             for n in (0x8901, 0x8902)))""",
    ),
    held(
        "signals/leases",
        "get a say in what others do with a file: leases, notices, locks",
        """
import fcntl
f = open(os.__file__)
held(refused(lambda: fcntl.fcntl(f, 1024, fcntl.F_RDLCK)) and refused(lambda: fcntl.fcntl(f, 1026, 1))
     and refused(lambda: fcntl.flock(f, fcntl.LOCK_EX)) and refused(lambda: fcntl.lockf(f, fcntl.LOCK_SH)))""",
    ),
    held(
        "signals/timer",
        "have a timer signal a thread of another process",
        """
import struct
event = ctypes.create_string_buffer(struct.pack('qiii', 0, 9, 4, @VICTIM@) + bytes(64))
identity = ctypes.create_string_buffer(8)
held(_libc.syscall(222 if os.uname().machine == 'x86_64' else 107, 1, event, identity) == -1)""",
    ),
    held(
        "signals/death-of-parent",
        "change what happens to it when its parent dies, or adopt the orphans of others",
        "held(all(_libc.prctl(n, 0, 0, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM for n in (1, 36)))",
    ),
    held(
        "signals/priorities",
        "slow its server and others down, or favour itself",
        "held(all(refused(lambda p=p: os.setpriority(os.PRIO_PROCESS, p, 19)) for p in (0, 1, @VICTIM@))\n"
        "     and refused(lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19))\n"
        "     and refused(lambda: os.sched_setaffinity(1, {0})) and refused(lambda: os.sched_setaffinity(0, {0}))\n"
        "     and denied('sched_setscheduler', @VICTIM@, 5, ctypes.create_string_buffer(8))\n"
        "     and denied('ioprio_set', 1, @VICTIM@, 3 << 13))",
    ),
    held(
        "signals/limits",
        "change the limits of its server and of others",
        """
import resource
held(all(refused(lambda p=p: resource.prlimit(p, resource.RLIMIT_CPU, (0, 0))) for p in (1, @VICTIM@, @DRIVER@)))""",
    ),
    cpp_held(
        "signals/native",
        "kill, from a compiled program",
        "kill(1, 9) == -1 && kill(-1, 9) == -1 && kill(getppid(), 9) == -1 && kill(@VICTIM@, 9) == -1"
        " && syscall(SYS_tkill, @VICTIM@, 9) == -1 && syscall(SYS_tgkill, @VICTIM@, @VICTIM@, 9) == -1",
    ),
)
