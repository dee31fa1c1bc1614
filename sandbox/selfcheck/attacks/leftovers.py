"""The next candidate: finds nothing of the one before, neither files nor marks on what both may see."""

from __future__ import annotations

from sandbox.selfcheck.attack import PYTHON, Attack, ends, held

_CHANGE_ATTRIBUTES = """
import fcntl, struct
d = os.open('.', os.O_RDONLY)
def flags(value): fcntl.ioctl(d, 0x40086602, struct.pack('l', value))
def extended(value): fcntl.ioctl(d, 0x401c5820, struct.pack('IIIII8x', value, 0, 0, 0, 0))
"""

ATTACKS: tuple[Attack, ...] = (
    held(
        "leftovers/files",
        "find files, directories and links of the program before",
        "names = os.listdir('.')\nprint(*names, file=sys.stderr)\nheld(not names)",
        first="import os\nopen('n', 'w').write('x'); os.makedirs('a/b'); open('a/b/c', 'w').close()\n"
        "os.link('n', 'm')\n"
        "try: os.symlink('/', 's')\nexcept OSError: pass",
    ),
    held(
        "leftovers/deep-tree",
        "leave a tree deeper than any path",
        "held(not os.listdir('.'))",
        first="import os\ntry:\n    while True: os.mkdir('d' * 200); os.chdir('d' * 200)\nexcept OSError: pass",
    ),
    held(
        "leftovers/odd-names",
        "leave names that no tool likes",
        "held(not os.listdir('.'))",
        first="import os\nfor n in (b'-rf', b'\\xff\\xfe', b'a\\nb', b' ', b'*', b'~', b'.x', b'x' * 255):\n"
        "    try: os.mkdir(n); open(n + b'/y', 'w')\n    except OSError: pass",
    ),
    held(
        "leftovers/closed-directories",
        "leave directories that nobody may enter",
        "held(not os.listdir('.'))",
        first="import os\nos.umask(0o777)\ntry: os.makedirs('a'); os.mkdir('b')\nexcept OSError: pass",
    ),
    held(
        "leftovers/mode",
        "mark the scratch directory by its mode, owner or times",
        "mode = os.stat('.').st_mode\nheld(mode & 0o7777 == 0o700 and os.stat('.').st_mtime > 10)",
        first="import os\nfor action in (lambda: os.chmod('.', 0o1711), lambda: os.utime('.', (1, 1)),\n"
        "               lambda: os.chown('.', 1, 1), lambda: os.chmod('.', 0)):\n"
        "    try: action()\n    except OSError: pass",
    ),
    held(
        "leftovers/xattr",
        "mark the scratch directory by extended attributes",
        "held(not os.listxattr('.'))",
        first="import os\nfor n in ('user.note', 'trusted.note', 'security.note', 'system.posix_acl_access'):\n"
        "    try: os.setxattr('.', n, b'x')\n    except OSError: pass",
    ),
    held(
        "leftovers/attributes",
        "mark the scratch directory by its inode flags",
        _CHANGE_ATTRIBUTES + "held(refused(lambda: flags(0x40)) and refused(lambda: extended(0x40)))",
    ),
    held(
        "leftovers/attributes-by-number",
        "the same by the newer system call",
        "held(denied('file_setattr', -100, b'.', ctypes.create_string_buffer(bytes([0x40]) + bytes(31)), 24, 0)\n"
        "     and denied('setxattrat', -100, b'.', 0, b'user.x', 0, 0))",
    ),
    held(
        "leftovers/locks",
        "leave a lock on a file that both may read",
        "import fcntl\nheld(refused(lambda: fcntl.flock(os.open('.', os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)))",
        first="import fcntl, os\nfcntl.flock(os.open('.', os.O_RDONLY), fcntl.LOCK_EX)",
    ),
    held(
        "leftovers/memory",
        "find the text and input of the program before in its memory",
        """
import gc
needle = 'canary-' + 'of-before'
planted = [needle + ' planted, so that the search can find something']
texts = {id(s): s for o in gc.get_objects() for s in gc.get_referents(o) if isinstance(s, (str, bytes))}
found = set()
for text in texts.values():
    text = text if isinstance(text, str) else text.decode('latin-1')
    if needle in text and text != needle: found.add(text[:80])
print(*found, file=sys.stderr)
held(found == {planted[0][:80]})""",
        first="secret = 'canary-of-before, secret'\ninput()",
        stdin=b"canary-of-before, read",
    ),
    held(
        "leftovers/heap",
        "read what lies around its own objects in memory",
        """
import gc
needle = b'canary-' + b'of-before'
kept = [bytes(size) for size in range(1, 500) for _ in range(200)] + gc.get_objects()
pools = {id(x) & ~0x3FFF for x in kept if not gc.is_tracked(x)}  # the small-object allocator's unit
found = sum(ctypes.string_at(pool, 2**14).count(needle + b', secret') for pool in pools)
print(len(pools), found, file=sys.stderr)
held(found == 0)""",
        first="secret = 'canary-of-before, ' + 'secret'\nkept = [secret + str(i) for i in range(1000)]",
    ),
    held(
        "leftovers/interpreter",
        "change the interpreter for the next program: modules, builtins, environment, limits",
        "import math, builtins, random\n"
        "held(math.pi > 3 and not hasattr(builtins, 'evil') and 'EVIL' not in os.environ\n"
        "     and sys.getrecursionlimit() < 5000 and not os.path.exists('json'))",
        first="import builtins, math, os, sys\nmath.pi = 0; builtins.evil = 1; os.environ['EVIL'] = '1'\n"
        "sys.setrecursionlimit(10**6); sys.modules.clear()",
    ),
    held(
        "leftovers/directory",
        "leave the working directory or the umask changed",
        "held(not os.listdir('.') and os.umask(0) == 0o022)",
        first="import os\nos.umask(0)\ntry: os.mkdir('x'); os.chdir('x')\nexcept OSError: pass",
    ),
    ends(
        "leftovers/own-directory",
        "remove, or lock itself out of, its scratch directory",
        PYTHON + "held(refused(lambda: os.rmdir('.')) and refused(lambda: os.chmod('.', 0))\n"
        "     and refused(lambda: os.rename('.', 'x')))",
        "OK RTE",
    ),
)
