"""From one record of a recording to the samples that it holds.

Shapes, told apart record by record:

- ours, one sample: `{"problem": …, "request": …, "choice": …, "text": …, …}` (the fields of Sample);
- a pool, one problem: `{"problem" | "task_id": …, "samples": [text | {"text" | "completion": …}]}`;
  with a `prompt` the samples are completions of it;
- the output of `vllm run-batch` or of a batch API: `{"custom_id": …, "response": {"body": {"choices": …}}}`,
  where a `custom_id` of the form `PROBLEM#anything` names the problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from solver.samplers.base import Sample
from solver.samplers.text import storable

Record = dict[str, Any]


class BadRecord(Exception):
    """What is wrong with a record."""


def row_of(problem: str, sample: Sample) -> Record:
    """A sample in our shape, with the name of the problem that it answers."""
    return {"problem": problem, **asdict(sample)}


def line_of(problem: str, sample: Sample) -> bytes:
    """The line of JSON that holds `row_of`."""
    return json.dumps(row_of(problem, sample)).encode() + b"\n"


def line_beginning(problem: str) -> bytes:
    """How every `line_of` this problem begins, and no other."""
    return json.dumps({"problem": problem})[:-1].encode() + b","


def samples_of(record: Record, ordinal: int) -> Iterator[Sample] | None:
    """What the record holds; None for a failure that a batch service recorded.

    ordinal: stands for the request where the shape has no number of its own. Raises BadRecord, also while iterating.
    """
    if "response" in record and "custom_id" in record:
        return _from_batch(record, ordinal) if _batch_answer(record) else None
    if "samples" in record:
        return _from_pool(record, ordinal)
    return iter((_from_ours(record),))


def problem_of(record: Record) -> str | None:
    """The name of the problem that a record answers; None when it says none."""
    for key in ("problem", "task_id", "problem_id"):
        if record.get(key) is not None:
            return str(record[key])
    name, mark, _ = str(record.get("custom_id", "")).rpartition("#")
    return name if mark else None


def _value(record: Record, key: str, kinds: type | tuple[type, ...], default: Any) -> Any:
    value = record.get(key)
    if value is None:
        return default
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise BadRecord(f"`{key}` is {type(value).__name__}, which is not what a recording has there")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise BadRecord(f"`{key}` is missing or not a text")
    return storable(value)


def _from_ours(record: Record) -> Sample:
    if "text" not in record:
        keys = ", ".join(list(record)[:8]) or "none"
        raise BadRecord(f"not a recorded sample: no `text`, `samples` or `response` (its keys: {keys})")
    for key in ("request", "choice"):
        if not isinstance(record.get(key), int):
            raise BadRecord(f"`{key}` is missing or not a number")
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


def _provenance(record: Record) -> dict[str, Any]:
    return {
        "model": _value(record, "model", str, "unknown"),
        "plan": _value(record, "plan", str, "recorded"),
        "language": _value(record, "language", str, "python"),
        "temperature": float(_value(record, "temperature", (int, float), 0.0)),
        "seed": _value(record, "seed", int, 0),
    }


def _from_pool(record: Record, ordinal: int) -> Iterator[Sample]:
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


def _batch_answer(record: Record) -> dict[str, Any] | None:
    """The answer's body; None when the batch service recorded a failure."""
    response = record["response"]
    if not isinstance(response, dict) or record.get("error") or response.get("status_code", 200) != 200:
        return None
    return response.get("body") if isinstance(response.get("body"), dict) else None


def _from_batch(record: Record, ordinal: int) -> Iterator[Sample]:
    body = record["response"]["body"]
    choices = _value(body, "choices", list, [])
    usage = _value(body, "usage", dict, {})
    # A batch records tokens for all choices together.
    tokens = _value(usage, "completion_tokens", int, 0) // max(1, len(choices))
    for position, choice in enumerate(choices):
        if not isinstance(choice, dict):
            raise BadRecord(f"`choices[{position}]` is not an object")
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
