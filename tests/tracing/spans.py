"""Reads traces back, and a run to trace: a real engine and store, with a scripted sampler and executor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import Limits, Outcome, Program, Verdict, make_checker
from solver.choice import choose
from solver.config import RunConfig
from solver.engine import Engine, StopReason
from solver.problem import Example, Problem
from solver.progress import Counts
from solver.samplers import Request, Sample, Sampler
from solver.sieve import Sieve
from solver.store import RunInput, Store
from solver.tracing import TraceOptions, Traces, open_traces

PROBLEM = Problem(name="echo", statement="Print 1. STATEMENT-CANARY", examples=[Example(input="", output="1")])
INPUTS = [RunInput(0, "example", "example 1", ""), RunInput(1, "generated", "g", "2")]


@dataclass
class Span:
    id: str
    parent: str | None
    trace: str
    name: str
    kind: int
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    error: str | None
    begun: int
    ended: int
    children: list[Span] = field(default_factory=list)

    def evaluations(self) -> dict[str, str]:
        """Stage → label."""
        return {e["gen_ai.evaluation.name"]: e["gen_ai.evaluation.score.label"] for e in self.events}


def read(path: Path) -> list[Span]:
    """All spans, each with its children."""
    found = [_span(raw) for line in path.read_text().splitlines() for raw in _raw(json.loads(line))]
    for span in found:
        span.children = [child for child in found if child.parent == span.id]
    return found


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name.split()[0] == name]


def orphans(spans: list[Span]) -> list[Span]:
    """Spans whose parent is not there."""
    ids = {span.id for span in spans}
    return [span for span in spans if span.parent and span.parent not in ids]


def _raw(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in record["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]


def _span(raw: dict[str, Any]) -> Span:
    status = raw.get("status", {})
    return Span(
        raw["spanId"],
        raw.get("parentSpanId") or None,
        raw["traceId"],
        raw["name"],
        raw["kind"],
        _attributes(raw),
        [_attributes(event) | {"name": event["name"]} for event in raw.get("events", [])],
        status.get("message", "") if status.get("code") == 2 else None,
        int(raw["startTimeUnixNano"]),
        int(raw["endTimeUnixNano"]),
    )


def _attributes(raw: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: _value(item["value"]) for item in raw.get("attributes", [])}


def _value(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "arrayValue":
        return [_value(item) for item in content["values"]]
    return int(content) if kind == "intValue" else content


def answer(source: str) -> str:
    return f"```python\n{source}\n```"


class Sampling:
    """Answers the requests that it takes with the texts, in order, then does what `at_the_end` does."""

    model = "scripted"
    replays = False

    def __init__(self, texts: list[str], at_the_end: Exception | None = None) -> None:
        self.texts = texts
        self.at_the_end = at_the_end

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        left = iter(self.texts)
        for request in requests:
            for choice in range(request.n):
                await asyncio.sleep(0)
                text = next(left, None)
                if text is None:
                    if self.at_the_end is not None:
                        raise self.at_the_end
                    return
                yield Sample(
                    request.index, choice, text, "scripted", request.plan, "python", request.temperature,
                    request.seed, 100, 10, None, "stop",
                )  # fmt: skip

    async def close(self) -> None:
        pass


class Executing:
    def __init__(self, outcome: Callable[[str], Outcome]) -> None:
        self.outcome = outcome

    async def run(self, program: Program, stdin: bytes, limits: Limits, **_: object) -> Outcome:
        await asyncio.sleep(0)
        return self.outcome(program.source)


def honest(source: str) -> Outcome:
    """What the word in a program asks for."""
    if "broken" in source:
        return Outcome(Verdict.IE, stderr="the sandbox tripped")
    return Outcome(Verdict.CE) if "unread" in source else Outcome(Verdict.OK, b"1\n" if "right" in source else b"2\n")


def run(
    directory: Path,
    sampler: Sampler,
    *,
    rate: float | None = None,
    content: bool = False,
    traces: Traces | None = None,
    outcome: Callable[[str], Outcome] = honest,
    **config: object,
) -> tuple[StopReason, list[Span]]:
    """One run, or what is left of it, traced into `traces.jsonl` in the directory (or into the traces given)."""
    settings = RunConfig.model_validate({"samples": 100, "agreement": 0, "samples_per_request": 2, **config})
    file = directory / "traces.jsonl"
    opened = traces or open_traces(TraceOptions(file=file, rate=rate, content=content))
    try:
        with Store(directory / "run.sqlite") as store, opened.run(PROBLEM, settings, store) as tracer:
            if not store.inputs():
                store.set_inputs(INPUTS)

            async def open_sampler() -> Sampler:
                return tracer.sampler(sampler)

            counts = Counts()
            checker = make_checker(PROBLEM.checker)
            sieve = Sieve(PROBLEM, INPUTS, Executing(outcome), checker, store, counts, 1.0, tracer)
            runnable = frozenset({"python"})
            engine = Engine(
                PROBLEM,
                settings,
                open_sampler,
                sieve,
                store,
                counts,
                workers=lambda: 1,
                runnable=runnable,
                tracer=tracer,
            )
            with tracer.stage("sample and sieve"):
                reason = asyncio.run(engine.run())
            with tracer.stage("select"):
                tracer.chosen(choose(store, engine.settled_samples, 10, "largest", 0))
    finally:
        lost = opened.close() if traces is None else None
    assert lost is None
    return reason, read(file) if file.exists() else []
