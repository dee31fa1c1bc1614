"""What one run made a sampler's engine do, for its report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from solver.samplers.base import Sampler, SamplerStats, stats_of


class SamplerUse:
    """What a sampler's engine did from the moment a run first asked for it: all of its work, also where others share
    it. A run that changes its sampler is told of the last."""

    def __init__(self, open_sampler: Callable[[], Awaitable[Sampler]]) -> None:
        self._open_sampler = open_sampler
        self._sampler: Sampler | None = None
        self._before = SamplerStats()

    async def opened(self) -> Sampler:
        """The run's sampler."""
        sampler = await self._open_sampler()
        if self._sampler is not sampler:
            self._sampler = sampler
            self._before = stats_of(sampler) or SamplerStats()
        return sampler

    def plain(self) -> dict[str, float | int | None] | None:
        """None where no sampler was opened, or one that keeps no statistics."""
        now = None if self._sampler is None else stats_of(self._sampler)
        return None if now is None else now.since(self._before).plain()
