"""What every sampler offers: requests in, a stream of samples out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

SIDE_PLAN = "side:"
"""Plans that begin so ask for something else than a program; their requests are counted apart, plan by plan."""


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt from which `n` samples are drawn. `index` counts requests of a run from 0."""

    index: int
    messages: tuple[dict[str, str], ...]
    plan: str
    language: str
    temperature: float
    seed: int
    n: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One raw answer of the model with its provenance. (request, choice) is unique within a run."""

    request: int
    choice: int
    text: str
    model: str
    plan: str
    language: str
    temperature: float
    seed: int
    prompt_tokens: int
    completion_tokens: int
    mean_logprob: float | None
    finish_reason: str


class Sampler(Protocol):
    """Streams samples as they finish, in any order.

    `stream` pulls requests lazily and keeps a bounded number in flight; closing the iterator
    (`aclose()`) aborts what is in flight. A sampler that cannot go on raises `UserError` (set-up) or
    `SamplerFailed`.

    replays: True when the stream always begins with the same samples (a recording): a resumed run then
    starts it over and skips what it has, instead of asking for new requests.
    """

    model: str
    replays: bool

    def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]: ...

    async def close(self) -> None: ...


class SamplerFailed(RuntimeError):
    """The sampler died mid-run; what was sampled so far is kept and the run can be resumed."""
