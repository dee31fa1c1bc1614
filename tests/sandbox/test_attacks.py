"""What hostile programs try, and that the next innocent program does not notice."""

import os
import socket
from pathlib import Path

import pytest

from sandbox import Limits, Outcome, Program, Verdict

from .conftest import Bench

SECRET = "canary-5c1fa0"
SHORT = Limits(cpu_seconds=0.5, memory_bytes=128 * 2**20, output_bytes=2**20, wall_seconds=1.2)

# Each prints "held" once it has seen its attack refused. libc(...) gives (result, errno).
PRELUDE = """
import ctypes, errno, os, sys
_libc = ctypes.CDLL(None, use_errno=True)
def libc(name, *args):
    result = getattr(_libc, name)(*args)
    return result, ctypes.get_errno()
def refused(action, *errors):
    try:
        action()
    except OSError as error:
        if not errors or error.errno in errors: return True
        raise
    return False
def held(condition):
    print("held" if condition else "GOT THROUGH")
"""

REFUSED = {
    "read /etc/passwd": "held(refused(lambda: open('/etc/passwd')))",
    "list the root directory": "held(refused(lambda: os.listdir('/')))",
    "list home": "held(refused(lambda: os.listdir('/root')) and refused(lambda: os.listdir('/home')))",
    "climb out of the scratch directory": "held(refused(lambda: os.listdir('..')))",
    "walk /proc": "held(refused(lambda: os.listdir('/proc')) and refused(lambda: open('/proc/1/environ')))",
    "see own command line": "held(refused(lambda: open('/proc/self/cmdline')))",
    "see the host's processes exist": "held(not os.path.exists('/proc/self'))",
    "use shared memory files": "held(refused(lambda: open('/dev/shm/x', 'w')))",
    "use /tmp": "held(refused(lambda: open('/tmp/x', 'w')))",
    "write to the standard library": "held(refused(lambda: open(os.__file__, 'a')))",
    "write to /usr": "held(refused(lambda: open('/usr/lib/x', 'w')))",
    "execute a program": "held(refused(lambda: os.execv('/bin/sh', ['sh'])))",
    "run a subprocess": "import subprocess\nheld(refused(lambda: subprocess.run(['/bin/true'])))",
    "fork": "held(refused(os.fork, errno.EPERM))",
    "vfork by number": "held(libc('syscall', 58) == (-1, errno.EPERM) if os.uname().machine == 'x86_64' else True)",
    "clone3 by number": "held(libc('syscall', 435, 0, 0) == (-1, errno.ENOSYS))",
    "kill the server": "held(refused(lambda: os.kill(os.getppid(), 9), errno.EPERM))",
    "kill everything": "held(refused(lambda: os.kill(-1, 9), errno.EPERM))",
    "stop the server by thread": "held(libc('tgkill', 1, 1, 9)[0] == -1)",
    "ptrace the server": "held(libc('ptrace', 16, 1, 0, 0) == (-1, errno.EPERM))",
    "read the server's memory": "held(libc('process_vm_readv', 1, 0, 0, 0, 0, 0) == (-1, errno.EPERM))",
    "lower the server's limits": """
import resource
held(refused(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))) if os.getppid() else True)""",
    "steal the server's descriptors": "held(libc('syscall', 434, 1, 0) == (-1, errno.EPERM))",
    "have the kernel signal the server": """
import fcntl, socket
a, b = socket.socketpair()
held(refused(lambda: fcntl.fcntl(a, fcntl.F_SETOWN, 1), errno.EPERM)
     and refused(lambda: fcntl.fcntl(a, fcntl.F_SETSIG, 9), errno.EPERM))""",
    "slow the server down": "held(refused(lambda: os.setpriority(os.PRIO_PROCESS, 1, 19)) "
    "and refused(lambda: os.sched_setaffinity(0, {0})))",
    "outlive the driver": "held(libc('prctl', 1, 0, 0, 0, 0) == (-1, errno.EPERM))",
    "open an internet socket": "import socket\nheld(refused(lambda: socket.socket()))",
    "open every family of socket": """
import socket
held(all(refused(lambda f=f: socket.socket(f, t)) for f in (1, 2, 10, 16, 17, 38, 40) for t in (1, 2, 3)))""",
    "send from a datagram pair": "import socket\n"
    "held(refused(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)))",
    "leave a message in a SysV queue": "held(libc('msgget', 7, 0o1666) == (-1, errno.EPERM))",
    "leave SysV shared memory": "held(libc('shmget', 7, 4096, 0o1666) == (-1, errno.EPERM))",
    "leave a semaphore": "held(libc('semget', 7, 1, 0o1666) == (-1, errno.EPERM))",
    "leave a POSIX queue": "held(libc('mq_open', b'/x', 0o102, 0o600, 0)[0] == -1)",
    "leave a key in a keyring": "number = {'x86_64': 250}.get(os.uname().machine, 219)\n"
    "held(libc('syscall', number, 0) == (-1, errno.EPERM))",
    "leave attributes on the scratch directory": "held(refused(lambda: os.setxattr('.', 'user.note', b'x')))",
    "leave times on the scratch directory": "held(refused(lambda: os.utime('.', (1, 1))))",
    "lock itself out of the scratch directory": "held(refused(lambda: os.chmod('.', 0)))",
    "change files it cannot open": "held(refused(lambda: os.chmod('/usr/lib', 0o777)) "
    "and refused(lambda: os.chown('/usr/lib', 65534, 65534)))",
    "hide memory in a memfd": "held(refused(lambda: os.memfd_create('x')))",
    "make new namespaces": "held(libc('unshare', 0x10000000) == (-1, errno.EPERM))",
    "mount": "held(libc('mount', b'none', b'/box', b'tmpfs', 0, 0) == (-1, errno.EPERM))",
    "chroot": "held(refused(lambda: os.chroot('.')))",
    "use io_uring": "held(libc('syscall', 425, 1, 0) == (-1, errno.EPERM))",
    "use bpf": "held(libc('syscall', {'x86_64': 321}.get(os.uname().machine, 280), 0, 0, 0) == (-1, errno.EPERM))",
    "become root": "held(refused(lambda: os.setuid(0)))",
    "raise its limits": """
import resource
def more(): resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))
try: more(); held(False)
except ValueError: held(True)""",
    "change its input": "held(refused(lambda: os.write(0, b'x')) and refused(lambda: os.ftruncate(0, 0)))",
    "find descriptors it was not given": """
def alive(fd):
    try: os.fstat(fd); return True
    except OSError: return False
held([fd for fd in range(1024) if alive(fd)] == [0, 1, 2])""",
    "find the installed packages": """
try: import numpy, msgspec; held(False)
except ImportError: held(True)""",
    "find secrets in its environment": "held(set(os.environ) == "
    "{'HOME', 'LANG', 'MALLOC_ARENA_MAX', 'PATH', 'TMPDIR'})",
    "find our modules": "held(not [name for name in sys.modules if name.startswith('sandbox')])",
    "find a network interface": """
import socket
held(not hasattr(socket, 'if_nameindex') or refused(socket.if_nameindex))""",
}


