"""The short way from fork to program, for a server that runs Python programs only.

Such a server has put on all that every one of its children shares before it forks: Landlock, the large part of the
seccomp filter, the environment, signals, standard streams, most limits. A child inherits all of it for free and adds
what is its own: descriptors, the limits of its request, and a small filter that takes away what the server itself
needs (fork, signals to children).

Each page that a child touches is copied for it, which is most of what a run costs: hence objects made ready by
the server, few calls, and none through modules.
"""

from __future__ import annotations

import gc
import marshal
import os
import resource
from typing import Any, NoReturn

from . import calls, candidate, kernel, landlock, seccomp, stub
from .child import CODE, READY, RESULT, STATUS, STDIN, Confinement

OPEN_FILES = 64


class PythonChild:
    """What the server prepares once, after its own confinement, for every child it will fork."""

    def __init__(self, confinement: Confinement) -> None:
        self._confinement = confinement
        self._filter = seccomp.PreparedFilter(confinement.filters["python"]) if confinement.filters else None
        self._report = candidate.Report(STATUS)
        self._calls = os.dup2, os.setpgid, resource.setrlimit, os.closerange, os.getpid, os.read, gc.enable
        candidate.prepare_interpreter()

    def start(self, request: dict[str, Any], fds: list[int]) -> NoReturn:
        """Becomes the requested program. What goes wrong before it starts is written to the status file."""
        dup2, setpgid, setrlimit, closerange, getpid, read, enable_gc = self._calls
        report = self._report
        place = 0
        for fd in fds:
            dup2(fd, place)
            place += 1
        try:
            setpgid(0, 0)  # a session would get a scheduling group of its own, at 0.2 ms
            if self._confinement.dies_with_parent:
                kernel.die_with_parent()
            if self._confinement.scratch_ruleset is not None:
                landlock.restrict(self._confinement.scratch_ruleset, self._confinement.landlock_abi)
            if self._confinement.limit_resources:
                for kind, pair in request["limits"]:
                    setrlimit(kind, pair)
            if self._filter is not None:
                self._filter.install(getpid())
            closerange(place, OPEN_FILES)
            report.write(READY)
        except BaseException as error:
            report.write(f"setup: {type(error).__name__}: {error}")
            os._exit(1)
        enable_gc()
        arguments = candidate.read_arguments(STDIN, report) if request["mode"] == "function" else None
        content = read(CODE, request["code_bytes"])
        os.close(CODE)
        if request["mode"] == "tests":
            stub.run_tests(content, calls.take_pipe(STDIN), RESULT, STATUS)
        code = marshal.loads(content) if request["compiled"] else candidate.compile_source(content, report)
        if arguments is not None:
            candidate.call_function(code, request["entry_point"], arguments, RESULT, report)
        if request["mode"] == "calls":
            candidate.answer_calls(code, request["entry_point"], STDIN, RESULT, report)
        candidate.run_script(code, report, request.get("arguments", ()), modules=request.get("modules", False))
