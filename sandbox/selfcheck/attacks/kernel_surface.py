"""The kernel's surface: calls that no contest program needs are refused whatever their arguments."""

from __future__ import annotations

from sandbox.selfcheck.attack import Attack, cpp_ends, cpp_held, denies, held

ATTACKS: tuple[Attack, ...] = (
    denies("kernel/ptrace", "trace its server, the driver, the victim", "ptrace, 16, 1, 0, 0", "ptrace, 0, 0, 0, 0"),
    denies(
        "kernel/process-vm",
        "read and write the memory of another process",
        "process_vm_readv, 1, 0, 0, 0, 0, 0",
        "process_vm_writev, @VICTIM@, 0, 0, 0, 0, 0",
        "process_madvise, 0, 0, 0, 0, 0",
        "kcmp, 1, @VICTIM@, 0, 0, 0",
    ),
    denies(
        "kernel/keyrings",
        "leave a key in a keyring",
        "keyctl, 0, -4, 1",
        "add_key, b'user', b'x', b'y', 1, -4",
        "request_key, b'user', b'x', 0, -4",
    ),
    denies(
        "kernel/io-uring",
        "do its work through io_uring or old-style asynchronous input and output",
        "io_uring_setup, 1, ctypes.create_string_buffer(256)",
        "io_uring_enter, 0, 0, 0, 0, 0",
        "io_uring_register, 0, 0, 0, 0",
        "io_setup, 1, ctypes.create_string_buffer(8)",
    ),
    denies("kernel/bpf", "load programs into the kernel", "bpf, 0, 0, 0", "bpf, 5, 0, 0"),
    denies(
        "kernel/perf", "measure other processes", "perf_event_open, 0, -1, 0, -1, 0", "perf_event_open, 0, 0, -1, -1, 0"
    ),
    denies("kernel/userfaultfd", "stop the kernel in the middle of a copy", "userfaultfd, 0", "userfaultfd, 1"),
    denies(
        "kernel/unshare",
        "make namespaces of its own",
        *(f"unshare, {flag}" for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x2000000, 0x80)),
    ),
    denies("kernel/setns", "enter somebody else's namespace", "setns, 0, 0", "setns, 1, 0x10000000"),
    denies(
        "kernel/clone-namespaces",
        "make namespaces by clone, with and without threads",
        "clone, 0x10000011, 0, 0, 0, 0",
        "clone, 0x20000011, 0, 0, 0, 0",
        "clone3, 0, 0",
        "clone3, ctypes.create_string_buffer(88), 88",
    ),
    denies(
        "kernel/kexec",
        "start another kernel",
        "kexec_load, 0, 0, 0, 0",
        "kexec_file_load, -1, -1, 0, 0, 0",
        "reboot, 0, 0, 0, 0",
    ),
    denies(
        "kernel/modules",
        "load and remove modules",
        "init_module, 0, 0, 0",
        "finit_module, 0, 0, 0",
        "delete_module, b'x', 0",
    ),
    denies("kernel/personality", "switch off address randomisation", "personality, 0x40000", "personality, 0xffffffff"),
    denies("kernel/memfd-secret", "hide memory from everybody", "memfd_secret, 0", "memfd_create, b'x', 0"),
    denies(
        "kernel/filters",
        "put a filter of its own, with itself as the judge, on its calls",
        "seccomp, 1, 8, 0",
        "seccomp, 0, 0, 0",
    ),
    denies(
        "kernel/sysv",
        "leave messages, semaphores and shared memory",
        "shmget, 7, 4096, 0o1666",
        "msgget, 7, 0o1666",
        "semget, 7, 1, 0o1666",
        "shmat, 0, 0, 0",
        "shmctl, 0, 14, ctypes.create_string_buffer(256)",
    ),
    denies(
        "kernel/posix-queues", "leave a message in a POSIX queue", "mq_open, b'x', 0o102, 0o600, 0", "mq_unlink, b'x'"
    ),
    denies(
        "kernel/watches",
        "watch files of others change",
        "inotify_init",
        "inotify_init1, 0",
        "fanotify_init, 0, 0",
        "fanotify_mark, 0, 0, 0, 0, 0",
    ),
    denies(
        "kernel/administration",
        "quotas, swap, accounting, the log, host names",
        "quotactl, 0, 0, 0, 0",
        "swapon, b'x', 0",
        "swapoff, b'x'",
        "acct, 0",
        "syslog, 3, 0, 0",
        "sethostname, b'x', 1",
        "setdomainname, b'x', 1",
        "vhangup",
    ),
    denies(
        "kernel/clock",
        "set the clock",
        "settimeofday, 0, 0",
        "clock_settime, 0, 0",
        "clock_adjtime, 0, 0",
        "adjtimex, 0",
    ),
    denies(
        "kernel/ports", "reach the hardware's ports and tables", "iopl, 3", "ioperm, 0, 1, 1", "modify_ldt, 1, 0, 0"
    ),
    denies(
        "kernel/pages",
        "move pages of other processes",
        "migrate_pages, 1, 0, 0, 0",
        "move_pages, 1, 0, 0, 0, 0, 0",
        "get_robust_list, 1, 0, 0",
    ),
    held(
        "kernel/identity",
        "become another user, or root",
        "held(refused(lambda: os.setuid(0)) and refused(lambda: os.setgid(0)) and refused(lambda: os.setgroups([0]))\n"
        "     and os.geteuid() != 0)",
        needs=("uid",),
    ),
    held(
        "kernel/capabilities",
        "hold or regain a capability",
        """
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
sets = (ctypes.c_uint32 * 6)()
assert _libc.capget(header, sets) == 0
wanted = (ctypes.c_uint32 * 6)(1, 1, 1, 0, 0, 0)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
held(not any(sets) and _libc.capset(header, wanted) == -1 and _libc.prctl(39, 0, 0, 0, 0) == 1)""",
    ),
    held(
        "kernel/terminal",
        "type into a terminal and change line disciplines",
        "import fcntl\nnumbers = (0x5412, 0x5423, 0x541c)\n"
        "held(all(refused(lambda n=n: fcntl.ioctl(0, n, b'x' * 8), errno.EPERM) for n in numbers))",
    ),
    held(
        "kernel/core-scheduling",
        "take a core for itself",
        "held(_libc.prctl(62, 1, 0, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM)",
    ),
    cpp_held(
        "kernel/pkey",
        "use memory protection keys and change its memory map to shield itself",
        "syscall(SYS_prctl, 35, 6, 0, 0, 0) == -1",
    ),
    cpp_ends(
        "kernel/x32",
        "call the kernel by the x32 numbers",
        "#include <unistd.h>\nint main() { return syscall(0x40000000 + 57) > 0 ? 0 : 1; }",
        "RTE",
        machine="x86_64",
    ),
    cpp_ends(
        "kernel/int80",
        "call the kernel by the 32-bit entry",
        'int main() { int r; asm volatile("int $0x80" : "=a"(r) : "a"(2)); return r > 0 ? 0 : 1; }',
        "RTE",
        machine="x86_64",
    ),
    cpp_ends(
        "kernel/int80-exec",
        "execute a shell by the 32-bit entry",
        "#include <cstdio>\n"
        'int main() { int r; asm volatile("int $0x80" : "=a"(r) : "a"(11), "b"(0), "c"(0), "d"(0)); puts("on"); }',
        "RTE",
        machine="x86_64",
    ),
)
