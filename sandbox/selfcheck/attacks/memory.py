"""Memory: of whatever kind, it counts; a program that wants too much ends, and gives it all back."""

from __future__ import annotations

from sandbox.selfcheck.attack import CALM, CPP, Attack, cpp_ends, cpp_held, denies, ends, held

ATTACKS: tuple[Attack, ...] = (
    ends("memory/anonymous", "allocate for ever", "x = []\nwhile True: x.append(bytearray(2**20))", "MLE"),
    ends("memory/one-piece", "allocate sixteen gigabytes at once", "x = bytearray(2**34)", "MLE"),
    ends(
        "memory/shared",
        "touch shared mappings for ever",
        """
import mmap
x = []
while True:
    m = mmap.mmap(-1, 2**23)
    for i in range(0, 2**23, 4096): m[i] = 1
    x.append(m)""",
        "MLE RTE",
    ),
    ends(
        "memory/threads",
        "allocate for ever in four threads",
        """
import threading
def grow():
    x = []
    while True: x.append(bytearray(2**20))
for _ in range(4): threading.Thread(target=grow).start()""",
        "MLE TLE RTE",
    ),
    ends(
        "memory/swallowed",
        "catch every MemoryError and go on",
        """
x = []
while True:
    try: x.append(bytearray(2**20))
    except MemoryError: pass""",
        "MLE TLE",
        limits=CALM,
    ),
    ends(
        "memory/recursion",
        "use up the stack",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1) + 1\nf(0)",
        "RTE MLE TLE",
    ),
    ends(
        "memory/unlinked-files",
        "hide memory in files that it has removed but holds open",
        """
import os
held = []
while True:
    f = os.open('f', os.O_RDWR | os.O_CREAT)
    os.unlink('f')
    held.append(f)
    for _ in range(15): os.write(f, b'x' * 2**20)""",
        "RTE MLE OLE",
        limits=CALM,
        needs=("mount",),
    ),
    ends(
        "memory/scratch",
        "fill the scratch directory",
        "i = 0\nwhile True:\n    i += 1\n    open(f'f{i}', 'w').write('x' * 2**20)",
        "RTE MLE",
    ),
    ends(
        "memory/many-files",
        "make as many directories as it can",
        "import os\ni = 0\nwhile True:\n    i += 1\n    os.mkdir(f'd{i}')",
        "RTE",
    ),
    ends(
        "memory/mapped-file",
        "map a large sparse file shared, and touch all of it",
        """
import mmap, os
f = os.open('f', os.O_RDWR | os.O_CREAT)
x = []
for i in range(200):
    g = os.open(f'f{i}', os.O_RDWR | os.O_CREAT)
    os.ftruncate(g, 2**20)
    m = mmap.mmap(g, 2**20)
    for j in range(0, 2**20, 4096): m[j] = 1
    x.append(m)
    os.close(g)
bytearray(2**30)""",
        "MLE RTE",
    ),
    held(
        "memory/locked",
        "lock memory",
        "held(_libc.mlockall(3) == -1 and _libc.mlock(ctypes.create_string_buffer(2**16), 2**16) == -1)",
    ),
    denies("memory/anonymous-files", "hide memory in anonymous files", "memfd_create, b'x', 0", "memfd_secret, 0"),
    held(
        "memory/pipes",
        "hide memory in pipes, made as large as they get",
        """
import fcntl
held(refused(lambda: fcntl.fcntl(os.pipe()[0], 1031, 2**20), errno.EPERM))""",
    ),
    held(
        "memory/descriptors",
        "open what it can",
        """
x = []
def more():
    while len(x) < 10_000: x.append(open('/dev/null'))
held(refused(more, errno.EMFILE) and len(x) < 100)""",
    ),
    held(
        "memory/limits",
        "raise its limits",
        """
import resource
kinds = [getattr(resource, n) for n in dir(resource) if n.startswith('RLIMIT_')]
def raised(kind):
    soft, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY: return False
    try: resource.setrlimit(kind, (hard + 1, hard + 1)); return True
    except (ValueError, OSError): return False
limited = [kind for kind in kinds if resource.getrlimit(kind)[1] != resource.RLIM_INFINITY]
held(len(limited) >= 6 and not any(map(raised, kinds)))""",
        needs=("rlimits",),
    ),
    cpp_ends(
        "memory/native",
        "allocate and touch for ever",
        CPP + "int main() { for (;;) { char *p = (char *)malloc(1 << 20); if (!p) abort(); memset(p, 1, 1 << 20); } }",
        "MLE RTE",
    ),
    cpp_ends(
        "memory/native-mappings",
        "map anonymous and shared pages, and grow them by mremap",
        CPP
        + """
int main() {
  size_t size = 1 << 20;
  void *p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (;;) {
    char *q = (char *)mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *r = (char *)mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (q == MAP_FAILED || r == MAP_FAILED) abort();
    r = (char *)mremap(r, size, 2 * size, MREMAP_MAYMOVE);
    if (r == MAP_FAILED) abort();
    memset(q, 1, size);
    memset(r, 1, 2 * size);
  }
}""",
        "MLE RTE",
    ),
    cpp_ends(
        "memory/native-stack",
        "use up the stack by recursion",
        CPP
        + """
static volatile char sink;
int grow(int n) { volatile char frame[65536]; frame[0] = n; sink = frame[0]; return grow(n + 1) + frame[0]; }
int main() { return grow(0); }""",
        "RTE MLE",
    ),
    cpp_held(
        "memory/native-huge-pages",
        "take huge pages and lock memory",
        "map(MAP_HUGETLB) == MAP_FAILED && mlockall(MCL_CURRENT | MCL_FUTURE) == -1 && map(MAP_LOCKED) == MAP_FAILED",
        before="static void *map(int kind) { return mmap(nullptr, 2 << 20, PROT_READ | PROT_WRITE,"
        " MAP_PRIVATE | MAP_ANONYMOUS | kind, -1, 0); }",
    ),
)
