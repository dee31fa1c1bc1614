"""A supervisor: one process per worker, between the driver and a fork server.

It holds one program and one input at a time, passes them on as descriptors, collects the outputs and judges
the run. It ends when the driver does, and takes everything below it along.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import resource
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from sandbox import wire
from sandbox.cgroups import open_cgroup
from sandbox.code_cache import MAX_STATUS_BYTES, CodeCache
from sandbox.invocation import ReturnedFiles, packed, with_files
from sandbox.judgement import STDERR_BYTES, Ended, SetupFailed, judge
from sandbox.libraries import mentions_library
from sandbox.memory_files import bounded_file, memory_file, read, sealed_file, size, tail
from sandbox.near_miss import OVERRUN
from sandbox.pair import PARTNER, Pair, for_python, started_file
from sandbox.server import Server, ServerLost, limits_message
from sandbox.types import Limits, Outcome, Program, Verdict
from sandbox.zygote import kernel
from sandbox.zygote.child import READY, RESULT, STATUS, STDERR, STDOUT

COMPILE_LIMITS = Limits(cpu_seconds=30.0, memory_bytes=2 * 2**30, output_bytes=128 * 2**20)
_COMPILER_MESSAGE_BYTES = 64 * 2**10
_ERROR = re.compile(r"^\S[^\n]*:\d+:\d+: error: ", re.MULTILINE)
# Broken or unusable precompiled headers, the linker, limits and crashes: what a plain compilation may not meet.
_COMPILER_TROUBLE = re.compile(
    r"internal compiler error|[Pp]recompiled|PCH|collect2|ld returned|^compilation (?:took|made|wanted)|fatal error|"
    r"memory exhausted|out of memory|cc1plus:",
    re.MULTILINE,
)
_COMPILER_TOLD_TO_END = "Terminated signal terminated program"
_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate|std::bad_alloc|OutOfMemoryError", re.IGNORECASE)
SERVER_GRACE_SECONDS = 20.0  # beyond a run's own wall limit

_MAIN_STACK_BYTES = 2**30  # fixed when a process starts; each run then lowers its own limit


class DriverGone(Exception):
    """Nobody is left to work for."""


class Supervisor:
    """Serves requests from `channel` until the driver closes it."""

    def __init__(self, channel: socket.socket, settings: wire.Settings) -> None:
        self._channel = channel
        self._settings = settings
        self._servers: dict[str, Server] = {}
        self._code = CodeCache()
        self._nothing = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        self._current = 0
        self._group, detail = (None, "switched off") if "cgroup" in settings.without else open_cgroup()
        self._group_layer = (self._group is not None, detail)

    def serve(self) -> None:
        """Runs until the driver is gone."""
        try:
            layers = {**self._server("python").layers, "cgroup": self._group_layer}
            self._channel.sendall(wire.encode(wire.Hello(layers)))
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
            self._stop_servers()
            if self._group is not None:
                self._group.close()

    def _server(self, kind: str) -> Server:
        """The fork server for "python", "libraries" (Python with those loaded) or "tools", started when needed.

        With PARTNER in front, one more of the kind, for the second of two programs that run at once.
        """
        server = self._servers.get(kind)
        if server is None:
            settings = self._settings
            duty = kind.removeprefix(PARTNER)
            server = Server(
                Path(settings.directory) / kind,
                "tools" if duty == "tools" else "python",
                settings.without,
                settings.toolchain if duty == "tools" else [],
                settings.libraries if duty == "libraries" else [],
                None if self._group is None else self._group.entering(),
            )
            self._servers[kind] = server
            if self._group is not None:
                self._group.settle()
            _require_same_isolation(server, self._servers["python"])
        return server

    def _stop_servers(self) -> None:
        servers, self._servers = self._servers, {}
        for server in servers.values():
            server.stop()

    def _answer(self, request: wire.Run | wire.Compile | wire.Pair) -> wire.Reply:
        self._current = request.id
        try:
            if isinstance(request, wire.Pair):
                return self._run_pair(request)
            if isinstance(request, wire.Compile):
                outcome = self._compile(request)
            else:
                outcome = self._run_python(request) if for_python(request) else self._run_native(request)
            return wire.Answer(request.id, outcome)
        except DriverGone:
            raise
        except Exception as error:  # a fault of ours: the driver retries on a fresh worker
            self._stop_servers()
            return wire.Failed(request.id, _one_line(error))

    def _run_python(self, request: wire.Run) -> Outcome:
        program, limits = request.program, request.limits
        server = self._server(self._kind(request))
        compiled = self._code.get(request.source)
        content = request.source if compiled is None else compiled
        message = {"kind": "python", "compiled": compiled is not None, "code_bytes": len(content)}
        message |= _message(program, limits)
        with contextlib.ExitStack() as stack:
            code = sealed_file(stack, "code", content)
            ended, files = self._execute(stack, server, request, message, code)
            ended.memory = max(0, ended.memory - server.baseline_bytes)
            if compiled is None and not ended.killed:  # one that was killed may have been cut off in its report
                ended.status = self._code.take(request.source, ended.status)
            return with_files(judge(program, limits, ended), files, limits)

    def _run_pair(self, request: wire.Pair) -> wire.Answer:
        servers = (self._server(self._kind(request.program)), self._server(PARTNER + self._kind(request.partner)))
        pair = Pair(request, servers, self._code, self._nothing, self._channel.fileno(), self._cancelled)
        sides = (request.program, request.partner)
        return pair.run(max(side.limits.longest_seconds for side in sides) + SERVER_GRACE_SECONDS)

    def _kind(self, request: wire.Run) -> str:
        if not for_python(request):
            return "tools"
        return "libraries" if self._settings.libraries and mentions_library(request.source) else "python"

    def _run_native(self, request: wire.Run) -> Outcome:
        program, limits = request.program, request.limits
        server = self._server("tools")
        with contextlib.ExitStack() as stack:
            code = started_file(stack, request)
            message = {"kind": "native", **_message(program, limits)}
            if runtime := request.runtime:
                message |= runtime.message()
            ended, files = self._execute(stack, server, request, message, code)
            if runtime:
                ended.memory = max(0, ended.memory - runtime.own_memory_bytes)
                allowed = dataclasses.replace(limits, memory_bytes=limits.memory_bytes + runtime.allowance_bytes)
                return with_files(judge(program, allowed, ended, runtime.out_of_memory), files, limits)
            if ended.memory <= server.baseline_bytes:
                ended.memory = min(ended.memory, limits.memory_bytes)  # the server's before exec, not the program's
            return with_files(judge(program, limits, ended), files, limits)

    def _execute(
        self, stack: contextlib.ExitStack, server: Server, request: wire.Run, message: dict[str, Any], code: int
    ) -> tuple[Ended, ReturnedFiles | None]:
        fds = self._descriptors(stack, request, code)
        sent = fds
        if request.extra is not None:
            more, files = packed(stack, request.extra, request.limits)
            message, sent = message | more, [*fds, files]
        reply, left = self._ask(server, message, sent, request.limits)
        if left is not None:
            stack.callback(os.close, left)
        returned = ReturnedFiles(reply["files"], sent[-1]) if reply["files"] else None
        return self._ended(request.program, request.limits, reply, fds, left), returned

    def _descriptors(self, stack: contextlib.ExitStack, request: wire.Run, code: int) -> list[int]:
        """A child's descriptors, in the order of `sandbox.zygote.child`."""
        program = request.program
        as_file = program.mode == "file" and bool(program.input_file)
        given = sealed_file(stack, "input", request.stdin)
        streams = [memory_file(stack, name) for name in ("out", "err", "status")]
        fds = [self._nothing if as_file else given, *streams, code]
        if as_file:
            fds.append(given)
        elif program.mode == "function":
            fds.append(memory_file(stack, "result"))
        return fds

    def _ended(
        self, program: Program, limits: Limits, reply: dict[str, Any], fds: list[int], left: int | None
    ) -> Ended:
        out, err, status = fds[STDOUT], fds[STDERR], fds[STATUS]
        wanted: int | None = out
        if program.mode == "function":
            wanted = fds[RESULT]
        elif program.mode == "file" and program.output_file:
            wanted = left
        written = max(size(fd) for fd in {out, err, wanted} if fd is not None)
        return Ended(
            code=reply["code"],
            signal=reply["signal"],
            cpu=reply["cpu"],
            wall=reply["wall"],
            memory=reply["memory"],
            killed=reply["killed"],
            status=read(status, MAX_STATUS_BYTES),
            written=written,
            output=None if wanted is None else read(wanted, limits.output_bytes),
            stderr=tail(err, STDERR_BYTES).decode("utf-8", "replace"),
            output_error=reply.get("collect_error", ""),
        )

    def _compile(self, request: wire.Compile) -> Outcome:
        spent = 0.0
        for command in request.commands:
            outcome = self._compile_by(command, request)
            spent += outcome.cpu_seconds
            if outcome.verdict is Verdict.OK or _refused_as_text(outcome) or spent >= COMPILE_LIMITS.cpu_seconds:
                break
        return dataclasses.replace(outcome, cpu_seconds=spent)

    def _compile_by(self, command: list[str], request: wire.Compile) -> Outcome:
        limits = COMPILE_LIMITS
        with contextlib.ExitStack() as stack:
            said = [bounded_file(stack, name, _COMPILER_MESSAGE_BYTES) for name in ("out", "err")]
            fds = [self._nothing, *said, memory_file(stack, "status")]
            fds += [sealed_file(stack, "code", request.source), self._nothing]
            message = {"kind": "compile", "argv": command, "place": request.source_name}
            message |= {"collect": request.binary_name, **limits_message(limits)}
            sent = fds
            if request.files:
                more, files = packed(stack, wire.Extra([], request.files, []), limits)
                message, sent = message | more, [*fds, files]
            reply, left = self._ask(self._server("tools"), message, sent, limits)
            if left is not None:
                stack.callback(os.close, left)
            status = read(fds[STATUS], 4096).decode("utf-8", "replace")
            if status != READY:
                raise SetupFailed(status.strip() or "the compiler did not start")
            if reply["killed"] in ("abort", "wall"):
                raise SetupFailed("the compiler was starved or cancelled")
            spent = {"cpu_seconds": reply["cpu"], "wall_seconds": reply["wall"], "peak_memory_bytes": reply["memory"]}
            if reply["code"] == 0 and left is not None:
                _save(left, Path(request.binary))
                return Outcome(Verdict.OK, **spent)
            out, err = (read(fd, _COMPILER_MESSAGE_BYTES).rstrip(b"\0").decode("utf-8", "replace") for fd in said)
            if reply["signal"] == signal.SIGTERM or _COMPILER_TOLD_TO_END in err:
                raise SetupFailed("the compiler was told to end")
            text = _why_not_compiled(err or out, reply, limits)
            return Outcome(Verdict.CE, stderr=text, exit_code=reply["code"], **spent)

    def _ask(
        self, server: Server, message: dict[str, Any], fds: list[int], limits: Limits
    ) -> tuple[dict[str, Any], int | None]:
        if self._group is not None:
            copied = sum(map(size, fds)) if message.get("place") or "extra" in message else 0
            self._group.limit(limits.memory_bytes, 3 * limits.output_bytes + copied)
        reply, left = server.request(
            message,
            fds,
            seconds=limits.longest_seconds + SERVER_GRACE_SECONDS,
            watch=self._channel,
            on_watch=self._cancelled,
        )
        ended_by_kernel = reply["signal"] == signal.SIGKILL or message["kind"] == "compile"
        if self._group is not None and ended_by_kernel and self._group.killed() and not reply["killed"]:
            reply["memory"] = max(reply["memory"], limits.memory_bytes + server.baseline_bytes + 1)
        return reply, left

    def _cancelled(self) -> bool:
        request = wire.receive_request(self._channel)
        if request is None:
            raise DriverGone
        return isinstance(request, wire.Cancel) and request.id == self._current