@pytest.mark.parametrize("attack", REFUSED)
def test_refused(bench: Bench, attack: str) -> None:
    outcome = bench.python(PRELUDE + REFUSED[attack], b"input", SHORT)
    assert (outcome.output, outcome.verdict) == (b"held\n", Verdict.OK), outcome.stderr
    bench.assert_unharmed()


SURVIVED = {
    "closes every descriptor and leaves": ("import os; os.closerange(0, 1000); os._exit(0)", {Verdict.OK}),
    "ends at once": ("import os; os._exit(0)", {Verdict.OK}),
    "ends with the server's own exit codes": ("import os; os._exit(77)", {Verdict.MLE}),
    "kills itself": ("import os; os.kill(os.getpid(), 9)", {Verdict.RTE}),
    "stops itself": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", {Verdict.TLE}),
    "kills its group": ("import os; os.kill(0, 9)", {Verdict.RTE}),
    "ignores every signal and spins": (
        "import signal\nfor s in range(1, 65):\n"
        "    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
        {Verdict.TLE},
    ),
    "fork bomb": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", {Verdict.TLE}),
    "thread bomb": (
        "import threading, time\nthreading.stack_size(2**16)\nwhile True:\n"
        "    try: threading.Thread(target=time.sleep, args=(60,)).start()\n    except RuntimeError: pass",
        {Verdict.TLE, Verdict.MLE},
    ),
    "memory bomb in threads": (
        "import threading\ndef grow():\n    x = []\n    while True: x.append(bytearray(2**20))\n"
        "for _ in range(4): threading.Thread(target=grow).start()",
        {Verdict.MLE, Verdict.TLE},
    ),
    "fills the scratch directory": (
        "i = 0\nwhile True:\n    i += 1\n    open(f'f{i}', 'w').write('x' * 2**20)",
        {Verdict.RTE, Verdict.TLE},
    ),
    "makes a very deep directory": (
        "import os\nwhile True:\n    os.mkdir('d' * 200); os.chdir('d' * 200)",
        {Verdict.RTE},
    ),
    "prints for ever": ("while True: print('x' * 1000)", {Verdict.OLE}),
    "grows its output by truncation": ("import os; os.ftruncate(1, 2**40)", {Verdict.OLE, Verdict.RTE}),
    "opens what it can for ever": (
        "x = []\nwhile True: x.append(open('/dev/null'))",
        {Verdict.RTE},
    ),
    "breaks its own interpreter": ("import ctypes; ctypes.string_at(0)", {Verdict.RTE}),
    "replaces what it is run by": (
        "import sys, os, builtins\nf = sys._getframe()\nwhile f: f.f_globals.clear(); f = f.f_back\n",
        {Verdict.RTE, Verdict.OK},
    ),
    "raises what nobody expects": (
        "class E(BaseException):\n    def __str__(self): raise self\nraise E",
        {Verdict.RTE},
    ),
    "exits with a code that fights back": (
        "import sys\nclass C:\n    def __str__(self): raise SystemExit(self)\nsys.exit(C())",
        {Verdict.RTE},
    ),
    "has a stderr that fights back": (
        "import sys\nclass E:\n    def __getattr__(self, n): raise SystemExit(0)\nsys.stderr = E()\n1/0",
        {Verdict.RTE},
    ),
    "compiles for ever": ("x = " + "-" * 100_000 + "1", {Verdict.CE, Verdict.RTE, Verdict.MLE}),
}


