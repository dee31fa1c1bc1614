"""The fork server's start: enter the confinement once, then fork one child per request.

Theory of operation. The supervisor starts this process and talks to it over one SOCK_SEQPACKET socket: a
request with the child's descriptors (stdin, stdout, stderr, status, source or binary, result) comes in, a
reply with what wait4 said goes out. Programs, inputs and outputs never pass through this process, so a
child, which is a fork of it, has nothing to find in its memory. With a pid namespace this is two
processes: the outer one only waits, the inner one is pid 1, and when it ends everything below it ends.

A server has one of two profiles. `python` runs Python programs, and is confined as they are: its children inherit
that, which costs nothing a run (`python_child`). `tools` runs compilers and compiled programs: each child
confines itself and becomes another program (`child`).
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from . import child, kernel, landlock, namespaces, seccomp
from .child import FIRST_FREE_DESCRIPTOR
from .python_child import OPEN_FILES, PythonChild
from .scratch import Scratch
from .serve import Loop, Sacrifice

# fmt: off
_PRELOADED = (
    "_sitebuiltins", "array", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "encodings.ascii", "encodings.latin_1", "enum", "fractions", "functools",
    "heapq", "io", "itertools", "json", "linecache", "math", "numbers", "operator", "os", "queue", "random",
    "re", "statistics", "string", "struct", "sys", "threading", "time", "traceback", "types", "typing",
)
# fmt: on
_THREAD_STACK = 8 * 2**20
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
_DEVICES = ("/dev/null", "/dev/urandom", "/dev/zero")
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
_HIDDEN_PACKAGES = ("site-packages", "dist-packages")
_Prepared = tuple[Scratch, int | None, Sacrifice | None]
_STDLIB = os.path.dirname(os.__file__)  # noqa: PTH120


def main(config: dict[str, Any]) -> None:
    """Serves until the supervisor closes the socket. config: see `sandbox.server`."""
    channel = socket.socket(fileno=config["socket"])
    kernel.die_with_parent()
    if os.getppid() != config["parent"]:
        os._exit(1)
    layers = namespaces.Layers(frozenset(config["without"]))
    try:
        loop = _start(config, channel, layers)
    except BaseException as error:
        channel.send(json.dumps({"failed": f"{type(error).__name__}: {error}"[:2000]}).encode())
        return
    channel.send(json.dumps({"layers": layers.states, "baseline": _baseline_bytes()}).encode())
    loop.serve()


def _start(config: dict[str, Any], channel: socket.socket, layers: namespaces.Layers) -> Loop:
    _preload(config)
    scratch, children, sacrifice = _confine(config, channel, layers)
    runs_python = config["profile"] == "python"
    while os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC) < FIRST_FREE_DESCRIPTOR:
        pass  # what the supervisor sends lands above the places that a child gives it
    probe_fds = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr", "status", "code")]
    confinement = _prepare(config, layers, scratch)
    if runs_python:
        _put_on(confinement, config, layers)
        start_child = PythonChild(confinement).start
    else:
        start_child = functools.partial(child.start, confinement=confinement)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGXFSZ, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if runs_python:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    gc.disable()
    loop = Loop(channel, scratch, start_child, children, sacrifice)
    if runs_python and layers.wanted("self-test"):
        _self_test(loop, probe_fds, layers)
    for fd in probe_fds:
        os.close(fd)
    return loop


def _preload(config: dict[str, Any]) -> None:
    """Imports what programs will import. Before the root changes: extension modules may need libraries that
    will not be visible any more."""
    for name in _PRELOADED:
        importlib.import_module(name)
    sys.path += config["library_directories"]
    for name in config["libraries"]:
        importlib.import_module(name)


def _confine(config: dict[str, Any], channel: socket.socket, layers: namespaces.Layers) -> _Prepared:
    os.umask(0o022)
    namespaces.raise_oom_score()
    namespaces.unshare_all(layers)
    if layers.active("pid"):
        _continue_as_init(channel)
    children = None
    if os.getpid() != 1:
        children = kernel.out_of_the_way(os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY))
    sacrifice = Sacrifice() if config["sacrifice_children"] else None
    proc_self = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    hidden = [f"{_STDLIB}/{name}" for name in _HIDDEN_PACKAGES]
    visible = [*config["toolchain"], *_LIBRARIES, _STDLIB, *_DEVICES, "/etc/ld.so.cache", "/etc/alternatives"]
    namespaces.build_root(layers, config["mount_point"], visible, hidden, config["library_paths"])
    in_tmpfs = layers.active("mount")
    scratch = Scratch(namespaces.SCRATCH if in_tmpfs else config["scratch"], can_create=in_tmpfs)
    namespaces.become_nobody(layers, _STDLIB, proc_self, scratch.fd)
    kernel.drop_capabilities()
    if layers.wanted("no_new_privs"):
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        layers.set("no_new_privs", True, "set; no capabilities")
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.die_with_parent()
    threading.stack_size(_THREAD_STACK)
    os.fchdir(scratch.fd)
    return scratch, children, sacrifice


def _continue_as_init(channel: socket.socket) -> None:
    if inner := os.fork():
        channel.close()
        os.waitpid(inner, 0)
        os._exit(0)
    kernel.die_with_parent()


def _prepare(config: dict[str, Any], layers: namespaces.Layers, scratch: Scratch) -> child.Confinement:
    version = landlock.abi() if layers.wanted("landlock") else 0
    if "landlock" not in layers.without:
        layers.set("landlock", bool(version), f"ABI {version}" if version else "not in this kernel")
    filters: dict[str, bytes] = {}
    if layers.wanted("seccomp"):
        if seccomp.supported():
            filters = {profile: seccomp.program(profile) for profile in ("server", "python", "native", "compile")}
        detail = f"{kernel.MACHINE} filter" if filters else f"no table for {kernel.MACHINE}"
        layers.set("seccomp", bool(filters), detail)
    limit_resources = layers.wanted("rlimits")
    if limit_resources:
        layers.set("rlimits", True, "CPU, address space, stack, file size, open files")
    toolchain = (*config["toolchain"], *_LIBRARIES, "/etc/ld.so.cache", "/etc/alternatives")
    return child.Confinement(
        scratch=scratch,
        landlock_abi=version,
        scratch_ruleset=None if scratch.can_create or not version else _no_new_files(version, scratch),
        native_paths=(
            (landlock.READ, (*_LIBRARIES, "/etc/ld.so.cache", *_DEVICES)),
            (landlock.WRITE_EXISTING, _DEVICES[:1]),
            (landlock.EXECUTE | landlock.READ_FILE, _LOADERS),
        ),
        compile_paths=(
            (landlock.READ | landlock.EXECUTE, toolchain),
            (landlock.WRITE_EXISTING, _DEVICES[:1]),
        ),
        filters=filters,
        limit_resources=limit_resources,
        limit_processes=layers.active("user"),
        dies_with_parent=not layers.active("pid"),
    )


def _no_new_files(version: int, scratch: Scratch) -> int:
    """What a Python program may do where its server may do more: nothing bounds a scratch that is no tmpfs."""
    ruleset = kernel.out_of_the_way(landlock.new_ruleset(version))
    landlock.allow(ruleset, version, landlock.READ, ("/",))  # the server's own rules have the say
    landlock.allow(ruleset, version, landlock.WRITE_EXISTING, _DEVICES[:1])
    landlock.allow_fd(ruleset, version, scratch.fd, child.scratch_rights(scratch))
    return ruleset


def _put_on(confinement: child.Confinement, config: dict[str, Any], layers: namespaces.Layers) -> None:
    """Confines this server as its programs are to be confined, but for what it needs itself to serve them."""
    os.environ.clear()
    os.environ.update(child.ENVIRONMENT)
    if confinement.limit_resources:
        child.limit_for_all(OPEN_FILES, processes=confinement.limit_processes)
    if version := confinement.landlock_abi:
        ruleset = landlock.new_ruleset(version)
        landlock.allow(ruleset, version, landlock.READ, (*_LIBRARIES, "/etc/ld.so.cache", *_DEVICES))
        # Installed packages lie inside the standard library's directory, so its entries are allowed one by one.
        landlock.allow(ruleset, version, landlock.READ_DIR, (_STDLIB,))
        entries = [str(path) for path in Path(_STDLIB).iterdir() if path.name not in _HIDDEN_PACKAGES]
        landlock.allow(ruleset, version, landlock.READ, (*entries, *config["library_paths"]))
        landlock.allow(ruleset, version, landlock.WRITE_EXISTING, _DEVICES[:1])
        landlock.allow_fd(ruleset, version, confinement.scratch.fd, landlock.WRITE)
        landlock.restrict(ruleset, version)
        os.close(ruleset)
    if confinement.filters:
        seccomp.PreparedFilter(confinement.filters["server"]).install(os.getpid())


def _self_test(loop: Loop, fds: list[int], layers: namespaces.Layers) -> None:
    """A confined child tries what must fail; a layer that does not hold counts as not active."""
    os.pwrite(fds[child.CODE], _PROBE, 0)
    request = {"kind": "python", "compiled": False, "code_bytes": len(_PROBE), "mode": "stdio"}
    loop.run({**request, "cpu": 2, "wall": 30, "stretch": 0, "memory": 2**28, "output": 2**16}, fds)
    answer = os.pread(fds[child.STDOUT], 200, 0).decode() + os.pread(fds[child.STATUS], 500, 6).decode(errors="replace")
    for name in ("landlock", "seccomp", "rlimits"):
        if layers.active(name) and name not in answer.split():
            layers.set(name, False, f"the self-test got through it: {answer.strip()[:200] or 'no answer'}")


_PROBE = b"""
import os, resource, socket
held = []
try:
    os.scandir("/")
except PermissionError:
    held.append("landlock")
try:
    socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
except PermissionError:
    held.append("seccomp")
if resource.getrlimit(resource.RLIMIT_CPU)[0] == 3:
    held.append("rlimits")
print(*held)
"""


def _baseline_bytes() -> int:
    """What an idle child of this server already counts as resident: not the program's doing."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.wait4(pid, 0)[2].ru_maxrss * 1024


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
