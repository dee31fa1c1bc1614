"""The fork server: its memory, pipes and descriptors are out of reach, and it does not believe what it sees."""

from __future__ import annotations

from sandbox.selfcheck.attack import SHORT, Attack, cpp_ends, ends, held

ATTACKS: tuple[Attack, ...] = (
    held(
        "server/descriptors",
        "write to descriptors that it may have inherited",
        """
def write(fd):
    try: return os.write(fd, b'{"op": "run"}') and True
    except OSError: return False
held(not any(map(write, range(3, 1024))))""",
    ),
    held(
        "server/modules",
        "find the server's code in its interpreter",
        """
import gc
ours = [n for n in sys.modules if n.startswith('sandbox')]
texts = {str(o)[:60] for o in gc.get_objects() if type(o).__name__ in ('Scratch', 'Confinement', 'Layers', 'Loop')}
print(*ours, *texts, file=sys.stderr)
held(not ours)""",
    ),
    ends(
        "server/closes-all", "close every descriptor and go on", "import os\nos.closerange(0, 5000)\nprint(1)", "OK RTE"
    ),
    ends(
        "server/swaps-descriptors",
        "put other files in the places of its descriptors",
        "import os\nr, w = os.pipe()\nfor fd in range(64):\n    if fd not in (r, w): os.dup2(w, fd)\nos._exit(0)",
        "OK RTE",
    ),
    ends("server/exits", "end at once", "import os; os._exit(0)", "OK"),
    ends("server/forges-mle", "end with the server's own exit code", "import os; os._exit(77)", "MLE"),
    ends("server/kills-itself", "kill itself", "import os; os.kill(os.getpid(), 9)", "RTE MLE"),
    ends("server/kills-group", "kill its process group", "import os; os.kill(0, 9)", "RTE MLE"),
    ends("server/stops-itself", "stop itself", "import os; os.kill(os.getpid(), 19)", "TLE", limits=SHORT),
    ends("server/stops-group", "stop its process group", "import os; os.kill(0, 19)", "TLE", limits=SHORT),
    ends(
        "server/traps",
        "signal itself with everything",
        "import os\nfor n in range(1, 32):\n    if n not in (9, 19): os.kill(os.getpid(), n)",
        "RTE",
    ),
    ends(
        "server/forges-function-result",
        "write a value to every descriptor and end before the function returns",
        """
import os
for fd in range(3, 100):
    try: os.write(fd, b'42')
    except OSError: pass
def f(): os._exit(1)""",
        "RTE",
        entry_point="f",
        stdin=b"",
    ),
    ends(
        "server/forges-status",
        "say on every descriptor that it never started, or that the set-up failed",
        """
import os
for fd in range(100):
    for text in (b'setup: forged', b'arguments: forged', b'compile: forged', b'{"op": "abort"}'):
        try: os.write(fd, text)
        except OSError: pass
os._exit(3)""",
        "RTE",
    ),
    ends(
        "server/unwinds",
        "clear the frames it is run by, and return into the server",
        """
import sys
f = sys._getframe()
while f: f.f_globals.clear(); f = f.f_back""",
        "RTE OK",
    ),
    ends(
        "server/replaces-builtins",
        "replace what ends it: os._exit, excepthook, threading",
        """
import os, sys, threading
os._exit = os.write = threading._shutdown = sys.excepthook = lambda *a, **k: None
def loop(*a): raise SystemExit(0)
sys.stdout.flush = loop
class E(BaseException):
    def __str__(self): raise self
raise E""",
        "RTE OK TLE",
        limits=SHORT,
    ),
    ends(
        "server/exception-groups",
        "raise what fights back when printed",
        "import sys\nclass C:\n    def __str__(self): raise SystemExit(self)\nsys.exit(C())",
        "RTE",
    ),
    ends(
        "server/stderr-fights",
        "put an object in the place of stderr that ends the process well",
        "import sys\nclass E:\n    def __getattr__(self, n): raise SystemExit(0)\nsys.stderr = E()\n1/0",
        "RTE",
    ),
    ends("server/null", "read address zero", "import ctypes; ctypes.string_at(0)", "RTE"),
    ends(
        "server/scribbles",
        "write over its own interpreter's memory",
        """
import ctypes
for o in (None, True, int, type, print):
    ctypes.memset(id(o), 0xff, 64)
print(1)""",
        "RTE TLE MLE",
        limits=SHORT,
    ),
    ends(
        "server/writes-code",
        "make its own code writable and break it",
        """
import ctypes
libc = ctypes.CDLL(None)
page = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
assert libc.mprotect(ctypes.c_void_p(page), 4096, 7) == 0
ctypes.memset(page, 0xcc, 4096)
libc.getpid()""",
        "RTE",
    ),
    cpp_ends(
        "server/native-status",
        "write to every descriptor from a compiled program, and end as if nothing had been",
        "#include <unistd.h>\nint main() { for (int fd = 3; fd < 1024; fd++)"
        ' if (write(fd, "setup: x", 8) > 0) return 1; }',
        "OK",
    ),
    cpp_ends(
        "server/native-constructor",
        "attack before main, by a constructor",
        "#include <unistd.h>\n#include <fcntl.h>\n__attribute__((constructor)) void first() {"
        ' if (fork() != -1 || open("/etc/passwd", O_RDONLY) != -1) write(1, "GOT THROUGH", 11); }\nint main() {}',
        "OK",
        forbidden=("GOT THROUGH",),
    ),
)
