"""Interpreters and servers of their own: Java, PyPy, the server that has numpy loaded, and interaction."""

from __future__ import annotations

from sandbox.selfcheck.attack import SHORT, Attack, denies, ends, held
from sandbox.types import Limits, Verdict

# A virtual machine needs time to start, and has its own idea of memory.
_JAVA = Limits(cpu_seconds=10.0, memory_bytes=256 * 2**20, output_bytes=2**20, wall_seconds=90.0)
_JAVA_SHORT = Limits(cpu_seconds=3.0, memory_bytes=256 * 2**20, output_bytes=2**20, wall_seconds=8.0)

_JAVA_START = """
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
public class Main {
    interface Action { Object run() throws Throwable; }
    static boolean refused(Action action) {
        try { System.out.println("got " + action.run()); return false; }
        catch (Exception error) { return true; }
        catch (Throwable error) { System.out.println("failed, but with " + error); return false; }
    }
    public static void main(String[] arguments) throws Throwable {
"""
_JAVA_END = "\n    }\n}\n"


def _java_held(name: str, tries: str, condition: str) -> Attack:
    body = f'System.out.println({condition} ? "held" : "GOT THROUGH");'
    return Attack(name, tries, f"{_JAVA_START}{body}{_JAVA_END}", language="java", limits=_JAVA)


def _java_ends(name: str, tries: str, body: str, verdicts: str, limits: Limits = _JAVA_SHORT) -> Attack:
    allowed = frozenset(Verdict(verdict) for verdict in verdicts.split())
    return Attack(name, tries, f"{_JAVA_START}{body}{_JAVA_END}", language="java", ends=allowed, limits=limits)