@pytest.mark.parametrize("attack", SURVIVED)
def test_survived(bench: Bench, attack: str) -> None:
    source, verdicts = SURVIVED[attack]
    outcome = bench.python(source, b"", SHORT)
    assert outcome.verdict in verdicts, outcome
    bench.assert_unharmed()


NATIVE_REFUSED = {
    "find descriptors it was not given": "fcntl(3, F_GETFD) + fcntl(4, F_GETFD) + fcntl(5, F_GETFD) == -3",
    "fork": "fork() == -1",
    "raw vfork": "syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == -1",
    "exec": 'execl("/bin/sh", "sh", nullptr) == -1',
    "exec of a library by descriptor": (
        'syscall(SYS_execveat, open("/usr/bin/env", O_PATH), "", nullptr, nullptr, AT_EMPTY_PATH) == -1'
    ),
    "read /etc/passwd": 'open("/etc/passwd", O_RDONLY) == -1',
    "write outside": 'open("/usr/x", O_WRONLY | O_CREAT, 0600) == -1',
    "read its own binary's directory": 'open("/proc/self/exe", O_RDONLY) == -1',
    "socket": "socket(AF_INET, SOCK_STREAM, 0) == -1",
    "kill": "kill(1, 9) == -1 && kill(-1, 9) == -1",
}


def test_native_attacks_are_refused(cpp_bench: Bench) -> None:
    checks = "".join(f'  if (!({check})) puts("{name}");\n' for name, check in NATIVE_REFUSED.items())
    headers = ("csignal", "cstdio", "fcntl.h", "sys/socket.h", "sys/syscall.h", "unistd.h")
    source = "".join(f"#include <{h}>\n" for h in headers) + f'int main() {{\n{checks}  puts("all held");\n}}'
    outcome = cpp_bench.cpp(source, b"", SHORT)
    assert (outcome.output, outcome.verdict) == (b"all held\n", Verdict.OK), outcome.stderr
    cpp_bench.assert_unharmed()


def test_a_thread_bomb_of_bare_clones_ends(cpp_bench: Bench) -> None:
    source = """
#include <sched.h>
#include <unistd.h>
static int nap(void *) { for (;;) pause(); }
int main() {
  static char stack[4096];
  for (;;) clone(nap, stack + 4096, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES, nullptr);
}"""
    assert cpp_bench.cpp(source, b"", SHORT).verdict is Verdict.TLE
    cpp_bench.assert_unharmed()


