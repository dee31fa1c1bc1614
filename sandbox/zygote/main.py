"""The fork server's life: enter the confinement once, then fork one child per request.

Theory of operation. The supervisor starts this process and talks to it over one SOCK_SEQPACKET socket: a JSON
request with the child's descriptors (stdin, stdout, stderr, status, source or binary, result) comes in, a JSON
reply with what wait4 said goes out. Programs, inputs and outputs never pass through this process, so a
child, which is a fork of it, has nothing to find in its memory. With a pid namespace this is two
processes: the outer one only waits, the inner one is pid 1, and when it ends everything below it ends.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import child, kernel, landlock, namespaces, seccomp
from .scratch import Scratch

# fmt: off
_PRELOADED = (
    "_sitebuiltins", "array", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "encodings.ascii", "encodings.latin_1", "enum", "fractions", "functools",
    "heapq", "io", "itertools", "json", "linecache", "math", "numbers", "operator", "os", "queue", "random",
    "re", "statistics", "string", "struct", "sys", "threading", "time", "traceback", "types", "typing",
)
# fmt: on
_THREAD_STACK = 8 * 2**20
_MIN_POLL_SECONDS = 0.01
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
_DEVICES = ("/dev/null", "/dev/urandom", "/dev/zero")
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
_HIDDEN_PACKAGES = ("site-packages", "dist-packages")


def main(config: dict[str, Any]) -> None:
    """Serves until the supervisor closes the socket. config: see `sandbox.server`."""
    channel = socket.socket(fileno=config["socket"])
    kernel.die_with_parent()
    if os.getppid() != config["parent"]:
        os._exit(1)
    layers = namespaces.Layers(frozenset(config["without"]))
    try:
        confinement = _confine(config, channel, layers)
        if layers.wanted("self-test"):
            _self_test(confinement, layers)
    except BaseException as error:
        channel.send(json.dumps({"failed": f"{type(error).__name__}: {error}"[:2000]}).encode())
        return
    channel.send(json.dumps({"layers": layers.states, "baseline": _baseline_bytes(confinement)}).encode())
    _serve(channel, confinement)


def _confine(config: dict[str, Any], channel: socket.socket, layers: namespaces.Layers) -> child.Confinement:
    stdlib = os.path.dirname(os.__file__)  # noqa: PTH120
    os.umask(0o022)
    # Before the root changes: extension modules may need libraries that will not be visible any more.
    for name in _PRELOADED:
        importlib.import_module(name)
    namespaces.raise_oom_score()
    namespaces.unshare_all(layers)
    if layers.active("pid"):
        _continue_as_init(channel)
    proc_self = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    hidden = [f"{stdlib}/{name}" for name in _HIDDEN_PACKAGES]
    visible = [*config["toolchain"], *_LIBRARIES, stdlib, *_DEVICES, "/etc/ld.so.cache", "/etc/alternatives"]
    namespaces.build_root(layers, config["mount_point"], visible, hidden)
    in_tmpfs = layers.active("mount")
    scratch = Scratch(namespaces.SCRATCH if in_tmpfs else config["scratch"], can_create=in_tmpfs)
    namespaces.become_nobody(layers, stdlib, proc_self, scratch.fd)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    layers.set("no_new_privs", True, "set; no capabilities")
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.die_with_parent()
    threading.stack_size(_THREAD_STACK)
    gc.collect()
    gc.freeze()
    gc.disable()
    return _prepare(config, layers, scratch, stdlib)


def _continue_as_init(channel: socket.socket) -> None:
    if inner := os.fork():
        channel.close()
        os.waitpid(inner, 0)
        os._exit(0)
    kernel.die_with_parent()


def _prepare(config: dict[str, Any], layers: namespaces.Layers, scratch: Scratch, stdlib: str) -> child.Confinement:
    version = landlock.abi() if layers.wanted("landlock") else 0
    if "landlock" not in layers.without:
        layers.set("landlock", bool(version), f"ABI {version}" if version else "not in this kernel")
    libraries = (*_LIBRARIES, "/etc/ld.so.cache")
    ruleset = None
    if version:
        ruleset = kernel.out_of_the_way(landlock.new_ruleset(version))
        landlock.allow(ruleset, version, landlock.READ, libraries)
        # Installed packages lie inside the standard library's directory, so its entries are allowed one by one.
        landlock.allow(ruleset, version, landlock.READ_DIR, (stdlib,))
        entries = [str(path) for path in Path(stdlib).iterdir() if path.name not in _HIDDEN_PACKAGES]
        landlock.allow(ruleset, version, landlock.READ, entries)
        landlock.allow(ruleset, version, landlock.READ, _DEVICES)
        landlock.allow(ruleset, version, landlock.WRITE_EXISTING, _DEVICES[:1])
        landlock.allow_fd(ruleset, version, scratch.fd, child.scratch_rights(scratch))
    filters: dict[str, bytes] = {}
    if layers.wanted("seccomp"):
        if seccomp.supported():
            filters = {profile: seccomp.program(profile) for profile in ("python", "native", "compile")}
        detail = f"{kernel.MACHINE} filter" if filters else f"no table for {kernel.MACHINE}"
        layers.set("seccomp", bool(filters), detail)
    limit_resources = layers.wanted("rlimits")
    if limit_resources:
        layers.set("rlimits", True, "CPU, address space, stack, file size, open files")
    toolchain = (*config["toolchain"], *_LIBRARIES, "/etc/ld.so.cache", "/etc/alternatives")
    return child.Confinement(
        scratch=scratch,
        landlock_abi=version,
        python_ruleset=ruleset,
        native_paths=(
            (landlock.READ, (*libraries, *_DEVICES)),
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
    )


def _self_test(confinement: child.Confinement, layers: namespaces.Layers) -> None:
    """A confined child tries what must fail; a layer that does not hold counts as not active."""
    answer = _run_probe(confinement)
    for name in ("landlock", "seccomp", "rlimits"):
        if layers.active(name) and name not in answer:
            layers.set(name, False, f"the self-test got through it: {answer.strip() or 'no answer'}")


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


def _run_probe(confinement: child.Confinement) -> str:
    fds = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr", "status", "code", "result")]
    try:
        os.pwrite(fds[child.CODE], _PROBE, 0)
        request = {"kind": "python", "mode": "stdio", "cpu": 2, "wall": 30, "memory": 2**28, "output": 2**16}
        _run(request, fds, confinement, None)
        return os.pread(fds[child.STDOUT], 200, 0).decode() + os.pread(fds[child.STATUS], 500, 6).decode()
    finally:
        for fd in fds:
            os.close(fd)


def _baseline_bytes(confinement: child.Confinement) -> int:
    """What an idle child of this server already counts as resident: not the program's doing."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.wait4(pid, 0)[2].ru_maxrss * 1024


