"""The model's opinion, asked of an endpoint, orders the clusters of a whole run, and is asked once."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.answers import PROBLEM, RIGHT, WRONG_WHEN_LARGE, fenced, solve, without_machine
from tests.solver.openai_peer import Peer, Reply, completion

HEAVY, LIGHT = 3, 1  # samples of RIGHT and of WRONG_WHEN_LARGE


class Model(Peer):
    """Writes two programs and prefers the one that fewer samples gave; knows where they differ."""

    async def answer_all(self, request: dict[str, Any]) -> Reply:
        prompt = request["messages"][0]["content"]
        if "Does the program solve" in prompt:
            return completion(request, "Yes" if "t + 1" in prompt else "No")
        if "Which program is more likely" in prompt:
            return completion(request, "A" if prompt.index("t + 1") < prompt.index("Program B") else "B")
        if "Two programs claim" in prompt:
            return completion(request, *["```\n1\n88\n```"] * request.get("n", 1))
        if "Do not solve" in prompt:
            return completion(request, *["I cannot."] * request.get("n", 1))
        return completion(request, *[fenced(s) for s in [RIGHT] * HEAVY + [WRONG_WHEN_LARGE] * LIGHT])


@pytest.fixture
def model() -> Iterator[Model]:
    peer, loop = Model(), asyncio.new_event_loop()
    peer.answer = peer.answer_all
    server = loop.run_until_complete(asyncio.start_server(peer.serve, "127.0.0.1", 0))
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield peer
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def options(model: Model, out: Path, *more: object) -> list[object]:
    budget = ["--samples", 4, "--samples-per-request", 4, "--agreement", 0, "--inputs", 12]
    return [PROBLEM, "--base-url", model.url, "--out", out, "--json", *budget, *more]


def test_the_judge_puts_its_favourite_first_and_is_asked_once(model: Model, tmp_path: Path) -> None:
    more = ["--opinions", 4, "--select", "judge"]
    report = json.loads(solve(*options(model, tmp_path / "run", *more)).stdout)
    first = (tmp_path / "run" / report["submissions"][0]["file"]).read_text()
    assert "t + 1" in first
    opinions = {row["cluster"]: row for row in report["opinions"]}
    assert opinions[1]["judge"] > 0.5 > opinions[0]["judge"]
    assert opinions[1]["tournament"] > 0.5 > opinions[0]["tournament"]
    asked = len(model.requests)
    again = json.loads(solve("resume", tmp_path / "run", "--json").stdout)
    assert without_machine(again) == without_machine(report)
    assert len(model.requests) == asked


def test_the_model_is_asked_where_the_leaders_differ(model: Model, tmp_path: Path) -> None:
    budget = ["--inputs", 1, "--distinguish", 40, "--model-inputs", 4]
    report = json.loads(solve(*options(model, tmp_path / "run", *budget)).stdout)
    assert report["distinguishing"]["found"][0]["text"] == "1\n88\n"
    assert report["distinguishing"]["found"][0]["origin"] == "model:difference"
    assert sorted(text.strip() for text in report["distinguishing"]["found"][0]["outputs"].values()) == ["88", "89"]
    assert report["clusters"]["count"] == 2


def test_without_opinions_nobody_is_asked(model: Model, tmp_path: Path) -> None:
    report = json.loads(solve(*options(model, tmp_path / "run")).stdout)
    assert report["opinions"] == []
    assert len(model.requests) == 1