def _refused_as_text(outcome: Outcome) -> bool:
    """Whether the compiler found errors in the program, and did not fail for a reason of its own.

    Then another way to compile the same text would find them too, and need not be tried.
    """
    said = outcome.stderr
    return outcome.exit_code == 1 and bool(_ERROR.search(said)) and not _COMPILER_TROUBLE.search(said)


def _why_not_compiled(said: str, reply: dict[str, Any], limits: Limits) -> str:
    """The text of a CE: what the sandbox saw, if it ended the compiler, then how the compiler's own message begins."""
    reason = reply.get("collect_error", "")
    if reply["killed"] == "cpu" or reply["cpu"] >= limits.cpu_seconds:
        reason = f"compilation took more than {limits.cpu_seconds:.0f} s of CPU time"
    elif "File size limit" in said or "file truncated" in said or "No space left" in said:
        reason = f"compilation made files of more than {limits.output_bytes // 2**20} MiB"
    elif reply["signal"] is not None or _OUT_OF_MEMORY.search(said):
        reason = f"compilation wanted more than {limits.memory_bytes // 2**20} MiB of memory"
    text = f"{reason}\n{said}" if reason and said else reason or said
    return text[:STDERR_BYTES] or "the compiler failed without a message"


def _message(program: Program, limits: Limits) -> dict[str, Any]:
    message = {"mode": program.mode, "entry_point": program.entry_point, **limits_message(limits)}
    message["cpu"] = limits.cpu_seconds * OVERRUN
    if program.mode == "file":
        message |= {"place": program.input_file, "collect": program.output_file}
    return message


def _require_same_isolation(server: Server, first: Server) -> None:
    lost = [name for name, (active, _) in first.layers.items() if active and not server.layers[name][0]]
    if lost:
        server.stop()
        raise ServerLost(f"a later fork server lacks {', '.join(lost)}")


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
