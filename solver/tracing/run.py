"""One run as a trace: its stages, its requests, its programs and what they did, its choice.

    invoke_workflow solve                 the run; a resumed one ends the same span again, later
      make inputs, sample and sieve, look closer, select
        chat MODEL                        a request to the model; an event for what each answer came to
          candidate                       a program, from its arrival to its judgement; an event for each stage
            execute example               one run in the sandbox
        cluster                           programs that behave alike; an event for each that is kept
            judge (below its candidate)   hidden tests, by a benchmark's judge, after the run

Not every candidate is kept (`Book.keeps`); of those that are not, internal errors are, in the run's own span.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox import Verdict
from solver.choice import Answer, Submission
from solver.config import RunConfig
from solver.problem import Problem
from solver.samplers import Sample, Sampler
from solver.sieve import SieveResult
from solver.store import Execution, RunInput, Store, StoredProgram
from solver.tracing.attributes import (
    EVALUATION,
    Attributes,
    evaluation,
    of_execution,
    of_judgement,
    of_program,
    of_report,
    of_run,
    of_server,
    response_id,
)
from solver.tracing.base import Judgement, Tracer
from solver.tracing.book import Book, now, trace_of
from solver.tracing.chats import Chats, TracedSampler
from solver.tracing.export import Exports, Happening
from solver.tracing.options import TraceOptions

_CLUSTERS = 100  # the largest, which get spans
_MEMBERS = 100  # of a cluster, which get events; the SDK keeps 128 events a span
_IE = "internal error"


class SpanTraces:
    """Traces of several runs, into the same exports."""

    def __init__(self, exports: Exports, options: TraceOptions) -> None:
        self._exports = exports
        self._options = options

    @contextmanager
    def run(self, problem: Problem, config: RunConfig, store: Store) -> Iterator[Tracer]:
        book = Book(store, self._exports, self._options.rate_for(config.samples), self._options.content)
        tracer = RunTracer(book, problem, config, store)
        failure: BaseException | None = None
        try:
            yield tracer
        except BaseException as error:
            failure = error
            raise
        finally:
            tracer.end(failure)

    def judged(self, config: RunConfig, store: Store, judgement: Judgement) -> None:
        if trace_of(store) is None:
            return
        book = Book(store, self._exports, self._options.rate_for(config.samples), self._options.content)
        failed = judgement.verdict is Verdict.IE
        kept = book.keeps(judgement.program)
        if not (kept or failed or judgement.submitted):
            return
        score = None if failed else judgement.verdict is Verdict.AC
        event = evaluation("hidden tests", judgement.verdict.value, score, program=judgement.program)
        attributes = of_judgement(judgement)
        if failed:
            attributes["error.type"] = judgement.verdict.value
        book.add(
            "judge",
            book.number("judge", judgement.program),
            candidate_number(book, judgement.program) if kept else book.root,
            judgement.begun,
            attributes,
            [Happening(EVALUATION, now(), event)],
            error=_IE if failed else None,
        )

    def close(self) -> str | None:
        return self._exports.close()


@dataclass(slots=True)
class _Candidate:
    """A program that is being judged. parent: the request's span, where that is kept; response: its first sample."""

    begun: int
    kept: bool
    parent: int | None = None
    response: str = ""
    happenings: list[Happening] = field(default_factory=list)
    failed: bool = False

    def judged(self, result: SieveResult) -> None:
        if not (self.kept or self.failed):
            return
        if result.verdict is Verdict.IE:
            self._event("examples", result.verdict.value, None, examples_passed=result.examples_passed)
            return
        compiled = result.verdict is not Verdict.CE
        self._event("compile", "pass" if compiled else "fail", compiled)
        if not compiled:
            return
        passed = result.verdict is Verdict.AC
        self._event("examples", result.verdict.value, passed, examples_passed=result.examples_passed)
        if result.behaviour is not None:
            known = sum(token is not None for token in result.behaviour)
            share = known / len(result.behaviour) if result.behaviour else 1.0
            self._event("behaviour", "complete" if share == 1 else "incomplete", share)

    def _event(self, stage: str, label: str, score: float | None, **more: int) -> None:
        event = evaluation(stage, label, score, self.response or None, **more)
        self.happenings.append(Happening(EVALUATION, now(), event))


