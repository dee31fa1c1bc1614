"""A supervisor: one process per worker, between the driver and a fork server.

It holds one program and one input at a time, passes them on as descriptors, collects the outputs and judges
the run. It ends when the driver does, and takes everything below it along.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import resource
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from sandbox import wire
from sandbox.judgement import STDERR_BYTES, Ended, SetupFailed, judge
from sandbox.server import Server, ServerLost
from sandbox.types import Limits, Outcome, Program, Verdict
from sandbox.zygote import kernel

COMPILE_LIMITS = Limits(cpu_seconds=30.0, memory_bytes=2 * 2**30, output_bytes=128 * 2**20)
SERVER_GRACE_SECONDS = 20.0  # beyond a run's own wall limit

_MAIN_STACK_BYTES = 2**30  # fixed when a process starts; each run then lowers its own limit
_SEALS = 0x2 | 0x4 | 0x8  # shrink, grow, write
_ADD_SEALS = 1033


class DriverGone(Exception):
    """Nobody is left to work for."""


class Supervisor:
    """Serves requests from `channel` until the driver closes it."""

    def __init__(self, channel: socket.socket, settings: wire.Settings) -> None:
        self._channel = channel
        self._settings = settings
        self._server: Server | None = None
        self._current = 0

    def serve(self) -> None:
        """Runs until the driver is gone."""
        try:
            self._channel.sendall(wire.encode(wire.Hello(self._fork_server().layers)))
        except (ServerLost, OSError) as error:
            self._channel.sendall(wire.encode(wire.Failed(0, _one_line(error))))
            return
        try:
            while (request := wire.receive_request(self._channel)) is not None:
                if not isinstance(request, wire.Cancel):
                    self._channel.sendall(wire.encode(self._answer(request)))
        except (DriverGone, ConnectionError):
            pass
        finally:
            if self._server is not None:
                self._server.stop()

    def _fork_server(self) -> Server:
        if self._server is None:
            settings = self._settings
            self._server = Server(Path(settings.directory), settings.toolchain, settings.without)
        return self._server

    def _answer(self, request: wire.Run | wire.Compile) -> wire.Reply:
        self._current = request.id
        try:
            outcome = self._compile(request) if isinstance(request, wire.Compile) else self._run(request)
            return wire.Answer(request.id, outcome)
        except DriverGone:
            raise
        except Exception as error:  # a fault of ours: the driver retries on a fresh worker
            if self._server is not None:
                self._server.stop()
                self._server = None
            return wire.Failed(request.id, _one_line(error))

    def _run(self, request: wire.Run) -> Outcome:
        program, limits = request.program, request.limits
        kind = "native" if request.binary else "python"
        message: dict[str, Any] = {"mode": program.mode, "entry_point": program.entry_point}
        if runtime := request.runtime:
            kind = "interpreted"
            message |= {"argv": runtime.argv, "readable": runtime.readable, "program": runtime.file_name}
            message |= {"environment": runtime.environment, "slack": runtime.address_space_bytes}
        if program.mode == "file":
            message |= {"place": program.input_file, "collect": program.output_file}
        as_file = bool(message.get("place"))
        with contextlib.ExitStack() as stack:
            code = _open_binary(stack, request.binary) if request.binary else _memfd(stack, "code", request.source)
            given, nothing = _memfd(stack, "input", request.stdin), _memfd(stack, "empty", b"")
            fds = [nothing if as_file else given, *(_memfd(stack, name) for name in ("out", "err", "status"))]
            fds += [code, given if as_file else _memfd(stack, "result")]
            reply, left = self._ask({"kind": kind, **message, **_limits(limits)}, fds, limits)
            if left is not None:
                stack.callback(os.close, left)
            ended = self._ended(program, limits, kind, reply, fds, left)
            if runtime is not None:
                ended = dataclasses.replace(ended, memory=max(0, ended.memory - runtime.own_memory_bytes))
            return judge(program, limits, ended, runtime.out_of_memory if runtime else "")

    def _ended(
        self,
        program: Program,
        limits: Limits,
        kind: str,
        reply: dict[str, Any],
        fds: list[int],
        left: int | None,
    ) -> Ended:
        _, out, err, status, _, result = fds
        wanted: int | None = out
        if program.mode == "function":
            wanted = result
        elif program.mode == "file" and program.output_file:
            wanted = left
        written = max(_size(fd) for fd in (out, err, wanted) if fd is not None)
        memory, baseline = reply["memory"], self._fork_server().baseline_bytes
        if kind == "python":
            memory = max(0, memory - baseline)
        elif memory <= baseline:
            memory = min(memory, limits.memory_bytes)  # the server's pages before exec, not the program's
        return Ended(
            code=reply["code"],
            signal=reply["signal"],
            cpu=reply["cpu"],
            wall=reply["wall"],
            memory=memory,
            killed=reply["killed"],
            status=_read(status, 4096).decode("utf-8", "replace"),
            written=written,
            output=None if wanted is None else _read(wanted, limits.output_bytes),
            stderr=_tail(err),
            output_error=reply.get("collect_error", ""),
        )

    def _compile(self, request: wire.Compile) -> Outcome:
        limits = COMPILE_LIMITS
        with contextlib.ExitStack() as stack:
            fds = [_memfd(stack, name) for name in ("stdin", "out", "err", "status")]
            fds += [_memfd(stack, "code", request.source), _memfd(stack, "unused")]
            message = {"kind": "compile", "argv": request.command, "place": request.source_name}
            reply, left = self._ask({**message, "collect": request.binary_name, **_limits(limits)}, fds, limits)
            if left is not None:
                stack.callback(os.close, left)
            status = _read(fds[3], 4096).decode("utf-8", "replace")
            if status != "ready\n":
                raise SetupFailed(status.strip() or "the compiler did not start")
            times = {"cpu_seconds": reply["cpu"], "wall_seconds": reply["wall"]}
            memory = reply["memory"]
            if reply["killed"] in ("abort", "wall"):
                raise SetupFailed("the compiler was starved or cancelled")
            if reply["code"] == 0 and left is not None:
                _save(left, Path(request.binary))
                return Outcome(Verdict.OK, peak_memory_bytes=memory, **times)
            text = _read(fds[2], STDERR_BYTES).decode("utf-8", "replace")
            if reply["signal"] is not None or reply["cpu"] >= limits.cpu_seconds:
                text = f"compilation exceeded {limits.cpu_seconds:.0f} s or its memory\n{text}"
            message_text = text[:STDERR_BYTES] or reply.get("collect_error", "") or "the compiler failed silently"
            return Outcome(Verdict.CE, stderr=message_text, peak_memory_bytes=memory, exit_code=reply["code"], **times)

    def _ask(self, message: dict[str, Any], fds: list[int], limits: Limits) -> tuple[dict[str, Any], int | None]:
        return self._fork_server().request(
            message,
            fds,
            seconds=limits.wall_backstop_seconds + SERVER_GRACE_SECONDS,
            watch=self._channel,
            on_watch=self._cancelled,
        )

    def _cancelled(self) -> bool:
        request = wire.receive_request(self._channel)
        if request is None:
            raise DriverGone
        return isinstance(request, wire.Cancel) and request.id == self._current


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        "cpu": limits.cpu_seconds,
        "wall": limits.wall_backstop_seconds,
        "memory": limits.memory_bytes,
        "output": limits.output_bytes,
    }


def _open_binary(stack: contextlib.ExitStack, path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, fd)
    if os.fstatvfs(fd).f_flag & os.ST_NOEXEC:
        return _memfd(stack, "binary", _read(fd, _size(fd)))
    return fd


def _memfd(stack: contextlib.ExitStack, name: str, content: bytes | None = None) -> int:
    """An anonymous file; with content it is sealed against any change."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, fd)
    if content is not None:
        view, offset = memoryview(content), 0
        while offset < len(content):
            offset += os.pwrite(fd, view[offset:], offset)
        fcntl.fcntl(fd, _ADD_SEALS, _SEALS)
    return fd


