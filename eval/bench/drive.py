"""The driver of a benchmark run: many problems in flight, one sampler, one sandbox, the judge in a process of its own.

It never holds hidden tests: the judge's process reads the data set for itself (`eval.bench.judge_process`). As many
problems are open as the sampler needs to have requests at hand, so that the model does not wait for the sandbox; each
writes its own run directory, and a problem whose report is there is done.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from eval.bench.backend import Backend, Here
from eval.bench.config import BenchConfig
from eval.bench.hub import Hub
from eval.bench.judge_client import JudgeClient
from eval.bench.layout import BenchDirectory
from eval.bench.need import need
from eval.bench.progress import BenchProgress
from eval.bench.skips import skip
from eval.bench.traced import trace_verdicts
from eval.datasets import Skipped, problems
from eval.plan.arithmetic import MOST_OPEN
from sandbox import AnySandbox
from solver.config import RunConfig
from solver.engine import StopReason
from solver.errors import UserError
from solver.levels import Interruptible
from solver.models import ResolvedModel
from solver.problem import Problem
from solver.progress import Counts
from solver.rundir import RunDirectory
from solver.samplers import Sampler, SamplerStats
from solver.samplers.recorded import NoSamples
from solver.session import Session, carry_out, count_restart, counts_of
from solver.store import Store
from solver.tracing import NO_TRACES, Traces

log = logging.getLogger(__name__)

_OPEN_PER_WORKER = 2  # of a recording, which never makes anybody wait


@dataclass(frozen=True, slots=True)
class Planned:
    """A problem to run. directory: relative to the benchmark's. judged: it has hidden tests."""

    name: str
    number: int
    directory: str
    judged: bool = True


