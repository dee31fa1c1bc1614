"""Recorded samples: a file of answers, replayed in the order in which they were written.

Shapes, told apart line by line (JSON Lines, plain or gzip):

- ours, one sample a line: `{"problem": …, "request": …, "choice": …, "text": …, …}` (the fields of Sample);
- a pool, one problem a line: `{"problem" | "task_id": …, "samples": [text | {"text" | "completion": …}]}`;
  with a `prompt` the samples are completions of it;
- the output of `vllm run-batch` or of a batch API: `{"custom_id": …, "response": {"body": {"choices": …}}}`,
  where a `custom_id` of the form `PROBLEM#anything` names the problem.

The content of requests is ignored; only their total number of samples is respected. Samples of a `side:` plan are
given to requests of that plan alone. The file may be larger than memory; lines are read as they are needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import itertools
import json
import zlib
from collections.abc import AsyncIterator, Collection, Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, BinaryIO

from solver.errors import UserError
from solver.samplers.base import SIDE_PLAN, Request, Sample
from solver.samplers.text import storable

MAX_LINE_BYTES = 256 * 2**20
_BATCH = 64  # samples read in one go
_NAMES_SHOWN = 5


class RecordedSampler:
    """Replays the samples of `path`, each with the (request, choice) it was recorded with; a Sampler.

    problem: keep only the records of this problem, given by its name or by several names for it; None: all.
    `skipped` counts recorded answers that were failures of the recording service.
    """

    replays = True

    def __init__(self, path: Path, problem: str | Collection[str] | None = None) -> None:
        self.path = path
        self.model = f"recorded:{path.name}"
        self.skipped = 0
        self._wanted = {problem} if isinstance(problem, str) else None if problem is None else set(problem)
        self._seen: dict[str, None] = {}  # a few names of the file, for the error message

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        """As many recorded samples as the requests ask for, in recorded order; fewer if there are fewer.

        Raises UserError for a file that cannot be read, a broken line (with its number), or a problem that
        is not in the file.
        """
        first = next(requests, None)
        side = first.plan if first is not None and first.plan.startswith(SIDE_PLAN) else ""
        requests = itertools.chain([first] if first is not None else [], requests)
        samples = self._samples(side)
        wanted, found = 0, False
        try:
            while True:
                while wanted < _BATCH and (request := next(requests, None)) is not None:
                    wanted += request.n
                if not wanted:
                    return
                batch = await asyncio.to_thread(_take, samples, min(wanted, _BATCH))
                if not batch:
                    break
                found = True
                wanted -= len(batch)
                for sample in batch:
                    yield sample
        finally:
            # Cancelled while the thread reads: the file is then closed when the thread lets go of it.
            with contextlib.suppress(ValueError):
                samples.close()
        if side:
            return
        if not found and self._seen:
            names = ", ".join(repr(name) for name in self._seen)
            wished = " or ".join(repr(name) for name in sorted(self._wanted or ()))
            raise UserError(f"{self.path}: no samples of {wished} in this recording; it has {names}")
        if not found:
            raise UserError(f"{self.path}: no samples in this recording; give one that has some")

    async def close(self) -> None:
        """Nothing to close: the file is open only while a stream is read."""

    def _samples(self, side: str) -> Generator[Sample]:
        ordinal = 0  # counts matching pool lines, which number their samples themselves
        for number, record in self._records():
            try:
                problem = _problem_of(record)
                if self._wanted is not None and problem is not None and problem not in self._wanted:
                    if len(self._seen) < _NAMES_SHOWN:
                        self._seen[problem] = None
                    continue
                if "response" in record and "custom_id" in record:
                    if not _batch_answer(record):
                        self.skipped += 1
                        continue
                    found = _from_batch(record, ordinal)
                elif "samples" in record:
                    found = _from_pool(record, ordinal)
                else:
                    found = iter((_from_ours(record),))
                for sample in found:
                    if (sample.plan if sample.plan.startswith(SIDE_PLAN) else "") == side:
                        yield sample
            except _BadRecord as error:
                raise UserError(f"{self.path}:{number}: {error}") from None
            ordinal += 1

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        try:
            with _open(self.path) as stream:
                while line := stream.readline(MAX_LINE_BYTES + 1):
                    number += 1
                    if len(line) > MAX_LINE_BYTES:
                        raise UserError(f"{self.path}:{number}: a line over {MAX_LINE_BYTES >> 20} MiB; split it")
                    if not line.strip():
                        continue
                    record = json.loads(line)
                    if not isinstance(record, dict):
                        raise UserError(f"{self.path}:{number}: not a JSON object, which each line must be")
                    yield number, record
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UserError(f"{self.path}: broken gzip after line {number} ({error}); write it again") from error
        except OSError as error:
            raise UserError(f"{self.path}: cannot read the recording ({error.strerror or error})") from error
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise UserError(f"{self.path}:{number}: not valid JSON ({reason}); mend the line") from error


class SampleWriter:
    """Writes samples in our shape to `path`; gzip when it ends in .gz, byte for byte reproducible."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("wb")
        self._gzip = gzip.GzipFile("", "wb", 9, self._raw, mtime=0) if path.suffix == ".gz" else None
        self._text = io.TextIOWrapper(self._gzip or self._raw, "utf-8", newline="\n")

    def write(self, problem: str, sample: Sample) -> None:
        write_sample(self._text, problem, sample)

    def close(self) -> None:
        self._text.close()
        self._raw.close()

    def __enter__(self) -> SampleWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_sample(stream: IO[str], problem: str, sample: Sample) -> None:
    """Appends one line in our shape, with the name of the problem that the sample answers."""
    stream.write(json.dumps({"problem": problem, **asdict(sample)}) + "\n")


