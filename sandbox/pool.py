"""The face of the sandbox: a pool of supervisors behind one `run`.

Theory of operation. The driver (this module) owns a private directory and a number of workers. Each worker is
a supervisor process that owns a fork server (`sandbox.zygote`), which forks one confined child per run.
Requests and answers are msgpack over socket pairs; programs, inputs and outputs reach the child as anonymous
files. Whoever dies takes everything below along: the driver its supervisors, a supervisor its fork
server, a fork server its children.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import os
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType

from sandbox import cgroups, wire
from sandbox.batch import Job, JobResult, run_many
from sandbox.binaries import Binaries
from sandbox.invocation import checked_extra
from sandbox.isolation import IsolationReport, Layer
from sandbox.languages import Language, ToolchainMissing, languages
from sandbox.libraries import installed_libraries
from sandbox.results import ResultCache, key_of
from sandbox.supervisor import COMPILE_LIMITS, SERVER_GRACE_SECONDS
from sandbox.types import Limits, Outcome, Program, SandboxUnavailable, Verdict
from sandbox.worker import Worker, WorkerLost
from sandbox.workspace import Workspace

_HANG_SECONDS = SERVER_GRACE_SECONDS + 40.0  # the supervisor notices a lost server first, and may restart it
_MAX_NAME = 255
_NO_FILES: Mapping[str, bytes] = MappingProxyType({})


class Sandbox:
    """Runs untrusted programs, confined. An async context manager; `run` may be called concurrently.

    workers: programs that run at once; default one per core this process may use.
    allow_unsafe: start even when the machine offers less than the floor of isolation.
    cache_bytes: outcomes to remember, so that the same run again costs nothing; 0: none.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        allow_unsafe: bool = False,
        cache_bytes: int = 0,
        _without: Collection[str] = (),
    ) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._workspace: Workspace | None = None
        self._count = workers or len(os.sched_getaffinity(0))
        self._allow_unsafe = allow_unsafe
        self._without = sorted(_without)
        self._results = ResultCache(cache_bytes) if cache_bytes else None
        self._workers: list[Worker] = []
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._ids = itertools.count(1)
        self.isolation = IsolationReport({})

    @property
    def workers(self) -> int:
        """How many programs can run at once."""
        return self._count

    async def __aenter__(self) -> Sandbox:
        """Starts the workers. Raises SandboxUnavailable."""
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def run(
        self,
        program: Program,
        stdin: bytes,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        files: Mapping[str, bytes] = _NO_FILES,
        collect: Sequence[str] = (),
    ) -> Outcome:
        """Runs the program once on `stdin` (in function mode: a call's argument text).

        arguments: its command line. files: put into its scratch directory before it starts; names are plain or
        in one directory (`feedback/score.txt`). collect: files that it may leave there and that come back in
        `Outcome.files`, `limits.output_bytes` of them at most (OLE beyond that); their directories exist. Where
        scratch is no tmpfs, no other files can be created, and those left empty do not come back.

        A compiled program is compiled the first time it is seen. Verdicts: OK, TLE, MLE, RTE, OLE, CE, or
        IE when two workers failed to run it. Raises ToolchainMissing, ValueError for a program or limits
        that make no sense, RuntimeError when the sandbox is not open.
        """
        language = _checked(program, limits)
        extra = checked_extra(program, arguments, files, collect)
        if self._results is None:
            return await self._run(program, language, stdin, limits, extra)
        key = key_of(program, stdin, limits, arguments, files, collect)
        outcome = self._results.get(key)
        if outcome is None:
            outcome = await self._run(program, language, stdin, limits, extra)
            self._results.put(key, outcome)
        return outcome

    def run_many(
        self, jobs: Iterable[Job] | AsyncIterable[Job], *, in_flight: int | None = None
    ) -> AsyncIterator[JobResult]:
        """Runs many programs on many inputs each: see `sandbox.batch.run_many`."""
        return run_many(self, jobs, in_flight)

    async def _run(
        self, program: Program, language: Language, stdin: bytes, limits: Limits, extra: wire.Extra | None
    ) -> Outcome:
        source = program.source.encode("utf-8", "surrogatepass")
        bare = dataclasses.replace(program, source="")
        if not language.compiled:
            return await self._exchange(wire.Run(next(self._ids), bare, source, stdin, limits, "", extra))
        async with self._compiled(program, language) as (path, compiled):
            if compiled.verdict is not Verdict.OK:
                return compiled
            return await self._exchange(wire.Run(next(self._ids), bare, b"", stdin, limits, str(path), extra))

    async def close(self) -> None:
        """Ends every worker and everything it runs, and removes what is on disk. Runs under way fail."""
        workspace, self._workspace = self._workspace, None
        workers, self._workers = self._workers, []
        if workspace is None:
            return
        try:
            await asyncio.gather(*(worker.stop() for worker in workers))
            for worker in workers:
                self._idle.put_nowait(worker)  # whoever waits for a worker wakes up to a closed sandbox
            await self._binaries.close()
        finally:
            workspace.close()
            cgroups.sweep()  # after a supervisor that had to be killed

    @contextlib.asynccontextmanager
    async def _compiled(self, program: Program, language: Language) -> AsyncIterator[tuple[Path, Outcome]]:
        command = language.command()

        async def compile_to(path: Path, text: str = program.source) -> Outcome:
            source = text.encode("utf-8", "surrogatepass")
            return await self._exchange(
                wire.Compile(next(self._ids), source, language.source_name, command, language.binary_name, str(path))
            )

        smallest = Program(language.name, language.smallest_program)
        async with self._binaries.use(smallest, lambda path: compile_to(path, smallest.source)) as (_, tried):
            if tried.verdict is Verdict.CE:
                reason = " ".join(tried.stderr.split())[:200]
                raise ToolchainMissing(f"{command[0]} does not work inside the sandbox: {reason}")
        async with self._binaries.use(program, compile_to) as built:
            yield built

    async def _start(self) -> None:
        if self._workspace is not None:
            raise RuntimeError("the sandbox is already open")
        try:
            self._workspace = Workspace()
        except OSError as error:
            raise SandboxUnavailable(f"no private directory for the sandbox: {error}") from error
        self._binaries = Binaries(self._workspace.binaries)
        self._idle = asyncio.Queue()
        toolchain = sorted({path for language in languages().values() for path in language.toolchain_paths()})
        libraries = list(installed_libraries())
        self._workers = [
            Worker(
                wire.Settings(str(self._workspace.path / f"worker-{i}"), toolchain, libraries, self._without),
                self._idle.put_nowait,
            )
            for i in range(self._count)
        ]
        try:
            await asyncio.gather(*(worker.start() for worker in self._workers))
        except WorkerLost as error:
            raise SandboxUnavailable(f"the sandbox could not start: {error}") from error
        self.isolation = IsolationReport(
            {name: Layer(active, detail) for name, (active, detail) in self._workers[0].layers.items()}
        )
        if not (self.isolation.floor_reached or self._allow_unsafe):
            raise SandboxUnavailable(
                "this machine cannot confine programs: it needs Landlock or namespaces, plus seccomp, plus "
                f"resource limits ({self.isolation.summary})"
            )
        for worker in self._workers:
            self._idle.put_nowait(worker)

    async def _exchange(self, request: wire.Run | wire.Compile) -> Outcome:
        limits = request.limits if isinstance(request, wire.Run) else COMPILE_LIMITS
        reason = ""
        for _ in range(2):
            if not self._open():
                break
            worker = await self._idle.get()
            if not self._open():
                self._idle.put_nowait(worker)
                break
            try:
                return (await worker.ask(request, limits.wall_backstop_seconds + _HANG_SECONDS)).outcome
            except WorkerLost as error:
                reason = str(error)
        if not self._open():
            raise RuntimeError("the sandbox is closed")
        return Outcome(Verdict.IE, stderr=reason)

    def _open(self) -> bool:
        return self._workspace is not None


