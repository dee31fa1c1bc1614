"""What an interrupted run leaves: a report that says so where it is alone, none where others take one for its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sandbox import Sandbox
from solver import session as module
from solver.config import RunConfig
from solver.formats import load_problem
from solver.levels import Interruptible
from solver.rundir import RunDirectory
from solver.samplers.recorded import RecordedSampler
from solver.session import Session, carry_out, count_restart, counts_of
from solver.store import Store
from solver.tracing import NO_TRACER
from tests.e2e.answers import PROBLEM, RIGHT, SUM_OF_ALL, fenced, record


@contextmanager
def at_once(engine: Interruptible) -> Iterator[None]:
    engine.interrupt()
    yield


@contextmanager
def never(engine: Interruptible) -> Iterator[None]:
    yield


async def solved(tmp_path: Path, interrupted_by: Any, *, one_level: bool) -> tuple[dict[str, Any], Path]:
    """Begun, or gone on with: the report that was returned, and where one may be on disk."""
    recording = record(tmp_path / "answers.jsonl", [fenced(RIGHT), fenced(SUM_OF_ALL)])
    config = RunConfig(samples=2, recorded=recording, inputs=2)
    if (tmp_path / "run").exists():
        run, problem, config = RunDirectory.open(tmp_path / "run")
        run.lock()
    else:
        problem = load_problem(PROBLEM)
        run = RunDirectory.create(tmp_path / "run", problem, config)

    async def sampler() -> RecordedSampler:
        return RecordedSampler(recording)

    with Store(run.store_path) as store:
        session = replace(Session(run, problem, config, None, Console(stderr=True), quiet=True), one_level=one_level)
        count_restart(store)
        async with Sandbox(1) as sandbox:
            report = await carry_out(
                session, store, counts_of(config, store), NO_TRACER, sandbox, sampler, interrupted_by
            )
    run.unlock()
    return report, run.report_path


async def test_a_run_alone_that_is_interrupted_says_so_in_its_report(tmp_path: Path) -> None:
    report, path = await solved(tmp_path, at_once, one_level=False)
    assert report["stop_reason"] == json.loads(path.read_text())["stop_reason"] == "interrupted"


async def test_among_many_a_report_is_never_there_before_its_run_is_done(tmp_path: Path) -> None:
    report, path = await solved(tmp_path, at_once, one_level=True)
    assert (report["stop_reason"], path.exists()) == ("interrupted", False)
    report, path = await solved(tmp_path, never, one_level=True)
    assert (report["stop_reason"], json.loads(path.read_text())["stop_reason"]) == ("samples", "samples")


async def test_an_interruption_after_the_last_sample_is_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines: list[Interruptible] = []

    @contextmanager
    def later(engine: Interruptible) -> Iterator[None]:
        engines.append(engine)
        yield

    async def look_closer(*_: object) -> None:
        engines[0].interrupt()

    monkeypatch.setattr(module, "look_closer", look_closer)
    report, path = await solved(tmp_path, later, one_level=True)
    assert (report["stop_reason"], path.exists()) == ("interrupted", False)
    monkeypatch.undo()
    report, _ = await solved(tmp_path, never, one_level=True)
    assert report["stop_reason"] == "samples"
