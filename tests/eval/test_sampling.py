"""Sampling many problems to shards: everything planned is asked for once, on whatever machine, after whatever crash."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import Skipped
from eval.sampling.config import SampleConfig, make_sample_config
from eval.sampling.drive import SampleDriver, Tally
from solver.config import make_config
from solver.problem import Example, Problem
from solver.samplers import Request, Sample, SamplerFailed
from solver.samplers.recordings import ShardWriter, open_source
from solver.testgen import input_requests

Key = tuple[str, str, int, int]


class Model:
    """Answers everything, choices of a request last to first; dies before answer number `dies_at`."""

    model, replays = "m", False

    def __init__(self, dies_at: int | None = None) -> None:
        self.seeds: list[int] = []
        self._dies_at = dies_at

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        for request in requests:
            for choice in reversed(range(request.n)):
                await asyncio.sleep(0)
                if len(self.seeds) == self._dies_at:
                    raise SamplerFailed("the model died")
                self.seeds.append(request.seed + choice)
                yield Sample(
                    request.index, choice, f"{request.messages[0]['content']}#{request.seed + choice}", "m",
                    request.plan, request.language, request.temperature, request.seed, 1, 1, None, "stop",
                )  # fmt: skip

    async def close(self) -> None:
        pass


class Replay:
    """A recording of two models, each of which numbers its samples from 0."""

    model, replays = "recorded:two", True

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        for model in ("small", "large"):
            for number in range(3):
                yield Sample(number, 0, f"{model} {number}", model, "direct", "python", 0.8, 0, 1, 1, None, "stop")

    async def close(self) -> None:
        pass


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    folder = tmp_path / "problems"
    for name in ("a", "b", "c", "d", "e"):
        (folder / name).mkdir(parents=True)
        problem = Problem(name=name, statement=f"Problem {name}.", examples=[Example(input="1", output="1")])
        (folder / name / "problem.json").write_text(problem.model_dump_json())
    return folder


def config(problems: Path, *, shard: tuple[int, int] | None = None, **fields: Any) -> SampleConfig:
    run = {"samples": 10, "samples_per_request": 4, **fields.pop("run", {})}
    data = {"name": "jsonl", "path": str(problems), "shard": shard}
    return make_sample_config(data, make_config(**run), **fields)


async def draw(root: Path, wanted: SampleConfig, model: Model | Replay) -> Tally:
    tally = Tally(told=lambda skipped: None)

    async def opened(problem: Problem) -> Model | Replay:
        return model

    with ShardWriter(root, wanted.form, part_bytes=4000) as writer:
        await SampleDriver(wanted, writer, opened, tally).run()
    return tally


def drawn(root: Path) -> dict[Key, tuple[str, int]]:
    """(problem, side plan, request, choice) → (text, seed); no key twice."""
    found: dict[Key, tuple[str, int]] = {}
    for _, row in open_source(root).records(None):
        side = row["plan"] if row["plan"].startswith("side:") else ""
        key = row["problem"], side, row["request"], row["choice"]
        assert key not in found, f"{key} is there twice"
        found[key] = row["text"], row["seed"]
    return found


async def test_all_samples_of_all_problems_are_drawn_by_one_sampler(problems: Path, tmp_path: Path) -> None:
    model = Model()
    await draw(tmp_path / "s", config(problems), model)
    wanted = {(name, "", at // 4, at % 4) for name in "abcde" for at in range(10)}
    assert drawn(tmp_path / "s").keys() == wanted
    assert len(model.seeds) == 50


@pytest.mark.parametrize("dies_at", range(0, 50, 7))
async def test_what_died_and_went_on_holds_what_an_undisturbed_session_would(
    problems: Path, tmp_path: Path, dies_at: int
) -> None:
    """Texts of the model depend on prompt and seed, so equal texts mean equal questions."""
    await draw(tmp_path / "calm", config(problems), Model())
    first, second = Model(dies_at), Model()
    with pytest.raises(SamplerFailed):
        await draw(tmp_path / "s", config(problems), first)
    await draw(tmp_path / "s", config(problems), second)
    assert drawn(tmp_path / "s") == drawn(tmp_path / "calm")
    assert len(first.seeds) + len(second.seeds) == 50, "something was asked twice"


async def test_a_finished_directory_asks_nothing_and_opens_no_model(problems: Path, tmp_path: Path) -> None:
    await draw(tmp_path / "s", config(problems), Model())

    async def never(problem: Problem) -> Model:
        raise AssertionError("a model was loaded for nothing")

    with ShardWriter(tmp_path / "s") as writer:
        await SampleDriver(config(problems), writer, never, Tally(told=lambda skipped: None)).run()


@pytest.mark.parametrize("by", ["problems", "requests"])
async def test_shards_together_hold_what_one_machine_would_and_share_nothing(
    problems: Path, tmp_path: Path, by: str
) -> None:
    await draw(tmp_path / "whole", config(problems), Model())
    parts = []
    for number in range(3):
        split = {"shard": (number, 3)} if by == "problems" else {"requests": (number, 3)}
        await draw(tmp_path / "all" / str(number), config(problems, **split), Model())
        parts.append(drawn(tmp_path / "all" / str(number)))
    assert all(parts)
    assert sum(map(len, parts)) == 50
    assert drawn(tmp_path / "all") == drawn(tmp_path / "whole")


async def test_shards_by_requests_take_parts_of_every_problem(problems: Path, tmp_path: Path) -> None:
    await draw(tmp_path / "s", config(problems, requests=(1, 3)), Model())
    assert {(name, request) for name, _, request, _ in drawn(tmp_path / "s")} == {(name, 1) for name in "abcde"}


async def test_what_model_inputs_will_ask_is_drawn_too(problems: Path, tmp_path: Path) -> None:
    wanted = config(problems, run={"model_inputs": 8})
    await draw(tmp_path / "s", wanted, Model())
    plans = {(plan, request, choice) for name, plan, request, choice in drawn(tmp_path / "s") if name == "a" and plan}
    asked = [r for requests in input_requests(Problem(name="a", statement="?"), 8, 0) for r in requests]
    assert plans == {(r.plan, r.index, choice) for r in asked for choice in range(r.n)}


async def test_a_problem_without_examples_is_not_sampled_and_told(problems: Path, tmp_path: Path) -> None:
    (problems / "b" / "problem.json").write_text(Problem(name="b", statement="No example.").model_dump_json())
    told: list[Skipped] = []

    async def opened(problem: Problem) -> Model:
        return Model()

    with ShardWriter(tmp_path / "s") as writer:
        await SampleDriver(config(problems), writer, opened, Tally(told=told.append)).run()
    assert [one.problem for one in told] == ["b"]
    assert {name for name, *_ in drawn(tmp_path / "s")} == set("acde")


async def test_a_recording_of_two_models_is_copied_whole_and_once(problems: Path, tmp_path: Path) -> None:
    wanted = config(problems, run={"samples": 6, "recorded": str(tmp_path)})
    for _ in range(2):
        await draw(tmp_path / "s", wanted, Replay())
    found = [(row["model"], row["text"]) for _, row in open_source(tmp_path / "s").records({"a"})]
    assert found == [(model, f"{model} {number}") for model in ("small", "large") for number in range(3)]