async def _probe() -> IsolationReport:
    async with Sandbox(1, allow_unsafe=True) as sandbox:
        return sandbox.isolation


def probe() -> IsolationReport:
    """What confinement this machine offers; starts one worker for a moment. Not for use in an event loop.

    Raises SandboxUnavailable when not even a worker starts.
    """
    return asyncio.run(_probe())


def _checked(program: Program, limits: Limits) -> Language:
    language = languages().get(program.language)
    if language is None:
        known = ", ".join(languages())
        raise ToolchainMissing(f"unknown language {program.language!r}; known: {known}")
    if program.mode == "function" and not language.function_mode:
        raise ValueError(f"{program.language} programs cannot run in function mode")
    if program.mode == "function" and not (0 < len(program.entry_point) <= _MAX_NAME):
        raise ValueError("function mode needs an entry point")
    for name in (program.entry_point, program.input_file, program.output_file):
        if not name.isprintable():
            raise ValueError(f"not a plain name: {name!r}")
    if program.mode == "file":
        for name in (program.input_file, program.output_file):
            if name in (".", "..") or "/" in name or "\0" in name or len(os.fsencode(name)) > _MAX_NAME:
                raise ValueError(f"not a plain file name: {name!r}")
    if not (
        limits.cpu_seconds > 0
        and limits.wall_backstop_seconds > 0
        and limits.memory_bytes > 0
        and limits.output_bytes >= 0
    ):
        raise ValueError(f"limits must be positive: {limits}")
    return language
