"""Recorded samples: every shape replayed in order, and one clear line for whatever is wrong."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from solver.errors import UserError
from solver.samplers import Request, Sample
from solver.samplers.recorded import RecordedSampler, SampleWriter
from solver.samplers.text import storable

SAMPLE = Sample(
    request=3, choice=1, text="print(1)", model="m", plan="direct", language="python", temperature=0.8, seed=5,
    prompt_tokens=10, completion_tokens=4, mean_logprob=-0.25, finish_reason="stop",
)  # fmt: skip


def asking_for(total: int) -> Iterator[Request]:
    return iter([Request(0, (), "direct", "python", 0.8, 0, total, 100)] if total else [])


async def replay(path: Path, problem: str | None = None, total: int = 1000) -> list[Sample]:
    return [sample async for sample in RecordedSampler(path, problem).stream(asking_for(total))]


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def pool(problem: str, *texts: Any) -> dict[str, Any]:
    return {"problem": problem, "model": "m", "temperature": 0.5, "samples": list(texts)}


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz", "run.jsonl.zst"])
async def test_what_is_written_is_replayed_field_for_field(tmp_path: Path, name: str) -> None:
    samples = [replace(SAMPLE, request=n, mean_logprob=None if n else -1.5) for n in range(150)]
    with SampleWriter(tmp_path / name) as writer:
        for sample in samples:
            writer.write("p", sample)
    assert await replay(tmp_path / name, "p") == samples


@given(text=st.text())
def test_any_text_survives_writing(text: str) -> None:
    assert storable(text) == text


def test_the_same_samples_are_written_as_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with SampleWriter(tmp_path / name) as writer:
            writer.write("p", SAMPLE)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


async def test_a_pool_is_replayed_in_recorded_order(tmp_path: Path) -> None:
    items = [{"text": "a", "tokens": 7, "finish_reason": "length"}, "b", {"completion": "c"}]
    path = jsonl(tmp_path / "pool.jsonl", pool("p", *items))
    samples = await replay(path, "p")
    assert [(s.request, s.choice, s.text) for s in samples] == [(0, 0, "a"), (0, 1, "b"), (0, 2, "c")]
    assert (samples[0].completion_tokens, samples[0].finish_reason, samples[0].temperature) == (7, "length", 0.5)


async def test_completions_of_a_prompt_are_replayed_with_the_prompt(tmp_path: Path) -> None:
    record = {"task_id": "HumanEval/0", "prompt": "def f():\n", "samples": ["    return 1\n"]}
    (sample,) = await replay(jsonl(tmp_path / "h.jsonl", record), "HumanEval/0")
    assert sample.text == "def f():\n    return 1\n"


async def test_the_output_of_a_batch_run_is_replayed_and_its_failures_are_counted(tmp_path: Path) -> None:
    choices = [{"index": i, "message": {"content": f"c{i}"}, "finish_reason": "stop"} for i in range(2)]
    body = {"model": "m", "choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 10}}
    path = jsonl(
        tmp_path / "batch.jsonl",
        {"custom_id": "p#0", "response": {"status_code": 200, "body": body}, "error": None},
        {"custom_id": "p#1", "response": {"status_code": 500, "body": {}}, "error": None},
        {"custom_id": "p#2", "response": None, "error": {"message": "lost"}},
        {"custom_id": "q#0", "response": {"status_code": 200, "body": body}, "error": None},
    )
    sampler = RecordedSampler(path, "p")
    samples = [sample async for sample in sampler.stream(asking_for(100))]
    assert [(s.text, s.prompt_tokens, s.completion_tokens, s.model) for s in samples] == [
        ("c0", 9, 5, "m"),
        ("c1", 9, 5, "m"),
    ]
    assert sampler.skipped == 2


async def test_no_two_samples_of_several_pool_lines_share_their_key(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "pool.jsonl", pool("p", "a", "b"), pool("q", "x"), pool("p", "c"))
    keys = [(s.request, s.choice) for s in await replay(path, "p")]
    assert len(keys) == 3
    assert len(set(keys)) == 3


@given(total=st.integers(0, 300), recorded=st.integers(1, 200))
async def test_no_more_samples_come_than_are_asked_for(
    tmp_path_factory: pytest.TempPathFactory, total: int, recorded: int
) -> None:
    path = jsonl(tmp_path_factory.mktemp("pool") / "p.jsonl", pool("p", *(str(n) for n in range(recorded))))
    samples = await replay(path, "p", total)
    assert [s.text for s in samples] == [str(n) for n in range(min(total, recorded))]


async def test_a_broken_line_after_the_last_sample_needed_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_text(json.dumps(pool("p", "a", "b")) + "\nbroken\n")
    assert len(await replay(path, "p", 2)) == 2


async def test_half_a_surrogate_pair_becomes_a_replacement_character(tmp_path: Path) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_text('{"problem": "p", "samples": ["x\\ud800y", "\\ud83d\\ude00"]}\n')
    assert [s.text for s in await replay(path)] == ["x\ufffdy", "\U0001f600"]


async def test_an_unknown_problem_is_answered_with_names_that_are_there(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "pool.jsonl", *(pool(f"p{n}", "a") for n in range(9)))
    with pytest.raises(UserError, match=r"no samples of 'zzz'.*'p0', 'p1', 'p2', 'p3', 'p4'$"):
        await replay(path, "zzz")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no samples in this recording"),
        (b"\n\n", "no samples in this recording"),
        (b'{"problem": "p", "samples": []}', "no samples in this recording"),
        (b'{"samples": ["a"]}\n{"samples": [', ":2: not valid JSON"),
        (b'{"samples": ["a"]}\n[1, 2]\n', ":2: not a JSON object"),
        (b'{"samples": ["a"]}\n\xff\xfe\n', ":2: not valid JSON"),
        (b'{"a": ' + b"[" * 100_000, ":1: not valid JSON"),
        (b'{"colour": "red"}', ":1: not a recorded sample.*its keys: colour"),
        (b'{"text": "a", "choice": 0}', ":1: `request` is missing"),
        (b'{"text": null, "request": 0, "choice": 0}', ":1: `text` is missing or not a text"),
        (b'{"text": "a", "request": 0, "choice": 0, "seed": "x"}', ":1: `seed` is str"),
        (b'{"text": "a", "request": 0, "choice": 0, "temperature": true}', ":1: `temperature` is bool"),
        (b'{"samples": "abc"}', ":1: `samples` is str"),
        (b'{"samples": [{"text": 5}]}', r":1: `samples\[0\].text` is missing or not a text"),
        (b'{"samples": [null]}', r":1: `samples\[0\].text` is missing or not a text"),
        (b'{"custom_id": "x", "response": {"body": {"choices": [7]}}}', r":1: `choices\[0\]` is not an object"),
        (b"\x28\xb5\x2f\xfd....", "broken Zstandard"),
        (zstandard.compress(b'{"samples": ["a"]}\n' * 1000)[:-5], "broken Zstandard.*ends within a frame"),
        (b"PAR1" + b"x" * 100, "broken Parquet"),
        (b"\x1f\x8b\x08\x00garbage", "broken gzip"),
        (gzip.compress(b'{"samples": ["a"]}\n' * 1000)[:60], "broken gzip"),
    ],
)
async def test_a_broken_recording_is_one_clear_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "recording"
    path.write_bytes(content)
    with pytest.raises(UserError, match=expected) as caught:
        await replay(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_recording_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(UserError, match="cannot read the recording"):
            await replay(path)


async def test_every_pool_of_the_shared_data_is_replayed_whole(shared_data: Path) -> None:
    path = shared_data / "samples" / "stdin_qwen1.5b.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        pools = [json.loads(line) for line in lines]
    for recorded in pools:
        samples = await replay(path, str(recorded["problem"]))
        assert [s.text for s in samples] == [item["text"] for item in recorded["samples"]]
