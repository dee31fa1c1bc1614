"""The seam between a run and its traces: what the engine tells, and an object that does not listen.

The engine, the sieve and the session call a `Tracer` at a handful of places and know nothing of OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sandbox import Verdict
    from solver.choice import Answer
    from solver.config import RunConfig
    from solver.problem import Problem
    from solver.samplers import Sample, Sampler
    from solver.sieve import SieveResult
    from solver.store import Execution, RunInput, Store, StoredProgram


class Judged(Protocol):
    """A program that is being judged."""

    def judged(self, result: SieveResult) -> None: ...


class Tracer(Protocol):
    """Is told what one run does, by its driver alone."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """A part of the run; requests to the model belong to the innermost one."""

    def sampler(self, sampler: Sampler) -> Sampler:
        """The same sampler, listened to."""

    def extracted(self, sample: Sample, reason: str, program: StoredProgram | None, is_new: bool) -> None:
        """What became of an answer: the reason of `solver.extract`, and its program where it holds one."""

    def candidate(self, program: StoredProgram) -> AbstractContextManager[Judged]:
        """From a program's arrival until it is judged."""

    def now(self) -> int:
        """For `executed`: when a program was given to the sandbox."""

    def executed(self, execution: Execution, run_input: RunInput, begun: int) -> None:
        """A program was run on an input, and not merely looked up."""

    def chosen(self, answer: Answer) -> None:
        """Clusters and submissions."""

    def finished(self, report: Mapping[str, Any]) -> None:
        """The run's report, without `timing` or with it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What hidden tests said of a program, by its key. begun: nanoseconds since the epoch."""

    program: str
    verdict: Verdict
    tests_passed: int
    tests: int
    cpu_seconds: float
    submitted: bool
    begun: int


class Traces(Protocol):
    """Where the spans of several runs go; close it once, after the last run."""

    def run(self, problem: Problem, config: RunConfig, store: Store) -> AbstractContextManager[Tracer]:
        """One run or its continuation; an exception that leaves it is recorded as the run's."""

    def judged(self, config: RunConfig, store: Store, judgement: Judgement) -> None:
        """A benchmark's judge has run hidden tests; nothing for a run that was not traced. May be another process."""

    def close(self) -> str | None:
        """Writes out what waits, for half a minute at most. What the user should know: spans that were lost."""


class _NoCandidate:
    def judged(self, result: SieveResult) -> None:
        pass


class _NoTracer:
    _stage = nullcontext()
    _candidate = nullcontext(_NoCandidate())

    def stage(self, name: str) -> AbstractContextManager[None]:
        return self._stage

    def sampler(self, sampler: Sampler) -> Sampler:
        return sampler

    def extracted(self, sample: Sample, reason: str, program: StoredProgram | None, is_new: bool) -> None:
        pass

    def candidate(self, program: StoredProgram) -> AbstractContextManager[Judged]:
        return self._candidate

    def now(self) -> int:
        return 0

    def executed(self, execution: Execution, run_input: RunInput, begun: int) -> None:
        pass

    def chosen(self, answer: Answer) -> None:
        pass

    def finished(self, report: Mapping[str, Any]) -> None:
        pass


class _NoTraces:
    def run(self, problem: Problem, config: RunConfig, store: Store) -> AbstractContextManager[Tracer]:
        return nullcontext(NO_TRACER)

    def judged(self, config: RunConfig, store: Store, judgement: Judgement) -> None:
        pass

    def close(self) -> str | None:
        return None


NO_TRACER: Tracer = _NoTracer()
NO_TRACES: Traces = _NoTraces()
