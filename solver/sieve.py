"""The sieve: run a program on the examples until one fails; run a survivor on the generated inputs.

What the store holds of a program is looked up first, so nothing is executed twice, also after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clustering import Behaviour, behaviour_token
from sandbox import Checker, CheckerFailed, Level, Limits, Outcome, Program, Verdict
from solver.problem import Problem
from solver.progress import Counts
from solver.store import Execution, RunInput, Store, StoredProgram
from solver.tracing import NO_TRACER, Tracer

log = logging.getLogger(__name__)

_SHOWN_BYTES = 200  # of an output that told programs apart


class Executor(Protocol):
    """What the sieve needs of a sandbox."""

    async def run(self, program: Program, stdin: bytes, limits: Limits, *, optimise: Level) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class SieveResult:
    """examples_passed counts from the first example on; behaviour is set for survivors only."""

    program: str
    examples_passed: int
    verdict: Verdict
    behaviour: Behaviour | None


class Sieve:
    """Judges programs of one problem; `inputs` are the examples in statement order, then the generated ones."""

    def __init__(
        self,
        problem: Problem,
        inputs: Sequence[RunInput],
        executor: Executor,
        checker: Checker,
        store: Store,
        counts: Counts,
        time_factor: float,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._problem = problem
        self._examples = [i for i in inputs if i.kind == "example"]
        self._generated = [i for i in inputs if i.kind == "generated"]
        self._executor = executor
        self._checker = checker
        self._store = store
        self._counts = counts
        self._tracer = tracer
        self._limits = problem.limits(time_factor)

    async def judge(self, stored: StoredProgram, *, is_new: bool = False) -> SieveResult:
        """On the examples until one fails, then on the generated inputs. is_new: nothing of it is recorded."""
        program = self._problem.program(stored.language, stored.source)
        known = {} if is_new else self._store.executions(stored.key)
        for passed, run_input in enumerate(self._examples):
            execution = known.get(run_input.id) or await self._execute(stored.key, program, run_input)
            if execution.verdict is not Verdict.AC:
                return SieveResult(stored.key, passed, execution.verdict, None)
        runs = [known.get(i.id) or await self._execute(stored.key, program, i) for i in self._generated]
        return SieveResult(stored.key, len(self._examples), Verdict.AC, tuple(run.behaviour for run in runs))

    def recorded(self, key: str) -> SieveResult | None:
        """What `judge` would say without running anything; None when it would run something."""
        known = self._store.executions(key)
        for passed, run_input in enumerate(self._examples):
            execution = known.get(run_input.id)
            if execution is None:
                return None
            if execution.verdict is not Verdict.AC:
                return SieveResult(key, passed, execution.verdict, None)
        if any(i.id not in known for i in self._generated):
            return None
        return SieveResult(key, len(self._examples), Verdict.AC, tuple(known[i.id].behaviour for i in self._generated))

    async def observe(self, stored: StoredProgram, run_input: RunInput) -> Execution:
        """What one program does on one further input; its output's beginning is kept."""
        known = self._store.execution(stored.key, run_input.id)
        return known or await self._execute(
            stored.key, self._problem.program(stored.language, stored.source), run_input
        )

    async def _execute(self, key: str, program: Program, run_input: RunInput) -> Execution:
        data = run_input.text.encode("utf-8", "surrogatepass")
        begun = self._tracer.now()
        # Nearly all programs end here, so they are compiled cheaply; one that is too slow for it is compiled again.
        outcome = await self._executor.run(program, data, self._limits, optimise="fast")
        self._counts.executed()
        verdict = await self._verdict(outcome, run_input, data)
        if verdict is Verdict.IE:
            log.warning("internal error: program %s on %s: %s", key[:12], run_input.origin, outcome.stderr[-200:])
        execution = Execution(
            program=key,
            input=run_input.id,
            verdict=verdict,
            behaviour=None
            if verdict is Verdict.IE
            else behaviour_token(outcome, self._checker.normalise(outcome.output)),
            cpu_seconds=outcome.cpu_seconds,
            wall_seconds=outcome.wall_seconds,
            peak_memory_bytes=outcome.peak_memory_bytes,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            detail=_detail(outcome, verdict, run_input),
        )
        self._store.add_execution(execution)
        self._tracer.executed(execution, run_input, begun)
        return execution

    async def _verdict(self, outcome: Outcome, run_input: RunInput, data: bytes) -> Verdict:
        if outcome.verdict is not Verdict.OK or run_input.kind != "example":
            return outcome.verdict
        expected = self._problem.examples[run_input.id].output.encode("utf-8", "surrogatepass")
        try:
            accepted = await self._checker.accepts(data, expected, outcome.output)
        except CheckerFailed:
            return Verdict.IE
        return Verdict.AC if accepted else Verdict.WA


def _detail(outcome: Outcome, verdict: Verdict, run_input: RunInput) -> str:
    if verdict in (Verdict.CE, Verdict.RTE, Verdict.IE):
        return outcome.stderr[-500:]
    shown = run_input.kind in ("probe", "distinguishing") and verdict is Verdict.OK
    return outcome.output[:_SHOWN_BYTES].decode("utf-8", "replace") if shown else ""