ATTACKS: tuple[Attack, ...] = (
    _java_held(
        "java/files",
        "read the host's files and list its directories",
        'refused(() -> Files.readString(Path.of("@SECRET@")))'
        ' && refused(() -> Files.readString(Path.of("/etc/passwd")))'
        ' && refused(() -> Files.list(Path.of("/")).count()) && refused(() -> Files.list(Path.of("..")).count())',
    ),
    _java_held(
        "java/bait",
        "write where anybody may",
        'refused(() -> Files.writeString(Path.of("@BAIT@/x"), "x"))'
        ' && refused(() -> Files.writeString(Path.of("/tmp/codesieve-x"), "x"))',
    ),
    _java_held(
        "java/network",
        "connect to the host and listen",
        'refused(() -> new Socket("127.0.0.1", @TCP@)) && refused(() -> new ServerSocket(0))'
        ' && refused(() -> SocketChannel.open(UnixDomainSocketAddress.of("@SOCKET@")))',
    ),
    _java_held(
        "java/processes",
        "start other programs",
        'refused(() -> new ProcessBuilder("/bin/sh", "-c", "echo out").start())'
        ' && refused(() -> Runtime.getRuntime().exec(new String[] {"/bin/cat", "/etc/passwd"}))',
    ),
    _java_held(
        "java/signals",
        "end processes of the host",
        "!ProcessHandle.of(@VICTIM@L).map(ProcessHandle::destroyForcibly).orElse(false)"
        " && !ProcessHandle.of(@DRIVER@L).map(ProcessHandle::destroyForcibly).orElse(false)",
    ),
    _java_ends(
        "java/heap-bomb",
        "fill the heap",
        "List<byte[]> all = new ArrayList<>(); while (true) all.add(new byte[1 << 20]);",
        "MLE",
    ),
    _java_ends(
        "java/off-heap-bomb",
        "fill memory that the heap's limit does not count",
        "List<ByteBuffer> all = new ArrayList<>();\n"
        "while (true) { ByteBuffer b = ByteBuffer.allocateDirect(1 << 24); while (b.hasRemaining()) b.put((byte) 1);"
        " all.add(b); }",
        "MLE RTE",
    ),
    _java_ends(
        "java/thread-bomb",
        "start threads without end",
        "while (true) new Thread(() -> { while (true) Thread.yield(); }).start();",
        "TLE MLE RTE",
    ),
    _java_ends(
        "java/shutdown-hook",
        "live on in a shutdown hook",
        "Runtime.getRuntime().addShutdownHook(new Thread(() -> { while (true); })); System.exit(0);",
        "TLE",
    ),
    held(
        "pypy/files",
        "read the host's files from PyPy",
        "held(refused(lambda: open('@SECRET@')) and refused(lambda: open('/etc/passwd'))\n"
        "     and refused(lambda: os.listdir('/')) and refused(lambda: open('@BAIT@/x', 'w')))",
        language="pypy",
    ),
    denies(
        "pypy/kernel",
        "system calls that nobody needs, from PyPy",
        "ptrace, 0, 0, 0, 0",
        "unshare, 0x10000000",
        "io_uring_setup, 1, 0",
        "memfd_secret, 0",
        "bpf, 0, 0, 0",
        language="pypy",
    ),
    held(
        "pypy/network",
        "connect to the host from PyPy",
        "import socket\nheld(refused(lambda: socket.socket().connect(('127.0.0.1', @TCP@))))",
        language="pypy",
    ),
    ends("pypy/fork-bomb", "fork without end", "while True: os.fork()", "TLE MLE RTE", language="pypy", limits=SHORT),
    ends(
        "pypy/memory",
        "fill memory, shared mappings included",
        "import mmap\nkept = []\nwhile True:\n    m = mmap.mmap(-1, 1 << 24)\n    m.write(b'x' * (1 << 24))\n"
        "    kept.append(m)",
        "MLE RTE",
        needs=("cgroup",),  # its address space is a gigabyte larger than its memory limit
        language="pypy",
    ),
    held(
        "libraries/files",
        "read the host's files by numpy",
        "import numpy as np\nheld(refused(lambda: np.fromfile('@SECRET@', dtype='u1'))\n"
        "     and refused(lambda: np.memmap('/etc/passwd', mode='r'))\n"
        "     and refused(lambda: np.zeros(1).tofile('@BAIT@/x')))",
    ),
    held(
        "libraries/poison",
        "leave a changed numpy to the next program",
        "import numpy as np, sortedcontainers\n"
        "held(int(np.add(20, 22)) == 42 and np.array([1, 2]).sum() == 3 and not hasattr(np, 'mark')\n"
        "     and list(sortedcontainers.SortedList([2, 1])) == [1, 2])",
        first="import numpy as np, sortedcontainers\nnp.add = np.sum = lambda *a, **k: 0\nnp.mark = 1\n"
        "np.seterr(all='raise')\nsortedcontainers.SortedList = list\nprint('planted')",
    ),
    ends(
        "libraries/memory",
        "fill memory by arrays that nobody has touched yet",
        "import numpy as np\nkept = []\nwhile True: kept.append(np.ones(1 << 21))",
        "MLE RTE",
    ),
    held(
        "interaction/files",
        "read the host's files while talking to an interactor",
        "held(refused(lambda: open('@SECRET@')) and refused(lambda: os.listdir('/')))",
        interactive=True,
    ),
    held(
        "interaction/partner",
        "reach the other side but by its pipe",
        "try: seen = os.listdir('/proc')\n"
        "except OSError: seen = []\n"
        "others = [p for p in seen if p.isdigit() and int(p) != os.getpid()]\n"
        "held(all(refused(lambda p=p: open(f'/proc/{p}/mem', 'rb')) for p in others)\n"
        "     and all(refused(lambda p=p: os.kill(int(p), 9)) for p in others))",
        interactive=True,
    ),
    ends(
        "interaction/flood",
        "say more than the other side reads",
        "while True: os.write(1, b'x' * 65536)",
        "OLE RTE",
        interactive=True,
    ),
    ends(
        "interaction/silence",
        "wait for the other side for ever",
        "import sys\nsys.stdin.read()",
        "TLE",
        interactive=True,
        limits=SHORT,
    ),
    ends(
        "interaction/forged-acceptance",
        "accept itself by the interactor's exit code",
        "print('give me', flush=True)\nos._exit(42)",
        "RTE",
        interactive=True,
    ),
)
