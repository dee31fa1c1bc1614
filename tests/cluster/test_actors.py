"""What runs inside the actors of a cluster, here without Ray: a real sandbox, a real recording."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sandbox import Limits, Outcome, Program, Verdict
from solver.cluster import sandbox_actor
from solver.cluster.crew import Unfit
from solver.cluster.replica_actor import Impossible, ReplayActor
from solver.cluster.sandbox_actor import OpenSandbox, Refused, SandboxActor
from solver.samplers import Sample


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    rows = [{"problem": name, "request": i, "choice": 0, "text": f"{name} {i}"} for i in range(10) for name in "ab"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def texts(found: object) -> list[str]:
    assert isinstance(found, list)
    assert all(isinstance(sample, Sample) for sample in found)
    return [sample.text for sample in found]


async def test_a_reader_that_is_started_anew_goes_on_after_what_was_delivered(recording: Path) -> None:
    first, second = ReplayActor(), ReplayActor()
    assert texts(await first.take(1, recording, ("a",), "", 0, 4)) == [f"a {i}" for i in range(4)]
    assert texts(await second.take(1, recording, ("a",), "", 4, 4)) == [f"a {i}" for i in range(4, 8)]
    assert texts(await second.take(1, recording, ("a",), "", 8, 4)) == ["a 8", "a 9"]
    assert texts(await second.take(1, recording, ("a",), "", 10, 4)) == []


async def test_a_call_that_is_repeated_brings_the_same_samples(recording: Path) -> None:
    actor = ReplayActor()
    wanted = [f"a {i}" for i in range(3, 6)]
    assert [texts(await actor.take(1, recording, ("a",), "", 3, 3)) for _ in range(2)] == [wanted, wanted]


async def test_several_recordings_are_read_at_once_and_a_problem_without_samples_is_told_apart(recording: Path) -> None:
    actor = ReplayActor()
    assert texts(await actor.take(1, recording, ("a",), "", 0, 1)) == ["a 0"]
    assert texts(await actor.take(2, recording, ("b",), "", 0, 1)) == ["b 0"]
    assert texts(await actor.take(1, recording, ("a",), "", 1, 1)) == ["a 1"]
    nothing = await actor.take(3, recording, ("c",), "", 0, 1)
    assert isinstance(nothing, Impossible)
    assert nothing.no_samples
    missing = await actor.take(4, recording.with_name("missing.jsonl"), ("a",), "", 0, 1)
    assert isinstance(missing, Impossible)
    assert not missing.no_samples


async def test_a_fit_node_says_what_it_offers_and_runs_programs() -> None:
    actor = SandboxActor(1, ("python",), allow_unsafe=False)
    try:
        opened = await actor.open()
        assert isinstance(opened, OpenSandbox)
        assert (opened.workers, "python" in opened.languages) == (1, True)
        outcome = await actor.run(Program("python", "print(6 * 7)"), b"", Limits())
        assert isinstance(outcome, Outcome)
        assert (outcome.verdict, outcome.output) == (Verdict.OK, b"42\n")
        assert isinstance(await actor.run(Program("python", ""), b"", Limits(cpu_seconds=-1)), Refused)
    finally:
        await actor._sandbox.close()


async def test_a_node_that_lacks_a_language_or_room_is_unfit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    actor = SandboxActor(1, ("cpp",), allow_unsafe=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await actor.check() == Unfit("cannot run cpp: no g++ on PATH")
    monkeypatch.undo()
    monkeypatch.setattr(sandbox_actor, "LEAST_DISK_BYTES", shutil.disk_usage("/").total * 1000)
    fault = await actor.check()
    assert fault is not None
    assert fault.reason.startswith("disk full: ")