class _BadRecord(Exception):
    """What is wrong with a line; becomes a UserError with the line's number."""


def _take(samples: Iterator[Sample], count: int) -> list[Sample]:
    return list(itertools.islice(samples, count))


def _open(path: Path) -> BinaryIO | gzip.GzipFile:
    stream = path.open("rb")
    magic = stream.peek(4)[:4]
    if magic[:2] == b"\x1f\x8b":
        stream.close()
        return gzip.open(path, "rb")
    if magic == b"\x28\xb5\x2f\xfd":
        stream.close()
        raise UserError(f"{path}: Zstandard files are not read directly; decompress it with `zstd -d` first")
    return stream


def _problem_of(record: dict[str, Any]) -> str | None:
    for key in ("problem", "task_id", "problem_id"):
        if record.get(key) is not None:
            return str(record[key])
    name, mark, _ = str(record.get("custom_id", "")).rpartition("#")
    return name if mark else None


def _value(record: dict[str, Any], key: str, kinds: type | tuple[type, ...], default: Any) -> Any:
    value = record.get(key)
    if value is None:
        return default
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise _BadRecord(f"`{key}` is {type(value).__name__}, which is not what a recording has there")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise _BadRecord(f"`{key}` is missing or not a text")
    return storable(value)


def _from_ours(record: dict[str, Any]) -> Sample:
    if "text" not in record:
        keys = ", ".join(list(record)[:8]) or "none"
        raise _BadRecord(f"not a recorded sample: no `text`, `samples` or `response` (its keys: {keys})")
    for key in ("request", "choice"):
        if not isinstance(record.get(key), int):
            raise _BadRecord(f"`{key}` is missing or not a number")
    logprob = _value(record, "mean_logprob", (int, float), None)
    return Sample(
        request=record["request"],
        choice=record["choice"],
        text=_text(record["text"], "text"),
        mean_logprob=None if logprob is None else float(logprob),
        prompt_tokens=_value(record, "prompt_tokens", int, 0),
        completion_tokens=_value(record, "completion_tokens", int, 0),
        finish_reason=_value(record, "finish_reason", str, "stop"),
        **_provenance(record),
    )


def _provenance(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": _value(record, "model", str, "unknown"),
        "plan": _value(record, "plan", str, "recorded"),
        "language": _value(record, "language", str, "python"),
        "temperature": float(_value(record, "temperature", (int, float), 0.0)),
        "seed": _value(record, "seed", int, 0),
    }


def _from_pool(record: dict[str, Any], ordinal: int) -> Iterator[Sample]:
    prompt = _value(record, "prompt", str, "")
    provenance = _provenance(record)
    for choice, item in enumerate(_value(record, "samples", list, [])):
        sample = item if isinstance(item, dict) else {"text": item}
        key = "completion" if "completion" in sample else "text"
        yield Sample(
            request=ordinal,
            choice=choice,
            text=_text(prompt, "prompt") + _text(sample.get(key), f"samples[{choice}].{key}"),
            prompt_tokens=0,
            completion_tokens=_value(sample, "tokens", int, 0),
            mean_logprob=_value(sample, "mean_logprob", (int, float), None),
            finish_reason=_value(sample, "finish_reason", str, "stop"),
            **provenance,
        )


def _batch_answer(record: dict[str, Any]) -> dict[str, Any] | None:
    """The answer's body; None when the batch service recorded a failure."""
    response = record["response"]
    if not isinstance(response, dict) or record.get("error") or response.get("status_code", 200) != 200:
        return None
    return response.get("body") if isinstance(response.get("body"), dict) else None


def _from_batch(record: dict[str, Any], ordinal: int) -> Iterator[Sample]:
    body = record["response"]["body"]
    choices = _value(body, "choices", list, [])
    usage = _value(body, "usage", dict, {})
    # A batch records tokens for all choices together.
    tokens = _value(usage, "completion_tokens", int, 0) // max(1, len(choices))
    for position, choice in enumerate(choices):
        if not isinstance(choice, dict):
            raise _BadRecord(f"`choices[{position}]` is not an object")
        message = _value(choice, "message", dict, None)
        text = message.get("content") if message is not None else choice.get("text")
        yield Sample(
            request=ordinal,
            choice=_value(choice, "index", int, position),
            text=_text(text if text is not None else "", f"choices[{position}].message.content"),
            prompt_tokens=_value(usage, "prompt_tokens", int, 0),
            completion_tokens=tokens,
            mean_logprob=None,
            finish_reason=_value(choice, "finish_reason", str, "stop"),
            **_provenance(body | {"language": record.get("language")}),
        )
