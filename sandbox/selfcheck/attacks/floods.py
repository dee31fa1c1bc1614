"""Output: what is too much is cut by the kernel, and costs neither time nor memory outside."""

from __future__ import annotations

from sandbox.selfcheck.attack import CPP, SHORT, Attack, cpp_ends, ends, held

ATTACKS: tuple[Attack, ...] = (
    ends("floods/stdout", "print for ever", "while True: print('x' * 1000)", "OLE"),
    ends("floods/stderr", "print errors for ever", "import sys\nwhile True: sys.stderr.write('x' * 10000)", "OLE"),
    ends(
        "floods/both",
        "print on both for ever",
        "import os\nwhile True: os.write(1, b'x' * 9999); os.write(2, b'y')",
        "OLE",
    ),
    ends(
        "floods/ignored",
        "ignore the signal that ends a flood",
        """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
while True:
    try: os.write(1, b'x' * 10**6)
    except OSError: pass""",
        "OLE TLE",
        limits=SHORT,
    ),
    ends(
        "floods/truncate", "make stdout a terabyte long by truncation", "import os; os.ftruncate(1, 2**40)", "OLE RTE"
    ),
    ends(
        "floods/sparse",
        "write one byte far behind the end of stdout",
        "import os; os.lseek(1, 2**40, 0); os.write(1, b'x')",
        "OLE RTE",
    ),
    ends("floods/pwrite", "the same at a given offset", "import os; os.pwrite(1, b'x', 2**40)", "OLE RTE"),
    ends("floods/allocate", "reserve room in stdout", "import os; os.posix_fallocate(1, 0, 2**40)", "OLE RTE"),
    ends(
        "floods/mapped",
        "map stdout, shorten it, and write behind its end",
        """
import mmap, os
os.ftruncate(1, 2**20)
m = mmap.mmap(1, 2**20)
os.ftruncate(1, 0)
m[0] = 1""",
        "RTE",
    ),
    ends(
        "floods/seek",
        "leave stdout positioned and shortened",
        "import os; os.write(1, b'abc'); os.ftruncate(1, 1); os.lseek(1, 0, 2)",
        "OK",
    ),
    held(
        "floods/input",
        "change its own input, for a later run of the same test",
        """
import mmap
held(refused(lambda: os.write(0, b'x'), errno.EPERM) and refused(lambda: os.ftruncate(0, 0), errno.EPERM)
     and refused(lambda: mmap.mmap(0, 1, mmap.MAP_SHARED), errno.EPERM))""",
    ),
    ends(
        "floods/seals",
        "seal stdout against everybody, then leave it longer than allowed",
        "import fcntl, os\nos.write(1, b'x')\nfcntl.fcntl(1, 1033, 0xF)\nos.write(1, b'y' * 2**21)",
        "RTE OLE",
    ),
    ends(
        "floods/output-file",
        "leave an output file that is far too long",
        "f = open('out', 'w')\nwhile True: f.write('x' * 10000)",
        "OLE",
        output_file="out",
    ),
    ends(
        "floods/output-link",
        "leave a link to a secret as its output file",
        "import os\nos.symlink('@SECRET@', 'out')",
        "OK RTE",
        output_file="out",
    ),
    ends(
        "floods/output-fifo",
        "leave a pipe as its output file, for the driver to hang on",
        "import os\nos.mkfifo('out')",
        "OK RTE",
        output_file="out",
    ),
    ends(
        "floods/output-directory",
        "leave a directory as its output file",
        "import os\nos.path.exists('out') and os.unlink('out')\nos.mkdir('out')",
        "RTE",
        output_file="out",
    ),
    ends(
        "floods/value",
        "return a value whose text is far too long",
        "def f(): return 'x' * 2**22",
        "OLE",
        entry_point="f",
        stdin=b"",
    ),
    cpp_ends("floods/native", "print for ever", CPP + 'int main() { for (;;) puts("xxxxxxxxxxxxxxxx"); }', "OLE"),
)