def read_plan(bench: BenchDirectory) -> dict[str, Planned]:
    """By name, in order. Raises UserError for a file that is damaged."""
    try:
        rows = [json.loads(line) for line in bench.plan.read_text("utf-8").splitlines()]
        return {row["name"]: Planned(**row) for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{bench.plan}: damaged ({error}); delete it and go on with --resume") from None


@dataclass
class Driver:
    """Runs what is planned and not done. model: the local model, None when samples come from elsewhere. level: of a
    cascade, which every planned problem that is not done has come to.

    `interrupted` and `trouble` say afterwards why problems are left.
    """

    bench: BenchDirectory
    config: BenchConfig
    plan: dict[str, Planned]
    model: ResolvedModel | None
    restarts: int
    progress: BenchProgress
    console: Console
    traces: Traces
    backend: Backend = field(default_factory=Here)
    level: int = 0
    interrupted: bool = False
    trouble: str | None = None
    _hub: Hub | None = None
    _engines: set[Interruptible] = field(default_factory=set)
    _opening: int = 0

    async def run(self) -> None:
        """Raises UserError, and what the sandbox or a store raises."""
        run = self.config.run
        self.backend.tells(self.progress)
        async with self.backend.sandbox(run) as sandbox, self._judge() as judge:
            hub = self._hub = None if run.recorded is not None else Hub(self._shared_sampler)
            tasks: set[asyncio.Task[None]] = set()
            try:
                with self._signals():
                    for planned, problem in self._problems(judge):
                        await self._room(tasks, hub, sandbox.workers)
                        if self.interrupted or self.trouble:
                            break
                        self._opening += 1
                        tasks.add(asyncio.create_task(self._solve(planned, problem, sandbox, hub, judge)))
                    while tasks:
                        await self._one_done(tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if hub is not None:
                    await hub.close()
            await judge.finish(abandon=self.interrupted)

    @property
    def _run_config(self) -> RunConfig:
        """With the level's model."""
        run = self.config.run
        return run.at_level(self.level) if run.cascade else run

    @property
    def engine_stats(self) -> SamplerStats | None:
        """What the shared engine has done; None where there is none, or one of somebody else's."""
        return None if self._hub is None else self._hub.stats

    # --- which problem is next --------------------------------------------------------------------

    def _problems(self, judge: JudgeClient) -> Iterator[tuple[Planned, Problem]]:
        """In the data set's order; those that are done are handed to the judge at once."""
        left = dict(self.plan)
        for found in problems(self.config.data.model_copy(update={"limit": None, "seed": None})):
            planned = None if isinstance(found, Skipped) else left.pop(found.name, None)
            if planned is not None and not isinstance(found, Skipped):
                if (self.bench.root / planned.directory / "report.json").exists():
                    self.progress.done += 1
                    self._submit(planned, judge)
                else:
                    yield planned, found
            if not left:
                return
        if left:
            raise UserError(f"the data set no longer has {next(iter(left))!r}, which was planned; was it changed?")

    async def _room(self, tasks: set[asyncio.Task[None]], hub: Hub | None, workers: int) -> None:
        """Waits until another problem should be opened."""
        while tasks and not (self.interrupted or self.trouble):
            if hub is None:
                enough = len(tasks) >= _OPEN_PER_WORKER * workers
            else:
                enough = len(tasks) >= MOST_OPEN or hub.unasked + self._opening >= self.backend.ahead
            if not enough:
                return
            await self._one_done(tasks, hub.hungry() if hub is not None else None)

    async def _one_done(self, tasks: set[asyncio.Task[None]], or_else: Awaitable[None] | None = None) -> None:
        """Until a problem is done or the other thing happens. Raises what a problem raised."""
        other = {asyncio.ensure_future(or_else)} if or_else is not None else set()
        try:
            done, _ = await asyncio.wait(tasks | other, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in other:
                one.cancel()
        for task in done & tasks:
            tasks.discard(task)
            task.result()

    # --- one problem ------------------------------------------------------------------------------

    async def _solve(
        self, planned: Planned, problem: Problem, sandbox: AnySandbox, hub: Hub | None, judge: JudgeClient
    ) -> None:
        run, own = self._open_run(self.bench.root / planned.directory, problem)
        opened: list[Sampler] = []
        waiting = True

        def begun() -> None:
            nonlocal waiting
            self._opening -= waiting
            waiting = False

        try:
            with Store(run.store_path) as store, self.traces.run(own, self.config.run, store) as tracer:
                count_restart(store)

                async def sampler() -> Sampler:
                    if not opened:
                        opened.append(tracer.sampler(await self._sampler(own, hub, counts)))
                    begun()
                    return opened[0]

                counts = counts_of(self.config.run, store)
                (recorded,) = store.query("SELECT count(*) FROM samples")[0]
                self.progress.begin(planned.name, counts, recorded)
                session = Session(run, own, self.config.run, self.model, self.console, quiet=True, one_level=True)
                report = await carry_out(session, store, counts, tracer, sandbox, sampler, self._stoppable)
        except NoSamples as error:
            run.discard()
            self._skip(planned, str(error))
            return
        finally:
            begun()
            for one in opened:
                await one.close()
            run.unlock()
        self._done(planned, report["stop_reason"], report["detail"], judge)

    def _done(self, planned: Planned, reason: str, detail: str | None, judge: JudgeClient) -> None:
        if not StopReason(reason).is_final:  # it goes on with the next session
            self.progress.drop(planned.name)
            if reason == StopReason.SAMPLER_FAILED:
                self.trouble = detail or "the sampler failed"
            return
        self.progress.end(planned.name)
        self._submit(planned, judge)

    def _submit(self, planned: Planned, judge: JudgeClient) -> None:
        if planned.judged:
            judge.submit(planned.name)

    def _open_run(self, root: Path, problem: Problem) -> tuple[RunDirectory, Problem]:
        if not (root / "config.json").exists():
            return RunDirectory.create(root, problem, self.config.run), problem
        run, own, _ = RunDirectory.open(root)
        run.lock()
        return run, own

    def _skip(self, planned: Planned, reason: str) -> None:
        """A problem without recorded samples is none of the benchmark's."""
        self.progress.drop(planned.name)
        self.progress.skip(planned.name, reason)
        if self.progress.total is not None:
            self.progress.total -= 1
        skip(self.bench, planned.name, reason)

    # --- what they share --------------------------------------------------------------------------

    async def _sampler(self, problem: Problem, hub: Hub | None, counts: Counts) -> Sampler:
        if hub is not None:
            return await hub.view(lambda: need(counts))
        return await self.backend.recording(self._run_config, problem)

    async def _shared_sampler(self) -> Sampler:
        log_path = self.bench.root / "engine.log"
        return await self.backend.sampler(self._run_config, self.model, self.restarts, log_path)

    @asynccontextmanager
    async def _judge(self) -> AsyncIterator[JudgeClient]:
        judge = JudgeClient(self.bench, self._judged)
        if any(planned.judged for planned in self.plan.values()):
            await judge.start()
        try:
            yield judge
        finally:
            await judge.stop()

    def _judged(self, name: str, solved: bool, fresh: bool) -> None:
        self.progress.judge(name, solved)
        if fresh and self.traces is not NO_TRACES:
            trace_verdicts(self.bench, name, self.plan[name].directory, self.config.run, self.traces)

    # --- Ctrl-C -----------------------------------------------------------------------------------

    @contextmanager
    def _stoppable(self, engine: Interruptible) -> Iterator[None]:
        self._engines.add(engine)
        if self.interrupted:  # while its inputs were made
            engine.interrupt()
        try:
            yield
        finally:
            self._engines.discard(engine)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM: finish the programs that run, keep everything; again: drop them too."""

        def stop() -> None:
            self.interrupted = True
            for engine in list(self._engines):
                engine.interrupt()

        loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, stop)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)