def test_int80_and_x32_calls_do_not_get_around_the_filter(cpp_bench: Bench) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("x86_64 only")
    x32 = "#include <unistd.h>\nint main() { return syscall(0x40000000 + 57) > 0 ? 0 : 1; }"
    int80 = 'int main() { int r; asm volatile("int $0x80" : "=a"(r) : "a"(2)); return r > 0 ? 0 : 1; }'
    assert [cpp_bench.cpp(source, b"", SHORT).verdict for source in (x32, int80)] == [Verdict.RTE] * 2
    cpp_bench.assert_unharmed()


def test_nothing_of_a_run_is_left_for_the_next(bench: Bench) -> None:
    leave = "import os\nopen('n', 'w').write('x'); os.makedirs('a/b'); open('a/b/c', 'w').close(); os.link('n', 'm')"
    assert bench.python(leave).verdict is Verdict.OK
    assert bench.python("import os; print(os.listdir('.'))").output == b"[]\n"


def test_a_previous_programs_text_and_input_are_not_in_memory(bench: Bench) -> None:
    search = """
import gc
needle = 'canary-' + '5c1fa0'
planted = [needle + ' planted, so that the search can find something']
texts = {id(s): s for o in gc.get_objects() for s in gc.get_referents(o) if isinstance(s, (str, bytes))}
for text in texts.values():
    text = text if isinstance(text, str) else text.decode('latin-1')
    if needle in text and text != needle: print(text[:80])
"""
    outcome = bench.python(f"secret = '{SECRET} of before'\ninput()", SECRET.encode() + b" read")
    assert outcome.verdict is Verdict.OK
    found = bench.python(search, limits=Limits(cpu_seconds=5)).output
    assert found == b"canary-5c1fa0 planted, so that the search can find something\n"


def test_a_file_of_the_user_is_out_of_reach(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    tmp_path.chmod(0o755)
    secret.chmod(0o644)
    outcome = bench.python(f"print(open({str(secret)!r}).read())")
    assert outcome.verdict is Verdict.RTE
    assert SECRET not in outcome.stderr


def test_a_server_on_the_loopback_is_out_of_reach(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        outcome = bench.python(f"import socket; socket.create_connection(('127.0.0.1', {port}))")
        assert outcome.verdict is Verdict.RTE
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "source",
    [
        "import os\ndef f(): os._exit(0)",
        "import sys\ndef f(): sys.exit(0)",
        "def f():\n    while True: print('x' * 1000)",
        "import os\nos.close(5)\ndef f(): return 1",
        "class X(int):\n    __class__ = int\ndef f(): return object()",
        "def f():\n    x = []\n    x.append(x)\n    return x",
        "f = None",
    ],
)
def test_a_function_that_returns_no_value_has_no_verdict_but_failure(bench: Bench, source: str) -> None:
    outcome = bench.call(source, "")
    assert outcome.verdict in {Verdict.RTE, Verdict.OLE}
    bench.assert_unharmed()


def test_a_value_that_claims_equality_with_all_is_judged_by_its_literal(bench: Bench) -> None:
    source = "class Any(int):\n    __eq__ = lambda *_: True\n    __repr__ = lambda *_: '42'\ndef f(): return Any(7)"
    assert bench.call(source, "").output == b"7"


def test_prints_do_not_mix_with_the_returned_value(bench: Bench) -> None:
    outcome = bench.call("import os\ndef f(): print('5'); os.write(1, b'6'); return 7", "")
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"7")


def _file_outcome(bench: Bench, source: str) -> Outcome:
    outcome = bench.run(Program("python", source, mode="file", output_file="out"), b"", SHORT)
    bench.assert_unharmed()
    return outcome


def test_an_output_file_that_is_a_link_or_fifo_is_not_followed(bench: Bench) -> None:
    assert _file_outcome(bench, "import os; os.symlink('/etc/passwd', 'out')").output == b""
    assert _file_outcome(bench, "import os; os.mkfifo('out')").output == b""
    assert _file_outcome(bench, "import os; os.mkdir('out')").verdict is Verdict.RTE


def test_an_output_file_beyond_the_limit_is_ole(bench: Bench) -> None:
    assert _file_outcome(bench, "open('out', 'w').write('x' * 2**21)").verdict is Verdict.OLE
    assert _file_outcome(bench, "import os; open('out', 'w'); os.truncate('out', 2**40)").output == b""