class RunTracer:
    """Turns what a run tells into spans; a Tracer."""

    def __init__(self, book: Book, problem: Problem, config: RunConfig, store: Store) -> None:
        self._book = book
        self._store = store
        self._attributes = of_run(problem, config)
        self._chats = Chats(book, of_server(config), replays=config.sampler == "recorded")
        self._stages = [book.root]
        self._open: dict[str, _Candidate] = {}
        self._executions = 0  # numbers those that no key can number: a pair is run again after an internal error
        self._session = now()

    # --- the run and its stages -------------------------------------------------------------------

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun, parent = now(), self._stages[-1]
        number = self._book.number("stage", name, begun)
        self._stages.append(number)
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._stages.remove(number)
            self._book.add(name, number, parent, begun, {}, error=_told(error), vital=True)

    def finished(self, report: Mapping[str, Any]) -> None:
        self._attributes |= of_report(report)

    def end(self, failure: BaseException | None) -> None:
        """The run's own span, last."""
        if self._book.dropped:
            self._attributes["codesieve.spans_dropped"] = self._book.dropped
        if failure is not None:
            self._attributes["error.type"] = type(failure).__name__
        self._book.add(
            "invoke_workflow solve", self._book.root, None, self._book.begun, self._attributes,
            error=_told(failure), vital=True,
        )  # fmt: skip

    # --- samples ----------------------------------------------------------------------------------

    def sampler(self, sampler: Sampler) -> Sampler:
        return TracedSampler(sampler, self._chats, self._stages)

    def extracted(self, sample: Sample, reason: str, program: StoredProgram | None, is_new: bool) -> None:
        self._chats.extracted(sample, reason, program, is_new)

    # --- programs ---------------------------------------------------------------------------------

    @contextmanager
    def candidate(self, program: StoredProgram) -> Iterator[_Candidate]:
        kept = self._book.keeps(program.key)
        candidate = _Candidate(now(), kept)
        if kept:
            plan, request, choice = self._origin(program)
            candidate.parent = self._chats.number(plan, request, choice)
            candidate.response = response_id(request, choice)
        self._open[program.key] = candidate
        error: BaseException | None = None
        try:
            yield candidate
        except BaseException as raised:
            error = raised
            raise
        finally:
            del self._open[program.key]
            self._end(candidate, program, error)

    def _end(self, candidate: _Candidate, program: StoredProgram, error: BaseException | None) -> None:
        dropped = isinstance(error, asyncio.CancelledError)
        told = _IE if candidate.failed else None if dropped else _told(error)
        if not (candidate.kept or told):
            return
        attributes = of_program(program, self._book.content)
        if dropped:
            attributes["codesieve.cut_off"] = True
        if told:
            attributes["error.type"] = Verdict.IE.value if candidate.failed else type(error).__name__
        number, parent = candidate_number(self._book, program.key), candidate.parent or self._book.root
        self._book.add("candidate", number, parent, candidate.begun, attributes, candidate.happenings, error=told)

    def now(self) -> int:
        return now()

    def executed(self, execution: Execution, run_input: RunInput, begun: int) -> None:
        candidate = self._open.get(execution.program)
        kept = candidate.kept if candidate is not None else self._book.keeps(execution.program)
        failed = execution.verdict is Verdict.IE
        if failed and candidate is not None:
            candidate.failed = True
        if not (kept or failed):
            return
        attributes = of_execution(execution, run_input, self._book.content)
        if failed:
            attributes["error.type"] = Verdict.IE.value
        # Without a candidate under way, an execution belongs to one that ended and was, or was not, kept.
        parent = self._book.root
        if kept or candidate is not None:
            parent = candidate_number(self._book, execution.program)
        self._executions += 1
        number = self._book.number("execution", self._session, self._executions)
        told = f"{_IE}: {execution.detail}" if failed else None
        self._book.add(f"execute {run_input.kind}", number, parent, begun, attributes, error=told)

    def _origin(self, program: StoredProgram) -> tuple[str, int, int]:
        rows = self._store.query("SELECT plan, request, choice FROM samples WHERE idx = ?", program.first_sample)
        return rows[0] if rows else ("", 0, 0)

    # --- the choice -------------------------------------------------------------------------------

    def chosen(self, answer: Answer) -> None:
        """A span for each of the largest clusters; the program's span is named by each event."""
        places = {submission.program: submission for submission in answer.submissions}
        for group in answer.clusters[:_CLUSTERS]:
            shown = [m.key for m in group.members if m.key in places or self._book.keeps(m.key)][:_MEMBERS]
            events = [Happening(EVALUATION, now(), _selection(key, places.get(key))) for key in shown]
            attributes: Attributes = {
                "codesieve.cluster": group.index,
                "codesieve.cluster.samples": group.weight,
                "codesieve.cluster.programs": len(group.members),
            }
            number = self._book.number("cluster", self._session, group.index)
            self._book.add("cluster", number, self._stages[-1], now(), attributes, events, vital=True)


def candidate_number(book: Book, key: str) -> int:
    """The number of a program's span."""
    return book.number("candidate", key)


def _selection(key: str, submission: Submission | None) -> Attributes:
    if submission is None:
        return evaluation("selection", "not submitted", None, program=key)
    return evaluation("selection", "submitted", submission.confidence, program=key, rank=submission.rank)


def _told(error: BaseException | None) -> str | None:
    """An error on one line; an interrupt is none."""
    if error is None or isinstance(error, (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)):
        return None
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
