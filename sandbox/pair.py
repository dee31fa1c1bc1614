"""Two programs at once: a candidate and its interactor, or a candidate and the test code that calls it.

Each side runs below a fork server of its own, and the relay in between is all that they share: neither can reach the
other's memory, files, descriptors or limits. Both are watched from here until both have ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sandbox import wire
from sandbox.code_cache import MAX_STATUS_BYTES, CodeCache
from sandbox.invocation import ReturnedFiles, packed, with_files
from sandbox.judgement import STDERR_BYTES, Ended, judge
from sandbox.memory_files import executable_file, memory_file, read, sealed_file, size, tail
from sandbox.relay import Line, crosswise
from sandbox.server import Server, ServerLost, limits_message
from sandbox.stall import Signature, asleep
from sandbox.types import ACCEPTED, Interaction, Outcome, Verdict
from sandbox.zygote.child import READY, RESULT, STATUS, STDERR, STDIN, STDOUT
from sandbox.zygote.stub import REPORT

PARTNER = "partner-"  # in front of a fork server's kind: one more of the kind

_REQUEST_BYTES = 2**30  # that test code may send
_STALL_SAMPLE_SECONDS = 0.25
_STALL_SAMPLES = 5


@dataclass(slots=True)
class _Side:
    request: wire.Run
    server: Server
    message: dict[str, Any]
    fds: list[int]
    pipes: tuple[int, int]
    line: Line
    reply: dict[str, Any] | None = None
    silent_since: int = 0  # the round of `Pair._attend` in which its output ended


class Pair:
    """One run of two programs.

    servers: the fork servers, program's first. code: compiled Python programs. poll_driver: the driver's channel.
    cancelled: asked when the channel is readable, whether to give up.
    """

    def __init__(
        self,
        request: wire.Pair,
        servers: tuple[Server, Server],
        code: CodeCache,
        nothing: int,
        poll_driver: int,
        cancelled: Callable[[], bool],
    ) -> None:
        self._request = request
        self._servers = servers
        self._code = code
        self._nothing = nothing
        self._driver = poll_driver
        self._cancelled = cancelled
        self._deadlock = False

    def run(self, seconds: float) -> wire.Answer:
        """Both, to their ends. seconds: after these a server is hung. Raises ServerLost, SetupFailed, OSError."""
        with contextlib.ExitStack() as stack:
            sides = self._prepare(stack)
            with contextlib.ExitStack() as ours:
                for side in sides:
                    for fd in side.pipes:
                        ours.callback(os.close, fd)
                for side in sides:
                    side.server.send(side.message, side.fds)
            self._attend(sides, time.monotonic() + seconds)
            program, partner = (self._outcome(side) for side in sides)
            if self._request.check:
                return wire.Answer(self._request.id, _tested(sides, program, partner))
            interaction = Interaction(program, partner, _first(sides), self._deadlock)
            return wire.Answer(self._request.id, program, interaction)

    def _prepare(self, stack: contextlib.ExitStack) -> list[_Side]:
        requests = (self._request.program, self._request.partner)
        program_bytes, partner_bytes = (request.limits.output_bytes for request in requests)
        limits = (program_bytes, _REQUEST_BYTES if self._request.check else partner_bytes)
        lines, pipes = crosswise(stack, limits)
        modes = ("calls", "tests") if self._request.check else ("stdio", "stdio")
        return [self._side(stack, i, requests[i], modes[i], pipes[i], lines[i]) for i in (0, 1)]

    def _side(
        self, stack: contextlib.ExitStack, number: int, request: wire.Run, mode: str, pipes: tuple[int, int], line: Line
    ) -> _Side:
        message: dict[str, Any] = {
            "mode": mode,
            "entry_point": request.program.entry_point,
            **limits_message(request.limits),
        }
        if not for_python(request):
            code = started_file(stack, request)
            message |= request.runtime.message() if request.runtime else {"kind": "native"}
        else:
            compiled = None if mode == "tests" else self._code.get(request.source)
            content = request.source if compiled is None else compiled
            code = sealed_file(stack, "code", content)
            message |= {"kind": "python", "compiled": compiled is not None, "code_bytes": len(content)}
        hears, says = pipes
        err, status = memory_file(stack, "err"), memory_file(stack, "status")
        if mode == "stdio":
            fds, message["pipes"] = [hears, says, err, status, code], (STDIN, STDOUT)
            if request.binary:
                fds.append(self._nothing)
        else:
            fds, message["pipes"] = [hears, memory_file(stack, "out"), err, status, code, says], (STDIN, RESULT)
        if request.extra is not None:
            more, files = packed(stack, request.extra, request.limits)
            message |= more
            fds.append(files)
        return _Side(request, self._servers[number], message, fds, pipes, line)

    def _attend(self, sides: list[_Side], deadline: float) -> None:
        stalled: Signature | None = None
        samples = 0
        rounds = 0
        while waiting := [side for side in sides if side.reply is None]:
            if time.monotonic() > deadline:
                raise ServerLost("a fork server did not answer in time")
            ready = self._poll(sides, waiting)
            rounds += 1
            if self._driver in ready and self._cancelled():
                _abort(waiting)
            for side in sides:
                if ready & {side.line.source, side.line.sink}:
                    side.line.move()
                    if side.line.exceeded:
                        _abort(waiting)
                if side.line.source < 0 and not side.silent_since:
                    side.silent_since = rounds
            for side in waiting:
                if side.server.fileno() in ready:
                    side.reply = side.server.receive()
                    self._one_has_ended(side, sides)
            if ready or len(waiting) < 2 or self._request.check:
                samples = 0
                continue
            before, stalled = stalled, asleep([side.server.pid for side in sides])
            samples = samples + 1 if stalled is not None and stalled == before else 0
            if samples == _STALL_SAMPLES:
                self._deadlock = True
                _abort(waiting)
        for side in sides:
            side.line.drain()
            side.silent_since = side.silent_since or rounds + 1

    def _poll(self, sides: list[_Side], waiting: list[_Side]) -> set[int]:
        poll = select.poll()
        poll.register(self._driver, select.POLLIN)
        for side in waiting:
            poll.register(side.server, select.POLLIN)
        for side in sides:
            for fd, events in side.line.interest():
                poll.register(fd, events)
        return {fd for fd, _ in poll.poll(1000 * _STALL_SAMPLE_SECONDS)}

    def _one_has_ended(self, side: _Side, sides: list[_Side]) -> None:
        """A program that has been turned down need not go on; one whose output has ended is about to end anyway."""
        program, partner = sides
        assert side.reply is not None
        rejected = side.reply["code"] not in (0, ACCEPTED) or self._request.check
        if side is partner and rejected and program.reply is None and program.line.source >= 0:
            program.server.abort()

    def _outcome(self, side: _Side) -> Outcome:
        request, reply, err = side.request, side.reply, side.fds[STDERR]
        assert reply is not None
        memory, baseline = reply["memory"], side.server.baseline_bytes
        if for_python(request):
            memory = max(0, memory - baseline)
        elif request.runtime:
            memory = max(0, memory - request.runtime.own_memory_bytes)
        elif memory <= baseline:
            memory = min(memory, request.limits.memory_bytes)
        status = read(side.fds[STATUS], MAX_STATUS_BYTES)
        if for_python(request) and not side.message["compiled"]:
            status = self._code.take(request.source, status)
        ended = Ended(
            code=reply["code"],
            signal=reply["signal"],
            cpu=reply["cpu"],
            wall=reply["wall"],
            memory=memory,
            killed=reply["killed"],
            status=status,
            written=max(size(err), side.line.passed if side.line.exceeded else 0),
            output=bytes(side.line.kept),
            stderr=tail(err, STDERR_BYTES).decode("utf-8", "replace"),
        )
        if ended.killed == "abort" and ended.signal is None:
            ended.killed = ""  # it came too late
        elif ended.killed == "abort" and (side.line.exceeded or self._request.check):
            ended.killed = ""  # another limit, or none: the tests were over
            ended.code, ended.signal = 0, None
        out_of_memory = request.runtime.out_of_memory if request.runtime else ""
        outcome = judge(dataclasses.replace(request.program, mode="stdio"), request.limits, ended, out_of_memory)
        if request.extra is not None:
            outcome = with_files(outcome, ReturnedFiles(reply["files"], side.fds[-1]), request.limits)
        return outcome


def for_python(request: wire.Run) -> bool:
    """Whether the program runs in a child of the Python fork server; others are started by what they are."""
    return not request.binary and request.runtime is None


def started_file(stack: contextlib.ExitStack, request: wire.Run) -> int:
    """The binary, or the source that an interpreter is started on, open; closed with the stack. Raises OSError."""
    if request.binary:
        return executable_file(stack, request.binary)
    return sealed_file(stack, "code", request.source)


def _first(sides: list[_Side]) -> Literal["program", "interactor"]:
    """Who ended first, as cause and effect have it: the other one hears of the end of an output only through the relay.

    The times at which the servers saw their programs end say less, as each server may have been kept waiting.
    """
    program, partner = ((side.silent_since, side.reply["ended"]) for side in sides if side.reply)
    return "program" if program <= partner else "interactor"


def _abort(sides: list[_Side]) -> None:
    for side in sides:
        side.server.abort()


def _tested(sides: list[_Side], program: Outcome, tests: Outcome) -> Outcome:
    """The verdict of test code on a program: see `sandbox.zygote.stub` for who is to blame for what."""

    def ends(verdict: Verdict, text: str | None = None) -> Outcome:
        return dataclasses.replace(
            program, verdict=verdict, output=b"", stderr=program.stderr if text is None else text
        )

    if program.verdict in (Verdict.CE, Verdict.TLE, Verdict.MLE, Verdict.OLE):
        return ends(program.verdict)
    status = read(sides[1].fds[STATUS], MAX_STATUS_BYTES).removeprefix(READY.encode())
    if not status.startswith(REPORT):
        if not sides[0].line.passed:
            return ends(Verdict.IE, f"the test code is broken: {tests.verdict} {tests.stderr}")
        verdict = tests.verdict if tests.verdict in (Verdict.TLE, Verdict.MLE) else Verdict.WA
        return ends(verdict, f"what the program returned was too much for the test code: {tests.verdict}")
    report = json.loads(status[len(REPORT) :])
    match report["result"]:
        case "passed":
            return ends(Verdict.AC)
        case "failed":
            return ends(Verdict.WA, report["text"])
        case "broken":
            return ends(Verdict.IE, f"the test code is broken: {report['text']}")
        case "raised":
            return ends(Verdict.RTE, report["text"])
        case "garbled":
            return ends(Verdict.RTE, f"the program answered calls on its own: {report['text']}")
    if program.verdict is Verdict.RTE:
        return ends(Verdict.RTE)
    return ends(Verdict.RTE, f"{program.stderr}the program ended in the middle of the test\n")
