"""How busy an engine is: its KV cache, prefix cache and batch, summed up step by step by the engine process; and, seen
from the driver, whether the engine was ever left with less to compute than it had room for.

Plain arithmetic, no vLLM. Not covered: what an engine of somebody else's (an endpoint) does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """Sums since the engine started, over all replicas. seconds: of steps, replica by replica. kv_usage_seconds:
    integral of the share of the KV cache in use; kv_usage_peak: the largest such share. running_seconds: integral of
    the number of sequences in the batch. prefix_queries, prefix_hits: prompt tokens looked up and found in the prefix
    cache. preemptions: sequences thrown out of a full KV cache, to be computed again."""

    seconds: float = 0.0
    kv_usage_seconds: float = 0.0
    kv_usage_peak: float = 0.0
    running_seconds: float = 0.0
    prefix_queries: int = 0
    prefix_hits: int = 0
    preemptions: int = 0

    def since(self, earlier: EngineLoad) -> EngineLoad:
        """What came after `earlier`; the peak is that of the engine's whole life."""
        parts = {field.name: getattr(self, field.name) - getattr(earlier, field.name) for field in fields(self)}
        return EngineLoad(**parts | {"kv_usage_peak": self.kv_usage_peak})

    def beside(self, other: EngineLoad) -> EngineLoad:
        """Of both engines."""
        parts = {field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        return EngineLoad(**parts | {"kv_usage_peak": max(self.kv_usage_peak, other.kv_usage_peak)})

    def plain(self) -> dict[str, float | int | None]:
        """For a report. Shares from 0 to 1; None where nothing was measured."""
        return {
            "kv_cache_usage_mean": _ratio(self.kv_usage_seconds, self.seconds),
            "kv_cache_usage_peak": round(self.kv_usage_peak, 4) if self.seconds else None,
            "prefix_cache_hit_rate": _ratio(self.prefix_hits, self.prefix_queries),
            "prefix_cache_queries": self.prefix_queries,
            "running_mean": _ratio(self.running_seconds, self.seconds),
            "preemptions": self.preemptions,
        }


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


class LoadMeter:
    """Makes an `EngineLoad` out of what an engine says after each step."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[int, tuple[float, float, int]] = {}  # replica -> time, KV usage, sequences after its last step
        self.load = EngineLoad()

    def step(
        self, replica: int, running: int, kv_usage: float, prefix_queries: int, prefix_hits: int, preemptions: int
    ) -> None:
        """running, kv_usage: after the step. The others: of this step alone.

        The time between two steps belongs to the state after the first; an engine at rest takes no steps, and its
        rest is not counted.
        """
        now, was = self._clock(), self.load
        begun, usage, sequences = self._last.get(replica, (now, 0.0, 0))
        seconds = now - begun if sequences else 0.0
        self._last[replica] = now, kv_usage, running
        self.load = EngineLoad(
            seconds=was.seconds + seconds,
            kv_usage_seconds=was.kv_usage_seconds + seconds * usage,
            kv_usage_peak=max(was.kv_usage_peak, kv_usage),
            running_seconds=was.running_seconds + seconds * sequences,
            prefix_queries=was.prefix_queries + prefix_queries,
            prefix_hits=was.prefix_hits + prefix_hits,
            preemptions=was.preemptions + preemptions,
        )


class Feed:
    """The driver's side: samples that the engine has been asked for and has not answered, against what it can compute
    together. `longest_gap` (seconds) is the longest spell in which it had fewer although somebody had more to ask: the
    model waiting for programs, the disk or the driver."""

    def __init__(self, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        """capacity: sequences of a full batch, of all replicas."""
        self._capacity = capacity
        self._clock = clock
        self._owed: dict[int, int] = {}
        self._in_engine = 0
        self._asking = 0
        self._since: float | None = None
        self._longest = 0.0

    @property
    def longest_gap(self) -> float:
        ongoing = 0.0 if self._since is None else self._clock() - self._since
        return max(self._longest, ongoing)

    def opened(self) -> None:
        """A stream begins that has requests to give."""
        self._asking += 1
        self._look()

    def exhausted(self) -> None:
        """A stream has given its last request, or is closed before that."""
        self._asking -= 1
        self._look()

    def asked(self, id: int, samples: int) -> None:
        self._owed[id] = samples
        self._in_engine += samples
        self._look()

    def answered(self, id: int) -> None:
        """One sample of what was asked for as `id` is there."""
        left = self._owed.get(id, 0)
        if left:
            self._in_engine -= 1
            self._owed[id] = left - 1
            if left == 1:
                del self._owed[id]
            self._look()

    def forgotten(self, id: int) -> None:
        """Nothing more of it will come, or is wanted."""
        self._in_engine -= self._owed.pop(id, 0)
        self._look()

    def _look(self) -> None:
        starved = self._asking > 0 and self._in_engine < self._capacity
        if starved and self._since is None:
            self._since = self._clock()
        elif not starved and self._since is not None:
            self._longest = max(self._longest, self._clock() - self._since)
            self._since = None
