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
import functools
import itertools
import json
import os
import signal
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType

from sandbox import cgroups, wire
from sandbox.batch import Job, JobResult, run_many
from sandbox.binaries import Binaries
from sandbox.cache import header_directory
from sandbox.compiler import CompileJob, Compiler
from sandbox.invocation import beside, checked_extra
from sandbox.isolation import IsolationReport, Layer
from sandbox.languages import PYTHON2, Language, Level, ToolchainMissing, languages
from sandbox.libraries import installed_libraries
from sandbox.near_miss import is_near_miss, least_cpu_time
from sandbox.results import ResultCache, key_of
from sandbox.server import START_SECONDS
from sandbox.supervisor import COMPILE_LIMITS, SERVER_GRACE_SECONDS
from sandbox.types import Interaction, Limits, Outcome, Program, SandboxUnavailable, Verdict
from sandbox.worker import Worker, WorkerLost
from sandbox.workspace import Workspace

_HANG_SECONDS = SERVER_GRACE_SECONDS + 40.0  # the supervisor notices a lost server first, and may restart it
_MAX_NAME = 255
_PARTNER_SECONDS = 5.0  # of wall time more than the program has, which is to be the first to be ended
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

    @property
    def languages(self) -> frozenset[str]:
        """In which programs can be on this machine."""
        return frozenset(name for name, language in languages().items() if language.available())

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
        optimise: Level = "full",
    ) -> Outcome:
        """Runs the program once on `stdin` (in function mode: a call's argument text).

        arguments: its command line. files: put into its scratch directory before it starts; names are plain or
        in one directory (`feedback/score.txt`). collect: files that it may leave there and that come back in
        `Outcome.files`, `limits.output_bytes` of them at most (OLE beyond that); their directories exist. Where
        scratch is no tmpfs, no other files can be created, and those left empty do not come back.

        optimise: "fast" compiles soonest, for a look at many programs of which few will run again. Time, memory
        and stack that are not enough are then tried again with "full", so TLE and MLE never come of it.

        A compiled program is compiled the first time it is seen. Verdicts: OK, TLE, MLE, RTE, OLE, CE, or
        IE when two workers failed to run it. Raises ToolchainMissing, ValueError for a program or limits
        that make no sense, RuntimeError when the sandbox is not open.
        """
        language = _checked(program, limits)
        extra = checked_extra(program, arguments, files, collect, compiled=language.compiled)
        if self._results is None:
            return await self._run(program, language, stdin, limits, extra, optimise)
        key = key_of(program, stdin, limits, [optimise, *arguments], files, collect)
        outcome = self._results.get(key)
        if outcome is None:
            outcome = await self._run(program, language, stdin, limits, extra, optimise)
            self._results.put(key, outcome)
        return outcome

    def run_many(
        self, jobs: Iterable[Job] | AsyncIterable[Job], *, in_flight: int | None = None
    ) -> AsyncIterator[JobResult]:
        """Runs many programs on many inputs each: see `sandbox.batch.run_many`."""
        return run_many(self, jobs, in_flight)

    async def _run(
        self,
        program: Program,
        language: Language,
        stdin: bytes,
        limits: Limits,
        extra: wire.Extra | None,
        optimise: Level,
    ) -> Outcome:
        source = program.source.encode("utf-8", "surrogatepass")
        bare = dataclasses.replace(program, source="", files=())
        runtime = language.runtime(program.source, limits.memory_bytes)
        if not language.compiled:
            request = wire.Run(next(self._ids), bare, source, stdin, limits, "", extra, runtime)
            return await self._least_cpu_time(request)
        outcome = Outcome(Verdict.IE)
        for level in ("fast", "full") if optimise == "fast" and language.levels else ("full",):
            async with self._compiled(program, language, level) as (path, compiled):
                if compiled.verdict is not Verdict.OK:
                    return compiled
                request = wire.Run(next(self._ids), bare, b"", stdin, limits, str(path), extra, runtime)
                outcome = await (self._exchange(request) if level == "fast" else self._least_cpu_time(request))
            if not _may_be_for_want_of_optimisation(outcome):
                break
        return outcome

    async def interact(
        self,
        program: Program,
        interactor: Program,
        *,
        limits: Limits,
        interactor_limits: Limits,
        interactor_arguments: Sequence[str] = (),
        interactor_files: Mapping[str, bytes] = _NO_FILES,
        collect: Sequence[str] = (),
    ) -> Interaction:
        """Runs the program and the interactor at once, the output of each being the input of the other.

        Each has its own confinement and limits; `output_bytes` bounds what it writes to the other one. The
        arguments and files are the interactor's, and so are the files collected. What one writes after the other
        has ended goes nowhere and harms nobody. A program is ended once the interactor has ended with another exit
        code than 0 or 42, and both are when each waits for the other. Raises what `run` raises.
        """
        for side in (program, interactor):
            if side.mode != "stdio":
                raise ValueError(f"a program that interacts has the mode stdio, not {side.mode}")
        wall = max(interactor_limits.wall_backstop_seconds, limits.longest_seconds + _PARTNER_SECONDS)
        interactor_limits = dataclasses.replace(interactor_limits, wall_seconds=wall)
        async with (
            self._side(program, limits) as first,
            self._side(interactor, interactor_limits, interactor_arguments, interactor_files, collect) as second,
        ):
            if isinstance(first, Outcome) or isinstance(second, Outcome):
                ran = Outcome(Verdict.OK)  # or would have, but for the other one
                return Interaction(
                    first if isinstance(first, Outcome) else ran,
                    second if isinstance(second, Outcome) else ran,
                    "program",
                )
            answer = await self._ask_pair(first, second, check=False)
        return answer.interaction or Interaction(answer.outcome, Outcome(Verdict.IE), "program")

    async def check(
        self,
        program: Program,
        test_source: str,
        limits: Limits,
        *,
        prelude: str = "",
        test_limits: Limits | None = None,
    ) -> Outcome:
        """Runs test code on a program in function mode, each in a confined process of its own.

        Test code is Python that calls the program by the name of its entry point, or `candidate`, and asserts things
        about what it returns: HumanEval's and LeetCode's `check(candidate)` with a call of it, MBPP's asserts. It holds
        a stub; arguments, results and exceptions cross as data, and changes to arguments come back.

        prelude: what the test code needs to be defined, such as the prompt; run before the stub takes the name.
        limits: the program's, for all calls together. test_limits: the test code's own, generous by default.

        Verdicts: AC; WA when an assertion failed, or the test code could not cope with what was returned; RTE when
        the program raised or ended; CE; TLE, MLE, OLE; IE when the test code is broken. The reason is in `stderr`, and
        times and memory are the program's. Raises what `run` raises.
        """
        if program.mode != "function":
            raise ValueError(f"a program to be called has the mode function, not {program.mode}")
        test_limits = test_limits or _test_limits(limits)
        texts = [text.encode("utf-8", "surrogatepass") for text in (prelude, test_source)]
        header = json.dumps({"entry_point": program.entry_point, "prelude_bytes": len(texts[0])})
        tests = b"\n".join((header.encode(), b"".join(texts)))
        async with self._side(program, limits) as first:
            assert isinstance(first, wire.Run)
            tester = wire.Run(next(self._ids), Program("python", ""), tests, b"", test_limits, "")
            return (await self._ask_pair(first, tester, check=True)).outcome

    @contextlib.asynccontextmanager
    async def _side(
        self,
        program: Program,
        limits: Limits,
        arguments: Sequence[str] = (),
        files: Mapping[str, bytes] = _NO_FILES,
        collect: Sequence[str] = (),
    ) -> AsyncIterator[wire.Run | Outcome]:
        """One side's request, or why it cannot be run. Its binary stays while the block runs."""
        language = _checked(program, limits)
        extra = checked_extra(program, arguments, files, collect, compiled=language.compiled)
        bare = dataclasses.replace(program, source="", files=())
        runtime = language.runtime(program.source, limits.memory_bytes)
        if not language.compiled:
            source = program.source.encode("utf-8", "surrogatepass")
            yield wire.Run(next(self._ids), bare, source, b"", limits, "", extra, runtime)
            return
        async with self._compiled(program, language, "full") as (path, compiled):
            ready = compiled.verdict is Verdict.OK
            yield wire.Run(next(self._ids), bare, b"", b"", limits, str(path), extra, runtime) if ready else compiled

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
    async def _compiled(
        self, program: Program, language: Language, level: Level
    ) -> AsyncIterator[tuple[Path, Outcome]]:
        compiler = self._compilers.get(language.name)
        if compiler is None:
            compiler = self._compilers[language.name] = Compiler(language, self._do, self._binaries.directory)
        files = beside(program)
        checked_extra(Program(language.name, ""), (), files, ())  # their names, which a data set may have chosen
        await compiler.prepare()
        compile_to = functools.partial(compiler.compile, program.source, files, level)
        async with self._binaries.use(f"{program.digest}.{level}", compile_to) as built:
            yield built

    async def _do(self, job: CompileJob, path: Path) -> Outcome:
        request = wire.Compile(
            next(self._ids), job.source, job.source_name, job.commands, job.result_name, str(path), job.files
        )
        return await self._exchange(request)

    async def _start(self) -> None:
        if self._workspace is not None:
            raise RuntimeError("the sandbox is already open")
        try:
            self._workspace = Workspace()
        except OSError as error:
            raise SandboxUnavailable(f"no private directory for the sandbox: {error}") from error
        self._binaries = Binaries(self._workspace.binaries)
        self._compilers: dict[str, Compiler] = {}
        self._idle = asyncio.Queue()
        toolchain = sorted({path for language in languages().values() for path in language.toolchain_paths()})
        if headers := header_directory():
            toolchain.append(str(headers))
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

    async def _least_cpu_time(self, request: wire.Run) -> Outcome:
        outcome = await self._exchange(request)
        if is_near_miss(outcome, request.limits):
            outcome = await least_cpu_time(outcome, request.limits, lambda: self._exchange(request))
        return outcome

    async def _exchange(self, request: wire.Run | wire.Compile) -> Outcome:
        limits = request.limits if isinstance(request, wire.Run) else COMPILE_LIMITS
        return (await self._ask(request, limits.longest_seconds)).outcome

    async def _ask_pair(self, program: wire.Run, partner: wire.Run, *, check: bool) -> wire.Answer:
        # The partner has the longer backstop, and its fork server may have to be started.
        seconds = partner.limits.longest_seconds + START_SECONDS
        return await self._ask(wire.Pair(next(self._ids), program, partner, check), seconds)

    async def _ask(self, request: wire.Run | wire.Compile | wire.Pair, seconds: float) -> wire.Answer:
        reason = ""
        for attempt in range(2):
            if not self._open():
                break
            worker = await self._idle.get()
            if not self._open():
                self._idle.put_nowait(worker)
                break
            try:
                answer = await worker.ask(request, seconds + _HANG_SECONDS)
            except WorkerLost as error:
                reason = str(error)
                continue
            if attempt or not _was_told_to_end(answer):
                return answer
        if not self._open():
            raise RuntimeError("the sandbox is closed")
        return wire.Answer(request.id, Outcome(Verdict.IE, stderr=reason))

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


def _was_told_to_end(answer: wire.Answer) -> bool:
    """By SIGTERM, which a scheduler that stops a job sends to all of its processes, programs included. A program that
    does it to itself does it again."""
    talk = answer.interaction
    found = [answer.outcome] if talk is None else [answer.outcome, talk.program, talk.interactor]
    return any(one.verdict is Verdict.RTE and one.signal == signal.SIGTERM for one in found)


def _test_limits(limits: Limits) -> Limits:
    cpu = 30.0 + 5.0 * limits.cpu_seconds
    wall = limits.longest_seconds + 10.0 + cpu
    return Limits(cpu, max(2**30, 4 * limits.memory_bytes), 2**26, wall)


def _may_be_for_want_of_optimisation(outcome: Outcome) -> bool:
    """Slower, and with larger stack frames: that is how a program that was compiled in a hurry can differ."""
    return outcome.verdict in (Verdict.TLE, Verdict.MLE) or outcome.signal == signal.SIGSEGV


def _checked(program: Program, limits: Limits) -> Language:
    if program.language == PYTHON2:
        raise ToolchainMissing("Python 2 programs are not supported")
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