def _serve(channel: socket.socket, confinement: child.Confinement) -> None:
    while True:
        data, fds, _, _ = socket.recv_fds(channel, 65536, 8)
        if not data:
            return
        request = json.loads(data)
        if request["op"] == "abort":
            continue  # it crossed the reply to what it meant
        sent: list[int] = []
        try:
            reply = _run(request, fds, confinement, channel)
            if name := request.get("collect"):
                try:
                    found = confinement.scratch.open_result(name)
                    sent = [] if found is None else [found]
                except OSError as error:
                    reply["collect_error"] = str(error)
        finally:
            for fd in fds:
                os.close(fd)
        socket.send_fds(channel, [json.dumps(reply).encode()], sent)
        for fd in sent:
            os.close(fd)
        confinement.scratch.empty()


def _run(
    request: dict[str, Any],
    fds: list[int],
    confinement: child.Confinement,
    channel: socket.socket | None,
) -> dict[str, Any]:
    if name := request.get("place"):
        confinement.scratch.place(name, fds[child.CODE if request["kind"] == "compile" else child.RESULT])
    if name := request.get("program"):
        confinement.scratch.place(name, fds[child.CODE])
    if (name := request.get("collect")) and not confinement.scratch.can_create and request["kind"] != "compile":
        confinement.scratch.touch(name)
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            child.start(request, fds, confinement)
        finally:
            os._exit(1)  # whatever the program did to this interpreter, it never comes back to the server
    killed = _watch(pid, request["cpu"], began + request["wall"], channel)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - began
    _end_all_children()
    return {
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": wall,
        "memory": usage.ru_maxrss * 1024,
        "killed": killed,
    }


def _watch(pid: int, cpu_limit: float, deadline: float, channel: socket.socket | None) -> str:
    """Waits for the child's end and brings it about when a limit is passed. Returns the limit's name."""
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    if channel is not None:
        poll.register(channel, select.POLLIN)
    clock = kernel.thread_group_cpu_clock(pid)
    cores = os.cpu_count() or 1
    killed = ""
    try:
        while True:
            try:
                used = time.clock_gettime(clock)
            except OSError:
                used = 0.0  # it has just ended
            left = deadline - time.monotonic()
            if used > cpu_limit or left <= 0:
                killed = killed or ("cpu" if used > cpu_limit else "wall")
                os.kill(pid, signal.SIGKILL)
                left = 1.0
            # With every core busy for the program, this is when its time could be over at the earliest.
            pause = min(left, max((cpu_limit - used) / cores, _MIN_POLL_SECONDS))
            ready = {fd for fd, _ in poll.poll(1000 * pause + 1)}
            if pidfd in ready:
                return killed
            if channel is not None and channel.fileno() in ready:
                if not channel.recv(65536):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    _end_all_children()
                    os._exit(0)
                killed = killed or "abort"
                os.kill(pid, signal.SIGKILL)
    finally:
        os.close(pidfd)


def _end_all_children() -> None:
    """Kills and reaps whatever the program left behind; orphans are children of this process."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        if os.getpid() == 1:
            os.kill(-1, signal.SIGKILL)
        else:
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        os.waitpid(-1, 0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
