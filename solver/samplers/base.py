"""What every sampler offers: requests in, a stream of samples out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from solver.samplers.engine_load import EngineLoad

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


@dataclass(frozen=True, slots=True)
class SamplerStats:
    """What a sampler's engine has done so far. seconds: wall seconds since the first request. longest_gap: the longest
    spell, in seconds, in which the engine had less to compute than it had room for although there was more to ask.
    devices: of all replicas together; a CPU counts as one."""

    samples: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    longest_gap: float = 0.0
    devices: int = 1
    load: EngineLoad = field(default_factory=EngineLoad)

    @property
    def tokens_per_second(self) -> float:
        """Completion tokens of finished samples per second."""
        return self.completion_tokens / self.seconds if self.seconds else 0.0

    def since(self, earlier: SamplerStats) -> SamplerStats:
        """What came after `earlier`; gap and peak are those of the whole life."""
        return SamplerStats(
            samples=self.samples - earlier.samples,
            prompt_tokens=self.prompt_tokens - earlier.prompt_tokens,
            cached_prompt_tokens=self.cached_prompt_tokens - earlier.cached_prompt_tokens,
            completion_tokens=self.completion_tokens - earlier.completion_tokens,
            seconds=self.seconds - earlier.seconds,
            longest_gap=self.longest_gap,
            devices=self.devices,
            load=self.load.since(earlier.load),
        )

    def beside(self, other: SamplerStats) -> SamplerStats:
        """Both engines as one; they worked at the same time."""
        return SamplerStats(
            samples=self.samples + other.samples,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_prompt_tokens=self.cached_prompt_tokens + other.cached_prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            seconds=max(self.seconds, other.seconds),
            longest_gap=max(self.longest_gap, other.longest_gap),
            devices=self.devices + other.devices,
            load=self.load.beside(other.load),
        )

    def plain(self) -> dict[str, float | int | None]:
        """For a report: what the engine did, its caches, its longest wait."""
        share = self.cached_prompt_tokens / self.prompt_tokens if self.prompt_tokens else None
        return {
            "devices": self.devices,
            "seconds": round(self.seconds, 3),
            "samples": self.samples,
            "completion_tokens": self.completion_tokens,
            "prompt_tokens": self.prompt_tokens,
            "prompt_tokens_cached": None if share is None else round(share, 4),
            "longest_gap_seconds": round(self.longest_gap, 3),
            **self.load.plain(),
        }


def stats_of(sampler: Sampler) -> SamplerStats | None:
    """None for a sampler that keeps none: a recording, an endpoint."""
    found = getattr(sampler, "stats", None)
    return found if isinstance(found, SamplerStats) else None
