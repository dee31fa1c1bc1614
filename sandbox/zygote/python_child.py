"""The short way from fork to program, for a server that runs Python programs only.

Such a server has put on all that every one of its children shares before it forks: Landlock, the large part of the
seccomp filter, the environment, signals, standard streams, most limits. A child inherits all of it for free and adds
what is its own: descriptors, the limits of its request, and a small filter that takes away what the server itself
needs (fork, signals to children). Each page touched here is copied for each run, so little is done here.
"""

from __future__ import annotations

import gc
import marshal
import os
from typing import Any, NoReturn

from . import candidate, kernel, landlock, seccomp
from .child import CODE, READY, RESULT, STATUS, STDIN, Confinement, limit_per_request

OPEN_FILES = 64


class PythonChild:
    """What the server prepares once, after its own confinement, for every child it will fork."""

    def __init__(self, confinement: Confinement) -> None:
        self._confinement = confinement
        self._filter = seccomp.PreparedFilter(confinement.filters["python"]) if confinement.filters else None
        candidate.prepare_interpreter()

    def start(self, request: dict[str, Any], fds: list[int]) -> NoReturn:
        """Becomes the requested program. What goes wrong before it starts is written to the status file."""
        try:
            for i, fd in enumerate(fds):
                os.dup2(fd, i)
            report = candidate.Report(STATUS)
        except BaseException:
            os._exit(1)
        try:
            self._restrict(request)
            os.closerange(len(fds), OPEN_FILES)
            report.write(READY)
        except BaseException as error:
            report.write(f"setup: {type(error).__name__}: {error}")
            os._exit(1)
        gc.enable()
        arguments = candidate.read_arguments(STDIN, report) if request["mode"] == "function" else None
        content = os.read(CODE, os.fstat(CODE).st_size)
        os.close(CODE)
        code = marshal.loads(content) if request["compiled"] else candidate.compile_source(content, report)
        if arguments is not None:
            candidate.call_function(code, request["entry_point"], arguments, RESULT, report)
        candidate.run_script(code, report, request.get("arguments", ()))

    def _restrict(self, request: dict[str, Any]) -> None:
        confinement = self._confinement
        os.setsid()
        if confinement.dies_with_parent:
            kernel.die_with_parent()
        if confinement.scratch_ruleset is not None:
            landlock.restrict(confinement.scratch_ruleset, confinement.landlock_abi)
        if confinement.limit_resources:
            limit_per_request(request)
        if self._filter is not None:
            self._filter.install(os.getpid())