def _size(fd: int) -> int:
    return os.fstat(fd).st_size


def _read(fd: int, limit: int) -> bytes:
    return _read_at(fd, 0, min(_size(fd), limit))


def _read_at(fd: int, offset: int, count: int) -> bytes:
    pieces = []
    while count > 0 and (piece := os.pread(fd, count, offset)):
        pieces.append(piece)
        offset, count = offset + len(piece), count - len(piece)
    return b"".join(pieces)


def _tail(fd: int) -> str:
    size = _size(fd)
    return _read_at(fd, max(0, size - STDERR_BYTES), STDERR_BYTES).decode("utf-8", "replace")


def _save(source: int, target: Path) -> None:
    """Copies a compiled binary into place, at once or not at all. Raises OSError."""
    partial = target.with_suffix(f".{os.getpid()}")
    with partial.open("wb") as file:
        shutil.copyfileobj(os.fdopen(os.dup(source), "rb"), file)
        os.fchmod(file.fileno(), 0o755)
    partial.rename(target)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def main() -> None:
    """Entry point of the process: driver's pid, socket descriptor, settings as JSON."""
    driver, descriptor, settings = sys.argv[-3:]
    kernel.die_with_parent()
    if os.getppid() != int(driver):
        return
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    wanted = _MAIN_STACK_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MAIN_STACK_BYTES)
    resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
    channel = socket.socket(fileno=int(descriptor))
    Supervisor(channel, msgspec.json.decode(settings, type=wire.Settings)).serve()
