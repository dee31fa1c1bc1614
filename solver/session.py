"""One run from start to report: opens what the engine needs, runs it, chooses, writes the answer."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox import AnySandbox, Sandbox, languages, make_checker
from solver.choice import choose, scorer_of
from solver.climb import Climb
from solver.config import RunConfig
from solver.engine import Engine, StopReason
from solver.errors import UserError
from solver.levels import Current, Interruptible, sample_levels
from solver.look_closer import look_closer
from solver.models import ResolvedModel
from solver.problem import Problem
from solver.progress import Counts, show_progress
from solver.report import make_report
from solver.run_inputs import run_inputs
from solver.rundir import RunDirectory
from solver.samplers import Sampler
from solver.samplers.factory import open_sampler, resolve_model
from solver.samplers.use import SamplerUse
from solver.sieve import Sieve
from solver.store import Store
from solver.tracing import NO_TRACES, Tracer, Traces

log = logging.getLogger(__name__)

_CLOCK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Session:
    """What a run works on, and where it shows its progress (stderr).

    run: locked by the caller. model: None to resolve it only when samples are still wanted.
    is_new: the directory was made for this session, and goes again if the run cannot begin.
    traces: where spans go; closed by the caller. one_level: of a cascade, only the level that has the problem; and a
    report is only written of a run that is done, since it says so to whoever has many.
    """

    run: RunDirectory
    problem: Problem
    config: RunConfig
    model: ResolvedModel | None
    console: Console
    quiet: bool = False
    is_new: bool = False
    traces: Traces = NO_TRACES
    one_level: bool = False


def execute(session: Session) -> dict[str, Any]:
    """Runs or resumes; returns the report, which is also on disk, and unlocks the directory.

    Raises `UserError` for bad set-up or a disk that fails, `SandboxUnavailable` and `ToolchainMissing` from
    the sandbox.
    """
    root = session.run.root
    begun = False
    try:
        with Store(session.run.store_path) as store, logging_to(session.run.log_path):
            try:
                with session.traces.run(session.problem, session.config, store) as tracer:
                    return asyncio.run(_execute(session, store, tracer))
            except Exception:
                log.exception("the run broke off")
                raise
            finally:
                begun = store.next_request() > 0 or bool(store.side_samples())
    except (sqlite3.DatabaseError, OSError) as error:
        raise UserError(
            f"{root}: {error}; what was recorded is kept: free space or mend the disk, then `solve resume {root}`"
        ) from error
    finally:
        session.run.unlock()
        if session.is_new and not begun and not session.run.report_path.exists():
            session.run.discard()


async def _execute(session: Session, store: Store, tracer: Tracer) -> dict[str, Any]:
    config, problem = session.config, session.problem
    counts = counts_of(config, store)
    restarts = count_restart(store)
    climb = Climb(config, store)
    opened: dict[str, Sampler] = {}  # by model: one at a time

    async def sampler() -> Sampler:
        config = climb.config
        if config.model not in opened:
            while opened:  # an engine that was over before it began has closed nothing
                await opened.popitem()[1].close()
            model = session.model if config.model == session.config.model else None
            model = model or await asyncio.to_thread(resolve_model, config)
            with tracer.stage("open sampler"):
                sampler = await open_sampler(config, problem, model, restarts, session.run.engine_log_path)
            opened[config.model] = tracer.sampler(sampler)
        return opened[config.model]

    progress = None if session.quiet else asyncio.create_task(show_progress(counts, session.console))
    try:
        async with Sandbox(config.workers, allow_unsafe=config.unsafe_no_isolation) as sandbox:
            return await carry_out(session, store, counts, tracer, sandbox, sampler, interrupts, climb)
    finally:
        for started in opened.values():
            await started.close()
        if progress is not None:
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)


def counts_of(config: RunConfig, store: Store) -> Counts:
    """Live counts of a run that may have had earlier sessions: their time counts."""
    return Counts(
        target_samples=config.samples,
        max_seconds=config.max_seconds,
        max_total_tokens=config.max_total_tokens,
        started=time.monotonic() - float(store.meta("elapsed_seconds") or 0.0),
    )


def count_restart(store: Store) -> int:
    """How often the run was taken up before, this time not counted."""
    restarts = int(store.meta("restarts") or -1) + 1
    store.set_meta("restarts", str(restarts))
    return restarts


async def carry_out(
    session: Session,
    store: Store,
    counts: Counts,
    tracer: Tracer,
    sandbox: AnySandbox,
    sampler: Callable[[], Awaitable[Sampler]],
    interrupted_by: Callable[[Interruptible], AbstractContextManager[None]] = lambda engine: nullcontext(),
    climb: Climb | None = None,
) -> dict[str, Any]:
    """From inputs to report, in a sandbox and with a sampler that others may share; both stay open.

    interrupted_by: what may stop the engine while it works. climb: where a cascade stands; its `config` says whose
    sampler is wanted. Returns the report, which is also on disk (see `one_level`); of a run that the session leaves to
    the next model only the reason.
    """
    async with store.grouped():
        return await _carry_out(
            session, store, counts, tracer, sandbox, sampler, interrupted_by, climb or Climb(session.config, store)
        )


async def _carry_out(
    session: Session,
    store: Store,
    counts: Counts,
    tracer: Tracer,
    sandbox: AnySandbox,
    sampler: Callable[[], Awaitable[Sampler]],
    interrupted_by: Callable[[Interruptible], AbstractContextManager[None]],
    climb: Climb,
) -> dict[str, Any]:
    config, problem = session.config, session.problem
    use = SamplerUse(sampler)
    sampler = use.opened
    clock = asyncio.create_task(_keep_clock(store, counts))
    try:
        checker = make_checker(problem.checker, sandbox)
        with tracer.stage("make inputs"):
            inputs = await run_inputs(problem, config, store, sampler, sandbox, checker)
        _log_start(session, store, len(inputs), sandbox)
        sieve = Sieve(problem, inputs, sandbox, checker, store, counts, config.time_factor, tracer)
        current = Current()

        def engine(stage: RunConfig) -> Engine:
            return Engine(
                problem, stage, sampler, sieve, store, counts,
                workers=lambda: sandbox.workers, runnable=_runnable(problem, sandbox), tracer=tracer,
            )  # fmt: skip

        with interrupted_by(current):
            try:
                ended, reason = await sample_levels(climb, current, engine, counts, tracer, one_level=session.one_level)
                if reason is StopReason.NEXT_MODEL:
                    return {"stop_reason": str(reason), "detail": None}
                if reason is not StopReason.INTERRUPTED:
                    with tracer.stage("look closer"):
                        await ended.unless_interrupted(
                            look_closer(problem, config, sieve, store, counts, ended.settled_samples, sampler)
                        )
                if current.interrupted:
                    reason = StopReason.INTERRUPTED
                return _finish(session, store, ended, reason, sandbox, counts, tracer, use)
            finally:
                await current.close()
    finally:
        clock.cancel()
        await asyncio.gather(clock, return_exceptions=True)


def _runnable(problem: Problem, sandbox: AnySandbox) -> frozenset[str]:
    """Languages a program of this problem may be in."""
    known = languages()
    return frozenset(name for name in sandbox.languages if problem.mode != "function" or known[name].function_mode)


def _log_start(session: Session, store: Store, inputs: int, sandbox: AnySandbox) -> None:
    config = session.config
    log.info("%s: %s", "resumed" if store.meta("restarts") != "0" else "started", session.problem.name)
    log.info("sampler %s, model %s, seed %d, %d samples", config.sampler, config.model, config.seed, config.samples)
    log.info("%d inputs, %d workers, isolation %s", inputs, sandbox.workers, sandbox.isolation.summary)


def _finish(
    session: Session,
    store: Store,
    engine: Engine,
    reason: StopReason,
    sandbox: AnySandbox,
    counts: Counts,
    tracer: Tracer,
    use: SamplerUse,
) -> dict[str, Any]:
    """Chooses, and writes submissions and report."""
    config = session.config
    scorer = scorer_of(config)
    with tracer.stage("select"):
        answer = choose(store, engine.settled_samples, config.submissions, config.policy, config.seed, scorer)
        tracer.chosen(answer)
    store.commit()
    report = make_report(
        session.problem,
        config,
        store,
        answer,
        session.run.write_submissions(answer.submissions, store),
        settled=engine.settled_samples,
        stop_reason=str(reason),
        detail=engine.trouble,
    )
    layers = sandbox.isolation.layers
    report["machine"] = {
        "isolation": {name: layer.detail for name, layer in layers.items() if layer.active},
        "workers": sandbox.workers,
    }
    report["timing"] = {**_timing(store, counts), "engine": use.plain()}
    if not session.one_level:  # else the process has many runs
        report["timing"]["driver_cpu_seconds"] = round(time.process_time(), 3)
    tracer.finished(report)
    if reason.is_final or not session.one_level:
        session.run.write_report(report)
    return report


async def _keep_clock(store: Store, counts: Counts) -> None:
    """Time spent counts against the budget of a resumed run, also when this process is killed."""
    while True:
        store.set_meta("elapsed_seconds", f"{time.monotonic() - counts.started:.3f}")
        await asyncio.sleep(_CLOCK_SECONDS)


def _timing(store: Store, counts: Counts) -> dict[str, float]:
    cpu = store.query("SELECT coalesce(sum(cpu_seconds), 0) FROM executions")[0][0]
    sampling = counts.sampling_seconds()
    return {
        "elapsed_seconds": round(time.monotonic() - counts.started, 3),
        "sampling_seconds": round(sampling, 3),
        "samples_now": counts.fresh_samples,
        "executions_now": counts.executions,
        "sandbox_cpu_seconds": round(cpu, 3),
        "tokens_per_second": round(counts.fresh_tokens / sampling, 1) if sampling else 0.0,
        "executions_per_second": round(counts.executions / sampling, 1) if sampling else 0.0,
    }


@contextmanager
def interrupts(engine: Interruptible) -> Iterator[None]:
    """SIGINT and SIGTERM end the engine early instead of killing the process."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, engine.interrupt)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


class logging_to:
    """Our own log records go to the run's log while it runs."""

    def __init__(self, path: Path) -> None:
        self._handler = logging.FileHandler(path, encoding="utf-8")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def __enter__(self) -> None:
        root = logging.getLogger("solver")
        root.setLevel(logging.INFO)
        root.propagate = False
        root.addHandler(self._handler)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("solver").removeHandler(self._handler)
        self._handler.close()
